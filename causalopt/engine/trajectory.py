"""One trajectory in machine code: the arrays of generated Python, a hundred times sooner."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.frame import Frame
from causalopt.engine.kernel import BLOCK, COUNTS, elementary_text, kernel_text
from causalopt.engine.native import FULL, QUICK, STRAIGHT, Effort, Library, load_library, processor
from causalopt.engine.outcome import Tangents, Trajectory
from causalopt.engine.plan import Plan
from causalopt.engine.program import WHOLE, Program, operation_count
from causalopt.engine.python import Progress
from causalopt.engine.stretch import CONTEXT
from causalopt.expressions import Term
from causalopt.template import Structure

LLVM = "llvm"
_QUICK_WORK = 2_000_000_000  # operations that even plain code does within a few seconds
_FEW = 500  # steps too few to optimise for
_CALL = 1 << 20  # steps between two reports of progress; a multiple of BLOCK


@dataclasses.dataclass(frozen=True)
class Code:
    """Compiled step code of one trajectory.

    Attributes:
        advance: The function.
        frame: The state between two calls.
        library: What owns the machine code.
    """

    advance: Any
    frame: Frame
    library: Library


@functools.lru_cache(maxsize=64)
def code_for(
    structure: Structure,
    mode: str,
    extras: tuple[Term, ...] = (),
    *,
    careful: bool = False,
    effort: Effort = FULL,
    contract: bool = False,
) -> Code:
    """Return compiled step code for one trajectory.

    Args:
        structure: The template's rules.
        mode: `values` or `tangents`.
        extras: Further terms to store.
        careful: Whether nodes may be forced, shifted or seeded.
        effort: How well it is optimised.
        contract: Whether a product and a sum may be one rounding.
    """
    fma = processor().has_fma
    program = Program(structure, mode, extras=extras, careful=careful, contract=contract)
    made = kernel_text(program, "advance", fma=fma)
    functions, needs = elementary_text(made.called, 1, fma=fma)
    text = "\n".join([functions, made.text, *sorted(needs | made.needs), COUNTS])
    library = load_library(text, {"advance": 8}, effort)
    return Code(library.functions["advance"], made.frame, library)


def effort_for(structure: Structure, mode: str, steps: int) -> Effort:
    """Return how well step code should be optimised that runs so many steps."""
    operations = operation_count(structure, mode)
    if steps * operations < _QUICK_WORK and (steps < _FEW or operations > WHOLE):
        return QUICK
    return STRAIGHT if operations > WHOLE else FULL


def run_values(
    structure: Structure,
    plan: Plan,
    extras: tuple[Term, ...] = (),
    progress: Progress | None = None,
) -> Trajectory:
    """Return one world's values, and those of further terms, at every step."""
    out = np.empty((plan.steps + 1, len(structure.names)))
    more = np.empty((plan.steps + 1, len(extras)))
    runner = _Runner(structure, "values", plan, extras)
    runner.point("out_values", out)
    runner.point("out_extras", more)
    runner.run(progress)
    return Trajectory(out, more, execution=LLVM)


def run_tangents(structure: Structure, plan: Plan, progress: Progress | None = None) -> Tangents:
    """Return W with the total and direct tangents of every node, at every step."""
    width = len(structure.names)
    values = np.empty((plan.steps + 1, width))
    packed = np.empty((plan.steps + 1, width, 4))
    runner = _Runner(structure, "tangents", plan)
    runner.point("out_values", values)
    runner.point("out_tangents", packed)
    runner.run(progress)
    kink = int(runner.cell("kink")[0])
    return Tangents(
        values=values,
        total=packed[:, :, 0],
        direct=packed[:, :, 1],
        total_error=packed[:, :, 2],
        direct_error=packed[:, :, 3],
        exponents=runner.exponents,
        kink=None if kink < 0 else kink,
        underflow=bool(runner.cell("lost")[0]),
        execution=LLVM,
    )


class _Runner:
    """Runs a plan's segments one after another on one frame."""

    def __init__(
        self, structure: Structure, mode: str, plan: Plan, extras: tuple[Term, ...] = ()
    ) -> None:
        self._plan = plan
        self._has_tangents = mode == "tangents"
        counts = {True: 0, False: 0}
        for t0, t1 in plan.segments():
            counts[plan.careful(t0)] += t1 - t0
        self._code = {
            careful: code_for(
                structure, mode, extras, careful=careful,
                effort=effort_for(structure, mode, count),
            )
            for careful, count in counts.items()
            if count
        }  # fmt: skip
        self._frame = max((code.frame for code in self._code.values()), key=lambda f: f.size)
        self._state = self._frame.fresh()
        self._context = np.zeros(len(CONTEXT), dtype=np.int64)
        self._kept: list[NDArray[Any]] = []
        self.point("parameters", np.ascontiguousarray(plan.parameters, dtype=float))
        self.point("force", np.ascontiguousarray(plan.forced, dtype=np.uint8))
        self.point("values", np.ascontiguousarray(plan.values, dtype=float))
        self.point("shifts", np.ascontiguousarray(plan.shifts, dtype=float))
        self._held = np.ascontiguousarray(plan.held, dtype=np.uint8)
        self.exponents = np.zeros((plan.steps + 1, 2), dtype=np.int64)

    def point(self, name: str, array: NDArray[Any]) -> None:
        """Give an array to the code under a name of the context."""
        self._kept.append(array)
        self._context[CONTEXT[name]] = array.ctypes.data

    def cell(self, name: str) -> NDArray[np.int64]:
        """Return an integer cell of the frame."""
        start = self._frame[name].offset // 8
        return self._state[start : start + 1].view(np.int64)

    def run(self, progress: Progress | None) -> None:
        plan, width = self._plan, self._plan.held.shape[1]
        empty: dict[str, NDArray[Any]] = {
            "force": np.zeros((1, width), dtype=np.uint8),
            "values": np.zeros((1, width)),
            "shifts": np.zeros((1, width)),
        }
        for t0, t1 in self._pieces():
            careful = plan.careful(t0)
            row = t0 * width
            if careful and t0 >= len(plan.forced):
                # A seeded step after all given ones: nothing is forced there.
                row = 0
                for name, array in empty.items():
                    self.point(name, array)
            seed = plan.seed[1] if plan.seed is not None and plan.seed[0] == t0 else -1
            held = self._held[min(t0, len(self._held) - 1)]
            blocks = np.empty((-(-(t1 - t0) // BLOCK), 2), dtype=np.int64)
            self._context[CONTEXT["exponents"]] = blocks.ctypes.data
            self._code[careful].advance(
                self._context.ctypes.data, self._state.ctypes.data,
                t0, t1, 0, held.ctypes.data, row, seed,
            )  # fmt: skip
            if self._has_tangents:
                self.exponents[t0:t1] = np.repeat(blocks, BLOCK, axis=0)[: t1 - t0]
            if progress is not None:
                progress(t1)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        for t0, t1 in self._plan.segments():
            for start in range(t0, t1, _CALL):
                yield start, min(start + _CALL, t1)

"""One trajectory in machine code: the same arrays as from generated Python, a hundred times sooner."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.frame import Frame
from causalopt.engine.kernel import BLOCK, COUNTS, elementary_text, kernel_text
from causalopt.engine.native import Library, load_library, processor
from causalopt.engine.outcome import Tangents, Trajectory
from causalopt.engine.plan import Plan
from causalopt.engine.program import Program
from causalopt.engine.python import Progress
from causalopt.engine.stretch import CONTEXT
from causalopt.expressions import Term
from causalopt.template import Structure

LLVM = "llvm"
_CALL = 1 << 20  # steps between two reports of progress; a multiple of BLOCK


@dataclasses.dataclass(frozen=True)
class Code:
    """Compiled step code of one trajectory.

    Attributes:
        fast: Runs steps in which every node follows its rule.
        slow: Runs steps in which nodes may be forced, shifted or seeded.
        frame: The state between two calls.
        library: What owns the machine code.
    """

    fast: Any
    slow: Any
    frame: Frame
    library: Library


@functools.lru_cache(maxsize=64)
def code_for(
    structure: Structure, mode: str, extras: tuple[Term, ...] = (), *, contract: bool = False
) -> Code:
    """Return compiled step code for one trajectory."""
    fma = processor().has_fma
    program = Program(structure, mode, extras=extras, contract=contract)
    fast = kernel_text(program, "fast", fma=fma)
    slow = kernel_text(dataclasses.replace(program, careful=True), "slow", fma=fma)
    functions, needs = elementary_text(fast.called | slow.called, 1, fma=fma)
    needs |= fast.needs | slow.needs
    text = "\n".join([functions, fast.text, slow.text, *sorted(needs), COUNTS])
    library = load_library(text, {"fast": 8, "slow": 8})
    frame = max(fast.frame, slow.frame, key=lambda frame: frame.size)
    return Code(library.functions["fast"], library.functions["slow"], frame, library)


def run_values(
    structure: Structure, plan: Plan, extras: tuple[Term, ...] = (), progress: Progress | None = None
) -> Trajectory:
    """Return one world's values, and those of further terms, at every step."""
    code = code_for(structure, "values", extras)
    out = np.empty((plan.steps + 1, len(structure.names)))
    more = np.empty((plan.steps + 1, len(extras)))
    _Runner(code, plan, {"out_values": out, "out_extras": more}).run(progress)
    return Trajectory(out, more, execution=LLVM)


def run_tangents(structure: Structure, plan: Plan, progress: Progress | None = None) -> Tangents:
    """Return W with the total and direct tangents of every node, at every step."""
    code = code_for(structure, "tangents")
    width = len(structure.names)
    values = np.empty((plan.steps + 1, width))
    packed = np.empty((plan.steps + 1, width, 4))
    runner = _Runner(code, plan, {"out_values": values, "out_tangents": packed})
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

    def __init__(self, code: Code, plan: Plan, outputs: dict[str, NDArray[np.float64]]) -> None:
        self._code, self._plan = code, plan
        self._state = code.frame.fresh()
        self._context = np.zeros(len(CONTEXT), dtype=np.int64)
        self._kept: list[NDArray[Any]] = []
        self._point("parameters", np.ascontiguousarray(plan.parameters, dtype=float))
        for name, array in outputs.items():
            self._point(name, array)
        self._point("force", np.ascontiguousarray(plan.forced, dtype=np.uint8))
        self._point("values", np.ascontiguousarray(plan.values, dtype=float))
        self._point("shifts", np.ascontiguousarray(plan.shifts, dtype=float))
        self._held = np.ascontiguousarray(plan.held, dtype=np.uint8)
        self.exponents = np.zeros((plan.steps + 1, 2), dtype=np.int64)

    def _point(self, name: str, array: NDArray[Any]) -> None:
        self._kept.append(array)
        self._context[CONTEXT[name]] = array.ctypes.data

    def cell(self, name: str) -> NDArray[np.int64]:
        """Return an integer cell of the frame."""
        start = self._code.frame[name].offset // 8
        return self._state[start : start + 1].view(np.int64)

    def run(self, progress: Progress | None) -> None:
        plan, width = self._plan, self._plan.held.shape[1]
        beyond = np.zeros((1, width), dtype=np.uint8), np.zeros((1, width))
        for t0, t1 in self._pieces():
            careful = plan.careful(t0)
            row = t0 * width
            if careful and t0 >= len(plan.forced):
                # A seeded step after all given ones: nothing is forced there.
                row = 0
                for name, array in zip(("force", "values", "shifts"), (*beyond, beyond[1]),
                                       strict=True):  # fmt: skip
                    self._point(name, array)
            seed = plan.seed[1] if plan.seed is not None and plan.seed[0] == t0 else -1
            held = self._held[min(t0, len(self._held) - 1)]
            blocks = np.empty((-(-(t1 - t0) // BLOCK), 2), dtype=np.int64)
            self._context[CONTEXT["exponents"]] = blocks.ctypes.data
            (self._code.slow if careful else self._code.fast)(
                self._context.ctypes.data, self._state.ctypes.data,
                t0, t1, 0, held.ctypes.data, row, seed,
            )  # fmt: skip
            if "ex" in self._code.frame:
                self.exponents[t0:t1] = np.repeat(blocks, BLOCK, axis=0)[: t1 - t0]
            if progress is not None:
                progress(t1)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        for t0, t1 in self._plan.segments():
            for start in range(t0, t1, _CALL):
                yield start, min(start + _CALL, t1)

"""One trajectory in machine code: the arrays of generated Python, a hundred times sooner."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.adjoint import Baseline, ReverseSweep, cut_at, swept, terms_of, whole_baseline
from causalopt.engine.contract import Adjoint, Execution, Floats, Plan, Tangents, Trajectory
from causalopt.engine.linearization import linearize
from causalopt.engine.machine.effort import FULL, QUICK, STRAIGHT, Effort
from causalopt.engine.machine.frame import CONTEXT, Frame
from causalopt.engine.machine.native import CompiledLibrary
from causalopt.engine.machine.step_code import load_trajectory
from causalopt.engine.program import WHOLE, Program, operation_count
from causalopt.engine.rescaling import RESCALE
from causalopt.engine.source import FAR
from causalopt.language.term import Term
from causalopt.model.template import Structure
from causalopt.work.progress import tick
from causalopt.work.threads import Pace

if TYPE_CHECKING:
    from causalopt.engine.machine.reverse import ReverseCode

_QUICK_WORK = 2_000_000_000  # operations that even plain code does within a few seconds
_FEW = 500  # steps too few to optimise for
_MOST_PARTIALS = 400  # local derivatives that a reverse sweep keeps in one block
_REPLAYED = 1 << 14  # steps of a block that is run again for a reverse sweep
_FIRST_PIECE = 20_000_000  # operations: some hundredths of a second


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
    library: CompiledLibrary


@functools.lru_cache(maxsize=64)
def code_for(
    structure: Structure,
    mode: str,
    extras: tuple[Term, ...] = (),
    *,
    careful: bool = False,
    effort: Effort = FULL,
    contract: bool = False,
    estimate: bool = True,
) -> Code:
    """Return compiled step code for one trajectory.

    Args:
        structure: The template's rules.
        mode: `values` or `tangents`.
        extras: Further terms to store.
        careful: Whether nodes may be forced, shifted or seeded.
        effort: How well it is optimised.
        contract: Whether a product and a sum may be one rounding.
        estimate: Whether tangents carry an estimate of their rounding error.
    """
    program = Program(
        structure, mode, extras=extras, careful=careful, contract=contract, estimate=estimate
    )
    library, frame = load_trajectory(program, effort)
    return Code(library.functions["advance"], frame, library)


def effort_for(structure: Structure, mode: str, steps: int) -> Effort:
    """Return how well step code should be optimised that runs so many steps."""
    operations = operation_count(structure, mode)
    if steps * operations < _QUICK_WORK and (steps < _FEW or operations > WHOLE):
        return QUICK
    return STRAIGHT if operations > WHOLE else FULL


class MachineCode(Execution):
    """Plans run by step code in machine code."""

    name = "llvm"

    def run_values(
        self, structure: Structure, plan: Plan, extras: tuple[Term, ...] = ()
    ) -> Trajectory:
        """Return one world's values, and those of further terms, at every step."""
        out = np.empty((plan.steps + 1, len(structure.names)))
        more = np.empty((plan.steps + 1, len(extras)))
        runner = _Runner(structure, "values", plan, extras)
        runner.point("out_values", out)
        runner.point("out_extras", more)
        runner.run()
        return Trajectory(out, more, self.name)

    def run_worlds(
        self, structure: Structure, plan: Plan, delta: float, extras: tuple[Term, ...] = ()
    ) -> tuple[Trajectory, Trajectory, Trajectory]:
        """Return W, X and Y side by side: the seeded node is shifted by delta, A follows W in Y."""
        out = np.empty((plan.steps + 1, 3, len(structure.names)))
        more = np.empty((plan.steps + 1, 3, len(extras)))
        runner = _Runner(structure, "finite", plan, extras)
        runner.number("delta", delta)
        runner.point("out_values", out)
        runner.point("out_extras", more)
        runner.run()
        w, x, y = (Trajectory(out[:, k], more[:, k], self.name) for k in range(3))
        return w, x, y

    def run_tangents(
        self, structure: Structure, plan: Plan, *, estimate: bool = True, contract: bool = False
    ) -> Tangents:
        """Return W with the total and direct tangents of every node, at every step.

        Args:
            structure: The template's rules.
            plan: The run.
            estimate: Whether rounding errors are estimated; without, they are given as 0.
            contract: Whether a product and a sum may be one rounding: sooner, and on a chaotic
                model another trajectory after some thousand steps.
        """
        values = np.empty((plan.steps + 1, len(structure.names)))
        packed = np.empty((*values.shape, 4 if estimate else 2))
        runner = _Runner(structure, "tangents", plan, estimate=estimate, contract=contract)
        runner.point("out_values", values)
        runner.point("out_tangents", packed)
        runner.run()
        kink = int(runner.cell("kink")[0])
        none = np.broadcast_to(0.0, values.shape)
        return Tangents(
            values=values,
            total=packed[:, :, 0],
            direct=packed[:, :, 1],
            total_error=packed[:, :, 2] if estimate else none,
            direct_error=packed[:, :, 3] if estimate else none,
            exponents=runner.exponents(),
            kink=None if kink < 0 else kink,
            execution=self.name,
        )

    def run_adjoint(
        self, structure: Structure, plan: Plan, target: int, *, block: int = _REPLAYED
    ) -> Adjoint:
        """Return the derivatives of an equation's value at the last step by every node.

        Args:
            structure: The template's rules.
            plan: The baseline.
            target: The measured equation.
            block: Steps that are run again at once; a baseline of fewer is run once and kept.
        """
        plan = dataclasses.replace(plan, seed=None)
        partials = linearize(structure).partials
        from causalopt.engine.machine.reverse import reverse_code
        from causalopt.engine.machine.reverse_table import TableSweep

        sweep: ReverseSweep = TableSweep(structure, plan, target)
        if len(partials) <= _MOST_PARTIALS and all(p.lag <= FAR for p in partials):
            sweep = _MachineSweep(reverse_code(structure), plan, target)
        baselines: Iterable[Baseline] = baselines_backwards(structure, plan, block)
        if plan.steps < block:
            baselines = [whole_baseline(self, structure, plan)]
        return swept(sweep, baselines, structure, plan, target)


class _MachineSweep:
    """A reverse sweep in machine code."""

    execution = MachineCode.name

    def __init__(self, code: ReverseCode, plan: Plan, target: int) -> None:
        self._code, self._plan = code, plan
        self._state = code.begin(target)

    def over(self, baseline: Baseline, table: Floats, exponents: NDArray[np.int64]) -> None:
        """Go back over a stretch of steps; its rows are filled in."""
        first, count = baseline.first, len(table)
        for t0, t1 in reversed(self._plan.alike):
            low, high = max(t0, first), min(t1, first + count)
            if low < high:
                self._code.sweep(
                    baseline.slopes,
                    cut_at(self._plan, t0).astype(np.uint8),
                    table,
                    exponents,
                    self._state,
                    (first, count),
                    (low - first, high - first),
                )


class _Runner:
    """Runs a plan's segments one after another on one frame."""

    def __init__(
        self,
        structure: Structure,
        mode: str,
        plan: Plan,
        extras: tuple[Term, ...] = (),
        *,
        estimate: bool = True,
        contract: bool = False,
    ) -> None:
        self._plan = plan
        self._has_tangents = mode == "tangents"
        counts = {True: 0, False: 0}
        for t0, t1 in plan.segments():
            counts[plan.careful(t0)] += t1 - t0
        self._code = {
            careful: code_for(
                structure,
                mode,
                extras,
                careful=careful,
                effort=effort_for(structure, mode, count),
                estimate=estimate,
                contract=contract,
            )
            for careful, count in counts.items()
            if count
        }
        self._frame = max((code.frame for code in self._code.values()), key=lambda f: f.size)
        self.state = self._frame.fresh()
        self._context = np.zeros(len(CONTEXT), dtype=np.int64)
        self._kept: dict[str, NDArray[Any]] = {}
        self.point("parameters", np.ascontiguousarray(plan.parameters, dtype=float))
        self._given: dict[str, NDArray[Any]] = {
            "force": np.ascontiguousarray(plan.forced, dtype=np.uint8),
            "values": np.ascontiguousarray(plan.values, dtype=float),
            "shifts": np.ascontiguousarray(plan.shifts, dtype=float),
        }
        self._held = np.ascontiguousarray(plan.held, dtype=np.uint8)
        self._blocks: list[tuple[int, int, NDArray[np.int64]]] = []
        self._pace = Pace(_FIRST_PIECE // operation_count(structure, mode), RESCALE)

    def point(self, name: str, array: NDArray[Any]) -> None:
        """Give an array to the code under a name of the context."""
        self._kept[name] = array
        self._context[CONTEXT[name]] = array.ctypes.data

    def number(self, name: str, value: float) -> None:
        """Give a number to the code under a name of the context."""
        self._context[CONTEXT[name]] = int(np.float64(value).view(np.int64))

    def cell(self, name: str) -> NDArray[np.int64]:
        """Return an integer cell of the frame."""
        start = self._frame[name].offset // 8
        return self.state[start : start + 1].view(np.int64)

    def aim(self, name: str, array: NDArray[np.float64], skipped: int) -> None:
        """Give an array whose first element stands for the element `skipped`."""
        self._context[CONTEXT[name]] = array.ctypes.data - 8 * skipped

    def run(self) -> None:
        """Run all steps."""
        for t0, t1 in self._pieces():
            self.piece(t0, t1)
            tick(t1, self._plan.steps + 1)

    def piece(self, t0: int, t1: int) -> None:
        """Run the steps from t0 to t1 - 1, which lie in one segment of the plan."""
        plan, width = self._plan, self._plan.held.shape[1]
        careful = plan.careful(t0)
        row = t0 * width
        if careful and t0 >= len(plan.forced):
            # A seeded step after all given ones: nothing is forced there.
            row = 0
            self.point("force", np.zeros((1, width), dtype=np.uint8))
            self.point("values", np.zeros((1, width)))
            self.point("shifts", np.zeros((1, width)))
        elif careful:
            for name, array in self._given.items():
                self.point(name, array)
        seed = plan.seed[1] if plan.seed is not None and plan.seed[0] == t0 else -1
        held = self._held[min(t0, len(self._held) - 1)]
        blocks = np.empty((-(-(t1 - t0) // RESCALE), 2), dtype=np.int64)
        self._context[CONTEXT["exponents"]] = blocks.ctypes.data
        self._code[careful].advance(
            self._context.ctypes.data,
            self.state.ctypes.data,
            t0,
            t1,
            0,
            held.ctypes.data,
            row,
            seed,
        )
        if self._has_tangents:
            self._blocks.append((t0, t1, blocks))

    def exponents(self) -> NDArray[np.int64]:
        """Return the exponents of total and direct tangents, shape [t, 2]."""
        shape = (self._plan.steps + 1, 2)
        first = self._blocks[0][2][0]
        if all((blocks == first).all() for _, _, blocks in self._blocks):
            return np.broadcast_to(first, shape)
        columns = np.empty(shape[::-1], dtype=np.int64)  # repeating along rows is far slower
        for t0, t1, blocks in self._blocks:
            columns[:, t0:t1] = np.repeat(blocks.T, RESCALE, axis=1)[:, : t1 - t0]
        return columns.T

    def _pieces(self) -> Iterator[tuple[int, int]]:
        for t0, t1 in self._plan.segments():
            yield from self._pace.pieces(t0, t1)


def baselines_backwards(structure: Structure, plan: Plan, block: int) -> Iterator[Baseline]:
    """Yield W with its local derivatives, the last block of steps first.

    A first pass keeps the state at the start of each block; then each is run again when it is
    needed: memory is O(block + steps / block) rows instead of one row a step.
    """
    terms, width = terms_of(structure), len(structure.names)
    runner = _Runner(structure, "values", plan, terms)
    pieces = [
        (start, min(start + block, t1))
        for t0, t1 in plan.segments()
        for start in range(t0, t1, block)
    ]
    longest = max(t1 - t0 for t0, t1 in pieces)
    values = np.empty((longest, width))
    extras = np.empty((longest, max(len(terms), 1)))

    def run(t0: int, t1: int) -> None:
        # The code writes at row t: let row t0 be the first of the buffer.
        runner.aim("out_values", values, t0 * width)
        runner.aim("out_extras", extras, t0 * len(terms))
        runner.piece(t0, t1)

    states = []
    for t0, t1 in pieces:
        states.append(runner.state.copy())
        run(t0, t1)
    for (t0, t1), state in zip(reversed(pieces), reversed(states), strict=True):
        runner.state[:] = state
        run(t0, t1)
        count = t1 - t0
        yield Baseline.of(structure, t0, values[:count].copy(), extras[:count, : len(terms)].copy())

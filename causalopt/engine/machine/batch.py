"""Batches: one plan run for many starting values and parameter values at once.

Worlds stand side by side in the lanes of vectors, some registers to a group; a group goes through
all its steps in registers before the next begins, and only chosen outputs at chosen steps are kept:
memory is O(kept), not O(steps). Calls run without the GIL, so threads take groups in parallel; a
lane's result does not depend on how many there are.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats, Plan
from causalopt.engine.executions import warn_if_flushed
from causalopt.engine.machine.cells import CONTEXT
from causalopt.engine.machine.driver import DRIVER_ARGUMENTS, SEGMENT, driver_text
from causalopt.engine.machine.frame import Frame
from causalopt.engine.machine.kernel import METADATA, elementary_text, kernel_text
from causalopt.engine.machine.native import FULL, QUICK, CompiledLibrary, load_library, processor
from causalopt.engine.machine.trajectory import effort_for
from causalopt.engine.program import Program, operation_count, read_by
from causalopt.errors import QuestionError
from causalopt.model.template import Structure

LANES = 32  # the most that go through a step together
_REGISTERS = 24  # vector registers that the state may take
_BRIEF = 50_000_000  # operations that even plain code does in some hundredths of a second
_COMPILE_HELD_FROM = 2_000_000_000  # operations: some hundredths of a second
TASK = 16384  # lanes of one call: fewer wait for the interpreter, more leave the cache


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """What is run: one plan, and what differs from lane to lane.

    Attributes:
        plan: The part all lanes share; its seed is the nudged node.
        starts: Node `(t, equation)` -> its values, shape [lane].
        parameters: Place of a parameter -> its values, shape [lane].
        keep: Steps to keep, in ascending order.
        outputs: Equations to keep.
        mode: `values`, `tangents` or `finite`.
        delta: The nudge's size in the mode `finite`.
        estimate: Whether the rounding error of tangents is estimated.
        contract: Whether a product and a sum may be one rounding.
        watch: Whether each lane's first non-finite node is noted.
        near: Whether lanes are noted that pass a kink within rounding.
    """

    plan: Plan
    starts: Mapping[tuple[int, int], Floats]
    parameters: Mapping[int, Floats]
    keep: tuple[int, ...]
    outputs: tuple[int, ...]
    mode: str = "tangents"
    delta: float = 0.0
    estimate: bool = True
    contract: bool = False
    watch: bool = False
    near: bool = False

    def __post_init__(self) -> None:
        sizes = {np.shape(a) for a in [*self.starts.values(), *self.parameters.values()]}
        if not sizes:
            raise QuestionError(
                "a batch needs values that differ from lane to lane: give starts "
                "or parameters as arrays"
            )
        if len(sizes) > 1 or any(len(size) != 1 for size in sizes):
            raise QuestionError(
                "starts and parameters of a batch are arrays of one length, shape [lane]; found "
                f"the shapes {', '.join(map(str, sorted(sizes)))}"
            )
        if self.count == 0:
            raise QuestionError("the batch is empty: give arrays with at least one value")
        for name, arrays in (("start", self.starts), ("parameter", self.parameters)):
            for place, values in arrays.items():
                bad = np.flatnonzero(~np.isfinite(values))
                if len(bad):
                    raise QuestionError(
                        f"the {name} {place} is {values[bad[0]]} in lane {bad[0]}: values must be "
                        "finite numbers"
                    )
        if not self.keep or list(self.keep) != sorted(set(self.keep)):
            raise QuestionError("the steps to keep are whole numbers in ascending order")
        if self.keep[0] < 0 or self.keep[-1] > self.plan.steps:
            raise QuestionError(f"the steps to keep lie between 0 and {self.plan.steps}")
        seed = self.plan.seed
        if seed is not None and self.plan.held_at(seed[0])[seed[1]]:
            raise QuestionError("the nudged node is in the held set A: the nudge is made in B")

    @property
    def count(self) -> int:
        """How many lanes."""
        arrays = [*self.starts.values(), *self.parameters.values()]
        return len(arrays[0])

    def slice(self, lanes: slice | NDArray[np.intp]) -> Batch:
        """Return the batch of some of the lanes."""
        return dataclasses.replace(
            self,
            starts={node: values[lanes] for node, values in self.starts.items()},
            parameters={place: values[lanes] for place, values in self.parameters.items()},
        )


@dataclasses.dataclass(frozen=True)
class BatchResult:
    """What was kept of a batch.

    Attributes:
        values: World (`w`; with tangents `x`, `y`, `p`, `q` mantissas; finite `x`, `y`) -> kept
            values, shape [kept step, output, lane].
        exponents: Of total and direct tangents, shape [kept step, 2, lane].
        kink: The first step on a kink, -1 for none so far, shape [kept step, lane].
        bad: First non-finite node as 2 (t V + i) + 1 for an infinity, -1 for none, likewise.
        near: Whether the lane passed a kink within rounding, likewise.
    """

    values: dict[str, Floats]
    exponents: NDArray[np.int64]
    kink: NDArray[np.int64]
    bad: NDArray[np.int64]
    near: NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class BatchCode:
    """Compiled code of a batch: the driver, its frame and what owns the machine code."""

    drive: Any
    frame: Frame
    libraries: tuple[CompiledLibrary, ...]
    lanes: int


@functools.lru_cache(maxsize=32)
def code_for(program: Program, careful: float, lanes: int) -> BatchCode:
    """Return the compiled driver with its step code.

    Args:
        program: What is computed.
        careful: The share of steps that are careful; where all are, no other code is made.
        lanes: BatchResult of a group.
    """
    fma, register = processor().has_fma, min(processor().register, lanes)
    program = dataclasses.replace(program, lanes=lanes, register=register)
    # Run once a group, careful steps are not worth the optimiser's time.
    attributes = "" if careful > 0.02 else "noinline optnone"
    with_care = dataclasses.replace(program, careful=True)
    made = [kernel_text(with_care, "slow", fma=fma, attributes=attributes)]
    if careful < 1:
        made.append(kernel_text(program, "fast", fma=fma))
    called = frozenset().union(*(kernel.called for kernel in made))
    functions, needs = elementary_text(called, register, fma=fma)
    needs = needs.union(*(kernel.needs for kernel in made))
    driver = driver_text(lanes, plain="fast" if careful < 1 else "slow")
    texts = [kernel.text for kernel in made]
    text = "\n".join([functions, *texts, driver, *sorted(needs), METADATA])
    effort = FULL if program.is_small else effort_for(program.structure, program.mode, 10**9)
    effort = QUICK if program.brief else effort
    library = load_library(text, {"drive": len(DRIVER_ARGUMENTS)}, effort)
    frame = max((kernel.frame for kernel in made), key=lambda frame: frame.size)
    return BatchCode(library.functions["drive"], frame, (library,), lanes)


def lanes_for(program: Program) -> int:
    """Return how many lanes go through a step together: four registers of them, or else two."""
    letters, slots = _letters(program.mode, program.estimate), program.layout.near
    state = sum(not program.is_zero(letter, i) for letter in letters for i, _ in slots)
    return processor().register * (4 if 4 * state <= _REGISTERS else 2)


def _letters(mode: str, estimate: bool) -> str:
    """Return the quantities of a node that a mode carries."""
    tangents = "wxypq" if estimate else "wxy"
    return {"values": "w", "finite": "wxy"}.get(mode, tangents)


def compiled_in(structure: Structure, batch: Batch) -> frozenset[int] | None:
    """Return A where it is worth compiling in: one set at every step, of a long enough run."""
    held = batch.plan.held
    is_long = _operations(structure, batch) >= _COMPILE_HELD_FROM
    if batch.mode != "tangents" or not is_long or (held != held[0]).any():
        return None
    return frozenset(np.flatnonzero(held[0]).tolist())


def _operations(structure: Structure, batch: Batch) -> int:
    """Return how many operations a batch takes, as an estimate."""
    return operation_count(structure, batch.mode) * batch.count * (batch.plan.steps + 1)


class BatchRunner:
    """A batch made ready to run; `run` takes any stretch of its lanes, from any thread."""

    def __init__(self, structure: Structure, batch: Batch) -> None:
        warn_if_flushed()
        self._batch = batch
        self._plan = plan = batch.plan
        careful = sum(t1 - t0 for t0, t1 in plan.segments() if plan.careful(t0))
        program = Program(
            structure,
            batch.mode,
            lanes=LANES,
            estimate=batch.estimate,
            varying=frozenset(batch.parameters),
            contract=batch.contract,
            watch=batch.watch,
            near=batch.near,
            held=compiled_in(structure, batch),
            watched=read_by(structure, batch.outputs),
            brief=_operations(structure, batch) < _BRIEF,
        )
        self._code = code_for(program, careful / (plan.steps + 1), lanes_for(program))
        self._fresh = self._code.frame.fresh()
        self._held = np.ascontiguousarray(plan.held, dtype=np.uint8)
        self._prepare_given(len(structure.names))
        self._segments = self._segment_table()
        self._cells = self._kept_cells()
        offsets = [self._code.frame[cell].offset for cell in self._cells]
        self._copies = np.array(offsets, dtype=np.int64)

    def over(self, batch: Batch) -> BatchRunner:
        """Return a runner of other values in the same places: nothing is prepared again."""
        if batch.starts.keys() != self._batch.starts.keys():
            raise QuestionError("a prepared batch takes other values of the same nodes")
        other = copy.copy(self)
        other._batch = batch
        return other

    def _prepare_given(self, width: int) -> None:
        """Lay out what careful steps are given; a step past the forced ones gets an empty row."""
        plan, batch = self._plan, self._batch
        rows = max([len(plan.forced), *(t + 1 for t, _ in batch.starts)]) + 1
        pad = ((0, rows - len(plan.forced)), (0, 0))
        self._forced = np.pad(plan.forced.astype(np.uint8), pad)
        self._values = np.ascontiguousarray(np.pad(plan.values, pad))
        self._shifts = np.ascontiguousarray(np.pad(plan.shifts, pad))
        self._overrides = np.full((rows, width), -1, dtype=np.int64)
        for k, (t, i) in enumerate(batch.starts):
            self._overrides[t, i] = k
            self._forced[t, i] = 1
        self._careful_rows = rows - 1

    def _segment_table(self) -> NDArray[np.int64]:
        """Return the plan's segments, cut where steps are kept."""
        plan, width = self._plan, self._plan.held.shape[1]
        edges = {t for segment in plan.segments() for t in segment}
        edges |= {t + 1 for t in self._batch.keep} | {min(self._careful_rows, plan.steps + 1)}
        ordered = sorted(edges)
        last = self._batch.keep[-1]
        rows = []
        kept = {t: k for k, t in enumerate(self._batch.keep)}
        for t0, t1 in itertools.pairwise(ordered):
            if t0 > last:
                break
            seeded = plan.seed is not None and plan.seed[0] == t0
            given = t0 < self._careful_rows
            row = (t0 if given else self._careful_rows) * width
            held = self._held[min(t0, len(self._held) - 1)]
            seed = plan.seed[1] if seeded and plan.seed is not None else -1
            rows.append(
                [t0, t1, int(given or seeded), row, held.ctypes.data, seed, kept.get(t1 - 1, -1)]
            )
        return np.array(rows, dtype=np.int64).reshape(-1, len(SEGMENT))

    def _kept_cells(self) -> list[str]:
        cells = [
            f"{letter}{i}"
            for letter in _letters(self._batch.mode, self._batch.estimate)
            for i in self._batch.outputs
        ]
        extra = ("ox", "oy", "kink", "bad", "near")
        return cells + [name for name in extra if name in self._code.frame]

    def run(self, lanes: slice) -> BatchResult:
        """Run some lanes."""
        batch = self._batch
        starts = [values[lanes] for values in batch.starts.values()]
        varying = [batch.parameters[k][lanes] for k in sorted(batch.parameters)]
        count = len((starts or varying)[0])
        width = -(-count // self._code.lanes) * self._code.lanes
        begun, given = _padded(starts, width), _padded(varying, width)
        parameters = np.ascontiguousarray(self._plan.parameters, dtype=float)
        out = np.empty((len(self._batch.keep), len(self._cells), width))
        frame = self._code.frame.room()
        context = np.zeros(len(CONTEXT), dtype=np.int64)
        for name, array in (
            ("parameters", parameters),
            ("varying", given),
            ("starts", begun),
            ("force", self._forced),
            ("values", self._values),
            ("shifts", self._shifts),
            ("overrides", self._overrides),
        ):
            context[CONTEXT[name]] = array.ctypes.data
        context[CONTEXT["width"]] = width
        context[CONTEXT["delta"]] = np.float64(self._batch.delta).view(np.int64)
        self._code.drive(
            context.ctypes.data,
            frame.ctypes.data,
            self._fresh.ctypes.data,
            self._fresh.nbytes,
            0,
            width,
            self._segments.ctypes.data,
            len(self._segments),
            self._copies.ctypes.data,
            len(self._copies),
            out.ctypes.data,
            width,
        )
        return self._unpacked(out[:, :, :count])

    def _unpacked(self, out: Floats) -> BatchResult:
        place = {cell: k for k, cell in enumerate(self._cells)}
        integers = out.view(np.int64)
        outputs = len(self._batch.outputs)
        values = {
            letter: out[:, k * outputs : (k + 1) * outputs]
            for k, letter in enumerate(_letters(self._batch.mode, self._batch.estimate))
        }

        def noted(name: str, default: int) -> NDArray[np.int64]:
            if name in place:
                return integers[:, place[name]]
            return np.broadcast_to(np.int64(default), (len(out), out.shape[2]))

        exponents = np.broadcast_to(np.int64(0), (len(out), 2, out.shape[2]))
        if "ox" in place:
            exponents = integers[:, place["ox"] : place["ox"] + 2]
        return BatchResult(
            values=values if outputs else {},
            exponents=exponents,
            kink=noted("kink", -1),
            bad=noted("bad", -1),
            near=noted("near", 0),
        )

    def tasks(self, size: int = TASK) -> list[slice]:
        """Return stretches of lanes that cover the batch."""
        count = self._batch.count
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _padded(arrays: Sequence[Floats], width: int) -> Floats:
    """Return arrays side by side, shape [array, lane], the last lane repeated to fill a group."""
    table = np.empty((max(len(arrays), 1), width))
    for row, values in zip(table, arrays, strict=False):
        row[: len(values)] = values
        row[len(values) :] = values[-1]
    return table


def run_batch(structure: Structure, batch: Batch) -> BatchResult:
    """Return what a batch keeps, all lanes in one call on this thread."""
    runner = BatchRunner(structure, batch)
    return runner.run(slice(0, batch.count))

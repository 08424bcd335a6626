"""Batches in machine code.

Worlds stand side by side in the lanes of vectors, some registers to a group; a group goes through
all its steps in registers before the next begins, and only chosen outputs at chosen steps are kept:
memory is O(kept), not O(steps). Calls run without the GIL, so threads take groups in parallel; a
lane's result does not depend on how many there are.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.batch import LANES, Batch, BatchResult, BatchRunner, letters_of
from causalopt.engine.contract import Floats
from causalopt.engine.executions import warn_if_flushed
from causalopt.engine.machine.driver import SEGMENT
from causalopt.engine.machine.frame import CONTEXT, Frame
from causalopt.engine.machine.native import CompiledLibrary, processor
from causalopt.engine.machine.step_code import load_steps
from causalopt.engine.program import Program, operation_count, read_by
from causalopt.engine.rescaling import RESCALE
from causalopt.model.template import Structure
from causalopt.work.progress import tick
from causalopt.work.threads import Pace

_REGISTERS = 24  # vector registers that the state may take
_FIRST_PIECE = 50_000_000  # operations of a first call: some hundredths of a second
_BRIEF = 50_000_000  # operations that even plain code does in some hundredths of a second
_COMPILE_HELD_FROM = 2_000_000_000  # operations: some hundredths of a second


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
    register = min(processor().register, lanes)
    program = dataclasses.replace(program, lanes=lanes, register=register)
    library, frame = load_steps(program, careful)
    return BatchCode(library.functions["drive"], frame, (library,), lanes)


def lanes_for(program: Program) -> int:
    """Return how many lanes go through a step together: four registers of them, or else two."""
    letters, slots = letters_of(program.mode, program.estimate), program.layout.near
    state = sum(not program.is_zero(letter, i) for letter in letters for i, _ in slots)
    return processor().register * (4 if 4 * state <= _REGISTERS else 2)


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


class MachineBatch(BatchRunner):
    """A batch made ready to run in machine code."""

    execution = "llvm"

    def __init__(self, structure: Structure, batch: Batch) -> None:
        warn_if_flushed()
        super().__init__(batch)
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
        self._cost = lanes_for(program) * operation_count(structure, batch.mode)
        self._cuts: dict[int, list[tuple[NDArray[np.int64], int]]] = {}

    def _prepare_given(self, width: int) -> None:
        """Lay out what careful steps are given; a step past the forced ones gets an empty row."""
        plan, batch = self._plan, self._batch
        rows = self.careful_rows + 1
        pad = ((0, rows - len(plan.forced)), (0, 0))
        self._forced = np.pad(plan.forced.astype(np.uint8), pad)
        self._values = np.ascontiguousarray(np.pad(plan.values, pad))
        self._shifts = np.ascontiguousarray(np.pad(plan.shifts, pad))
        self._overrides = np.full((rows, width), -1, dtype=np.int64)
        for k, (t, i) in enumerate(batch.starts):
            self._overrides[t, i] = k
            self._forced[t, i] = 1
        first = len(batch.starts)
        for i in batch.drawn:  # after the starts, a row a step
            self._overrides[: plan.steps + 1, i] = np.arange(first, first + plan.steps + 1)
            self._forced[: plan.steps + 1, i] = 1
            first += plan.steps + 1

    def _segment_table(self) -> NDArray[np.int64]:
        """Return the plan's segments, cut where steps are kept."""
        plan, width = self._plan, self._plan.held.shape[1]
        careful_rows = self.careful_rows
        address, apart, last = self._held.ctypes.data, self._held.strides[0], len(self._held) - 1
        rows = []
        kept = {t: k for k, t in enumerate(self._batch.keep)}
        for t0, t1 in self.segments():
            seeded = plan.seed is not None and plan.seed[0] == t0
            given = t0 < careful_rows
            row = (t0 if given else careful_rows) * width
            held = address + apart * min(t0, last)
            seed = plan.seed[1] if seeded and plan.seed is not None else -1
            rows.append([t0, t1, int(given or seeded), row, held, seed, kept.get(t1 - 1, -1)])
        return np.array(rows, dtype=np.int64).reshape(-1, len(SEGMENT))

    def _kept_cells(self) -> list[str]:
        cells = [f"{letter}{i}" for letter in self._batch.letters for i in self._batch.outputs]
        extra = ("ox", "oy", "kink", "bad", "near")
        return cells + [name for name in extra if name in self._code.frame]

    def over(self, batch: Batch) -> MachineBatch:
        """Return a runner of other values in the same places, also those that all lanes share."""
        other = super().over(batch)
        assert isinstance(other, MachineBatch)
        if batch.plan is not self._plan:
            other._plan = batch.plan
            other._prepare_given(batch.plan.held.shape[1])
        return other

    def run(self, lanes: slice) -> BatchResult:
        """Run some lanes."""
        batch = self._batch
        starts = [values[lanes] for values in batch.starts.values()]
        drawn = [table[:, lanes] for table in batch.drawn.values()]
        varying = [batch.parameters[k][lanes] for k in sorted(batch.parameters)]
        count = len((starts or varying)[0]) if starts or varying else drawn[0].shape[1]
        width = -(-count // self._code.lanes) * self._code.lanes
        begun, given = _padded([*starts, *drawn], width), _padded(varying, width)
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
        self._drive(context, frame, out)
        return self._unpacked(out[:, :, :count])

    def _drive(self, context: NDArray[np.int64], frame: NDArray[Any], out: Floats) -> None:
        """Run all groups of `out` in calls of a tenth of a second: of groups, or of their steps."""
        lanes, width = self._code.lanes, out.shape[2]
        steps = self._batch.keep[-1] + 1
        pace = Pace(_FIRST_PIECE // self._cost, RESCALE)

        def call(low: int, high: int, segments: NDArray[np.int64], fresh: int) -> None:
            self._code.drive(
                context.ctypes.data,
                frame.ctypes.data,
                self._fresh.ctypes.data,
                fresh,
                low,
                high,
                segments.ctypes.data,
                len(segments),
                self._copies.ctypes.data,
                len(self._copies),
                out.ctypes.data,
                width,
            )

        low = 0
        while low < width:
            groups = pace.steps // steps
            if groups:
                high = min(low + groups * lanes, width)
                is_full = high - low == groups * lanes  # of whole groups, so that it may grow
                with pace.piece(pace.steps if is_full else (high - low) // lanes * steps):
                    call(low, high, self._segments, self._fresh.nbytes)
                low = high
                tick(low, width)
                continue
            fresh, gone = self._fresh.nbytes, 0
            for segments, count in self._cut(pace.steps):
                with pace.piece(count):
                    call(low, low + lanes, segments, fresh)
                gone += count
                tick(low + lanes * min(gone / steps, 1.0), width)
                fresh = 0  # the frame goes on from where it is
            low += lanes

    def _cut(self, size: int) -> list[tuple[NDArray[np.int64], int]]:
        """Return the segments cut into calls of about so many steps, and the steps of each."""
        size = max(1 << (size.bit_length() - 1), RESCALE)
        if size not in self._cuts:
            begin, end, careful, row, keep = (
                SEGMENT.index(name) for name in ("t0", "t1", "careful", "row", "keep")
            )
            whole = self._segments
            counts = -(-(whole[:, end] - whole[:, begin]) // size)
            table = np.repeat(whole, counts, axis=0)
            last = np.cumsum(counts)
            behind = size * (np.arange(len(table)) - np.repeat(last - counts, counts))
            table[:, begin] += behind
            table[:, end] = np.minimum(table[:, begin] + size, table[:, end])
            table[:, row] += np.where(table[:, careful] != 0, behind * self._plan.held.shape[1], 0)
            is_last = np.zeros(len(table), dtype=bool)
            is_last[last - 1] = True
            table[~is_last, keep] = -1
            gone = np.cumsum(table[:, end] - table[:, begin])
            edges = [0, *(np.flatnonzero(np.diff(gone // size)) + 1).tolist(), len(table)]
            sums = np.concatenate([[0], gone])
            self._cuts[size] = [
                (np.ascontiguousarray(table[a:b]), int(sums[b] - sums[a]))
                for a, b in itertools.pairwise(edges)
                if a < b
            ]
        return self._cuts[size]

    def _unpacked(self, out: Floats) -> BatchResult:
        place = {cell: k for k, cell in enumerate(self._cells)}
        integers = out.view(np.int64)
        outputs = len(self._batch.outputs)
        values = {
            letter: out[:, k * outputs : (k + 1) * outputs]
            for k, letter in enumerate(self._batch.letters)
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
            execution=self.execution,
        )


def _padded(arrays: Sequence[Floats], width: int) -> Floats:
    """Return rows one below the other, shape [row, lane], the last lane repeated to fill a group.

    Args:
        arrays: Rows, shape [lane], or tables of them, shape [row, lane].
        width: Lanes of whole groups.
    """
    heights = [len(values) if values.ndim == 2 else 1 for values in arrays]
    table = np.empty((max(sum(heights), 1), width))
    first = 0
    for values, height in zip(arrays, heights, strict=True):
        rows, count = table[first : first + height], values.shape[-1]
        rows[:, :count] = values
        rows[:, count:] = values[..., -1:]
        first += height
    return table

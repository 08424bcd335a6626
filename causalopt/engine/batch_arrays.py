"""Batches by numpy: every operation of a step on some thousand lanes at once.

Slower than machine code by one or two orders of magnitude, and there without a compiler. What a
lane gives is what machine code gives: bit for bit on + - * / and sqrt.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.batch import Batch, BatchResult, BatchRunner
from causalopt.engine.contract import Floats
from causalopt.engine.executions import warn_if_flushed
from causalopt.engine.lane_tangents import LaneTangents
from causalopt.engine.lane_worlds import LaneWorlds
from causalopt.engine.program import read_by
from causalopt.engine.rescaling import RESCALE
from causalopt.engine.schedule import schedule
from causalopt.model.template import Structure

_TOGETHER = 4096  # lanes: their arrays of one step stay in the cache


class ArrayBatch(BatchRunner):
    """A batch made ready to run by numpy."""

    execution = "numpy"

    def __init__(self, structure: Structure, batch: Batch) -> None:
        warn_if_flushed()
        super().__init__(batch)
        self._structure = structure
        self._schedule = schedule(structure, batch.mode)
        self._watched = read_by(structure, batch.outputs)

    def run(self, lanes: slice) -> BatchResult:
        """Run some lanes."""
        first, last, _ = lanes.indices(self._batch.count)
        parts = []
        for start in range(first, last, _TOGETHER):
            some = slice(start, min(start + _TOGETHER, last))
            with np.errstate(all="ignore"):
                parts.append(self._together(self._batch.slice(some)))
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _together(self, batch: Batch) -> BatchResult:
        kind = LaneTangents if batch.mode == "tangents" else LaneWorlds
        worlds = kind(self._structure, self._schedule, batch, self._watched)
        kept = _Kept(batch)
        for t0, t1 in self.segments():
            is_given = t0 < self.careful_rows
            for start in range(t0, t1, RESCALE):
                stop = min(start + RESCALE, t1)
                for t in range(start, stop):
                    worlds.step(t, is_given=is_given)
                if stop - 1 in batch.keep and stop == t1:
                    kept.note(worlds)
                worlds.rescale()
        return kept.result(self.execution)


class _Kept:
    """What is kept of some lanes, step by step."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._values: dict[str, list[Floats]] = {letter: [] for letter in batch.letters}
        self._exponents: list[NDArray[np.int64]] = []
        self._notes: dict[str, list[NDArray[np.int64]]] = {n: [] for n in ("kink", "bad", "near")}

    def note(self, worlds: LaneWorlds) -> None:
        shape = (len(self._batch.outputs), self._batch.count)
        for letter, rows in self._values.items():
            table = np.empty(shape)
            for row, i in zip(table, self._batch.outputs, strict=True):
                row[:] = worlds.now[letter][i]
            rows.append(table)
        self._exponents.append(worlds.exponents.copy())
        for name, notes in self._notes.items():
            notes.append(getattr(worlds, name).copy())

    def result(self, execution: str) -> BatchResult:
        values = {letter: np.stack(rows) for letter, rows in self._values.items()}
        return BatchResult(
            values=values if self._batch.outputs else {},
            exponents=np.stack(self._exponents),
            **{name: np.stack(notes) for name, notes in self._notes.items()},
            execution=execution,
        )


def _joined(parts: list[BatchResult]) -> BatchResult:
    """Return results side by side."""
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts], axis=-1)
        for field in dataclasses.fields(BatchResult)
        if field.name not in ("values", "execution")
    }
    values = {
        letter: np.concatenate([part.values[letter] for part in parts], axis=-1)
        for letter in parts[0].values
    }
    return BatchResult(values=values, **joined, execution=parts[0].execution)

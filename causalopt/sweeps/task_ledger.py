"""The ledger of a store: which tasks are done, and the summary of each, in chunks of 1,024 tasks.

A task is missing or done. It is marked by the driver alone, after its numbers are on the disk:
first its summary is written, then its entry of `done`, each chunk whole. The bytes depend on what
is done, not on its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.errors import FileError
from causalopt.sweeps.durable_files import GO_ON, refused, write_durably
from causalopt.sweeps.store_layout import BLOCK, StoreLayout, decode, encode
from causalopt.sweeps.task_summary import TaskSummary

_SUMMARIES = ("task_min", "task_max", "task_count")


class TaskLedger:
    """What is done in a store, read from its `done` array and kept up with it.

    Args:
        root: The store's folder.
        layout: Where its arrays lie.
    """

    def __init__(self, root: Path, layout: StoreLayout) -> None:
        self._root, self._layout = root, layout
        self._done = np.zeros(layout.block_count * BLOCK, np.uint8)
        self._blocks: dict[int, dict[str, NDArray[Any]]] = {}  # those that are being filled
        self._totals: dict[int, TaskSummary] = {}  # of the chunks that are complete
        self.refresh()

    @property
    def done(self) -> NDArray[np.uint8]:
        """1 for each task that is done, 0 for each that is missing."""
        return self._done[: self._layout.task_count]

    def missing(self) -> Iterator[int]:
        """Return the numbers of the tasks that are missing, in their order."""
        for first in range(0, self._layout.task_count, BLOCK):
            block = self.done[first : first + BLOCK]
            yield from (first + np.flatnonzero(block == 0)).tolist()

    def refresh(self) -> None:
        """Read again what is done; chunks that were complete are not read a second time."""
        full = self._done.reshape(-1, BLOCK).all(axis=1)
        for block in np.flatnonzero(~full).tolist():
            found = self._read("done", block)
            if found is not None:
                self._done[block * BLOCK : (block + 1) * BLOCK] = found

    def mark(self, tasks: Mapping[int, TaskSummary]) -> None:
        """Mark tasks as done, whose numbers are on the disk.

        Raises:
            FileError: The store cannot be written.
        """
        for block, members in _by_block(tasks).items():
            self._mark_block(block, {task: tasks[task] for task in members})

    def total(self) -> TaskSummary:
        """Return the summary over all tasks that are done."""
        parts = [self._block_total(block) for block in range(self._layout.block_count)]
        return merged([part for part in parts if part is not None], self._layout)

    def _mark_block(self, block: int, tasks: Mapping[int, TaskSummary]) -> None:
        books = self._block(block)
        for task, summary in tasks.items():
            row = task % BLOCK
            books["task_min"][row] = summary.low
            books["task_max"][row] = summary.high
            books["task_count"][row] = summary.counts
        part = self._done[block * BLOCK : (block + 1) * BLOCK]
        marked = part.copy()
        marked[[task % BLOCK for task in tasks]] = 1
        names = {book: self._layout.block_key(book, block) for book in (*_SUMMARIES, "done")}
        try:
            write_durably(
                self._root, {names[book]: self._bytes(book, books[book]) for book in _SUMMARIES}
            )
            write_durably(self._root, {names["done"]: self._bytes("done", marked)})
        except OSError as error:
            raise refused(error, self._root, GO_ON) from None
        part[:] = marked
        if part[: self._layout.task_count - block * BLOCK].all():
            del self._blocks[block]

    def _block(self, block: int) -> dict[str, NDArray[Any]]:
        """Return the summaries of a chunk of tasks: of those that are done, and nothing else."""
        if block not in self._blocks:
            done = self._done[block * BLOCK : (block + 1) * BLOCK, np.newaxis] == 1
            books = {}
            for book in _SUMMARIES:
                dtype, row = self._layout.book_row(book)
                empty = np.full((BLOCK, *row), 0 if dtype == "i8" else np.nan)
                found = self._read(book, block) if done.any() else None
                books[book] = empty if found is None else np.where(done, found, empty)
            books["task_count"] = books["task_count"].astype(np.int64)
            self._blocks[block] = books
        return self._blocks[block]

    def _block_total(self, block: int) -> TaskSummary | None:
        if block in self._totals:
            return self._totals[block]
        done = self._done[block * BLOCK : (block + 1) * BLOCK] == 1
        if not done.any():
            return None
        low, high, counts = (self._kept(book, block)[done] for book in _SUMMARIES)
        total = TaskSummary(
            tuple(np.fmin.reduce(low, axis=0).tolist()),
            tuple(np.fmax.reduce(high, axis=0).tolist()),
            tuple(counts.sum(axis=0).tolist()),
        )
        if done[: self._layout.task_count - block * BLOCK].all():
            self._totals[block] = total
        return total

    def _kept(self, book: str, block: int) -> NDArray[Any]:
        found = self._read(book, block)
        if found is None:
            raise self._layout.damaged(self._root, self._layout.block_key(book, block), block)
        return found

    def _bytes(self, book: str, values: NDArray[Any]) -> bytearray:
        dtype, row = self._layout.book_row(book)
        return encode(values, dtype, (BLOCK, *row))

    def _read(self, book: str, block: int) -> NDArray[Any] | None:
        key = self._layout.block_key(book, block)
        try:
            content = (self._root / key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileError(f"cannot read '{self._root / key}': {error.strerror}") from None
        dtype, row = self._layout.book_row(book)
        found = decode(content, dtype, (BLOCK, *row))
        if found is None:
            raise self._layout.damaged(self._root, key, block)
        return found


def merged(parts: list[TaskSummary], layout: StoreLayout) -> TaskSummary:
    """Return the summary over several."""
    nothing = (np.nan,) * len(layout.floats)
    lows = np.array([part.low for part in parts] or [nothing])
    highs = np.array([part.high for part in parts] or [nothing])
    counts = np.array([part.counts for part in parts] or [(0,) * len(layout.statuses)])
    return TaskSummary(
        tuple(np.fmin.reduce(lows, axis=0).tolist()),
        tuple(np.fmax.reduce(highs, axis=0).tolist()),
        tuple(counts.sum(axis=0).tolist()),
    )


def _by_block(tasks: Iterable[int]) -> dict[int, list[int]]:
    blocks: dict[int, list[int]] = {}
    for task in sorted(tasks):
        blocks.setdefault(task // BLOCK, []).append(task)
    return blocks

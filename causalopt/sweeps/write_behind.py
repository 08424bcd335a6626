"""Tasks written into a store while the next are computed: a disk's time is not the processors'."""

from __future__ import annotations

import collections
import contextlib
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

from numpy.typing import ArrayLike

from causalopt.errors import FileError

if TYPE_CHECKING:
    from causalopt.sweeps.sweep_store import SweepStore
    from causalopt.sweeps.task_summary import TaskSummary

_MOST = 2  # tasks in memory that wait for the disk


class WriteBehind:
    """Writes tasks on a thread of its own, one after another, and marks them once they are written.

    As a context it ends with all of them written and marked, also where an exception ends it: what
    was computed is kept.

    Args:
        store: A store that this process drives.
    """

    def __init__(self, store: SweepStore) -> None:
        self._store, self._writer = store, store.writer
        self._waiting: collections.deque[tuple[int, Future[TaskSummary]]] = collections.deque()
        self._thread = None if sys.platform == "emscripten" else ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with contextlib.suppress(*(() if kind is None else (FileError,))):
                self._settle(0)
        finally:
            if self._thread is not None:
                self._thread.shutdown(cancel_futures=True)

    def keep(self, task: int, columns: Mapping[str, ArrayLike]) -> None:
        """Write a task's arrays, soon; wait only where two others wait for the disk.

        Raises:
            FileError: This task or one before it cannot be written.
        """
        if self._thread is None:  # a browser has no threads
            self._store.mark(task, self._writer.write(task, columns))
            return
        self._settle(_MOST - 1)
        self._waiting.append((task, self._thread.submit(self._writer.write, task, columns)))

    def _settle(self, most: int) -> None:
        """Mark what is written, and wait until at most so many are not."""
        while self._waiting and (len(self._waiting) > most or self._waiting[0][1].done()):
            task, written = self._waiting.popleft()
            self._store.mark(task, written.result())

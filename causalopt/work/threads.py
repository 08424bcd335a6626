"""Work that Python cannot interrupt by itself: on threads, and in calls that take long.

Python raises KeyboardInterrupt on the main thread alone, between two of its instructions. So
machine code is called in pieces of about a tenth of a second; pieces on other threads ask
`check_stop` between calls, which raises once the caller gave up; and a call that cannot be cut,
into LAPACK, XLA or LLVM, runs aside while the caller waits where it can be interrupted.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from causalopt.work.progress import pulse, recorded, through, tick, uncounted

Item = TypeVar("Item")
Result = TypeVar("Result")
WAIT = 0.1  # seconds between two looks of a caller that waits for others
_PIECE = 0.1  # seconds that a piece of machine code is meant to take
_TRIES = 100  # milliseconds in which a thread that was started runs
_local = threading.local()


class _Stopped(BaseException):
    """Raised on a thread whose caller gave up, past every `except Exception` of the work."""


def check_stop() -> None:
    """Raise on a thread of `on_threads` whose caller was interrupted; else do nothing."""
    stop = getattr(_local, "stop", None)
    if stop is not None and stop.is_set():
        raise _Stopped


@contextlib.contextmanager
def stopped_by(stop: threading.Event) -> Iterator[None]:
    """Let `check_stop` raise on this thread once an event is set: its caller is another thread."""
    before = getattr(_local, "stop", None)
    _local.stop = stop
    try:
        yield
    finally:
        _local.stop = before


def on_threads(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, *, counts: bool = True
) -> list[Result]:
    """Return work(item) for each item, in their order; threads share them out.

    The caller waits where it can be interrupted, and is told of progress. When it is interrupted,
    or one item fails, no other is begun, what runs ends at its next `check_stop`, and the
    exception is raised when all threads have ended.

    Args:
        work: Called on several threads at once; where it takes long, it asks `check_stop`.
        items: What is shared out.
        threads: How many; with one, all is done on the caller's.
        counts: Whether the items are what progress is counted in.
    """
    todo = list(items)
    if min(threads, len(todo)) <= 1 or sys.platform == "emscripten":
        if counts:
            return [work(item) for item in through(todo)]
        with uncounted():
            return [work(item) for item in todo]
    crew = _Crew(work, todo, counts)
    crew.run(min(threads, len(todo)))
    return [crew.done[k] for k in range(len(todo))]


class _Crew:
    """Threads that share out items."""

    def __init__(self, work: Callable[[Any], Any], items: Sequence[Any], counts: bool) -> None:
        self._work, self._count, self._counts = work, len(items), counts
        self._left = collections.deque(enumerate(items))
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self._parts = [0.0] * len(items)
        self.done: dict[int, Any] = {}

    def run(self, threads: int) -> None:
        """Do all items."""
        crew = [WaitedThread(self._share, "causalopt-worker") for _ in range(threads)]
        begun: list[WaitedThread] = []
        try:
            for thread in crew:
                begun.append(thread)
                thread.start()
            for thread in crew:
                while not thread.ended.wait(WAIT):
                    check_stop()
                    if self._counts:
                        tick(sum(self._parts), self._count)
                    else:
                        pulse()
        finally:
            self._stop.set()
            for thread in begun:
                thread.wait_for_end()
        if self._failures:
            raise self._failures[0]

    def _note(self, k: int, done: float, total: float, what: str, /) -> None:
        """Note how much of item k is done."""
        del what
        self._parts[k] = done / total

    def _share(self) -> None:
        _local.stop = self._stop
        try:
            while not self._stop.is_set():
                try:
                    k, item = self._left.popleft()
                except IndexError:  # another thread took the last one
                    return
                with recorded(functools.partial(self._note, k)):
                    self.done[k] = self._work(item)
                self._parts[k] = 1.0
        except _Stopped:
            return
        except BaseException as error:  # raised again on the caller's thread
            self._failures.append(error)
            self._stop.set()


class WaitedThread(threading.Thread):
    """A thread whose end can be waited for where the wait may be interrupted.

    `join` cannot: interrupted, it takes a thread that runs for one that has ended (CPython 3.11).

    Args:
        work: What it does; no exception leaves it.
        name: The thread's name.
    """

    def __init__(self, work: Callable[[], None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self.ended = threading.Event()

    def run(self) -> None:
        """Do the work."""
        try:
            self._work()
        finally:
            self.ended.set()

    def wait_for_end(self) -> None:
        """Wait for the end, also where the start was interrupted."""
        tries = 0
        while self.ident is None and tries < _TRIES:
            time.sleep(0.001)
            tries += 1
        if self.ident is not None:
            self.ended.wait()
            self.join()


class Pace:
    """How many steps machine code does between two returns to Python: a tenth of a second's.

    Args:
        first: Steps of the first piece, where nothing has been measured.
        multiple: Every piece but the last is so many steps, or a multiple of them.
    """

    def __init__(self, first: int, multiple: int = 1) -> None:
        self._multiple = multiple
        self.steps = max(first // multiple, 1) * multiple

    def pieces(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Yield [start, stop) from low to high; how long each took decides how long the next is."""
        start = low
        while start < high:
            stop = min(start + self.steps, high)
            with self.piece(stop - start):
                yield start, stop
            start = stop

    @contextlib.contextmanager
    def piece(self, steps: int) -> Iterator[None]:
        """Time a piece of so many steps, which runs inside."""
        check_stop()
        begun = time.perf_counter()
        yield
        passed = time.perf_counter() - begun
        if passed > 2 * _PIECE or (passed < _PIECE / 2 and steps >= self.steps):
            share = min(_PIECE / max(passed, 1e-9), 8.0)
            self.steps = max(int(steps * share) // self._multiple, 1) * self._multiple

"""A time limit for symbolic work that holds on every thread and every system.

Signals reach only the main thread and do not exist on Windows, a fresh process costs more than most
derivations take, and tracing every call makes sympy ten times slower. So each stage runs on a
worker thread while the caller waits for at most the time left; at the limit an exception is raised
inside the worker, between two of its instructions. Garbage collection is put off for that moment,
for an exception inside one of its callbacks would be lost, and it is raised again until the worker
has ended. A stage inside one long C call cannot be stopped that way: the caller still returns, and
the daemon worker ends when the call does. Where no thread can be started, in a browser, a stage
runs to its end, and the limit holds between stages.
"""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from causalopt.work.interrupts import must_end
from causalopt.work.progress import tick
from causalopt.work.threads import WAIT, WaitedThread

Answer = TypeVar("Answer")
_TRIES = 8
_PAUSE = 0.1
_YIELD = 0.005


class OvertimeError(Exception):
    """A stage did not end within its time; caught by the caller, who takes a simpler form."""


class _StopError(BaseException):
    """Raised inside a worker, past every `except Exception` of the algebra it runs."""


@dataclasses.dataclass(frozen=True)
class Deadline:
    """A moment by which all stages of one derivation must have ended.

    Args:
        ends: The moment, on the clock of `time.monotonic`, in seconds.
        whole: What progress is counted in: when the derivation began, and the seconds it has.
    """

    ends: float
    whole: tuple[float, float] | None = None

    @classmethod
    def after(cls, seconds: float, *, share: float = 1.0) -> Deadline:
        """Return the deadline that lies a share of `seconds` from now."""
        now = time.monotonic()
        return cls(now + seconds * share, (now, seconds))

    def remaining(self) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self.ends - time.monotonic())

    def run(
        self, stage: Callable[..., Answer], *arguments: Any, at_most: float | None = None
    ) -> Answer:
        """Return stage(*arguments), if it ends in time.

        Args:
            stage: A function that changes nothing outside itself.
            *arguments: What it is called with.
            at_most: Seconds for this stage alone, within what is left.

        Returns:
            The stage's answer.

        Raises:
            OvertimeError: The time ran out; the stage was stopped.

        Example:
            >>> Deadline.after(5.0).run(sum, [1, 2, 3])
            6
        """
        limit = self.remaining() if at_most is None else min(at_most, self.remaining())
        if limit <= 0:
            raise OvertimeError("no time is left")
        worker = _Worker(stage, arguments)
        try:
            try:
                worker.start()
            except RuntimeError:
                # A browser starts no threads: there a stage takes the time that it takes.
                worker.ended.set()
                return stage(*arguments)
            self._wait(worker, limit)
        finally:
            if not worker.ended.is_set():  # also where the caller was interrupted
                worker.stop()
        if worker.failure is not None:
            raise worker.failure
        if not worker.outcome:
            raise OvertimeError(f"not done within {limit:.3g} s")
        answer: Answer = worker.outcome[0]
        return answer

    def _wait(self, worker: _Worker, limit: float) -> None:
        """Wait for a worker, and tell how much of the time has passed."""
        ends = time.monotonic() + limit
        while (left := ends - time.monotonic()) > 0:
            if self.whole is not None:
                tick(time.monotonic() - self.whole[0], self.whole[1])
            if worker.ended.wait(min(left, WAIT)):
                return


class _Worker(WaitedThread):
    """One stage on a thread of its own, which can be stopped."""

    def __init__(self, stage: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        super().__init__(self._followed, "causalopt-symbolic")
        self._stage = stage
        self._arguments = arguments
        self._lock = threading.Lock()
        self._finished = False
        self.outcome: list[Any] = []
        self.failure: BaseException | None = None

    def _followed(self) -> None:
        try:
            self._run_stage()
            with self._lock:
                self._finished = True
            # An exception that was raised before the lock arrives here at the latest: it is
            # delivered where loops turn round.
            for _ in range(3):
                pass
        except _StopError:
            return

    def _run_stage(self) -> None:
        try:
            self.outcome.append(self._stage(*self._arguments))
        except _StopError:
            raise
        except BaseException as error:  # handed to the caller, where it is raised again
            self.failure = error

    def _must_end(self) -> bool:
        """Whether it is within an import, say, which must not end halfway."""
        return must_end(sys._current_frames().get(self.ident or 0))

    def stop(self) -> None:
        """Raise inside the worker until it ends, for as long as that makes sense."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            # Twice: a collection under way yields first inside its last callback.
            time.sleep(_YIELD)
            time.sleep(_YIELD)
            for _ in range(_TRIES):
                with self._lock:
                    if not self._finished and self.ident is not None and not self._must_end():
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(
                            ctypes.c_ulong(self.ident), ctypes.py_object(_StopError)
                        )
                if self.ended.wait(_PAUSE):
                    return
        finally:
            if collecting:
                gc.enable()

"""A time limit for symbolic work that holds on every thread and every system.

Signals reach only the main thread and do not exist on Windows, and a fresh process costs more than
most derivations take. So each stage runs on a worker thread while the caller waits for at most the
time left; at the limit the worker is asked to stop by an exception raised inside it, which reaches
pure Python code such as sympy's between two instructions. A stage inside one long C call cannot be
stopped that way: the caller still returns at the limit and the daemon worker ends when the call
does.
"""

from __future__ import annotations

import ctypes
import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class OvertimeError(Exception):
    """A stage did not end within its time; caught by the caller, who takes a simpler form."""


class _StopError(BaseException):
    """Raised inside a worker, past every `except Exception` of the algebra it runs."""


@dataclasses.dataclass(frozen=True)
class Deadline:
    """A moment by which all stages of one derivation must have ended.

    Args:
        ends: The moment, on the clock of `time.monotonic`, in seconds.
    """

    ends: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline that lies `seconds` from now."""
        return cls(time.monotonic() + seconds)

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
        outcome: list[Answer] = []
        failure: list[BaseException] = []

        def work() -> None:
            try:
                outcome.append(stage(*arguments))
            except _StopError:
                return
            except BaseException as error:  # handed to the caller, where it is raised again
                failure.append(error)

        worker = threading.Thread(target=work, name="causalopt-symbolic", daemon=True)
        worker.start()
        worker.join(limit)
        if worker.is_alive():
            _stop(worker)
        if failure:
            raise failure[0]
        if not outcome:
            raise OvertimeError(f"not done within {limit:.3g} s")
        return outcome[0]


def _stop(worker: threading.Thread) -> None:
    if worker.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(worker.ident), ctypes.py_object(_StopError)
        )
    worker.join(0.5)

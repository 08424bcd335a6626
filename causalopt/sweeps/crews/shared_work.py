"""Work that reaches each process once: its name goes with a task, its pickle where it is unknown.

A plan with a large model may be millions of bytes, and a task is one number. A process keeps the
work that it has read under its name; one that does not know the name says so, and is sent the work
with its next task. Versions are compared when it is read, in whichever process and however late
that joined. What a task raises comes back as text, for an exception of another process may not be
readable here.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import hashlib
import os
import pickle
import platform
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from causalopt.errors import ArgumentError, CausaloptError, QuestionError, WorkersError
from causalopt.extras import has
from causalopt.sweeps.sweep_plan import versions
from causalopt.work.progress import recorded
from causalopt.work.threads import stopped_by

_KEPT = 4  # works that a process keeps: a scheduler's workers live longer than a call
_read: collections.OrderedDict[str, Callable[[int], Any]] = collections.OrderedDict()
_own: dict[str, SharedWork] = {}
_reading = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Reply:
    """What comes back of a task.

    Args:
        kind: `done`; `raised`, an exception of the work; `wrong`, an error of the input, which ends
            the whole; `unknown`, the process has not the work; `versions`, it has other versions.
        result: What the work returned; the error itself where the kind is `wrong`.
        message: What is said of it otherwise.
    """

    kind: Literal["done", "raised", "wrong", "unknown", "versions"]
    result: Any = None
    message: str = ""


class SharedWork:
    """Work under a name of its own, while it is used.

    Args:
        work: A function of a task's number.
    """

    def __init__(self, work: Callable[[int], Any]) -> None:
        self.work = work
        self.name = uuid.uuid4().hex
        self._stop = threading.Event()
        self._running = 0
        self._idle = threading.Condition()

    def __enter__(self) -> SharedWork:
        _own[self.name] = self
        return self

    def __exit__(self, *_: object) -> None:
        del _own[self.name]

    @functools.cached_property
    def pickled(self) -> bytes:
        """The work and the versions that it was made with.

        Raises:
            ArgumentError: It cannot be sent to another process.
        """
        return pickle.dumps((all_versions(), _pickled(self.work)))

    @contextlib.contextmanager
    def here(self) -> Iterator[None]:
        """Note that a task runs in this process, on a thread that `stop` reaches."""
        with self._idle:
            self._running += 1
        try:
            with stopped_by(self._stop):
                yield
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def stop(self, wait: float) -> None:
        """End the tasks that run on threads of this process; wait for them so many seconds."""
        self._stop.set()
        with self._idle:
            self._idle.wait_for(lambda: not self._running, wait)


def run_shared(name: str, task: int, pickled: bytes | None = None) -> Reply:
    """Run a task of the work of this name, in whichever process this is.

    Args:
        name: The work's.
        task: The task's number.
        pickled: The work, where this process may not have it.
    """
    own = _own.get(name)
    if own is not None:
        with own.here():
            return _reply(own.work, task)
    with _reading:
        work = _read.get(name)
        if work is None:
            if pickled is None:
                return Reply("unknown")
            there, inside = pickle.loads(pickled)
            differences = differing(there, all_versions())
            if differences:
                return Reply("versions", message=f"{differences} on {platform.node()}")
            work = _read[name] = pickle.loads(inside)
            while len(_read) > _KEPT:
                _read.popitem(last=False)
    return _reply(work, task)


def _untold(*_: object) -> None:
    """Take no note of how far a task is."""


def _reply(work: Callable[[int], Any], task: int) -> Reply:
    try:
        with recorded(_untold):  # a process of its own would show a bar for each task
            return Reply("done", work(task))
    except CausaloptError as error:
        return Reply("wrong", _sendable(error))
    except Exception as error:
        return Reply("raised", message=failure_text(error))


def failure_text(error: BaseException) -> str:
    """Return what an exception says, with its kind and the last place that raised it.

    Example:
        >>> failure_text(ValueError("too far"))
        'ValueError: too far'
    """
    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f" ({os.path.basename(code.co_filename)}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}".rstrip(": ") + place


def _sendable(error: CausaloptError) -> CausaloptError:
    """Return an error as it is where it can be pickled and read again, else one with its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return QuestionError(str(error))
    return error


def _pickled(work: Callable[[int], Any]) -> bytes:
    """Return work as bytes; what a script or a notebook defines is in them, where that can be."""
    try:
        if has("cloudpickle"):  # Dask and loky bring it
            import cloudpickle

            return bytes(cloudpickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL))
        return pickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise ArgumentError(
            f"the work cannot be sent to another process: {error}; let it be a function of a "
            "module, or run the tasks on threads"
        ) from error


def unwrapped(reply: Reply) -> str:
    """Return why a reply is no result, "" where it is one.

    Raises:
        CausaloptError: The task's input is wrong.
        WorkersError: The worker has other versions than this process.
    """
    if reply.kind == "wrong":
        raise reply.result
    if reply.kind == "versions":
        raise WorkersError(other_versions(reply.message))
    return reply.message if reply.kind == "raised" else ""


def other_versions(differences: str) -> str:
    """Return what is said where workers have other versions than this process."""
    return (
        f"workers have other versions than this process: {differences}; install the same on both, "
        "for others may find other numbers"
    )


@functools.cache
def all_versions() -> dict[str, str]:
    """Return the versions on which numbers depend, and a hash of this package's own code.

    The code is hashed because a checkout changes while its version stands still.
    """
    home, code = Path(__file__).parents[2], hashlib.sha256()  # the package
    for file in sorted(home.rglob("*.py"), key=lambda file: file.relative_to(home).as_posix()):
        code.update(file.relative_to(home).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return {**versions(), "code of causalopt": code.hexdigest()[:12]}


def differing(here: dict[str, str], there: dict[str, str]) -> str:
    """Return in words where two sets of versions differ, the caller's first.

    Example:
        >>> differing({"numpy": "2.4", "Python": "3.11"}, {"numpy": "2.3", "Python": "3.11"})
        'numpy 2.4 here, 2.3'
    """
    return "; ".join(
        f"{name} {version} here, {there.get(name, 'missing')}"
        for name, version in here.items()
        if there.get(name) != version
    )

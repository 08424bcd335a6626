"""Ctrl-C: heard within a call at once, but not in the middle of an import.

A package whose import is interrupted is half there: numpy cannot be imported a second time, and
sympy's parts do not find each other. So the imports that a call begins are finished before
KeyboardInterrupt is raised, a second later at most.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_IMPORTS = "<frozen importlib._bootstrap>"
_STARTS: set[object] = set()
_AGAIN = 0.02  # seconds until an interruption is tried again


@contextlib.contextmanager
def whole_imports() -> Iterator[None]:
    """Let imports that begin inside end before Ctrl-C is heard.

    Nothing is changed on other threads, and where the program has a handler of its own.
    """
    if not begin_hearing():
        yield
        return
    try:
        yield
    finally:
        end_hearing()


def begin_hearing() -> bool:
    """Hear Ctrl-C by `whole_imports`' rule from now on; False where that cannot or need not be."""
    if threading.current_thread() is not threading.main_thread():
        return False
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return False
    try:
        signal.signal(signal.SIGINT, _heard)
    except ValueError:  # another interpreter than the main one
        return False
    return True


def end_hearing() -> None:
    """Hear Ctrl-C as Python does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _heard(number: int, frame: FrameType | None) -> None:
    if is_importing(frame):
        again = threading.Timer(_AGAIN, signal.raise_signal, [number])
        again.daemon = True
        again.start()
        return
    signal.default_int_handler(number, frame)


def is_importing(frame: FrameType | None) -> bool:
    """Whether a frame runs within an import that began inside `whole_imports`.

    What the program itself imports around it does not count: that may be a script's whole work.
    """
    seen = False
    while frame is not None:
        if frame.f_code in _STARTS:
            return seen
        seen = seen or frame.f_code.co_filename == _IMPORTS
        frame = frame.f_back
    return seen


def start_here(function: Callable[..., object]) -> None:
    """Let imports around a call of this function not count as those that it begins."""
    _STARTS.add(function.__code__)

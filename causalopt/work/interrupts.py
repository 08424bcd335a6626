"""Ctrl-C: heard within a call at once, but not where it would leave something broken behind.

A package whose import is interrupted is half there: numpy cannot be imported a second time, and
sympy's parts do not find each other. llvmlite frees twice what it was interrupted in freeing. What
a destructor raises is lost. So these are finished before KeyboardInterrupt is raised: imports that
a call begins take a second at most, and the rest far less.
"""

from __future__ import annotations

import _weakrefset
import functools
import os
import signal
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

_OWN = os.path.dirname(os.path.dirname(__file__)) + os.sep
_LLVM = f"{os.sep}llvmlite{os.sep}"
_WEAK = {weakref.__file__, _weakrefset.__file__}
_STARTS: set[object] = set()
_waiting = threading.Event()
_AGAIN = 0.02  # seconds until an interruption is tried again
_LOST = 2.0  # seconds after which a call that still runs has not heard it
_watches: list[threading.Timer] = []


def imports_whole(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let what a call begins and must not end halfway end before Ctrl-C is heard.

    Nothing is changed on other threads, and where the program has a handler of its own.
    """

    @functools.wraps(function)
    def hearing(*arguments: Given.args, **options: Given.kwargs) -> Result:
        hears = begin_hearing()
        try:
            return function(*arguments, **options)
        finally:
            if hears:
                end_hearing()

    start_here(hearing)
    return hearing


def begin_hearing() -> bool:
    """Hear Ctrl-C by the rule of `must_end` from now on; False where that cannot or need not be.

    Who calls it says where its work begins, by `start_here`, and calls `end_hearing` at the end.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return False
    try:
        signal.signal(signal.SIGINT, _heard)
    except ValueError:  # another interpreter than the main one
        return False
    _waiting.clear()
    return True


def end_hearing() -> None:
    """Hear Ctrl-C as Python does; raise KeyboardInterrupt where it is still to be heard."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    while _watches:
        watch = _watches.pop()
        watch.cancel()
        watch.join(_AGAIN)
    if _waiting.is_set():
        _waiting.clear()
        raise KeyboardInterrupt


def _heard(number: int, frame: FrameType | None) -> None:
    if must_end(frame):
        _waiting.set()
        again = threading.Timer(_AGAIN, _try_again, [number])
        again.daemon = True
        again.start()
        return
    _waiting.clear()
    # A callback that Python calls by itself loses what it raises, and the call goes on.
    watch = threading.Timer(_LOST, signal.raise_signal, [number])
    watch.daemon = True
    _watches.append(watch)
    watch.start()
    signal.default_int_handler(number, frame)


def _try_again(number: int) -> None:
    if _waiting.is_set():
        signal.raise_signal(number)


def must_end(frame: FrameType | None) -> bool:
    """Whether a frame runs within what must not end halfway, begun since `begin_hearing`.

    What the program itself imports around it does not count: that may be a script's whole work.
    """
    while frame is not None and frame.f_code not in _STARTS:
        code = frame.f_code
        if code.co_name == "__del__" or _LLVM in code.co_filename:
            return True
        if code.co_filename in _WEAK and code.co_name in {"remove", "_remove"}:
            return True  # a callback of a weak reference: what it raises is lost as a destructor's
        # Our own modules can be imported again; what they import may not.
        if code.co_name == "<module>" and not code.co_filename.startswith(_OWN):
            return True
        frame = frame.f_back
    return False


def start_here(function: Callable[..., object]) -> None:
    """Let calls of this function be where `must_end` stops looking outwards."""
    _STARTS.add(function.__code__)

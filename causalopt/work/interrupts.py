"""Ctrl-C: heard within a call at once, but not where it would leave something broken behind.

A package whose import is interrupted is half there: numpy cannot be imported a second time, and
sympy's parts do not find each other. llvmlite frees twice what it was interrupted in freeing. What
a destructor raises is lost. So these are finished before KeyboardInterrupt is raised: imports that
a call begins take a second at most, and the rest far less.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

_OWN = str(Path(__file__).parents[1]) + os.sep
_LLVM = f"{os.sep}llvmlite{os.sep}"
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


def imports_whole(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let the imports that a function begins end before Ctrl-C is heard."""

    @functools.wraps(function)
    def hearing(*arguments: Given.args, **options: Given.kwargs) -> Result:
        with whole_imports():
            return function(*arguments, **options)

    start_here(hearing)
    return hearing


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
    if must_end(frame):
        again = threading.Timer(_AGAIN, signal.raise_signal, [number])
        again.daemon = True
        again.start()
        return
    signal.default_int_handler(number, frame)


def must_end(frame: FrameType | None) -> bool:
    """Whether a frame runs within what must not end halfway, begun inside `whole_imports`.

    What the program itself imports around it does not count: that may be a script's whole work.
    """
    while frame is not None and frame.f_code not in _STARTS:
        code = frame.f_code
        if code.co_name == "__del__" or _LLVM in code.co_filename:
            return True
        # Our own modules can be imported again; what they import may not.
        if code.co_name == "<module>" and not code.co_filename.startswith(_OWN):
            return True
        frame = frame.f_back
    return False


def start_here(function: Callable[..., object]) -> None:
    """Let imports around a call of this function not count as those that it begins."""
    _STARTS.add(function.__code__)

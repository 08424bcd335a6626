"""How far long work is: one protocol for callbacks, and one bar for a call and all within it.

A public function that can take seconds is marked by `long_work`. What runs inside tells how far it
is with `begin`, `tick`, `through` and `portion`, and need not know who asked: the outermost call
has the bar or the callback, and work inside it moves that within its share. Where nobody is to be
told, each of these returns at once.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextvars import ContextVar
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar

from causalopt.errors import QuestionError
from causalopt.work.interrupts import begin_hearing, end_hearing, start_here

Given = ParamSpec("Given")
Result = TypeVar("Result")
Item = TypeVar("Item")
VARIABLE = "CAUSALOPT_PROGRESS"
PATIENCE = 2.0  # seconds of work that nobody needs to be told of


class Progress(Protocol):
    """What is told how far work is.

    `done` and `total` count in the work's own unit, such as steps, points or models; `done` may lie
    between two whole numbers, never decreases, and is `total` in the last call of work that ends.
    `total` may grow where a search finds more to do. `what` says what is being done. It is called
    on the caller's thread, whose work stops where it raises: the exception passes through.
    """

    def __call__(self, done: float, total: float, what: str, /) -> object:
        """Take note of how much of the total is done."""


# What a stretch of work does with reports from within: take them, take those of its own parts only,
# or none, where it is part of something that counts otherwise.
_TAKES, _OWN_PARTS, _NONE = range(3)


class _Work:
    """One call of a long function, and the shares of it that run at present."""

    __slots__ = ("done", "frames", "remark", "told", "total", "what")

    def __init__(self, told: Progress, what: str, takes: int) -> None:
        self.told, self.what, self.remark = told, what, ""
        self.total, self.done = 0.0, 0.0
        self.frames: list[tuple[float, float, int]] = [(0.0, 1.0, takes)]

    def at(self, fraction: float, total: float, *, own: bool = False) -> None:
        """Tell how far the innermost share is; the first total that is said is the whole's."""
        low, high, takes = self.frames[-1]
        if takes == _NONE or (takes == _OWN_PARTS and not own):
            self.pulse()
            return
        if not self.total or (len(self.frames) == 1 and total > self.total):
            self.total = float(total)
        done = self.total * (low + (high - low) * min(max(fraction, 0.0), 1.0))
        self.done = max(done, self.done)
        self.told(self.done, self.total, self._words())

    def _words(self) -> str:
        """Return what a bar says is done, with the remark; callbacks are told the work alone."""
        shown = self.remark and isinstance(self.told, Patient)
        return f"{self.what} ({self.remark})" if shown else self.what

    def pulse(self) -> None:
        """Let a bar show that work goes on."""
        if isinstance(self.told, Patient):
            self.told(self.done, self.total, self._words())

    def enter(self, low: float, high: float, takes: int = _TAKES, whole: float = 0.0) -> int:
        """Begin a share, from one fraction of the innermost to another; return the depth before."""
        start, end, outer = self.frames[-1]
        if len(self.frames) == 1 and not self.total:
            self.total = whole
        takes = _NONE if outer == _NONE else takes
        self.frames.append((start + low * (end - start), start + high * (end - start), takes))
        return len(self.frames) - 1

    def call(self, takes: int) -> int:
        """Begin a long function inside this work; return the depth before."""
        return self.enter(0.0, 1.0, takes if self.frames[-1][2] == _TAKES else _NONE)

    def leave(self, depth: int) -> None:
        """End all shares that were begun since."""
        del self.frames[depth:]

    def end(self) -> None:
        """Tell that all is done, unless that was said."""
        if self.done < self.total:
            self.done = self.total
            self.told(self.done, self.total, self._words())


_current: ContextVar[_Work | None] = ContextVar("causalopt.work", default=None)


def long_work(
    what: str, *, direct: bool = False, unit: str = ""
) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """Mark a public function that may take seconds; its argument `progress` is told, or a bar.

    Args:
        what: What it does, such as "sweeping".
        direct: Whether `tick` inside it counts its whole work; otherwise only what stands in
            `through` and `portion` does, so that a run that prepares something does not.
        unit: What it counts, such as "points", for the rate that a bar shows.
    """
    takes = _TAKES if direct else _OWN_PARTS

    def mark(function: Callable[Given, Result]) -> Callable[Given, Result]:
        @functools.wraps(function)
        def marked(*arguments: Given.args, **options: Given.kwargs) -> Result:
            call = functools.partial(function, *arguments, **options)
            told, work = options.get("progress"), _current.get()
            if told is None and work is not None:
                depth = work.call(takes)
                try:
                    return call()
                finally:
                    work.leave(depth)
            hears = begin_hearing()
            try:
                return _alone(call, told, what, takes, unit)
            finally:
                if hears:
                    end_hearing()

        start_here(marked)
        return marked

    return mark


def _alone(
    call: Callable[[], Result], told: object, what: str, takes: int, unit: str = ""
) -> Result:
    """Return what a call returns that is part of no other; its own callback is told, or a bar."""
    if told is not None:
        return _told(_Work(_checked(told), what, takes), call)
    shown = _default(unit)
    if shown is None:
        return call()
    try:
        return _told(_Work(shown, what, takes), call)
    finally:
        if isinstance(shown, Patient):
            shown.close()


def _told(work: _Work, call: Callable[[], Result]) -> Result:
    token = _current.set(work)
    try:
        result = call()
        work.leave(1)
        work.end()
        return result
    finally:
        _current.reset(token)


def _checked(told: object) -> Progress:
    if not callable(told):
        raise QuestionError(
            f"progress is a function of (done, total, what), not {told!r}: to show no bar, say "
            "causalopt.progress(False)"
        )
    return told


def tick(done: float, total: float) -> None:
    """Say how much of the work that runs at present is done; nothing happens if nobody asked."""
    work = _current.get()
    if work is not None:
        work.at(done / total if total else 1.0, total)


def begin(total: float) -> None:
    """Say what a long function's whole work is, in its own unit, before its first part."""
    work = _current.get()
    if work is not None:
        work.at(0.0, total, own=True)


def pulse() -> None:
    """Let a bar show that work goes on of which nothing else is known; callbacks are not told."""
    work = _current.get()
    if work is not None:
        work.pulse()


def remark(text: str) -> None:
    """Let a bar say something beside what is done, such as how much failed so far; "" for nothing.

    Callbacks are not told.
    """
    work = _current.get()
    if work is not None:
        work.remark = text


def through(items: Iterable[Item], total: int | None = None) -> Iterator[Item]:
    """Yield items, each an equal share of the work; work inside the loop moves within it.

    Args:
        items: What is gone through.
        total: How many there are, where they have no length.
    """
    work = _current.get()
    if work is None:
        yield from items
        return
    count = max(len(items) if total is None and isinstance(items, Sized) else total or 1, 1)
    depth = len(work.frames)
    left, k = iter(items), 0
    while True:
        work.leave(depth)
        work.at(k / count, count, own=True)
        work.enter(min(k / count, 1.0), min((k + 1) / count, 1.0))
        try:
            item = next(left)  # which may be work itself
        except StopIteration:
            break
        yield item
        k += 1
    work.leave(depth)
    if k < count:
        work.at(1.0, count, own=True)


@contextlib.contextmanager
def portion(low: float, high: float) -> Iterator[None]:
    """Let what runs inside count as the work from one fraction of it to another.

    The whole is counted in per cent, unless something else was counted before.
    """
    work = _current.get()
    if work is None:
        yield
        return
    depth = work.enter(low, high, whole=100.0)
    try:
        yield
    finally:
        work.leave(depth)


@contextlib.contextmanager
def uncounted() -> Iterator[None]:
    """Let what runs inside count for nothing: its caller knows how far the work is."""
    work = _current.get()
    if work is None:
        yield
        return
    depth = work.enter(0.0, 0.0, _NONE)
    try:
        yield
    finally:
        work.leave(depth)


@contextlib.contextmanager
def recorded(told: Progress) -> Iterator[None]:
    """Let a function be told of what runs inside, on a thread that nobody is shown."""
    token = _current.set(_Work(told, "", _TAKES))
    try:
        yield
    finally:
        _current.reset(token)


class _Switch:
    """What `progress` set, until the block that it opened ends."""

    def __init__(self, before: bool | Progress | None) -> None:
        self._before = before

    def __enter__(self) -> _Switch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        global _chosen
        _chosen = self._before


_chosen: bool | Progress | None = None
_writes_lines = False  # whether lines are written where nobody looks, as commands do


@contextlib.contextmanager
def lines_elsewhere() -> Iterator[None]:
    """Let work inside write a line now and then where there is no terminal."""
    global _writes_lines
    before, _writes_lines = _writes_lines, True
    try:
        yield
    finally:
        _writes_lines = before


def progress(shown: bool | Progress = True) -> contextlib.AbstractContextManager[object]:
    """Say whether and how long work shows how far it is: from now on, or within a `with` block.

    Without it, a call of more than two seconds shows a bar with its rate and the time left where
    somebody looks: on a terminal and in a notebook. `CAUSALOPT_PROGRESS=0` in the environment turns
    it off and `CAUSALOPT_PROGRESS=1` on; this function goes before both, and the argument
    `progress` of a call before all.

    Args:
        shown: Whether there is a bar, and where nobody looks a line on stderr every ten seconds; or
            a function of (done, total, what), which is told instead. `done` and `total` are
            numbers in the work's own unit, such as steps or points; `done` never decreases and is
            `total` at the end. It is called on the thread whose call it tells of; what it raises
            ends the call and passes through.

    Returns:
        A context that sets back what was before, where it is used as one.

    Raises:
        QuestionError: It is neither true, false nor a function.

    Example:
        >>> import causalopt
        >>> told = []
        >>> with progress(lambda done, total, what: told.append((done, total, what))):
        ...     _ = causalopt.run(causalopt.load("thermostat"), steps=100)
        >>> told[-1]
        (101.0, 101.0, 'running')
    """
    global _chosen
    before = _chosen
    _chosen = shown if isinstance(shown, bool) else _checked(shown)
    return _Switch(before)


def _default(unit: str = "") -> Progress | None:
    """Return what is told of work of which nothing is said: its bar, the session's choice or none.

    A call on another thread than the main one is silent, for there may be many at once.
    """
    chosen = _chosen
    if chosen is None:
        said = os.environ.get(VARIABLE)
        chosen = (
            None if said is None else said.strip().lower() not in {"0", "", "no", "off", "false"}
        )
    if chosen is False:
        return None
    if callable(chosen):
        return chosen
    if threading.current_thread() is not threading.main_thread():
        return None
    screen = "notebook" if _in_kernel() else "terminal" if _on_terminal() else "lines"
    if screen == "lines" and not (chosen or _writes_lines):
        return None
    return Patient(screen, unit)


def _in_kernel() -> bool:
    """Whether this process is a notebook's kernel."""
    python = sys.modules.get("IPython")
    if "ipykernel" not in sys.modules or python is None:
        return False  # both are there in a kernel; somebody else may have loaded one of them
    shell = python.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _on_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is no stderr, or it is closed
        return False


class Patient:
    """What is told nothing in the first two seconds, and shown by a bar from then on."""

    __slots__ = ("_bar", "_begun", "_screen", "_unit")

    def __init__(self, screen: str, unit: str = "") -> None:
        self._screen, self._unit, self._begun = screen, unit, time.monotonic()
        self._bar: Any = None

    def __call__(self, done: float, total: float, what: str, /) -> None:
        """Show how much is done, unless the work is young."""
        if self._bar is None:
            if time.monotonic() - self._begun < PATIENCE:
                return
            from causalopt.work.bars import BARS  # few calls take so long

            self._bar = BARS[self._screen](self._begun, self._unit)
        self._bar.show(done, total, what)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()

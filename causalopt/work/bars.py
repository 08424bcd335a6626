"""One bar with rate and time left: on a terminal, in a notebook, and as lines elsewhere.

rich lays out and draws it. In a notebook its picture is shown once and updated in place by the
kernel's own display messages, so that no widgets are needed; nothing here runs on a thread, for the
work itself tells how far it is.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

_BETWEEN = 0.1  # seconds between two pictures of a bar
_BETWEEN_LINES = 10.0


class Bar(Protocol):
    """What shows how far one call is.

    Args:
        begun: When the call began, on the clock of `time.monotonic`.
        unit: What is counted, such as points; "" where the rate is a number alone.
    """

    def __init__(self, begun: float, unit: str = "") -> None: ...

    def show(self, done: float, total: float, what: str) -> None:
        """Show how much is done."""

    def close(self) -> None:
        """End it."""


class _Rate(ProgressColumn):
    """How much is done a second, since the call began."""

    def __init__(self, begun: float, unit: str) -> None:
        super().__init__()
        self._begun, self._unit = begun, unit

    def render(self, task: Task) -> Text:
        """Return the rate as text."""
        passed = max(time.monotonic() - self._begun, 1e-9)
        return Text(rate_text(task.completed / passed, self._unit))


def rate_text(rate: float, unit: str = "") -> str:
    """Return a rate as three digits with a prefix of thousands.

    Example:
        >>> rate_text(1234567.0), rate_text(12.0, "points"), rate_text(0.0123)
        ('1.23 M/s', '12 points/s', '0.0123 /s')
        >>> rate_text(5.0e4, "points")
        '50 k points/s'
    """
    sizes = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
    size, prefix = next((pair for pair in sizes if rate >= pair[0]), (1.0, ""))
    return f"{rate / size:.3g} {f'{prefix} {unit}'.strip()}/s"


def span_text(seconds: float) -> str:
    """Return a length of time in the unit in which it is read.

    Example:
        >>> [span_text(s) for s in (0.4, 99.0, 600.0, 9000.0, 7e5)]
        ['0 s', '99 s', '10 min', '2.5 h', '8.1 days']
    """
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.0f} s"


def _drawn_by_rich(begun: float, unit: str, console: Console) -> RichProgress:
    """Return rich's picture of a call that began earlier; it is drawn when it is told so."""
    picture = RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        _Rate(begun, unit),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        transient=True,
        auto_refresh=False,
        get_time=time.monotonic,
        speed_estimate_period=3600.0,
    )
    picture.add_task("", total=None)
    picture.tasks[0].start_time = begun
    return picture


class TerminalBar:
    """A bar in a terminal's last line, gone when the work ends.

    Args:
        begun: When the call began, on the clock of `time.monotonic`.
        unit: What is counted, "" for a rate without a unit.
    """

    def __init__(self, begun: float, unit: str = "") -> None:
        self._picture = _drawn_by_rich(begun, unit, Console(stderr=True))
        self._picture.start()
        self._drawn = 0.0

    def show(self, done: float, total: float, what: str) -> None:
        """Draw it anew, ten times a second at most."""
        now = time.monotonic()
        if now - self._drawn < _BETWEEN:
            return
        self._drawn = now
        self._picture.update(
            self._picture.task_ids[0], completed=done, total=total or None, description=what
        )
        self._picture.refresh()

    def close(self) -> None:
        """Take it away."""
        self._picture.stop()


class NotebookBar:
    """A bar below a cell; it stays when the work ends and says how long that took.

    Args:
        begun: When the call began, on the clock of `time.monotonic`.
        unit: What is counted, "" for a rate without a unit.
    """

    def __init__(self, begun: float, unit: str = "") -> None:
        self._picture = _drawn_by_rich(begun, unit, Console(file=sys.stderr))
        self._handle: Any = None
        self._drawn = 0.0

    def show(self, done: float, total: float, what: str) -> None:
        """Draw it anew, ten times a second at most, and at the end."""
        now = time.monotonic()
        if now - self._drawn < _BETWEEN and done < total:
            return
        self._drawn = now
        self._picture.update(
            self._picture.task_ids[0], completed=done, total=total or None, description=what
        )
        if self._handle is None:
            from IPython.display import display

            self._handle = display(self._table(), display_id=True)
        else:
            self._handle.update(self._table())

    def _table(self) -> Table:
        return self._picture.make_tasks_table(self._picture.tasks)

    def close(self) -> None:
        """Leave it as it is."""


class Lines:
    """A line every ten seconds, where nobody looks.

    Args:
        begun: When the call began, on the clock of `time.monotonic`.
        unit: What is counted, "" for a rate without a unit.
    """

    def __init__(self, begun: float, unit: str = "") -> None:
        self._begun, self._unit, self._last = begun, unit, float("-inf")

    def show(self, done: float, total: float, what: str) -> None:
        """Write a line, if the last one is old."""
        now = time.monotonic()
        if now - self._last < _BETWEEN_LINES:
            return
        self._last = now
        percent = int(100 * done / total) if total else 0
        passed = now - self._begun
        said = [f"{what}: {percent}% after {span_text(passed)}"]
        if done and passed > 0:
            said.append(rate_text(done / passed, self._unit))
            said.append(f"{span_text(passed * (total - done) / done)} left")
        sys.stderr.write(f"{', '.join(said)}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Leave the lines as they are."""


BARS: dict[str, type[Bar]] = {"terminal": TerminalBar, "notebook": NotebookBar, "lines": Lines}

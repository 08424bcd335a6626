"""Progress on stderr, for work that takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from typing import Any

PATIENCE = 2.0
_EVERY = 10.0


class Progress:
    """A callable that is told how much is done; it says nothing in the first two seconds.

    On a terminal it is a bar; elsewhere, a line every ten seconds.

    Args:
        total: How much there is to do.
        what: What is being done.
    """

    def __init__(self, total: int, what: str) -> None:
        self._total = max(total, 1)
        self._what = what
        self._start = time.monotonic()
        self._last_line = 0.0
        self._bar: Any = None
        self._task: Any = None

    def __call__(self, done: int) -> None:
        """Report how much is done."""
        passed = time.monotonic() - self._start
        if passed < PATIENCE:
            return
        if not sys.stderr.isatty():
            if passed - self._last_line >= _EVERY or not self._last_line:
                self._last_line = passed
                percent = 100 * min(done, self._total) // self._total
                sys.stderr.write(f"{self._what}: {percent}% after {passed:.0f} s\n")
                sys.stderr.flush()
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._what, total=self._total)
            self._bar.start()
        self._bar.update(self._task, completed=min(done, self._total))

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

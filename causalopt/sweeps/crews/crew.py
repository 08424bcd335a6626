"""What the runner of tasks asks of whoever runs them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol


@dataclasses.dataclass(frozen=True)
class Ended:
    """A task that ended on some worker, or did not because the worker was lost.

    Args:
        task: Its number.
        result: What the work returned.
        failure: Why there is no result; "" where there is one.
        tries: How many of its tries the failure counts for: none where a whole cluster was lost, so
            that no task in flight is to blame.
        suspect: Whether workers were lost that had it, so that it is begun anew alone, when all
            other tasks have ended: it or one beside it may be to blame.
        final: Whether it is not begun anew, however often it was tried.
    """

    task: int
    result: Any = None
    failure: str = ""
    tries: int = 1
    suspect: bool = False
    final: bool = False


class Crew(Protocol):
    """Workers that run tasks.

    Args:
        lost: How many workers were lost so far.
        moved: How many tasks were begun anew elsewhere, of which `ended` does not tell.
    """

    lost: int
    moved: int

    def window(self) -> int:
        """Return how many tasks may be in flight at present."""

    def submit(self, task: int) -> None:
        """Begin a task, without waiting for it."""

    def ended(self, wait: float) -> Iterator[Ended]:
        """Yield the tasks that ended since, after so many seconds at most.

        Raises:
            WorkersError: The tasks cannot go on; what ended before is yielded first.
        """

    def cancel(self) -> None:
        """Give up what is in flight, for the caller was interrupted; return at once."""

    def close(self) -> None:
        """Let go of what was made for the tasks."""

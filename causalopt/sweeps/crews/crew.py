"""What the runner of tasks asks of whoever runs them."""

from __future__ import annotations

import dataclasses
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
    """

    task: int
    result: Any = None
    failure: str = ""
    tries: int = 1


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

    def ended(self, wait: float) -> list[Ended]:
        """Return the tasks that ended since, after so many seconds at most."""

    def cancel(self) -> None:
        """Give up what is in flight, for the caller was interrupted; return at once."""

    def close(self) -> None:
        """Let go of what was made for the tasks."""

"""A case: one public call on one size of work, who else does it, and what they agree on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

# Makes a contestant ready outside of what is timed; what it returns is timed.
Prepared = Callable[[], Callable[[], Any]]


class DiffersError(Exception):
    """A contestant has computed something else: its time says nothing."""


@dataclasses.dataclass(frozen=True)
class Contestant:
    """Somebody else's way to do the same work.

    Args:
        name: Who.
        prepare: Makes it ready and returns the call.
        numbers: What the call's result is compared by; None where it is other work, as of a part.
        tolerance: How far its numbers may be from causalopt's, of the largest of them.
        quick: Whether the short form has it.
    """

    name: str
    prepare: Prepared
    numbers: Callable[[Any], Any] | None
    tolerance: float = 1e-9
    quick: bool = True


@dataclasses.dataclass(frozen=True)
class Case:
    """One call of causalopt on one size of work.

    Args:
        call: The public name.
        what: The model, the method and the options that matter.
        size: How much of it.
        prepare: Loads the model and returns the call.
        numbers: What its result is compared by.
        beside: The contestants, the one that ratios are taken to first.
        work: Folders and files of the package whose Python is the work itself; machine code is.
        reach: The ratio of CPU times to the first contestant that issue 13 asks for.
        reach_seconds: The CPU seconds of a later call that it asks for.
        reach_first: The CPU seconds of a first call in a fresh process that it asks for.
        quick: Whether the short form has it.
        fresh: Whether it is also run in fresh processes; parts of the engine are not.
    """

    call: str
    what: str
    size: str
    prepare: Prepared
    numbers: Callable[[Any], Any]
    beside: Sequence[Contestant] = ()
    work: tuple[str, ...] = ()
    reach: float | None = None
    reach_seconds: float | None = None
    reach_first: float | None = None
    quick: bool = False
    fresh: bool = True

    @property
    def title(self) -> str:
        """How it is named on the command line and in messages."""
        return f"{self.call}: {self.what}, {self.size}"


def compare(case: Case, ours: Any, contestant: Contestant, theirs: Any) -> None:
    """Raise where a contestant's numbers are not causalopt's.

    Raises:
        DiffersError: With both numbers and the place.
    """
    import numpy as np

    if contestant.numbers is None:
        return
    a = np.asarray(case.numbers(ours), dtype=float)
    b = np.asarray(contestant.numbers(theirs), dtype=float)
    if a.shape != b.shape:
        raise DiffersError(
            f"{case.title}: causalopt has {a.shape} numbers, {contestant.name} {b.shape}"
        )
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if np.isfinite(a).sum() == 0:
        raise DiffersError(f"{case.title}: no finite number to compare {contestant.name} by")
    scale = max(1e-300, float(np.abs(a[np.isfinite(a)]).max()))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(a - b) / scale)
    apart = np.where(np.isnan(apart), np.inf, apart)
    worst = np.unravel_index(int(apart.argmax()), apart.shape) if apart.ndim else ()
    if apart[worst] > contestant.tolerance:
        raise DiffersError(
            f"{case.title}: {contestant.name} computes something else: {b[worst]!r} where "
            f"causalopt has {a[worst]!r}, at {tuple(int(i) for i in worst)} of {a.shape}. "
            "Mend the benchmark: a time for other work is no comparison"
        )


def counted(number: int) -> str:
    """Return a number with commas."""
    return f"{number:,}"


def sizes(
    numbers: Sequence[int], make: Callable[[int], Case], quick: int | None = None
) -> list[Case]:
    """Return a case for each size; `quick` is the size that the short form has."""
    return [dataclasses.replace(make(number), quick=number == quick) for number in numbers]

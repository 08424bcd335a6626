"""What has been measured of a case, and how it is written down."""

from __future__ import annotations

import dataclasses

from benchmarks.case import Case, compare
from benchmarks.fresh import First, both
from benchmarks.share import Share, share
from benchmarks.timing import Time, least

OURS = "causalopt"
SLOW = 2.0  # seconds of a call from which one fresh process is enough
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


@dataclasses.dataclass(frozen=True)
class Measured:
    """A case's times.

    Attributes:
        case: The case.
        times: Contestant -> its later calls' times; causalopt's under `OURS`.
        empty: The first call in a fresh process, nothing compiled before; None if not measured.
        full: The same where all has been compiled before.
        share: Where a later call's time goes; None if not measured.
    """

    case: Case
    times: dict[str, Time]
    empty: First | None = None
    full: First | None = None
    share: Share | None = None

    @property
    def ours(self) -> Time:
        """The later call's times."""
        return self.times[OURS]

    @property
    def ratio(self) -> float | None:
        """Its CPU over the first contestant's, None if there is none."""
        if not self.case.beside:
            return None
        return self.ours.cpu / self.times[self.case.beside[0].name].cpu

    @property
    def goals(self) -> list[tuple[str, bool]]:
        """What is to be reached, and whether it is."""
        case, found = self.case, []
        if case.reach is not None and self.ratio is not None:
            found.append((f"{case.reach:g} times", self.ratio <= case.reach))
        if case.reach_seconds is not None:
            found.append((shown(case.reach_seconds), self.ours.cpu <= case.reach_seconds))
        if case.reach_first is not None and self.full is not None:
            found.append((f"first {shown(case.reach_first)}", self.full.cpu <= case.reach_first))
        return found


def measure(case: Case, *, quick: bool, alone: bool) -> Measured:
    """Compare a case's results with its contestants' and time them all.

    Args:
        case: The case.
        quick: Few rounds and the quick contestants only.
        alone: Also in processes of its own: first calls, and where the time goes.

    Raises:
        DiffersError: A contestant computes something else.
    """
    calls = {OURS: case.prepare()}
    ours = calls[OURS]()
    for contestant in case.beside:
        if contestant.quick or not quick:
            calls[contestant.name] = contestant.prepare()
            compare(case, ours, contestant, calls[contestant.name]())
    del ours
    times = least(calls, budget=0 if quick else 1.5, rounds=1 if quick else 3)
    if not alone:
        return Measured(case, times)
    repeats = 1 if quick or times[OURS].clock > SLOW else 2
    empty, full = both(case.title, repeats) if case.fresh else (None, None)
    return Measured(case, times, empty, full, share(case.title))


def shown(seconds: float) -> str:
    """Return a time in the unit that suits it, two or three digits."""
    for unit, size in UNITS:
        if seconds >= 0.995 * size or (unit, size) == UNITS[-1]:
            number = seconds / size
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.2g} {unit}"
    raise AssertionError


def times(found: Time | First) -> str:
    """Return CPU and clock."""
    return f"{shown(found.cpu)} / {shown(found.clock)}"

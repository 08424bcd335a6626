"""What a status promises, held against the exact numbers: one verdict for each answer."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from fractions import Fraction

from tests.truth.exact_numbers import Number, RangeError, UndefinedError, real, sub
from tests.truth.expressions import Slope
from tests.truth.interpreter import Effects
from tests.truth.record import Record

PROMISE = 1 / 8  # an `ok` effect is this near
NEAR = 1e-9  # and nearly all are this near
_BROKEN = {"diverged", "nonfinite"}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the package says of one point, by one of its ways."""

    total: float
    direct: float
    status: str


@dataclasses.dataclass
class Tally:
    """The answers of one way.

    Attributes:
        statuses: How many of each.
        compared: The `ok` ones that were held against numbers.
        near: Those of them within `NEAR`.
        largest: The largest relative difference of an `ok` one.
        outside: Points that lie out of the oracle's range.
        alarms: Those said to be not finite whose value and derivatives exist.
        wrong: What broke its promise.
    """

    statuses: Counter[str] = dataclasses.field(default_factory=Counter)
    near: int = 0
    compared: int = 0
    largest: float = 0.0
    outside: int = 0
    alarms: int = 0
    wrong: list[str] = dataclasses.field(default_factory=list)

    def judge(self, case: str, answer: Answer, truth: Effects | UndefinedError) -> None:
        """Hold an answer against the truth."""
        if isinstance(truth, RangeError):
            self.outside += 1
            return
        self.statuses[answer.status] += 1
        said = self._verdict(answer, truth)
        if said:
            self.wrong.append(f"{case}: {said}")

    def summary(self) -> str:
        """Return the counts in words."""
        others = [f"{n:,} `{s}`" for s, n in self.statuses.most_common() if s != "ok"]
        parts = [f"{self.near:,} of {self.compared:,} `ok` within {NEAR:.0e}", *others]
        parts += [f"{self.alarms:,} not finite without need"] if self.alarms else []
        parts += [f"{self.outside:,} out of range, left out"] if self.outside else []
        return ", ".join(parts)

    def record(self, oracle: str, compared: str) -> Record:
        """Return the line of the page."""
        return Record(
            oracle,
            f"{compared}: {self.summary()}",
            self.statuses.total(),
            self.statuses["ok"],
            2 * self.compared,
            self.largest,
            PROMISE,
            "relative",
            tuple(self.wrong),
        )

    def _verdict(self, answer: Answer, truth: Effects | UndefinedError) -> str:
        if isinstance(truth, UndefinedError):
            fits = answer.status in {*_BROKEN, "unresolved", "kink"}
            return "" if fits else f"'{answer.status}' where the value does not exist: {truth}"
        if answer.status in _BROKEN:
            self.alarms += None not in (*truth.up, *truth.down)
            return ""
        if answer.status == "unresolved":
            return ""
        if answer.status == "kink":
            return "" if truth.jumped else self._far(answer, truth)
        if not truth.is_smooth:
            return f"'{answer.status}' on a kink: {_shown(truth.up)} up, {_shown(truth.down)} down"
        zeros = tuple(slope is not None and slope == 0 for slope in truth.up)
        claimed = _CLAIMS.get(answer.status)
        if claimed is not None and zeros != claimed:
            return f"'{answer.status}' where the effects are {_shown(truth.up)}"
        return self._far(answer, truth)

    def _far(self, answer: Answer, truth: Effects) -> str:
        off = max(
            distance(found, slope)
            for found, slope in zip((answer.total, answer.direct), truth.up, strict=True)
        )
        if answer.status == "ok":
            self.compared += 1
            self.near += off <= NEAR
            self.largest = max(self.largest, off)
        if off <= PROMISE:
            return ""
        return (
            f"'{answer.status}' with {answer.total:.17g}, {answer.direct:.17g}, "
            f"truth {_shown(truth.up)}"
        )


# Which of the total and the direct effect is 0.
_CLAIMS = {"perfect": (True, False), "only_path": (False, True), "no_influence": (True, True)}


def distance(found: float, truth: Slope) -> float:
    """Return |found - truth| / |truth|; 0 where both are 0, infinite where one alone is."""
    assert truth is not None
    if truth == 0:
        return 0.0 if found == 0 else math.inf
    if not math.isfinite(found):
        return math.inf
    return float(abs(_difference(found, truth) / real(truth)))


def _difference(found: float, truth: Number) -> Number:
    return real(sub(real(Fraction(found)), real(truth)))


def _shown(slopes: tuple[Slope, ...]) -> str:
    return ", ".join("none" if s is None else f"{float(real(s)):.17g}" for s in slopes)

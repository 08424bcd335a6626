"""What a measure is over noise: mean, quantiles and their intervals, seed by seed and step by step.

A seed whose status leaves the measure open (a kink, cancellation, an overflow) or undefined (0/0)
is no value: the mean is of the decided seeds and says of how many, and the ends of a quantile's
interval hold wherever the undecided ones lie. Infinities are values: one `perfect` seed makes the
mean of Op infinite, since the law of Op has a mass there, and counts as the largest in quantiles.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalopt.effects.ensembles.order_statistics import interval_places, middle, quantile_places
from causalopt.effects.student_interval import student_quantile
from causalopt.engine.contract import Bools, Floats
from causalopt.errors import QuestionError
from causalopt.results import Displayed, plain

LEVEL = 0.95
PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SeedSummary(Displayed):
    """Mean and quantiles of one measure over seeds, each with its interval.

    Attributes:
        count: How many seeds.
        decided: In how many of them the measure is a number or an infinity that stands, shape [t].
        level: The coverage that intervals are for.
        mean: Of the decided seeds, shape [t]; infinite where one is, NaN of none.
        mean_low: The lower end of Student's interval of the mean; NaN of fewer than two.
        mean_high: Its upper end.
        deviation: The standard deviation over the decided seeds; NaN of fewer than two.
        probabilities: Which quantiles, ascending, shape [quantile].
        quantiles: Of the decided seeds, shape [quantile, t].
        quantiles_low: The lower ends of their intervals by order statistics, -inf where so few
            seeds, or so many undecided ones, bound nothing.
        quantiles_high: The upper ends, +inf likewise.
        is_constant: Where every seed has the very same value: the measure does not depend on what
            was drawn, and all intervals have width 0, shape [t].
    """

    count: int
    decided: Any
    level: float
    mean: Floats
    mean_low: Floats
    mean_high: Floats
    deviation: Floats
    probabilities: tuple[float, ...]
    quantiles: Floats
    quantiles_low: Floats
    quantiles_high: Floats
    is_constant: Bools

    def __repr__(self) -> str:
        last = f"mean {self.mean.flat[-1]:.6g} [{self.mean_low.flat[-1]:.6g}, "
        last += f"{self.mean_high.flat[-1]:.6g}]"
        places = f"{self.mean.size} place{'s' * (self.mean.size != 1)}"
        return (
            f"over {self.count} seeds, at {places}: at the last {last}, {self.level:.0%} interval"
        )

    @property
    def median(self) -> Floats:
        """The median of the decided seeds, shape [t]; NaN where it is not among the quantiles."""
        if 0.5 not in self.probabilities:
            return np.full(self.mean.shape, math.nan)
        found: Floats = self.quantiles[self.probabilities.index(0.5)]
        return found

    def shaped(self, shape: tuple[int, ...]) -> SeedSummary:
        """Return the summary with another shape in place of [t]: that of a grid."""
        count = len(self.probabilities)
        own = {
            name: getattr(self, name).reshape(shape)
            for name in ("decided", "mean", "mean_low", "mean_high", "deviation", "is_constant")
        }
        own |= {
            name: getattr(self, name).reshape(count, *shape)
            for name in ("quantiles", "quantiles_low", "quantiles_high")
        }
        return dataclasses.replace(self, **own)

    def at(self, place: int) -> str:
        """Return what is said at one step as text: mean and median, with their intervals."""
        if not self.decided[place]:
            return "decided in no seed"
        mean, low, high = (
            shown(part[place]) for part in (self.mean, self.mean_low, self.mean_high)
        )
        text = f"mean {mean} [{low}, {high}]"
        if 0.5 in self.probabilities:
            k = self.probabilities.index(0.5)
            rows = (self.quantiles, self.quantiles_low, self.quantiles_high)
            value, low, high = (shown(part[k, place]) for part in rows)
            text += f", median {value} [{low}, {high}]"
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON's types, one entry a step."""
        return {
            "decided": self.decided.tolist(),
            "mean": plain(self.mean),
            "mean_low": plain(self.mean_low),
            "mean_high": plain(self.mean_high),
            "deviation": plain(self.deviation),
            "quantiles": [
                {"p": p, "value": plain(value), "low": plain(low), "high": plain(high)}
                for p, value, low, high in zip(
                    self.probabilities,
                    self.quantiles,
                    self.quantiles_low,
                    self.quantiles_high,
                    strict=True,
                )
            ],
        }


def shown(value: float) -> str:
    """Return a number as text, NaN as `undefined`."""
    return "undefined" if math.isnan(value) else f"{value:.6g}"


def check_levels(level: float, quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return quantiles in order, checked.

    Raises:
        QuestionError: A level or a quantile is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise QuestionError(f"level is a coverage between 0 and 1, such as 0.95, found {level}")
    bad = [p for p in quantiles if not 0 < p < 1]
    if bad or not len(quantiles):
        raise QuestionError(
            f"quantiles are one or more numbers between 0 and 1, such as 0.5, found "
            f"{bad[0] if bad else 'none'}"
        )
    return tuple(sorted({float(p) for p in quantiles}))


def summarise(
    values: Floats,
    known: Bools,
    *,
    level: float = LEVEL,
    probabilities: tuple[float, ...] = PROBABILITIES,
) -> SeedSummary:
    """Return what a measure is over seeds.

    Args:
        values: Shape [seed, t].
        known: Which of them stand, likewise.
        level: The coverage of intervals.
        probabilities: Which quantiles.

    Example:
        >>> values = np.arange(100.0)[:, np.newaxis]
        >>> found = summarise(values, np.ones((100, 1), dtype=bool))
        >>> found.mean.item(), found.median.item(), found.quantiles_low[2].item()
        (49.5, 49.5, 39.0)
    """
    known = known & ~np.isnan(values)
    decided = known.sum(axis=0)
    # Undecided seeds stand at the end, where they are +inf; at the start they would be -inf.
    ordered = np.sort(np.where(known, values, np.inf), axis=0)
    mean, low, high, deviation = _means(values, known, decided, level)
    constant = decided == len(values)
    with np.errstate(invalid="ignore"):
        constant &= ordered[0] == ordered[-1]
    for part in (mean, low, high):
        part[constant] = ordered[0, constant]
    deviation[constant] = 0.0
    rows = [_quantile(ordered, decided, p, level) for p in probabilities]
    middles, lows, highs = (np.array([row[k] for row in rows]) for k in range(3))
    for part in (middles, lows, highs):
        part.reshape(-1, values.shape[1])[:, constant] = ordered[0, constant]
    return SeedSummary(
        count=len(values),
        decided=decided,
        level=level,
        mean=mean,
        mean_low=low,
        mean_high=high,
        deviation=deviation,
        probabilities=tuple(probabilities),
        quantiles=middles,
        quantiles_low=lows,
        quantiles_high=highs,
        is_constant=constant,
    )


def _means(
    values: Floats, known: Bools, decided: Any, level: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean, the ends of Student's interval, and the standard deviation, of decided seeds."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=0) / decided
        apart = np.where(known, values - mean, 0.0)
        deviation = np.sqrt((apart * apart).sum(axis=0) / (decided - 1))
        deviation[decided < 2] = np.nan
        wide = _student(decided, level) * deviation / np.sqrt(decided)
        low, high = mean - wide, mean + wide
    infinite = np.isinf(mean)
    low[infinite] = high[infinite] = mean[infinite]
    return mean, low, high, deviation


def _student(decided: Any, level: float) -> Floats:
    """Return Student's quantile for each number of seeds, NaN below two."""
    found = np.full(decided.shape, np.nan)
    for count in np.unique(decided[decided > 1]).tolist():
        found[decided == count] = two_sided(level, count - 1)
    return found


@functools.lru_cache(maxsize=256)
def two_sided(level: float, degrees: int) -> float:
    """Return how many standard errors Student's interval of a coverage reaches to each side."""
    return student_quantile((1 + level) / 2, degrees)


def _quantile(
    ordered: Floats, decided: Any, probability: float, level: float
) -> tuple[Floats, Floats, Floats]:
    """Return a quantile of the decided seeds and its interval whatever the others are, [t] each."""
    count, width = ordered.shape
    found, low, high = (np.full(width, np.nan) for _ in range(3))
    first, last = interval_places(count, probability, level)
    for size in np.unique(decided[decided > 0]).tolist():
        at = np.flatnonzero(decided == size)
        below, above = quantile_places(size, probability)
        found[at] = middle(ordered[below, at], ordered[above, at])
        # The undecided stand before all others for the lower end, behind them for the upper one.
        place = -1 if first is None else first - (count - size)
        low[at] = ordered[place, at] if place >= 0 else -np.inf
        high[at] = np.inf if last is None else ordered[last, at]
    return found, low, high

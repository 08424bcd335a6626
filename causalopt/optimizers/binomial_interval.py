"""A share of independent draws, its exact interval, and how likely so many are by chance."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from causalopt.results import plain_number


@dataclasses.dataclass(frozen=True)
class BinomialInterval:
    """So many of so many, with the interval of Clopper and Pearson (1934).

    Attributes:
        count: How many.
        of: Of how many.
        low: The interval's ends, 0 and 1 for no draws, and
        high: at a coverage of 95 % or more.
    """

    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share; NaN of no draws."""
        return self.count / self.of if self.of else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        numbers = {name: plain_number(getattr(self, name)) for name in ("share", "low", "high")}
        return {"count": self.count, "of": self.of, **numbers}

    def __str__(self) -> str:
        return f"{self.count} of {self.of} [{self.low:.2f}, {self.high:.2f}]"


def binomial_interval(count: int, of: int, level: float = 0.95) -> BinomialInterval:
    """Return a share with its interval: the shares at which so many are just not too rare.

    Args:
        count: How many.
        of: Of how many.
        level: The coverage, at least.

    Example:
        >>> print(binomial_interval(10, 10))
        10 of 10 [0.69, 1.00]
    """
    tail = (1 - level) / 2
    low = _share_of(count, of, tail) if count else 0.0
    high = 1.0 - _share_of(of - count, of, tail) if count < of else 1.0
    return BinomialInterval(count, of, low, high)


def binomial_tail(count: int, of: int, chance: float) -> float:
    """Return the probability of so many or more, when each has a chance.

    Args:
        count: How many.
        of: Of how many.
        chance: Above 0 and below 1.

    Example:
        >>> round(binomial_tail(2, 3, 0.5), 12)
        0.5
    """
    if count <= 0:
        return 1.0
    each = range(count, of + 1)
    logs = [math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) for k in each]
    yes, no = math.log(chance), math.log1p(-chance)
    terms = (math.exp(c + k * yes + (of - k) * no) for c, k in zip(logs, each, strict=True))
    return min(math.fsum(terms), 1.0)


def _share_of(count: int, of: int, tail: float) -> float:
    """Return the share at which so many or more have a probability, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_tail(count, of, middle) < tail else (low, middle)
    return (low + high) / 2

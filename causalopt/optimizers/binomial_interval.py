"""A share of independent draws, its exact interval, and how likely so many are by chance."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from causalopt.worlds.results import plain_number


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
    """Return a share with its interval.

    Args:
        count: How many.
        of: Of how many.
        level: The coverage, at least.

    Example:
        >>> print(binomial_interval(10, 10))
        10 of 10 [0.69, 1.00]
    """
    from scipy.special import betaincinv  # slow to load

    rest, tail = of - count, (1 - level) / 2
    low = float(betaincinv(count, rest + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, rest, 1 - tail)) if rest else 1.0
    return BinomialInterval(count, of, low, high)


def binomial_tail(count: int, of: int, chance: float) -> float:
    """Return the probability of so many or more, when each has a chance.

    Example:
        >>> binomial_tail(2, 3, 0.5)
        0.5
    """
    from scipy.special import betainc  # slow to load

    return float(betainc(count, of - count + 1, chance)) if count else 1.0

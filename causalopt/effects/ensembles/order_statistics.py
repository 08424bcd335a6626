"""Quantiles of a sample and their distribution-free intervals, by order statistics.

The number of values at or below the true p-quantile is binomial, whatever the law of the values: so
between two order statistics the quantile lies with a probability that is known exactly (at least
that where the law has atoms). Infinities are values like others, the largest and the smallest.

Source: David, Nagaraja, Order Statistics (3rd ed. 2003), section 7.1; Hyndman, Fan, Sample
Quantiles in Statistical Packages (1996), definition 2, for the quantile itself.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from causalopt.engine.contract import Floats

_WHOLE = 1e-9  # what a product of a share and a count may be off a whole number by rounding


def quantile_places(count: int, probability: float) -> tuple[int, int]:
    """Return between which two of sorted values a sample's quantile lies midway; often the same.

    Example:
        >>> quantile_places(5, 0.5), quantile_places(4, 0.5), quantile_places(100, 0.05)
        ((2, 2), (1, 2), (4, 5))
    """
    place = probability * count
    whole = round(place)
    if abs(place - whole) < _WHOLE * max(count, 1) and 0 < whole < count:
        return whole - 1, whole
    # The smallest value that at least this share lies at or below.
    found = min(max(math.ceil(place - _WHOLE * count) - 1, 0), count - 1)
    return found, found


@functools.lru_cache(maxsize=64)
def interval_places(count: int, probability: float, level: float) -> tuple[int | None, int | None]:
    """Return the places among sorted values between which the true quantile lies.

    Args:
        count: How many values.
        probability: Of the quantile, above 0 and below 1.
        level: The coverage, at least; each side leaves half of the rest at most.

    Returns:
        The places from 0 on; None for an end that so few values do not bound.

    Example:
        >>> interval_places(100, 0.5, 0.95), interval_places(5, 0.5, 0.95)
        ((39, 60), (None, None))
    """
    side = (1 - level) / 2
    below = _binomial_sums(count, probability)  # of at most k values, k = 0 ... count
    low = int(np.searchsorted(below, side, side="right"))  # the sum below it is small enough
    high = int(np.searchsorted(below, 1 - side, side="left")) + 1
    return (low - 1 if low >= 1 else None), (high - 1 if high <= count else None)


def _binomial_sums(count: int, probability: float) -> Floats:
    """Return the probabilities of at most 0, 1, ..., count hits."""
    k = np.arange(count + 1)
    steps = np.log(np.arange(1, count + 1))
    ways = np.concatenate([[0.0], np.cumsum(steps)])
    logs = ways[-1] - ways - ways[::-1]
    logs = logs + k * math.log(probability) + (count - k) * math.log1p(-probability)
    sums: Floats = np.cumsum(np.exp(logs))
    return sums


def middle(low: Floats, high: Floats) -> Floats:
    """Return what lies midway between values, one of them where they are the same.

    Between an infinity and a number lies the infinity, between the two infinities nothing.
    """
    with np.errstate(invalid="ignore"):
        found: Floats = np.where(low == high, low, low + (high - low) / 2)
        return np.where(np.isinf(low) & np.isfinite(high), low, found)

"""The interval of a share that was counted: Clopper and Pearson (1934), never too narrow."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from causalopt.engine.contract import Floats


def binomial_interval(hits: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """Return the ends of the exact interval of a probability, of `hits` in `count` draws.

    Each end leaves (1 - level) / 2 on its side.

    Example:
        >>> [round(end, 6) for end in binomial_interval(2, 10)]
        [0.025211, 0.556095]
    """
    side = (1 - level) / 2
    low = 0.0 if hits == 0 else _solved(lambda p: _tail(hits, count, p), side)
    high = 1.0 if hits == count else 1 - _solved(lambda p: _tail(count - hits, count, p), side)
    return low, high


def upper_bound(hits: int, count: int, level: float = 0.95) -> float:
    """Return the one-sided upper bound of a probability; for no hits 1 - (1 - level)**(1/count).

    Example:
        >>> round(upper_bound(0, 1000), 6), round(1 - 0.05 ** (1 / 1000), 6)
        (0.002991, 0.002991)
    """
    if hits == count:
        return 1.0
    return 1 - _solved(lambda p: _tail(count - hits, count, p), 1 - level)


def _tail(hits: int, count: int, p: float) -> float:
    """Return the probability of `hits` or more in `count` draws."""
    if p <= 0 or p >= 1:
        return float(p >= 1 or hits == 0)
    draws = np.arange(hits, count + 1)
    logs = _log_counts(count)[hits:] + draws * math.log(p) + (count - draws) * math.log1p(-p)
    return float(np.exp(logs).sum())


@functools.lru_cache(maxsize=8)
def _log_counts(count: int) -> Floats:
    """Return the logarithm of how many ways there are to draw 0, 1, ..., count hits."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])
    found: Floats = logs[-1] - logs - logs[::-1]
    return found


def _solved(tail: Callable[[float], float], probability: float) -> float:
    """Return where a tail, which grows with p, has a probability."""
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) < probability else (low, middle)
    return (low + high) / 2

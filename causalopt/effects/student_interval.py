"""The interval of a mean over seeds: Student's, for a handful of networks."""

from __future__ import annotations

import math

import numpy as np

from causalopt.engine.contract import Floats

_PANELS = 400


def student_interval(values: Floats, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
    """Return the mean over the last axis and the ends of its interval; NaN for a single seed.

    Args:
        values: One value a seed, along the last axis.
        level: The interval's coverage where the values are normal.

    Example:
        >>> [float(x.round(3)) for x in student_interval(np.array([1.0, 2.0, 3.0]))]
        [2.0, -0.484, 4.484]
    """
    count = values.shape[-1]
    with np.errstate(invalid="ignore"):
        mean: Floats = np.mean(values, axis=-1)
        if count < 2:
            return mean, np.full_like(mean, math.nan), np.full_like(mean, math.nan)
        error = np.std(values, axis=-1, ddof=1) / math.sqrt(count)
        wide = student_quantile((1 + level) / 2, count - 1) * error
        return mean, mean - wide, mean + wide


def student_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t for a probability from 1/2 up, by bisection.

    With t = sqrt(degrees) tan(angle) the density is a power of the cosine, which Simpson's rule
    integrates to round-off.

    Example:
        >>> round(student_quantile(0.975, 4), 6)
        2.776445
    """
    power = degrees - 1
    # Of many degrees the power is a narrow bell, and what lies beyond 12 deviations below 1e-30.
    end = min(math.pi / 2, 12 / math.sqrt(max(power, 1)))
    half = _cosine_power(end, power)
    low, high = 0.0, end
    for _ in range(80):
        middle = (low + high) / 2
        share = 0.5 + 0.5 * _cosine_power(middle, power) / half
        low, high = (middle, high) if share < probability else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def _cosine_power(angle: float, power: int) -> float:
    """Return the integral of cos^power from 0 to an angle."""
    places = np.linspace(0, angle, 2 * _PANELS + 1)
    values = np.cos(places) ** power
    weights = np.full(len(places), 2.0)
    weights[1::2], weights[[0, -1]] = 4.0, 1.0
    return float(np.sum(weights * values) * angle / (6 * _PANELS))

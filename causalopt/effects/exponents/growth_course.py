"""How m's tangent by n grows in both worlds, step by step, as it is kept for a picture."""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.effects.exponents.growth import slope, slope_error
from causalopt.engine.contract import Floats

MOST = 600  # points that are kept of a longer run


@dataclasses.dataclass(frozen=True, eq=False)
class GrowthLine:
    """The accumulated growth of one tangent.

    Attributes:
        logs: Log of its size, 0 at the first counted step, shape [point]; -inf from where it is 0
            on, NaN where it is not known.
        slope: Of the line fitted by least squares to every counted step, per unit of time.
        error: The slope's standard error.
        start: Where that line is at the first counted step.
    """

    logs: Floats
    slope: float
    error: float
    start: float


@dataclasses.dataclass(frozen=True, eq=False)
class GrowthCourse:
    """The growth of m's tangent by n, or of a generic one where no question was asked.

    Attributes:
        time: Since the first counted step, in the rates' unit of time, shape [point].
        total: Growth in X, of the total effect.
        direct: Growth in Y, of the direct effect; None without a held set.
    """

    time: Floats
    total: GrowthLine
    direct: GrowthLine | None


def growth_course(total: Floats, direct: Floats | None, dt: float) -> GrowthCourse:
    """Return the course of growths per step, thinned to what a picture shows.

    Args:
        total: Growth per counted step in X, shape [step].
        direct: Likewise in Y, None without a held set.
        dt: Units of time per step.
    """
    kept = np.unique(np.linspace(0, len(total), min(len(total) + 1, MOST)).round().astype(int))
    other = None if direct is None else _line(direct, kept, dt)
    return GrowthCourse(kept * dt, _line(total, kept, dt), other)


def _line(growth: Floats, kept: Floats, dt: float) -> GrowthLine:
    with np.errstate(invalid="ignore"):
        logs = np.concatenate(([0.0], np.cumsum(growth)))
        rate = float(slope(growth))
        start = float(logs.mean() - rate * len(growth) / 2)
        return GrowthLine(logs[kept], rate / dt, float(slope_error(growth) / dt), start)

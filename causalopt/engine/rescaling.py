"""Rescaling: tangents near 1 by a power of two; and the signs of the rounding estimates.

A world's tangents (or adjoints) share one exponent, so that no number of steps overflows them.
After every `RESCALE` steps the largest size is looked at; where it has left (`TINY`, `HUGE`), all
are divided by the power of two that brings it to [1/2, 1). That changes no mantissa, so executions
agree bit for bit.

Beside each tangent runs an estimate of the rounding error it carries. Every product and sum adds
one unit of its own size, as a rounding of unknown sign would: with one sign for ever, or with signs
of some period, a recurrence could add all of them up or cancel them. The sign is therefore
`step_sign(t)`, the Rudin-Shapiro sequence (-1 where the binary digits of t hold an odd number of
pairs 11), times the Thue-Morse sequence over equations (-1 where `is_odd(i)`: the digits of i hold
an odd number of ones). Neither has a period.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RESCALE = 32
HUGE, TINY = 2.0**200, 2.0**-200
# The same sign as text, for step code in Python.
STEP_SIGN = "-1.0 if (t & (t >> 1)).bit_count() & 1 else 1.0"


def step_sign(t: int) -> float:
    """Return the Rudin-Shapiro sign of a step.

    Example:
        >>> [step_sign(t) for t in range(8)]
        [1.0, 1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0]
    """
    return -1.0 if (t & (t >> 1)).bit_count() & 1 else 1.0


def is_odd(i: int) -> bool:
    """Whether the Thue-Morse sign of an equation is -1.

    Example:
        >>> [is_odd(i) for i in range(4)]
        [False, True, True, False]
    """
    return bool(i.bit_count() & 1)


def power_of(size: float) -> int:
    """Return the power of two by which tangents of a size are divided; 0 where they may stay."""
    if not math.isfinite(size) or size == 0.0 or TINY < size < HUGE:
        return 0
    return math.frexp(size)[1]


def largest(values: list[float]) -> float:
    """Return the largest size among numbers, 0 of none."""
    return max(map(abs, values), default=0.0)


def divided(values: list[float], power: int) -> list[float]:
    """Return numbers divided by a power of two."""
    return [math.ldexp(value, -power) for value in values]


def rescale_lanes(tangents: NDArray[np.float64], exponents: NDArray[np.int64]) -> None:
    """Rescale tangents side by side in place: [..., lane], each lane with its own exponent."""
    size = np.abs(tangents).max(axis=tuple(range(tangents.ndim - 1)), initial=0.0)
    leaves = np.isfinite(size) & (size > 0) & ~((size > TINY) & (size < HUGE))
    if leaves.any():
        power = np.where(leaves, np.frexp(size)[1], 0)
        tangents[:] = np.ldexp(tangents, -power)
        exponents += power

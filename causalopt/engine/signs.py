"""Random signs and numbers from a counter: the same for every execution, and nothing to keep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats

# Splitmix64 (Steele, Lea, Flood 2014): its increment, and the factors of its finaliser.
MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
SHIFTS = (30, 27)


def counter_signs(first: int, shape: tuple[int, int]) -> Floats:
    """Return signs of places that are counted row by row from `first`, shape [t, column].

    Example:
        >>> counter_signs(4, (1, 2)).tolist() == counter_signs(0, (3, 2))[2:].tolist()
        True
    """
    return np.where((_mixed(first, shape) >> np.uint64(63)) == 0, 1.0, -1.0)


def counter_uniforms(first: int, shape: tuple[int, int]) -> Floats:
    """Return numbers of places that are counted likewise, uniform between -1 and 1.

    Example:
        >>> bool((abs(counter_uniforms(0, (100, 2))) < 1).all())
        True
    """
    found: Floats = (_mixed(first, shape) >> np.uint64(11)).astype(float) * 2.0**-52 - 1.0
    return found


def _mixed(first: int, shape: tuple[int, int]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        place = np.arange(first, first + shape[0] * shape[1], dtype=np.uint64).reshape(shape)
        z = (place + np.uint64(1)) * np.uint64(MIX[0])
        z = (z ^ (z >> np.uint64(SHIFTS[0]))) * np.uint64(MIX[1])
        mixed: NDArray[np.uint64] = (z ^ (z >> np.uint64(SHIFTS[1]))) * np.uint64(MIX[2])
        return mixed

"""Low-discrepancy designs with honest errors: rank-1 lattices, each shifted at random.

A lattice's points are {k z / n}; the generating vector z is built component by component, each the
best of some candidates by the worst-case error P_2 in a Korobov space. Shifts at random make every
replica unbiased and independent, so that the spread of replicas is an interval; the baker's
transform makes an integrand that is not periodic look so, and the error of a smooth one falls
nearly as n**-2.

Sources: Sloan, Joe, Lattice Methods for Multiple Integration (1994); Hickernell, Obtaining
O(N^(-2+eps)) convergence for lattice quadrature rules (MCQMC 2000).
"""

from __future__ import annotations

import functools
import math

import numpy as np

from causalopt.engine.contract import Floats

_CANDIDATES = 64


@functools.lru_cache(maxsize=32)
def generating_vector(count: int, axes: int) -> tuple[int, ...]:
    """Return z of a lattice of `count` points, built component by component.

    Args:
        count: A power of two: every odd number is then prime to it.
        axes: How many axes.
    """
    rng = np.random.default_rng(count)
    index = np.arange(count)
    # 2 pi^2 times the second Bernoulli polynomial at k / n, its weight 1/j^2 along the j-th axis.
    shares = index / count
    kernel = 2 * math.pi**2 * (shares * shares - shares + 1 / 6)
    product, found = 1 + kernel, [1]
    for axis in range(1, axes):
        candidates = 2 * rng.integers(0, max(count // 2, 1), _CANDIDATES) + 1
        errors = [
            float(product @ (1 + kernel[index * z % count] / (axis + 1) ** 2)) for z in candidates
        ]
        best = int(candidates[int(np.argmin(errors))])
        found.append(best)
        product = product * (1 + kernel[index * best % count] / (axis + 1) ** 2)
    return tuple(found)


def shifted_lattice(count: int, axes: int, rng: np.random.Generator) -> Floats:
    """Return a lattice in the unit cube under one random shift, shape [axis, point].

    Args:
        count: How many points, a power of two.
        axes: How many axes.
        rng: Where the shift comes from.

    Example:
        >>> points = shifted_lattice(8, 1, np.random.default_rng(0))
        >>> np.diff(np.sort(points[0])).round(12).tolist()
        [0.125, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125]
    """
    vector = np.array(generating_vector(count, axes))
    points = np.outer(vector, np.arange(count)) % count / count + rng.random((axes, 1))
    shifted: Floats = points % 1.0
    return shifted


def baked(points: Floats) -> Floats:
    """Return points under the baker's transform, which folds the cube onto itself."""
    folded: Floats = 1 - np.abs(2 * points - 1)
    return folded

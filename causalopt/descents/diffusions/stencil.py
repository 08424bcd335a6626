"""Positive stencils: a symmetric matrix as a sum of squares of integer directions.

Selling's decomposition writes a positive definite 2 by 2 matrix as `D = sum_k w_k e_k e_k^T` with
`w_k >= 0` and three integer vectors `e_k`. Jumps along them by whole grid cells then spread mass
exactly as D does, with rates that are never negative, however large the cross term is. The usual
nine-point cross difference has no such sign.

Source: Selling (1874); Bonnans, Ottenwaelter, Zidani, ESAIM M2AN 38 (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.descents.maps.random_map import Array

TURNS = 64


def positive_directions(matrices: Array) -> tuple[NDArray[np.int64], Array]:
    """Return directions and weights with `D = sum_k w_k e_k e_k^T`, one set a point.

    Args:
        matrices: Positive definite, axes (coordinate, coordinate, point).

    Returns:
        Integer directions, axes (k, coordinate, point), and weights, axes (k, point), k = 3.

    Example:
        >>> D = np.array([[2.0, 1.0], [1.0, 2.0]])[:, :, np.newaxis]
        >>> e, w = positive_directions(D)
        >>> bool(np.allclose(np.einsum("kp,kip,kjp->ijp", w, e, e), D) and w.min() >= 0)
        True
    """
    count = matrices.shape[2]
    base = np.zeros((3, 2, count), dtype=np.int64)
    base[0, 0], base[1, 1], base[2] = 1, 1, -1
    for _ in range(TURNS):
        if not any(_turned(base, matrices, first, second) for first, second in PAIRS):
            break
    weights = np.stack([-_product(base[first], matrices, base[second]) for first, second in PAIRS])
    # The direction that goes with a pair is the third vector, turned by a right angle.
    directions = np.stack([np.stack([-base[third, 1], base[third, 0]]) for third in (2, 1, 0)])
    return directions, np.clip(weights, 0.0, None)


PAIRS = ((0, 1), (0, 2), (1, 2))


def _product(left: NDArray[np.int64], matrices: Array, right: NDArray[np.int64]) -> Array:
    return np.asarray(np.einsum("ip,ijp,jp->p", left, matrices, right))


def _turned(base: NDArray[np.int64], matrices: Array, first: int, second: int) -> bool:
    """Replace in place the bases whose pair encloses an acute angle; say whether any did."""
    scale = matrices[0, 0] + matrices[1, 1]
    acute = _product(base[first], matrices, base[second]) > 1e-12 * scale
    if not acute.any():
        return False
    third = 3 - first - second
    kept, turned = base[first][:, acute], base[second][:, acute]
    base[first][:, acute], base[third][:, acute] = -kept, kept - turned
    return True

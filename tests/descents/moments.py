"""Linear gradients, exactly: mean and covariance of the chain itself, step by step.

For maps `F_k(W) = W - T (A_k W - b_k)` the first two moments close. They are the yardstick for the
diffusion, whose second moment per step is `T^2 S^2` where the chain's is `T^2 (S^2 + G G^T)`.

Source: SGD Understood through Probability Current, Validation of the Second Term.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array, RandomMap


@dataclasses.dataclass(frozen=True)
class AffineMaps:
    """`F_k(W) = slopes[k] W + shifts[k]` with probability `weights[k]`.

    Args:
        slopes: axes (map, coordinate, coordinate).
        shifts: axes (map, coordinate).
        weights: axis (map,).
    """

    slopes: Array
    shifts: Array
    weights: Array


@dataclasses.dataclass(frozen=True)
class Moments:
    """Mean, axis (coordinate,), and covariance, axes (coordinate, coordinate)."""

    mean: Array
    covariance: Array


def affine_maps(chain: RandomMap, *, scale: float = 1.0) -> AffineMaps:
    """Read the slopes and shifts of a chain whose maps are affine.

    Args:
        chain: The random map.
        scale: The size of the states at which affinity is checked.

    Raises:
        QuestionError: Some map is not affine.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> affine_maps(RandomMap((lambda w: w / 2 + 3,), (1.0,))).shifts
        array([[3.]])
    """
    size = chain.dimension
    basis = np.concatenate([np.zeros((size, 1)), np.eye(size) * scale], axis=1)
    images = chain.images(basis)
    shifts = images[:, :, 0]
    slopes = (images[:, :, 1:] - shifts[:, :, np.newaxis]) / scale
    probe = scale * np.cos(np.arange(1, 4 * size + 1, dtype=float)).reshape(size, 4)
    expected = np.einsum("kcd,dp->kcp", slopes, probe) + shifts[:, :, np.newaxis]
    if not np.allclose(chain.images(probe), expected, rtol=1e-9, atol=1e-9 * scale):
        raise QuestionError(
            "exact moments need gradients that are linear in the state; these are not: "
            "ask the operator or the ensemble"
        )
    return AffineMaps(slopes, shifts, np.asarray(chain.probabilities))


def step_moments(maps: AffineMaps, moments: Moments) -> Moments:
    """Return the moments one step later: `E[A W + b]` and `E[(A W + b)(A W + b)^T]` centred."""
    images = maps.slopes @ moments.mean + maps.shifts
    mean = maps.weights @ images
    spread = maps.slopes @ moments.covariance @ maps.slopes.transpose(0, 2, 1)
    apart = images - mean
    covariance = np.einsum("k,kcd->cd", maps.weights, spread)
    covariance = covariance + np.einsum("k,kc,kd->cd", maps.weights, apart, apart)
    return Moments(mean, covariance)


def stationary_moments(maps: AffineMaps) -> Moments:
    """Return the moments that one step leaves unchanged.

    Solves `mean = E[A] mean + E[b]` and `C = E[A C A^T] + Cov(A mean + b)`.

    Args:
        maps: The affine maps.

    Raises:
        QuestionError: The second moment grows without bound, so there is none.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> g = (lambda w: w - 0.5 * (1.2 * w - 2), lambda w: w - 0.5 * (0.8 * w - 2))
        >>> law = stationary_moments(affine_maps(RandomMap(g, (0.5, 0.5))))
        >>> bool(np.isclose(law.mean[0], 2)), bool(np.isclose(law.covariance[0, 0], 2 / 37))
        (True, True)
    """
    size = maps.shifts.shape[1]
    growth = np.einsum("k,kab,kcd->acbd", maps.weights, maps.slopes, maps.slopes)
    growth = growth.reshape(size * size, size * size)
    radius = float(np.abs(np.linalg.eigvals(growth)).max())
    if radius >= 1 - 1e-12:
        raise QuestionError(
            f"the second moment is multiplied by {radius:.6g} a step, not below 1: "
            "this chain has no stationary variance; take a smaller T"
        )
    slope = np.einsum("k,kcd->cd", maps.weights, maps.slopes)
    mean = np.linalg.solve(np.eye(size) - slope, maps.weights @ maps.shifts)
    apart = maps.slopes @ mean + maps.shifts - mean
    noise = np.einsum("k,kc,kd->cd", maps.weights, apart, apart)
    covariance = np.linalg.solve(np.eye(size * size) - growth, noise.ravel())
    return Moments(mean, covariance.reshape(size, size))

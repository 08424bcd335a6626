"""End states of the diffusion: densities whose current vanishes everywhere.

With `D = T^2 S^2 / 2` and convention alpha, J = 0 gives
`P(W) proportional to S^(2 (alpha - 1)) exp(-(2/T) integral G/S^2 dW)`.

Source: SGD Understood through Probability Current, Solving for End-States (its last printed line is
alpha = 1/2).
"""

from __future__ import annotations

import numpy as np

from causalopt.descents.maps.random_map import Array, RandomMap, as_points
from causalopt.errors import QuestionError


def check_convention(alpha: float) -> float:
    """Return alpha if it is 0 (Ito), 1/2 (Stratonovich), 1 (Fick) or between.

    Raises:
        QuestionError: alpha is outside [0, 1].

    Example:
        >>> check_convention(0.5)
        0.5
    """
    if not 0 <= alpha <= 1:
        raise QuestionError(
            f"alpha is 0 (Ito), 1/2 (Stratonovich) or 1 (Fick), or between; {alpha} came"
        )
    return float(alpha)


def end_state(chain: RandomMap, points: Array, *, alpha: float = 0.0) -> Array:
    """Return the current-free density at `points`, with integral 1 over them (trapezoid).

    Written with one step's drift b = -T G and variance v = T^2 S^2:
    `log P = (alpha - 1) log v + integral 2 b / v`.

    Args:
        chain: The random map, of one coordinate.
        points: Increasing points, axis (point,).
        alpha: 0 (Ito), 1/2 (Stratonovich) or 1 (Fick).

    Returns:
        The density, axis (point,), per unit of the state.

    Raises:
        QuestionError: S^2 vanishes on the points, where the formula has no meaning.

    Example:
        >>> noise = RandomMap((lambda w: 0.9 * w - 0.05, lambda w: 0.9 * w + 0.05), (0.5, 0.5))
        >>> grid = np.linspace(-1, 1, 2001)
        >>> density = end_state(noise, grid)
        >>> bool(abs(np.trapezoid(density * grid**2, grid) - 0.0125) < 1e-6)
        True
    """
    check_convention(alpha)
    states = as_points(points)
    drift, variance = chain.drift(states)[0], chain.covariance(states)[0, 0]
    if variance.min() <= 1e-14 * variance.max():
        lowest = float(points[int(np.argmin(variance))])
        raise QuestionError(
            f"S^2 vanishes near W = {lowest:.6g}: the end-state formula divides by it; "
            "ask the operator for the stationary law"
        )
    slope = 2 * drift / variance
    log_density = np.concatenate(
        [[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(points))]
    ) + (alpha - 1) * np.log(variance)
    density = np.exp(log_density - log_density.max())
    return np.asarray(density / np.trapezoid(density, points))

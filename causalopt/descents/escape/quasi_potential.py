"""Why log steps-to-escape follows T: the quasi-potential of the random map.

A walker climbs against its mean move only by an unlikely run of picks. The cheapest way costs, per
unit of W, the positive root theta(W) of `log sum_k p_k exp(theta (F_k(W) - W)) = 0`, and the mean
number of steps to escape is `exp(integral of theta over the climb)` up to a slower factor. For SGD
theta = eta(W) / T with eta free of T, so `log steps ~ V / T`: over a short range of T that is a
straight line of slope `-V / T^2`, which is the line post 1 saw.

Source: Modelling and Understanding SGD, Monte Carlo; Freidlin and Wentzell, Random Perturbations of
Dynamical Systems (1984), chapter 5; Cramer's root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.maps.random_map import as_points
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array, RandomMap

HALVINGS = 200


def climbing_cost(chain: RandomMap, points: Array, *, side: int = 1) -> Array:
    """Return theta(W), the cost in nats per unit of W of climbing past each point.

    Zero where the mean move goes the way asked for; infinite where no map moves that way.

    Args:
        chain: The random map, of one coordinate.
        points: Where, axis (point,).
        side: 1 to climb upwards in W, -1 downwards.

    Returns:
        Costs, axis (point,).

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> biased = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.75, 0.25))
        >>> bool(np.isclose(climbing_cost(biased, np.zeros(1))[0], np.log(3)))
        True
    """
    moves = side * (chain.images(as_points(points))[:, 0, :] - points)
    shares = np.asarray(chain.probabilities)[:, np.newaxis]
    largest, mean = moves.max(axis=0), (shares * moves).sum(axis=0)
    cost = np.where(mean >= 0, 0.0, np.inf)
    uphill = (mean < 0) & (largest > 0)
    if uphill.any():
        cost[uphill] = _positive_root(moves[:, uphill], shares)
    return cost


def _positive_root(moves: Array, shares: Array) -> Array:
    """Bisect the convex function `log sum p exp(theta move)`, negative just above 0."""

    def value(theta: Array) -> Array:
        exponents = theta * moves
        top = exponents.max(axis=0)
        return np.asarray(top + np.log((shares * np.exp(exponents - top)).sum(axis=0)))

    chance = np.where(moves == moves.max(axis=0), shares, 0.0).sum(axis=0)
    # There the largest move alone has weight p exp(theta move) = 1, so the sum is above 1.
    high = -np.log(chance) / moves.max(axis=0)
    low = np.zeros_like(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        below = value(middle) < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


def quasi_potential(chain: RandomMap, start: float, beyond: float, *, points: int = 4001) -> float:
    """Return the cost in nats of climbing from `start` to `beyond`: log of the mean escape time.

    Args:
        chain: The random map, of one coordinate.
        start: The attractor, where the climb begins.
        beyond: The level to be passed.
        points: Points of the trapezoid rule.

    Returns:
        The integral of `climbing_cost`; times T it is the T-free barrier V.

    Raises:
        QuestionError: Start and level coincide.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> biased = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.75, 0.25))
        >>> bool(np.isclose(quasi_potential(biased, 0.0, 10.0), 10 * np.log(3)))
        True
    """
    if start == beyond:
        raise QuestionError("a climb needs a start and a level that differ")
    line = np.linspace(min(start, beyond), max(start, beyond), points)
    cost = climbing_cost(chain, line, side=1 if beyond > start else -1)
    return float(np.trapezoid(cost, line))

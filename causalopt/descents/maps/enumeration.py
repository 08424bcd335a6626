"""Escape by counting: every sequence of picks that ends beyond the level, and no other.

Positions are followed in full precision, no grid is laid. Sequences that can no longer make it are
cut by a bound: `ceiling_0 = beyond` and `ceiling_r` = the least position from which some map, from
some position at or below it, rises above `ceiling_(r-1)`. The rarer the event, the fewer sequences
are left, so this is the oracle exactly where Monte Carlo sees nothing.
"""

from __future__ import annotations

import numpy as np

from causalopt.descents.maps.random_map import Array, RandomMap, as_points
from causalopt.errors import QuestionError

SAMPLES = 200_001


def count_escapes(
    chain: RandomMap,
    start: float,
    beyond: float,
    within: int,
    *,
    bounds: tuple[float, float],
    limit: int = 2_000_000,
) -> float:
    """Return the probability of standing beyond the level after exactly `within` steps.

    Args:
        chain: The random map, of one coordinate.
        start: First position.
        beyond: The level.
        within: The number of steps.
        bounds: An interval that holds every position the chain can reach.
        limit: Most sequences alive at once.

    Returns:
        The sum of the probabilities of all sequences that end beyond; exact but for rounding.

    Raises:
        QuestionError: More than `limit` sequences stay alive: the event is too common to count.

    Example:
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> count_escapes(walk, 0.0, 9.5, 10, bounds=(-11.0, 11.0)) == 2.0**-10
        True
    """
    ceilings = _ceilings(chain, beyond, within, bounds)
    positions, weights = as_points(start), np.ones(1)
    for step in range(within):
        images = chain.images(positions)[:, 0, :]
        shares = np.asarray(chain.probabilities)[:, np.newaxis] * weights
        alive = images.ravel() > ceilings[within - step - 1]
        positions, weights = images.ravel()[alive][np.newaxis], shares.ravel()[alive]
        positions, weights = _merged(positions, weights)
        if positions.shape[1] > limit:
            raise QuestionError(
                f"{positions.shape[1]} sequences are alive after {step + 1} steps, more than "
                f"{limit}: the event is too common to count; use the operator"
            )
        if not len(weights):
            return 0.0
    return float(np.sort(weights).sum())


def _merged(positions: Array, weights: Array) -> tuple[Array, Array]:
    """Join walkers that stand at the very same number: from there they share their futures."""
    unique, places = np.unique(positions[0], return_inverse=True)
    if len(unique) == positions.shape[1]:
        return positions, weights
    return np.asarray(unique)[np.newaxis], np.asarray(np.bincount(places, weights))


def _ceilings(
    chain: RandomMap, beyond: float, within: int, bounds: tuple[float, float]
) -> list[float]:
    """Return, for r steps left, a level at or below which the event is out of reach.

    The bound is sampled, so a slack of the largest rise between neighbouring samples is taken off.
    """
    samples = np.linspace(*bounds, SAMPLES)
    best = chain.images(as_points(samples))[:, 0, :].max(axis=0)
    rise = np.maximum.accumulate(best)
    slack = float(np.abs(np.diff(best)).max())
    levels = [beyond]
    for _ in range(within):
        first = int(np.searchsorted(rise + slack, levels[-1], side="right"))
        levels.append(float(samples[max(first - 1, 0)]) if first < SAMPLES else float(bounds[1]))
    levels[1:] = [bounds[0] - 1.0 if level <= bounds[0] else level for level in levels[1:]]
    return levels

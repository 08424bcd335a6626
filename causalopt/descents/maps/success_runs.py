"""Runs of consecutive picks: how likely is a run of k in N draws, exactly.

Post 1 counts how many steps on one datapoint alone lead out of the pit (five, at T = 0.05) and asks
how likely such a run is within N steps. The run probability is exact; as an escape probability it
is a lower bound only where a run is the easiest way out.

Source: Modelling and Understanding SGD, SGD and Local Minima; Feller, An Introduction to
Probability Theory and Its Applications I (1968), XIII.7.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from causalopt.descents.maps.random_map import Map, as_points
from causalopt.errors import QuestionError


def run_probability(run: int, draws: int, share: Fraction | float = Fraction(1, 2)) -> Fraction:
    """Return the probability that `draws` independent draws hold a run of `run` successes.

    Counts the walk along 0, 1, ..., run successes in a row, in exact fractions.

    Args:
        run: Length of the run, 1 or more.
        draws: Number of draws, 0 or more.
        share: Probability of a success.

    Raises:
        QuestionError: A length, number or share out of range.

    Example:
        >>> round(float(run_probability(5, 100)), 7)
        0.8101096
    """
    share = Fraction(share)
    if run < 1 or draws < 0 or not 0 <= share <= 1:
        raise QuestionError(
            "a run is 1 or more long, in 0 or more draws of a share in [0, 1]; "
            f"run {run}, draws {draws}, share {share} came"
        )
    streak = [Fraction(1)] + [Fraction(0)] * (run - 1)
    done = Fraction(0)
    for _ in range(draws):
        done += streak[-1] * share
        streak = [sum(streak, Fraction(0)) * (1 - share), *(part * share for part in streak[:-1])]
    return done


def steps_of_one_map(image: Map, start: float, beyond: float, *, limit: int = 100_000) -> int:
    """Return how many consecutive steps of one map lead from `start` beyond a level.

    Args:
        image: The map picked every time.
        start: First value of the one coordinate.
        beyond: The level to be passed.
        limit: Steps after which the search ends.

    Returns:
        The number of steps; -1 if the level is not passed within `limit`.

    Example:
        >>> steps_of_one_map(lambda w: w + 1, 0.0, 4.5)
        5
    """
    state = as_points(start)
    for step in range(limit + 1):
        if state[0, 0] > beyond:
            return step
        moved = np.asarray(image(state), dtype=float)
        if not np.isfinite(moved).all() or moved[0, 0] == state[0, 0]:
            return -1
        state = moved
    return -1

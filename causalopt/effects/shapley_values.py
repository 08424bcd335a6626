"""Shapley values of a game: what each player adds, on average over the orders in which they join.

Sources: Shapley (1953), A value for n-person games; Castro, Gomez and Tejada (2009), Polynomial
calculation of the Shapley value based on sampling, Computers and Operations Research 36:1726.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from causalopt.worlds.streams import uniforms

Values = np.ndarray[Any, Any]
Game = Callable[
    [Values], Values
]  # which players are in each set, [set, player] -> each set's value
_ORDERS = 1 << 34  # a site of its own among the streams


def exact_values(game: Game, players: int) -> Values:
    """Return Shapley values by enumeration of all 2^players sets.

    Example:
        >>> glove = lambda members: 1.0 * (members[:, 0] & (members[:, 1] | members[:, 2]))
        >>> exact_values(glove, 3).round(4)
        array([0.6667, 0.1667, 0.1667])
    """
    numbers = np.arange(1 << players)
    members = (numbers[:, None] >> np.arange(players)) & 1 == 1
    worth, sizes = game(members), members.sum(axis=1)
    weights = np.array(
        [
            math.factorial(s) * math.factorial(players - s - 1) / math.factorial(players)
            for s in range(players)
        ]
    )
    found = np.empty(players)
    for player in range(players):
        without = numbers[~members[:, player]]
        gains = worth[without | (1 << player)] - worth[without]
        found[player] = np.sum(weights[sizes[without]] * gains)
    return found


def sampled_values(game: Game, players: int, permutations: int, seed: int) -> tuple[Values, Values]:
    """Return Shapley values by random orders, and their standard errors.

    In each order what the players add telescopes, so that the values sum to the worth of all less
    that of none, whatever the number of orders.

    Example:
        >>> additive = lambda members: members @ np.array([3.0, 1.0])
        >>> sampled_values(additive, 2, 10, seed=0)
        (array([3., 1.]), array([0., 0.]))
    """
    walkers = np.arange(players, dtype=np.uint64)
    draws = [uniforms(seed, walkers, i, _ORDERS) for i in range(permutations)]
    orders = np.argsort(np.array(draws), axis=1)
    place = np.argsort(orders, axis=1)  # when each player joins
    members = place[:, None, :] < np.arange(players + 1)[None, :, None]
    sets, which = np.unique(members.reshape(-1, players), axis=0, return_inverse=True)
    worth = game(sets)[which.reshape(permutations, players + 1)]
    joined = np.diff(worth, axis=1)
    gains = np.take_along_axis(joined, place, axis=1)
    return gains.mean(axis=0), gains.std(axis=0, ddof=1) / math.sqrt(permutations)

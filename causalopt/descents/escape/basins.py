"""Which minimum wins: where the chain stands in the long run, and how often it changes sides."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.transfer.grid import reach, spread_nodes
from causalopt.descents.transfer.operator import absorb, transfer_operator
from causalopt.descents.transfer.spectrum import escape_rate, stationary_law

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import RandomMap
    from causalopt.descents.transfer.grid import Box

LONG = 4000


@dataclasses.dataclass(frozen=True)
class Basins:
    """Two sides of a barrier in the long run.

    Args:
        left: Share of time the stationary law gives to the left of the barrier.
        right: Share of time to the right.
        leave_left: Chance per step of crossing from left to right, the start forgotten.
        leave_right: Chance per step of crossing from right to left.
        status: `ok`, `leaves` (mass leaves the grid) or `unresolved`.
    """

    left: float
    right: float
    leave_left: float
    leave_right: float
    status: str


def compare_basins(
    chain: RandomMap, barrier: float, *, bounds: Box | None = None, nodes: int = 1500
) -> Basins:
    """Return how the stationary law shares its mass between the two sides of a barrier.

    Args:
        chain: The random map, of one coordinate.
        barrier: The point between the two minima.
        bounds: Where the grid lies; by default as far as the chain gets from the barrier.
        nodes: Nodes of the grid.

    Raises:
        QuestionError: The update overflows.
    """
    at = np.array([barrier])
    box = bounds or reach(chain, at - 1.0, at + 1.0, steps=LONG).widened(0.005)
    slit = 1e-9 * (box.high[0] - box.low[0])
    pair = (barrier - slit, barrier + slit)
    operator = transfer_operator(chain, (spread_nodes(chain, box, nodes, through=pair),))
    law, status = stationary_law(operator)
    points = operator.points()[0]
    left = np.append(points < barrier, False)
    right = np.append(points > barrier, False)
    rates = [escape_rate(absorb(operator, ~side), side).rate for side in (left, right)]
    return Basins(float(law[left].sum()), float(law[right].sum()), rates[0], rates[1], status)

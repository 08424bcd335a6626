"""The cheapest path along a line over all paths on a grid: where a finer search may begin.

A path's least cost is reached one step at a time (Bellman 1957), `V_n(y) = min over x of V_(n-1)(x)
+ L(x, y - x)`, so that no way is missed that the grid has. Long steps have several ways: out of a
pit, a swing to its other side can be cheaper than the climb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.transitions.step_costs import step_cost

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array
    from causalopt.descents.transitions.step_costs import StepLaw

NODES = 300
CHUNK = 20_000


class GridSearch:
    """Least costs from a start to an end on a grid that reaches as far again on both sides.

    Args:
        law: The law of one step, of one coordinate.
        start: Where paths begin.
        goal: Where they end.
    """

    def __init__(self, law: StepLaw, start: float, goal: float) -> None:
        span = abs(goal - start)
        line = np.linspace(min(start, goal) - span, max(start, goal) + span, NODES)
        self._nodes = np.unique(np.append(line, [start, goal]))
        self._ends = np.searchsorted(self._nodes, [start, goal])
        self._costs = _costs(law, self._nodes)
        self._least = np.where(self._nodes == start, 0.0, np.inf)
        self._before: list[Any] = []  # for each number of steps, whence each node is reached
        self._lows = [self._least[self._ends[1]]]

    def path(self, count: int) -> Array | None:
        """Return the cheapest path of so many steps, axes (coordinate, place); None if infinite."""
        while len(self._before) < count:
            sums = self._least[:, np.newaxis] + self._costs
            self._before.append(sums.argmin(axis=0))
            self._least = sums.min(axis=0)
            self._lows.append(self._least[self._ends[1]])
        if not np.isfinite(self._lows[count]):
            return None
        places = [self._ends[1]]
        for before in reversed(self._before[:count]):
            places.append(before[places[-1]])
        return self._nodes[places[::-1]][np.newaxis]


def _costs(law: StepLaw, nodes: Array) -> Array:
    """Return the cost of every step between nodes, axes (from, to)."""
    first, second = (line.ravel() for line in np.meshgrid(nodes, nodes, indexing="ij"))
    parts = [
        step_cost(
            law, first[np.newaxis, i : i + CHUNK], (second - first)[np.newaxis, i : i + CHUNK]
        )
        for i in range(0, len(first), CHUNK)
    ]
    costs: Array = np.concatenate([part.value for part in parts]).reshape(len(nodes), len(nodes))
    return costs

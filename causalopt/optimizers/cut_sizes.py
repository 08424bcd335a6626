"""What a set A costs: its variables, or the edges of the template that its boundary cuts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from causalopt.model.graph import template_graph
from causalopt.model.model import Model
from causalopt.optimizers.set_lists import Held

Price = Literal["node", "edge"]


class CutSizes:
    """Sizes of sets: numbers of variables, or of cut edges.

    An edge of the template is a pair of different variables at one lag, cut when A holds one of the
    two, whichever way it points. Variables that no path passes may stand on either side, since Op
    does not tell: they stand where fewest edges are cut, which is a minimum cut (Ford & Fulkerson
    1956) between A and the rest.

    Args:
        model: The model.
        price: What is counted.
        idle: Variables that may stand on either side.
    """

    def __init__(self, model: Model, price: Price, idle: Sequence[str] = ()) -> None:
        self._price, self._idle = price, tuple(idle)
        self._graph = template_graph(model) if price == "edge" else None
        self._index = {name: k for k, name in enumerate(model.template.names)}
        self._edges = np.zeros((0, 2), dtype=np.int64)
        self._lags = np.zeros(0, dtype=np.int64)
        if self._graph is not None:
            pairs = [(a, b, len(d["lags"])) for a, b, d in self._graph.edges(data=True) if a != b]
            self._edges = np.array(
                [(self._index[a], self._index[b]) for a, b, _ in pairs], dtype=np.int64
            ).reshape(-1, 2)
            self._lags = np.array([count for *_, count in pairs], dtype=np.int64)

    def of(self, sets: Sequence[Held]) -> tuple[list[Held], NDArray[np.int64]]:
        """Return the sets, with the idle variables that belong to their side, and their sizes.

        Args:
            sets: Sets of variables that are not idle.
        """
        if self._price == "node":
            return list(sets), np.array([len(hold) for hold in sets], dtype=np.int64)
        if self._idle:
            sets = [self._widened(hold) if hold else hold for hold in sets]
        inside = np.zeros((len(sets), len(self._index)), dtype=bool)
        for k, hold in enumerate(sets):
            inside[k, [self._index[name] for name in hold]] = True
        cut = inside[:, self._edges[:, 0]] != inside[:, self._edges[:, 1]]
        return list(sets), cut @ self._lags

    def _widened(self, hold: Held) -> Held:
        """Return a set with the idle variables that are on its side of the smallest cut."""
        import networkx as nx  # slow to load

        flow: nx.DiGraph[str] = nx.DiGraph()
        flow.add_nodes_from(["in A", "in B"])
        side = {name: "in A" if name in hold else "in B" for name in self._index}
        side |= {name: f"idle {name}" for name in self._idle}
        names = list(self._index)
        for (a, b), count in zip(self._edges.tolist(), self._lags.tolist(), strict=True):
            one, other = side[names[a]], side[names[b]]
            if one != other:
                for tail, head in ((one, other), (other, one)):
                    before = flow.edges[tail, head]["capacity"] if flow.has_edge(tail, head) else 0
                    flow.add_edge(tail, head, capacity=before + count)
        _, (inside, _) = nx.minimum_cut(flow, "in A", "in B")
        chosen = {*hold, *(name for name in self._idle if f"idle {name}" in inside)}
        return tuple(name for name in names if name in chosen)

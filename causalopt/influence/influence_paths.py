"""The paths that carry most: best first, by products of slopes along edges."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.influence.edge_currents import Edge
from causalopt.model.selectors import Node


@dataclasses.dataclass(frozen=True)
class InfluencePath:
    """A path from n to m.

    Attributes:
        nodes: From n to m.
        log: The logarithm of its product's size.
        sign: The product's sign.
        share: Its product over the total effect; NaN where that is 0.
    """

    nodes: tuple[Node, ...]
    log: float
    sign: int
    share: float

    @property
    def product(self) -> float:
        """The product of the slopes along it; it may overflow where `log` does not."""
        return self.sign * (math.exp(self.log) if self.log < 709 else math.inf)

    def __str__(self) -> str:
        parts: list[tuple[str, int, int]] = []
        for node in self.nodes:
            if parts and parts[-1][0] == node.variable and parts[-1][2] == node.t - 1:
                parts[-1] = (node.variable, parts[-1][1], node.t)
            else:
                parts.append((node.variable, node.t, node.t))
        return " -> ".join(
            f"{name}[{first}]" if first == last else f"{name}[{first}..{last}]"
            for name, first, last in parts
        )


def largest_paths(
    edges: tuple[Edge, ...],
    slope: Floats,
    source: Node,
    target: Node,
    count: int,
    total: tuple[float, float],
) -> list[InfluencePath]:
    """Return the paths whose products are largest in size, the largest first.

    A* search whose estimate is exact: the best way on from each node, found backwards (Hart,
    Nilsson & Raphael 1968). Only what lies on one of the paths returned is looked at again.

    Args:
        edges: (parent, child, lag) each.
        slope: Along them, shape [t of the child, edge].
        source: The node n.
        target: The node m.
        count: How many paths.
        total: The logarithm of the total effect's size, and its sign.
    """
    names = sorted({source.variable, target.variable, *(n for p, c, _ in edges for n in (p, c))})
    place = {name: k for k, name in enumerate(names)}
    outgoing: list[list[tuple[int, int, int]]] = [[] for _ in names]
    for e, (parent, child, lag) in enumerate(edges):
        outgoing[place[parent]].append((e, place[child], lag))
    with np.errstate(divide="ignore"):
        size = np.log(np.abs(slope))
    size[~np.isfinite(size)] = -np.inf
    ahead = _best_ahead(outgoing, size, target, names)
    start = (place[source.variable], source.t)
    if ahead[start[1], start[0]] == -np.inf:
        return []
    counter = itertools.count()
    goal, found = (place[target.variable], target.t), list[InfluencePath]()
    heap = [_Way(-ahead[start[1], start[0]], -start[1], next(counter), 0.0, start, -1, None)]
    while heap and len(found) < count:
        way = heapq.heappop(heap)
        k, t = way.node
        if way.node == goal:
            found.append(_written(way, names, slope, total))
            continue
        for e, to, lag in outgoing[k]:
            after = t + lag
            if after <= target.t and ahead[after, to] > -np.inf and size[after, e] > -np.inf:
                longer = way.so_far + float(size[after, e])
                best = -(longer + float(ahead[after, to]))
                node = (to, after)
                heapq.heappush(heap, _Way(best, -after, next(counter), longer, node, e, way))
    return found


class _Way(NamedTuple):
    """A way from n that may go on; the best comes first, of equals the one that is further on."""

    best: float
    later: int
    number: int
    so_far: float
    node: tuple[int, int]
    edge: int
    before: Any  # the way before its last edge, another _Way


def _best_ahead(
    outgoing: list[list[tuple[int, int, int]]], size: Floats, target: Node, names: list[str]
) -> Floats:
    """Return the largest logarithm of a product from each node to m, shape [t, name]."""
    ahead = np.full((target.t + 1, len(names)), -np.inf)
    ahead[target.t, names.index(target.variable)] = 0.0
    order = _same_step_order(outgoing)
    for t in range(target.t, -1, -1):
        for k in order:
            for e, child, lag in outgoing[k]:
                if t + lag <= target.t:
                    ahead[t, k] = max(ahead[t, k], size[t + lag, e] + ahead[t + lag, child])
    return ahead


def _same_step_order(outgoing: list[list[tuple[int, int, int]]]) -> list[int]:
    """Return the variables so that each comes after those of its step that it leads to."""
    import networkx as nx  # slow to load

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(outgoing)))
    for k, edges in enumerate(outgoing):
        graph.add_edges_from((child, k) for _, child, lag in edges if lag == 0)
    return list(nx.topological_sort(graph))


def _written(
    way: _Way, names: list[str], slope: Floats, total: tuple[float, float]
) -> InfluencePath:
    nodes, sign, log = list[Node](), 1, way.so_far
    while way is not None:
        k, t = way.node
        nodes.append(Node(names[k], t))
        if way.before is not None and slope[t, way.edge] < 0:
            sign = -sign
        way = way.before
    size, whole_sign = total
    known = math.isfinite(size)
    share = sign * whole_sign * float(np.exp(np.clip(log - size, -745, 709))) if known else math.nan
    return InfluencePath(tuple(reversed(nodes)), log, sign, share)

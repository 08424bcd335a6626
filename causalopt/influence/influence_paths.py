"""The paths that carry most: best first, by products of slopes along edges."""

from __future__ import annotations

import dataclasses
import functools
import heapq
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats
from causalopt.influence.best_ahead import Ahead, best_ahead
from causalopt.influence.edge_currents import Edge
from causalopt.model.selectors import Node

Ints = NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class InfluencePath:
    """A path from n to m.

    Attributes:
        names: Variables.
        places: Of each node on the path the variable's place among `names`, from n to m.
        steps: Of each node its step.
        log: The logarithm of its product's size.
        sign: The product's sign.
        share: Its product over the total effect; NaN where that is 0.
        timeless: The variables whose text needs no steps: disturbances, and all in a model without
            time.
    """

    names: tuple[str, ...]
    places: Ints
    steps: Ints
    log: float
    sign: int
    share: float
    timeless: frozenset[str] = frozenset()

    @functools.cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, from n to m."""
        pairs = zip(self.places.tolist(), self.steps.tolist(), strict=True)
        return tuple(Node(self.names[k], t) for k, t in pairs)

    @property
    def product(self) -> float:
        """The product of the slopes along it; it may overflow where `log` does not."""
        return self.sign * _exponential(self.log)

    @functools.cached_property
    def stretches(self) -> tuple[tuple[str, int, int], ...]:
        """The path by (variable, first step, last step) of what it goes through step by step."""
        goes_on = (np.diff(self.places) == 0) & (np.diff(self.steps) == 1)
        first = np.flatnonzero(np.concatenate(([True], ~goes_on)))
        last = np.concatenate((first[1:], [len(self.steps)])) - 1
        names = [self.names[k] for k in self.places[first]]
        pairs = zip(names, self.steps[first].tolist(), self.steps[last].tolist(), strict=True)
        return tuple(pairs)

    def __str__(self) -> str:
        return self.text(self.stretches)

    def text(self, stretches: Sequence[tuple[str, int, int]]) -> str:
        """Return some of its stretches as text, such as `b[0..38] -> c[39]`."""
        spans = [(n, f"[{a}]" if a == b else f"[{a}..{b}]") for n, a, b in stretches]
        return " -> ".join(name if name in self.timeless else name + span for name, span in spans)


def largest_paths(
    edges: tuple[Edge, ...],
    slope: Floats,
    source: Node,
    target: Node,
    count: int,
    total: tuple[float, float],
) -> list[InfluencePath]:
    """Return the paths whose products are largest in size, the largest first.

    The tree of the best ways to m, and paths by where they leave it (Eppstein 1998, without his
    heaps: each path is followed once to find where others may leave it). That takes steps x edges
    for the tree and for each path.

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
    ends = [(place[parent], place[child], lag) for parent, child, lag in edges]
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log(np.abs(slope[: target.t + 1]))
    size[~np.isfinite(size)] = -np.inf
    ahead = best_ahead(ends, size, len(names), (target.t, place[target.variable]))
    start = (source.t, place[source.variable])
    if count < 1 or source.t > target.t or ahead.best[start] == -np.inf:
        return []
    ways = _best_ways(ahead, start, (target.t, place[target.variable]), count)
    found = [_written(tuple(names), way, size, slope, total) for way in ways]
    return sorted(found, key=lambda path: -path.log)


def _exponential(log: float) -> float:
    """Return e to a power, infinite where that is beyond floats."""
    return math.exp(log) if log < 709 else math.inf


class _Way(NamedTuple):
    """A way from n to m: its nodes, the edges between them, and where it last left the tree."""

    steps: Ints
    places: Ints
    edges: Ints
    left: int  # the position after the edge by which it left; 0 for the best way


def _best_ways(
    ahead: Ahead, start: tuple[int, int], goal: tuple[int, int], count: int
) -> list[_Way]:
    counter = itertools.count()
    empty = np.zeros(0, dtype=np.int64)
    ways = [_followed(ahead, start, goal, _Way(empty, empty, empty, 0))]
    heap: list[tuple[float, int, float, _Way, int, int]] = []

    def offer(way: _Way, cost: float) -> None:
        """Put what leaves a way on the heap, as much of it as may still be wanted."""
        costs, positions, edges = _departures(ahead, way)
        wanted = count - len(ways)
        if len(costs) > wanted > 0:
            chosen = np.argpartition(costs, wanted - 1)[:wanted]
            costs, positions, edges = costs[chosen], positions[chosen], edges[chosen]
        triples = zip(costs.tolist(), positions.tolist(), edges.tolist(), strict=True)
        for more, position, edge in triples:
            heapq.heappush(heap, (cost + more, next(counter), cost + more, way, position, edge))

    offer(ways[0], 0.0)
    while heap and len(ways) < count:
        _, _, cost, before, position, edge = heapq.heappop(heap)
        way = _left(ahead, before, position, edge, goal)
        ways.append(way)
        if len(ways) < count:
            offer(way, cost)
    return ways


def _followed(ahead: Ahead, start: tuple[int, int], goal: tuple[int, int], other: _Way) -> _Way:
    """Follow the tree from a node to m, or to where it meets another way, which it then is."""
    width = ahead.best.shape[1]
    met = np.full(ahead.best.size, -1, dtype=np.int64)
    met[other.steps * width + other.places] = np.arange(len(other.steps))
    (t, k), steps, places, edges = start, list[int](), list[int](), list[int]()
    # Views of memory give Python's numbers, faster than arrays do.
    choice, ends, at = ahead.choice.ravel().data, ahead.ends, met.data
    while at[t * width + k] < 0:
        steps.append(t)
        places.append(k)
        if (t, k) == goal:
            return _Way(np.array(steps), np.array(places), np.array(edges, dtype=np.int64), 0)
        edge = choice[t * width + k]
        edges.append(edge)
        _, k, lag = ends[edge]
        t += lag
    where = at[t * width + k]
    return _Way(
        np.concatenate((np.array(steps, dtype=np.int64), other.steps[where:])),
        np.concatenate((np.array(places, dtype=np.int64), other.places[where:])),
        np.concatenate((np.array(edges, dtype=np.int64), other.edges[where:])),
        0,
    )


def _left(ahead: Ahead, way: _Way, position: int, edge: int, goal: tuple[int, int]) -> _Way:
    """Return the way that leaves another at a node, by an edge."""
    _, child, lag = ahead.ends[edge]
    start = (int(way.steps[position]) + lag, child)
    rest = _followed(ahead, start, goal, way)
    return _Way(
        np.concatenate((way.steps[: position + 1], rest.steps)),
        np.concatenate((way.places[: position + 1], rest.places)),
        np.concatenate((way.edges[:position], [edge], rest.edges)),
        position + 1,
    )


def _departures(ahead: Ahead, way: _Way) -> tuple[Floats, Ints, Ints]:
    """Return what it costs to leave a way after it last did: costs, positions and edges."""
    last = len(ahead.best) - 1
    costs, positions, edges = [np.zeros(0)], [np.zeros(0, int)], [np.zeros(0, int)]
    own = np.arange(len(way.steps)) >= way.left
    for e, (parent, child, lag) in enumerate(ahead.ends):
        at = np.flatnonzero(own & (way.places == parent) & (way.steps + lag <= last))
        t = way.steps[at]
        with np.errstate(invalid="ignore"):
            cost = ahead.best[t, parent] - (ahead.size[t + lag, e] + ahead.best[t + lag, child])
        leaves = (ahead.choice[t, parent] != e) & (cost < np.inf)
        costs.append(cost[leaves])
        positions.append(at[leaves])
        edges.append(np.full(int(leaves.sum()), e))
    return np.concatenate(costs), np.concatenate(positions), np.concatenate(edges)


def _written(
    names: tuple[str, ...], way: _Way, size: Floats, slope: Floats, total: tuple[float, float]
) -> InfluencePath:
    log = float(size[way.steps[1:], way.edges].sum())
    sign = -1 if np.count_nonzero(slope[way.steps[1:], way.edges] < 0) % 2 else 1
    whole, whole_sign = total
    known = math.isfinite(whole)
    share = sign * whole_sign * _exponential(log - whole) if known else math.nan
    return InfluencePath(names, way.places, way.steps, log, sign, share)

"""Where the edges of a run cross the boundary of a set of its nodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from causalopt.model.reach import Bools
from causalopt.model.regions.spacetime import Spacetime, Timelines


@dataclasses.dataclass(frozen=True, eq=False)
class Neighbours:
    """One edge away from a set; arrays have shape [t, variable].

    An array at one step is one node here: touched where some of its elements are in the set, whole
    where all are.

    Attributes:
        touched: Whether some of the node is in the set.
        whole: Whether all of it is.
        has_parent_outside: Whether an edge from a node that is not whole leads to it.
        has_child_outside: Whether an edge from it leads to a node that is not whole.
        is_parent: Whether an edge from it leads to a touched node.
        is_child: Whether an edge from a touched node leads to it.
        entering: How many edges enter the set, by the step of their child, shape [t].
        leaving: How many leave it.
    """

    touched: Bools
    whole: Bools
    has_parent_outside: Bools
    has_child_outside: Bools
    is_parent: Bools
    is_child: Bools
    entering: np.ndarray
    leaving: np.ndarray


def neighbours_of(space: Spacetime, timelines: Timelines) -> Neighbours:
    """Return what is one edge away from a set, and how many edges cross its boundary."""
    last = space.last("a boundary")
    touched, whole = tables(space, timelines, last)
    none = [np.zeros_like(touched) for _ in range(4)]
    found = Neighbours(touched, whole, *none, *np.zeros((2, last + 1), dtype=np.int64))
    place = {name: i for i, name in enumerate(space.names)}
    for (parent, child, lag), there in space.links.items():
        u, v = place[parent], place[child]
        at, before, opened = _edges(last, lag, there)
        enters = opened & touched[at, v] & ~whole[before, u]
        leaves = opened & touched[before, u] & ~whole[at, v]
        found.has_parent_outside[at, v] |= enters
        found.has_child_outside[before, u] |= leaves
        found.is_parent[before, u] |= opened & touched[at, v]
        found.is_child[at, v] |= opened & touched[before, u]
        found.entering[at] += enters
        found.leaving[at] += leaves
    return found


def edges_within(
    space: Spacetime, touched: Bools
) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    """Yield the edges between nodes of a set, as pairs of (variable, t)."""
    last = len(touched) - 1
    place = {name: i for i, name in enumerate(space.names)}
    for (parent, child, lag), there in space.links.items():
        u, v = place[parent], place[child]
        at, before, opened = _edges(last, lag, there)
        steps = np.arange(last + 1)[at]
        for t in steps[opened & touched[at, v] & touched[before, u]].tolist():
            yield (parent, t - lag), (child, t)


def tables(space: Spacetime, timelines: Timelines, last: int) -> tuple[Bools, Bools]:
    """Return which nodes are in a set with some elements, and with all, shape [t, variable]."""
    touched = np.zeros((last + 1, len(space.names)), dtype=bool)
    whole = np.zeros_like(touched)
    for i, name in enumerate(space.names):
        if name in timelines:
            timeline = timelines[name]
            flat = timeline.masks.reshape(len(timeline.masks), -1)
            lengths = np.diff(np.append(timeline.starts, last + 1))
            touched[:, i] = np.repeat(flat.any(axis=1), lengths)
            whole[:, i] = np.repeat(flat.all(axis=1), lengths)
    return touched, whole


def _edges(last: int, lag: int, there: Bools) -> tuple[slice, slice, Bools]:
    """Return the steps of the children, those of the parents, and whether there is an edge."""
    low, high = max(0, lag), min(last + 1, last + 1 + lag)
    high = max(low, high)
    opened: Bools = there[np.minimum(np.arange(low, high), len(there) - 1)]
    return slice(low, high), slice(low - lag, high - lag), opened

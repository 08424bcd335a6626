"""Layers of a graph without time: columns by rank, rows ordered so that few edges cross."""

from __future__ import annotations

import math
from collections.abc import Sequence

TALLEST = 30
SWEEPS = 8


def layered(
    names: Sequence[str], edges: Sequence[tuple[str, str]], *, tallest: int = TALLEST
) -> dict[str, tuple[int, int, float]]:
    """Return name -> (column, place inside the column, row) of an acyclic graph.

    A node's column is the length of the longest path that leads to it. Inside a column nodes stand
    in the order of their neighbours' mean heights (the barycentre heuristic of Sugiyama, Tagawa and
    Toda 1981), swept both ways; a tall layer takes several places side by side.

    Args:
        names: The nodes, in the order that settles ties.
        edges: Pairs (parent, child).
        tallest: How many nodes of a layer stand in one place.

    Example:
        >>> layered(["a", "b", "c"], [("a", "b"), ("a", "c")])
        {'a': (0, 0, 0.5), 'b': (1, 0, 0.0), 'c': (1, 0, 1.0)}
    """
    parents: dict[str, list[str]] = {name: [] for name in names}
    children: dict[str, list[str]] = {name: [] for name in names}
    for parent, child in edges:
        parents[child].append(parent)
        children[parent].append(child)
    column = _ranks(names, parents, children)
    layers: list[list[str]] = [[] for _ in range(max(column.values()) + 1)]
    for name in names:
        layers[column[name]].append(name)
    _sweep(layers, _heights(layers), parents, children)
    return _cells(layers, tallest)


def narrow_layers(
    names: Sequence[str], edges: Sequence[tuple[str, str]], *, widest: int
) -> dict[str, tuple[int, float]]:
    """Return name -> (layer, place in it) of an acyclic graph, in layers of a bounded size.

    Nodes are put into layers from the last one up, those at the end of the longest paths first, as
    many as a layer holds (the list scheduling of Coffman and Graham 1972); what has no children
    then moves up to its parents, where there is room. Layers are centred, and ordered as those of
    `layered`.

    Args:
        names: The nodes, in the order that settles ties.
        edges: Pairs (parent, child).
        widest: How many nodes a layer holds at most, one at least.

    Example:
        >>> narrow_layers(["a", "b", "c"], [("a", "b"), ("a", "c")], widest=1)
        {'a': (0, 0.0), 'c': (1, 0.0), 'b': (2, 0.0)}
    """
    parents: dict[str, list[str]] = {name: [] for name in names}
    children: dict[str, list[str]] = {name: [] for name in names}
    for parent, child in edges:
        parents[child].append(parent)
        children[parent].append(child)
    layers = _bounded(names, parents, children, max(widest, 1))
    height = _heights(layers)
    _sweep(layers, height, parents, children)
    most = max(map(len, layers))
    return {
        name: (t, i + (most - len(layer)) / 2)
        for t, layer in enumerate(layers)
        for i, name in enumerate(layer)
    }


def _bounded(
    names: Sequence[str], parents: dict[str, list[str]], children: dict[str, list[str]], widest: int
) -> list[list[str]]:
    depth = _depths(names, parents, children)
    order = {name: i for i, name in enumerate(names)}
    waiting = {name: len(children[name]) for name in names}
    ready = [name for name in names if not waiting[name]]
    upward: list[list[str]] = []
    while ready:
        ready.sort(key=lambda name: (-depth[name], order[name]))
        chosen, ready = ready[:widest], ready[widest:]
        upward.append(chosen)
        for name in chosen:
            for parent in parents[name]:
                waiting[parent] -= 1
                if not waiting[parent]:
                    ready.append(parent)
    layers = upward[::-1]
    place = {name: t for t, layer in enumerate(layers) for name in layer}
    for name in sorted(names, key=depth.__getitem__):
        if children[name] or not parents[name]:
            continue
        first = max(place[parent] for parent in parents[name]) + 1
        for t in range(first, place[name]):
            if len(layers[t]) < widest:
                layers[place[name]].remove(name)
                layers[t].append(name)
                break
    return [layer for layer in layers if layer]


def _ranks(
    names: Sequence[str], parents: dict[str, list[str]], children: dict[str, list[str]]
) -> dict[str, int]:
    rank = _depths(names, parents, children)
    # A cause that is used late only stands right before its first use, not at the far left.
    for name in names:
        if not parents[name] and children[name]:
            rank[name] = min(rank[child] for child in children[name]) - 1
    return rank


def _depths(
    names: Sequence[str], parents: dict[str, list[str]], children: dict[str, list[str]]
) -> dict[str, int]:
    """Return the length of the longest path that leads to each node."""
    waiting = {name: len(parents[name]) for name in names}
    ready = [name for name in names if not waiting[name]]
    depth = dict.fromkeys(names, 0)
    for name in ready:
        for child in children[name]:
            depth[child] = max(depth[child], depth[name] + 1)
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    return depth


def _sweep(
    layers: list[list[str]],
    height: dict[str, float],
    parents: dict[str, list[str]],
    children: dict[str, list[str]],
) -> None:
    """Order the nodes inside their layers by the mean heights of their neighbours, both ways."""
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = parents if forward else children
        for layer in layers if forward else reversed(layers):
            middle = {n: _mean([height[m] for m in near[n]], height[n]) for n in layer}
            layer.sort(key=middle.__getitem__)
            height |= _heights([layer])


def _heights(layers: Sequence[Sequence[str]]) -> dict[str, float]:
    return {n: i - (len(layer) - 1) / 2 for layer in layers for i, n in enumerate(layer)}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return math.fsum(values) / len(values) if values else otherwise


def _cells(layers: Sequence[Sequence[str]], limit: int) -> dict[str, tuple[int, int, float]]:
    tallest = min(max(len(layer) for layer in layers), limit)
    cells = {}
    for column, layer in enumerate(layers):
        wide = -(-len(layer) // limit)
        rows = -(-len(layer) // wide)
        for i, name in enumerate(layer):
            # Neighbours in the order stand side by side, half a row apart in every other place.
            row, place = divmod(i, wide)
            cells[name] = (column, place, row + (tallest - rows) / 2)
    return cells

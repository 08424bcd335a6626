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
    height = _heights(layers)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = parents if forward else children
        for layer in layers if forward else reversed(layers):
            middle = {n: _mean([height[m] for m in near[n]], height[n]) for n in layer}
            layer.sort(key=middle.__getitem__)
            height |= _heights([layer])
    return _cells(layers, tallest)


def _ranks(
    names: Sequence[str], parents: dict[str, list[str]], children: dict[str, list[str]]
) -> dict[str, int]:
    waiting = {name: len(parents[name]) for name in names}
    ready = [name for name in names if not waiting[name]]
    rank = dict.fromkeys(names, 0)
    for name in ready:
        for child in children[name]:
            rank[child] = max(rank[child], rank[name] + 1)
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    # A cause that is used late only stands right before its first use, not at the far left.
    for name in names:
        if not parents[name] and children[name]:
            rank[name] = min(rank[child] for child in children[name]) - 1
    return rank


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

"""Which pairs (n, m) have a path, and which have one that passes through A: by the graph alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from causalopt.engine.contract import Bools, Plan
from causalopt.model.model import Model
from causalopt.model.selectors import Node

Row: TypeAlias = list[int]  # for every equation the bits of the targets


def crossing_pairs(
    model: Model, plan: Plan, sources: Sequence[Node], targets: Sequence[Node]
) -> Bools:
    """Return for which n and m a path from n to m passes through A, shape [source, target].

    One walk back over the steps carries, for every equation, which targets it reaches and which it
    reaches through A, a bit each.

    Args:
        model: The model.
        plan: The baseline, with the set A.
        sources: The nodes n, outside of A.
        targets: The nodes m, outside of A.
    """
    template = model.template
    places = {node: template.index[node.variable] for node in (*sources, *targets)}
    ends: dict[tuple[int, int], int] = {}
    for k, node in enumerate(targets):
        place = node.t, places[node]
        ends[place] = ends.get(place, 0) | 1 << k
    found = np.zeros((len(sources), len(targets)), dtype=bool)
    wanted: dict[int, list[int]] = {}
    for k, node in enumerate(sources):
        wanted.setdefault(node.t, []).append(k)
    walk = _Walk(model, plan, ends)
    for t in range(max((node.t for node in targets), default=-1), -1, -1):
        crossing = walk.back(t)
        for k in wanted.get(t, ()):
            found[k] = _bits(crossing[places[sources[k]]], len(targets))
    return found


class _Walk:
    """A walk back over the steps."""

    def __init__(self, model: Model, plan: Plan, ends: dict[tuple[int, int], int]) -> None:
        template = model.template
        self._plan, self._ends, self._depth = plan, ends, template.max_lag
        self._children: list[list[tuple[int, int]]] = [[] for _ in template.equations]
        for child, equation in enumerate(template.equations):
            for name, lag in equation.parents:
                self._children[template.index[name]].append((child, lag))
        self._later: list[tuple[Row, Row]] = []  # what later steps have, the next one's first

    def back(self, t: int) -> Row:
        """Return which targets each equation of a step reaches through A; t falls from the last."""
        width = len(self._children)
        forced = self._plan.forced[t] if t < len(self._plan.forced) else np.zeros(width, dtype=bool)
        held = self._plan.held_at(t)
        reach, cross = [0] * width, [0] * width  # of the node itself
        into, into_cross = [0] * width, [0] * width  # what a parent has by way of it
        steps = [(into, into_cross), *self._later]
        for i in range(width - 1, -1, -1):
            for child, lag in self._children[i]:
                if lag < len(steps):
                    reach[i] |= steps[lag][0][child]
                    cross[i] |= steps[lag][1][child]
            reach[i] |= self._ends.get((t, i), 0)
            if not forced[i]:
                into[i] = reach[i]
                into_cross[i] = reach[i] if held[i] else cross[i]
        self._later = [(into, into_cross), *self._later][: self._depth]
        return cross


def _bits(mask: int, count: int) -> Bools:
    """Return a mask's lowest bits."""
    size = (count + 7) // 8
    packed = np.frombuffer(mask.to_bytes(size, "little"), dtype=np.uint8)
    return np.unpackbits(packed, count=count, bitorder="little").astype(bool)

"""The best way from each node to m: the largest product of slopes, step by step backwards."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from graphlib import TopologicalSorter

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats

End = tuple[int, int, int]  # the places of parent and child, and the lag
_FEW = 3_000  # steps up to which they are taken one by one


@dataclasses.dataclass(frozen=True, eq=False)
class Ahead:
    """The best ways to m.

    Attributes:
        ends: (parent, child, lag) of each edge, by places of names.
        size: The logarithm of its slope's size, shape [t of the child, edge].
        best: The logarithm of the largest product from a node to m, shape [t, name].
        choice: The edge by which that way begins, shape [t, name]; -1 for none.
    """

    ends: list[End]
    size: Floats
    best: Floats
    choice: NDArray[np.int32]


def best_ahead(ends: list[End], size: Floats, width: int, goal: tuple[int, int]) -> Ahead:
    """Return the best way from each node to m.

    A recurrence of maxima and sums, which are a semiring: a long run is cut into stretches, whose
    matrices are found all at once and then chained (Blelloch 1990).

    Args:
        ends: (parent, child, lag) of each edge, by places of names.
        size: Logarithms, shape [t of the child, edge]; -inf for no edge.
        width: How many names.
        goal: Step and place of m.
    """
    last, place = goal
    recurrence = _Recurrence(ends, width)
    best, choice = np.full((last + 1, width), -np.inf), np.full((last + 1, width), -1, np.int32)
    # Row s is s steps before m. In m's own step only edges of that step lead on.
    backward, depth = size[last::-1], recurrence.depth
    past = [np.full((1, 1, width), -np.inf)] * depth
    now, chosen = recurrence.row(
        lambda e, lag: backward[:1, e] - (np.inf if lag else 0), past, place
    )
    best[last], choice[last] = now[0, 0], chosen[0, 0]
    if last:
        rows, chosen = _stretched(recurrence, backward, best[last])
        best[:last], choice[:last] = rows[::-1], chosen[::-1]
    return Ahead(ends, size, best, choice)


class _Recurrence:
    """The largest logarithm ahead of each name, from those of the rows before."""

    def __init__(self, ends: list[End], width: int) -> None:
        self.width = width
        self.depth = max(1, *(lag for _, _, lag in ends), 1)
        self._outgoing: list[list[tuple[int, int, int]]] = [[] for _ in range(width)]
        for e, (parent, child, lag) in enumerate(ends):
            self._outgoing[parent].append((e, child, lag))
        self._order = _same_step_order(ends, width)

    def row(
        self, look: Callable[[int, int], Floats], past: list[Floats], seed: int | None = None
    ) -> tuple[Floats, NDArray[np.int32]]:
        """Return one row of each stretch, and the edges chosen, shape [stretch, unit, name].

        Args:
            look: The logarithms along an edge of a lag, shape [stretch].
            past: The rows before, the nearest first.
            seed: A name whose logarithm is 0.
        """
        now, chosen = np.full(past[0].shape, -np.inf), np.full(past[0].shape, -1, dtype=np.int32)
        if seed is not None:
            now[:, :, seed] = 0.0
        for k in self._order:
            for e, child, lag in self._outgoing[k]:
                ahead = past[lag - 1] if lag else now
                through = ahead[:, :, child] + look(e, lag)[:, None]
                np.copyto(chosen[:, :, k], e, where=through > now[:, :, k])
                np.maximum(now[:, :, k], through, out=now[:, :, k])
        return now, chosen

    def run(
        self, padded: Floats, length: int, past: list[Floats], *, keep: bool
    ) -> tuple[Floats, NDArray[np.int32], list[Floats]]:
        """Return the rows of all stretches with the edges chosen, and the last rows of each.

        Args:
            padded: Logarithms along edges, `depth` rows before the first one, shape [row, edge].
            length: Of a stretch.
            past: The rows before each stretch, the nearest first.
            keep: Whether the rows are wanted; else the last ones only.
        """
        count, depth = past[0].shape[0], self.depth
        shape = (count, length if keep else 0, self.width)
        best, choice = np.empty(shape), np.empty(shape, dtype=np.int32)
        for r in range(length):

            def look(e: int, lag: int, at: int = r + depth) -> Floats:
                return padded[at - lag :: length, e][:count]

            now, chosen = self.row(look, past)
            if keep:
                best[:, r], choice[:, r] = now[:, 0], chosen[:, 0]
            past = [now, *past[: depth - 1]]
        flat = (count * shape[1], self.width)
        return best.reshape(flat), choice.reshape(flat), past


def _stretched(
    recurrence: _Recurrence, backward: Floats, first: Floats
) -> tuple[Floats, NDArray[np.int32]]:
    """Return best and choice of rows 1, 2, ..., after row 0.

    Args:
        recurrence: What leads from row to row.
        backward: Logarithms along edges, shape [row of the child, edge].
        first: Row 0, shape [name].
    """
    rows, depth, width = len(backward) - 1, recurrence.depth, recurrence.width
    count = 1 if rows <= _FEW else max(1, min(math.isqrt(rows), rows // depth))
    length = -(-rows // count)
    padded = np.full((depth + count * length, backward.shape[1]), -np.inf)
    padded[depth - 1 : depth + rows] = backward
    before = np.full((depth, count, 1, width), -np.inf)
    before[0, 0, 0] = first
    if count > 1:
        units = np.full((depth, count, depth * width, width), -np.inf)
        for i, k in np.ndindex(depth, width):
            units[i, :, i * width + k, k] = 0.0
        *_, ends = recurrence.run(padded, length, list(units), keep=False)
        matrices = np.stack(ends)  # [row before the next stretch, stretch, unit, name]
        for j in range(1, count):
            weights = before[:, j - 1, 0].reshape(1, -1, 1)
            before[:, j, 0] = (weights + matrices[:, j - 1]).max(axis=1)
    best, choice, _ = recurrence.run(padded, length, list(before), keep=True)
    return best[:rows], choice[:rows]


def _same_step_order(ends: list[End], width: int) -> list[int]:
    """Return the names so that each comes after those of its step that it leads to."""
    children: dict[int, set[int]] = {k: set() for k in range(width)}
    for parent, child, lag in ends:
        if lag == 0:
            children[parent].add(child)
    return list(TopologicalSorter(children).static_order())

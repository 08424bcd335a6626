"""The plan: everything a run of a template needs besides its structure, as plain arrays."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run: parameter values, forced and shifted nodes, and the held set.

    V is the number of equations (stages included), F the number of leading steps at which some node
    is forced or shifted; from step F on every node follows its rule.

    Attributes:
        steps: The last step; nodes exist at t = 0 .. steps.
        parameters: Values in the order of the structure's parameters, shape [P].
        forced: Which nodes take a given value (initial, set, replaced), shape [F, V].
        values: The values they take, shape [F, V].
        shifts: What is added to a node's value, shape [F, V].
        held: Which nodes are in A, shape [H, V]; the last row goes on for ever.
        seed: The node `(t, equation)` by which tangents are taken, None for none.
    """

    steps: int
    parameters: Floats
    forced: Bools
    values: Floats
    shifts: Floats
    held: Bools
    seed: tuple[int, int] | None = None

    def careful(self, t: int) -> bool:
        """Whether step t needs more than the rules."""
        return t < len(self.forced) or (self.seed is not None and t == self.seed[0])

    def segments(self) -> list[tuple[int, int]]:
        """Return ranges [t0, t1) covering 0..steps: careful ones, and those with constant A."""
        edges = {0, self.steps + 1, min(len(self.forced), self.steps + 1)}
        if self.seed is not None and self.seed[0] <= self.steps:
            edges |= {self.seed[0], self.seed[0] + 1}
        changes = np.flatnonzero(np.any(self.held[1:] != self.held[:-1], axis=1)) + 1
        edges |= {int(t) for t in changes if t <= self.steps}
        ordered = sorted(edges)
        return list(itertools.pairwise(ordered))

    def held_at(self, t: int) -> Bools:
        """Return A's mask at step t, shape [V]."""
        row: Bools = self.held[min(t, len(self.held) - 1)]
        return row

"""The state of many lanes that numpy takes through their steps: worlds, tangents and notes."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.engine.batch import Batch
from causalopt.engine.contract import Bools
from causalopt.engine.lane_steps import Given, LaneStep
from causalopt.engine.linearization import linearize
from causalopt.engine.schedule import Schedule
from causalopt.language.arrays import array_function
from causalopt.model.template import Structure


class LaneWorlds:
    """W, or W, X and Y, of some lanes.

    Attributes:
        now: Letter -> each equation's value at the last step: an array of lanes, or one number.
        exponents: Of total and direct tangents, shape [2, lane].
        kink: The first step on a kink, -1 for none so far, shape [lane].
        bad: The first node that is not finite, as `BatchResult` says, likewise.
        near: Whether the lane passed a kink within rounding, likewise.
    """

    def __init__(
        self, structure: Structure, schedule: Schedule, batch: Batch, watched: frozenset[int]
    ) -> None:
        self._batch, self._plan, self._s = batch, batch.plan, schedule
        self._width = len(structure.names)
        parameters: list[Any] = list(batch.plan.parameters)
        for place, values in batch.parameters.items():
            parameters[place] = values
        self._values = LaneStep(schedule, parameters)
        self._worlds = "wxy" if batch.mode == "finite" else "w"
        depth = max([lag for _, lag in schedule.layout.slots], default=0)
        nothing: list[Any] = [np.float64(np.nan)] * self._width
        self._past = {world: [nothing] * depth for world in self._worlds}
        self.now: dict[str, list[Any]] = {}
        gaps = () if batch.mode == "values" else linearize(structure).moving_gaps
        self._gaps = [
            (k, gap, places)
            for k, (gap, places) in enumerate(zip(gaps, schedule.gaps.tolist(), strict=True))
            if gap.child in watched
        ]
        count = batch.count
        self.exponents = np.zeros((2, count), dtype=np.int64)
        self.kink, self.bad = (np.full(count, -1, dtype=np.int64) for _ in range(2))
        self.near = np.zeros(count, dtype=np.int64)

    def step(self, t: int, *, is_given: bool) -> None:
        """Take one step; `is_given` where nodes may be given values or shifted."""
        seed = self._plan.seed
        self._seeded = seed[1] if seed is not None and seed[0] == t else -1
        self._forced = self._forced_at(t) if is_given else None
        self._held = self._plan.held_at(t)
        values = {}
        for world in self._worlds:
            given = self._given(t, world) if is_given or self._seeded >= 0 else None
            if world == "y":
                given = self._holding(given)
            values[world] = v = self._values.values(t, self._past[world], given)
            self.now[world] = self._values.equations(v)
        self._look(t, values)
        if self._batch.watch:
            self._watch(t)
        for world, past in self._past.items():
            self._past[world] = [self.now[world], *past][: len(past)]

    def _forced_at(self, t: int) -> Bools:
        """Return which equations are given a value."""
        forced = np.zeros(self._width, dtype=bool)
        if t < len(self._plan.forced):
            forced |= self._plan.forced[t]
        forced[[i for at, i in self._batch.starts if at == t]] = True
        forced[list(self._batch.drawn)] = True
        return forced

    def _given(self, t: int, world: str) -> Given:
        """Return what an equation's value becomes: what it is given, and shifted."""
        plan, starts, drawn = self._plan, self._batch.starts, self._batch.drawn
        within = t < len(plan.forced)

        def given(i: int, value: Any) -> Any:
            if (t, i) in starts:
                value = starts[t, i]
            elif i in drawn:
                value = drawn[i][t]
            elif within and plan.forced[t, i]:
                value = plan.values[t, i]
            shift = plan.shifts[t, i] if within else 0.0
            if i == self._seeded and world != "w":
                shift = shift + self._batch.delta
            return value + shift

        return given

    def _holding(self, given: Given | None) -> Given:
        """Return the same, where nodes of A keep W's value."""

        def held(i: int, value: Any) -> Any:
            if self._held[i]:
                return self.now["w"][i]
            return value if given is None else given(i, value)

        return held

    def _look(self, t: int, values: dict[str, list[Any]]) -> None:
        """Note the step at which X or Y takes another branch than a finite W."""
        if len(self._worlds) == 1 or not self._gaps:
            return
        differs: Any = np.False_
        for _, gap, (left, right, guard) in self._gaps:
            if gap.kink.right.op in {"floor", "ceil"}:
                sides = [v[right] for v in values.values()]
            else:
                sides = [_sign(v[left], v[right]) for v in values.values()]
            parted = [_parted(sides[0], other) for other in sides[1:]]
            if guard >= 0:
                read, *others = (v[guard] != 0 for v in values.values())
                parted = [one & (read | own) for one, own in zip(parted, others, strict=True)]
            other = parted[0] if self._held[gap.child] else parted[0] | parted[1]
            if self._forced is None or not self._forced[gap.child]:
                differs = differs | other
        for value in self.now["w"]:
            differs = differs & (np.abs(value) < np.inf)
        self._note_kink(t, differs)

    def _note_kink(self, t: int, met: Any) -> None:
        self.kink[(self.kink < 0) & met] = t

    def _watch(self, t: int) -> None:
        """Note each lane's first non-finite node, an infinity before what is not a number."""
        infinite, undefined = (np.full(self._batch.count, -1, dtype=np.int64) for _ in range(2))
        for world in reversed(self._worlds):
            for i in reversed(range(self._width)):
                infinite[np.broadcast_to(np.isinf(self.now[world][i]), infinite.shape)] = i
                undefined[np.broadcast_to(np.isnan(self.now[world][i]), infinite.shape)] = i
        row = 2 * self._width * t
        found = np.where(
            infinite >= 0, row + 2 * infinite + 1, np.where(undefined >= 0, row + 2 * undefined, -1)
        )
        self.bad = np.where(self.bad < 0, found, self.bad)

    def rescale(self) -> None:
        """Bring tangents back near 1, where there are any."""


def _parted(one: Any, other: Any) -> Any:
    """Return whether two values differ; two that are undefined do not."""
    return (one != other) & ((one == one) | (other == other))


def _sign(left: Any, right: Any) -> Any:
    return array_function("sign")(left - right)

"""Tangents of arrays along W: over all paths, and over the paths that avoid A.

A world's tangents have one common power of two, so that neither growth nor decay ends the run.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable

import numpy as np

from causalopt.engine.arrays.array_course import (
    Draw,
    Row,
    careful_values,
    gathered,
    given_values,
    lookup,
)
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import (
    KINDS,
    Moves,
    disturbed,
    moves,
    tangent_step,
    value_step,
)
from causalopt.tensors.folding import evaluate

_EVERY = 32  # steps between looks at the tangents' size
_FAR = 2.0**200


@dataclasses.dataclass(frozen=True, eq=False)
class ArraySeed:
    """The nudged node and its directions.

    Attributes:
        name: The variable.
        t: The step.
        directions: Shape [direction, *shape].
    """

    name: str
    t: int
    directions: Values


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayTangents:
    """W and the derivatives of a target along the directions.

    A derivative is mantissa * 2**exponent.

    Attributes:
        values: Kept variable -> W, shape [t, *shape].
        total: Derivatives of the target over all paths, mantissas, [t, direction, *shape].
        direct: Over the paths that avoid A.
        exponents: Of total and direct, shape [t, 2].
        reached: Whether total and direct have a path to the target at all.
    """

    values: dict[str, Values]
    total: Values
    direct: Values
    exponents: Values
    reached: tuple[bool, bool]


class CarriedTangents:
    """Tangents that are carried along with W, one step at a time."""

    def __init__(
        self,
        plan: ArrayPlan,
        seed: ArraySeed,
        draw: Draw | None = None,
        disturb: Callable[[Row], None] | None = None,
        number: int = 0,
    ) -> None:
        self.plan, self.seed, self._draw, self._disturb = plan, seed, draw, disturb
        self.moves = self._moves()
        if number:
            self.moves = disturbed(self.moves, number)
        self._step = tangent_step(self.moves)
        self._values = value_step(plan.template)
        self.past: deque[Row] = deque(maxlen=max(plan.template.max_lag, 1))
        self.exponents = [0, 0]
        self._masks: Row = {}

    def _moves(self) -> Moves:
        plan, count = self.plan, len(self.seed.directions)
        return moves(plan.template, self.seed.name, count, plan.held_throughout, plan.held_partly)

    def step(self, t: int) -> Row:
        """Return values and tangents at the next step, t."""
        plan, past = self.plan, self.past
        row = given_values(plan, t, self._draw)
        self._set_masks(t)
        row.update(self._masks)
        if t < plan.first_free or t in plan.touched or t == self.seed.t:
            careful_values(plan, t, row, past)
            if t == self.seed.t:
                self._still()
            self._careful_tangents(t, row)
        else:
            self._given_tangents(row)
            step = self._step if t > self.seed.t else self._values
            taken = gathered(step, plan, t, row, past)
            row.update(zip(step.outputs, step.function(*taken), strict=True))
        if self._disturb is not None:
            self._disturb(row)
        past.appendleft(row)
        if t % _EVERY == 0 and t > self.seed.t:
            self._rescale()
        return row

    def _set_masks(self, t: int) -> None:
        if t == 0 or t in self.plan.held_edges:
            self._masks = {
                ("held", name): self.plan.mask_at(name, t) for name in self.plan.held_partly
            }

    def _zero(self, name: str) -> Values:
        return np.zeros(self.moves.shape(name))

    def _still(self) -> None:
        """Add zeros to the rows before the nudge, in which nothing moves."""
        for row in self.past:
            for kind in self.moves.moving:
                for name in self.moves.moving[kind]:
                    row[kind, name, 0] = self._zero(name)

    def _given_tangents(self, row: Row) -> None:
        """Add zeros for the tangents of what moves and has no rule."""
        for kind in self.moves.moving:
            for name in self.moves.moving[kind]:
                if (kind, name) not in self.moves.derivatives:
                    row[kind, name, 0] = self._zero(name)

    def _careful_tangents(self, t: int, row: Row) -> None:
        """Add tangents one variable after another, zero for what starts or is forced there."""
        plan = self.plan
        look = lookup(plan, t, row, self.past)
        for kind in self.moves.moving:
            for variable in plan.template.variables:
                name = variable.name
                if name not in self.moves.moving[kind]:
                    continue
                row[kind, name, 0] = self._one(kind, name, t, look)

    def _one(self, kind: str, name: str, t: int, look: Callable[..., object]) -> Values:
        plan = self.plan
        if name == self.seed.name and t == self.seed.t:
            directions = self.seed.directions
            return directions[0] if self.moves.count == 1 else directions
        tangent = self.moves.derivatives.get((kind, name))
        if tangent is None or t < self.seed.t:
            return self._zero(name)
        if plan.initial_at(plan.template.by_name[name], t) is not None:
            return self._zero(name)
        value: Values = np.asarray(evaluate([tangent], look)[0], dtype=float)
        force = plan.forces.get((t, name))
        if force is None:
            return value
        return self._zero(name) if force.mask is None else np.where(force.mask, 0.0, value)

    def _rescale(self) -> None:
        for kind, moving in self.moves.moving.items():
            place, keys = KINDS.index(kind), [(kind, name, 0) for name in moving]
            largest = max(
                (
                    float(np.max(np.abs(row[key]), initial=0.0))
                    for row in self.past
                    for key in keys
                    if key in row
                ),
                default=0.0,
            )
            if not np.isfinite(largest) or largest == 0 or 1 / _FAR < largest < _FAR:
                continue
            shift = int(np.frexp(largest)[1])
            for row in self.past:
                for key in keys:
                    if key in row:
                        row[key] = np.ldexp(row[key], -shift)
            self.exponents[place] += shift


def tangents_of(
    plan: ArrayPlan,
    seed: ArraySeed,
    target: str,
    keep: Iterable[str],
    draw: Draw | None = None,
    progress: Callable[[int], None] | None = None,
    disturb: Callable[[Row], None] | None = None,
    number: int = 0,
) -> ArrayTangents:
    """Return the derivatives of a variable along directions of a nudged node, at every step.

    Args:
        plan: W's run, with A.
        seed: The nudged node and its directions.
        target: The measured variable.
        keep: Further variables whose courses are kept.
        draw: Gives the noises' values at a step.
        progress: Called with the number of steps done, now and then.
        disturb: Changes each row once it is made.
        number: Which disturbance of the tangents' own operations there is, 0 for none.
    """
    carried = CarriedTangents(plan, seed, draw, disturb, number)
    template = plan.template
    shape = template.by_name[target].shape
    names = list(dict.fromkeys([target, *keep]))
    kept = {n: np.empty((plan.steps + 1, *template.by_name[n].shape)) for n in names}
    found = {k: np.zeros((plan.steps + 1, len(seed.directions), *shape)) for k in KINDS}
    exponents = np.zeros((plan.steps + 1, 2), dtype=np.int64)
    with np.errstate(all="ignore"):
        for t in range(plan.steps + 1):
            row = carried.step(t)
            exponents[t] = carried.exponents
            for name in names:
                kept[name][t] = row["ref", name, 0]
            for kind in KINDS:
                if target in carried.moves.moving[kind] and t >= seed.t:
                    found[kind][t] = row[kind, target, 0]
            if progress is not None and t % 256 == 255:
                progress(t + 1)
    reached = tuple(target in carried.moves.moving[kind] for kind in KINDS)
    return ArrayTangents(kept, found["total"], found["direct"], exponents, (reached[0], reached[1]))

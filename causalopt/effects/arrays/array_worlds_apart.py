"""Worlds of arrays that a finite nudge makes: W, X and Y side by side, one step at a time."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_course import Draw, Row, careful_values, gathered, given_values
from causalopt.engine.arrays.array_forward import ArraySeed, ArrayTangents
from causalopt.engine.arrays.array_plan import ArrayPlan, Force, Values
from causalopt.engine.arrays.array_step import held_step, moves, value_step
from causalopt.work.progress import tick


def finite_differences(
    plan: ArrayPlan,
    seed: ArraySeed,
    target: str,
    keep: Iterable[str],
    delta: float,
    draw: Draw | None = None,
    disturb: Callable[[Row, Row | None], None] | None = None,
) -> tuple[ArrayTangents, list[dict[str, Values]]]:
    """Return (x - w)/delta and (y - w)/delta of the target, and the courses of X and Y.

    Args:
        plan: W's run, with A.
        seed: The nudged node and its only direction.
        target: The measured variable.
        keep: The variables whose courses are kept.
        delta: The nudge along the direction.
        draw: Gives the noises' values at a step, the same in all three.
        disturb: Changes each row once it is made, knowing W's.
    """
    names = list(dict.fromkeys([target, *keep]))
    shapes = {n: plan.template.by_name[n].shape for n in names}
    kept: list[dict[str, Values]] = [
        {n: np.empty((plan.steps + 1, *shapes[n])) for n in names} for _ in range(3)
    ]
    place = (seed.t, seed.name)
    shift = plan.shifts.get(place, 0.0) + delta * seed.directions[0]
    nudged = dataclasses.replace(plan, shifts={**plan.shifts, place: shift})
    worlds = (
        _World(plan, frozenset()),
        _World(nudged, frozenset()),
        _World(nudged, plan.held_throughout | set(plan.held_partly)),
    )
    with np.errstate(all="ignore"):
        for t in range(plan.steps + 1):
            base: Row | None = None
            for world, courses in zip(worlds, kept, strict=True):
                row = world.step(t, draw, base, disturb)
                base = row if base is None else base
                for n in names:
                    courses[n][t] = row["ref", n, 0]
            tick(t + 1, plan.steps + 1)
        w, x, y = (courses[target] for courses in kept)
        total, direct = (x - w)[:, None] / delta, (y - w)[:, None] / delta
    found = moves(plan.template, seed.name, 1, plan.held_throughout, plan.held_partly)
    reached = (target in found.moving["total"], target in found.moving["direct"])
    exponents = np.zeros((plan.steps + 1, 2), dtype=np.int64)
    watched = np.zeros((plan.steps + 1, 0))
    return ArrayTangents(kept[0], total, direct, exponents, reached, watched), kept[1:]


class _World:
    """One world that is run a step at a time; held nodes take W's values."""

    def __init__(self, plan: ArrayPlan, held: frozenset[str]) -> None:
        self._plan, self._held = plan, held
        self._past: deque[Row] = deque(maxlen=max(plan.template.max_lag, 1))
        template = plan.template
        self._step = held_step(template, held) if held else value_step(template)

    def step(
        self,
        t: int,
        draw: Draw | None,
        base: Row | None,
        disturb: Callable[[Row, Row | None], None] | None,
    ) -> Row:
        plan = self._plan
        if base is not None and self._held:
            plan = self._at(t, base)
        row = given_values(plan, t, draw)
        if t < plan.first_free or t in self._plan.touched:
            careful_values(plan, t, row, self._past)
        else:
            taken = gathered(self._step, plan, t, row, self._past)
            if self._held:
                taken = [lambda key, value: self._fixed(plan, key, value, t), *taken]
            row.update(zip(self._step.outputs, self._step.function(*taken), strict=True))
        if disturb is not None:
            disturb(row, base)
        self._past.appendleft(row)
        return row

    def _at(self, t: int, base: Row) -> ArrayPlan:
        """Return the plan with A's nodes of a step forced to what they are in W."""
        forces = {}
        for name in self._held:
            mask = np.ones(self._plan.template.by_name[name].shape, dtype=bool)
            if name not in self._plan.held_throughout:
                mask = self._plan.mask_at(name, t)
            before = self._plan.forces.get((t, name))
            values = np.where(mask, base["ref", name, 0], 0.0)
            if before is not None:
                values = np.where(mask, values, before.over(values))
                mask = mask | (True if before.mask is None else before.mask)
            if mask.any():
                forces[t, name] = Force(values, None if mask.all() else mask)
        held = dataclasses.replace(self._plan, forces={**self._plan.forces, **forces})
        for name in self._held:
            shift = held.shifts.get((t, name))
            if shift is not None:
                mask = self._plan.mask_at(name, t)
                shifts = {**held.shifts, (t, name): np.where(mask, 0.0, shift)}
                held = dataclasses.replace(held, shifts=shifts)
        return held

    @staticmethod
    def _fixed(plan: ArrayPlan, key: tuple[Any, ...], value: Any, t: int) -> Any:
        force = plan.forces.get((t, key[1]))
        return value if force is None else force.over(value)

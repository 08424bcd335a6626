"""Many plans at once: what differs between them has a leading axis of lanes.

Lanes do not see each other, so that a direction may be nudged in all of them at the same time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from causalopt.engine.arrays.array_batch import LANE, batched
from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_plan import ArrayPlan, Force, Values
from causalopt.model.arrays.array_template import ArrayTemplate


def lane_plan(
    plans: Sequence[ArrayPlan], draws: Sequence[Draw | None], always: Iterable[str] = ()
) -> tuple[ArrayPlan, Draw | None]:
    """Return the plan that runs several plans of one template side by side.

    Args:
        plans: One a lane; they differ in parameters, initial values and seeds alone.
        draws: What gives each lane's noises.
        always: Variables that have the axis of lanes even if nothing differs between them.
    """
    first, count = plans[0], len(plans)
    own_noise = draws[0] is not None and len({plan.seed for plan in plans}) > 1
    varying = {*always, *(name for name in first.initial if _differs(plans, name))}
    if own_noise:
        varying |= {v.name for v in first.template.variables if v.noise is not None}
    swept = {n: np.array([plan.parameters[n] for plan in plans]) for n in first.parameters}
    swept = {n: values for n, values in swept.items() if len(set(values.tolist())) > 1}
    template = batched(first.template, varying, count, frozenset(swept))
    wide = {v.name for v in template.variables if v.dims[:1] == (LANE,)}
    plan = dataclasses.replace(
        first,
        template=template,
        parameters={**first.parameters, **swept},
        initial={
            name: _stacked(plans, name) if name in wide else values
            for name, values in first.initial.items()
        },
        streams={
            name: np.broadcast_to(values[:, None], (len(values), count, *values.shape[1:]))
            if name in wide
            else values
            for name, values in first.streams.items()
        },
        forces={key: _wide(force, template, key[1]) for key, force in first.forces.items()},
    )
    return plan, _draw(draws, wide, own_noise=own_noise)


def _differs(plans: Sequence[ArrayPlan], name: str) -> bool:
    first = plans[0].initial[name]
    return any(
        not np.array_equal(plan.initial[name][t], first[t])
        for plan in plans[1:]
        for t in range(len(first))
    )


def _stacked(plans: Sequence[ArrayPlan], name: str) -> list[Values]:
    steps = range(len(plans[0].initial[name]))
    return [np.stack([np.asarray(plan.initial[name][t]) for plan in plans]) for t in steps]


def _wide(force: Force, template: ArrayTemplate, name: str) -> Force:
    shape = template.by_name[name].shape
    mask = None if force.mask is None else np.broadcast_to(force.mask, shape)
    return Force(np.broadcast_to(force.values, shape), mask)


def _draw(draws: Sequence[Draw | None], wide: set[str], *, own_noise: bool) -> Draw | None:
    shared = draws[0]
    if shared is None:
        return None
    each: list[Draw] = [d for d in draws if d is not None] if own_noise else [shared]

    def draw(t: int) -> Mapping[str, Values]:
        found = [d(t) for d in each]
        count = len(draws)
        return {
            name: np.stack([row[name] for row in found] * (count // len(found)))
            if name in wide
            else values
            for name, values in found[0].items()
        }

    return draw

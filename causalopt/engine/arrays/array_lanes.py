"""Many points at once: a template each of whose arrays has a leading axis of lanes.

Lanes do not see each other, so that a direction may be nudged in all of them at the same time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_plan import ArrayPlan, Force, Values
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.tensors.building import expanded, given, ref
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tensor import Tensor, inputs


def lane_template(
    template: ArrayTemplate, count: int, swept: frozenset[str], *, with_noise: bool
) -> ArrayTemplate:
    """Return a template over many lanes; streams, and noise if it is shared, stay without.

    Args:
        template: The template of one lane.
        count: The number of lanes.
        swept: Parameters that differ between lanes; their values have shape [lane].
        with_noise: Whether each lane draws its own noise.
    """
    alone = {
        v.name
        for v in template.variables
        if v.rule is None and not v.initial and (v.noise is None or not with_noise)
    }
    variables = tuple(
        v if v.name in alone else _lane_variable(v, count, swept, alone) for v in template.variables
    )
    return dataclasses.replace(template, variables=variables)


def _lane_variable(
    variable: ArrayVariable, count: int, swept: frozenset[str], alone: set[str]
) -> ArrayVariable:
    shape = (count, *variable.shape)
    rule = variable.rule
    if rule is not None:
        rule = expanded(_lane_tensor(rule, count, swept, alone), shape)
    return dataclasses.replace(variable, dims=(None, *variable.dims), shape=shape, rule=rule)


def _lane_tensor(rule: Tensor, count: int, swept: frozenset[str], alone: set[str]) -> Tensor:
    many: dict[Tensor, Tensor] = {}
    for leaf in inputs(rule):
        kind, *rest = leaf.payload
        if kind == "ref" and rest[0] not in alone:
            many[leaf] = ref(rest[0], rest[1], (count, *leaf.shape))
        elif kind == "param" and rest[0] in swept:
            many[leaf] = given("param", rest[0], shape=(count,))
    (wide,) = lifted([rule], many, count)
    if wide is rule or (wide.shape == rule.shape and not many):
        return expanded(wide, (count, *rule.shape))
    return wide


def lane_plan(
    plans: Sequence[ArrayPlan], draws: Sequence[Draw | None]
) -> tuple[ArrayPlan, Draw | None]:
    """Return the plan that runs several plans of one template side by side.

    Args:
        plans: One a lane; they differ in parameters, initial values and seeds alone.
        draws: What gives each lane's noises.
    """
    first, count = plans[0], len(plans)
    swept = frozenset(
        name for name in first.parameters if len({plan.parameters[name] for plan in plans}) > 1
    )
    own_noise = draws[0] is not None and len({plan.seed for plan in plans}) > 1
    template = lane_template(first.template, count, swept, with_noise=own_noise)
    parameters: dict[str, object] = dict(first.parameters)
    for name in swept:
        parameters[name] = np.array([plan.parameters[name] for plan in plans])
    initial = {
        name: [
            np.stack([np.asarray(plan.initial[name][t]) for plan in plans])
            for t in range(len(values))
        ]
        for name, values in first.initial.items()
    }
    forces = {key: _wide(force, template, key[1]) for key, force in first.forces.items()}
    plan = dataclasses.replace(
        first,
        template=template,
        parameters=parameters,  # type: ignore[arg-type]
        initial=initial,
        forces=forces,
    )
    return plan, _draw(draws, own_noise=own_noise)


def _wide(force: Force, template: ArrayTemplate, name: str) -> Force:
    shape = template.by_name[name].shape
    mask = None if force.mask is None else np.broadcast_to(force.mask, shape)
    return Force(np.broadcast_to(force.values, shape), mask)


def _draw(draws: Sequence[Draw | None], *, own_noise: bool) -> Draw | None:
    shared = draws[0]
    if not own_noise or shared is None:
        return shared
    each: list[Callable[[int], Mapping[str, Values]]] = [d for d in draws if d is not None]

    def draw(t: int) -> Mapping[str, Values]:
        found = [d(t) for d in each]
        return {name: np.stack([row[name] for row in found]) for name in found[0]}

    return draw

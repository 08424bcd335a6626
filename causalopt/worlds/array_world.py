"""Worlds of models with array variables, and the plans that interventions make."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_course import Draw, course
from causalopt.engine.arrays.array_plan import ArrayPlan, Force, HeldArray, Values
from causalopt.engine.contract import Progress
from causalopt.errors import QuestionError, SizeError, UnknownNameError, suggestion
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.model.model import Model, machine_memory
from causalopt.model.selectors import Elements, Node, Selection
from causalopt.worlds.array_draws import check_seed, initial_values, noise_draws
from causalopt.worlds.interventions import Intervention, Nudge, Replace, Set

_KEPT = 64 << 20  # bytes of a course that is kept without being asked for


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayWorld:
    """One assignment of arrays to all nodes.

    Attributes:
        model: The model it is a world of.
        name: W, X, Y or the caller's name.
        interventions: What was done to the baseline, in order.
        steps: The last step.
        values: Kept variable -> its values, shape [t, *shape].
    """

    model: Model
    name: str
    interventions: tuple[Intervention, ...]
    steps: int
    values: Mapping[str, Values]

    def __getitem__(self, key: str | Node) -> Any:
        """Return a variable's values over t, or one node's for a key such as `h[3, hidden=2]`.

        Raises:
            UnknownNameError: The variable is not declared.
            QuestionError: It was not kept, or the step lies after the last one.
        """
        if isinstance(key, str) and "[" not in key and not self.model.is_static:
            return kept(self.values, key, self.model)
        node = self.model.node(key)
        course = kept(self.values, node.variable, self.model)
        if node.t > self.steps:
            raise QuestionError(f"{node.variable}[{node.t}] lies after the last step {self.steps}")
        value = course[node.t]
        return value if node.elements is None else value[element_slices(node.elements)]

    def __repr__(self) -> str:
        return f"ArrayWorld({self.name}: {self.model.name}, t = 0..{self.steps})"


def split_initial(initial: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return initial values as those that a declaration takes, and the arrays of numpy."""
    given = initial or {}
    arrays = {n: v for n, v in given.items() if isinstance(v, np.ndarray) and v.ndim}
    return {n: v for n, v in given.items() if n not in arrays}, arrays


def kept(values: Mapping[str, Values], name: str, model: Model) -> Values:
    """Return a kept variable's course.

    Raises:
        UnknownNameError: There is none of that name.
        QuestionError: It was not kept.
    """
    if name in values:
        return values[name]
    if name not in model.variables:
        raise UnknownNameError(f"unknown variable '{name}'{suggestion(name, model.variables)}")
    raise QuestionError(f"the course of '{name}' was not kept: say keep=['{name}']")


def element_slices(elements: Elements) -> tuple[slice, ...]:
    """Return elements as an index of numpy's."""
    return tuple(slice(*axis) for axis in elements)


def array_world(
    model: Model,
    interventions: Sequence[Intervention],
    *,
    steps: int,
    name: str = "W",
    seed: int = 0,
    data: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    keep: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> ArrayWorld:
    """Return the world that a model with arrays takes under interventions.

    Args:
        model: The model.
        interventions: None for the baseline.
        steps: The last step.
        name: What to call the world.
        seed: Which draws noise and initial laws make.
        data: Variable without a rule -> its values at every step, step first.
        initial: Variable -> the array it starts from.
        keep: The variables whose courses are kept; those that take little memory when None.
        progress: Called with the number of steps done, now and then.
    """
    plan, draw = array_plan_for(
        model, interventions, steps=steps, seed=seed, data=data, initial=initial
    )
    names = kept_names(plan.template, steps, keep)
    values = course(plan, names, draw, progress)
    return ArrayWorld(model, name, tuple(interventions), steps, values)


def kept_names(
    template: ArrayTemplate, steps: int, keep: Iterable[str] | None, always: Sequence[str] = ()
) -> list[str]:
    """Return the variables whose courses are kept.

    Raises:
        UnknownNameError: One is not declared.
        SizeError: They do not fit into memory.
    """
    if keep is None:
        size = {n: 8 * (steps + 1) * template.by_name[n].size for n in template.names}
        budget, names = _KEPT, list(always)
        for name in sorted(template.names, key=lambda n: size[n]):
            if name not in names and size[name] <= budget:
                budget -= size[name]
                names.append(name)
        names = [name for name in template.names if name in names]
    else:
        names = [*dict.fromkeys([*always, *([keep] if isinstance(keep, str) else keep)])]
        for name in names:
            if name not in template.names:
                raise UnknownNameError(
                    f"unknown variable '{name}'{suggestion(name, template.names)}"
                )
    needed = 8 * (steps + 1) * sum(template.by_name[n].size for n in names)
    if needed > machine_memory():
        raise SizeError(
            f"keeping {', '.join(names)} over {steps} steps takes {needed / 1e9:.3g} GB and this "
            f"machine has {machine_memory() / 1e9:.3g} GB: keep fewer variables or run fewer steps"
        )
    return names


def array_plan_for(
    model: Model,
    interventions: Sequence[Intervention] = (),
    *,
    steps: int,
    hold: Selection = (),
    seed: int = 0,
    data: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
) -> tuple[ArrayPlan, Draw | None]:
    """Return the plan that runs a model with arrays, and what gives its noises.

    Raises:
        QuestionError: A node lies outside the run, or an array does not fit its variable.
    """
    forces, shifts = _moves(model, interventions, steps)
    plan, draw = template_plan(
        model.arrays,
        steps=steps,
        held=held_arrays(model.arrays, hold),
        forces=forces,
        shifts=shifts,
        seed=seed,
        data=data,
        initial=initial,
    )
    return plan, draw


def template_plan(
    template: ArrayTemplate,
    *,
    steps: int,
    held: tuple[HeldArray, ...] = (),
    forces: Mapping[tuple[int, str], Force] | None = None,
    shifts: Mapping[tuple[int, str], Values] | None = None,
    seed: int = 0,
    data: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
) -> tuple[ArrayPlan, Draw | None]:
    """Return the plan that runs a template, such as one of many worlds, and its noises' draws.

    Raises:
        QuestionError: A step lacks a value, or an array does not fit its variable.
    """
    check_seed(seed)
    parameters = dict(template.values)
    given = initial or {}
    starts = {
        name: initial_values(template.by_name[name], site, parameters, seed)
        for site, name in enumerate(template.names)
        if template.by_name[name].initial and name not in given
    }
    stages = [v for v in template.variables if v.name != v.owner]
    starts |= {v.name: [np.zeros(v.shape)] for v in stages if v.initial}
    for name, value in given.items():
        starts[name] = [_fitting(value, template, name, "initial value")]
    streams = {v.name: v.stream for v in template.variables if v.stream is not None}
    for name, value in (data or {}).items():
        streams[name] = _stream(value, template, name)
    plan = ArrayPlan(
        template=template,
        steps=steps,
        parameters=parameters,
        initial=starts,
        streams=streams,
        forces=forces or {},
        shifts=shifts or {},
        held=held,
        seed=seed,
    )
    _check_given(plan)
    return plan, noise_draws(template, parameters, seed)


def _variable(template: ArrayTemplate, name: str) -> ArrayVariable:
    if name not in template.names:
        raise UnknownNameError(f"unknown variable '{name}'{suggestion(name, template.names)}")
    return template.by_name[name]


def _numbers(value: Any, what: str) -> Values:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise QuestionError(f"{what} is no array of numbers") from None
    if not np.isfinite(array).all():
        raise QuestionError(f"{what} has a value that is not finite")
    return array


def _fitting(value: Any, template: ArrayTemplate, name: str, what: str) -> Values:
    variable = _variable(template, name)
    array = _numbers(value, f"the {what} of '{name}'")
    try:
        return np.array(np.broadcast_to(array, variable.shape))
    except ValueError:
        raise QuestionError(
            f"the {what} of '{name}' has the shape {list(array.shape)}, and the variable "
            f"{list(variable.shape)}"
        ) from None


def _stream(value: Any, template: ArrayTemplate, name: str) -> Values:
    variable = _variable(template, name)
    if variable.rule is not None or variable.noise is not None:
        raise QuestionError(
            f"'{name}' follows a rule: data is for variables without one; set its nodes instead"
        )
    array = _numbers(value, f"data of '{name}'")
    if array.shape[1:] != variable.shape or array.ndim != len(variable.shape) + 1:
        raise QuestionError(
            f"data of '{name}' has the shape {list(array.shape)}; the step comes first and then "
            f"{list(variable.shape)}"
        )
    return array


def _check_given(plan: ArrayPlan) -> None:
    """Refuse a run that comes to a step for which nothing is given."""
    for variable in plan.template.variables:
        if variable.rule is None and variable.noise is None:
            for t in (0, plan.steps):
                if plan.initial_at(variable, t) is None and (t, variable.name) not in plan.forces:
                    plan.stream_at(variable, t)


def held_arrays(template: ArrayTemplate, hold: Selection) -> tuple[HeldArray, ...]:
    """Return a set A by variable and stage.

    The stages of the step from t-1 to t belong to a flow's nodes at t-1 and t.
    """
    found = []
    for window in hold:
        variable = template.by_name[window.variable]
        mask = None
        if window.elements is not None:
            mask = np.zeros(variable.shape, dtype=bool)
            mask[element_slices(window.elements)] = True
            mask = None if mask.all() else mask
        found.append(HeldArray(variable.name, window.first, window.last, mask))
        for stage in template.variables:
            if stage.owner == variable.name != stage.name:
                first = window.first + 1 if window.first else 0
                found.append(HeldArray(stage.name, first, window.last, mask))
    return tuple(found)


def _moves(
    model: Model, interventions: Sequence[Intervention], steps: int
) -> tuple[dict[tuple[int, str], Force], dict[tuple[int, str], Values]]:
    forces: dict[tuple[int, str], Force] = {}
    shifts: dict[tuple[int, str], Values] = {}
    for intervention in interventions:
        if isinstance(intervention, Replace):
            _replace(model, intervention, steps, forces, shifts)
            continue
        node = model.node(intervention.node)
        if node.t > steps:
            raise QuestionError(
                f"the node {model.node_text(node)} lies after the last step {steps}"
            )
        place = (node.t, node.variable)
        shape = model.arrays.by_name[node.variable].shape
        where = element_slices(node.elements) if node.elements is not None else ...
        if isinstance(intervention, Nudge):
            shift = np.array(shifts.get(place, np.zeros(shape)), dtype=float)
            shift[where] += _numbers(intervention.by, "a nudge")
            shifts[place] = shift
        elif isinstance(intervention, Set):
            values = np.zeros(shape)
            mask = np.zeros(shape, dtype=bool)
            values[where], mask[where] = _numbers(intervention.to, "a set value"), True
            _force(forces, place, values, mask)
            if place in shifts:
                shifts[place] = np.where(mask, 0.0, shifts[place])
    return forces, shifts


def _force(
    forces: dict[tuple[int, str], Force], place: tuple[int, str], values: Values, mask: Values
) -> None:
    before = forces.get(place)
    if before is not None and before.mask is not None:
        values, mask = np.where(mask, values, before.values), mask | before.mask
    elif before is not None:
        values, mask = np.where(mask, values, before.values), np.ones_like(mask)
    forces[place] = Force(values, None if mask.all() else mask)


def _replace(
    model: Model,
    intervention: Replace,
    steps: int,
    forces: dict[tuple[int, str], Force],
    shifts: dict[tuple[int, str], Values],
) -> None:
    world: Any = intervention.world
    if not isinstance(world, ArrayWorld) or world.steps < steps:
        raise QuestionError("replace takes nodes from a world of the same model and length")
    for window in model.selection(intervention.nodes):
        values = kept(world.values, window.variable, model)
        mask = np.ones(values.shape[1:], dtype=bool)
        if window.elements is not None:
            mask = np.zeros(values.shape[1:], dtype=bool)
            mask[element_slices(window.elements)] = True
        last = steps if window.last is None else min(window.last, steps)
        for t in range(window.first, last + 1):
            _force(forces, (t, window.variable), values[t], mask)
            if (t, window.variable) in shifts:
                shifts[t, window.variable] = np.where(mask, 0.0, shifts[t, window.variable])

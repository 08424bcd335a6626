"""Worlds of models with array variables, and the plans that interventions make."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from causalopt.engine.arrays.array_checkpoint import Checkpoint
from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_plan import ArrayPlan, Force, HeldArray, Values
from causalopt.engine.arrays.array_stretches import Stretches, run_through
from causalopt.errors import QuestionError, SizeError, UnknownNameError, suggestion
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.model.model import Model, machine_memory
from causalopt.model.regions.timeline import Timeline
from causalopt.model.selectors import Elements, Node, Selection
from causalopt.results import Tabled, plot
from causalopt.worlds.array_draws import check_seed, initial_values, noise_draws
from causalopt.worlds.interventions import Intervention, Nudge, Replace, Set, moved_nodes

if TYPE_CHECKING:
    from causalopt.results import Places

_KEPT = 64 << 20  # bytes of a course that is kept without being asked for


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayWorld(Tabled):
    """One assignment of arrays to all nodes.

    Attributes:
        model: The model it is a world of.
        name: W, X, Y or the caller's name.
        interventions: What was done to the baseline, in order.
        steps: The last step.
        values: Kept variable -> its values, shape [t, *shape].
        stages: Stage of an integrator, of those variables -> likewise; what `Replace` takes too.
        execution: What ran it, `numpy` or `jax`.
    """

    model: Model
    name: str
    interventions: tuple[Intervention, ...]
    steps: int
    values: Mapping[str, Values]
    stages: Mapping[str, Values] = dataclasses.field(default_factory=dict)
    execution: str = "numpy"

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

    def plot(
        self,
        *others: ArrayWorld,
        variable: str | None = None,
        t: int | None = None,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure of the kept variables over time, with other worlds of the model in it.

        Args:
            others: Further worlds.
            variable: The only variable that is drawn.
            t: A step at which that variable's elements are drawn, a matrix as a heat map.
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".
        """
        return plot(
            self,
            *others,
            variable=variable,
            t=t,
            ax=ax,
            figsize=figsize,
            panels=panels,
            theme=theme,
        )

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.values)

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
    name = model.variable(name)
    if name in values:
        return values[name]
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
    execution: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
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
        execution: `numpy` or `jax`; by the work when not given.
        checkpoint: A file .npz that the run is written to now and then, and goes on from.
        checkpoint_every: After how many steps; ten times in the run when not given.

    Raises:
        FileError: The checkpoint is of another run, or cannot be read or written.
    """
    plan, draw = array_plan_for(
        model, interventions, steps=steps, seed=seed, data=data, initial=initial
    )
    if keep is not None:
        keep = [model.variable(n) for n in ([keep] if isinstance(keep, str) else keep)]
    names = kept_names(plan.template, steps, keep)
    template = plan.template
    between = [v.name for v in template.variables if v.owner != v.name and v.owner in names]
    kept = {n: np.empty((steps + 1, *template.by_name[n].shape)) for n in [*names, *between]}
    stores = {("ref", name, 0): values for name, values in kept.items()}
    world = Stretches(plan, draw, wanted=stores, execution=execution)
    saved = None
    if checkpoint is not None:
        marks = {"the question": repr(names)}
        saved = saved_at(checkpoint, checkpoint_every, model, plan, marks)
    run_through(world, stores, saved)
    stages = {stage: kept.pop(stage) for stage in between}
    return ArrayWorld(model, name, tuple(interventions), steps, kept, stages, world.execution)


def saved_at(
    path: str | os.PathLike[str],
    every: int | None,
    model: Model,
    plan: ArrayPlan,
    marks: Mapping[str, str],
) -> Checkpoint:
    """Return where a run is written down, and what a file there must agree with.

    Args:
        path: A file .npz.
        every: After how many steps; ten times in the run when None.
        model: The model.
        plan: The run.
        marks: What else the run's numbers follow from, by name.

    Raises:
        FileError: The file has another ending, or its folder does not exist.
        QuestionError: `every` is less than 1.
    """
    forces = [(key, f.values, f.mask) for key, f in sorted(plan.forces.items(), key=_place)]
    shifts = [(key, shift) for key, shift in sorted(plan.shifts.items(), key=_place)]
    held = [(h.name, h.first, h.last, h.mask) for h in plan.held]
    found = {
        "the model": model.fingerprint,
        "the number of steps": str(plan.steps),
        "the parameters": _hash(sorted(plan.parameters.items())),
        "initial values": _hash(sorted(plan.initial.items())),
        "the data": _hash(sorted(plan.streams.items())),
        "the interventions": _hash([forces, shifts]),
        "the held set": _hash(held),
        "the seed": str(plan.seed),
    }
    often = max(-(-plan.steps // 10), 1) if every is None else every
    return Checkpoint(Path(path), often, {**found, **marks})


def _place(item: tuple[tuple[int, str], Any]) -> tuple[int, str]:
    return item[0]


def _hash(value: Any) -> str:
    """Return a hash of nested lists of arrays, numbers and text."""
    state = hashlib.sha256()

    def add(part: Any) -> None:
        if isinstance(part, np.ndarray):
            state.update(repr((part.shape, part.dtype.str)).encode())
            state.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, list | tuple):
            state.update(f"{len(part)}[".encode())
            for inner in part:
                add(inner)
        else:
            state.update(repr(part).encode() + b";")

    add(value)
    return state.hexdigest()[:16]


def kept_names(
    template: ArrayTemplate, steps: int, keep: Iterable[str] | None, always: Sequence[str] = ()
) -> list[str]:
    """Return the variables whose courses are kept.

    Raises:
        UnknownNameError: One is not declared.
        SizeError: They do not fit into memory.
    """
    if keep is None:
        size = {n: 8 * (steps + 1) * _size(template, n) for n in template.names}
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
    needed = 8 * (steps + 1) * sum(_size(template, n) for n in names)
    if needed > machine_memory():
        raise SizeError(
            f"keeping {', '.join(names)} over {steps} steps takes {needed / 1e9:.3g} GB and this "
            f"machine has {machine_memory() / 1e9:.3g} GB: keep fewer variables or run fewer steps"
        )
    return names


def _size(template: ArrayTemplate, name: str) -> int:
    """Return how many numbers a variable has at one step, its stages included."""
    return sum(v.size for v in template.variables if v.owner == name)


def array_plan_for(
    model: Model,
    interventions: Sequence[Intervention] = (),
    *,
    steps: int,
    hold: Selection = (),
    seed: int = 0,
    data: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    parameters: Mapping[str, float] | None = None,
) -> tuple[ArrayPlan, Draw | None]:
    """Return the plan that runs a model with arrays, and what gives its noises.

    Args:
        model: The model.
        interventions: What is done to it.
        steps: The last step.
        hold: The set A.
        seed: Which draws noise and initial laws make.
        data: Variable without a rule -> its values at every step, step first.
        initial: Variable -> the array it starts from.
        parameters: Values that replace the model's.

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
        parameters=parameters,
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
    parameters: Mapping[str, float] | None = None,
) -> tuple[ArrayPlan, Draw | None]:
    """Return the plan that runs a template, such as one of many worlds, and its noises' draws.

    Raises:
        QuestionError: A step lacks a value, or an array does not fit its variable.
    """
    check_seed(seed)
    values = template.values_with(parameters or {})
    given = initial or {}
    starts = {
        name: initial_values(template.by_name[name], site, values, seed)
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
        parameters=values,
        initial=starts,
        streams=streams,
        forces=forces or {},
        shifts=shifts or {},
        held=held,
        seed=seed,
    )
    _check_given(plan)
    return plan, noise_draws(template, values, seed)


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
    if name not in template.names:
        hint = suggestion(name, template.names)
        raise UnknownNameError(f"data is given for an unknown variable '{name}'{hint}")
    variable = template.by_name[name]
    if variable.rule is not None or variable.noise is not None:
        raise QuestionError(
            f"'{name}' {'follows a rule' if variable.noise is None else 'is drawn'}: data is for "
            "variables without a rule; set its nodes instead"
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

    The stages of the step from t-1 to t belong to a flow's nodes at t-1 and t, whichever windows
    those are in, and to an algebraic variable's node at t-1.
    """
    found = []
    stages: dict[str, list[str]] = {}
    for stage in template.variables:
        if stage.owner != stage.name:
            stages.setdefault(stage.owner, []).append(stage.name)
    for name in dict.fromkeys(window.variable for window in hold):
        variable = template.by_name[name]
        own = [window for window in hold if window.variable == name]
        for window in own:
            found += _held_pieces(name, Timeline.of_windows([window], variable.shape))
        if name in stages:
            line = Timeline.of_windows(own, variable.shape)
            later = line.delayed()
            is_algebraic = not variable.initial  # of those that have stages
            line = later if is_algebraic else line.combined(later, np.logical_and)
            found += [held for stage in stages[name] for held in _held_pieces(stage, line)]
    return tuple(found)


def _held_pieces(name: str, line: Timeline) -> list[HeldArray]:
    return [
        HeldArray(name, first, last, None if mask.all() else mask)
        for first, last, mask in line.pieces(None)
        if mask.any()
    ]


def _moves(
    model: Model, interventions: Sequence[Intervention], steps: int
) -> tuple[dict[tuple[int, str], Force], dict[tuple[int, str], Values]]:
    forces: dict[tuple[int, str], Force] = {}
    shifts: dict[tuple[int, str], Values] = {}
    for intervention in interventions:
        if isinstance(intervention, Replace):
            _replace(model, intervention, steps, forces, shifts)
            continue
        for window in moved_nodes(model, intervention, steps):
            if window.first > steps:
                late = model.node_text(Node(window.variable, window.first, window.elements))
                raise QuestionError(f"the node {late} lies after the last step {steps}")
            last = steps if window.last is None else min(window.last, steps)
            for t in range(window.first, last + 1):
                node = Node(window.variable, t, window.elements)
                _move(model, intervention, node, forces, shifts)
    return forces, shifts


def _move(
    model: Model,
    intervention: Nudge | Set,
    node: Node,
    forces: dict[tuple[int, str], Force],
    shifts: dict[tuple[int, str], Values],
) -> None:
    """Shift or set one node, or elements of it."""
    place = (node.t, node.variable)
    shape = model.arrays.by_name[node.variable].shape
    where = element_slices(node.elements) if node.elements is not None else ...
    if isinstance(intervention, Nudge):
        shift = np.array(shifts.get(place, np.zeros(shape)), dtype=float)
        shift[where] += _fitted(intervention.by, shift[where].shape, model, node, "nudge")
        shifts[place] = shift
        return
    values = np.zeros(shape)
    mask = np.zeros(shape, dtype=bool)
    found = _fitted(intervention.to, values[where].shape, model, node, "set value")
    values[where], mask[where] = found, True
    _force(forces, place, values, mask)
    if place in shifts:
        shifts[place] = np.where(mask, 0.0, shifts[place])


def _fitted(value: Any, shape: tuple[int, ...], model: Model, node: Node, what: str) -> Values:
    """Return an intervention's array in the shape of the elements it is for."""
    place = model.node_text(node)
    array = _numbers(value, f"the {what} of {place}")
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        own = str(list(shape)) if shape else "is a number"
        raise QuestionError(
            f"the {what} of {place} has the shape {list(array.shape)}, and the node {own}"
        ) from None


def _force(
    forces: dict[tuple[int, str], Force], place: tuple[int, str], values: Values, mask: Values
) -> None:
    before = forces.get(place)
    if before is not None and before.mask is not None:
        values, mask = np.where(mask, values, before.values), mask | before.mask
    elif before is not None:
        values, mask = np.where(mask, values, before.values), np.ones_like(mask)
    forces[place] = Force(values, None if mask.all() else mask)


def _differ(one: ArrayTemplate, other: ArrayTemplate) -> bool:
    """Whether two templates have other variables or stages, or other shapes."""
    shapes = [{v.name: v.shape for v in template.variables} for template in (one, other)]
    return shapes[0] != shapes[1]


def _replace(
    model: Model,
    intervention: Replace,
    steps: int,
    forces: dict[tuple[int, str], Force],
    shifts: dict[tuple[int, str], Values],
) -> None:
    world: Any = intervention.world
    template = model.arrays
    if not isinstance(world, ArrayWorld) or _differ(world.model.arrays, template):
        other = getattr(getattr(world, "model", None), "name", None)
        found = f"found a world of '{other}'" if other else f"found {type(world).__name__}"
        raise QuestionError(
            f"replace takes nodes from a world of the same model and length: a world of "
            f"'{model.name}' with these variables and shapes is expected, {found}"
        )
    if world.steps < steps:
        raise QuestionError(
            "replace takes nodes from a world of the same model and length: it has the steps 0 to "
            f"{world.steps}, and the run ends at {steps}: make it with steps={steps}"
        )
    for held in held_arrays(template, model.selection(intervention.nodes, steps=steps)):
        owner = template.by_name[held.name].owner
        own = kept(world.values, owner, model)
        values = own if held.name == owner else world.stages[held.name]
        mask = np.ones(values.shape[1:], dtype=bool) if held.mask is None else held.mask
        last = steps if held.last is None else min(held.last, steps)
        for t in range(held.first, last + 1):
            _force(forces, (t, held.name), values[t], mask)
            if (t, held.name) in shifts:
                shifts[t, held.name] = np.where(mask, 0.0, shifts[t, held.name])

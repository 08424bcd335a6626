"""The run of a model with arrays: the worlds of one question, with Comp, Op and status."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.arrays.array_doubts import Doubts, doubts_of
from causalopt.effects.arrays.array_kinks import watched
from causalopt.effects.arrays.array_worlds_apart import finite_differences
from causalopt.effects.arrays.rounding_twins import TWINS
from causalopt.effects.arrays.vector_effect import VectorEffect, probe_error
from causalopt.effects.arrays.written_out import NUMBERS, pays, refuse_numbers, run_written_out
from causalopt.effects.asked import asked_hold, asked_node, asked_target, check_delta
from causalopt.effects.measures import Effect, Part
from causalopt.effects.run import Run
from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_executions import ARRAY_EXECUTIONS
from causalopt.engine.arrays.array_forward import ArraySeed, ArrayTangents, tangents_of
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import reached
from causalopt.engine.contract import Floats, Progress
from causalopt.errors import QuestionError, SizeError, suggestion
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.model.model import Model, machine_memory, run_length
from causalopt.model.selectors import Elements, Node, Selection
from causalopt.worlds.array_world import (
    array_plan_for,
    element_slices,
    kept,
    kept_names,
    saved_at,
    split_initial,
)
from causalopt.worlds.interventions import Intervention
from causalopt.worlds.results import plain, plot
from causalopt.worlds.streams import uniforms

if TYPE_CHECKING:
    import matplotlib.figure

MAX_DIRECTIONS = 512
_PROBES = 32
_SHOWN = 1_000_000  # numbers of a Jacobian's course that JSON has room for


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ArrayRun(Run):
    """Who optimizes what, and by how much, along one trajectory of arrays.

    `comp` and `op` are the scalar's for one number nudged and one measured; for vectors they are
    the ratio of the Jacobians' Frobenius norms and the rms Op.

    Attributes:
        measured: The measured variable and its elements.
        tangents: The derivatives, [t, direction, *shape of m].
        directions: The directions of n, shape [direction, *shape of n].
        is_probed: Whether the directions are random ones that stand for all.
        arrays_given: Hashes of arrays that the caller gave, for the provenance.
    """

    measured: Node
    tangents: ArrayTangents
    directions: Values
    is_probed: bool
    arrays_given: Mapping[str, str]

    @property
    def time(self) -> Floats:
        """The time, step * dt, shape [t]."""
        time: Floats = np.asarray(self.model.arrays.time(self.t), dtype=float)
        return time

    @property
    def total(self) -> Floats:
        """The derivative of m by n over all paths: [t] for numbers, else [t, *m, direction]."""
        return self._shown(self.tangents.total, 0)

    @property
    def direct(self) -> Floats:
        """The derivative of m by n over the paths that avoid A, likewise."""
        return self._shown(self.tangents.direct, 1)

    def _shown(self, mantissas: Values, place: int) -> Floats:
        exponents = self.tangents.exponents[:, place].reshape(-1, *[1] * (mantissas.ndim - 1))
        with np.errstate(over="ignore", under="ignore"):
            values = np.ldexp(mantissas, np.clip(exponents, -4000, 4000).astype(np.int32))
        moved: Floats = np.moveaxis(values, 1, -1)
        return moved.reshape(len(moved)) if moved[0].size == 1 else moved

    @property
    def is_scalar(self) -> bool:
        """Whether one number is nudged and one measured."""
        return bool(self.tangents.total[0].size == 1)

    def jacobian(self, t: int | None = None) -> VectorEffect:
        """Return total and direct derivatives at a step, the last one when not given.

        Along random probes they are not the Jacobian itself: only `op` and `alignment` hold.

        Raises:
            QuestionError: The step lies outside the run.
        """
        step = self.steps if t is None else t
        if not 0 <= step <= self.steps:
            raise QuestionError(f"t must lie between 0 and the last step {self.steps}, found {t}")
        count = len(self.directions)
        x, y = (
            part[step].reshape(count, -1).T for part in (self.tangents.total, self.tangents.direct)
        )
        first, second = (int(e) for e in self.tangents.exponents[step])
        return VectorEffect(x, y, (first, second))

    @functools.cached_property
    def op_total(self) -> Floats:
        """Log of the direct Jacobian's volume over the total one's, in nats, shape [t]."""
        self._refuse_probes("op_total")
        return np.array([self.jacobian(t).op_total for t in range(self.steps + 1)])

    @functools.cached_property
    def alignment(self) -> Floats:
        """The cosine between total and direct Jacobian, shape [t]."""
        return np.array([self.jacobian(t).alignment for t in range(self.steps + 1)])

    def modes(self, t: int | None = None) -> Values:
        """Return Op of each mode at a step, in nats, ascending; for n and m of one size."""
        self._refuse_probes("modes")
        return self.jacobian(t).modes

    @functools.cached_property
    def op_error(self) -> Floats:
        """The standard error of Op that random probes leave, in nats, shape [t]; 0 without."""
        if not self.is_probed:
            return np.zeros(self.steps + 1)
        count = len(self.directions)
        x, y = (p.reshape(len(p), count, -1) for p in (self.tangents.total, self.tangents.direct))
        return np.array([probe_error(x[t], y[t]) for t in range(self.steps + 1)])

    def _refuse_probes(self, what: str) -> None:
        if self.is_probed:
            raise QuestionError(
                f"{what} needs all directions of n, and this run has {len(self.directions)} random "
                "ones: nudge fewer elements, or say along"
            )

    def columns(self) -> dict[str, Floats]:
        """Return what a table of the run shows for each step; of vectors the Jacobians' norms."""
        if self.is_scalar:
            return {"total": self.total, "direct": self.direct, "Comp": self.comp, "Op": self.op}
        shown = {
            "|total|": self.effect.total.value,
            "|direct|": self.effect.direct.value,
            "|Comp|": self.comp,
            "Op": self.op,
            "alignment": self.alignment,
        }
        return {**shown, "+-": self.op_error} if self.is_probed else shown

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON's types; arrays are nested lists, one entry a step."""
        result: dict[str, Any] = {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "steps": self.steps,
            "delta": self.delta,
            "t": plain(self.time),
            "step": self.t.tolist(),
            "W": {name: nested(values) for name, values in self.W.items()},
        }
        for name, values in (("total", self.total), ("direct", self.direct)):
            if values.size <= _SHOWN:
                result[name] = nested(values)
        result |= {"comp": plain(self.comp), "op": plain(self.op), "status": self.status.tolist()}
        if not self.is_scalar:
            result |= {"alignment": plain(self.alignment)}
            if self.is_probed:
                result |= {"probes": len(self.directions), "op_error": plain(self.op_error)}
            else:
                result |= {"op_total": plain(self.op_total)}
        for name, world in (("X", self.X), ("Y", self.Y)):
            if world is not None:
                result[name] = {variable: nested(values) for variable, values in world.items()}
        return result

    def course(self, name: str) -> Values:
        """Return a kept variable's values in the baseline, shape [t, *shape].

        Raises:
            QuestionError: It was not kept.
        """
        return kept(self.W, name, self.model)

    def plot(self, t: int | None = None) -> matplotlib.figure.Figure:
        """Return a figure of the run over time, or of m's elements at a step.

        Args:
            t: The step whose elements are drawn: W, total and direct effect of one direction of n
                as heat maps, or the two Jacobians of several.
        """
        return plot(self, t=t)

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions, and hashes of given arrays."""
        texts = [f"{name} {text}" for name, text in self.arrays_given.items()]
        return {**super().provenance, **({"arrays": "; ".join(texts)} if texts else {})}

    def __repr__(self) -> str:
        lines = super().__repr__().split("\n")
        if not self.is_scalar:
            sizes = f"{len(self.directions)} directions of n, {self.tangents.total[0, 0].size} of m"
            kind = "random " if self.is_probed else ""
            lines.insert(1, f"  {kind}{sizes}: Op is the rms one")
        return "\n".join(lines)


def nested(values: Values) -> Any:
    """Return an array as nested lists of JSON's types.

    Example:
        >>> nested(np.array([[1.0, np.inf]]))
        [[1.0, 'inf']]
    """
    if values.ndim == 1:
        return plain(values)
    return [nested(row) for row in values]


def run_arrays(
    model: Model,
    *,
    nudge: str | Node | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
    keep: Sequence[str] | None = None,
    along: Any = None,
    probes: int | None = None,
    execution: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
) -> ArrayRun:
    """Measure Comp and Op of arrays at every step: `causalopt.run` for models with arrays."""
    plain_initial, array_initial = split_initial(initial)
    model = model.replace(parameters=parameters, initial=plain_initial)
    node, selection = asked_node(model, nudge), asked_hold(model, hold)
    text = asked_target(model, target)
    measured, last = model.target(text), run_length(model, steps)
    model.check_nudge(node, selection, last)
    arrays = {**(data or {}), **array_initial}
    plan, draw = array_plan_for(
        model, given, steps=last, hold=selection, seed=seed, data=data, initial=array_initial
    )
    refuse_integers(plan, node.variable, measured.variable, delta)
    directions, is_probed = chosen_directions(plan, node, along, probes, seed)
    names = kept_names(plan.template, last, keep, always=(measured.variable,))
    _check_memory(plan, directions, measured.variable, names)
    array_seed = ArraySeed(node.variable, node.t, directions)
    worlds: list[dict[str, Values]] = []
    answer: Callable[[], Effect] | None = None
    if execution not in {None, NUMBERS, *ARRAY_EXECUTIONS}:
        known = suggestion(str(execution), (*ARRAY_EXECUTIONS, NUMBERS))
        raise QuestionError(f"unknown execution '{execution}'{known}")
    extras = (delta, checkpoint, along, probes)
    is_plain = all(extra is None for extra in extras) and not (arrays or given)
    if execution == NUMBERS:
        if not is_plain:
            raise QuestionError(
                f"execution='{NUMBERS}' is for the limit of plain questions, without data, arrays "
                "to start from, given interventions, along, probes and checkpoint: leave it out"
            )
        refuse_numbers(plan.template, node, measured)
    if is_plain and (
        execution == NUMBERS or (execution is None and pays(plan.template, node, measured, last))
    ):
        found, answer = run_written_out(
            model, node, selection, measured, last, names, seed=seed, progress=progress
        )
    elif delta is None:
        watch = functools.partial(watched, target=measured.variable)
        saved = None
        if checkpoint is not None:
            marks = _marks(array_seed, [measured.variable, *names])
            saved = saved_at(checkpoint, checkpoint_every, model, plan, marks)
        found = tangents_of(
            plan,
            array_seed,
            measured.variable,
            names,
            draw,
            progress,
            watch=watch,
            execution=execution,
            saved=saved,
        )
    else:
        _refuse_for_finite(execution, checkpoint)
        if len(directions) > 1:
            directions = (
                np.ones((1, *directions.shape[1:]))
                if node.elements is None
                else directions.sum(axis=0, keepdims=True)
            )
            array_seed, is_probed = ArraySeed(node.variable, node.t, directions), False
        delta = check_delta(delta)
        found, worlds = finite_differences(
            plan, array_seed, measured.variable, names, delta, draw, progress
        )
    check_whole(plan.template, found.values)
    if answer is None:
        found = _measured(found, measured.elements)
        answer = functools.partial(
            _effect, plan, array_seed, measured, found, draw, selection, delta
        )
    hashes = _hashes(arrays)
    return ArrayRun(
        model=model,
        nudge=node,
        hold=selection,
        target=text,
        steps=last,
        given=tuple(given),
        seed=seed,
        delta=delta,
        t=np.arange(last + 1),
        W=found.values,
        X=worlds[0] if worlds else None,
        Y=worlds[1] if worlds else None,
        answer=answer,
        measured=measured,
        tangents=found,
        directions=directions,
        is_probed=is_probed,
        arrays_given=hashes,
    )


def _marks(seed: ArraySeed, names: Sequence[str]) -> dict[str, str]:
    from causalopt.model.arrays.array_files import fingerprint

    asked = (seed.name, seed.t, fingerprint(seed.directions), *names)
    return {"the question": repr(asked)}


def _refuse_for_finite(execution: str | None, checkpoint: object) -> None:
    if execution not in {None, "numpy"}:
        raise QuestionError(
            "a finite nudge of arrays is run by numpy: leave delta out for the limit, or execution"
        )
    if checkpoint is not None:
        raise QuestionError("a finite nudge has no checkpoint: leave delta out for the limit")


def _hashes(arrays: Mapping[str, Any]) -> dict[str, str]:
    from causalopt.model.arrays.array_files import fingerprint

    return {name: fingerprint(np.asarray(value)) for name, value in arrays.items()}


def _measured(found: ArrayTangents, elements: Elements | None) -> ArrayTangents:
    if elements is None:
        return found
    where = (slice(None), slice(None), *element_slices(elements))
    return dataclasses.replace(found, total=found.total[where], direct=found.direct[where])


def refuse_integers(plan: ArrayPlan, source: str, target: str, delta: float | None) -> None:
    """Refuse a derivative through a variable that takes whole numbers.

    Raises:
        QuestionError: One stands between the nudged and the measured variable.
    """
    if delta is not None:
        return
    after = {source, *reached(plan.template, source, frozenset())}
    for variable in plan.template.variables:
        name = variable.name
        if not variable.is_integer or name not in after:
            continue
        if name == target or target in reached(plan.template, name, frozenset()):
            raise QuestionError(
                f"'{name}' takes whole numbers and stands between '{source}' and '{target}': it "
                "has no derivative; use a finite nudge (--delta 1, delta=1 in Python)"
            )


def check_whole(template: ArrayTemplate, values: Mapping[str, Values]) -> None:
    """Refuse a run in which an integer variable took a value that is not whole.

    Args:
        template: The variables.
        values: Those that were kept -> their values, shape [t, *shape].

    Raises:
        QuestionError: With the variable, the step and the value.
    """
    for name, course in values.items():
        if not template.by_name[name].is_integer:
            continue
        bad = np.argwhere(np.isfinite(course) & (course != np.floor(course)))
        if len(bad):
            place = tuple(int(i) for i in bad[0])
            raise QuestionError(
                f"the integer variable '{name}' took the value {course[place]:g} at t = "
                f"{place[0]}: wrap its rule in floor(...), or declare it real"
            )


def chosen_directions(
    plan: ArrayPlan, node: Node, along: Any, probes: int | None, seed: int
) -> tuple[Values, bool]:
    """Return the directions of n, [direction, *shape], and whether they are random ones.

    Raises:
        QuestionError: The direction does not fit, or is 0.
    """
    shape = plan.template.by_name[node.variable].shape
    where: tuple[slice, ...] = () if node.elements is None else element_slices(node.elements)
    inner = np.zeros(shape)[where].shape
    size = math.prod(inner)
    if along is not None:
        return _one_direction(along, shape, where, inner), False
    if probes is not None and probes < 2:
        raise QuestionError(f"probes is a whole number from 2 up, found {probes}")
    if probes is None and size > MAX_DIRECTIONS:
        probes = _PROBES
    count = size if probes is None else min(probes, size)
    directions = np.zeros((count, *shape))
    if probes is None or count == size:
        units = np.eye(size).reshape(size, *inner)
    else:
        # Hutchinson's probes: signs, whose outer product is the unit matrix on average.
        draws = [uniforms(seed, np.arange(size, dtype=np.uint64), i, 1 << 33) for i in range(count)]
        units = np.where(np.array(draws) < 0.5, -1.0, 1.0).reshape(count, *inner)
    places: tuple[slice, ...] = (slice(None), *where)
    directions[places] = units
    return directions, count < size


def _one_direction(
    along: Any, shape: tuple[int, ...], where: tuple[slice, ...], inner: tuple[int, ...]
) -> Values:
    direction = np.asarray(along, dtype=float)
    if direction.shape not in {inner, shape}:
        raise QuestionError(
            f"along has the shape {list(direction.shape)}, and the nudged node {list(inner)}"
        )
    if not np.isfinite(direction).all() or not direction.any():
        raise QuestionError("along must be finite, and not 0 everywhere")
    whole = np.zeros((1, *shape))
    if direction.shape == shape:
        whole[0] = direction
    else:
        whole[0][where] = direction
    return whole


def _check_memory(plan: ArrayPlan, directions: Values, target: str, names: Sequence[str]) -> None:
    """Refuse a run whose courses and derivatives do not fit into memory, its twins' included."""
    template, count, steps = plan.template, len(directions), plan.steps + 1
    size = template.by_name[target].size
    parts = {
        "courses": 8.0 * steps * sum(template.by_name[name].size for name in names),
        "derivatives and two disturbed twins": 16.0 * count * steps * size * (1 + TWINS),
        "one step": 16.0 * template.numbers * (1 + 2 * count),
    }
    needed = sum(parts.values())
    if needed > machine_memory():
        texts = ", ".join(f"{name} {part / 1e9:.3g} GB" for name, part in parts.items())
        raise SizeError(
            f"the derivatives of {size:,} numbers along {count} directions over {plan.steps:,} "
            f"steps take {needed / 1e9:.3g} GB ({texts}) and this machine has "
            f"{machine_memory() / 1e9:.3g} GB: measure or keep fewer elements, or say along or "
            "probes"
        )


def _effect(
    plan: ArrayPlan,
    seed: ArraySeed,
    measured: Node,
    found: ArrayTangents,
    draw: Draw | None,
    hold: Selection,
    delta: float | None,
) -> Effect:
    """Return norms of the Jacobians with what makes them doubtful: what statuses are made of."""
    doubts = doubts_of(plan, seed, measured, found, draw, delta)
    parts = [
        _part(mantissas, found.exponents[:, place], doubts, place, found.reached[place])
        for place, mantissas in enumerate((found.total, found.direct))
    ]
    steps = np.arange(plan.steps + 1)
    whole = [w for w in hold if w.variable == measured.variable and w.elements is None]
    held = np.zeros(len(steps), dtype=bool)
    for window in whole:
        held |= (steps >= window.first) & (True if window.last is None else steps <= window.last)
    return Effect(
        total=parts[0],
        direct=parts[1],
        held=held,
        finite=doubts.finite,
        kinks=doubts.kinks,
        kink=doubts.kink,
        nonfinite=doubts.nonfinite,
        overflowed=doubts.overflowed,
        drifted=None,
        execution=found.execution,
    )


def _part(mantissas: Values, exponents: Values, doubts: Doubts, place: int, has_path: bool) -> Part:
    flat = mantissas.reshape(len(mantissas), -1)
    if flat.shape[1] == 1:
        size = flat[:, 0]
    else:
        with np.errstate(all="ignore"):
            size = np.sqrt(np.sum(flat * flat, axis=1))
    path = np.full(len(size), has_path)
    return Part(size, exponents, doubts.errors[place], path, doubts.doubted_zero[place])

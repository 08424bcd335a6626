"""`run` for models with arrays: a question with nothing left open, and its answer."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from causalopt.effects.arrays.array_doubts import Doubts, doubts_of
from causalopt.effects.arrays.array_kinks import watched
from causalopt.effects.arrays.array_run import ArrayRun
from causalopt.effects.arrays.array_worlds_apart import finite_differences
from causalopt.effects.arrays.nudge_directions import check_memory, chosen_directions
from causalopt.effects.arrays.vector_effect import norms
from causalopt.effects.arrays.whole_numbers import check_whole, refuse_integers
from causalopt.effects.arrays.written_out import NUMBERS, pays, refuse_numbers, run_written_out
from causalopt.effects.asked import asked_hold, asked_node, asked_target, check_delta
from causalopt.effects.measures import Effect, Part
from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_executions import ARRAY_EXECUTIONS
from causalopt.engine.arrays.array_forward import ArraySeed, ArrayTangents, tangents_of
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.errors import QuestionError, suggestion
from causalopt.model.arrays.array_files import fingerprint
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Elements, Node, Selection
from causalopt.worlds.array_world import (
    array_plan_for,
    element_slices,
    kept_names,
    saved_at,
    split_initial,
)
from causalopt.worlds.interventions import Intervention

Answer: TypeAlias = Callable[[], Effect]


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
    data: Mapping[str, Any] | None = None,
    keep: Sequence[str] | None = None,
    along: Any = None,
    probes: int | None = None,
    execution: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
) -> ArrayRun:
    """Measure Comp and Op of arrays at every step: `causalopt.run` for models with arrays."""
    numbers, starts = split_initial(initial)
    model = model.replace(parameters=parameters, initial=numbers)
    node = asked_node(model, nudge)
    selection = asked_hold(model, hold, nudge=node, target=target, steps=steps, given=given)
    text = asked_target(model, target)
    measured, last = model.target(text), run_length(model, steps)
    model.check_nudge(node, selection, last)
    plan, draw = array_plan_for(
        model, given, steps=last, hold=selection, seed=seed, data=data, initial=starts
    )
    refuse_integers(plan, node.variable, measured.variable, delta)
    directions, is_probed = chosen_directions(plan, node, along, probes, seed)
    if delta is not None and len(directions) > 1:  # a nudge has one size: all elements by as much
        directions, is_probed = directions.sum(axis=0, keepdims=True), False
    names = kept_names(plan.template, last, keep, always=(measured.variable,))
    check_memory(plan, directions, measured.variable, names)
    if execution not in {None, NUMBERS, *ARRAY_EXECUTIONS}:
        known = suggestion(str(execution), (*ARRAY_EXECUTIONS, NUMBERS))
        raise QuestionError(f"unknown execution '{execution}'{known}")
    arrays = {**(data or {}), **starts}
    question = _Question(
        model=model,
        node=node,
        hold=selection,
        text=text,
        measured=measured,
        plan=plan,
        draw=draw,
        directions=directions,
        is_probed=is_probed,
        names=names,
        given=tuple(given),
        arrays={name: fingerprint(np.asarray(value)) for name, value in arrays.items()},
    )
    if delta is not None:
        _refuse_for_finite(execution, checkpoint)
        return question.finite(check_delta(delta))
    asks_more = any(extra is not None for extra in (checkpoint, along, probes))
    if execution == NUMBERS:
        refuse_numbers(plan.template, node, measured, more=asks_more or bool(arrays or given))
        return question.written_out()
    is_plain = execution is None and not (asks_more or arrays or given)
    if is_plain and pays(plan.template, node, measured, last):
        return question.written_out()
    return question.limit(execution, checkpoint, checkpoint_every)


def _refuse_for_finite(execution: str | None, checkpoint: object) -> None:
    if execution not in {None, "numpy"}:
        raise QuestionError(
            "a finite nudge of arrays is run by numpy: leave delta out for the limit, or execution"
        )
    if checkpoint is not None:
        raise QuestionError("a finite nudge has no checkpoint: leave delta out for the limit")


@dataclasses.dataclass(frozen=True, eq=False)
class _Question:
    """What is asked, in full, and the ways to answer it."""

    model: Model
    node: Node
    hold: Selection
    text: str
    measured: Node
    plan: ArrayPlan
    draw: Draw | None
    directions: Values
    is_probed: bool
    names: list[str]
    given: tuple[Intervention, ...]
    arrays: Mapping[str, str]

    @property
    def seed(self) -> ArraySeed:
        """The nudged node and its directions."""
        return ArraySeed(self.node.variable, self.node.t, self.directions)

    def limit(
        self,
        execution: str | None,
        checkpoint: str | os.PathLike[str] | None,
        checkpoint_every: int | None,
    ) -> ArrayRun:
        """Answer for delta -> 0, by tangents along W."""
        target, saved = self.measured.variable, None
        if checkpoint is not None:
            asked = (*self._mark(), target, *self.names)
            marks = {"the question": repr(asked)}
            saved = saved_at(checkpoint, checkpoint_every, self.model, self.plan, marks)
        found = tangents_of(
            self.plan,
            self.seed,
            target,
            self.names,
            self.draw,
            watch=functools.partial(watched, target=target),
            execution=execution,
            saved=saved,
        )
        return self._run(_measured(found, self.measured.elements), None)

    def finite(self, delta: float) -> ArrayRun:
        """Answer for a nudge of some size, by three worlds."""
        found, worlds = finite_differences(
            self.plan, self.seed, self.measured.variable, self.names, delta, self.draw
        )
        return self._run(_measured(found, self.measured.elements), delta, worlds)

    def written_out(self) -> ArrayRun:
        """Answer for delta -> 0 by a model of numbers."""
        found, answer = run_written_out(
            self.model,
            self.node,
            self.hold,
            self.measured,
            self.plan.steps,
            self.names,
            seed=self.plan.seed,
        )
        return self._run(found, None, answer=answer)

    def _mark(self) -> tuple[object, ...]:
        return self.node.variable, self.node.t, fingerprint(self.directions)

    def _run(
        self,
        found: ArrayTangents,
        delta: float | None,
        worlds: Sequence[dict[str, Values]] = (),
        answer: Answer | None = None,
    ) -> ArrayRun:
        check_whole(self.plan.template, found.values)
        return ArrayRun(
            model=self.model,
            nudge=self.node,
            hold=self.hold,
            target=self.text,
            steps=self.plan.steps,
            given=self.given,
            seed=self.plan.seed,
            delta=delta,
            t=np.arange(self.plan.steps + 1),
            W=found.values,
            X=worlds[0] if worlds else None,
            Y=worlds[1] if worlds else None,
            answer=answer or functools.partial(_effect, self, found, delta),
            measured=self.measured,
            tangents=found,
            directions=self.directions,
            is_probed=self.is_probed,
            arrays_given=self.arrays,
        )


def _measured(found: ArrayTangents, elements: Elements | None) -> ArrayTangents:
    if elements is None:
        return found
    where = (slice(None), slice(None), *element_slices(elements))
    return dataclasses.replace(found, total=found.total[where], direct=found.direct[where])


def _effect(asked: _Question, found: ArrayTangents, delta: float | None) -> Effect:
    """Return norms of the Jacobians with what makes them doubtful: what statuses are made of."""
    doubts = doubts_of(asked.plan, asked.seed, asked.measured, found, asked.draw, delta)
    parts = [
        _part(mantissas, found.exponents[:, place], doubts, place, found.reached[place])
        for place, mantissas in enumerate((found.total, found.direct))
    ]
    held = _held(asked.plan, asked.measured)
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


def _held(plan: ArrayPlan, measured: Node) -> Values:
    """Return at which steps all that is measured is in A, shape [t]."""
    name, held = measured.variable, np.zeros(plan.steps + 1, dtype=bool)
    if not any(window.name == name for window in plan.held):
        return held
    edges = sorted({0, *(t for t in plan.held_edges if t <= plan.steps), plan.steps + 1})
    where = () if measured.elements is None else element_slices(measured.elements)
    for first, last in itertools.pairwise(edges):
        held[first:last] = plan.mask_at(name, first)[where].all()
    return held


def _part(mantissas: Values, exponents: Values, doubts: Doubts, place: int, has_path: bool) -> Part:
    flat = mantissas.reshape(len(mantissas), -1)
    size = flat[:, 0] if flat.shape[1] == 1 else norms(flat)
    path = np.full(len(size), has_path)
    return Part(size, exponents, doubts.errors[place], path, doubts.doubted_zero[place])

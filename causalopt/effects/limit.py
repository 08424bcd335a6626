"""The effect for delta -> 0, made of what the engine's executions return.

Tangents carried along the baseline give one n and every m, adjoints every n and one m. Batches of
many worlds are read in `lanes`, which needs machine code. Whole numbers have no such effect: runs,
formulas and rates refuse them here, in the same words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.forward import forward_effect, read_by
from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.effects.reach import reaching
from causalopt.engine.contract import Adjoint, Bools, Floats, Plan, Progress, Tangents
from causalopt.engine.executions import run_adjoint, run_tangents, run_values
from causalopt.engine.linearization import linearize
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.template import Template, ancestors

_MOST_NODES = 200_000  # node-updates of runs that are made again: a fraction of a second


def tangent_effect(asked: Asked, *, progress: Progress | None = None) -> tuple[Effect, Tangents]:
    """Return the total and direct derivative of m by n, shape [t], and the tangents along W.

    Raises:
        QuestionError: An integer variable stands between them: it has no derivative.
    """
    refuse_between(asked.model, asked.nudge.variable, asked.target)
    plan, template = asked.plan(), asked.model.template
    run = run_tangents(template.structure, plan, progress)
    return forward_effect(asked.model, plan, run, template.index[asked.target]), run


def effects_to_all(model: Model, plan: Plan) -> Effect:
    """Return the derivatives of every variable by the plan's seeded node, shape [t, variable].

    Raises:
        QuestionError: An integer variable follows from it.
    """
    assert plan.seed is not None
    for name in model.template.names:
        refuse_between(model, model.template.equations[plan.seed[1]].name, name)
    return forward_effect(
        model, plan, run_tangents(model.template.structure, plan), _columns(model)
    )


def effects_from_all(model: Model, plan: Plan, target: str) -> Effect:
    """Return the derivatives of a variable's last value by every node, shape [t, variable].

    Raises:
        QuestionError: An integer variable stands between one of them and the target.
    """
    template = model.template
    for name in template.names:
        refuse_between(model, name, target)
    place, columns = template.index[target], _columns(model)
    found = run_adjoint(template.structure, plan, place)
    total, direct = (
        Part.of_tangents(
            mantissa[:, columns],
            found.exponents[:, world, np.newaxis],
            error[:, columns],
            reaching(template, plan, {plan.steps: (place,)}, avoid_held=world == 1)[:, columns],
        )
        for world, (mantissa, error) in enumerate(_worlds(found))
    )
    if total.doubted.any() or direct.doubted.any():
        from causalopt.effects.zeros import exact_zeros_from_all

        baseline = run_values(template.structure, plan).values
        zeros = exact_zeros_from_all(template, plan, baseline, place)
        total, direct = total.proved(zeros[0][:, columns]), direct.proved(zeros[1][:, columns])
    kinks = _touching(model, plan, found.closed, place)
    values, overflowed = found.values, False
    if not np.isfinite(values):
        names = tuple(equation.owner for equation in template.equations)
        read = np.where(read_by(model, [place]), run_values(template.structure, plan).values, 0.0)
        bad = first_nonfinite(names, read)
        overflowed = bad is None or bad[2]
    effect = Effect(
        total,
        direct,
        held=plan.held_table[:, columns] | plan.held_at(plan.steps)[place],
        finite=np.full(total.mantissa.shape, np.isfinite(values)),
        kinks=kinks[:, columns] & ~plan.held_table[:, columns],
        execution=found.execution,
        diverges=bool(np.isfinite(values) or overflowed),
    )
    asked = effect.on_kink.copy()
    if linearize(template.structure).cancelling:
        from causalopt.effects.cancellation import steps_lost

        lost = steps_lost(template.structure, plan, run_values(template.structure, plan).values)
        if len(lost):
            asked[: lost[-1] + 1] |= (total.has_path & ~effect.held)[: lost[-1] + 1]
    return _decided(model, plan, effect, target, np.argwhere(asked).tolist())


def _decided(
    model: Model, plan: Plan, effect: Effect, target: str, nodes: list[list[int]]
) -> Effect:
    """Ask nodes one by one, forwards, where they are few: a kink or a slope was met on their paths.

    In reverse a kink has no derivative; where they are many the branches of W stand for it, and
    the rounding inside slopes is not known.
    """
    assert effect.kinks is not None
    size = len(model.template.equations)
    if not nodes or len(nodes) * (plan.steps + 1) * size > _MOST_NODES:
        return effect
    kinks = effect.kinks.copy()
    parts = [part.writable() for part in (effect.total, effect.direct)]
    column = model.template.index[target]
    for t, k in nodes:
        seed = (t, model.template.index[model.template.names[k]])
        own = dataclasses.replace(plan, seed=seed)
        found = forward_effect(model, own, run_tangents(model.template.structure, own), column)
        assert found.kinks is not None
        kinks[t, k] = found.kinks[-1]
        for part, source in zip(parts, (found.total, found.direct), strict=True):
            part.put((t, k), source, -1)
    return dataclasses.replace(effect, total=parts[0], direct=parts[1], kinks=kinks)


def _worlds(found: Tangents | Adjoint) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return [(found.total, found.total_error), (found.direct, found.direct_error)]


def _columns(model: Model) -> list[int]:
    return [model.template.index[name] for name in model.template.names]


def _touching(model: Model, plan: Plan, closed: NDArray[np.intp], place: int) -> Bools:
    """Return which nodes have a path to a kink that W sits on and m depends on, [t, equation]."""
    seeds: dict[int, set[int]] = {}
    gaps = linearize(model.template.structure).moving_gaps
    below = reaching(model.template, plan, {plan.steps: (place,)}, avoid_held=False)
    for t, number in closed.tolist():
        gap = gaps[number]
        if not below[t, gap.child] or (t < len(plan.forced) and plan.forced[t, gap.child]):
            continue
        for slope in gap.slopes:
            if slope.lag <= t:
                seeds.setdefault(t - slope.lag, set()).add(slope.parent)
    return reaching(model.template, plan, seeds, avoid_held=False)


def refuse_between(model: Model, source: str, target: str) -> None:
    """Refuse a derivative through a variable that takes whole numbers.

    Args:
        model: The model.
        source: The nudged variable or stage.
        target: The measured variable.

    Raises:
        QuestionError: An integer variable, or one with a whole-number domain, stands between them.
    """
    template = model.template
    after = _descendants(template, [source])
    for name in ancestors(template, target):
        if name in after and template.equations[template.index[name]].is_integer:
            raise QuestionError(
                f"'{name}' takes whole numbers and stands between '{source}' and '{target}': it "
                "has no derivative; use a finite nudge (--delta 1, delta=1 in Python)"
            )


def refuse_in_dynamics(model: Model) -> None:
    """Refuse growth rates of a model that carries disturbances through whole numbers.

    A whole number that follows from the step alone, or that no rule reads, carries none.

    Args:
        model: A model with time.

    Raises:
        QuestionError: A variable that takes whole numbers follows from what is carried from step
            to step, and what is carried follows from it.
    """
    template = model.template
    remembered = {
        parent for equation in template.equations for parent, lag in equation.parents if lag
    }
    after = _descendants(template, remembered)
    for equation in template.equations:
        if not equation.is_integer or equation.name not in after:
            continue
        if _descendants(template, [equation.name]) & remembered:
            raise QuestionError(
                f"'{equation.name}' takes whole numbers and the dynamics read it: it has no "
                "derivative, so nothing grows by a rate through it; use causalopt run with a "
                "finite nudge (--delta 1, delta=1 in Python)"
            )


def check_integers(model: Model, table: Floats) -> None:
    """Refuse a run in which an integer variable took a value that is not whole.

    Raises:
        QuestionError: With the node and the value.
    """
    for i, equation in enumerate(model.template.equations):
        if not equation.is_integer:
            continue
        values = table[:, i]
        bad = np.flatnonzero(np.isfinite(values) & (values != np.floor(values)))
        if len(bad):
            t = int(bad[0])
            raise QuestionError(
                f"the integer variable '{equation.name}' took the value {values[t]:g} at t = {t}: "
                "wrap its rule in floor(...), or declare it real"
            )


def _descendants(template: Template, names: Iterable[str]) -> set[str]:
    """Return the variables that can be influenced by some, at any lag, these included."""
    children: dict[str, list[str]] = {}
    for equation in template.equations:
        for parent, _ in equation.parents:
            children.setdefault(parent, []).append(equation.name)
    seen = set(names)
    stack = list(seen)
    while stack:
        for child in children.get(stack.pop(), ()):
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return seen

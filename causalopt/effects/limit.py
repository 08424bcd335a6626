"""The effect for delta -> 0, made of what the engine's executions return.

Tangents carried along the baseline give one n and every m, adjoints every n and one m. Batches of
many worlds are read in `lanes`, which needs machine code. Whole numbers have no such effect: runs,
formulas and rates refuse them here, in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.effects.reach import reachable, reaching
from causalopt.engine.contract import Adjoint, Bools, Floats, Plan, Progress, Tangents
from causalopt.engine.executions import run_adjoint, run_tangents
from causalopt.engine.linearization import linearize
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.template import Template, ancestors


def tangent_effect(asked: Asked, *, progress: Progress | None = None) -> tuple[Effect, Tangents]:
    """Return the total and direct derivative of m by n, shape [t], and the tangents along W.

    Raises:
        QuestionError: An integer variable stands between them: it has no derivative.
    """
    refuse_between(asked.model, asked.nudge.variable, asked.target)
    plan, template = asked.plan(), asked.model.template
    run = run_tangents(template.structure, plan, progress)
    return _forward(asked.model, plan, run, template.index[asked.target]), run


def effects_to_all(model: Model, plan: Plan) -> Effect:
    """Return the derivatives of every variable by the plan's seeded node, shape [t, variable].

    Raises:
        QuestionError: An integer variable follows from it.
    """
    assert plan.seed is not None
    for name in model.template.names:
        refuse_between(model, model.template.equations[plan.seed[1]].name, name)
    return _forward(model, plan, run_tangents(model.template.structure, plan), _columns(model))


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
    held = plan.held_table[:, columns] | plan.held_at(plan.steps)[place]
    total, direct = (
        Part.of_tangents(
            mantissa[:, columns],
            found.exponents[:, world, np.newaxis],
            error[:, columns],
            reaching(template, plan, {plan.steps: (place,)}, avoid_held=world == 1)[:, columns],
            lost=False,
        )
        for world, (mantissa, error) in enumerate(_worlds(found))
    )
    return Effect(
        total,
        direct,
        held=held,
        finite=np.full(held.shape, np.isfinite(found.values) and not found.nonfinite),
        execution=found.execution,
        kinks=_touching(model, plan, found.closed)[:, columns],
        diverges=not np.isnan(found.values),
    )


def _forward(model: Model, plan: Plan, run: Tangents, columns: int | list[int]) -> Effect:
    template = model.template
    total, direct = (
        Part.of_tangents(
            mantissa[:, columns],
            run.exponents[:, world] if isinstance(columns, int) else run.exponents[:, [world]],
            error[:, columns],
            reachable(template, plan, avoid_held=world == 1)[:, columns],
            run.underflow,
        )
        for world, (mantissa, error) in enumerate(_worlds(run))
    )
    bad = first_nonfinite(tuple(equation.owner for equation in template.equations), run.values)
    return Effect(
        total,
        direct,
        held=plan.held_table[:, columns],
        finite=np.isfinite(run.values[:, columns]),
        kink=run.kink,
        nonfinite=bad[:2] if bad else None,
        overflowed=bool(bad and bad[2]),
        execution=run.execution,
    )


def _worlds(found: Tangents | Adjoint) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return [(found.total, found.total_error), (found.direct, found.direct_error)]


def _columns(model: Model) -> list[int]:
    return [model.template.index[name] for name in model.template.names]


def _touching(model: Model, plan: Plan, closed: NDArray[np.intp]) -> Bools:
    """Return which nodes have a path to a kink that W sits on, shape [t, equation]."""
    seeds: dict[int, set[int]] = {}
    gaps = linearize(model.template.structure).moving_gaps
    for t, number in closed.tolist():
        gap = gaps[number]
        if t < len(plan.forced) and plan.forced[t, gap.child]:
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

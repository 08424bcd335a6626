"""The effect for delta -> 0, made of what the engine's executions return.

Tangents carried along the baseline give one n and every m, adjoints every n and one m. Batches of
many worlds are read in `lanes`, which needs machine code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.integers import refuse_between
from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.effects.reach import reachable, reaching
from causalopt.engine.contract import Adjoint, Bools, Plan, Progress, Tangents
from causalopt.engine.executions import run_adjoint, run_tangents
from causalopt.engine.linearization import linearize
from causalopt.model.model import Model


def tangent_effect(
    model: Model, plan: Plan, target: str, *, progress: Progress | None = None
) -> tuple[Effect, Tangents]:
    """Return the total and direct derivative of a variable by the plan's seeded node, shape [t].

    Raises:
        QuestionError: An integer variable stands between them: it has no derivative.
    """
    refuse_integers(model, plan, target)
    run = run_tangents(model.template.structure, plan, progress)
    return _forward(model, plan, run, model.template.index[target]), run


def effects_to_all(model: Model, plan: Plan) -> Effect:
    """Return the derivatives of every variable by the plan's seeded node, shape [t, variable].

    Raises:
        QuestionError: An integer variable follows from it.
    """
    for name in model.template.names:
        refuse_integers(model, plan, name)
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


def refuse_integers(model: Model, plan: Plan, target: str) -> None:
    """Refuse a derivative through a variable that takes whole numbers.

    Raises:
        QuestionError: One stands between the seeded node and the target.
    """
    assert plan.seed is not None
    refuse_between(model, model.template.equations[plan.seed[1]].name, target)

"""The effect for delta -> 0, made of what the engine's executions return.

Tangents carried along the baseline give one n and every m, adjoints every n and one m. Batches of
many worlds are read in `lanes`, which needs machine code. Whole numbers have no such effect: runs,
formulas and rates refuse them here, in the same words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.effects.reach import reachable, reaching
from causalopt.engine.contract import Adjoint, Bools, Floats, Plan, Progress, Tangents
from causalopt.engine.executions import run_adjoint, run_tangents, run_values
from causalopt.engine.linearization import linearize
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.template import Template, ancestors, descendants, refuse_between

if TYPE_CHECKING:
    from causalopt.engine.one_sided import Tie

_MOST_NODES = 200_000  # node-updates of runs that are made again: a fraction of a second


def tangent_effect(asked: Asked, *, progress: Progress | None = None) -> tuple[Effect, Tangents]:
    """Return the total and direct derivative of m by n, shape [t], and the tangents along W.

    Raises:
        QuestionError: An integer variable stands between them: it has no derivative.
    """
    refuse_between(asked.model.template, asked.nudge.variable, asked.target)
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
        refuse_between(model.template, model.template.equations[plan.seed[1]].name, name)
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
        refuse_between(model.template, name, target)
    place, columns = template.index[target], _columns(model)
    found = run_adjoint(template.structure, plan, place)
    total, direct = (
        Part.of_tangents(
            mantissa[:, columns],
            found.exponents[:, world, np.newaxis],
            error[:, columns],
            reaching(template, plan, {plan.steps: (place,)}, avoid_held=world == 1).of(columns),
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


def forward_effect(model: Model, plan: Plan, run: Tangents, columns: int | list[int]) -> Effect:
    """Return what a run says of one variable, shape [t], or of several, [t, variable]."""
    template = model.template
    places = [columns] if isinstance(columns, int) else columns
    ties: dict[tuple[int, int], Tie] = {}
    tangents, errors = (run.total, run.direct), (run.total_error, run.direct_error)
    if run.kink is not None:
        from causalopt.engine.one_sided import one_sided

        sided = one_sided(template.structure, plan, run)
        tangents, ties = (sided.total, sided.direct), sided.ties
    if linearize(template.structure).cancelling:
        from causalopt.effects.cancellation import with_slopes

        errors = with_slopes(template.structure, plan, run)
    total, direct = (
        Part.of_tangents(
            mantissa[:, columns],
            run.exponents[:, world] if isinstance(columns, int) else run.exponents[:, [world]],
            error[:, columns],
            reachable(template, plan, avoid_held=world == 1).of(columns),
        )
        for world, (mantissa, error) in enumerate(zip(tangents, errors, strict=True))
    )
    doubted = np.argwhere(total.doubted | direct.doubted)
    if len(doubted):
        from causalopt.effects.zeros import exact_zeros

        zeros = exact_zeros(template, plan, run.values, int(doubted[:, 0].max()))
        total, direct = total.proved(zeros[0][:, columns]), direct.proved(zeros[1][:, columns])
    ties = {node: tie for node, tie in ties.items() if node[1] in places}
    kinks = np.zeros(run.values.shape, dtype=bool)
    if ties:
        kinks[tuple(np.array(list(ties)).T)] = True
    read = read_by(model, places)
    names = tuple(equation.owner for equation in template.equations)
    bad = first_nonfinite(names, np.where(read, run.values, 0.0))
    return Effect(
        total,
        direct,
        held=plan.held_table[:, columns],
        finite=np.isfinite(run.values[:, columns]),
        kinks=kinks[:, columns],
        kink=_described(template, min(set(ties.values()), default=None)),
        nonfinite=bad[:2] if bad else None,
        overflowed=bool(bad and bad[2]),
        execution=run.execution,
    )


def read_by(model: Model, columns: Iterable[int]) -> Bools:
    """Return which equations some can depend on, shape [equation]."""
    template = model.template
    read = np.zeros(len(template.equations), dtype=bool)
    for i in columns:
        read[[template.index[name] for name in ancestors(template, template.equations[i].name)]] = (
            True
        )
    return read


def _described(template: Template, tie: Tie | None) -> tuple[str, int, str] | None:
    if tie is None:
        return None
    from causalopt.language.text import to_text

    owner = template.equations[tie.equation].owner
    return owner, tie.t, to_text(tie.term, static=template.is_static)


def _worlds(found: Tangents | Adjoint) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return [(found.total, found.total_error), (found.direct, found.direct_error)]


def _columns(model: Model) -> list[int]:
    return [model.template.index[name] for name in model.template.names]


def _touching(model: Model, plan: Plan, closed: NDArray[np.intp], place: int) -> Bools:
    """Return which nodes have a path to a kink that W sits on and m depends on, [t, equation]."""
    seeds: dict[int, set[int]] = {}
    if not len(closed):
        return np.zeros(plan.held_table.shape, dtype=bool)
    gaps = linearize(model.template.structure).moving_gaps
    below = reaching(model.template, plan, {plan.steps: (place,)}, avoid_held=False).table
    for t, number in closed.tolist():
        gap = gaps[number]
        if not below[t, gap.child] or (t < len(plan.forced) and plan.forced[t, gap.child]):
            continue
        for slope in gap.slopes:
            if slope.lag <= t:
                seeds.setdefault(t - slope.lag, set()).add(slope.parent)
    return reaching(model.template, plan, seeds, avoid_held=False).table


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
    after = descendants(template, remembered)
    for equation in template.equations:
        if not equation.is_integer or equation.name not in after:
            continue
        if descendants(template, [equation.name]) & remembered:
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

"""The effect for delta -> 0 of one n on any m, made of tangents carried along the baseline.

Every n and one m are read in `backward`, batches of many worlds in `lanes`, which needs machine
code. Whole numbers have no such effect: runs, formulas and rates refuse them here, in the same
words.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from causalopt.effects.asked import Asked
from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.engine.contract import Bools, Floats, Plan, Tangents
from causalopt.engine.executions import run_tangents
from causalopt.engine.linearization import linearize
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.model.reach import reachable
from causalopt.model.template import Template, ancestors, descendants, refuse_between

if TYPE_CHECKING:
    from causalopt.engine.one_sided import Tie

_SHORT = 500  # node-updates of a run whose roundings are added up one by one
_SMALL = 2.0**-10  # of the largest tangent: what is smaller may be what cancellation left
_MOST_COLUMNS = 64  # variables whose own ancestors are told apart when W's rounding is followed


def tangent_effect(asked: Asked) -> tuple[Tangents, Callable[[], Effect]]:
    """Return the tangents along W, and what gives m's derivatives by n with statuses, shape [t].

    Raises:
        QuestionError: An integer variable stands between them: it has no derivative.
    """
    refuse_between(asked.model.template, asked.nudge.variable, asked.target)
    plan, template = asked.plan(), asked.model.template
    run = run_tangents(template.structure, plan)
    column = template.index[asked.target]
    return run, functools.partial(forward_effect, asked.model, plan, run, column)


def effects_to_all(
    model: Model, plan: Plan, *, names: Sequence[str] | None = None, repeats: int = 1
) -> Effect:
    """Return the derivatives of variables by the plan's seeded node, shape [t, variable].

    Args:
        model: The model.
        plan: The run.
        names: The variables; all that are declared when not given.
        repeats: Of how many such runs it is one: many are worth machine code.

    Raises:
        QuestionError: An integer variable follows from it.
    """
    assert plan.seed is not None
    template = model.template
    wanted = template.names if names is None else names
    for name in wanted:
        refuse_between(template, template.equations[plan.seed[1]].name, name)
    run = run_tangents(template.structure, plan, repeats=repeats)
    return forward_effect(model, plan, run, columns_of(template, wanted))


def forward_effect(model: Model, plan: Plan, run: Tangents, columns: int | list[int]) -> Effect:
    """Return what a run says of one variable, shape [t], or of several, [t, variable].

    Args:
        model: The model.
        plan: The run; its seed is n.
        run: Its tangents.
        columns: The measured equations.
    """
    template = model.template
    places = [columns] if isinstance(columns, int) else columns
    read = read_by(model, places)
    ties: dict[tuple[int, int], Tie] = {}
    tangents, errors = (run.total, run.direct), (run.total_error, run.direct_error)
    if run.kink is not None:
        from causalopt.engine.one_sided import one_sided

        sided = one_sided(template.structure, plan, run)
        tangents, ties = (sided.total, sided.direct), sided.ties
    is_long = len(run.values) > 1 and run.values.size > _SHORT
    if is_long or linearize(template.structure).cancelling:
        from causalopt.effects.doubts.cancellation import with_slopes

        errors = with_slopes(template.structure, plan, run, sums=is_long)
    total, direct = (
        Part.of_tangents(
            mantissa[:, places],
            run.exponents[:, [world]],
            error[:, places],
            reachable(template, plan, avoid_held=world == 1).of(places),
        )
        for world, (mantissa, error) in enumerate(zip(tangents, errors, strict=True))
    )
    if not is_long and _may_cancel(run, places):
        from causalopt.effects.doubts.worst_case import with_exact

        total, direct = with_exact(template, plan, run, places, (total, direct))
    doubted = np.argwhere(total.doubted | direct.doubted)
    if len(doubted):
        from causalopt.effects.doubts.zeros import exact_zeros

        zeros = exact_zeros(template, plan, run.values, int(doubted[:, 0].max()))
        total, direct = total.proved(zeros[0][:, places]), direct.proved(zeros[1][:, places])
    shown = {node: tie for node, tie in ties.items() if node[1] in places}
    kinks = np.zeros((len(run.values), len(places)), dtype=bool)
    for k, place in enumerate(places):
        kinks[[t for t, i in shown if i == place], k] = True
    names = tuple(equation.owner for equation in template.equations)
    bad = first_nonfinite(names, run.values, read)
    finite = np.isfinite(run.values[:, places])
    if linearize(template.structure).gaps and not (bad and bad[2]):
        from causalopt.effects.doubts.hidden_nans import first_hidden, hidden_nans

        hidden = hidden_nans(template, plan, run.values, read)
        if hidden is not None:
            finite &= ~hidden[:, places]
            bad = first_hidden(template, hidden, bad)
    effect = Effect(
        total,
        direct,
        held=plan.held_table[:, places],
        finite=finite,
        kinks=kinks,
        kink=_described(template, min(set(shown.values()), default=None)),
        nonfinite=bad[:2] if bad else None,
        overflowed=bool(bad and bad[2]),
        execution=run.execution,
    )
    if linearize(template.structure).drifting & frozenset(np.flatnonzero(read).tolist()):
        from causalopt.effects.doubts.own_rounding import with_rounding

        masks = [read_by(model, [i]) for i in places[:_MOST_COLUMNS]]
        masks = [read] * len(places) if len(places) > _MOST_COLUMNS else masks
        effect = with_rounding(template, plan, run, places, masks, effect, ties)
    return effect.column() if isinstance(columns, int) else effect


def _may_cancel(run: Tangents, places: list[int]) -> bool:
    """Whether a short run has an effect far smaller than the tangents it may be made of."""
    if run.exponents.any():
        return False
    largest = np.abs([run.total, run.direct]).max(axis=(0, 2))
    floor = _SMALL * np.maximum.accumulate(largest)[:, np.newaxis]
    effects = np.abs([run.total[:, places], run.direct[:, places]])
    return bool(((effects != 0) & (effects < floor)).any())


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


def columns_of(template: Template, names: Iterable[str]) -> list[int]:
    """Return the places of variables among the equations, in order."""
    return [template.index[name] for name in names]


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

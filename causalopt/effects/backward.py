"""The effects for delta -> 0 of every n on one m: adjoints along the baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.limit import columns_of, forward_effect, read_by
from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.engine.contract import Adjoint, Bools, Floats, Plan, Tangents
from causalopt.engine.executions import run_adjoint, run_tangents, run_values
from causalopt.engine.linearization import linearize
from causalopt.model.model import Model
from causalopt.model.reach import reaching
from causalopt.model.template import refuse_between

_SHORT = 500  # node-updates of a run whose roundings are added up one by one
_SMALL = 2.0**-10  # of the largest adjoint: what is smaller may be what cancellation left
_MOST_NODES = 200_000  # node-updates of runs that are made again: a fraction of a second


def effects_from_all(
    model: Model, plan: Plan, target: str, *, names: Sequence[str] | None = None, repeats: int = 1
) -> Effect:
    """Return the derivatives of a variable's last value by nodes, shape [t, variable].

    Args:
        model: The model.
        plan: The baseline.
        target: The measured variable.
        names: The variables whose nodes are asked; all that are declared when not given.
        repeats: Of how many such sweeps it is one: many are worth machine code.

    Raises:
        QuestionError: An integer variable stands between one of them and the target.
    """
    template = model.template
    wanted = template.names if names is None else tuple(names)
    for name in wanted:
        refuse_between(template, name, target)
    place, columns = template.index[target], columns_of(template, wanted)
    found = run_adjoint(template.structure, plan, place, repeats=repeats)
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
        from causalopt.effects.doubts.zeros import exact_zeros_from_all

        baseline = run_values(template.structure, plan).values
        zeros = exact_zeros_from_all(template, plan, baseline, place)
        total, direct = total.proved(zeros[0][:, columns]), direct.proved(zeros[1][:, columns])
    if linearize(template.structure).drifting:
        from causalopt.effects.doubts.drift import drift_back

        baseline = run_values(template.structure, plan).values
        drifts = drift_back(template, plan, baseline, found, place)
        total, direct = (
            part.widened(more[:, columns])
            for part, more in zip((total, direct), drifts, strict=True)
        )
    values, overflowed, is_hidden = found.values, False, False
    if linearize(template.structure).gaps:
        from causalopt.effects.doubts.hidden_nans import hidden_nans

        baseline = run_values(template.structure, plan).values
        hidden = hidden_nans(template, plan, baseline, read_by(model, [place]))
        is_hidden = hidden is not None and bool(hidden[-1, place])
        values = np.nan if is_hidden else values
    kinks = _touching(model, plan, found.closed, place)
    if not np.isfinite(values):
        names = tuple(equation.owner for equation in template.equations)
        baseline = run_values(template.structure, plan).values
        bad = first_nonfinite(names, baseline, read_by(model, [place]))
        overflowed = bad[2] if bad is not None else not is_hidden
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
    if template.is_static or total.mantissa.size <= _SHORT:
        for part in (total, direct):
            asked |= _may_cancel(part, template.max_lag) & ~effect.held
    if linearize(template.structure).cancelling:
        from causalopt.effects.doubts.cancellation import steps_lost

        lost = steps_lost(template.structure, plan, run_values(template.structure, plan).values)
        if len(lost):
            asked[: lost[-1] + 1] |= (total.has_path & ~effect.held)[: lost[-1] + 1]
    nodes = [(t, columns[k]) for t, k in np.argwhere(asked).tolist()]
    return _decided(model, plan, effect, place, nodes, columns)


def _may_cancel(part: Part, lags: int) -> Bools:
    """Return which effects may be what cancellation left, [t, variable].

    They are far smaller than those they may be sums of, or come before such: what is left is passed
    on.
    """
    size = np.abs(part.mantissa)
    top = size.max(axis=1, initial=0.0)
    later = top.copy()
    for lag in range(1, min(lags, len(top) - 1) + 1):
        later[:-lag] = np.maximum(later[:-lag], top[lag:])
    cancels = ((size != 0) & (size < _SMALL * later[:, np.newaxis])).any(axis=1)
    before = np.arange(len(top)) <= np.flatnonzero(cancels).max(initial=-1)
    largest: Floats = np.maximum.accumulate(top[::-1])[::-1]
    small = (size != 0) & (size < _SMALL * largest[:, np.newaxis])
    found: Bools = small & before[:, np.newaxis]
    return found


def _decided(
    model: Model,
    plan: Plan,
    effect: Effect,
    target: int,
    nodes: list[tuple[int, int]],
    columns: list[int],
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
    for seed in nodes:
        t, k = seed[0], columns.index(seed[1])
        own = dataclasses.replace(plan, seed=seed)
        found = forward_effect(model, own, run_tangents(model.template.structure, own), target)
        assert found.kinks is not None
        kinks[t, k] = found.kinks[-1]
        for part, source in zip(parts, (found.total, found.direct), strict=True):
            part.put((t, k), source, -1)
    return dataclasses.replace(effect, total=parts[0], direct=parts[1], kinks=kinks)


def _worlds(found: Tangents | Adjoint) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return [(found.total, found.total_error), (found.direct, found.direct_error)]


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

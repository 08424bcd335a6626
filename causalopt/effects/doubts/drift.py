"""What the rounding of W itself does to an effect: a twin run, each rounded value of W moved.

Every value that a rounding could move is moved by what it may be wrong by, with signs from a fixed
counter stream, and tangents are carried along that twin by the same code. Where the effects of both
differ, the difference is an error of the effect. A value that rounds nothing is not moved: whole
numbers that count and short binary fractions do not drift.

Once the tangents of all that m depends on have parted by some share of their size, an effect is no
better known than to that share for the rest of the run, since what follows is made of them: a
chance agreement does not count, and a chaotic model's twin need not be run to its end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.doubts.error_bounds import UNIT, bounds_along, is_decimal
from causalopt.engine.contract import Adjoint, Bools, Floats, Plan, Tangents
from causalopt.engine.executions import execution, run_adjoint
from causalopt.engine.signs import counter_signs
from causalopt.model.template import Template

_STRETCH = 4096  # steps after which a longer twin is looked at, and again at twice as many
_BRIEF = 20_000  # node-updates up to which two more twins are run: a sign may hide an error
_PARTED = 1 / 8
_NARROW = 16  # columns


@dataclasses.dataclass(frozen=True)
class Drift:
    """How far W's rounding moves the effects on some variables, and W.

    Attributes:
        total: In units of the run's mantissas, shape [t, column].
        direct: Likewise.
        moved: W less its twins, the largest size, shape [t, equation]; only steps that were run.
    """

    total: Floats
    direct: Floats
    moved: Floats


def drift(
    template: Template, plan: Plan, run: Tangents, columns: Sequence[int], read: Sequence[Bools]
) -> Drift:
    """Return how far W's rounding moves a run's effects on some variables.

    Args:
        template: The model's template.
        plan: The run.
        run: Its tangents.
        columns: The measured equations.
        read: For each of them the equations it depends on, shape [equation] each.
    """
    found = np.zeros((2, plan.steps + 1, len(columns)))
    moved = np.zeros((0, run.values.shape[1]))
    sizes = [np.abs(part[:, columns]) for part in (run.total, run.direct)]
    with np.errstate(invalid="ignore", over="ignore"):
        for number in range(twins(plan, run.values.shape[1])):
            twin, pairs = _parted(template, plan, run, columns, read, number)
            count = len(twin.values)
            for error, size, (apart, share) in zip(found, sizes, pairs, strict=True):
                error[:count] = np.fmax(error[:count], np.fmax(apart, share * size[:count]))
                error[count:] = np.fmax(error[count:], share[-1] * size[count:])
            own = np.abs(twin.values - run.values[:count])
            moved = own if not len(moved) else np.fmax(moved[:count], own[: len(moved)])
    return Drift(found[0], found[1], moved)


def _parted(
    template: Template,
    plan: Plan,
    run: Tangents,
    columns: Sequence[int],
    read: Sequence[Bools],
    number: int,
) -> tuple[Tangents, list[tuple[Floats, Floats]]]:
    """Return a twin, run as far as it says anything, and how far effects are apart from its."""
    last = _STRETCH if plan.steps > 2 * _STRETCH else plan.steps
    while True:
        moved = moved_plan(template, plan, run.values, last, number)
        twin = execution(run.execution).run_tangents(template.structure, moved)
        pairs = [_compared(template, run, twin, world, columns, read) for world in (0, 1)]
        if last == plan.steps or all((share[-1] >= _PARTED).all() for _, share in pairs):
            return twin, pairs
        last = min(2 * last, plan.steps)


def drift_back(
    template: Template, plan: Plan, values: Floats, found: Adjoint, target: int
) -> tuple[Floats, Floats]:
    """Return how far W's rounding moves the adjoints of a reverse sweep, [t, equation] each.

    Args:
        template: The model's template.
        plan: The run.
        values: W, shape [t, equation].
        found: The sweep.
        target: The measured equation.
    """
    more = (np.zeros(values.shape), np.zeros(values.shape))
    for number in range(twins(plan, values.shape[1])):
        moved = moved_plan(template, plan, values, plan.steps, number)
        twin = run_adjoint(template.structure, moved, target)
        for world, error in enumerate(more):
            mine, other = ((p.total, p.direct)[world][::-1] for p in (found, twin))
            own, others = (p.exponents[::-1, world] for p in (found, twin))
            apart, share = _apart(mine, other, others - own, own, max(template.max_lag, 1))
            share = np.zeros(len(share)) if template.is_static else share
            with np.errstate(invalid="ignore", over="ignore"):
                known = np.fmax(apart, share[:, np.newaxis] * np.abs(mine))
            error[:] = np.fmax(error, known[::-1])
    return more


def twins(plan: Plan, width: int) -> int:
    """Return how many twins a run has."""
    return 3 if (plan.steps + 1) * width <= _BRIEF else 1


def moved_plan(template: Template, plan: Plan, values: Floats, last: int, number: int) -> Plan:
    """Return the plan of a twin, up to a step.

    Args:
        template: The model's template.
        plan: The run.
        values: W, shape [t, equation].
        last: The last step of the twin.
        number: Which of the twins; it decides the signs.
    """
    size, padded = rounded_by(template, plan, values, last)
    signs = counter_signs(number << 40, size.shape)
    return dataclasses.replace(padded, shifts=padded.shifts + signs * size)


def rounded_by(template: Template, plan: Plan, values: Floats, last: int) -> tuple[Floats, Plan]:
    """Return what each value up to a step may be wrong by, and a plan with a shift for each.

    Args:
        template: The model's template.
        plan: The run.
        values: Its values, shape [t, equation].
        last: The last step of the plan that is returned.
    """
    rows, width = max(last + 1, len(plan.forced)), values.shape[1]
    pad = ((0, rows - len(plan.forced)), (0, 0))
    forced, given = np.pad(plan.forced, pad), np.pad(plan.values, pad)
    size = np.zeros((rows, width))
    size[: last + 1] = _sizes(template, plan, values[: last + 1])
    size[forced] = 0.0
    for i, equation in enumerate(template.equations):
        for t in range(min(len(equation.initial), last + 1, len(forced))):
            if forced[t, i] and not is_decimal(float(given[t, i])):
                size[t, i] = 2 * UNIT * abs(float(values[t, i]))
    shifts = np.pad(plan.shifts, pad)
    padded = dataclasses.replace(plan, steps=last, forced=forced, values=given, shifts=shifts)
    return size, padded


def _sizes(template: Template, plan: Plan, values: Floats) -> Floats:
    """Return what each value may be wrong by, shape [t, equation].

    Beyond a first stretch each equation is taken to round as much of its size as it did there at
    most: the bounds take longer than the run.
    """
    size = np.zeros(values.shape)
    first, rules = values[:_STRETCH], template.structure.rules
    chosen = [i for i, rule in enumerate(rules) if rule is not None]
    bounds = bounds_along(
        template.structure, plan, first, [rule for rule in rules if rule is not None]
    )
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        for i, (_, error) in zip(chosen, bounds, strict=True):
            whole = np.abs(first[:, i])
            least = np.where(np.isfinite(whole), 2 * UNIT * whole, 0.0)
            bound = np.broadcast_to(error, whole.shape)
            rounded = np.where(bound > 0, np.fmax(bound, least), 0.0)
            size[:_STRETCH, i] = np.where(np.isfinite(bound), rounded, least)
            if len(values) > _STRETCH:
                share = np.where(whole > 0, size[:_STRETCH, i] / whole, 0.0)
                most = np.abs(values[_STRETCH:, i]) * share.max(initial=0.0)
                size[_STRETCH:, i] = np.where(np.isfinite(most), most, 0.0)
    return size


def _compared(
    template: Template,
    run: Tangents,
    twin: Tangents,
    world: int,
    columns: Sequence[int],
    read: Sequence[Bools],
) -> tuple[Floats, Floats]:
    """Return how far two runs' effects are apart, and the share that is lost from then on."""
    count = len(twin.values)
    mine, other = ((p.total, p.direct)[world][:count] for p in (run, twin))
    exponents = run.exponents[:count, world]
    power = twin.exponents[:, world] - exponents
    apart = np.zeros((count, len(columns)))
    share = np.zeros((count, len(columns)))
    known: dict[bytes, tuple[Floats, Floats]] = {}
    lags = max(template.max_lag, 1)
    for k, (column, mask) in enumerate(zip(columns, read, strict=True)):
        key = mask.tobytes()
        if key not in known:
            found = _apart(mine[:, mask], other[:, mask], power, exponents, lags)
            whole = np.zeros(mine.shape)
            whole[:, mask] = found[0]
            known[key] = whole, found[1]
        apart[:, k] = known[key][0][:, column]
        if not template.is_static:
            share[:, k] = known[key][1]
    return apart, share


def _apart(
    mine: Floats, other: Floats, power: NDArray[np.int64], exponents: NDArray[np.int64], lags: int
) -> tuple[Floats, Floats]:
    """Return differences, and the largest share of the tangents that they were so far, [t]."""
    with np.errstate(all="ignore"):
        if power.any():
            other = np.ldexp(other, np.clip(power, -4000, 4000).astype(np.int32)[:, np.newaxis])
        apart = np.abs(other - mine)
        sizes = _largest(np.abs(mine))
        if not np.isfinite(sizes + _largest(apart)).all():
            is_known = np.isfinite(mine)
            apart = np.where(is_known, np.where(np.isnan(apart), np.inf, apart), 0.0)
            sizes = _largest(np.where(is_known, np.abs(mine), 0.0))
        sizes = np.log2(sizes) + exponents
        widest = sizes.copy()
        for lag in range(1, min(lags, len(sizes))):
            widest[lag:] = np.maximum(widest[lag:], sizes[:-lag])
        share = np.exp2(np.log2(_largest(apart)) + exponents - widest)
    share = np.where(np.isnan(share), 0.0, np.minimum(share, 1.0))
    return apart, np.maximum.accumulate(share)


def _largest(table: Floats) -> Floats:
    """Return the largest entry of each row; a few columns are compared one by one, far sooner."""
    if table.shape[1] > _NARROW:
        widest: Floats = table.max(axis=1)
        return widest
    found = np.zeros(len(table))
    for column in table.T:
        np.maximum(found, column, out=found)
    return found

"""Rounding inside local derivatives, which executions take as exact.

A slope such as e**n/(1 + e**n) - e**(2 n)/(1 + e**n)**2 cancels before any tangent is multiplied by
it. Its error is bounded along W, for all steps at once; the executions' own estimate covers the
products and sums of tangents, and `drift` what the rounding of W itself does.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.doubts.error_bounds import TINY, UNIT, bounds_along
from causalopt.effects.doubts.signed_errors import signed_errors
from causalopt.engine.adjoint import whole_baseline
from causalopt.engine.contract import Bools, Floats, Plan, Tangents
from causalopt.engine.executions import execution
from causalopt.engine.linearization import linearize
from causalopt.model.template import Structure

_FEW = 2.0**-45  # eight bits lost
_SMALL = 2.0**-10  # of the terms of a sum
_LOOKED_AT = 8192  # steps
_BRIEF = 20_000  # node-updates of a run that is looked at wherever a sum cancels


def with_slopes(
    structure: Structure, plan: Plan, run: Tangents, *, sums: bool
) -> tuple[Floats, Floats]:
    """Return the errors of a run's tangents, total and direct, with those of its slopes and sums.

    The executions' estimate has signs, and may cancel where the sum does. So errors are carried
    once more, by other signs, where a slope lost more than a few bits, or where sums cancel: at any
    step of a short run, and of a longer one at more of the first steps than changes of sign make.

    Args:
        structure: The template's rules.
        plan: The run; its seed is the nudged node.
        run: Its tangents.
        sums: Whether sums that cancel are looked for.
    """
    errors = run.total_error, run.direct_error
    linear = linearize(structure)
    found: dict[int, tuple[Any, Any]] = {}
    if linear.cancelling:
        moves = run.total.any(axis=1) | run.direct.any(axis=1)
        lost = slope_errors(structure, plan, run.values)
        found = lost if (_lost(lost, len(run.values)) & moves).any() else {}
    has_sums = sums and any(len(linear.of(i)) > 1 for i in range(len(structure.names)))
    with np.errstate(over="ignore", invalid="ignore"):  # an error past all floats doubts all
        cancels = has_sums and _sums_cancel(structure, plan, run)
        if not found and not cancels:
            return errors
        slopes = whole_baseline(execution(run.execution), structure, plan).slopes
        if cancels:
            sizes = 2 * UNIT * np.abs(slopes)  # of the slope's constants, and of the product
            every = {k: (slopes[:, k], sizes[:, k]) for k in range(slopes.shape[1])}
            for k, (value, error) in found.items():
                every[k] = (value, np.fmax(error, sizes[:, k]))
            found = every
        more = signed_errors(structure, plan, run, slopes, found)
        total, direct = (np.abs(e) + m / UNIT for e, m in zip(errors, more, strict=True))
        return total, direct


def _sums_cancel(structure: Structure, plan: Plan, run: Tangents) -> bool:
    """Whether tangents are far smaller than what they are sums of, as a rule and not by chance."""
    linear, count = linearize(structure), min(len(run.values), _LOOKED_AT)
    plan = dataclasses.replace(plan, steps=count - 1)
    slopes = whole_baseline(execution(run.execution), structure, plan).slopes
    cancels = np.zeros(count, dtype=bool)
    later = np.zeros(count, dtype=bool)
    later[plan.seed[0] + 1 if plan.seed is not None else 0 :] = True
    later[0] = later[0] or not plan.steps
    for i in range(len(structure.names)):
        partials = [(k, p) for k, p in enumerate(linear.partials) if p.child == i]
        if len(partials) < 2:
            continue
        for world, tangents in enumerate((run.total, run.direct)):
            terms = np.zeros(count)
            for k, partial in partials:
                lag = partial.lag
                moved = np.abs(slopes[lag:, k] * tangents[: max(count - lag, 0), partial.parent])
                terms[lag:] += np.where(np.isnan(moved), 0.0, moved)
            same = np.ones(count, dtype=bool)  # steps in one exponent are compared
            for lag in {partial.lag for _, partial in partials if partial.lag}:
                powers = run.exponents[:count, world]
                same[lag:] &= powers[lag:] == powers[: max(count - lag, 0)]
            held = plan.held_table[:, i] if world else np.zeros(count, dtype=bool)
            size = np.abs(tangents[:count, i])
            cancels |= same & ~held & (size > 0) & (size < _SMALL * terms)
    cancels &= later
    often = 0 if run.values.size <= _BRIEF else count // 64
    return int(np.count_nonzero(cancels)) > often


def steps_lost(structure: Structure, plan: Plan, values: Floats) -> NDArray[np.intp]:
    """Return the steps at which a slope lost more than a few bits."""
    return np.flatnonzero(_lost(slope_errors(structure, plan, values), len(values)))


def _lost(found: dict[int, tuple[Any, Any]], count: int) -> Bools:
    lost = np.zeros(count, dtype=bool)
    with np.errstate(invalid="ignore"):
        for value, error in found.values():
            lost |= (np.abs(error) > _FEW * np.abs(value)) & (value != 0)
            lost |= (value == 0) & (np.abs(error) > 4 * TINY)
    return lost


def slope_errors(structure: Structure, plan: Plan, values: Floats) -> dict[int, tuple[Any, Any]]:
    """Return (value, error) of the slopes that may cancel, along W, shape [t] each."""
    linear = linearize(structure)
    terms = [linear.partials[k].term for k in linear.cancelling]
    found = bounds_along(structure, plan, values, terms)
    return dict(zip(linear.cancelling, found, strict=True))

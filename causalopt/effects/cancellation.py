"""Rounding inside local derivatives, which executions take as exact.

A slope such as e**n/(1 + e**n) - e**(2 n)/(1 + e**n)**2 cancels before any tangent is multiplied by
it. Its error is bounded along W, for all steps at once; the executions' own estimate covers the
products and sums of tangents, and `drift` what the rounding of W itself does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.error_bounds import TINY, UNIT, bounds_along
from causalopt.effects.signed_errors import signed_errors
from causalopt.engine.adjoint import whole_baseline
from causalopt.engine.contract import Bools, Floats, Plan, Tangents
from causalopt.engine.executions import execution
from causalopt.engine.linearization import linearize
from causalopt.model.template import Structure

_FEW = 2.0**-45  # eight bits lost


def with_slopes(structure: Structure, plan: Plan, run: Tangents) -> tuple[Floats, Floats]:
    """Return the errors of a run's tangents, total and direct, with those of its slopes.

    Only where a slope lost more than a few bits are they carried along.
    """
    errors = run.total_error, run.direct_error
    found = slope_errors(structure, plan, run.values)
    moves = run.total.any(axis=1) | run.direct.any(axis=1)
    if not (_lost(found, len(run.values)) & moves).any():
        return errors
    slopes = whole_baseline(execution(run.execution), structure, plan).slopes
    with np.errstate(over="ignore", invalid="ignore"):  # an error past all floats doubts all
        more = signed_errors(structure, plan, run, slopes, found)
        total, direct = (np.abs(e) + m / UNIT for e, m in zip(errors, more, strict=True))
        return total, direct


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

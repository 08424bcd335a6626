"""The adjoint: what reverse sweeps share, whatever runs them.

A sweep goes from the last step to the first over the local derivatives of W, the full one and the
one that avoids A side by side. It reads W in stretches, the last one first: generated Python and
numpy keep every step, machine code runs blocks of steps again, so that its memory is O(block).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Adjoint, Execution
from causalopt.engine.linearization import linearize
from causalopt.engine.plan import Bools, Floats, Plan
from causalopt.language.term import Term
from causalopt.model.template import Structure


@dataclasses.dataclass(frozen=True)
class Baseline:
    """W along some steps.

    Attributes:
        first: The first step.
        values: W, shape [t, equation].
        slopes: The local derivatives in the order of `linearize`, shape [t, partial].
        closed: Whether the gap of a kink is closed, in the order of `moving_gaps`, shape [t, gap].
    """

    first: int
    values: Floats
    slopes: Floats
    closed: Bools

    @classmethod
    def of(cls, structure: Structure, first: int, values: Floats, extras: Floats) -> Baseline:
        """Return what a run with the terms of `terms_of` found."""
        count = len(linearize(structure).partials)
        return cls(first, values, extras[:, :count], extras[:, count:] != 0)


class ReverseSweep(Protocol):
    """One way to sweep; it goes on where the last stretch began.

    Attributes:
        execution: What runs it.
    """

    execution: str

    def over(self, baseline: Baseline, table: Floats, exponents: NDArray[np.int64]) -> None:
        """Go back over a stretch: fill adjoints and errors [t, V, 4] and their exponents [t, 2]."""


def terms_of(structure: Structure) -> tuple[Term, ...]:
    """Return the terms a sweep reads: the local derivatives, and which gaps are closed."""
    linear = linearize(structure)
    gaps: list[Term] = []
    for gap in linear.moving_gaps:
        equal = Term.of("eq", gap.kink.left, gap.kink.right)
        gaps.append(equal if gap.kink.guard is None else Term.of("and", equal, gap.kink.guard))
    return (*(partial.term for partial in linear.partials), *gaps)


def whole_baseline(execution: Execution, structure: Structure, plan: Plan) -> Baseline:
    """Return W with its local derivatives at every step."""
    plan = dataclasses.replace(plan, seed=None)
    run = execution.run_values(structure, plan, terms_of(structure))
    return Baseline.of(structure, 0, run.values, run.extras)


def cut_at(plan: Plan, t: int) -> Bools:
    """Return which equations let nothing through: forced ones; and those in A besides, [2, V]."""
    held = plan.held_at(t)
    forced = plan.forced[t] if t < len(plan.forced) else np.zeros_like(held)
    return np.stack([forced, forced | held])


def swept(
    sweep: ReverseSweep, baselines: Iterable[Baseline], plan: Plan, target: int, width: int
) -> Adjoint:
    """Return the adjoint that a sweep finds over a baseline, given in stretches from the end."""
    table = np.zeros((plan.steps + 1, width, 4))
    exponents = np.zeros((plan.steps + 1, 2), dtype=np.int64)
    nonfinite, value = False, math.nan
    closed: list[NDArray[np.intp]] = [np.empty((0, 2), dtype=np.intp)]
    for baseline in baselines:
        first, stop = baseline.first, baseline.first + len(baseline.values)
        if stop == plan.steps + 1:
            value = float(baseline.values[-1, target])
        closed.append(np.argwhere(baseline.closed) + np.array([first, 0]))
        nonfinite |= not np.isfinite(baseline.values).all()
        sweep.over(baseline, table[first:stop], exponents[first:stop])
    total, direct, total_error, direct_error = np.moveaxis(table, 2, 0)
    return Adjoint(
        total=total,
        direct=direct,
        total_error=total_error,
        direct_error=direct_error,
        exponents=exponents,
        values=value,
        closed=np.concatenate(closed),
        nonfinite=nonfinite,
        execution=sweep.execution,
    )

"""The local derivatives along a baseline, block by block from the end: what a reverse sweep reads.

A first pass keeps the state at the start of each block, then each block is run again when it is
needed: memory is O(block + steps / block) rows instead of one row a step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.executions import choose, run_values
from causalopt.engine.linearization import linearize
from causalopt.engine.plan import Floats, Plan
from causalopt.language.term import Term
from causalopt.model.template import Structure

BLOCK = 1 << 14


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
    closed: NDArray[np.bool_]


def terms_of(structure: Structure) -> tuple[tuple[Term, ...], int]:
    """Return the terms a reverse sweep needs, and how many of them are local derivatives."""
    linear = linearize(structure)
    gaps: list[Term] = []
    for gap in linear.moving_gaps:
        equal = Term.of("eq", gap.kink.left, gap.kink.right)
        gaps.append(equal if gap.kink.guard is None else Term.of("and", equal, gap.kink.guard))
    return (*(partial.term for partial in linear.partials), *gaps), len(linear.partials)


def whole_baseline(structure: Structure, plan: Plan, *, execution: str | None = None) -> Baseline:
    """Return W with its local derivatives at every step."""
    terms, count = terms_of(structure)
    run = run_values(structure, plan, terms, execution=execution)
    return _baseline(0, run.values, run.extras, count)


def baselines_backwards(
    structure: Structure, plan: Plan, block: int = BLOCK, *, execution: str | None = None
) -> Iterator[Baseline]:
    """Yield W with its local derivatives block by block, the last block first."""
    terms, count = terms_of(structure)
    chosen = execution or choose(structure, plan, "tangents")
    if plan.steps < block or chosen != "llvm":
        yield whole_baseline(structure, plan, execution=execution)
        return
    from causalopt.engine.machine.trajectory import Replay

    replay = Replay(structure, plan, terms, block)
    for first, values, extras in replay.backwards():
        yield _baseline(first, values, extras, count)


def _baseline(first: int, values: Floats, extras: Floats, count: int) -> Baseline:
    return Baseline(first, values, extras[:, :count], extras[:, count:] != 0)

"""The adjoint: what reverse sweeps share, and the one that runs in generated Python.

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

from causalopt.engine.contract import Adjoint, Bools, Execution, Floats, Plan
from causalopt.engine.linearization import linearize
from causalopt.engine.program import read_by
from causalopt.engine.rescaling import HUGE, RESCALE, TINY, divided, largest, power_of
from causalopt.engine.source import reverse_kernel
from causalopt.language.term import Term
from causalopt.model.template import Structure
from causalopt.work.progress import tick


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
    sweep: ReverseSweep,
    baselines: Iterable[Baseline],
    structure: Structure,
    plan: Plan,
    target: int,
) -> Adjoint:
    """Return the adjoint that a sweep finds over a baseline, given in stretches from the end."""
    table = np.empty((plan.steps + 1, len(structure.names), 4))
    exponents = np.empty((plan.steps + 1, 2), dtype=np.int64)
    value = math.nan
    closed: list[NDArray[np.intp]] = [np.empty((0, 2), dtype=np.intp)]
    # A slope of what the target never reads may be infinite, and 0 times it NaN.
    read = read_by(structure, [target])
    unread = [k for k, p in enumerate(linearize(structure).partials) if p.child not in read]
    for baseline in baselines:
        first, stop = baseline.first, baseline.first + len(baseline.values)
        if stop == plan.steps + 1:
            value = float(baseline.values[-1, target])
        closed.append(np.argwhere(baseline.closed) + np.array([first, 0]))
        baseline.slopes[:, unread] = 0.0
        sweep.over(baseline, table[first:stop], exponents[first:stop])
        tick(plan.steps + 1 - first, plan.steps + 1)
    # Side by side they are written, and read one by one.
    total, direct, total_error, direct_error = np.ascontiguousarray(np.moveaxis(table, 2, 0))
    return Adjoint(
        total=total,
        direct=direct,
        total_error=total_error,
        direct_error=direct_error,
        exponents=exponents,
        values=value,
        closed=np.concatenate(closed),
        execution=sweep.execution,
    )


class PythonSweep:
    """A reverse sweep by generated Python."""

    execution = "python"

    def __init__(self, structure: Structure, plan: Plan, target: int) -> None:
        self._plan, self._width, self._seed = plan, len(structure.names), target
        self._code = reverse_kernel(structure)
        self._state = [0.0] * self._code.size
        self._rings = [[0.0] * depth for _ in range(4) for depth in self._code.depths]
        self._witness: list[tuple[int, int] | None] = [None, None]
        self._shift = [0, 0]

    def over(self, baseline: Baseline, table: Floats, exponents: NDArray[np.int64]) -> None:
        """Go back over a stretch of steps; its rows are filled in."""
        first = baseline.first
        for t1 in range(first + len(table), first, -RESCALE):
            t0 = max(t1 - RESCALE, first)
            rows: list[tuple[float, ...]] = []
            cut = [
                tuple(cut_at(self._plan, low).tolist())
                for low, high in self._plan.alike
                for _ in range(max(low, t0), min(high, t1))
            ]
            slopes = baseline.slopes[t0 - first : t1 - first].tolist()
            given = self._state, self._rings, slopes, cut, rows, self._seed
            swept = self._code.sweep(t0, t1, *given)
            self._state, self._seed = list(swept), -1
            block = np.array(rows[::-1]).reshape(t1 - t0, 4, self._width)
            table[t0 - first : t1 - first] = block.transpose(0, 2, 1)
            exponents[t0 - first : t1 - first] = self._shift
            self._rescale(t0, t1)

    def _rescale(self, t0: int, t1: int) -> None:
        """Bring adjoints back near 1; the errors they carry follow."""
        state, size, count = self._state, len(self._state) // 4, len(self._code.depths)
        for world in (0, 1):
            parts = [slice(k * size, (k + 1) * size) for k in (world, 2 + world)]
            power = power_of(self._largest(world, largest(state[parts[0]]), t0, t1))
            if power:
                self._shift[world] += power
                for part in parts:
                    state[part] = divided(state[part], power)
                for k in (world, 2 + world):
                    for ring in self._rings[k * count : (k + 1) * count]:
                        ring[:] = divided(ring, power)

    def _largest(self, world: int, near: float, t0: int, t1: int) -> float:
        """Return the largest size among adjoints, those that wait in rings too.

        All were in range after the block before: what this block changed is looked at, and the rest
        only where that is too small and the largest of the last look is gone.
        """
        count = len(self._code.depths)
        if not count:
            return near
        rings = self._rings[world * count : (world + 1) * count]
        changed = (
            abs(rings[k][(t - lag) % len(rings[k])])
            for k, lag in self._code.far
            for t in range(t0, t1)
        )
        top = max(near, max(changed))
        seen = self._witness[world]
        waiting = abs(rings[seen[0]][seen[1]]) if seen is not None else 0.0
        if TINY < top < HUGE or (top < HUGE and TINY < waiting < HUGE):
            return max(top, waiting)
        tops = [largest(ring) for ring in rings]
        k = tops.index(max(tops))
        sizes = [abs(value) for value in rings[k]]
        self._witness[world] = (k, sizes.index(tops[k])) if tops[k] in sizes else None
        return max(near, tops[k])

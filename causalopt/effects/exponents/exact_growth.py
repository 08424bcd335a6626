"""Growth of m's tangent by n in rationals: where it is 0 for ever, or constant maps make its rate.

In floats a rank or a sum below rounding may be 0 or not. Three things decide it without rounding: a
tangent of the whole state that vanishes stays 0; an effect that vanishes whatever the slopes that
move with W are; and with constant maps the shortest recurrence that m's tangent satisfies.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Collection
from fractions import Fraction

import numpy as np

from causalopt.effects.doubts.exact_slopes import Exact, ExactSlopes, plus, product
from causalopt.effects.exponents.recurrences import log_largest_root, shortest_recurrence
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.jacobians import StepDerivative
from causalopt.engine.linearization import Partial, linearize
from causalopt.language.term import REFERENCES, Term, leaves
from causalopt.model.template import Template

PRIME = 2**127 - 1
_ZERO = Fraction(0)
_ALONG = 256  # directions of a run that are carried on, beside those that a rank needs
_MOST_SLOTS = 64


@dataclasses.dataclass(frozen=True)
class ExactRun:
    """A run whose slopes may be asked for in rationals.

    Attributes:
        template: The model's template.
        plan: The run.
        values: W in floats, shape [t, V].
    """

    template: Template
    plan: Plan
    values: Floats

    @property
    def settled(self) -> int:
        """The first step whose equations all follow their rules, with all lags within the run."""
        return max(len(self.plan.forced), self.template.max_lag)


def exact_growth(
    run: ExactRun, slopes: Floats, path: Bools, question: tuple[int, int, int]
) -> float | None:
    """Return the growth of m's tangent per step in the long run, if it is known without rounding.

    It is -inf where the tangent is 0 from some step on, and None where it is not known. The zeros
    of maps that move with W are those of polynomials, found by their values at random places modulo
    2^127 - 1 (Schwartz 1980): one is wrong with a probability below 1e-30.

    Args:
        run: The run.
        slopes: Its local derivatives in floats, shape [t, partial].
        path: The equations on the way from n to m in this world, shape [V].
        question: The step of n, its equation and that of m.
    """
    step = StepDerivative(run.template.structure, ~path)
    found = _along_the_run(run, slopes, path, question, step.size)
    if found is None and step.size <= _MOST_SLOTS and _always_vanishes(run, step, question):
        return -math.inf
    return found


def _along_the_run(
    run: ExactRun, slopes: Floats, path: Bools, question: tuple[int, int, int], size: int
) -> float | None:
    begin, source, target = question
    exact, places = ExactSlopes(run.template, run.plan, run.values), np.flatnonzero(path)
    lags, settled = max(run.template.max_lag, 1), max(run.settled, begin + 1)
    is_constant = exact.is_constant or _are_alike(slopes[settled:])
    rows: list[dict[int, Exact]] = []
    maps = None
    for t in range(len(run.values)):
        found = exact.at(t)
        if found is None:
            return None
        rows.append(dict.fromkeys(places.tolist(), _ZERO))
        for i in places.tolist() if t >= begin else ():
            seed = Fraction(int((t, i) == (begin, source)))
            rows[t][i] = plus(_summed(found.get(i, []), rows, t), seed)
        if t < settled + lags:
            continue
        if all(value == 0 for row in rows[-lags:] for value in row.values()):
            return -math.inf
        maps = maps or found
        is_constant = is_constant and found == maps
        tail = [row[target] for row in rows[settled:]]
        known = [value for value in tail if value is not None]
        if is_constant and len(tail) > 2 * (size + 1) and len(known) == len(tail):
            return log_largest_root(shortest_recurrence(known))
    return None


def _summed(partials: list[tuple[Partial, Exact]], rows: list[dict[int, Exact]], t: int) -> Exact:
    total: Exact = _ZERO
    for partial, value in partials:
        if partial.lag <= t and partial.parent in rows[t]:
            total = plus(total, product(value, rows[t - partial.lag][partial.parent]))
    return total


def _are_alike(slopes: Floats) -> bool:
    return bool((slopes == slopes[:1]).all())


class _Residues:
    """Steps modulo a prime: slopes that are known as they are, others drawn at random.

    Args:
        run: The run.
        step: The derivative of a step.
    """

    def __init__(self, run: ExactRun, step: StepDerivative) -> None:
        self._run, self._step = run, step
        self._partials = linearize(run.template.structure).partials
        self._exact = ExactSlopes(run.template, run.plan, run.values)
        self._draws = random.Random(0)
        self._fixed: dict[Term, int] = {}

    def slopes(self, t: int, *, along: bool) -> list[int]:
        """Return a step's slopes: as at step t, or of constants alone and the others at random."""
        known = self._exact.at(t) if along and t < len(self._run.values) else None
        rows = {(p.child, p.parent, p.lag): x for row in (known or {}).values() for p, x in row}
        drawn: dict[Term, int] = {}
        found = []
        for partial in self._partials:
            value = rows.get((partial.child, partial.parent, partial.lag))
            if value is not None and value.denominator % PRIME:
                found.append(_residue(value))
            elif _moves(partial.term):
                found.append(drawn.setdefault(partial.term, self._draws.randrange(1, PRIME)))
            else:
                found.append(self._constant(partial.term))
        return found

    def _constant(self, term: Term) -> int:
        if term not in self._fixed:
            value = self._exact.value(term, 0)
            is_known = value is not None and value.denominator % PRIME
            drawn = self._draws.randrange(1, PRIME)
            self._fixed[term] = _residue(value) if value is not None and is_known else drawn
        return self._fixed[term]

    def carry(
        self,
        slopes: list[int],
        state: list[int],
        *,
        blocked: Collection[int] = (),
        seed: int | None = None,
    ) -> tuple[list[int], list[int]]:
        """Return the next state and all equations' tangents, as `StepDerivative.carry` does."""
        made = self._step.products
        width = len(made.offsets) - 1
        now = [0] * width + state
        columns, sources = made.columns.tolist(), made.sources.tolist()
        for i, (low, high) in enumerate(itertools.pairwise(made.offsets.tolist())):
            terms = () if i in blocked else range(low, high)
            now[i] = sum(slopes[columns[k]] * now[sources[k]] for k in terms) + (i == seed)
            now[i] %= PRIME
        return [now[k] for k in made.memory.tolist()], now[:width]


def _residue(value: Fraction) -> int:
    return value.numerator * pow(value.denominator, -1, PRIME) % PRIME


def _moves(term: Term) -> bool:
    is_clock = any(leaf.op in {"t", "time"} for leaf in leaves(term))
    return bool(term.holds & REFERENCES) or is_clock


def _always_vanishes(run: ExactRun, step: StepDerivative, question: tuple[int, int, int]) -> bool:
    """Whether m's tangent is 0 in the end, whatever the slopes that move are.

    What the steps make of n's tangent spans all it can within as many steps as there are slots, and
    what they lose is lost within as many.
    """
    begin, source, target = question
    residues = _Residues(run, step)
    state = [0] * step.size
    start = max(run.settled, begin + 1)
    for t in range(begin, start + 2 * step.size + 1):
        blocked = np.flatnonzero(run.plan.forced[t]) if t < len(run.plan.forced) else ()
        seed = source if t == begin else None
        slopes = residues.slopes(t, along=False)
        state, made = residues.carry(slopes, state, blocked=set(blocked), seed=seed)
        if t >= start + step.size and made[target]:
            return False
    return True


def longest_lived(run: ExactRun, held: Bools, least: int) -> int:
    """Return a number of directions beyond which all die: the rank of many steps' maps together.

    Slopes that are not known exactly are taken at random, which leaves the rank as large as any.

    Args:
        run: The run.
        held: Which equations carry nothing, shape [V].
        least: A number that need not be undercut.
    """
    step = StepDerivative(run.template.structure, held)
    if step.size > _MOST_SLOTS:
        return step.size
    residues = _Residues(run, step)
    basis = [[int(i == k) for i in range(step.size)] for k in range(step.size)]
    for t in range(run.settled + step.size + _ALONG // step.size):
        slopes = residues.slopes(t, along=True)
        if t < run.settled:
            continue
        basis = _independent([residues.carry(slopes, vector)[0] for vector in basis])
        if len(basis) <= least:
            break
    return len(basis)


def _independent(vectors: list[list[int]]) -> list[list[int]]:
    """Return vectors that span the same space modulo the prime, in echelon form."""
    found: list[tuple[int, list[int]]] = []
    for vector in vectors:
        rest = vector
        for place, row in found:
            if rest[place]:
                rest = [(x - rest[place] * y) % PRIME for x, y in zip(rest, row, strict=True)]
        filled = [k for k, x in enumerate(rest) if x]
        if filled:
            inverse = pow(rest[filled[0]], -1, PRIME)
            found.append((filled[0], [x * inverse % PRIME for x in rest]))
    return [row for _, row in found]

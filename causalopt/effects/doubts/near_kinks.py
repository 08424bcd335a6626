"""Branches that W's rounding may have taken wrongly: W on a kink, or close beside one.

A gap between two compared numbers that is no larger than what W may be wrong by is asked again in
slopes. It may be open on W's side: nothing changes. It may be closed: W is on a kink, which
floats missed. It may be open on the other side, or where floats had it closed: the effects of the
rationals stand. What rationals do not know stays doubtful: a kink to within rounding where the
nudge moves the gap, else an effect that is unresolved.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

from causalopt.effects.doubts.error_bounds import bounds_along
from causalopt.effects.doubts.exact_slopes import ExactSlopes
from causalopt.effects.doubts.zeros import Pair, exact_tangents
from causalopt.engine.adjoint import whole_baseline
from causalopt.engine.contract import Bools, Floats, Plan, Tangents
from causalopt.engine.executions import execution
from causalopt.engine.linearization import Gap, linearize
from causalopt.model.reach import reachable
from causalopt.model.template import Structure, Template

# A twin says what W's error is like, not how large it may be: signs that are all the same, where a
# rule rounds alike at every step, add up faster than those of a twin, by the root of their number.
_MARGIN = 4
_LARGEST = 2.0**-20  # relative; past it W is not known, and its twin says so


@dataclasses.dataclass(frozen=True)
class NearKinks:
    """What is known of the branches that rounding decided.

    Attributes:
        kinks: Nodes whose tangents pass a gap that is closed to within rounding, [t, equation].
        first: The first such gap: (step, place in `moving_gaps`), None for none.
        exact: Nodes whose effects.doubts.exact_slopes gave -> the total and the direct one.
        doubtful: Nodes that follow from a branch which nothing decides, [t, equation].
        open: Gaps that floats have closed and rationals open: (step, equation).
    """

    kinks: Bools
    first: tuple[int, int] | None
    exact: dict[tuple[int, int], tuple[Fraction, Fraction]]
    doubtful: Bools
    open: frozenset[tuple[int, int]]


def near_kinks(
    template: Template, plan: Plan, run: Tangents, moved: Floats, read: Bools
) -> NearKinks | None:
    """Return what rounding decided in a run, None where it decided nothing.

    Args:
        template: The model's template.
        plan: The run; its seed is the nudged node.
        run: Its tangents.
        moved: What W may be wrong by, shape [t, equation], of the first steps or of all.
        read: The equations that count, shape [equation].
    """
    gaps = linearize(template.structure).moving_gaps
    if not any(read[gap.child] for gap in gaps):
        return None
    near = suspects(template.structure, plan, run.values, moved, read)
    if not near:
        return None
    sides = _sides(template, plan, run, near)
    tied: list[tuple[int, int]] = []
    wrong: list[tuple[int, int]] = []
    lost: list[tuple[int, int]] = []
    for place, side in near.items():
        exact = sides[place]
        if exact == side:
            continue
        moves = _moves(gaps[place[1]], run, place[0])
        if moves and not exact:
            tied.append(place)
        else:
            (lost if exact is None else wrong).append(place)
    if not tied and not wrong and not lost:
        return None
    pairs: list[list[Pair]] = []
    if wrong:
        slopes = ExactSlopes(template, plan, run.values)
        pairs += exact_tangents(slopes, plan, run.values.shape[1], plan.steps)
    return _settled(template, plan, run, pairs, tied, wrong, lost)


def _sides(
    template: Template, plan: Plan, run: Tangents, near: dict[tuple[int, int], int]
) -> dict[tuple[int, int], int | None]:
    """Return the sides of gaps in rationals, None where those do not know."""
    gaps = linearize(template.structure).moving_gaps
    slopes = ExactSlopes(template, plan, run.values)
    sides: dict[tuple[int, int], int | None] = dict.fromkeys(near)
    asked: dict[int, list[tuple[int, int]]] = {}
    for place in near:
        asked.setdefault(place[0], []).append(place)
    for t in range(max(asked) + 1):
        if not slopes.advance(t):
            break
        for place in asked.get(t, ()):
            sides[place] = _side(slopes, gaps[place[1]], t)
    return sides


def _settled(
    template: Template,
    plan: Plan,
    run: Tangents,
    pairs: list[list[Pair]],
    tied: list[tuple[int, int]],
    wrong: list[tuple[int, int]],
    lost: list[tuple[int, int]],
) -> NearKinks:
    gaps = linearize(template.structure).moving_gaps
    kinks = _carried(template.structure, plan, run, tied) if tied else _none(run)
    doubtful = _below(template, plan, run, lost) & ~kinks
    exact: dict[tuple[int, int], tuple[Fraction, Fraction]] = {}
    for t, i in np.argwhere(_below(template, plan, run, wrong) & ~kinks & ~doubtful).tolist():
        pair = pairs[t][i] if t < len(pairs) else (None, None)
        total, direct = pair
        if total is None or direct is None:
            doubtful[t, i] = True
        else:
            exact[t, i] = total, direct
    return NearKinks(
        kinks,
        min(tied, default=None),
        exact,
        doubtful,
        frozenset((t, gaps[g].child) for t, g in wrong),
    )


def suspects(
    structure: Structure, plan: Plan, values: Floats, moved: Floats, read: Bools
) -> dict[tuple[int, int], int]:
    """Return (step, gap) -> the side W is on, -1, 0 or 1, where rounding may have decided it.

    Args:
        structure: The template's rules.
        plan: The run.
        values: W, shape [t, equation].
        moved: What W may be wrong by, shape [t, equation], of the first steps or of all.
        read: The equations that count, shape [equation].
    """
    gaps = linearize(structure).moving_gaps
    count = len(moved)
    margin = _MARGIN * np.sqrt(1.0 + np.arange(count))
    found: dict[tuple[int, int], int] = {}
    for number, gap in enumerate(gaps):
        if not read[gap.child]:
            continue
        kink = gap.kink
        terms = [kink.left, kink.right, *(slope.term for slope in gap.slopes)]
        terms += [kink.guard] if kink.guard is not None else []
        known = bounds_along(structure, plan, values[:count], terms)
        (left, own), (right, more) = known[:2]
        if kink.right.op in {"floor", "ceil"}:
            right, more = np.rint(left), 0.0
        with np.errstate(all="ignore"):
            doubt = np.broadcast_to(own + more, count).astype(float)
            scale = np.abs(left) + np.abs(right)
            for slope, (size, _) in zip(gap.slopes, known[2:], strict=False):
                w, e = (
                    _lagged(table[:, slope.parent], slope.lag) for table in (values[:count], moved)
                )
                doubt = doubt + np.abs(size) * e
                scale = scale + np.abs(size * w)
            apart = left - right
            near = (
                (np.abs(apart) <= margin * doubt)
                & (doubt > 0)
                & (margin * doubt <= _LARGEST * scale)
            )
        if kink.guard is not None:
            near &= known[-1][0] != 0
        near = np.broadcast_to(near, count).copy()
        near[: len(plan.forced)] &= ~plan.forced[:count, gap.child]
        apart = np.broadcast_to(apart, count)
        found |= {(int(t), number): int(np.sign(apart[t])) for t in np.flatnonzero(near)}
    return dict(sorted(found.items()))


def _lagged(column: Floats, lag: int) -> Floats:
    return np.concatenate([np.full(min(lag, len(column)), np.nan), column])[: len(column)]


def _side(slopes: ExactSlopes, gap: Gap, t: int) -> int | None:
    left = slopes.value(gap.kink.left, t)
    right = slopes.value(gap.kink.right, t)
    if left is not None and gap.kink.right.op in {"floor", "ceil"}:
        right = Fraction(round(left))
    if left is None or right is None:
        return None
    return int(left > right) - int(left < right)


def _moves(gap: Gap, run: Tangents, t: int) -> bool:
    """Whether the nudge moves a gap's sides against each other, by some path."""
    return any(
        s.lag <= t and bool(run.total[t - s.lag, s.parent] or run.direct[t - s.lag, s.parent])
        for s in gap.slopes
    )


def _none(run: Tangents) -> Bools:
    return np.zeros(run.values.shape, dtype=bool)


def _below(template: Template, plan: Plan, run: Tangents, places: list[tuple[int, int]]) -> Bools:
    """Return the nodes that follow from branches, [t, equation]."""
    if not places:
        return _none(run)
    gaps = linearize(template.structure).moving_gaps
    starts: dict[int, set[int]] = {}
    for t, number in places:
        starts.setdefault(t, set()).add(gaps[number].child)
    return reachable(template, plan, avoid_held=False, starts=starts).table


def _carried(
    structure: Structure, plan: Plan, run: Tangents, places: list[tuple[int, int]]
) -> Bools:
    """Return the nodes that a path with a slope joins to branches, [t, equation]."""
    linear = linearize(structure)
    slopes = whole_baseline(execution(run.execution), structure, plan).slopes
    starts = {(t, linear.moving_gaps[number].child) for t, number in places}
    first, width = places[0][0], run.values.shape[1]
    rows = [[False] * width for _ in range(first)]
    for t in range(first, plan.steps + 1):
        closed = plan.forced[t].tolist() if t < len(plan.forced) else [False] * width
        row = [(t, i) in starts and not closed[i] for i in range(width)]
        rows.append(row)
        step = slopes[t].tolist()
        for slope, partial in zip(step, linear.partials, strict=True):  # in the order of a step
            if slope != 0.0 and not closed[partial.child] and partial.lag <= t:
                row[partial.child] = row[partial.child] or rows[t - partial.lag][partial.parent]
    return np.array(rows)

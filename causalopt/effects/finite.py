"""The effect of a nudge of finite size, by running W, X and Y and taking differences."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from causalopt.effects.asked import Asked
from causalopt.effects.doubts.error_bounds import EPSILON
from causalopt.effects.doubts.exact_worlds import exact_differences
from causalopt.effects.doubts.finite_rounding import Copy, difference_errors
from causalopt.effects.doubts.hidden_nans import first_hidden, hidden_nans
from causalopt.effects.doubts.own_rounding import near_text
from causalopt.effects.limit import read_by
from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.linearization import linearize
from causalopt.language.algebra import ONE
from causalopt.language.term import Term
from causalopt.model.model import Model
from causalopt.model.reach import reachable
from causalopt.worlds.world import World, three_worlds, worlds_along

_SHORT = 500  # node-updates of a run whose worlds are computed again as fractions where need be


def finite_effect(
    asked: Asked, delta: float
) -> tuple[tuple[World, World, World], Callable[[], Effect]]:
    """Return W, X and Y, and what gives the difference quotients of m with their statuses.

    Args:
        asked: The question.
        delta: The nudge's size.
    """
    worlds = three_worlds(
        asked.model,
        nudge=asked.nudge,
        hold=asked.hold,
        steps=asked.steps,
        delta=delta,
        given=asked.given,
        seed=asked.seed,
        extras=_branches(asked.model)[1],
    )
    return worlds, functools.partial(_effect_of, asked, delta, worlds)


def effect_along(asked: Asked, delta: float, plan: Plan) -> Effect:
    """Return the effect of a finite nudge where W's plan is another than the question's own.

    Args:
        asked: The question.
        delta: The nudge's size.
        plan: W's run, to the question's last step; its seed is the nudged node.
    """
    worlds = worlds_along(
        asked.model,
        plan,
        nudge=asked.nudge,
        hold=asked.hold,
        delta=delta,
        extras=_branches(asked.model)[1],
    )
    return _effect_of(asked, delta, worlds)


def _effect_of(asked: Asked, delta: float, worlds: tuple[World, World, World]) -> Effect:
    template, target = asked.model.template, asked.target
    children = _branches(asked.model)[0]
    w, x, y = worlds
    i, plan = template.index[target], w.plan
    parted = [_parted(w, other, children) for other in (x, y)]
    kinks = np.zeros(asked.steps + 1, dtype=bool)
    for avoid, found in enumerate(parted):
        starts: dict[int, set[int]] = {}
        for t, gap in np.argwhere(found).tolist():
            starts.setdefault(t, set()).add(children[gap])
        if starts:
            kinks |= reachable(template, plan, avoid_held=avoid == 1, starts=starts).of(i)
    read = read_by(asked.model, [i])
    first = np.argwhere((parted[0] | parted[1]) & read[children])
    names = tuple(equation.owner for equation in template.equations)
    bad = min(
        (b for b in (first_nonfinite(names, x.table, read) for x in worlds) if b),
        key=lambda b: b[1],
        default=None,
    )
    finite = np.all(np.isfinite([world.table[:, i] for world in worlds]), axis=0)
    if not (bad and bad[2]):
        for world in worlds:
            hidden = hidden_nans(template, world.plan, world.table, read)
            if hidden is not None:
                finite &= ~hidden[:, i]
                bad = first_hidden(template, hidden, bad)
    total, direct = _parts(worlds, delta, i)
    return Effect(
        total=total,
        direct=direct,
        held=plan.held_table[:, i],
        finite=finite,
        kinks=kinks,
        kink=near_text(template, *map(int, first[0])) if len(first) and kinks.any() else None,
        nonfinite=bad[:2] if bad else None,
        overflowed=bool(bad and bad[2]),
        execution=w.trajectory.execution,
    )


def _branches(model: Model) -> tuple[list[int], tuple[Term, ...]]:
    """Return the equations with branches, and terms that change exactly where one is taken anew.

    The second half of the terms says whether each branch is read at all.
    """
    gaps = linearize(model.template.structure).moving_gaps
    signs = [
        gap.kink.right
        if gap.kink.right.op in {"floor", "ceil"}
        else Term.of("sign", Term.of("sub", gap.kink.left, gap.kink.right))
        for gap in gaps
    ]
    return [gap.child for gap in gaps], (*signs, *(gap.kink.guard or ONE for gap in gaps))


def _parted(w: World, other: World, children: list[int]) -> Bools:
    """Return where two worlds took different branches, where rules are followed, [t, gap]."""
    if not children:
        return np.zeros((len(w.table), 0), dtype=bool)
    count, forced = len(children), other.plan.forced
    mine, theirs = w.trajectory.extras, other.trajectory.extras
    differs: Bools = mine[:, :count] != theirs[:, :count]
    differs &= ~(np.isnan(mine[:, :count]) & np.isnan(theirs[:, :count]))
    differs &= (mine[:, count:] != 0) | (theirs[:, count:] != 0)
    differs[: len(forced)] &= ~forced[:, children]
    return differs


def _parts(worlds: tuple[World, World, World], delta: float, i: int) -> tuple[Part, Part]:
    """Return the total and the direct effect on an equation, with what rounding may have moved."""
    w, x, y = worlds
    template = w.model.template
    copies = [Copy(world.plan, world.table) for world in worlds]
    errors = difference_errors(template, copies, delta, i)
    total = _part(w, x, delta, i, errors[0], avoid=False)
    direct = _part(w, y, delta, i, errors[1], avoid=True)
    if not template.is_static and w.table.size > _SHORT:
        return total, direct
    exact = exact_differences(template, w.plan, (w.table, x.table, y.table), delta, i)
    # Both at once, so that their quotient is not of one that is exact and one that is rounded.
    lost = (total.is_unresolved | direct.is_unresolved) & np.isfinite(total.mantissa)
    lost &= np.isfinite(direct.mantissa)
    places = np.flatnonzero(lost).tolist()
    total, direct = (
        part.settled({(t,): known[t] for t in places if t in known})
        for part, known in zip((total, direct), exact, strict=True)
    )
    return total, direct


def _part(w: World, other: World, delta: float, i: int, error: Floats, *, avoid: bool) -> Part:
    has_path = reachable(w.model.template, w.plan, avoid_held=avoid).of(i)
    before, after = w.table[:, i], other.table[:, i]
    with np.errstate(invalid="ignore", over="ignore"):
        difference = after - before
        own = np.fmax(error, EPSILON * np.maximum(np.abs(before), np.abs(after)))
        mantissa = difference / delta
        own = np.where(has_path, own, 0.0) / abs(delta)
    # A difference of exactly 0 along a path may be a small one that rounding took.
    exponent = np.zeros(len(mantissa), dtype=np.int64)
    return Part(mantissa, exponent, own, has_path, has_path)

"""The effect of one n on one m or on all, made of tangents carried along W."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from causalopt.effects.measures import Effect, Part, first_nonfinite
from causalopt.effects.reach import reachable
from causalopt.engine.contract import Bools, Plan, Tangents
from causalopt.engine.linearization import linearize
from causalopt.model.model import Model
from causalopt.model.template import Template, ancestors

if TYPE_CHECKING:
    from causalopt.engine.one_sided import Tie

_MOST_COLUMNS = 64  # variables whose own ancestors are told apart when W's rounding is followed


def forward_effect(model: Model, plan: Plan, run: Tangents, columns: int | list[int]) -> Effect:
    """Return what a run says of one variable, shape [t], or of several, [t, variable].

    Args:
        model: The model.
        plan: The run; its seed is n.
        run: Its tangents.
        columns: The measured equations.
    """
    template = model.template
    places = [columns] if isinstance(columns, int) else columns
    read = read_by(model, places)
    ties: dict[tuple[int, int], Tie] = {}
    tangents, errors = (run.total, run.direct), (run.total_error, run.direct_error)
    if run.kink is not None:
        from causalopt.engine.one_sided import one_sided

        sided = one_sided(template.structure, plan, run)
        tangents, ties = (sided.total, sided.direct), sided.ties
    if linearize(template.structure).cancelling:
        from causalopt.effects.cancellation import with_slopes

        errors = with_slopes(template.structure, plan, run)
    total, direct = (
        Part.of_tangents(
            mantissa[:, places],
            run.exponents[:, [world]],
            error[:, places],
            reachable(template, plan, avoid_held=world == 1)[:, places],
        )
        for world, (mantissa, error) in enumerate(zip(tangents, errors, strict=True))
    )
    doubted = np.argwhere(total.doubted | direct.doubted)
    if len(doubted):
        from causalopt.effects.zeros import exact_zeros

        zeros = exact_zeros(template, plan, run.values, int(doubted[:, 0].max()))
        total, direct = total.proved(zeros[0][:, places]), direct.proved(zeros[1][:, places])
    kinks = np.zeros(run.values.shape, dtype=bool)
    if ties:
        kinks[tuple(np.array(list(ties)).T)] = True
    names = tuple(equation.owner for equation in template.equations)
    bad = first_nonfinite(names, np.where(read, run.values, 0.0))
    shown = {node: tie for node, tie in ties.items() if node[1] in places}
    effect = Effect(
        total,
        direct,
        held=plan.held_table[:, places],
        finite=np.isfinite(run.values[:, places]),
        kinks=kinks[:, places],
        kink=_described(template, min(set(shown.values()), default=None)),
        nonfinite=bad[:2] if bad else None,
        overflowed=bool(bad and bad[2]),
        execution=run.execution,
    )
    if linearize(template.structure).drifting & frozenset(np.flatnonzero(read).tolist()):
        effect = _with_rounding(model, plan, run, places, effect, shown)
    return effect.column() if isinstance(columns, int) else effect


def _with_rounding(
    model: Model,
    plan: Plan,
    run: Tangents,
    places: list[int],
    effect: Effect,
    ties: dict[tuple[int, int], Tie],
) -> Effect:
    """Return an effect with what the rounding of W itself does to it."""
    from causalopt.effects.drift import drift
    from causalopt.effects.near_kinks import near_kinks

    template = model.template
    read = read_by(model, places)
    own = len(places) <= _MOST_COLUMNS
    masks = [read_by(model, [i]) if own else read for i in places]
    found = drift(template, plan, run, places, masks)
    total, direct = effect.total.widened(found.total), effect.direct.widened(found.direct)
    near = near_kinks(template, plan, run, found.moved, read)
    kinks, kink, is_near = effect.on_kink, effect.kink, False
    if near is not None:
        lost = np.where(near.doubtful[:, places], np.inf, 0.0)
        known = [(t, places.index(i), pair) for (t, i), pair in near.exact.items() if i in places]
        total, direct = (
            part.widened(lost).settled({(t, k): pair[world] for t, k, pair in known})
            for world, part in enumerate((total, direct))
        )
        if all((tie.t, tie.equation) in near.open for tie in ties.values()):
            kinks, kink = near.kinks[:, places], None
        else:
            kinks = kinks | near.kinks[:, places]
        if near.first is not None and kinks.any() and (kink is None or near.first[0] < kink[1]):
            kink, is_near = near_text(template, *near.first), True
    before = effect.total.is_unresolved | effect.direct.is_unresolved
    grown = (total.is_unresolved | direct.is_unresolved) & ~before & ~kinks
    last = np.flatnonzero(~grown.any(axis=1)).max(initial=-1)
    return dataclasses.replace(
        effect,
        total=total,
        direct=direct,
        kinks=kinks,
        kink=kink,
        is_near=is_near,
        drifted=None if last == plan.steps else int(last) + 1,
    )


def near_text(template: Template, t: int, number: int) -> tuple[str, int, str]:
    """Return a gap as a variable, a step and what is compared."""
    from causalopt.language.text import to_text

    gap = linearize(template.structure).moving_gaps[number]
    sides = (to_text(side, static=template.is_static) for side in (gap.kink.left, gap.kink.right))
    return template.equations[gap.child].owner, t, " against ".join(sides)


def read_by(model: Model, columns: Iterable[int]) -> Bools:
    """Return which equations some can depend on, shape [equation]."""
    template = model.template
    read = np.zeros(len(template.equations), dtype=bool)
    for i in columns:
        read[[template.index[name] for name in ancestors(template, template.equations[i].name)]] = (
            True
        )
    return read


def _described(template: Template, tie: Tie | None) -> tuple[str, int, str] | None:
    if tie is None:
        return None
    from causalopt.language.text import to_text

    owner = template.equations[tie.equation].owner
    return owner, tie.t, to_text(tie.term, static=template.is_static)

"""An effect with what the rounding of W itself does to it: drift, and branches it decided."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.effects.drift import drift
from causalopt.effects.flat_kinks import flat_kinks
from causalopt.effects.measures import Effect
from causalopt.effects.near_kinks import near_kinks
from causalopt.engine.contract import Bools, Plan, Tangents
from causalopt.engine.linearization import linearize
from causalopt.language.text import to_text
from causalopt.model.template import Template

if TYPE_CHECKING:
    from causalopt.engine.one_sided import Tie


def with_rounding(
    template: Template,
    plan: Plan,
    run: Tangents,
    places: list[int],
    read: list[Bools],
    effect: Effect,
    ties: dict[tuple[int, int], Tie],
) -> Effect:
    """Return an effect with what the rounding of W itself does to it.

    Args:
        template: The model's template.
        plan: The run; its seed is n.
        run: Its tangents.
        places: The measured equations.
        read: For each of them the equations it depends on, shape [equation] each.
        effect: Their effects, shape [t, column].
        ties: The first tie on the paths to each node, as `one_sided` found them.
    """
    found = drift(template, plan, run, places, read)
    total, direct = effect.total.widened(found.total), effect.direct.widened(found.direct)
    near = near_kinks(template, plan, run, found.moved, np.any(read, axis=0))
    kinks, kink, is_near = effect.on_kink, effect.kink, False
    if near is not None:
        lost = np.where(near.doubtful[:, places], np.inf, 0.0)
        exact = [(t, places.index(i), pair) for (t, i), pair in near.exact.items() if i in places]
        total, direct = (
            part.widened(lost).settled({(t, k): pair[world] for t, k, pair in exact})
            for world, part in enumerate((total, direct))
        )
        if all((tie.t, tie.equation) in near.open for tie in ties.values()):
            kinks, kink = near.kinks[:, places], None
        else:
            kinks = kinks | near.kinks[:, places]
        if near.first is not None and kinks.any() and (kink is None or near.first[0] < kink[1]):
            kink, is_near = near_text(template, *near.first), True
    known = frozenset(ties) | {(tie.t, tie.equation) for tie in ties.values()}
    apart = frozenset() if near is None else near.open
    flat = flat_kinks(template, plan, run, np.any(read, axis=0), known, apart)
    kinks = kinks if flat is None else kinks | flat[:, places]
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
    gap = linearize(template.structure).moving_gaps[number]
    sides = (to_text(side, static=template.is_static) for side in (gap.kink.left, gap.kink.right))
    return template.equations[gap.child].owner, t, " against ".join(sides)

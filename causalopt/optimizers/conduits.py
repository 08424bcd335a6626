"""Sets with the same effect: one conduit of another, and supersets that add nothing."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from causalopt.effects.measures import measure, status_codes
from causalopt.engine.contract import Bools
from causalopt.optimizers.set_effects import SetEffects
from causalopt.optimizers.set_search import Ranked, as_tuples

_SAME = 1e-9  # nats, and of Op itself
_ROUNDS = 16

Members = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class ConduitTie:
    """Sets with one effect to rounding, that are one conduit: their unions have it as well.

    Attributes:
        op: Nats.
        comp: Comp.
        status: A key of `causalopt.STATUSES`.
        minimal: The sets of which no smaller one has the effect.
        idle: Their supersets among the candidates: what they have more adds nothing.
    """

    op: float
    comp: float
    status: str
    minimal: tuple[Members, ...]
    idle: tuple[Members, ...]


def ties_of(effects: SetEffects, found: Ranked, names: Sequence[str]) -> list[ConduitTie]:
    """Return ranked sets in groups, in their order.

    Sets whose Op is unresolved or undefined stand alone. Two minimal sets are in one group where
    what they hold together has the same effect, and has it too when no products cancel: then each
    carries the same paths.

    Args:
        effects: What evaluates sets.
        found: The sets, strongest first.
        names: The statuses, by code.
    """
    sets = as_tuples(found.sets.members)
    masks = np.moveaxis(found.sets.held(), 2, 0).reshape(len(sets), -1)
    classes = _classes(found, names)
    below = [_minimal(masks[places]) for places in classes]
    minimal = [
        [places[k] for k in small] for places, (small, _) in zip(classes, below, strict=True)
    ]
    leaders = _joined(effects, found, sets, minimal)
    ties: list[tuple[int, ConduitTie]] = []
    for places, (_, first), leader in zip(classes, below, leaders, strict=True):
        groups: dict[int, tuple[list[Members], list[Members]]] = {}
        for k, place in enumerate(places):
            own, idle = groups.setdefault(leader[places[first[k]]], ([], []))
            (own if place in leader else idle).append(sets[place])
        for place, (own, idle) in groups.items():
            tie = ConduitTie(
                float(found.op[place]),
                float(found.comp[place]),
                str(names[int(found.codes[place])]),
                tuple(own),
                tuple(idle),
            )
            ties.append((place, tie))
    return [tie for _, tie in sorted(ties, key=lambda pair: pair[0])]


def _classes(found: Ranked, names: Sequence[str]) -> list[list[int]]:
    """Return the places of sets with the same Op, sign of Comp and status."""
    classes: list[list[int]] = []
    last: dict[tuple[int, bool], list[int]] = {}
    for place, op in enumerate(found.op.tolist()):
        key = int(found.codes[place]), bool(found.comp[place] < 0)
        before = last.get(key)
        alone = math.isnan(op) or names[key[0]] in {"unresolved", "no_influence"}
        if before is not None and not alone and _is_same(op, float(found.op[before[-1]])):
            before.append(place)
            continue
        classes.append([place])
        last[key] = classes[-1]
    return classes


def _is_same(one: float, other: float) -> bool:
    if math.isinf(one) or math.isinf(other):
        return one == other
    return abs(one - other) <= _SAME * (1 + abs(one))


def _minimal(masks: Bools) -> tuple[list[int], list[int]]:
    """Return which sets hold no other one, and for each set the first of these that it holds.

    Args:
        masks: Distinct sets of nodes, shape [set, node].
    """
    own = masks.astype(np.float32)
    outside = own @ (1.0 - own).T  # how many nodes of the one are not in the other
    inside = outside == 0
    np.fill_diagonal(inside, False)
    is_minimal = ~inside.any(axis=0)
    np.fill_diagonal(inside, True)
    first = (inside & is_minimal[:, np.newaxis]).argmax(axis=0)
    return np.flatnonzero(is_minimal).tolist(), first.tolist()


def _carry_the_same(effects: SetEffects, found: Ranked, pairs: list[tuple[int, int]]) -> Bools:
    """Return of which pairs each carries the other's paths, shape [pair].

    With every path's product counted by its size nothing cancels: what passes beside both is then
    what passes beside either only where no path goes through one of them alone.
    """
    sets = as_tuples(found.sets.members)
    chosen = [
        [sets[one] for one, _ in pairs],
        [sets[other] for _, other in pairs],
        [tuple(sorted({*sets[one], *sets[other]})) for one, other in pairs],
    ]
    first, second, both = (effects.over_total(found.sets.unions(x))[1] for x in chosen)
    with np.errstate(invalid="ignore"):
        sure = np.isfinite(first) & np.isfinite(second)
        apart = np.maximum(np.abs(first - both), np.abs(second - both))
        same: Bools = ~sure | (apart <= _SAME * np.maximum(first, second))
    return same


def _joined(
    effects: SetEffects, found: Ranked, sets: list[Members], minimal: list[list[int]]
) -> list[dict[int, int]]:
    """Return, for each class, minimal set -> the first one of its group."""
    leaders: list[dict[int, int]] = [{} for _ in minimal]
    for _ in range(_ROUNDS):
        pairs: list[tuple[int, int, int]] = []
        for k, small in enumerate(minimal):
            open_ = [place for place in small if place not in leaders[k]]
            if not open_:
                continue
            leaders[k][open_[0]] = open_[0]
            pairs += [(k, open_[0], other) for other in open_[1:]]
        if not pairs:
            break
        unions = found.sets.unions(
            [sorted({*sets[first], *sets[other]}) for _, first, other in pairs]
        )
        effect = effects.of(unions).effect
        op, comp, codes = measure(effect).op, measure(effect).comp, status_codes(effect)
        carry = _carry_the_same(effects, found, [(first, other) for _, first, other in pairs])
        for (k, first, other), same, *union in zip(pairs, carry, op, comp, codes, strict=True):
            # What changes nothing is no conduit: paths of it that cancel are as good as none.
            is_one = bool(same) or _is_same(float(found.comp[first]), 1.0)
            is_one &= _is_same(float(union[0]), float(found.op[first]))
            is_one &= bool(np.sign(union[1]) == np.sign(found.comp[first]))
            if is_one and union[2] == found.codes[first]:
                leaders[k][other] = first
    for k, small in enumerate(minimal):
        leaders[k] |= {place: place for place in small if place not in leaders[k]}
    return leaders

"""What rounding does to the differences of worlds: X - W and Y - W of a finite nudge.

Twins of the three worlds are run, each value that a rounding could move moved by what it may be
wrong by, with signs from fixed counter streams. A node whose rule read the same values in two
worlds is rounded alike in both, and gets the same sign in their twins; others get signs of their
own. Where the twins' difference is another than the worlds', that is an error. In a model without
time the sizes of all errors are added up instead, so that no sign hides one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from causalopt.effects.doubts.drift import rounded_by, twins
from causalopt.effects.doubts.error_bounds import UNIT
from causalopt.engine.adjoint import whole_baseline
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.executions import execution, run_values
from causalopt.engine.linearization import linearize
from causalopt.engine.signs import counter_signs
from causalopt.language.term import leaves
from causalopt.model.template import Template

_STRETCH = 4096  # steps after which longer twins are looked at, and again at twice as many
_PARTED = 1 / 2  # share of a difference past which its twin is not run on
_WORLDS = 3


@dataclasses.dataclass(frozen=True)
class Copy:
    """One of the worlds W, X and Y.

    Attributes:
        plan: Its run.
        values: Shape [t, equation].
    """

    plan: Plan
    values: Floats


def difference_errors(
    template: Template, worlds: Sequence[Copy], delta: float, target: int
) -> tuple[Floats, Floats]:
    """Return how far rounding may have moved x - w and y - w of m, shape [t] each.

    Args:
        template: The model's template.
        worlds: W, X and Y; W's plan has the nudged node for its seed.
        delta: The nudge's size.
        target: The equation of m.
    """
    apart = [_read_apart(template, worlds[0], other) for other in worlds[1:]]
    lost = [_lost_nudge(worlds[0], other, delta) for other in worlds[1:]]
    with np.errstate(all="ignore"):
        if template.is_static:
            found = [
                _summed(template, worlds[0], other, own, moved)[target : target + 1]
                for other, own, moved in zip(worlds[1:], apart, lost, strict=True)
            ]
            return _known(found[0]), _known(found[1])
        errors = np.zeros((2, len(worlds[0].values)))
        for number in range(twins(worlds[0].plan, len(template.equations))):
            parted = _parted(template, worlds, apart, lost, target, number)
            errors = np.fmax(errors, parted)
    return errors[0], errors[1]


def _known(error: Floats) -> Floats:
    return np.where(np.isnan(error), np.inf, error)


def _read_apart(template: Template, w: Copy, other: Copy) -> Bools:
    """Return where rules read other values than in W, or were not asked in both, [t, equation]."""
    with np.errstate(invalid="ignore"):
        differs = (w.values != other.values) & ~(np.isnan(w.values) & np.isnan(other.values))
    found = np.zeros(differs.shape, dtype=bool)
    for i, rule in enumerate(template.structure.rules):
        for leaf in leaves(rule) if rule is not None else ():
            if isinstance(leaf.payload, tuple):
                name, lag = leaf.payload
                found[lag:, i] |= differs[: len(differs) - lag, template.index[name]]
    return found


def _lost_nudge(w: Copy, other: Copy, delta: float) -> float:
    """Return what the sum of a node and its nudge left out, as a bound."""
    assert w.plan.seed is not None
    t, i = w.plan.seed
    before, after = float(w.values[t, i]), float(other.values[t, i])
    if not np.isfinite([before, after]).all():
        return 0.0
    missing = abs(Fraction(before) + Fraction(delta) - Fraction(after))
    return 2 * UNIT * abs(after) if missing else 0.0


def _summed(template: Template, w: Copy, other: Copy, apart: Bools, lost: float) -> Floats:
    """Return the sum of all errors' sizes in a difference, [equation]; of a model without time.

    An error that both worlds share counts by how far slopes differ between them.
    """
    linear, width = linearize(template.structure), len(template.equations)
    own = [rounded_by(template, world.plan, world.values, 0)[0][0] for world in (w, other)]
    mine, others = (
        whole_baseline(execution("python"), template.structure, world.plan).slopes[0]
        for world in (w, other)
    )
    into: list[list[int]] = [[] for _ in range(width)]
    for k, partial in enumerate(linear.partials):
        if not partial.lag:
            into[partial.child].append(k)
    shared, errors = np.zeros(width), np.zeros(width)
    forced = [_forced(world.plan, 0) for world in (w, other)]
    for i in range(width):
        shared[i] = own[0][i]
        errors[i] = lost if (0, i) == w.plan.seed else 0.0
        errors[i] += own[0][i] + own[1][i] if apart[0, i] and not forced[1][i] else 0.0
        for k in into[i]:
            parent = linear.partials[k].parent
            if not forced[0][i]:
                shared[i] += _times(mine[k], shared[parent])
            if not forced[1][i]:
                errors[i] += _times(others[k], errors[parent])
                errors[i] += _times(others[k] - mine[k], shared[parent])
    return errors


def _forced(plan: Plan, t: int) -> Bools:
    width = plan.held.shape[1]
    return plan.forced[t] if t < len(plan.forced) else np.zeros(width, dtype=bool)


def _times(slope: float, error: float) -> float:
    return abs(slope) * error if error else 0.0


def _parted(
    template: Template,
    worlds: Sequence[Copy],
    apart: Sequence[Bools],
    lost: Sequence[float],
    target: int,
    number: int,
) -> Floats:
    """Return how far a twin's differences are from those of the worlds, [world, t].

    Once the largest part of a difference that was seen is lost, so is what follows from it: a
    chance agreement later on does not count.
    """
    steps = worlds[0].plan.steps
    last = _STRETCH if steps > 2 * _STRETCH else steps
    differences = np.array([o.values[:, target] - worlds[0].values[:, target] for o in worlds[1:]])
    known = np.isfinite(differences)
    sizes = np.where(known, np.abs(differences), 0.0)
    while True:
        twin = _twins(template, worlds, apart, lost, last, number)
        moved = np.array([x[:, target] - twin[0][:, target] for x in twin[1:]])
        off = np.abs(moved - differences[:, : last + 1])
        off = np.where(known[:, : last + 1], _known(off), 0.0)
        most, largest = (
            np.maximum.accumulate(part, axis=1) for part in (off, sizes[:, : last + 1])
        )
        share = np.where(largest > 0, np.minimum(most / largest, 1.0), 0.0)
        if last == steps or (share[:, -1] >= _PARTED).all():
            errors = sizes * 1.0
            errors[:, : last + 1] = np.fmax(off, share * sizes[:, : last + 1])
            return errors
        last = min(2 * last, steps)


def _twins(
    template: Template,
    worlds: Sequence[Copy],
    apart: Sequence[Bools],
    lost: Sequence[float],
    last: int,
    number: int,
) -> list[Floats]:
    """Return the values of the twins of W, X and Y up to a step, shape [t, equation] each."""
    found: list[Floats] = []
    seed = worlds[0].plan.seed
    shared = np.zeros(0)
    for k, world in enumerate(worlds):
        size, plan = rounded_by(template, world.plan, world.values, last)
        moved = counter_signs((_WORLDS * number + k) << 40, size.shape) * size
        if not k:
            shared = moved
        else:
            rows = min(len(shared), len(moved))
            same = ~apart[k - 1][: last + 1]
            moved[: last + 1] = np.where(same, shared[: last + 1], moved[: last + 1])
            if seed is not None and seed[0] < rows:
                moved[seed] += lost[k - 1]
        values = plan.values
        if k == _WORLDS - 1:
            held = worlds[0].plan.held
            taken = held[np.minimum(np.arange(last + 1), len(held) - 1)]
            moved[: last + 1][taken] = 0.0
            values = values.copy()
            values[: last + 1] = np.where(taken, found[0], values[: last + 1])
        plan = dataclasses.replace(plan, values=values, shifts=plan.shifts + moved)
        found.append(run_values(template.structure, plan).values)
    return found

"""What may make an effect on arrays wrong, step by step: rounding, kinks, what is not finite."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from causalopt.effects.arrays.array_kinks import gaps
from causalopt.effects.arrays.array_worlds_apart import finite_differences
from causalopt.effects.arrays.rounding_twins import TWINS, Disturbance, spread
from causalopt.engine.arrays.array_course import Draw, rows
from causalopt.engine.arrays.array_forward import ArraySeed, ArrayTangents, tangents_of
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import KINDS, moves
from causalopt.model.selectors import Node
from causalopt.worlds.array_world import element_slices

_LOOKED = 64  # steps after the nudge in which its way to the target is looked for
_PROBED = 64  # steps of a second twin that tell whether the first one stayed close by chance
_SAFE = 1e5  # errors that many times below an effect do not decide its status


@dataclasses.dataclass(frozen=True, eq=False)
class Doubts:
    """What speaks against the numbers of a run.

    Attributes:
        errors: Rounding errors of total and direct, as norms of mantissas, shape [t] each.
        doubted_zero: Where a zero of total or direct is no proof of a zero, shape [t] each.
        finite: Where all values are finite, shape [t].
        kinks: Where a branch decided the answer, shape [t].
        kink: The first such branch: variable, step and operation.
        nonfinite: The first variable whose value is not finite, with its step.
        overflowed: Whether that value is an infinity.
    """

    errors: tuple[Values, Values]
    doubted_zero: tuple[Values, Values]
    finite: Values
    kinks: Values
    kink: tuple[str, int, str] | None
    nonfinite: tuple[str, int] | None
    overflowed: bool


def doubts_of(
    plan: ArrayPlan,
    seed: ArraySeed,
    measured: Node,
    found: ArrayTangents,
    draw: Draw | None,
    delta: float | None,
) -> Doubts:
    """Return what speaks against a run's numbers; it runs twins of it.

    Args:
        plan: W's run, with A.
        seed: The nudged node and its directions.
        measured: The measured variable and its elements.
        found: The run's derivatives, of the measured elements.
        draw: Gives the noises' values at a step.
        delta: The nudge's size, None for the limit.
    """
    bases = (found.total, found.direct)
    twin = functools.partial(_twin, plan, seed, measured, found, draw, delta)
    twins = [twin(1)]
    zeros = [_is_zero(base) & found.reached[place] for place, base in enumerate(bases)]
    firsts = [_first_reached(plan, seed, measured.variable, kind) for kind in KINDS]
    late = [np.flatnonzero(zero[t:]) + t for zero, t in zip(zeros, firsts, strict=True)]
    # A second one is looked at as far as there are zeros, which one alone may leave by chance.
    last = max((int(ts[-1]) for ts in late if len(ts)), default=-1)
    short = twin(2, max(min(firsts) + _PROBED, last))
    if _is_near(bases, twins) or _is_near(bases, [short]):
        twins += [twin(number) for number in range(2, TWINS + 1)]
    errors = [spread(base, [t[place] for t in twins]) for place, base in enumerate(bases)]
    twins.append(short)
    doubted = [_doubted(base, [t[place] for t in twins]) for place, base in enumerate(bases)]
    if last >= 0:
        lost = _may_be_lost(plan, seed, measured, draw, delta, last)
        doubted = [a | (b & c) for a, b, c in zip(doubted, zeros, lost, strict=True)]
    steps = len(found.total)
    kink = None if delta is not None else _first_kink(plan, seed, measured.variable, found)
    kinks = np.zeros(steps, dtype=bool)
    if kink is not None:
        kinks[kink[1] :] = True
    target = found.values[measured.variable].reshape(steps, -1)
    finite: Values = np.all(np.isfinite(target), axis=1)
    nonfinite, overflowed = None, False
    if not (finite.all() and all(np.isfinite(base).all() for base in bases)):
        nonfinite, overflowed = first_unbounded(plan, draw)
    return Doubts(
        (errors[0], errors[1]), (doubted[0], doubted[1]), finite, kinks, kink, nonfinite, overflowed
    )


def _is_near(bases: tuple[Values, Values], twins: list[tuple[Values, Values]]) -> bool:
    """Whether rounding comes near an effect's size at some step that the twins have.

    One twin may by chance stay close to the run; not ten thousand times closer than rounding is.
    """
    for place, base in enumerate(bases):
        own = base[: len(twins[0][place])]
        with np.errstate(all="ignore"):
            size = np.sqrt(np.sum(own.reshape(len(own), -1) ** 2, axis=1))
            if not np.all(spread(own, [twin[place] for twin in twins]) * _SAFE <= size):
                return True
    return False


def _first_reached(plan: ArrayPlan, seed: ArraySeed, target: str, kind: str) -> int:
    """Return the first step at which the nudge can have come to the target along the graph."""
    moved: dict[int, set[str]] = {}
    stop = min(plan.steps, seed.t + _LOOKED) + 1
    for t in range(seed.t, stop):
        now = moved[t] = {seed.name} if t == seed.t else set()
        for variable in plan.template.variables:
            is_held = kind == "direct" and variable.name in plan.held_throughout
            if is_held or plan.initial_at(variable, t) is not None:
                continue
            if any(parent in moved.get(t - lag, ()) for parent, lag in variable.parents):
                now.add(variable.name)
        if target in now:
            return t
    return stop


def _first_kink(
    plan: ArrayPlan, seed: ArraySeed, target: str, found: ArrayTangents
) -> tuple[str, int, str] | None:
    """Return the first kink that W sits on, on the way to the target, and its step."""
    steps, places = np.nonzero(found.watched)
    if not len(steps):
        return None
    count = len(seed.directions)
    moved = moves(plan.template, seed.name, count, plan.held_throughout, plan.held_partly)
    gap = gaps(moved, target)[places[0]]
    return gap.name, int(steps[0]), f"{gap.op} of what is equal"


def _may_be_lost(
    plan: ArrayPlan,
    seed: ArraySeed,
    measured: Node,
    draw: Draw | None,
    delta: float | None,
    last: int,
) -> tuple[Values, Values]:
    """Return where a zero of total or direct may be what floats are too coarse for, shape [t] each.

    A tangent vanishes where it is far smaller than others that it is carried with; a finite
    difference beside the value that it is taken of, and there its tangent is none.
    """
    piece = dataclasses.replace(plan, steps=last)
    found = tangents_of(piece, seed, measured.variable, (), draw, execution="numpy")
    steps = np.arange(plan.steps + 1)
    faint = steps >= (len(steps) if found.faint is None else found.faint)
    lost = []
    for part in _in_units(found, measured, found):
        moving = np.zeros(len(steps), dtype=bool)
        if delta is not None and not plan.template.by_name[measured.variable].is_integer:
            moving[: len(part)] = ~_is_zero(part)
        lost.append(faint | moving)
    return lost[0], lost[1]


def first_unbounded(plan: ArrayPlan, draw: Draw | None) -> tuple[tuple[str, int] | None, bool]:
    """Return the first variable of W whose value is not finite, its step, and if it is infinite."""
    for t, row in enumerate(rows(plan, draw)):
        for variable in plan.template.variables:
            value = row["ref", variable.name, 0]
            if not np.all(np.isfinite(value)):
                return (variable.owner, t), bool(np.any(np.isinf(value)))
    return None, False


def _twin(
    plan: ArrayPlan,
    seed: ArraySeed,
    measured: Node,
    found: ArrayTangents,
    draw: Draw | None,
    delta: float | None,
    number: int,
    steps: int | None = None,
) -> tuple[Values, Values]:
    """Return total and direct of a disturbed run, in the units of the run itself.

    Args:
        plan: W's run, with A.
        seed: The nudged node and its directions.
        measured: The measured variable and its elements.
        found: The run's derivatives.
        draw: Gives the noises' values at a step.
        delta: The nudge's size, None for the limit.
        number: Which twin it is.
        steps: The last step that is wanted; all when None.
    """
    if steps is not None:
        plan = dataclasses.replace(plan, steps=min(plan.steps, steps))
    disturb = Disturbance(plan, number)
    if delta is None:
        twin = tangents_of(
            plan, seed, measured.variable, (), draw, disturb=disturb, execution=found.execution
        )
    else:
        twin, _ = finite_differences(
            plan, seed, measured.variable, (), delta, draw, disturb=disturb
        )
    return _in_units(twin, measured, found)


def _in_units(twin: ArrayTangents, measured: Node, found: ArrayTangents) -> tuple[Values, Values]:
    """Return a twin's total and direct with the powers of two of the run."""
    where: tuple[slice, ...] = (slice(None), slice(None))
    if measured.elements is not None:
        where = (*where, *element_slices(measured.elements))
    powers = found.exponents[: len(twin.total)]
    parts = []
    for place, values in enumerate((twin.total, twin.direct)):
        moved = (twin.exponents[:, place] - powers[:, place]).astype(np.int32)
        cut = values[where]
        parts.append(np.ldexp(cut, moved.reshape(-1, *[1] * (cut.ndim - 1))))
    return parts[0], parts[1]


def _doubted(base: Values, twins: list[Values]) -> Values:
    """Return where a zero is one of these digits alone: some twin has another number there."""
    doubted = np.zeros(len(base), dtype=bool)
    for twin in twins:
        doubted[: len(twin)] |= ~_is_zero(twin)
    return doubted & _is_zero(base)


def _is_zero(base: Values) -> Values:
    """Return where all derivatives of a step are 0."""
    zero: Values = ~np.any(base.reshape(len(base), -1) != 0, axis=1)
    return zero

"""What may make an effect on arrays wrong, step by step: rounding, kinks, what is not finite."""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.effects.arrays.array_kinks import first_closed, gaps
from causalopt.effects.arrays.array_worlds_apart import finite_differences
from causalopt.effects.arrays.rounding_twins import TWINS, Disturbance, spread
from causalopt.engine.arrays.array_course import Draw, lookup
from causalopt.engine.arrays.array_forward import (
    ArraySeed,
    ArrayTangents,
    CarriedTangents,
    tangents_of,
)
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.model.selectors import Node
from causalopt.worlds.array_world import element_slices


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
    twins = [
        _twin(plan, seed, measured, found, draw, delta, number) for number in range(1, TWINS + 1)
    ]
    bases = (found.total, found.direct)
    errors = [spread(base, [t[place] for t in twins]) for place, base in enumerate(bases)]
    zeros = [_is_zero(base) & found.reached[place] for place, base in enumerate(bases)]
    if delta is None and any(zero[seed.t :].any() for zero in zeros):
        # A zero is taken at its word only where no sum cancels on the way to it.
        twins.append(_twin(plan, seed, measured, found, draw, delta, TWINS + 1, apart=True))
    doubted = [_doubted(base, [t[place] for t in twins]) for place, base in enumerate(bases)]
    watched = _watch(plan, seed, measured.variable, draw)
    steps = len(found.total)
    kinks = np.zeros(steps, dtype=bool)
    if watched.kink is not None and delta is None:
        kinks[watched.kink[1] :] = True
    target = found.values[measured.variable].reshape(steps, -1)
    finite: Values = np.all(np.isfinite(target), axis=1)
    return Doubts(
        (errors[0], errors[1]),
        (doubted[0], doubted[1]),
        finite,
        kinks,
        watched.kink if delta is None else None,
        watched.nonfinite,
        watched.overflowed,
    )


def _twin(
    plan: ArrayPlan,
    seed: ArraySeed,
    measured: Node,
    found: ArrayTangents,
    draw: Draw | None,
    delta: float | None,
    number: int,
    *,
    apart: bool = False,
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
        apart: Whether the operations of tangents are disturbed, in place of values.
    """
    disturb = Disturbance(plan, number)
    if apart:
        twin = tangents_of(plan, seed, measured.variable, (), draw, number=number)
    elif delta is None:
        twin = tangents_of(plan, seed, measured.variable, (), draw, disturb=disturb)
    else:
        twin, _ = finite_differences(
            plan, seed, measured.variable, (), delta, draw, disturb=disturb
        )
    where: tuple[slice, ...] = (slice(None), slice(None))
    if measured.elements is not None:
        where = (*where, *element_slices(measured.elements))
    parts = []
    for place, values in enumerate((twin.total, twin.direct)):
        moved = (twin.exponents[:, place] - found.exponents[:, place]).astype(np.int32)
        cut = values[where]
        parts.append(np.ldexp(cut, moved.reshape(-1, *[1] * (cut.ndim - 1))))
    return parts[0], parts[1]


def _doubted(base: Values, twins: list[Values]) -> Values:
    """Return where a zero is one of these digits alone: some twin has another number there."""
    flat = [np.any(twin.reshape(len(twin), -1) != 0, axis=1) for twin in twins]
    doubted: Values = _is_zero(base) & np.any(flat, axis=0)
    return doubted


def _is_zero(base: Values) -> Values:
    """Return where all derivatives of a step are 0."""
    zero: Values = ~np.any(base.reshape(len(base), -1) != 0, axis=1)
    return zero


@dataclasses.dataclass
class _Watched:
    kink: tuple[str, int, str] | None = None
    nonfinite: tuple[str, int] | None = None
    overflowed: bool = False


def _watch(plan: ArrayPlan, seed: ArraySeed, target: str, draw: Draw | None) -> _Watched:
    """Return the first kink on the way to the target, and the first value that is not finite."""
    watched = _Watched()
    carried = CarriedTangents(plan, seed, draw)
    found = gaps(carried.moves, target)
    with np.errstate(all="ignore"):
        for t in range(plan.steps + 1):
            past = list(carried.past)
            row = carried.step(t)
            look = lookup(plan, t, row, past)  # type: ignore[arg-type]
            if watched.kink is None and t >= seed.t and found:
                closed = first_closed(found, look, row)
                if closed is not None:
                    watched.kink = closed.name, t, f"{closed.op} of what is equal"
            if watched.nonfinite is None:
                for variable in plan.template.variables:
                    value = row["ref", variable.name, 0]
                    if not np.all(np.isfinite(value)):
                        watched.nonfinite = variable.owner, t
                        watched.overflowed = bool(np.any(np.isinf(value)))
                        break
            if watched.nonfinite is not None and (watched.kink is not None or not found):
                break
    return watched

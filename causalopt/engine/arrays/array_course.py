"""The course of one world: every variable's array, step by step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import ArrayStep, single, value_step

Row: TypeAlias = dict[tuple[Any, ...], Any]
Draw: TypeAlias = Callable[[int], Mapping[str, Values]]


def rows(
    plan: ArrayPlan, draw: Draw | None = None, *, start: int = 0, before: Iterable[Row] = ()
) -> Iterator[Row]:
    """Yield a world's values at t = start, start + 1, ..., keyed ("ref", variable, 0).

    Args:
        plan: The run.
        draw: Gives the noises' values at a step.
        start: The first step.
        before: The rows before it, the last one first, as far back as rules look.
    """
    template = plan.template
    step = value_step(template)
    past: deque[Row] = deque(before, maxlen=max(template.max_lag, 1))
    with np.errstate(all="ignore"):
        for t in range(start, plan.steps + 1):
            row = given_values(plan, t, draw)
            if t < plan.first_free or t in plan.touched:
                careful_values(plan, t, row, past)
            else:
                taken = gathered(step, plan, t, row, past)
                row.update(zip(step.outputs, step.function(*taken), strict=True))
            yield row
            past.appendleft(row)


def given_values(plan: ArrayPlan, t: int, draw: Draw | None) -> Row:
    """Return the values at a step of what has no rule."""
    row: Row = {}
    drawn = draw(t) if draw is not None else {}
    for variable in plan.template.variables:
        if variable.rule is not None:
            continue
        name = variable.name
        if name in drawn:
            value = drawn[name]
        else:
            start = plan.initial_at(variable, t)
            value = plan.stream_at(variable, t) if start is None else start
        row["ref", name, 0] = touched(plan, t, name, value)
    return row


def touched(plan: ArrayPlan, t: int, name: str, value: Any) -> Any:
    """Return a node's value after what is done to it."""
    force = plan.forces.get((t, name))
    if force is not None:
        value = force.over(value)
    shift = plan.shifts.get((t, name))
    return value if shift is None else value + shift


def careful_values(plan: ArrayPlan, t: int, row: Row, past: deque[Row]) -> None:
    """Add to a row the values of what has a rule, one variable after another.

    For steps at which some start, or something is done to them.
    """
    look = lookup(plan, t, row, past)
    for variable in plan.template.variables:
        if variable.rule is None:
            continue
        start = plan.initial_at(variable, t)
        force = plan.forces.get((t, variable.name))
        if start is not None:
            value: Any = start
        elif force is not None and force.mask is None:
            value = force.values
        else:
            value = single(variable.rule, look)
        row["ref", variable.name, 0] = touched(plan, t, variable.name, value)


def lookup(plan: ArrayPlan, t: int, row: Row, past: deque[Row]) -> Callable[[tuple[Any, ...]], Any]:
    """Return what gives a step's inputs by their keys."""

    def look(key: tuple[Any, ...]) -> Any:
        if key[0] == "param":
            return plan.parameters[key[1]]
        if key[0] == "t":
            return float(t)
        if key[0] == "held":
            return row[key] if key in row else plan.mask_at(key[1], t)
        kind, name, lag = key
        return row[key] if lag == 0 else past[lag - 1][kind, name, 0]

    return look


def gathered(step: ArrayStep, plan: ArrayPlan, t: int, row: Row, past: deque[Row]) -> list[Any]:
    """Return a step's arguments."""
    look = lookup(plan, t, row, past)
    return [look(key) for key in step.arguments]

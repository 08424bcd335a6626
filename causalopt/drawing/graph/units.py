"""What a layer of a picture opens into: its units with their values in W, and its connections."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from causalopt.effects.arrays.edge_slopes import edge_slope
from causalopt.engine.arrays.array_course import Draw, Row, lookup, rows
from causalopt.engine.arrays.array_plan import ArrayPlan
from causalopt.errors import CausaloptError
from causalopt.model.model import Model
from causalopt.worlds.array_world import array_plan_for

MOST_UNITS = 100_000  # of a layer whose values are shown, and weights of a connection
_ROOM = 600_000  # numbers that a page has room for
_WORK = 100_000_000  # numbers that are computed for a page

Edge = tuple[str, str, int]


def layer_units(
    model: Model, places: Iterable[tuple[str, int]], edges: Iterable[Edge], steps: int
) -> dict[str, Any]:
    """Return what a page shows of layers when they are opened.

    Args:
        model: A model with arrays.
        places: The drawn nodes (variable, step).
        edges: The template's edges: parent, child, lag.
        steps: The last step.

    Returns:
        `values`: "variable,step" (the variable by its number) -> the elements in W, row by row, to
        four digits; `slopes`: a connection each, with `parent`, `child`, `lag`, the step `t` of the
        child, and `values`, the derivative of each unit of the child by each of the parent, child
        by child; `note`: why there are none, or fewer.
    """
    drawn = sorted(set(places), key=lambda place: (place[1], place[0]))
    last = max(t for _, t in drawn)
    template = model.arrays
    if (last + 1) * template.numbers > _WORK:
        words = f"{last + 1} steps of {template.numbers:,} numbers"
        return _nothing(f"No values: W would take {words}; draw fewer steps to see them.")
    try:
        plan, draw = array_plan_for(model, steps=last)
    except CausaloptError as error:
        return _nothing(f"No values: {error.message}")
    values: dict[str, list[float | None]] = {}
    slopes: list[dict[str, Any]] = []
    too_large: list[str] = []
    room, order = _ROOM, {name: i for i, name in enumerate(template.names)}
    for t, row, look in _steps(plan, draw):
        for name, at in drawn:
            size = template.by_name[name].size
            if at == t and size <= MOST_UNITS and size <= room:
                values[f"{order[name]},{t}"] = _digits(row["ref", name, 0])
                room -= size
        if t == last:
            slopes, too_large = _slopes(plan, edges, look, room, order)
    hidden = [n for n in template.names if template.by_name[n].size > MOST_UNITS]
    notes = [
        f"Of more than {MOST_UNITS:,} units no values: {', '.join(hidden)}." if hidden else "",
        f"Too large to show: {', '.join(too_large)}." if too_large else "",
        "Values of the drawn steps only." if last < steps else "",
    ]
    return {"values": values, "slopes": slopes, "note": " ".join(filter(None, notes))}


def _nothing(note: str) -> dict[str, Any]:
    return {"values": {}, "slopes": [], "note": note}


def _steps(plan: ArrayPlan, draw: Draw | None) -> Iterable[tuple[int, Row, Any]]:
    """Yield each step of W with its row and what looks up its inputs."""
    past: deque[Row] = deque(maxlen=max(plan.template.max_lag, 1))
    for t, row in enumerate(rows(plan, draw)):
        yield t, row, lookup(plan, t, row, past)
        past.appendleft(row)


def _slopes(
    plan: ArrayPlan, edges: Iterable[Edge], look: Any, room: int, order: Any
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the connections at the last step, where the child follows its rule there.

    Those too large to be shown are named.
    """
    by_name, t = plan.template.by_name, plan.steps
    found: list[dict[str, Any]] = []
    too_large: list[str] = []
    for parent, child, lag in edges:
        size = by_name[parent].size * by_name[child].size
        follows = by_name[child].rule is not None and plan.initial_at(by_name[child], t) is None
        if size == 1 or lag > t or not follows:
            continue
        if by_name[parent].is_integer or by_name[child].is_integer:
            continue  # whole numbers have no derivative
        slope = None
        if size <= min(MOST_UNITS, room):
            with np.errstate(all="ignore"):
                slope = edge_slope(plan.template, (parent, child, lag), look)
        if slope is None:
            too_large.append(f"{parent} → {child}")
            continue
        room -= size
        ends = {"parent": order[parent], "child": order[child], "lag": lag, "t": t}
        found.append({**ends, "values": _digits(slope)})
    return found, too_large


def _digits(values: Any) -> list[float | None]:
    """Return numbers to four digits, None for what is not finite."""
    flat = np.asarray(values, dtype=float).ravel()
    return [float(f"{x:.4g}") if np.isfinite(x) else None for x in flat]

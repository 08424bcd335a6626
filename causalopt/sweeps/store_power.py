"""Power of a store along one axis, read chunk by chunk."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from causalopt.effects.sweeps.axes import trapezoid
from causalopt.results import plain_number

if TYPE_CHECKING:
    from causalopt.sweeps.sweep_plan import SweepPlan
    from causalopt.sweeps.sweep_store import SweepStore

ABOVE = "comp_above"


def power_of(store: SweepStore, plan: SweepPlan) -> float | None:
    """Return the integral of 1 - Comp over the nudged node, as `Sweep.power` has it.

    Args:
        store: A store of Op along the nudged node alone.
        plan: Its plan.

    Returns:
        The integral by the trapezoid rule, unresolved points left out; None where the store is not
        complete, n is not its only axis, or Comp is undefined somewhere on it.
    """
    if not store.complete or ABOVE not in [one.name for one in plan.variables]:
        return None
    unresolved = plan.measure.statuses.index("unresolved")
    (values,) = plan.axes[0].quantities.values()
    last_x, last_y, parts = np.zeros(0), np.zeros(0), []
    known = np.zeros(0, dtype=bool)
    for task in range(plan.task_count):
        found = store.read(task, ("status", ABOVE))
        known = found["status"] != unresolved
        if task == 0 and not known[0]:
            return None
        x = np.concatenate([last_x, np.asarray(values[plan.task_slices(task)[0]])[known]])
        y = np.concatenate([last_y, found[ABOVE][known]])
        parts.append(trapezoid(1.0, y, x))
        last_x, last_y = x[-1:], y[-1:]
    total = math.fsum(parts) if np.isfinite(parts).all() else float(np.sum(parts))
    return None if math.isnan(total) or not known[-1] else total


def power_entry(store: SweepStore, plan: SweepPlan) -> dict[str, float | str | None]:
    """Return the power as JSON's types, nothing where it is not asked for."""
    if ABOVE not in [one.name for one in plan.variables]:
        return {}
    power = power_of(store, plan)
    return {"power": None if power is None else plain_number(power)}

"""Comparisons that read a NaN: what they choose is none, though floats call them false.

`where(log(p) > 0, 1, 2)` has no value at p = -1. The executions take the other branch, as IEEE
comparisons do; the effect's status is that of a NaN all the same.
"""

from __future__ import annotations

import numpy as np

from causalopt.effects.error_bounds import bounds_along
from causalopt.effects.reach import reachable
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.linearization import linearize
from causalopt.model.template import Template


def hidden_nans(template: Template, plan: Plan, values: Floats, read: Bools) -> Bools | None:
    """Return the nodes that follow from such a comparison, [t, equation]; None where there is none.

    Args:
        template: The model's template.
        plan: The run.
        values: W, shape [t, equation].
        read: The equations that count, shape [equation].
    """
    undefined = np.isnan(values[:, read])
    gaps = [gap for gap in linearize(template.structure).gaps if read[gap.child]]
    if not gaps or not undefined.any():
        return None
    starts: dict[int, set[int]] = {}
    for gap in gaps:
        kink = gap.kink
        terms = [kink.left, kink.right] + ([] if kink.guard is None else [kink.guard])
        (left, _), (right, _), *guard = bounds_along(template.structure, plan, values, terms)
        found = np.broadcast_to(np.isnan(left) | np.isnan(right), len(values)).copy()
        if guard:
            found &= guard[0][0] != 0
        found[: len(plan.forced)] &= ~plan.forced[: len(values), gap.child]
        for t in np.flatnonzero(found).tolist():
            starts.setdefault(t, set()).add(gap.child)
    return reachable(template, plan, avoid_held=False, starts=starts).table if starts else None

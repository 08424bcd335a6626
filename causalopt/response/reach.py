"""Which nodes a nudge can reach by the graph alone, over all paths or over those that avoid A."""

from __future__ import annotations

import numpy as np

from causalopt.engine.plan import Bools, Plan
from causalopt.template import Template


def reachable(template: Template, plan: Plan, *, avoid_held: bool) -> Bools:
    """Return which equations at which steps a path from the seeded node reaches, shape [t, V].

    Args:
        template: The model's template.
        plan: The run; its seed is where paths start, its forced nodes let nothing through.
        avoid_held: Whether paths through A do not count.
    """
    assert plan.seed is not None
    width, depth = len(template.equations), template.max_lag
    parents = [
        [(template.index[name], lag) for name, lag in equation.parents]
        for equation in template.equations
    ]
    reach = np.zeros((plan.steps + 1, width), dtype=bool)
    settled = max(len(plan.forced), len(plan.held), plan.seed[0] + 1)
    seen: dict[bytes, int] = {}
    for t in range(plan.seed[0], plan.steps + 1):
        forced = plan.forced[t] if t < len(plan.forced) else None
        held = plan.held_at(t)
        row = reach[t]
        for i in range(width):
            if (t, i) == plan.seed:
                row[i] = True
            elif not (forced is not None and forced[i]) and not (avoid_held and held[i]):
                row[i] = any(t >= lag and reach[t - lag, j] for j, lag in parents[i])
        if t < settled + depth:
            continue
        key = reach[t - depth + 1 : t + 1].tobytes() if depth else b""
        if key in seen:
            repeated = reach[seen[key] + 1 : t + 1]
            reach[t + 1 :] = np.resize(repeated, (plan.steps - t, width))
            break
        seen[key] = t
    return reach

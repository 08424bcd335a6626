"""Which nodes a nudge can reach by the graph alone, over all paths or over those that avoid A."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from causalopt.engine.contract import Bools, Plan
from causalopt.model.template import Template

_PERIODIC = 64  # steps; with longer lags no period is looked for: a look costs as much


def reaching(
    template: Template, plan: Plan, seeds: Mapping[int, Iterable[int]], *, avoid_held: bool
) -> Bools:
    """Return which equations at which steps have a path to one of some nodes, shape [t, V].

    Args:
        template: The model's template.
        plan: The run; its forced nodes let nothing through, its seed is not used.
        seeds: Step -> the equations that paths end in; these count as well.
        avoid_held: Whether paths through A do not count.
    """
    width, depth = len(template.equations), template.max_lag
    parents = _parents(template)
    reach = np.zeros((plan.steps + 1, width), dtype=bool)
    settled = max(len(plan.forced), len(plan.held))
    lowest = min(seeds, default=0)
    # Of the steps from t on back, t in place t modulo their number.
    pending = [[False] * width for _ in range(depth + 1)]
    seen: dict[tuple[tuple[bool, ...], ...], int] = {}
    t = plan.steps
    while t >= 0:
        row = pending[t % (depth + 1)]
        for i in seeds.get(t, ()):
            row[i] = True
        closed = plan.held_at(t) & avoid_held
        if t < len(plan.forced):
            closed = closed | plan.forced[t]
        for i in reversed(range(width)):
            if row[i] and not closed[i]:
                for j, lag in parents[i]:
                    pending[(t - lag) % (depth + 1)][j] = True
        reach[t] = row
        pending[t % (depth + 1)] = [False] * width
        t -= 1
        if t >= settled and t < lowest and depth <= _PERIODIC:
            key = tuple(tuple(pending[(t - lag) % (depth + 1)]) for lag in range(depth + 1))
            if key in seen:
                # Reach is periodic here: whole periods are copied down to where the plan changes.
                period = seen[key] - t
                below = (t + 1 - settled) // period * period
                repeated = reach[t + 1 : t + 1 + period]
                reach[t + 1 - below : t + 1] = repeated[np.arange(below) % period]
                t -= below
                seen.clear()
            else:
                seen[key] = t
    return reach


def reachable(
    template: Template,
    plan: Plan,
    *,
    avoid_held: bool,
    starts: Mapping[int, Iterable[int]] | None = None,
) -> Bools:
    """Return which equations at which steps a path from some nodes reaches, shape [t, V].

    Args:
        template: The model's template.
        plan: The run; its forced nodes let nothing through.
        avoid_held: Whether paths through A do not count.
        starts: Step -> the equations where paths start; the plan's seed when not given.
    """
    if starts is None:
        assert plan.seed is not None
        starts = {plan.seed[0]: (plan.seed[1],)}
    width, depth = len(template.equations), template.max_lag
    parents = _parents(template)
    reach = np.zeros((plan.steps + 1, width), dtype=bool)
    settled = max(len(plan.forced), len(plan.held), max(starts) + 1)
    seen: dict[bytes, int] = {}
    # The rows of the last steps, t in place t modulo their number: lists look up fast.
    recent = [[False] * width for _ in range(depth + 1)]
    same = 0  # since when rows have been the same
    for t in range(min(starts), plan.steps + 1):
        row = recent[t % (depth + 1)] = [False] * width
        for i in starts.get(t, ()):
            row[i] = True
        closed = plan.held_at(t) & avoid_held
        if t < len(plan.forced):
            closed = closed | plan.forced[t]
        for i in np.flatnonzero(~closed).tolist():
            for j, lag in parents[i]:
                if recent[(t - lag) % (depth + 1)][j]:
                    row[i] = True
                    break
        reach[t] = row
        if row != recent[(t - 1) % (depth + 1)]:
            same = t
        if t < settled + depth:
            continue
        if depth > _PERIODIC:
            if t - same >= depth:  # and so it stays
                reach[t + 1 :] = row
                break
            continue
        key = reach[t - depth + 1 : t + 1].tobytes() if depth else b""
        if key in seen:
            period = t - seen[key]
            reach[t + 1 :] = reach[seen[key] + 1 + np.arange(plan.steps - t) % period]
            break
        seen[key] = t
    return reach


def _parents(template: Template) -> list[list[tuple[int, int]]]:
    """Return each equation's parents as (equation, lag)."""
    return [
        [(template.index[name], lag) for name, lag in equation.parents]
        for equation in template.equations
    ]

"""Which nodes a nudge can reach by the graph alone, over all paths or over those that avoid A."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from causalopt.engine.contract import Bools, Plan
from causalopt.model.template import Template


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
    pending = [[False] * width for _ in range(depth + 1)]  # of this step, the one before, ...
    seen: dict[tuple[tuple[bool, ...], ...], int] = {}
    t = plan.steps
    while t >= 0:
        row = pending[0]
        for i in seeds.get(t, ()):
            row[i] = True
        closed = plan.held_at(t) & avoid_held
        if t < len(plan.forced):
            closed = closed | plan.forced[t]
        for i in reversed(range(width)):
            if row[i] and not closed[i]:
                for j, lag in parents[i]:
                    pending[lag][j] = True
        reach[t] = row
        pending = [*pending[1:], [False] * width]
        t -= 1
        if t >= settled and t < lowest:
            key = tuple(map(tuple, pending))
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
    recent: list[list[bool]] = []  # the rows of this step, the one before, ...: lists look up fast
    for t in range(min(starts), plan.steps + 1):
        row = [False] * width
        for i in starts.get(t, ()):
            row[i] = True
        recent = [row, *recent[:depth]]
        closed = plan.held_at(t) & avoid_held
        if t < len(plan.forced):
            closed = closed | plan.forced[t]
        for i in np.flatnonzero(~closed).tolist():
            for j, lag in parents[i]:
                if lag < len(recent) and recent[lag][j]:
                    row[i] = True
                    break
        reach[t] = row
        if t < settled + depth:
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

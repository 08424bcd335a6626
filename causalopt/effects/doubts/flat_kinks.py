"""Kinks that a nudge meets although no derivative moves it there: `where(n*n > 0, ...)` at 0.

A gap of a choice or a rounding is closed, the graph joins n to it, and its slope is 0 in W. Whether
a nudge opens it is a matter of higher derivatives: two runs beside W, a small nudge up and down,
show whether the rule's value jumps there or its slopes do.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.effects.doubts.error_bounds import bounds_along
from causalopt.engine.adjoint import Baseline, whole_baseline
from causalopt.engine.contract import Bools, Plan, Tangents
from causalopt.engine.executions import execution
from causalopt.engine.linearization import Linearization, linearize
from causalopt.model.reach import reachable
from causalopt.model.template import Template

_NUDGE = 2.0**-20
_JUMP = 2.0**-6  # relative: smooth rules change by about the nudge
_MOST_NODES = 2_000_000  # node-updates of a run that is made again


def flat_kinks(
    template: Template,
    plan: Plan,
    run: Tangents,
    read: Bools,
    known: frozenset[tuple[int, int]],
    apart: frozenset[tuple[int, int]],
) -> Bools | None:
    """Return the nodes that follow from such a kink, [t, equation]; None where there is none.

    Args:
        template: The model's template.
        plan: The run; its seed is the nudged node.
        run: Its tangents.
        read: The equations that count, shape [equation].
        known: Nodes (step, equation) whose kinks are known: there only a jump of the value counts,
            which passes on where slopes are 0.
        apart: Nodes whose gaps are closed in floats only.
    """
    if plan.seed is None or run.values.size > _MOST_NODES:
        return None
    flat = _closed(template, plan, run, read) - apart
    if not flat:
        return None
    member = execution(run.execution)
    w, *beside = (
        whole_baseline(member, template.structure, _nudged(plan, run, nudge))
        for nudge in (0.0, _NUDGE, -_NUDGE)
    )
    linear = linearize(template.structure)
    starts: dict[int, set[int]] = {}
    for t, child in flat:
        only_value = (t, child) in known
        if any(_jumps(linear, w, other, (t, child), only_value) for other in beside):
            starts.setdefault(t, set()).add(child)
    return reachable(template, plan, avoid_held=False, starts=starts).table if starts else None


def _closed(template: Template, plan: Plan, run: Tangents, read: Bools) -> set[tuple[int, int]]:
    """Return the nodes whose rules have a closed gap that a path joins to n."""
    gaps = [gap for gap in linearize(template.structure).moving_gaps if read[gap.child]]
    found: set[tuple[int, int]] = set()
    reached: Bools | None = None
    for gap in gaps:
        kink = gap.kink
        terms = [kink.left, kink.right] + ([] if kink.guard is None else [kink.guard])
        (left, _), (right, _), *guard = bounds_along(template.structure, plan, run.values, terms)
        equal = np.broadcast_to(left == right, len(run.values)).copy()
        if guard:
            equal &= guard[0][0] != 0
        equal[: len(plan.forced)] &= ~plan.forced[: len(equal), gap.child]
        for t in np.flatnonzero(equal).tolist():
            reached = (
                reachable(template, plan, avoid_held=False).table if reached is None else reached
            )
            if any(s.lag <= t and reached[t - s.lag, s.parent] for s in gap.slopes):
                found.add((t, gap.child))
    return found


def _nudged(plan: Plan, run: Tangents, nudge: float) -> Plan:
    """Return the plan with n moved by a share of its size, or of 1 where it is smaller."""
    assert plan.seed is not None
    rows = max(len(plan.forced), plan.seed[0] + 1)
    pad = ((0, rows - len(plan.forced)), (0, 0))
    shifts = np.pad(plan.shifts, pad)
    shifts[plan.seed] += nudge * max(1.0, abs(float(run.values[plan.seed])))
    return dataclasses.replace(
        plan, forced=np.pad(plan.forced, pad), values=np.pad(plan.values, pad), shifts=shifts
    )


def _jumps(
    linear: Linearization, w: Baseline, other: Baseline, node: tuple[int, int], only_value: bool
) -> bool:
    """Whether a rule's value or one of its slopes is another beside W than close by."""
    t, child = node
    pairs = [(w.values[t, child], other.values[t, child])]
    chosen = enumerate(linear.partials)
    if not only_value:
        pairs += [(w.slopes[t, k], other.slopes[t, k]) for k, p in chosen if p.child == child]
    return any(
        np.isfinite(a) and not abs(a - b) <= _JUMP * max(abs(a), abs(b), 1.0) for a, b in pairs
    )

"""How often the paths from n to m cross a set A, and what goes along those that cross it k times.

Where no path crosses A twice, what goes through A is the sum of its currents, and Comp(A) =
1 / (1 - share). Elsewhere that sum counts a path once for each crossing; inclusion and exclusion
mend it, and so does a sweep that keeps what crossed A k times apart.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.executions import run_values
from causalopt.engine.linearization import linearize
from causalopt.model.reach import reachable, reaching
from causalopt.model.template import Template

_MOST_STARTS = 20_000  # children of A's nodes whose paths are followed; beyond, worlds are run
_RESCALE = 32


@dataclasses.dataclass(frozen=True, eq=False)
class Crossings:
    """Influence by how often its path crosses A.

    Attributes:
        share: What goes along paths that cross A exactly k times, of the total effect, shape [k];
            the last entry is of those that cross it so many times or more.
        status: What the total effect means, a key of `causalopt.STATUSES`; `kink` too where W sits
            on a branch on a way from n to m, whose slopes are then those of W's side.
    """

    share: Floats
    status: str = "ok"

    @property
    def through(self) -> float:
        """The share of the paths that cross A at all: 1 - 1/Comp."""
        return float(self.share[1:].sum())

    @property
    def terms(self) -> Floats:
        """The sums of inclusion and exclusion, over A's nodes, pairs, ..., shape [k], from k = 1.

        The first is the sum of the currents through A's nodes; with alternating signs they sum to
        what goes through A. Exact where no path crosses A more often than was counted.
        """
        counts = range(len(self.share))
        return np.array([sum(math.comb(j, k) * self.share[j] for j in counts) for k in counts if k])


def is_crossed_twice(template: Template, plan: Plan, held: Bools) -> bool:
    """Whether a path from n to m goes through two nodes of A, by the graph alone.

    Args:
        template: The model's template.
        plan: The run; its seed is n.
        held: A's nodes, stages included, that lie between n and m, shape [t, equation].
    """
    children: dict[int, list[tuple[int, int]]] = {}
    for child, equation in enumerate(template.equations):
        for parent, lag in equation.parents:
            children.setdefault(template.index[parent], []).append((child, lag))
    starts: dict[int, set[int]] = {}
    nodes = np.argwhere(held)
    if len(nodes) > _MOST_STARTS:
        return True
    for t, i in nodes.tolist():
        for child, lag in children.get(i, ()):
            forced = t + lag < len(plan.forced) and plan.forced[t + lag, child]
            if t + lag <= plan.steps and not forced:
                starts.setdefault(t + lag, set()).add(child)
    if not starts:
        return False
    after = reachable(template, plan, avoid_held=False, starts=starts).table
    return bool((after & held).any())


def between(template: Template, plan: Plan, target: int) -> Bools:
    """Return which nodes lie on a path from n to m, these included, shape [t, equation]."""
    forward = reachable(template, plan, avoid_held=False).table
    backward = reaching(template, plan, {plan.steps: (target,)}, avoid_held=False).table
    found: Bools = forward & backward
    return found


def crossings(template: Template, plan: Plan, target: int, most: int) -> Crossings:
    """Return the influence of n on m by how often its paths cross A.

    Every tangent is a polynomial in a mark that each node of A multiplies it by, cut off at the
    power `most`, where the rest is collected.

    Args:
        template: The model's template.
        plan: The run; its seed is n, its held set A.
        target: The measured equation.
        most: The number of crossings that stands for itself and all above it.
    """
    partials = linearize(template.structure).partials
    baseline = dataclasses.replace(plan, seed=None)
    slopes = run_values(template.structure, baseline, tuple(p.term for p in partials)).extras
    by_child: list[list[tuple[int, int, int]]] = [[] for _ in template.equations]
    for k, partial in enumerate(partials):
        by_child[partial.child].append((k, partial.parent, partial.lag))
    assert plan.seed is not None
    (first, seed), held = plan.seed, plan.held_table
    depth = template.max_lag + 1
    rows = np.zeros((depth, len(template.equations), most + 1))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(first, plan.steps + 1):
            now = rows[t % depth]
            now[:] = 0.0
            forced = plan.forced[t] if t < len(plan.forced) else None
            for i, parents in enumerate(by_child):
                if forced is None or not forced[i]:
                    for k, parent, lag in parents:
                        if t - lag >= first and rows[(t - lag) % depth, parent].any():
                            now[i] += slopes[t, k] * rows[(t - lag) % depth, parent]
                if (t, i) == (first, seed):
                    now[i, 0] = 1.0
                if held[t, i]:
                    now[i] = _marked(now[i])
            if t % _RESCALE == 0:
                top = np.abs(rows).max()
                if 0 < top < np.inf:
                    rows /= 2.0 ** np.frexp(top)[1]
    found: NDArray[np.float64] = rows[plan.steps % depth, target].copy()
    total = found.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return Crossings(found / total if total else np.full(most + 1, np.nan))


def _marked(row: Floats) -> Floats:
    """Return a polynomial times its mark; what passes the last power stays there."""
    moved = np.roll(row, 1)
    moved[0] = 0.0
    moved[-1] += row[-1]
    return moved

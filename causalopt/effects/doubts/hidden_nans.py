"""Comparisons that read a NaN: what they choose is none, though floats call them false.

`where(log(p) > 0, 1, 2)` has no value at p = -1. The executions take the other branch, as IEEE
comparisons do; the effect's status is that of a NaN all the same.
"""

from __future__ import annotations

import numpy as np

from causalopt.effects.doubts.error_bounds import bounds_along
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.linearization import Gap, linearize
from causalopt.language.term import postorder
from causalopt.model.reach import reachable
from causalopt.model.template import Template

# What has no value, or an infinite one of which a difference has none, though all of W is finite.
_PARTIAL = frozenset({"log", "sqrt", "pow", "asin", "acos", "div", "exp", "sinh", "cosh"})
_PARTIAL |= {"log1p", "expm1"}


def hidden_nans(template: Template, plan: Plan, values: Floats, read: Bools) -> Bools | None:
    """Return the nodes that follow from such a comparison, [t, equation]; None where there is none.

    Args:
        template: The model's template.
        plan: The run.
        values: W, shape [t, equation].
        read: The equations that count, shape [equation].
    """
    gaps = [gap for gap in linearize(template.structure).gaps if read[gap.child]]
    if not np.isnan(values[:, read]).any():
        gaps = [gap for gap in gaps if _makes_nans(gap)]
    if not gaps:
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


def first_hidden(
    template: Template, hidden: Bools, bad: tuple[str, int, bool] | None
) -> tuple[str, int, bool]:
    """Return the first node that is not finite: by its value, else by such a comparison.

    Args:
        template: The model's template.
        hidden: The nodes that follow from a comparison with NaN, [t, equation].
        bad: The first value that is not finite, as `first_nonfinite` found it.
    """
    t, i = np.argwhere(hidden)[0].tolist()
    return bad or (template.equations[i].owner, t, False)


def _makes_nans(gap: Gap) -> bool:
    sides = [gap.kink.left, gap.kink.right] + ([] if gap.kink.guard is None else [gap.kink.guard])
    return any(term.op in _PARTIAL for term in postorder(*sides))

"""Zeros that are exact: an effect of 0 along a path, computed again in slopes.

In floats a zero may be what rounding left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from causalopt.effects.exact_slopes import Exact, ExactSlopes, plus, product
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.linearization import Partial
from causalopt.model.template import Template

Pair: TypeAlias = tuple[Exact, Exact]  # over all paths, and over those that avoid A
_ZERO, _ONE = Fraction(0), Fraction(1)


def exact_zeros(template: Template, plan: Plan, values: Floats, last: int) -> tuple[Bools, Bools]:
    """Return where the total and the direct effect of the seed are exactly 0, shape [t, V] each.

    Args:
        template: The model's template.
        plan: The run; its seed is the nudged node.
        values: W, shape [t, V].
        last: The last step asked about.
    """
    assert plan.seed is not None
    slopes, width = ExactSlopes(template, plan, values), len(values[0])
    zeros = np.zeros((2, len(values), width), dtype=bool)
    lags = max(template.max_lag, 1)
    settled = max(len(plan.forced), len(plan.held), plan.seed[0] + 1) + lags
    rows: list[list[Pair]] = []
    seen: dict[tuple[tuple[Pair, ...], ...], int] = {}
    for t, row in enumerate(exact_tangents(slopes, plan, width, last)):
        rows.append(row)
        zeros[:, t] = np.array([[x == 0 for x in pair] for pair in row]).T
        if t < settled:
            continue
        state = tuple(map(tuple, rows[-lags:]))
        if all(pair == (_ZERO, _ZERO) for past in state for pair in past):
            zeros[:, t + 1 :] = True
            break
        if slopes.is_constant and state in seen:
            period = t - seen[state]
            again = seen[state] + 1 + np.arange(len(values) - t - 1) % period
            zeros[:, t + 1 :] = zeros[:, again]
            break
        seen[state] = t
    return zeros[0], zeros[1]


def exact_zeros_from_all(
    template: Template, plan: Plan, values: Floats, target: int
) -> tuple[Bools, Bools]:
    """Return where the total and the direct effect on a last value are exactly 0, likewise."""
    slopes, width = ExactSlopes(template, plan, values), len(values[0])
    zeros = np.zeros((2, len(values), width), dtype=bool)
    found = [slopes.at(t) for t in range(len(values))]
    adjoint: list[list[list[Exact]]] = [[[_ZERO, _ZERO] for _ in range(width)] for _ in values]
    adjoint[-1][target] = [Fraction(1), Fraction(1)]
    for t in reversed(range(len(values))):
        step = found[t]
        if step is None:
            break
        held = plan.held_at(t)
        for child in reversed(range(width)):
            if slopes.is_forced(t, child):
                continue
            for partial, slope in step.get(child, ()):
                if partial.lag > t:
                    continue
                above = adjoint[t - partial.lag][partial.parent]
                for world in (0, 1):
                    if not (world and held[child]):
                        more = product(slope, adjoint[t][child][world])
                        above[world] = plus(above[world], more)
        zeros[:, t] = np.array([[x == 0 for x in pair] for pair in adjoint[t]]).T
    return zeros[0], zeros[1]


def exact_tangents(slopes: ExactSlopes, plan: Plan, width: int, last: int) -> Iterator[list[Pair]]:
    """Yield the total and direct effects of the seed on all equations, step by step.

    Args:
        slopes: The local derivatives.
        plan: The run; its seed is the nudged node.
        width: How many equations there are.
        last: The last step asked about.
    """
    assert plan.seed is not None
    rows: list[list[Pair]] = []
    for t in range(last + 1):
        found = slopes.at(t)
        if found is None:
            return
        row: list[Pair] = [(_ZERO, _ZERO)] * width
        rows.append(row)
        held = plan.held_at(t)
        for i in range(width):
            if t >= plan.seed[0] and not slopes.is_forced(t, i):
                row[i] = _summed(found.get(i, ()), rows, t)
                row[i] = (row[i][0], _ZERO) if held[i] else row[i]
            if (t, i) == plan.seed:
                row[i] = (plus(row[i][0], _ONE), plus(row[i][1], _ONE))
        yield row


def _summed(
    slopes: Iterable[tuple[Partial, Exact]], rows: list[list[Pair]], t: int
) -> tuple[Exact, Exact]:
    total: Exact = _ZERO
    direct: Exact = _ZERO
    for partial, slope in slopes:
        if partial.lag <= t:
            x, y = rows[t - partial.lag][partial.parent]
            total, direct = plus(total, product(slope, x)), plus(direct, product(slope, y))
    return total, direct

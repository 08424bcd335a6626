"""Whether a path avoids A, for many sets A: one bit a set, all of them in one walk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Bools, Plan
from causalopt.model.template import Template

Bits = NDArray[np.uint8]


def reached_beside(
    template: Template,
    plan: Plan,
    target: int,
    held: Bools,
    starts: NDArray[np.int64],
    keep: Sequence[int],
) -> Bools:
    """Return whether a path from n to a node m avoids each set, shape [kept step, set].

    Args:
        template: The model's template.
        plan: The run; its seed is n, its own held set is not used.
        target: The equation of m.
        held: Which nodes each set holds, shape [row, equation, set].
        starts: The step from which each row holds, shape [row].
        keep: The steps of m, ascending.
    """
    assert plan.seed is not None
    count, found = held.shape[2], np.zeros((len(keep), held.shape[2]), dtype=bool)
    place = {t: k for k, t in enumerate(keep)}
    for t, row in _rows(template, plan, np.packbits(~held, axis=2), starts, keep[-1]):
        if t in place:
            found[place[t]] = np.unpackbits(row[target], count=count).astype(bool)
    return found


def _rows(
    template: Template, plan: Plan, open_: Bits, starts: NDArray[np.int64], last: int
) -> Iterator[tuple[int, Bits]]:
    """Yield (step, which equations are reached in which sets, bits [equation, set / 8])."""
    assert plan.seed is not None
    first, seed = plan.seed
    parents = [
        [(template.index[name], lag) for name, lag in equation.parents]
        for equation in template.equations
    ]
    depth = max(template.max_lag, 1)
    ring = np.zeros((depth + 1, *open_.shape[1:]), dtype=np.uint8)
    still, changes = 0, set(starts.tolist())
    for t in range(first, last + 1):
        row = ring[t % (depth + 1)]
        settled = t >= len(plan.forced) and t not in changes and t > first
        if still > depth and settled:  # nothing differs from the step before
            row[:] = ring[(t - 1) % (depth + 1)]
            yield t, row
            continue
        lets = open_[np.searchsorted(starts, t, side="right") - 1]
        row[:] = 0
        for i, above in enumerate(parents):
            if not (t < len(plan.forced) and plan.forced[t, i]):
                for parent, lag in above:
                    if t - lag >= first:
                        row[i] |= ring[(t - lag) % (depth + 1), parent]
            if (t, i) == (first, seed):
                row[i] = 0xFF
            row[i] &= lets[i]
        still = still + 1 if settled and (row == ring[(t - 1) % (depth + 1)]).all() else 0
        yield t, row

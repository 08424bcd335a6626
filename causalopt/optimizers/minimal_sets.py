"""The smallest sets that carry a given share of the best compression: none of their variables idle.

A set is minimal when it reaches the share and no set that it contains does.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.optimizers.set_lists import Held
from causalopt.results import plain_number

TIE = 1e-9


@dataclasses.dataclass(frozen=True)
class MinimalSets:
    """All minimal sets that reach a share of the best Op, those that tie in one group.

    Attributes:
        share: Of the best Op.
        needed: The Op that it comes to, in nats; NaN where no set compresses.
        groups: Groups of sets with one Op, the largest Op first, each with it in nats.
        is_complete: Whether all sets were tried, so that there are no others.
    """

    share: float
    needed: float
    groups: tuple[tuple[float, tuple[Held, ...]], ...]
    is_complete: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        groups = [
            {"op": plain_number(op), "sets": [list(hold) for hold in sets]}
            for op, sets in self.groups
        ]
        return {
            "share": self.share,
            "needed": plain_number(self.needed),
            "groups": groups,
            "complete": self.is_complete,
        }


def minimal_sets(
    sets: Sequence[Held], op: Floats, share: float, *, is_complete: bool = True
) -> MinimalSets:
    """Return the minimal sets that reach a share of the best Op.

    Args:
        sets: The sets that were tried.
        op: Their Op in nats, -inf or NaN where it is not certain, shape [set].
        share: Above 0, at most 1.
        is_complete: Whether these are all sets.

    Example:
        >>> sets = [("a",), ("b",), ("c",), ("a", "b"), ("a", "c")]
        >>> found = minimal_sets(sets, np.array([9.0, 9.0, 4.0, 9.0, 10.0]), 0.9)
        >>> found.needed, found.groups
        (9.0, ((9.0, (('a',), ('b',))),))
    """
    best = float(np.nanmax(op, initial=-math.inf)) if len(op) else -math.inf
    if not best > 0:
        return MinimalSets(share, math.nan, (), is_complete)
    needed = share * best
    slack = 0.0 if math.isinf(needed) else TIE * needed
    reach = [
        (frozenset(s), s, float(o)) for s, o in zip(sets, op, strict=True) if o >= needed - slack
    ]
    reach.sort(key=lambda item: len(item[0]))
    minimal: list[tuple[frozenset[str], Held, float]] = []
    for item in reach:
        if not any(other[0] < item[0] for other in minimal):
            minimal.append(item)
    return MinimalSets(share, needed, grouped([(s, o) for _, s, o in minimal]), is_complete)


def grouped(sets: Sequence[tuple[Held, float]]) -> tuple[tuple[float, tuple[Held, ...]], ...]:
    """Return sets in groups of one Op, the largest first; the smaller and earlier set first."""
    groups: list[tuple[float, list[Held]]] = []
    for hold, op in sorted(sets, key=lambda pair: -pair[1]):
        if groups and is_tie(groups[-1][0], op):
            groups[-1][1].append(hold)
        else:
            groups.append((op, [hold]))
    return tuple((op, tuple(sorted(holds, key=len))) for op, holds in groups)


def is_tie(one: float, other: float) -> bool:
    """Whether two Op are one to within rounding."""
    size = max(1.0, abs(one), abs(other))
    return one == other or (math.isfinite(size) and abs(one - other) <= TIE * size)

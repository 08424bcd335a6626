"""The regularised path: which set wins at which price, Op(A) - price * size(A) over all sets.

The winners are the corners of the upper concave hull of the best Op at each size; the slopes
between corners are the prices at which the winner changes.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from causalopt.errors import QuestionError
from causalopt.optimizers.set_lists import Held
from causalopt.results import plain_number


@dataclasses.dataclass(frozen=True)
class Split:
    """One way to divide a model into A and B.

    Attributes:
        hold: The variables of A.
        op: Op(A; n, m) in nats.
        comp: Comp; over several steps a ratio of sizes, without a sign.
        status: A key of `causalopt.STATUSES`.
    """

    hold: Held
    op: float
    comp: float
    status: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        numbers = {"op": plain_number(self.op), "comp": plain_number(self.comp)}
        return {"hold": list(self.hold), **numbers, "status": self.status}

    def __str__(self) -> str:
        return f"{{{', '.join(self.hold)}}}"


@dataclasses.dataclass(frozen=True)
class PathPoint:
    """The best sets of one size.

    Attributes:
        size: Variables, or cut edges.
        op: Their Op in nats.
        splits: The sets, those that tie all named.
        how: `exact` where every set of this size was tried, else `heuristic`.
        bound: No set of this size has a larger Op; nats.
        low: The price from which on, and
        high: up to which they win; NaN where they win at none.
    """

    size: int
    op: float
    splits: tuple[Split, ...]
    how: str = "exact"
    bound: float = math.inf
    low: float = math.nan
    high: float = math.nan

    @property
    def is_corner(self) -> bool:
        """Whether they win at some price."""
        return not math.isnan(self.low)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        numbers = {k: plain_number(getattr(self, k)) for k in ("op", "bound", "low", "high")}
        sets = [split.to_dict() for split in self.splits]
        return {"size": self.size, **numbers, "how": self.how, "splits": sets}


@dataclasses.dataclass(frozen=True)
class RegularisedPath:
    """The best sets of each size, from the empty set on, and the prices at which they win.

    Attributes:
        points: By size, ascending; the first is the empty set, with Op 0.
    """

    points: tuple[PathPoint, ...]

    @property
    def corners(self) -> tuple[PathPoint, ...]:
        """The winners, by size, ascending: the first wins at the highest prices."""
        return tuple(point for point in self.points if point.is_corner)

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """The prices at which the winner changes, in nats for one of size, descending."""
        return tuple(point.low for point in self.corners[:-1])

    def at(self, price: float) -> PathPoint:
        """Return the winner at a price, the smaller of two that are even.

        Args:
            price: In nats for each variable or cut edge, 0 or more.

        Raises:
            QuestionError: The price is below 0.
        """
        if not price >= 0:
            raise QuestionError(f"a price is 0 or more, found {price}")
        return next(point for point in self.corners if price >= point.low)


def regularised_path(best: Mapping[int, PathPoint]) -> RegularisedPath:
    """Return the path through the best sets of each size.

    Args:
        best: Size -> its best sets; the empty set's 0 among them.

    Example:
        >>> points = [PathPoint(size, op, ()) for size, op in enumerate([0.0, 3.0, 3.5, 5.0])]
        >>> path = regularised_path({point.size: point for point in points})
        >>> [point.size for point in path.corners], path.breakpoints
        ([0, 1, 3], (3.0, 1.0))
    """
    points = [best[size] for size in sorted(best)]
    corners = _hull([(point.size, point.op) for point in points])
    slopes = [_slope(points[a], points[b]) for a, b in itertools.pairwise(corners)]
    ends = [math.inf, *slopes, 0.0]
    found = {k: (ends[j + 1], ends[j]) for j, k in enumerate(corners)}
    return RegularisedPath(
        tuple(
            dataclasses.replace(point, low=found[k][0], high=found[k][1]) if k in found else point
            for k, point in enumerate(points)
        )
    )


def _slope(one: PathPoint, other: PathPoint) -> float:
    return (other.op - one.op) / (other.size - one.size)


def _hull(points: Sequence[tuple[int, float]]) -> list[int]:
    """Return the corners of the upper hull that rise (Andrew's monotone chain, 1979)."""
    corners: list[int] = []
    for k, (size, op) in enumerate(points):
        if corners and not op > max(points[j][1] for j in corners):
            continue  # larger, and no better
        while len(corners) > 1:
            (s0, o0), (s1, o1) = points[corners[-2]], points[corners[-1]]
            if math.isinf(op) or (op - o1) * (s1 - s0) >= (o1 - o0) * (size - s1):
                corners.pop()
            else:
                break
        corners.append(k)
        if op == math.inf:
            break  # nothing is better
    return corners

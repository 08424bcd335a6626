"""Which points are asked next: learners of the package adaptive, and the losses they go by.

A learner cuts the unit cube into simplices and divides those of the largest loss: how wrong the
linear rule may be on it, volume times range, and by how much W says that it is (`simplex_rule`). It
is told one finite number a point: an infinity, NaN or a point that diverged is told as what an
integral counts there, and the loss sees that its status is of another group, so that its border is
found and nothing else is pulled along.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.measures import NAMES
from causalopt.engine.contract import Floats
from causalopt.extras import need
from causalopt.refinement.refined_points import RefinedPoints
from causalopt.refinement.simplex_rule import NARROW, Primitive, Simplices

_GROUPS = np.arange(len(NAMES))
_GROUPS[NAMES == "kink"] = _GROUPS[NAMES == "ok"]  # single points on a kink are no region
_BORDER = 0.25  # how much two groups differ, as a height
_SEEN = 0.01  # what may hide where corners are alike, as a height
_STEEP = 1e100  # heights beyond it are told as it
_INFINITE = 12.0  # log(1 + |Op|) of an Op of 160,000 nats
_LEAST = 1e-12  # share of the cube: smaller simplices are not divided
_UNIT = 1e6  # learners round losses to so many digits behind the point

Told = tuple[Floats, NDArray[np.int64]]


class Telling(Protocol):
    """What learners are told of points: heights and groups, shape [point] each."""

    def __call__(self, found: RefinedPoints, /) -> Told:
        """Return height and group of each point."""


def told_power(found: RefinedPoints) -> Told:
    """Return 1 - Comp, what power integrates, and the status' group."""
    return np.clip(found.power_heights, -_STEEP, _STEEP), _GROUPS[found.codes]


def told_op(found: RefinedPoints) -> Told:
    """Return Op, logarithmically beyond a nat, and the status' group."""
    with np.errstate(invalid="ignore"):
        heights = np.sign(found.op) * np.minimum(np.log1p(np.abs(found.op)), _INFINITE)
    return np.where(found.known, heights, 0.0), _GROUPS[found.codes]


class ToldLevel:
    """Op less a level, squeezed between -1 and 1; the group says on which side a point lies."""

    def __init__(self, level: float) -> None:
        self.level = level

    def __call__(self, found: RefinedPoints) -> Told:
        """Return height and group of each point."""
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.tanh(found.op - self.level)
        sides = np.where(found.known, np.where(found.above(self.level), 1, 0), 2)
        return np.where(found.known, apart, 0.0), sides


class PointLearner:
    """Points of the unit cube, chosen in batches; the same for the same heights."""

    def __init__(self, axes: int, telling: Telling, *, length: float | None = None) -> None:
        """Begin without a point.

        Args:
            axes: How many.
            telling: What is told of points.
            length: Of the axis, where it is the nudged node's own and W's values are to tell what
                lies hidden between points.
        """
        self.axes, self._telling, self._length = axes, telling, length
        self._loss = _level_loss if isinstance(telling, ToldLevel) else _height_loss
        self._asked: list[Any] = []
        self._places: dict[Any, int] = {}
        self._heights: list[float] = []
        self._groups: list[int] = []
        self._primitive = Primitive(np.empty(0), np.empty(0), may_jump=False)
        self._learner: Any = self._on_a_line() if axes == 1 else self._in_a_cube()

    def ask(self, count: int) -> Floats:
        """Return so many new points, shape [axis, point]; fewer where no simplex may be divided."""
        before = len(self._asked)
        for point in self._learner.ask(count)[0]:
            own = float(point) if self.axes == 1 else tuple(map(float, point))
            if own not in self._places:
                self._places[own] = len(self._asked)
                self._asked.append(own)
        new = self._asked[before:]
        return np.array(new, dtype=np.float64).reshape(len(new), self.axes).T

    def tell(self, found: RefinedPoints) -> None:
        """Take note of what was found at the points that were asked for last."""
        first = len(self._heights)
        heights, groups = self._telling(found)
        self._heights += heights.tolist()
        self._groups += groups.tolist()
        if self._length is not None:
            more, before = found.primitive(self._length), self._primitive
            values = np.concatenate([before.values, more.values])
            weights = np.concatenate([before.weights, more.weights])
            self._primitive = dataclasses.replace(more, values=values, weights=weights)
        self._learner.tell_many(self._asked[first:], self._heights[first:])

    @property
    def simplices(self) -> Simplices:
        """Which points are the corners of each simplex, as places in the order asked."""
        if self.axes == 1:
            order = np.argsort(np.array(self._asked))
            return np.column_stack([order[:-1], order[1:]])
        triangulation = self._learner.tri
        own = np.array([self._places[tuple(map(float, p))] for p in triangulation.vertices])
        found: NDArray[np.int64] = own[np.array(sorted(triangulation.simplices))]
        return found

    def _on_a_line(self) -> Any:
        need("adaptive")
        from adaptive.learner.learner1D import Learner1D, uses_nth_neighbors

        def of_interval(xs: Sequence[float | None], _heights: Any) -> float:
            at = [None if x is None else self._places[x] for x in xs]
            size = xs[2] - xs[1]  # type: ignore[operator]
            heights = [math.nan if k is None else self._heights[k] for k in at]
            tent = _tent(xs, heights)
            groups = [self._groups[k] for k in at[1:3] if k is not None]
            loss = self._loss(size, heights[1:3], groups, 1, tent)
            return loss + _UNIT * self._parted(at, size, heights)

        return Learner1D(None, (0.0, 1.0), uses_nth_neighbors(1)(of_interval))

    def _parted(self, at: Sequence[int | None], size: float, heights: Sequence[float]) -> float:
        """Return by how much the rule differs from W's word, 0 on a narrow interval."""
        if self._length is None or size < NARROW:
            return 0.0
        rule = size * (1 - (heights[1] + heights[2]) / 2)
        apart = float(self._primitive.parted(at[1], at[2], rule)[0])
        return 0.0 if math.isnan(apart) else min(abs(apart), _STEEP)

    def _in_a_cube(self) -> Any:
        need("adaptive")
        from adaptive.learner.learnerND import LearnerND, volume

        def of_simplex(corners: Any, _heights: Any, _scale: float) -> float:
            at = [self._places[tuple(corner)] for corner in corners.tolist()]
            heights, groups = [self._heights[k] for k in at], [self._groups[k] for k in at]
            return self._loss(float(volume(corners)), heights, groups, self.axes, 0.0)

        bounds = [(0.0, 1.0)] * self.axes
        # The triangulation that is always there, not the faster one of a package that may be: the
        # points are the same anywhere.
        return LearnerND(None, bounds, of_simplex, triangulation_backend="python")


def _height_loss(
    size: float, heights: Sequence[float], groups: Sequence[int], axes: int, tent: float
) -> float:
    """Return how wrong the linear rule may be on a simplex, and a little for what may hide."""
    if size < _LEAST:
        return 0.0
    spread = max(max(heights) - min(heights), tent)
    if any(group != groups[0] for group in groups):
        spread += _BORDER
    return _UNIT * size * (spread + _SEEN * math.pow(size, 1.0 / axes))


def _level_loss(
    size: float, heights: Sequence[float], groups: Sequence[int], axes: int, tent: float
) -> float:
    """Return a simplex' size where its corners lie on two sides, less where they do not.

    The nearer to the level they lie, measured by how much they differ, the more may lie beyond it.
    """
    if size < _LEAST:
        return 0.0
    if any(group != groups[0] for group in groups):
        return _UNIT * size
    spread = max(max(heights) - min(heights), tent)
    near = min(map(abs, heights))
    may_cross = math.exp(-4.0 * near / spread) if spread else 0.0
    return _UNIT * size * (0.25 * may_cross + _SEEN * math.pow(size, 1.0 / axes))


def _tent(xs: Sequence[float | None], heights: Sequence[float]) -> float:
    """Return how far a height may rise between two points where it turns, by the slopes beside."""
    if xs[0] is None or xs[3] is None:
        return 0.0
    before = (heights[1] - heights[0]) / (xs[1] - xs[0])  # type: ignore[operator]
    after = (heights[3] - heights[2]) / (xs[3] - xs[2])  # type: ignore[operator]
    if not before * after < 0:
        return 0.0
    step = xs[2] - xs[1]  # type: ignore[operator]
    return float(step * abs(before * after) / (abs(before) + abs(after)))

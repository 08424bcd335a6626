"""Integrals over a box cut into simplices, from values at their corners, with an error.

Between corners a height is taken to be linear: over one axis this is the trapezoid rule. The error
has two parts. A height that jumps, bends or is monotone inside a simplex misses its integral by at
most the simplex' volume times the range of its corners' heights, anywhere between half of it too
low and half too high: errors of different simplices have either sign, and add as the standard
deviations of uniform laws do; over one axis the range counts no further than the height at a point
parts from the line between its neighbours. A height that is smooth has errors of one sign: they are
the second differences along edges, of gradients fitted at corners, and add as they are. Over the
nudged node's own axis W tells how wrong the rule is, and what lies hidden between points
(`Primitive`).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats

Simplices = NDArray[np.int64]
# Standard deviations that an error stands for, by the number of axes: those of independent errors
# are 3, and along a curved border those of neighbours are not, as balls of known volume show.
_DEVIATIONS = {1: 3.0, 2: 4.0, 3: 6.0}
_ROUNDED = 1e-13  # share of W's values that their changes may be wrong by
# Where W may jump and tells of an error so many times the rule's own, it jumps.
_CONSISTENT = 2.0
_SURE = 1.1  # by how much the error is widened where W tells it
_FLOOR = 2.0**-48  # share of the integral of sizes that rounding takes
NARROW = 1e-6  # share of an axis: what hides in less is not looked for
_MARGIN = 2.0  # gradients at a border are known from one side only


@dataclasses.dataclass(frozen=True, eq=False)
class Primitive:
    """What the values of W say of Comp between points of the nudged node's own axis.

    There the total effect is the derivative of m along the axis, and the integral of Comp between
    two points is the change of m over the direct effect. Where the linear rule differs from that by
    more than a monotone Comp could, something lies between the points that none of them shows: a
    steep place such as the border of two basins, or a jump of W.

    Attributes:
        values: m in W over the length of the axis, shape [point].
        weights: 1 over the direct effect, NaN where Comp is not known.
        may_jump: Whether the model's rules have an operation that jumps: what is then found hidden
            in less than a millionth of the axis is a jump of W, which Comp does not count.
    """

    values: Floats
    weights: Floats
    may_jump: bool

    def parted(self, first: Any, second: Any, rule: Any) -> tuple[Any, Any]:
        """Return by how much the linear rule differs from W's word, and how far that is not sure.

        Args:
            first: Places of the points at the lower ends, or one place.
            second: Of those at the upper ends.
            rule: The integral of Comp between them by the linear rule.
        """
        before, after = self.values[first], self.values[second]
        left, right = self.weights[first], self.weights[second]
        with np.errstate(over="ignore", invalid="ignore"):
            change = after - before
            rounded = _ROUNDED * (np.abs(before) + np.abs(after)) * np.abs(left + right)
            return rule - change * (left + right) / 2, np.abs(change * (right - left)) + rounded

    def hidden(self, first: Any, second: Any, rule: Any, bound: Any) -> Any:
        """Return by how much the rule is wrong between pairs of points as far as that is hidden.

        Args:
            first: As of `parted`.
            second: Likewise.
            rule: Likewise.
            bound: By how much a monotone Comp may differ from the rule.
        """
        apart, slack = self.parted(first, second, rule)
        return np.where(np.abs(apart) > bound + slack, np.abs(apart), 0.0)

    def jumps(self, sizes: Any, hidden: Any) -> Any:
        """Return where what is hidden is a jump of W, by the sizes of intervals."""
        return (np.asarray(sizes) < NARROW) & (hidden > 0) & self.may_jump


class SimplexIntegral(NamedTuple):
    """An integral, and how wrong it may be."""

    value: float
    error: float


def integrated(
    shares: Floats,
    simplices: Simplices,
    heights: Floats,
    *,
    jumps: bool = False,
    primitive: Primitive | None = None,
) -> SimplexIntegral:
    """Return the integral of heights over the unit cube.

    Args:
        shares: Corners, shape [axis, point].
        simplices: Which points are the corners of each, shape [simplex, axes + 1]; over one axis
            in its order.
        heights: Finite numbers, shape [point].
        jumps: Whether heights are 0 and 1 only: nothing about them is smooth.
        primitive: Over one axis, what else is known of 1 - height.
    """
    axes = len(shares)
    sizes = volumes(shares, simplices)
    corners = heights[simplices]
    with np.errstate(over="ignore", invalid="ignore"):
        value = float((sizes * corners.mean(axis=1)).sum())
        doubts = sizes * (corners.max(axis=1) - corners.min(axis=1))
        if jumps:
            return SimplexIntegral(value, _DEVIATIONS[axes] * _deviation(doubts))
        wide = doubts / 4
        if axes == 1:
            tents = sizes * _tents(sizes, corners)
            doubts = np.maximum(np.minimum(doubts, sizes * _defects(sizes, corners)), tents)
        each = sizes * _bends(shares, simplices, heights).sum(axis=1)
        each /= 2 * (axes + 1) * (axes + 2)
        curved = abs(float(np.clip(each, -wide, wide).sum()))
        error = _MARGIN * curved + _DEVIATIONS[axes] * _deviation(doubts)
        if primitive is not None:
            rule = sizes * (1 - corners.mean(axis=1))
            error = _told_by(primitive, simplices, sizes, rule, np.maximum(doubts, 4 * wide), error)
        error += _FLOOR * float((sizes * np.abs(corners).mean(axis=1)).sum())
    # Where heights overflow together, how wrong their sum is cannot be told.
    return SimplexIntegral(value, math.inf if math.isnan(error) else error)


def _told_by(
    primitive: Primitive,
    simplices: Simplices,
    sizes: Floats,
    rule: Floats,
    wide: Floats,
    error: float,
) -> float:
    """Return the error with what W says: more where much is hidden, less where W knows better."""
    first, second = simplices.T
    hidden = primitive.hidden(first, second, rule, wide)
    error += float(hidden[~primitive.jumps(sizes, hidden)].sum())
    apart, slack = primitive.parted(first, second, rule)
    told, unsure = abs(float(apart.sum())), float(slack.sum())
    most, least = _SURE * told + unsure, _SURE * max(told - unsure, 0.0)
    is_told = not primitive.may_jump or most < _CONSISTENT * error
    return min(most, max(error, least)) if is_told and math.isfinite(most) else error


def jump_count(shares: Floats, simplices: Simplices, heights: Floats, known: Primitive) -> int:
    """Return in how many places W jumps by more than Comp accounts for.

    Args:
        shares: As of `integrated`, over one axis.
        simplices: Likewise.
        heights: Likewise.
        known: What W says of 1 - height.
    """
    sizes, corners = volumes(shares, simplices), heights[simplices]
    bound = sizes * np.abs(corners[:, 1] - corners[:, 0])
    rule = sizes * (1 - corners.mean(axis=1))
    first, second = simplices.T
    hidden = known.hidden(first, second, rule, bound)
    return int(np.count_nonzero(known.jumps(sizes, hidden)))


def _deviation(doubts: Floats) -> float:
    """Return the standard deviation of a sum of errors, each uniform over a range."""
    return float(np.sqrt((doubts**2).sum() / 12))


def _defects(sizes: Floats, corners: Floats) -> Floats:
    """Return twice how far a height may part from a line between two points, shape [interval].

    It is how far the height at either end parts from the line between its neighbours: half of a
    jump beside one, and little where heights are smooth.

    Args:
        sizes: Of intervals, in their order.
        corners: Heights at both ends, shape [interval, 2].
    """
    if len(sizes) == 1:
        return np.full(1, np.inf)
    before, at, after = corners[:-1, 0], corners[1:, 0], corners[1:, 1]
    line = (before * sizes[1:] + after * sizes[:-1]) / (sizes[1:] + sizes[:-1])
    parted = 2 * np.abs(at - line)
    ends = np.concatenate([parted[:1], parted, parted[-1:]])
    larger: Floats = np.maximum(ends[:-1], ends[1:])
    return larger


def _tents(sizes: Floats, corners: Floats) -> Floats:
    """Return how far a height may rise between two points where it turns, shape [interval].

    Where the slopes of the intervals on both sides have opposite signs, it is the height at which
    their lines meet.

    Args:
        sizes: Of intervals, in their order.
        corners: Heights at both ends, shape [interval, 2].
    """
    tents = np.zeros(len(sizes))
    slopes = (corners[:, 1] - corners[:, 0]) / sizes
    before, after = slopes[:-2], slopes[2:]
    turns = before * after < 0
    sums = np.where(turns, np.abs(before) + np.abs(after), 1.0)
    tents[1:-1] = np.where(turns, sizes[1:-1] * np.abs(before) * np.abs(after) / sums, 0.0)
    return tents


def volumes(shares: Floats, simplices: Simplices) -> Floats:
    """Return the volume of each simplex, in units of the cube's, shape [simplex]."""
    corners = shares[:, simplices]  # axis, simplex, corner
    edges = np.moveaxis(corners[..., 1:] - corners[..., :1], 0, -1)
    sizes: Floats = np.abs(np.linalg.det(edges)) / math.factorial(len(shares))
    return sizes


def _bends(shares: Floats, simplices: Simplices, heights: Floats) -> Floats:
    """Return the second difference along each edge, shape [simplex, edge]."""
    pairs = list(itertools.combinations(range(simplices.shape[1]), 2))
    ends = np.array([simplices[:, pair] for pair in pairs])  # edge, simplex, end
    slopes = _gradients(shares, ends.reshape(-1, 2), heights)
    first, second = ends[..., 0], ends[..., 1]
    along = shares[:, second] - shares[:, first]
    bends: Floats = (along * (slopes[:, second] - slopes[:, first])).sum(axis=0).T
    return bends


def _gradients(shares: Floats, ends: Simplices, heights: Floats) -> Floats:
    """Return the gradient at each corner by least squares over its edges, shape [axis, point].

    Edges weigh by the inverse square of their length: over one axis the gradient is the mean of the
    slopes on both sides.
    """
    axes, count = shares.shape
    ends = np.unique(np.sort(ends, axis=1), axis=0)
    first, second = np.concatenate([ends, ends[:, ::-1]]).T
    along = shares[:, second] - shares[:, first]
    weight = 1.0 / (along**2).sum(axis=0)
    rises = weight * (heights[second] - heights[first])
    normal = np.empty((count, axes, axes))
    right = np.empty((count, axes))
    for i in range(axes):
        right[:, i] = np.bincount(first, weights=along[i] * rises, minlength=count)
        for j in range(axes):
            products = along[i] * along[j] * weight
            normal[:, i, j] = np.bincount(first, weights=products, minlength=count)
    solved = np.linalg.solve(normal, right[..., None])
    return np.asarray(solved[..., 0].T, dtype=np.float64)

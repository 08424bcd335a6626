"""Piecewise-linear densities on the line: the marginals of uniform laws on polygons, exactly."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from causalopt.laws.polygons import Polygon

FLAT = 1e-2
"""Below this relative slope a segment's entropy is taken from its series, exact to 1e-17 here."""


@dataclasses.dataclass(frozen=True, eq=False)
class Ramps:
    """A density that is linear between knots and may jump at them.

    Args:
        knots: Where segments meet, increasing, shape (segments + 1,).
        left: The density at each segment's left end, shape (segments,).
        right: The density at each segment's right end, shape (segments,).

    Example:
        >>> triangle = Ramps(np.array([0.0, 1.0]), np.array([0.0]), np.array([2.0]))
        >>> round(triangle.entropy(), 6)  # 1/2 - ln 2
        -0.193147
    """

    knots: npt.NDArray[np.float64]
    left: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]

    @property
    def mass(self) -> float:
        """The integral of the density."""
        return float(np.sum(np.diff(self.knots) * (self.left + self.right)) / 2.0)

    @property
    def is_flat(self) -> bool:
        """Whether the density is constant on every segment, up to rounding."""
        return bool(np.allclose(self.left, self.right, rtol=1e-9, atol=1e-12 * self.left.max()))

    def entropy(self) -> float:
        """Return the differential entropy -integral of p ln p, in nats."""
        lengths = np.diff(self.knots)
        triples = zip(lengths, self.left, self.right, strict=True)
        return -math.fsum(length * _mean_plogp(a, b) for length, a, b in triples)

    def density(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the density at points."""
        place = np.clip(np.searchsorted(self.knots, x, side="right") - 1, 0, len(self.left) - 1)
        start, end = self.knots[place], self.knots[place + 1]
        value = self.left[place] + (x - start) / (end - start) * (
            self.right[place] - self.left[place]
        )
        return np.where((x >= self.knots[0]) & (x <= self.knots[-1]), value, 0.0)


def _mean_plogp(a: float, b: float) -> float:
    """Return the mean of p ln p while p runs evenly from a to b."""
    if a + b == 0.0:
        return 0.0
    middle, ratio = (a + b) / 2.0, (b - a) / (a + b)
    if abs(ratio) < FLAT:
        square = ratio * ratio
        series = square / 6.0 + square**2 / 60.0 + square**3 / 210.0
        return middle * (math.log(middle) + series)
    return (_primitive(b) - _primitive(a)) / (b - a)


def _primitive(p: float) -> float:
    return 0.0 if p == 0.0 else p * p * (2.0 * math.log(p) - 1.0) / 4.0


def projection(pieces: list[tuple[Polygon, float]], axis: int) -> Ramps:
    """Return the marginal of a law that is uniform on convex pieces.

    Args:
        pieces: Convex polygons, each with its density.
        axis: The coordinate kept: 0 or 1.
    """
    knots = np.unique(np.concatenate([polygon[:, axis] for polygon, _ in pieces]))
    close = np.diff(knots) <= 1e-13 * max(1.0, float(np.abs(knots).max()))
    knots = knots[np.concatenate([[True], ~close])]
    middle, width = (knots[1:] + knots[:-1]) / 2.0, np.diff(knots)
    left, right = np.zeros(len(width)), np.zeros(len(width))
    for polygon, density in pieces:
        # a chord is linear in each segment: two inner points determine it
        first = density * _chords(polygon, axis, middle - width / 4.0)
        second = density * _chords(polygon, axis, middle + width / 4.0)
        left += np.maximum(1.5 * first - 0.5 * second, 0.0)
        right += np.maximum(1.5 * second - 0.5 * first, 0.0)
    return Ramps(knots, left, right)


def _chords(polygon: Polygon, axis: int, at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the lengths of a convex polygon's cuts across an axis."""
    x, y = polygon[:, axis], polygon[:, 1 - axis]
    x1, y1 = np.roll(x, -1), np.roll(y, -1)
    low, high = np.full(at.shape, np.inf), np.full(at.shape, -np.inf)
    for a, b, c, d in zip(x, y, x1, y1, strict=True):
        if a == c:
            continue
        height = b + (at - a) / (c - a) * (d - b)
        crossed = (at >= min(a, c)) & (at <= max(a, c))
        low = np.where(crossed, np.minimum(low, height), low)
        high = np.where(crossed, np.maximum(high, height), high)
    lengths: npt.NDArray[np.float64] = np.maximum(high - low, 0.0)
    return lengths

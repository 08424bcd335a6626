"""Uniform pieces in the plane moved exactly by piecewise-affine maps.

A law is a set of convex polygons that do not overlap, each with a constant density. A piecewise-
affine map cuts them at its borders and moves each part; where images fall over one another the
densities add. Entropies are differential, in nats: -sum of area * density * ln density.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from causalopt.errors import QuestionError
from causalopt.laws.polygons import (
    HalfPlane,
    Polygon,
    affine,
    area,
    box,
    clip,
    difference,
    intersection,
)
from causalopt.laws.ramps import Ramps, projection
from causalopt.worlds.replacement import replace

Array = npt.NDArray[np.float64]
Piece = tuple[Polygon, float]


@dataclasses.dataclass(frozen=True, eq=False)
class AffinePiece:
    """x -> matrix x + shift where every half plane of `within` holds; everywhere by default."""

    matrix: Array
    shift: Array
    within: tuple[HalfPlane, ...] = ()

    @property
    def stretch(self) -> float:
        """The factor by which areas grow: |det|."""
        return abs(float(np.linalg.det(self.matrix)))


AffineMap = Sequence[AffinePiece]
"""Pieces whose regions cover the plane and do not overlap."""


@dataclasses.dataclass(frozen=True, eq=False)
class PlanarLaw:
    """A piecewise-uniform law on convex polygons that do not overlap.

    Args:
        pieces: Polygons and their densities.

    Raises:
        QuestionError: The mass is not one.

    Example:
        >>> PlanarLaw(((box((0.0, 0.0), (2.0, 2.0)), 0.25),)).entropy() == math.log(4.0)
        True
    """

    pieces: tuple[Piece, ...]

    def __post_init__(self) -> None:
        mass = math.fsum(area(polygon) * density for polygon, density in self.pieces)
        if abs(mass - 1.0) > 1e-9:
            raise QuestionError(f"a law's densities integrate to 1; these to {mass}")

    def entropy(self) -> float:
        """Return the differential entropy in nats."""
        return -math.fsum(area(p) * d * math.log(d) for p, d in self.pieces)

    def marginal(self, axis: int) -> Ramps:
        """Return the density of one coordinate, 0 or 1."""
        return projection(list(self.pieces), axis)


@dataclasses.dataclass(frozen=True, eq=False)
class ProductDensity:
    """Two coordinates made independent: the law after one was replaced by a replica's.

    Args:
        first: The density of coordinate 0.
        second: The density of coordinate 1.
        matrix: The affine map that has moved the product since, x -> matrix x + shift.
        shift: Its shift.
    """

    first: Ramps
    second: Ramps
    matrix: Array = dataclasses.field(default_factory=lambda: np.eye(2))
    shift: Array = dataclasses.field(default_factory=lambda: np.zeros(2))

    def entropy(self) -> float:
        """Return the differential entropy in nats: the two marginals', and ln |det| since."""
        stretch = abs(float(np.linalg.det(self.matrix)))
        return self.first.entropy() + self.second.entropy() + math.log(stretch)

    def marginal(self, axis: int) -> Ramps:
        """Return the density of one coordinate, 0 or 1, as long as the product has not been moved.

        Raises:
            QuestionError: It has.
        """
        if (self.matrix != np.eye(2)).any() or self.shift.any():
            raise QuestionError("a product that was moved has no marginals in closed form")
        return self.second if axis else self.first

    def density(self, points: Array) -> Array:
        """Return the density at points, shape (..., 2)."""
        back = (points - self.shift) @ np.linalg.inv(self.matrix).T
        stretch = abs(float(np.linalg.det(self.matrix)))
        return self.first.density(back[..., 0]) * self.second.density(back[..., 1]) / stretch


def uniform_box(low: tuple[float, float], high: tuple[float, float]) -> PlanarLaw:
    """Return the uniform law on a rectangle.

    Raises:
        QuestionError: In floats its area is 0 or infinite.
    """
    corners = box(low, high)
    with np.errstate(over="ignore", invalid="ignore"):
        size = area(corners)
    if not 0.0 < size < math.inf:
        raise QuestionError(
            f"in floats the box from {low} to {high} has the area {size:g}, and no density: let "
            "values start nearer to 0, or with another spread"
        )
    return PlanarLaw(((corners, 1.0 / size),))


def centred(law: PlanarLaw) -> PlanarLaw:
    """Return the law shifted to the origin, by its corners' mean; its entropies are the same."""
    middle = np.vstack([polygon for polygon, _ in law.pieces]).mean(axis=0)
    return PlanarLaw(tuple((polygon - middle, density) for polygon, density in law.pieces))


def step(law: PlanarLaw, affine_map: AffineMap) -> PlanarLaw:
    """Return the law one step later, exactly.

    Args:
        law: A piecewise-uniform law.
        affine_map: Pieces that cover the law's support.

    Raises:
        QuestionError: A piece flattens the plane, or the map leaves mass without an image.
    """
    disjoint: list[Piece] = []
    for polygon, density in law.pieces:
        for piece in affine_map:
            part = polygon
            for half_plane in piece.within:
                part = clip(part, half_plane)
            if len(part):
                moved = affine(part, piece.matrix, piece.shift)
                disjoint = _laid_over(disjoint, (moved, density / _stretch(piece)))
    return PlanarLaw(tuple(disjoint))


@replace.register
def _replace_coordinates(
    x: PlanarLaw | ProductDensity, nodes: Iterable[int], source: PlanarLaw | ProductDensity
) -> PlanarLaw | ProductDensity:
    """Return the product of two marginals, or one of the two laws where nothing or all is taken."""
    taken = set(nodes)
    if len(taken) != 1:
        return source if taken else x
    first, second = (source if axis in taken else x for axis in (0, 1))
    return ProductDensity(first.marginal(0), second.marginal(1))


def moved(law: ProductDensity, piece: AffinePiece) -> ProductDensity:
    """Return a product law moved by one affine map."""
    _stretch(piece)
    return dataclasses.replace(
        law, matrix=piece.matrix @ law.matrix, shift=piece.matrix @ law.shift + piece.shift
    )


def rectangles(law: ProductDensity) -> PlanarLaw:
    """Return a product of piecewise-constant densities as a piecewise-uniform law.

    Raises:
        QuestionError: A density slopes, or the product has been moved since.
    """
    first, second = law.marginal(0), law.marginal(1)
    if not (first.is_flat and second.is_flat):
        raise QuestionError(
            "a sloping density is not piecewise uniform; a single affine map can still move it "
            "exactly, a map in several pieces needs samples"
        )
    pieces = []
    for x0, x1, p in zip(first.knots, first.knots[1:], first.left, strict=False):
        for y0, y1, q in zip(second.knots, second.knots[1:], second.left, strict=False):
            if p * q > 0:
                pieces.append((box((x0, y0), (x1, y1)), float(p * q)))
    return PlanarLaw(tuple(pieces))


def _stretch(piece: AffinePiece) -> float:
    if piece.stretch == 0.0:
        raise QuestionError(
            "a piece of the map flattens the plane, so the law has no density and its differential "
            "entropy is minus infinity; add noise, or ask the discrete measure"
        )
    return piece.stretch


def _laid_over(disjoint: list[Piece], new: Piece) -> list[Piece]:
    """Add a piece to pieces that do not overlap, so that they still do not."""
    laid: list[Piece] = []
    rest = [new[0]]
    for polygon, density in disjoint:
        covered = [intersection(polygon, part) for part in rest]
        shared = [part for part in covered if len(part)]
        if not shared:
            laid.append((polygon, density))
            continue
        laid += [(part, density + new[1]) for part in shared]
        laid += [(part, density) for part in _minus([polygon], shared)]
        rest = _minus(rest, [polygon])
    return laid + [(part, new[1]) for part in rest]


def _minus(parts: list[Polygon], cut: list[Polygon]) -> list[Polygon]:
    for polygon in cut:
        parts = [left for part in parts for left in difference(part, polygon)]
    return parts

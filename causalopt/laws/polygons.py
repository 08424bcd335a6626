"""Convex polygons: area, clipping, overlap, difference, affine images.

A polygon is an array of corners, shape (corners, 2), counter-clockwise; one without area is empty,
shape (0, 2).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Polygon = npt.NDArray[np.float64]
HalfPlane = tuple[tuple[float, float], float]
"""(normal, offset): the points x with normal . x <= offset."""

EMPTY: Polygon = np.zeros((0, 2))
THIN = 1e-13
"""Slivers below this part of the area clipped are rounding, not geometry."""


def box(low: tuple[float, float], high: tuple[float, float]) -> Polygon:
    """Return the rectangle between two corners.

    Example:
        >>> float(area(box((0.0, 0.0), (2.0, 3.0))))
        6.0
    """
    (x0, y0), (x1, y1) = low, high
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=float)


def area(polygon: Polygon) -> float:
    """Return the area, positive when the corners run counter-clockwise."""
    if len(polygon) < 3:
        return 0.0
    centred = polygon - polygon.mean(axis=0)  # far from the origin products would cancel
    x, y = centred.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2.0


def clip(polygon: Polygon, half_plane: HalfPlane) -> Polygon:
    """Return the part of a polygon inside a half plane (Sutherland and Hodgman).

    Args:
        polygon: A convex polygon.
        half_plane: (normal, offset): what is kept has normal . x <= offset.

    Example:
        >>> area(clip(box((0.0, 0.0), (1.0, 1.0)), ((1.0, 0.0), 0.25)))
        0.25
    """
    if len(polygon) == 0:
        return EMPTY
    normal, offset = half_plane
    excess = polygon @ np.asarray(normal, dtype=float) - offset
    corners = []
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        if excess[i] <= 0:
            corners.append(polygon[i])
        if excess[i] * excess[j] < 0:
            share = excess[i] / (excess[i] - excess[j])
            corners.append(polygon[i] + share * (polygon[j] - polygon[i]))
    kept = np.array(corners).reshape(-1, 2)
    return kept if area(kept) > THIN * area(polygon) else EMPTY


def half_planes(polygon: Polygon) -> list[HalfPlane]:
    """Return the half planes whose intersection a convex polygon is."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    normals = np.column_stack([edges[:, 1], -edges[:, 0]])
    offsets = np.sum(normals * polygon, axis=1)
    return [((float(n[0]), float(n[1])), float(c)) for n, c in zip(normals, offsets, strict=True)]


def intersection(first: Polygon, second: Polygon) -> Polygon:
    """Return the overlap of two convex polygons.

    Example:
        >>> square = box((0.0, 0.0), (1.0, 1.0))
        >>> area(intersection(square, square + 0.5))
        0.25
    """
    kept = first
    for side in half_planes(second):
        kept = clip(kept, side)
    return kept


def difference(first: Polygon, second: Polygon) -> list[Polygon]:
    """Return convex pieces, apart from each other, of what of `first` lies outside `second`."""
    pieces, kept = [], first
    for (nx, ny), offset in half_planes(second):
        outside = clip(kept, ((-nx, -ny), -offset))
        if len(outside):
            pieces.append(outside)
        kept = clip(kept, ((nx, ny), offset))
    return pieces if len(intersection(first, second)) else [first]


def affine(
    polygon: Polygon, matrix: npt.NDArray[np.float64], shift: npt.NDArray[np.float64]
) -> Polygon:
    """Return the image of a polygon under x -> matrix x + shift, counter-clockwise again."""
    image = polygon @ matrix.T + shift
    return image if np.linalg.det(matrix) > 0 else image[::-1]

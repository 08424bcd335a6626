"""The routes of edges: straight where nothing stands in the way, bent round nodes where it does."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable

from causalopt.drawing.graph.layout import Layout, Link, Place
from causalopt.drawing.graph.marks import Mark, Marks
from causalopt.model.selectors import Node

Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]  # a cubic Bezier curve
Weights = tuple[float, float, float, float]  # of its four points in one point on it

CLEARANCE = 6.0
HEADROOM = 8.0  # above a node, for the signs on its upper corners
LEAN = 40.0  # an edge into a gap ends less than this above or below its node
RING = 4.5  # how far the rings round n and m stand out
LOW_RING = 2.5  # where rows are pressed together
SAMPLES = 28
BENDS = tuple(
    sign * 30.0 * size for size in (0, 1, 2, 3, 4) for sign in ((-1, 1) if size else (1,))
)


@dataclasses.dataclass(frozen=True)
class Route:
    """One edge's curve, from the rim of its source to the rim of its target, and its bend."""

    link: Link
    curve: Curve
    bend: float


def routes(layout: Layout, marks: Marks) -> list[Route]:
    """Return the curve of every link that is drawn; links into one gap that coincide come once."""
    crowd = _Crowd(layout)
    found: list[Route] = []
    seen: set[tuple[Point, Point]] = set()
    for link in layout.links:
        start, end = _ends(layout, link)
        if (start, end) in seen:
            continue
        seen.add((start, end))
        bend = _bend(start, end, crowd, {link.source, link.target})
        curve = _curve(start, end, bend)
        found.append(Route(link, _trimmed(curve, layout, link, marks), bend))
    return found


def point_at(curve: Curve, s: float) -> Point:
    """Return the point of a curve at the parameter s, from 0 to 1."""
    return _weighted(curve, _weights(s))


def _weights(s: float) -> Weights:
    r = 1 - s
    return r * r * r, 3 * r * r * s, 3 * r * s * s, s * s * s


def _weighted(curve: Curve, weights: Weights) -> Point:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = curve
    a, b, c, d = weights
    return (
        math.fsum((a * ax, b * bx, c * cx, d * dx)),
        math.fsum((a * ay, b * by, c * cy, d * dy)),
    )


def _ends(layout: Layout, link: Link) -> tuple[Point, Point]:
    """Return both ends; one in a gap lies on its rim, part of the way to the hidden node's row."""
    source, target = layout.places.get(link.source), layout.places.get(link.target)
    if source is not None and target is not None:
        return (source.x, source.y), (target.x, target.y)
    assert link.gap is not None
    gap = layout.gaps[link.gap]
    if source is not None:
        return (source.x, source.y), (gap.left + 8, _row(layout, link.target, source.y))
    assert target is not None
    return (gap.right - 8, _row(layout, link.source, target.y)), (target.x, target.y)


def _row(layout: Layout, hidden: Node, y: float) -> float:
    """Return a height that leans toward the hidden node's row, the further the more."""
    rows = {lane.variable: lane.y for lane in layout.lanes}
    away = rows.get(hidden.variable, y) - y
    return y + away * LEAN / (LEAN + abs(away))


class _Crowd:
    """The nodes that stand in the way, found by their cell of a coarse grid."""

    def __init__(self, layout: Layout) -> None:
        low = layout.is_low
        clear = CLEARANCE / 4 if low else CLEARANCE
        self._half = (layout.node_width / 2 + CLEARANCE, layout.node_height / 2 + clear)
        self._headroom = 0.0 if low else HEADROOM
        self._cells: dict[tuple[int, int], list[Place]] = defaultdict(list)
        self._near: dict[tuple[int, int], list[Place]] = {}
        self._samples = [_weights(i / SAMPLES) for i in range(SAMPLES + 1)]
        self._size = (2 * self._half[0], 2 * self._half[1] + self._headroom)
        for place in layout.places.values():
            self._cells[self._cell(place.x, place.y)].append(place)

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        return math.floor(x / self._size[0]), math.floor(y / self._size[1])

    def _round(self, x: float, y: float) -> list[Place]:
        """Return the nodes in the cell of a point and in those about it."""
        cell = self._cell(x, y)
        if cell not in self._near:
            column, row = cell
            about = [(column + a, row + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
            self._near[cell] = [place for key in about for place in self._cells.get(key, ())]
        return self._near[cell]

    def hits(self, curve: Curve, but: set[Node]) -> int:
        """Return how many nodes a curve runs over, those it joins left out."""
        found = set()
        wide, high = self._half
        for weights in self._samples:
            x, y = _weighted(curve, weights)
            for place in self._round(x, y):
                near = -high < place.y - y < high + self._headroom
                if near and abs(place.x - x) < wide and place.node not in but:
                    found.add(place.node)
        return len(found)


def _bend(start: Point, end: Point, crowd: _Crowd, but: set[Node]) -> float:
    """Return the least bend by which a curve runs over the fewest nodes."""
    best = (crowd.hits(_curve(start, end, BENDS[0]), but), BENDS[0])
    for bend in BENDS[1:]:
        if not best[0]:
            break
        hits = crowd.hits(_curve(start, end, bend), but)
        if hits < best[0]:
            best = (hits, bend)
    return best[1]


def _curve(start: Point, end: Point, bend: float) -> Curve:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    nx, ny = -dy / length * bend, dx / length * bend
    share = 1 / 3 if bend == 0 else 0.18
    return (
        start,
        (start[0] + share * dx + nx, start[1] + share * dy + ny),
        (end[0] - share * dx + nx, end[1] - share * dy + ny),
        end,
    )


def _trimmed(curve: Curve, layout: Layout, link: Link, marks: Marks) -> Curve:
    """Cut a curve at the rims of the nodes it joins."""
    inside: list[Callable[[Point], bool] | None] = []
    for node in (link.source, link.target):
        place = layout.places.get(node)
        covers = functools.partial(_covers, layout, marks.of(node))
        inside.append(None if place is None else functools.partial(covers, place))
    return trimmed(curve, *inside)


def trimmed(
    curve: Curve,
    in_source: Callable[[Point], bool] | None,
    in_target: Callable[[Point], bool] | None,
) -> Curve:
    """Cut a curve at the rims of what lies at its ends, where its middle does not lie.

    Args:
        curve: From the middle of the one to the middle of the other.
        in_source: Whether a point lies in what it begins in; None for a free end.
        in_target: Whether a point lies in what it ends in.
    """
    first = 0.0 if in_source is None else _crossing(curve, in_source, inner=0.0)
    last = 1.0 if in_target is None else _crossing(curve, in_target, inner=1.0)
    return _part(curve, first, last)


def _crossing(curve: Curve, inside: Callable[[Point], bool], *, inner: float) -> float:
    """Return the parameter at which a curve leaves a node, by halving."""
    outer = 0.5
    for _ in range(24):
        middle = (inner + outer) / 2
        if inside(point_at(curve, middle)):
            inner = middle
        else:
            outer = middle
    return outer


def ring_of(layout: Layout) -> float:
    """Return how far the rings round n and m stand out."""
    return LOW_RING if layout.is_low else RING


def _covers(layout: Layout, mark: Mark, place: Place, point: Point) -> bool:
    """Whether a point lies in a node: a rectangle in A, one with round ends in B."""
    ring = ring_of(layout) if mark.nudged or mark.measured else 0.0
    dx, dy = abs(point[0] - place.x), abs(point[1] - place.y)
    half, radius = layout.node_width / 2 + ring, layout.node_height / 2 + ring
    if mark.in_a:
        return dx < half and dy < radius
    return math.hypot(max(0.0, dx - (half - radius)), dy) < radius


def _part(curve: Curve, first: float, last: float) -> Curve:
    """Return the part of a curve between two parameters (de Casteljau)."""
    _, right = _split(curve, first)
    left, _ = _split(right, (last - first) / (1 - first))
    return left


def _split(curve: Curve, s: float) -> tuple[Curve, Curve]:
    a, b, c, d = curve
    ab, bc, cd = _between(a, b, s), _between(b, c, s), _between(c, d, s)
    abc, bcd = _between(ab, bc, s), _between(bc, cd, s)
    middle = _between(abc, bcd, s)
    return (a, ab, abc, middle), (middle, bcd, cd, d)


def _between(p: Point, q: Point, s: float) -> Point:
    return p[0] + (q[0] - p[0]) * s, p[1] + (q[1] - p[1]) * s


def extent(curves: Iterable[Curve]) -> tuple[float, float]:
    """Return the lowest and highest y that curves reach; their control points bound them."""
    heights = [y for curve in curves for _, y in curve]
    return (min(heights), max(heights)) if heights else (0.0, 0.0)

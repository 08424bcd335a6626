"""The routes of edges: straight where nothing stands in the way, bent round nodes where it does."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable

from causalopt.drawing.graph.layout import MARGIN, PAGE_WIDTH, Layout, Link, Place
from causalopt.drawing.graph.marks import Mark, Marks
from causalopt.model.selectors import Node

Point = tuple[float, float]
Curve = tuple[Point, Point, Point, Point]  # a cubic Bezier curve
Weights = tuple[float, float, float, float]  # of its four points in one point on it

CLEARANCE = 6.0
HEADROOM = 8.0  # above a node, for the signs on its upper corners
INTO_GAP = 3.0  # how far an edge runs into a gap, beside the words in it
LEAN = 40.0  # an edge into a gap ends less than this above or below its node
RING = 4.5  # how far the rings round n and m stand out
LOW_RING = 2.5  # where rows are pressed together
SAMPLES = 28
BENDS = tuple(sign * 15.0 * size for size in range(9) for sign in ((-1, 1) if size else (1,)))
CELL = 12.0  # of the grid in which lines are looked up
MANY = 2500  # edges, of which none is kept off the others: it would take seconds
WORDS = 3  # how many nodes are as bad as words that a curve runs over
WIDE_BEND = 8.0  # pixels of a bend that are as bad as a piece of a line that lies on another
SHARED = 0.25  # the part of a curve that may run along another
NEAR, ALIKE = 3.0, 0.985  # pixels between lines, and the cosine of their angle, that lie on another


@dataclasses.dataclass(frozen=True)
class Route:
    """One edge's curve, from the rim of its source to the rim of its target, and its bend."""

    link: Link
    curve: Curve
    bend: float


def routes(layout: Layout, marks: Marks) -> list[Route]:
    """Return the curve of every link that is drawn; links into one gap that coincide come once.

    A curve takes the least bend by which it runs over the fewest nodes, and along the fewest lines
    that are there before it.
    """
    crowd, lines = _Crowd(layout), _Lines() if len(layout.links) <= MANY else None
    found: list[Route] = []
    seen: set[tuple[Point, Point]] = set()
    for link in sorted(layout.links, key=functools.partial(_length, layout)):
        start, end = _ends(layout, link)
        if (start, end) in seen:
            continue
        seen.add((start, end))
        bend = _bend(start, end, crowd, lines, {link.source, link.target})
        curve = _curve(start, end, bend)
        if lines is not None:
            lines.add(curve)
        found.append(Route(link, _trimmed(curve, layout, link, marks), bend))
    order = {link: i for i, link in enumerate(layout.links)}
    return sorted(found, key=lambda route: order[route.link])


def _length(layout: Layout, link: Link) -> float:
    """Return how long an edge is: short ones are straight, and long ones make way for them."""
    return math.dist(*_ends(layout, link))


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
        return (source.x, source.y), (gap.left + INTO_GAP, _row(layout, link.target, source.y))
    assert target is not None
    return (gap.right - INTO_GAP, _row(layout, link.source, target.y)), (target.x, target.y)


def _row(layout: Layout, hidden: Node, y: float) -> float:
    """Return a height that leans toward the hidden node's row, the further the more."""
    rows = {lane.variable: lane.y for lane in layout.lanes}
    away = rows.get(hidden.variable, y) - y
    lean = min(LEAN, 0.6 * layout.pitch)
    return y + away * lean / (lean + abs(away))


class _Crowd:
    """The nodes that stand in the way, found by their cell of a coarse grid."""

    def __init__(self, layout: Layout) -> None:
        low = layout.is_low
        clear = CLEARANCE / 4 if low else CLEARANCE
        self._half = (layout.node_width / 2 + CLEARANCE, layout.node_height / 2 + clear)
        self._headroom = 0.0 if low else HEADROOM
        self.weight = 4.0 if low else 10.0  # of a node run over: less where they stand close
        self._cells: dict[tuple[int, int], list[Place]] = defaultdict(list)
        self._near: dict[tuple[int, int], list[Place]] = {}
        self._samples = [_weights(i / SAMPLES) for i in range(SAMPLES + 1)]
        self._size = (2 * self._half[0], 2 * self._half[1] + self._headroom)
        for place in layout.places.values():
            self._cells[self._cell(place.x, place.y)].append(place)
        edge = MARGIN / 2
        self._left = layout.left - edge if layout.lanes else edge
        self._right = max(layout.right + edge, PAGE_WIDTH - edge)
        middle = (layout.top + layout.bottom) / 2
        self._words = [(gap.left, gap.right, middle - 26, middle + 24) for gap in layout.gaps]

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
        """Return how many nodes a curve runs over, those it joins left out; words count more."""
        found: set[Node | int] = set()
        wide, high = self._half
        for weights in self._samples:
            x, y = _weighted(curve, weights)
            if not self._left < x < self._right:
                found.add(-1)
            for i, (left, right, top, bottom) in enumerate(self._words):
                if left < x < right and top < y < bottom:
                    found.add(i)
            for place in self._round(x, y):
                near = -high < place.y - y < high + self._headroom
                if near and abs(place.x - x) < wide and place.node not in but:
                    found.add(place.node)
        return len(found) + (WORDS - 1) * sum(isinstance(one, int) for one in found)


class _Lines:
    """The curves that are there already, as short straight pieces in the cells of a coarse grid."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[tuple[Point, Point]]] = defaultdict(list)
        self._samples = [_weights(i / SAMPLES) for i in range(SAMPLES + 1)]

    def _pieces(self, curve: Curve) -> list[tuple[Point, Point]]:
        points = [_weighted(curve, weights) for weights in self._samples]
        return list(itertools.pairwise(points))

    def add(self, curve: Curve) -> None:
        """Keep a curve, as those that come later are to keep off it."""
        for piece in self._pieces(curve):
            (ax, ay), (bx, by) = piece
            count = max(1, math.ceil(math.dist(*piece) / CELL))
            cells = {
                _cell_of(ax + (bx - ax) * k / count, ay + (by - ay) * k / count)
                for k in range(count + 1)
            }
            for cell in cells:
                self._cells[cell].append(piece)

    def runs_along(self, curve: Curve) -> int:
        """Return how many pieces of a curve lie on another one and point the same way."""
        return sum(self._covers(piece) for piece in self._pieces(curve))

    def _covers(self, piece: tuple[Point, Point]) -> bool:
        (ax, ay), (bx, by) = piece
        x, y, length = (ax + bx) / 2, (ay + by) / 2, math.dist(*piece) or 1.0
        ux, uy = (bx - ax) / length, (by - ay) / length
        column, row = _cell_of(x, y)
        for cell in ((column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
            for (px, py), (qx, qy) in self._cells.get(cell, ()):
                size = math.hypot(qx - px, qy - py) or 1.0
                vx, vy = (qx - px) / size, (qy - py) / size
                if abs(ux * vx + uy * vy) < ALIKE or abs((x - px) * vy - (y - py) * vx) > NEAR:
                    continue
                if -NEAR <= (x - px) * vx + (y - py) * vy <= size + NEAR:
                    return True
        return False


def _cell_of(x: float, y: float) -> tuple[int, int]:
    return math.floor(x / CELL), math.floor(y / CELL)


def _bend(start: Point, end: Point, crowd: _Crowd, lines: _Lines | None, but: set[Node]) -> float:
    """Return the least bend by which a curve runs over the fewest nodes, and along no line."""
    best: tuple[float, float] | None = None
    for bend in BENDS:
        curve = _curve(start, end, bend)
        along = lines.runs_along(curve) if lines is not None else 0
        # Lines part slowly from a node they share; that they run together there is no fault.
        cost = crowd.weight * crowd.hits(curve, but) + (along if along > SHARED * SAMPLES else 0.0)
        if not cost:
            return bend
        cost += abs(bend) / WIDE_BEND
        if best is None or cost < best[0]:
            best = (cost, bend)
    assert best is not None
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

"""Currents folded onto the template: a node per variable, an edge per parent, child and lag."""

from __future__ import annotations

import dataclasses
import functools
import math

from causalopt.drawing.graph.layout import FONT, MARGIN, NODE_PADDING, SMALL
from causalopt.drawing.graph.lettering import text_width
from causalopt.drawing.graph.routes import Curve, Point, point_at, trimmed
from causalopt.drawing.influence.diagram import (
    Diagram,
    DiagramEdge,
    DiagramNode,
    WidthScale,
    share_text,
)
from causalopt.drawing.influence.unrolled_diagram import title_of
from causalopt.influence.edge_currents import Edge
from causalopt.influence.relative_currents import (
    OF_TOTAL,
    FoldedCurrents,
    RelativeCurrents,
    folded,
    sign_words,
)

WIDEST = 14.0
HEIGHT = 40.0
APART = 125.0  # from one node's rim to the next one's on the ring
LOOP = 150.0  # how far the control points of a loop stand out
TELLING = 0.005  # of the largest: less than that has no label
IN_DOUBT = 0.01  # of an edge's current: more than that marks it


def folded_diagram(relative: RelativeCurrents) -> Diagram:
    """Return the picture of currents summed over time.

    A width is the mean over the steps from n to m of a current's size; with the total effect and
    against it apart, side by side.

    Args:
        relative: The currents.
    """
    sums = folded(relative)
    names = _on_the_way(relative, sums)
    texts = {name: _node_text(sums, name) for name in names}
    widths = (text_width(t, SMALL) for t in texts.values())
    width = max(*widths, *(text_width(name, FONT) for name in names), 40.0) + 2 * NODE_PADDING
    ring = _ring(names, width)
    means = [(p / sums.steps, q / sums.steps) for p, q in _sums(sums)]
    scale = WidthScale(max((p - q for p, q in means), default=0.0), WIDEST)
    lanes: dict[tuple[str, str], int] = {}
    edges = []
    for e, edge in enumerate(sums.edges):
        parent, child, _ = edge
        lane = lanes.setdefault((parent, child), 0)
        lanes[parent, child] += 1
        edges.append(_edge(sums, e, means[e], ring, (width, lane), scale))
    nodes = [_node(relative, sums, name, ring[name], texts[name]) for name in names]
    labels = _Labels(nodes, width, edges)
    for e in sorted(range(len(edges)), key=lambda e: -edges[e].size):
        if edges[e].label:
            edges[e] = labels.place(edges[e], scale.width(edges[e].size))
    return _placed(relative, sums, scale, nodes, edges, width)


def _sums(sums: FoldedCurrents) -> list[tuple[float, float]]:
    return list(zip(sums.positive.tolist(), sums.negative.tolist(), strict=True))


def _on_the_way(relative: RelativeCurrents, sums: FoldedCurrents) -> list[str]:
    """Return the variables between n and m, that of n first, neighbours near each other."""
    weights: dict[frozenset[str], float] = {}
    for (parent, child, _), (p, q) in zip(sums.edges, _sums(sums), strict=True):
        if parent != child:
            pair = frozenset((parent, child))
            weights[pair] = weights.get(pair, 0.0) + (p - q) + 1e-300
    rest = [name for name in relative.between if name != relative.asked.nudge.variable]
    order = [relative.asked.nudge.variable]
    while rest:
        rest.sort(key=lambda name: -weights.get(frozenset((order[-1], name)), 0.0))
        order.append(rest.pop(0))
    return order


def _ring(names: list[str], width: float) -> dict[str, Point]:
    """Return the middles of nodes on an ellipse, the first at its left."""
    count = len(names)
    if count == 1:
        return {names[0]: (0.0, 0.0)}
    across = max((width + APART) / 2, count * (width + APART * 0.7) / (2 * math.pi))
    up = max(0.8 * across, 90.0)
    angles = [math.pi - 2 * math.pi * i / count for i in range(count)]
    return {
        name: (across * math.cos(a), -up * math.sin(a))
        for name, a in zip(names, angles, strict=True)
    }


def _edge(
    sums: FoldedCurrents,
    e: int,
    mean: tuple[float, float],
    ring: dict[str, Point],
    room: tuple[float, int],
    scale: WidthScale,
) -> DiagramEdge:
    parent, child, _ = sums.edges[e]
    width, lane = room
    source, target = ring[parent], ring[child]
    whole = scale.width(mean[0] - mean[1])
    curve = _loop(source, lane) if parent == child else _bow(source, target, lane, whole)
    rims = [functools.partial(_inside, width, place) for place in (source, target)]
    curve = trimmed(curve, *rims)
    size = mean[0] - mean[1]
    share = sums.doubted[e] / (sums.positive[e] - sums.negative[e]) if size > 0 else 0.0
    label = _signs(mean) if size > TELLING * scale.largest else ""
    if label and any(other[2] != 1 for other in sums.edges):
        label = f"{_lag_text(sums.edges[e])} {label}"
    return DiagramEdge(
        source=parent,
        target=child,
        curve=curve,
        positive=mean[0],
        negative=mean[1],
        doubted=bool(share > IN_DOUBT),
        label=label,
        words=_words(sums, e, share),
    )


def _lag_text(edge: Edge) -> str:
    return "[t]" if edge[2] == 0 else f"[t-{edge[2]}]"


def _words(sums: FoldedCurrents, e: int, doubted: float) -> str:
    parent, child, _ = sums.edges[e]
    gain, loss = sums.positive[e], sums.negative[e]
    text = (
        f"{parent}{_lag_text(sums.edges[e])} -> {child}: summed over {sums.steps} steps "
        f"{share_text(gain)} and {share_text(loss)}, together {share_text(gain + loss)} "
        f"{sums.unit}"
    )
    if doubted > IN_DOUBT:
        text += f"; {doubted:.0%} of it in doubt"
    if sums.undefined[e]:
        text += f"; at {sums.undefined[e]} steps not finite"
    return text


def _signs(mean: tuple[float, float]) -> str:
    """Return what goes with the total effect and against it, where it tells."""
    large = max(mean[0], -mean[1])
    return " ".join(f"{v:+.3g}" for v in mean if abs(v) > IN_DOUBT * large) or "0"


def _node_text(sums: FoldedCurrents, name: str) -> str:
    k = sums.variables.index(name)
    return _signs((sums.node_positive[k] / sums.steps, sums.node_negative[k] / sums.steps))


def _node(
    relative: RelativeCurrents, sums: FoldedCurrents, name: str, place: Point, text: str
) -> DiagramNode:
    k = sums.variables.index(name)
    gain, loss = float(sums.node_positive[k]), float(sums.node_negative[k])
    held = {window.variable for window in relative.asked.hold} or set(relative.asked.model.A)
    return DiagramNode(
        name=name,
        x=place[0],
        y=place[1],
        text=name,
        caption=text,
        value=gain + loss,
        in_a=name in held,
        is_n=name == relative.asked.nudge.variable,
        is_m=name == relative.target,
        words=f"{name}: summed over time {share_text(gain)} and {share_text(loss)} {sums.unit}",
    )


def _inside(width: float, place: Point, point: Point) -> bool:
    return abs(point[0] - place[0]) < width / 2 + 2 and abs(point[1] - place[1]) < HEIGHT / 2 + 2


def _loop(place: Point, lane: int) -> Curve:
    """Return a loop at a node, on the side that looks away from the ring's middle."""
    x, y = place
    angle = math.atan2(y, x) if (x, y) != (0.0, 0.0) else -math.pi / 2
    reach, spread = LOOP + 45.0 * lane, 0.62
    first, last = (
        (x + reach * math.cos(angle + turn), y + reach * math.sin(angle + turn))
        for turn in (-spread, spread)
    )
    return place, first, last, place


def _bow(source: Point, target: Point, lane: int, width: float) -> Curve:
    """Return a curve that leaves the straight line to its left, so that both ways stand apart."""
    dx, dy = target[0] - source[0], target[1] - source[1]
    length = math.hypot(dx, dy)
    bend = 0.16 * length + width + 34.0 * lane
    nx, ny = dy / length * bend, -dx / length * bend
    return (
        source,
        (source[0] + dx / 3 + nx, source[1] + dy / 3 + ny),
        (target[0] - dx / 3 + nx, target[1] - dy / 3 + ny),
        target,
    )


class _Labels:
    """Places for labels: beside their edges, off nodes, off each other, off other edges."""

    def __init__(self, nodes: list[DiagramNode], width: float, edges: list[DiagramEdge]) -> None:
        self._boxes = [
            (n.x - width / 2 - 4, n.y - HEIGHT / 2 - 12, n.x + width / 2 + 4, n.y + HEIGHT / 2 + 6)
            for n in nodes
        ]
        self._points = {
            id(edge): [point_at(edge.curve, i / 60) for i in range(61)] for edge in edges
        }

    def place(self, edge: DiagramEdge, width: float) -> DiagramEdge:
        """Return an edge with its label at the place that hides least."""
        half = text_width(edge.label, SMALL) / 2 + 4
        best: tuple[float, Point, tuple[float, float, float, float]] | None = None
        for s in (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78, 0.15, 0.85):
            for side in (1.0, -1.0):
                x, y = self._beside(edge, s, side, width, half)
                box = (x - half, y - 8, x + half, y + 8)
                hidden = 100.0 * sum(_overlap(box, other) for other in self._boxes)
                hidden += sum(
                    box[0] < p < box[2] and box[1] < q < box[3]
                    for points in self._points.values()
                    for p, q in points
                )
                if best is None or hidden < best[0]:
                    best = (hidden, (x, y), box)
        assert best is not None
        self._boxes.append(best[2])
        return dataclasses.replace(edge, label_at=best[1])

    def _beside(self, edge: DiagramEdge, s: float, side: float, width: float, half: float) -> Point:
        (x, y), (x0, y0), (x1, y1) = (point_at(edge.curve, s + d) for d in (0.0, -0.05, 0.05))
        size = math.hypot(x1 - x0, y1 - y0) or 1.0
        ux, uy = side * (y1 - y0) / size, -side * (x1 - x0) / size
        reach = width / 2 + 4 + abs(uy) * 8 + abs(ux) * half
        return x + ux * reach, y + uy * reach


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _placed(
    relative: RelativeCurrents,
    sums: FoldedCurrents,
    scale: WidthScale,
    nodes: list[DiagramNode],
    edges: list[DiagramEdge],
    width: float,
) -> Diagram:
    """Move everything so that it begins at the margin."""
    points = [point for edge in edges for point in _samples(edge.curve, scale.width(edge.size))]
    for edge in edges:
        half = text_width(edge.label, SMALL) / 2 + 4
        points += [(edge.label_at[0] + side * half, edge.label_at[1]) for side in (-1, 1)]
    points += [
        (n.x + a * width / 2, n.y + b * HEIGHT / 2) for n in nodes for a in (-1, 1) for b in (-1, 1)
    ]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    top, bottom = min(y for _, y in points), max(y for _, y in points)
    dx, dy = MARGIN - left, 14.0 - top

    def moved(point: Point) -> Point:
        return point[0] + dx, point[1] + dy

    unit = sums.times + (f", mean of {sums.steps} steps" if sums.steps > 1 else "")
    return Diagram(
        title=title_of(relative),
        unit=unit,
        scale=scale,
        nodes=[dataclasses.replace(n, x=n.x + dx, y=n.y + dy) for n in nodes],
        edges=[
            dataclasses.replace(
                e,
                curve=tuple(map(moved, e.curve)),  # type: ignore[arg-type]
                label_at=moved(e.label_at),
            )
            for e in edges
        ],
        node_width=width,
        node_height=HEIGHT,
        right=right + dx,
        top=14.0,
        bottom=bottom + dy + 8,
        notes=_notes(relative, sums),
    )


def _samples(curve: Curve, width: float) -> list[Point]:
    points = [point_at(curve, i / 12) for i in range(13)]
    return [(x + a * width / 2, y + a * width / 2) for x, y in points for a in (-1, 1)]


def _notes(relative: RelativeCurrents, sums: FoldedCurrents) -> tuple[str, ...]:
    notes = []
    if sums.steps > 1:
        one, other = sign_words(relative.unit)
        notes.append(
            f"Folded over time: what goes {one} and what goes {other} are summed apart and divided "
            "by the number of steps."
            if relative.unit == OF_TOTAL
            else f"Folded over time: {one} and {other} currents are summed apart and divided by "
            "the number of steps."
        )
    away = [name for name in relative.variables if name not in relative.between]
    if away:
        notes.append(f"Not between n and m: {', '.join(away)}.")
    return tuple(notes)

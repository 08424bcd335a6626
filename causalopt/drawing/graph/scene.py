"""The scene: a layout and its marks as shapes, with a title and a legend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from causalopt.drawing.graph.layout import (
    FONT,
    MARGIN,
    NODE_HEIGHT,
    SMALL,
    Layout,
    Omission,
    Place,
    Row,
)
from causalopt.drawing.graph.lettering import fitted, lines_of, text_width
from causalopt.drawing.graph.marks import Mark, Marks, edge_state
from causalopt.drawing.graph.region_outline import region_group
from causalopt.drawing.graph.routes import RING, Route, extent, routes
from causalopt.drawing.graph.shapes import (
    Caption,
    Command,
    Group,
    Outline,
    Scene,
    Shape,
    Stroke,
    arrow,
    box,
    polygon,
    segment,
    stripes,
)
from causalopt.drawing.palette import (
    BAND_A,
    BAND_B,
    FAINT,
    FILL_A,
    FILL_B,
    GREEN,
    INK,
    PAPER,
    RED,
    REGION_EDGE,
)

NARROWEST = 430.0
TITLE_LINE = 18.0
LEGEND_ROW = 30.0
PLAIN = Stroke(FAINT, 1.1)
RED_LINE = Stroke(RED, 1.8)
GREEN_LINE = Stroke(GREEN, 1.8, (6, 3))
CUT_LINE = Stroke(FAINT, 1.1, (1.5, 3))


def scene(layout: Layout, marks: Marks, title: str) -> Scene:
    """Return the shapes of a picture, back to front.

    Args:
        layout: Where everything stands.
        marks: What everything is.
        title: The line above.
    """
    ways = routes(layout, marks)
    width = max(layout.right + MARGIN, NARROWEST)
    entries = legend_entries(layout, marks)
    heading = lines_of(title, FONT * 1.1, width - 2 * MARGIN)
    lowest, highest = extent(route.curve for route in ways)
    above = max(0.0, layout.top - lowest) if ways else 0.0
    shift = MARGIN + TITLE_LINE * len(heading) + above
    below = max(layout.bottom, highest) + shift + MARGIN / 2
    legend, height = legend_rows(entries, width, below)
    parts = [
        paper(width, height),
        heading_lines(heading),
        *bands(layout, marks),
        *region_group(layout, marks),
        *(omission(gap, layout) for gap in layout.gaps),
        *(_edge(route, marks) for route in _by_weight(ways, marks)),
        *(_node(place, layout, marks) for place in layout.places.values()),
    ]
    body = [parts[0], parts[1], *(lowered(group, shift) for group in parts[2:])]
    return Scene(width, height, title, (*body, *legend))


def heading_lines(lines: list[str]) -> Group:
    """Return the lines above a picture."""
    heights = (MARGIN + TITLE_LINE * (i + 0.5) for i in range(len(lines)))
    texts = (
        Caption(MARGIN, y, line, FONT * 1.1, INK, "start", bold=True)
        for y, line in zip(heights, lines, strict=True)
    )
    return Group("title", tuple(texts))


STROKES = {
    "plain": PLAIN,
    "cut": CUT_LINE,
    "changed": RED_LINE,
    "cut-changed": Stroke(RED, 1.4, (1.5, 3)),
    "moved": GREEN_LINE,
}


def paper(width: float, height: float) -> Group:
    """Return the ground."""
    return Group("paper", (Outline(box(width / 2, height / 2, width, height), fill=PAPER),))


def _by_weight(ways: list[Route], marks: Marks) -> list[Route]:
    """Put edges that tell something over those that do not."""
    order = {"plain": 0, "cut": 0, "cut-changed": 1, "changed": 2, "moved": 3}
    return sorted(ways, key=lambda route: order[_state(route, marks)])


def _state(route: Route, marks: Marks) -> str:
    return edge_state(marks.of(route.link.source), marks.of(route.link.target))


def _edge(route: Route, marks: Marks) -> Group:
    state = _state(route, marks)
    return Group(f"edge {state}", arrow(route.curve, STROKES[state]))


def bands(layout: Layout, marks: Marks) -> list[Group]:
    """Return the rows' backgrounds and names, and the columns' steps."""
    edges = [layout.left, *(x for gap in layout.gaps for x in (gap.left, gap.right)), layout.right]
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    groups = []
    for lane in layout.lanes:
        place = marks.names.index(lane.variable)
        inside = marks.in_a[:, place] | marks.partly[:, place]
        is_whole = marks.in_a[:, place].all()
        words = "in A" if is_whole else "in A in part" if inside.any() else "in B"
        colour = BAND_A if inside.any() else BAND_B
        band: list[Shape] = [
            Outline(box((a + b) / 2, lane.y, b - a, layout.pitch - 6), fill=colour)
            for a, b in spans
            if b > a
        ]
        groups.append(Group("lane", (*band, *_lane_head(lane, layout, words)), lane.variable))
    steps: list[Shape] = [
        Caption((c.left + c.right) / 2, layout.top - 12, c.text, SMALL, FAINT)
        for c in layout.columns
        if c.text
    ]
    return [*groups, Group("steps", tuple(steps))]


def _lane_head(lane: Row, layout: Layout, words: str) -> list[Shape]:
    width = layout.left - 1.5 * MARGIN
    small = f" · {words}" if lane.label else words
    label = fitted(lane.label, SMALL, width - text_width(small, SMALL)) + small
    return [
        Caption(
            MARGIN,
            lane.y - 8,
            fitted(lane.variable, FONT, width / 1.1),
            FONT,
            INK,
            "start",
            bold=True,
        ),
        Caption(MARGIN, lane.y + 8, label, SMALL, FAINT, "start"),
    ]


def omission(gap: Omission, layout: Layout) -> Group:
    """Draw a cut: two torn edges, and how much is not shown."""
    top, bottom = layout.top - 4, layout.bottom + 4
    shapes: list[Shape] = []
    for x in (gap.left, gap.right):
        points = [(x + (4 if i % 2 else -4), y) for i, y in enumerate(_rungs(top, bottom))]
        commands = tuple(("L" if i else "M", *p) for i, p in enumerate(points))
        shapes.append(Outline(commands, stroke=Stroke(FAINT, 0.8)))
    count = gap.last - gap.first + 1
    unit = "steps" if layout.lanes else "ranks"
    lines = [f"{count}", unit] if count > 1 else ["1", unit[:-1]]
    if layout.lanes:
        shapes.append(
            Caption(gap.middle, layout.top - 12, f"{gap.first} … {gap.last}", SMALL, FAINT)
        )
    middle = (top + bottom) / 2
    for i, line in enumerate(["⋯", *lines]):
        size = FONT * 1.6 if i == 0 else SMALL
        shapes.append(Caption(gap.middle, middle + 15 * (i - 1), line, size, FAINT))
    words = f"{count} {unit} not drawn: {gap.first} to {gap.last}"
    return Group("gap", tuple(shapes), words=words)


def _rungs(top: float, bottom: float) -> list[float]:
    count = max(2, round((bottom - top) / 8))
    return [top + (bottom - top) * i / count for i in range(count + 1)]


def _node(place: Place, layout: Layout, marks: Marks) -> Group:
    mark = marks.of(place.node)
    width = layout.node_width
    shapes = [*node_shapes(place.x, place.y, width, NODE_HEIGHT, mark)]
    caption = place.label if not layout.lanes and place.label != place.node.variable else ""
    text = fitted(place.text, FONT, width - 12)
    if caption:
        small = fitted(caption, SMALL, width - 12)
        shapes += [
            Caption(place.x, place.y - 6.5, text, FONT, INK, bold=mark.nudged),
            Caption(place.x, place.y + 7, small, SMALL, INK),
        ]
    else:
        shapes.append(Caption(place.x, place.y, text, FONT, INK, bold=mark.nudged))
    name = place.text if place.label == place.node.variable else f"{place.text} ({place.label})"
    return Group("node", tuple(shapes), place.text, f"{name}: {mark.words}")


def node_shapes(x: float, y: float, width: float, height: float, mark: Mark) -> list[Shape]:
    """Draw a node without its name: square in A, round in B, and its marks."""
    radius = 0.0 if mark.in_a else height / 2
    stroke = Stroke(INK, 1.1)
    if mark.moved:
        stroke = Stroke(GREEN, 2.6, (6, 3))
    elif mark.changed:
        stroke = Stroke(RED, 2.6)
    shapes: list[Shape] = []
    if mark.nudged:
        grown = box(x, y, width + 2 * RING, height + 2 * RING, radius and radius + RING)
        shapes.append(Outline(grown, fill=PAPER, stroke=Stroke(INK, 1.6)))
    shape = box(x, y, width, height, radius)
    shapes.append(Outline(shape, fill=FILL_A if mark.in_a else FILL_B))
    if mark.held:
        shapes.append(Outline(stripes(x, y, width, height, 9), stroke=Stroke("#d9bf74", 1.2)))
    elif mark.partly:  # a small hatched bar before the name
        shapes.append(Outline(box(x - width / 2 + 8, y, 7, height * 0.5), fill=FILL_A))
        hatch = stripes(x - width / 2 + 8, y, 7, height * 0.5, 5)
        shapes.append(Outline(hatch, stroke=Stroke("#d9bf74", 1.2)))
    if mark.border:
        inner = box(x, y, width - 7, height - 7, max(radius - 3.5, 0.0))
        shapes.append(Outline(inner, stroke=Stroke(REGION_EDGE, 1.2)))
    shapes.append(Outline(shape, stroke=stroke))
    corner = (x + width / 2 - 3, y - height / 2)
    if mark.moved or (mark.changed and not mark.nudged):
        shapes.append(_badge(*corner, mark))
    if mark.kept and (mark.held or not mark.nudged):
        shapes += _tag(x - width / 2 + 5, y - height / 2, mark.kept)
    if mark.nudged:
        shapes += _tag(x - width / 2 + 5, y - height / 2 - 4.5, "+ δ")
    return shapes


def _badge(x: float, y: float, mark: Mark) -> Outline:
    """A triangle where X alone changes a node; a diamond where Y moves it again, hollow if to W."""
    if not mark.moved:
        points = [(x, y - 7), (x + 7, y + 5), (x - 7, y + 5)]
        return Outline(polygon(points), fill=RED, stroke=Stroke(PAPER, 1))
    points = [(x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y)]
    if mark.differs:
        return Outline(polygon(points), fill=GREEN, stroke=Stroke(PAPER, 1))
    return Outline(polygon(points), fill=PAPER, stroke=Stroke(GREEN, 2))


def _tag(x: float, y: float, text: str) -> list[Shape]:
    width = text_width(text, 9) + 6
    return [
        Outline(box(x, y, width, 12, 3), fill=PAPER, stroke=Stroke(INK, 0.8)),
        Caption(x, y, text, 9, INK),
    ]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the legend: a sample drawn round a centre, and what it means."""

    words: str
    draw: Callable[[float, float], list[Shape]]


def legend_entries(layout: Layout, marks: Marks) -> list[Entry]:
    """Return the legend of what the picture shows, and of nothing else."""
    shown = [marks.of(node) for node in layout.places]
    nodes = [
        ("in A", Mark(in_a=True), any(m.in_a for m in shown)),
        ("in B", Mark(), any(not m.in_a for m in shown)),
        ("nudged: n", Mark(nudged=True), any(m.nudged for m in shown)),
        (
            "X differs from W",
            Mark(changed=True, differs=True),
            any(m.changed and not m.moved for m in shown),
        ),
        (
            "Y differs from X",
            Mark(changed=True, moved=True, differs=True),
            any(m.moved and m.differs for m in shown),
        ),
        (
            "Y differs from X: back at W",
            Mark(changed=True, moved=True),
            any(m.moved and not m.differs for m in shown),
        ),
        ("held in Y at W's value", Mark(in_a=True, held=True), any(m.held for m in shown)),
        ("some elements held in Y", Mark(partly=True), any(m.partly for m in shown)),
        (
            "on A's boundary: a parent or a child outside",
            Mark(in_a=True, border=True),
            any(m.border for m in shown),
        ),
    ]
    entries = [Entry(words, _sample(mark)) for words, mark, present in nodes if present]
    ends = {edge_state(marks.of(link.source), marks.of(link.target)) for link in layout.links}
    lines = {
        "changed": "carries the nudge",
        "moved": "carries what Y moves again",
        "cut": "cut in Y",
        "cut-changed": "carries the nudge in X, cut in Y",
    }
    entries += [
        Entry(words, _line_sample(STROKES[state]))
        for state, words in lines.items()
        if state in ends
    ]
    return entries


def _sample(mark: Mark) -> Callable[[float, float], list[Shape]]:
    return lambda x, y: (
        node_shapes(x, y, 34, 18, mark)
        if mark.held or mark.partly
        else node_shapes(x, y, 26, 16, mark)
    )


def _line_sample(stroke: Stroke) -> Callable[[float, float], list[Shape]]:
    return lambda x, y: [Outline(segment(x - 15, y, x + 15, y), stroke=stroke)]


def legend_rows(entries: list[Entry], width: float, top: float) -> tuple[list[Group], float]:
    """Return the legend in rows that fit, and the picture's height."""
    x, y = MARGIN, top + LEGEND_ROW / 2
    groups = []
    for entry in entries:
        needed = 52 + text_width(entry.words, SMALL) + 20
        if x > MARGIN and x + needed > width - MARGIN + 20:
            x, y = MARGIN, y + LEGEND_ROW
        text = Caption(x + 50, y, entry.words, SMALL, INK, "start")
        groups.append(Group("legend", (*entry.draw(x + 24, y), text)))
        x += needed
    return groups, y + LEGEND_ROW / 2 + MARGIN / 2


def lowered(group: Group, down: float) -> Group:
    """Return shapes moved downwards."""
    return dataclasses.replace(group, shapes=tuple(_lowered(s, down) for s in group.shapes))


def _lowered(shape: Shape, down: float) -> Shape:
    if isinstance(shape, Caption):
        return dataclasses.replace(shape, y=shape.y + down)
    commands: tuple[Command, ...] = tuple(
        (c[0], *[float(v) + down * (i % 2) for i, v in enumerate(c[1:])]) for c in shape.commands
    )
    return dataclasses.replace(shape, commands=commands)

"""The scene: a layout and its marks as shapes, with a title and a legend."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from causalopt.drawing.graph.edge_looks import EdgeLook, edge_entries, edge_look
from causalopt.drawing.graph.layout import (
    FONT,
    MARGIN,
    PAGE_WIDTH,
    SMALL,
    Layout,
    Link,
    Omission,
    Place,
    Row,
)
from causalopt.drawing.graph.legend import Entry, legend_rows
from causalopt.drawing.graph.lettering import fitted, lines_of, node_text, text_width
from causalopt.drawing.graph.local_slopes import Slopes
from causalopt.drawing.graph.marks import Mark, Marks
from causalopt.drawing.graph.region_outline import region_group
from causalopt.drawing.graph.routes import LOW_RING, RING, Route, extent, routes
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
    hatch_colour,
    polygon,
    stripes,
)
from causalopt.drawing.palette import colours

NARROWEST = PAGE_WIDTH
TITLE_LINE = 18.0
LEAST_LABEL = 40.0  # a label beside a name that has less room is left to the words under a pointer
ROOMY_PITCH = 60.0  # rows so far apart have room for a label of two lines
RING_DASH = (4.0, 2.5)


def scene(layout: Layout, marks: Marks, title: str, slopes: Slopes | None = None) -> Scene:
    """Return the shapes of a picture, back to front.

    Args:
        layout: Where everything stands.
        marks: What everything is.
        title: The line above.
        slopes: The derivative along every edge, which makes edges as thick as it is large; None for
            edges that say what the worlds change.
    """
    ways = routes(layout, marks)
    looks = {route.link: edge_look(route.link, marks, slopes) for route in ways}
    width = max(layout.right + MARGIN, NARROWEST)
    entries = [
        *legend_entries(layout, marks),
        *edge_entries([looks[route.link] for route in ways], marks, slopes),
    ]
    heading = lines_of(title, FONT * 1.1, (width - 2 * MARGIN) / 1.1)
    lowest, highest = extent(route.curve for route in ways)
    above = max(0.0, layout.top - lowest) if ways else 0.0
    shift = MARGIN + TITLE_LINE * len(heading) + above
    below = max(layout.bottom, highest) + shift + MARGIN
    legend, height = legend_rows(entries, width, below)
    parts = [
        paper(width, height),
        heading_lines(heading),
        *bands(layout, marks),
        *region_group(layout, marks),
        *(omission(gap, layout) for gap in layout.gaps),
        *(_edge(route, looks[route.link]) for route in _by_weight(ways, looks)),
        *(_node(place, layout, marks) for place in layout.places.values()),
    ]
    body = [parts[0], parts[1], *(lowered(group, shift) for group in parts[2:])]
    return Scene(width, height, title, (*body, *legend))


def heading_lines(lines: list[str]) -> Group:
    """Return the lines above a picture."""
    heights = (MARGIN + TITLE_LINE * (i + 0.5) for i in range(len(lines)))
    texts = (
        Caption(MARGIN, y, line, FONT * 1.1, colours().ink, "start", bold=True)
        for y, line in zip(heights, lines, strict=True)
    )
    return Group("title", tuple(texts))


def paper(width: float, height: float) -> Group:
    """Return the ground."""
    return Group(
        "paper", (Outline(box(width / 2, height / 2, width, height), fill=colours().paper),)
    )


def _by_weight(ways: list[Route], looks: Mapping[Link, EdgeLook]) -> list[Route]:
    """Put edges that tell something over those that do not."""
    return sorted(ways, key=lambda route: looks[route.link].order)


def _edge(route: Route, look: EdgeLook) -> Group:
    shapes = (*arrow(route.curve, look.stroke, look.head), *look.sign(route.curve))
    return Group(f"edge {look.kind}", shapes, words=look.words)


def bands(layout: Layout, marks: Marks) -> list[Group]:
    """Return the rows' backgrounds and names, and the columns' steps."""
    edges = [layout.left, *(x for gap in layout.gaps for x in (gap.left, gap.right)), layout.right]
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    seam = 2 if layout.is_low else 6
    groups, used = [], colours()
    for lane in layout.lanes:
        place = marks.names.index(lane.variable)
        inside = marks.in_a[:, place] | marks.partly[:, place]
        is_whole = marks.in_a[:, place].all()
        words = "in A" if is_whole else "in A in part" if inside.any() else "in B"
        colour = used.band_a if inside.any() else used.band_b
        band: list[Shape] = [
            Outline(box((a + b) / 2, lane.y, b - a, layout.pitch - seam), fill=colour)
            for a, b in spans
            if b > a
        ]
        said = ": ".join(filter(None, [lane.variable, lane.label]))
        head = _lane_head(lane, layout, words)
        groups.append(Group("lane", (*band, *head), lane.variable, f"{said}, {words}"))
    steps: list[Shape] = [
        Caption((c.left + c.right) / 2, layout.top - 12, c.text, SMALL, used.muted)
        for c in layout.columns
        if c.text
    ]
    return [*groups, Group("steps", tuple(steps))]


def _lane_head(lane: Row, layout: Layout, words: str) -> list[Shape]:
    width, used = layout.left - 1.5 * MARGIN, colours()
    size = SMALL if layout.is_low else FONT
    name = fitted(lane.variable, size, width / 1.1)
    if layout.is_low:
        shapes: list[Shape] = [Caption(MARGIN, lane.y, name, size, used.ink, "start", bold=True)]
        taken = 1.1 * text_width(name, size) + 6
        if lane.label and width - taken > LEAST_LABEL:
            label = fitted(lane.label, SMALL, width - taken)
            shapes.append(Caption(MARGIN + taken, lane.y, label, SMALL, used.muted, "start"))
        return shapes
    lines = [f"{lane.label} · {words}" if lane.label else words]
    if text_width(lines[0], SMALL) > width:
        most = 2 if layout.pitch >= ROOMY_PITCH else 1
        broken = lines_of(lane.label, SMALL, width)
        rest = fitted(" ".join(broken[most - 1 :]), SMALL, width)
        lines = [*filter(None, [*broken[: most - 1], rest]), words]
    top = lane.y - (2 + 6 * len(lines))
    return [
        Caption(MARGIN, top, name, FONT, used.ink, "start", bold=True),
        *(
            Caption(MARGIN, top + 16 + 13 * i, line, SMALL, used.muted, "start")
            for i, line in enumerate(lines)
        ),
    ]


def omission(gap: Omission, layout: Layout) -> Group:
    """Draw a cut: two torn edges, and how much is not shown."""
    top, bottom = layout.top - 4, layout.bottom + 4
    shapes: list[Shape] = []
    used = colours()
    for x in (gap.left, gap.right):
        points = [(x + (4 if i % 2 else -4), y) for i, y in enumerate(_rungs(top, bottom))]
        commands = tuple(("L" if i else "M", *p) for i, p in enumerate(points))
        shapes.append(Outline(commands, stroke=Stroke(used.faint, 0.8)))
    count = gap.last - gap.first + 1
    unit = "steps" if layout.lanes else "ranks"
    lines = [f"{count}", unit] if count > 1 else ["1", unit[:-1]]
    span = f"{gap.first} … {gap.last}"
    if layout.lanes and text_width(span, SMALL) < gap.right - gap.left + 8:
        shapes.append(Caption(gap.middle, layout.top - 12, span, SMALL, used.muted))
    middle = (top + bottom) / 2
    for i, line in enumerate(["⋯", *lines]):
        size = FONT * 1.6 if i == 0 else SMALL
        shapes.append(Caption(gap.middle, middle + 15 * (i - 1), line, size, used.muted))
    words = f"{count} {unit} not drawn: {gap.first} to {gap.last}"
    return Group("gap", tuple(shapes), words=words)


def _rungs(top: float, bottom: float) -> list[float]:
    count = max(2, round((bottom - top) / 8))
    return [top + (bottom - top) * i / count for i in range(count + 1)]


def _node(place: Place, layout: Layout, marks: Marks) -> Group:
    mark, ink = marks.of(place.node), colours().ink
    width, height, low = layout.node_width, layout.node_height, layout.is_low
    shapes = [*node_shapes(place.x, place.y, width, height, mark, low=low)]
    captioned = not layout.lanes and not low
    caption = place.label if captioned and place.label != place.node.variable else ""
    room = width - 6
    is_bold = bool(mark.role) and 1.1 * text_width(place.text, layout.font) <= room
    text = node_text(place.text, layout.font, room)
    if caption:
        small = fitted(caption, SMALL, width - 8)
        shapes += [
            Caption(place.x, place.y - 6.5, text, layout.font, ink, bold=is_bold),
            Caption(place.x, place.y + 7, small, SMALL, ink),
        ]
    else:
        shapes.append(Caption(place.x, place.y, text, layout.font, ink, bold=is_bold))
    name = place.text if place.label == place.node.variable else f"{place.text} ({place.label})"
    return Group("node", tuple(shapes), place.text, f"{name}: {mark.words}")


def node_shapes(
    x: float, y: float, width: float, height: float, mark: Mark, *, low: bool = False
) -> list[Shape]:
    """Draw a node without its name: square in A, round in B, and its marks.

    Args:
        x: Its middle.
        y: Its middle.
        width: In pixels.
        height: In pixels.
        mark: What it is.
        low: Whether rows are pressed together, so that signs are small and only n and m have words.
    """
    radius, used = (0.0 if mark.in_a else height / 2), colours()
    shapes = _rings(x, y, width, height, mark, low=low)
    shape = box(x, y, width, height, radius)
    shapes.append(Outline(shape, fill=used.fill_a if mark.in_a else used.fill_b))
    hatch = Stroke(hatch_colour(used), 1.2)
    if mark.held:
        shapes.append(Outline(stripes(x, y, width, height, 9), stroke=hatch))
    elif mark.partly:  # a small hatched bar before the name
        shapes.append(Outline(box(x - width / 2 + 8, y, 7, height * 0.5), fill=used.fill_a))
        bar = stripes(x - width / 2 + 8, y, 7, height * 0.5, 5)
        shapes.append(Outline(bar, stroke=hatch))
    if mark.border:
        inset = 5 if low else 7
        inner = box(x, y, width - inset, height - inset, max(radius - inset / 2, 0.0))
        shapes.append(Outline(inner, stroke=Stroke(used.region_edge, 1.2)))
    shapes.append(Outline(shape, stroke=_rim(mark, low=low)))
    if mark.moved or (mark.changed and not mark.nudged):
        size = 4.5 if low else 7.0
        shapes.append(_badge(x + width / 2 - (1 if low else 3), y - height / 2, mark, size))
    return [*shapes, *_tags(x, y, width, height, mark, low=low)]


def _rim(mark: Mark, *, low: bool) -> Stroke:
    used, width = colours(), 1.8 if low else 2.6
    if mark.moved:
        return Stroke(used.green, width, (6, 3))
    return Stroke(used.red, width) if mark.changed else Stroke(used.ink, 1.1)


def _rings(
    x: float, y: float, width: float, height: float, mark: Mark, *, low: bool
) -> list[Shape]:
    """Draw the ring round n, and that round m, which has dashes; where n is m, n's."""
    if not (mark.nudged or mark.measured):
        return []
    ring, used = (LOW_RING if low else RING), colours()
    radius = 0.0 if mark.in_a else height / 2 + ring
    grown = box(x, y, width + 2 * ring, height + 2 * ring, radius)
    stroke = Stroke(used.ink, 1.6, () if mark.nudged else RING_DASH)
    return [Outline(grown, fill=used.paper, stroke=stroke)]


def _badge(x: float, y: float, mark: Mark, size: float) -> Outline:
    """A triangle where X alone changes a node; a diamond where Y moves it again, hollow if to W."""
    used, flat = colours(), 5 / 7 * size
    if not mark.moved:
        points = [(x, y - size), (x + size, y + flat), (x - size, y + flat)]
        return Outline(polygon(points), fill=used.red, stroke=Stroke(used.paper, 1))
    points = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)]
    if mark.differs:
        return Outline(polygon(points), fill=used.green, stroke=Stroke(used.paper, 1))
    return Outline(polygon(points), fill=used.paper, stroke=Stroke(used.green, 2))


def _tags(x: float, y: float, width: float, height: float, mark: Mark, *, low: bool) -> list[Shape]:
    """Write what a node is on its upper left corner; where rows are low, n and m on its left."""
    if low:
        letters = mark.role.replace(" + δ", "").replace(", ", "")
        return _tag(x - width / 2 - LOW_RING - 2, y, letters) if letters else []
    kept = mark.kept if mark.held or not mark.nudged else ""
    text = ", ".join(filter(None, [mark.role, kept]))
    if not text:
        return []
    ring = RING if mark.role else 0.0
    wide = text_width(text, SMALL) + 6
    left = x - width / 2 + 5 + max(0.0, wide - 28) / 2  # long words begin no further to the left
    return _tag(left if wide < width + 12 else x, y - height / 2 - ring, text)


def _tag(x: float, y: float, text: str) -> list[Shape]:
    width, used = text_width(text, SMALL) + 6, colours()
    return [
        Outline(box(x, y, width, 13, 3), fill=used.paper, stroke=Stroke(used.ink, 0.8)),
        Caption(x, y, text, SMALL, used.ink),
    ]


_NODE_ENTRIES: tuple[tuple[str, Mark, Callable[[Mark], bool]], ...] = (
    ("in A", Mark(in_a=True), lambda m: m.in_a),
    ("in B", Mark(), lambda m: not m.in_a),
    ("n, nudged by δ", Mark(nudged=True, changed=True), lambda m: m.nudged and not m.measured),
    ("m, measured", Mark(measured=True), lambda m: m.measured and not m.nudged),
    ("n and m", Mark(nudged=True, measured=True, changed=True), lambda m: m.nudged and m.measured),
    (
        "X differs from W",
        Mark(changed=True, differs=True),
        lambda m: m.changed and not m.moved and not m.nudged,
    ),
    (
        "Y differs from X",
        Mark(changed=True, moved=True, differs=True),
        lambda m: m.moved and m.differs,
    ),
    (
        "Y differs from X: back at W",
        Mark(changed=True, moved=True),
        lambda m: m.moved and not m.differs,
    ),
    ("held in Y at W's value", Mark(held=True), lambda m: m.held),
    ("some elements held in Y", Mark(partly=True), lambda m: m.partly),
    ("on A's boundary: a parent or a child outside", Mark(border=True), lambda m: m.border),
)


def legend_entries(layout: Layout, marks: Marks) -> list[Entry]:
    """Return the legend of the nodes and grounds that the picture shows, and of nothing else."""
    shown = [marks.of(node) for node in layout.places]
    entries = []
    for words, sample, is_so in _NODE_ENTRIES:
        found = next((mark for mark in shown if is_so(mark)), None)
        if found is not None:  # its sample is as square or round as the first that is drawn
            mark = dataclasses.replace(sample, in_a=found.in_a)
            entries.append(Entry(words, _sample(mark, layout, marks)))
    if region_group(layout, marks):
        entries.append(Entry("A at the steps it is held", _region_sample))
    if layout.gaps:
        unit = "steps" if layout.lanes else "ranks"
        entries.append(Entry(f"{unit} that are not drawn", _gap_sample))
    return entries


def _sample(mark: Mark, layout: Layout, marks: Marks) -> Callable[[float, float], list[Shape]]:
    """Return what draws a node's sample, with the ground of its row behind A and B themselves."""
    wide, used = mark.held or mark.partly or mark.role, colours()
    low = layout.is_low
    size = (30.0 if wide else 26.0, 15.0 if low else 16.0)
    down = 3.0 if wide and not low else 0.0  # for the words on its corner
    rows = {_holds_some(marks, lane.variable) for lane in layout.lanes}
    has_ground = mark in (Mark(), Mark(in_a=True)) and mark.in_a in rows
    ground = Outline(box(0, 0, 40, 22), fill=used.band_a if mark.in_a else used.band_b)
    return lambda x, y: [
        *([dataclasses.replace(ground, commands=box(x, y, 40, 22))] if has_ground else []),
        *node_shapes(x + (2 if mark.role else 0), y + down, *size, mark, low=low),
    ]


def _holds_some(marks: Marks, variable: str) -> bool:
    """Whether some of a row is in A, so that its ground is A's."""
    place = marks.names.index(variable)
    return bool((marks.in_a[:, place] | marks.partly[:, place]).any())


def _region_sample(x: float, y: float) -> list[Shape]:
    used = colours()
    edge = Stroke(used.region_edge, 1.8)
    return [Outline(box(x, y, 30, 18), fill=used.region_fill, stroke=edge)]


def _gap_sample(x: float, y: float) -> list[Shape]:
    used = colours()
    shapes: list[Shape] = [Caption(x, y, "⋯", FONT, used.muted)]
    for side in (x - 13, x + 13):
        points = [(side + (3 if i % 2 else -3), y - 9 + 4.5 * i) for i in range(5)]
        commands = tuple(("L" if i else "M", *p) for i, p in enumerate(points))
        shapes.append(Outline(commands, stroke=Stroke(used.faint, 0.8)))
    return shapes


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

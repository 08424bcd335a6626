"""Currents on a graph as shapes: for SVG, PNG and PDF."""

from __future__ import annotations

import math

from causalopt.drawing.graph.layout import FONT, MARGIN, SMALL
from causalopt.drawing.graph.legend import Entry, legend_rows, line_entry
from causalopt.drawing.graph.lettering import fitted, lines_of, text_width
from causalopt.drawing.graph.routes import RING, point_at
from causalopt.drawing.graph.scene import (
    NARROWEST,
    TITLE_LINE,
    bands,
    heading_lines,
    lowered,
    omission,
    paper,
)
from causalopt.drawing.graph.shapes import (
    Caption,
    Command,
    Group,
    Outline,
    Scene,
    Shape,
    Stroke,
    box,
    polygon,
    stripes,
)
from causalopt.drawing.influence.diagram import (
    THINNEST,
    Diagram,
    DiagramEdge,
    DiagramNode,
    Strand,
    share_text,
    sign_colour,
    strand_stroke,
)
from causalopt.drawing.palette import colours

HEAD = 8.0  # the length of a thin edge's arrow
NOTE_LINE = 15.0


def diagram_scene(diagram: Diagram) -> Scene:
    """Return the shapes of a picture of currents, back to front."""
    width = max(diagram.right + MARGIN, NARROWEST)
    heading = lines_of(diagram.title, FONT * 1.25, width - 2 * MARGIN)
    points = [point for edge in diagram.edges for point in edge.curve]
    lowest = min((y for _, y in points), default=diagram.top)
    highest = max((y for _, y in points), default=diagram.bottom)
    shift = MARGIN + TITLE_LINE * len(heading) + max(0.0, diagram.top - lowest)
    below = max(diagram.bottom, highest) + shift + MARGIN / 2
    legend, height = legend_rows(legend_entries(diagram), width, below)
    notes = [line for note in diagram.notes for line in lines_of(note, SMALL, width - 2 * MARGIN)]
    body: list[Group] = []
    if diagram.layout is not None and diagram.marks is not None:
        body += bands(diagram.layout, diagram.marks)
        body += [omission(gap, diagram.layout) for gap in diagram.layout.gaps]
    body += [_edge(edge, diagram) for edge in sorted(diagram.edges, key=lambda e: -e.size)]
    body += [_node(node, diagram) for node in diagram.nodes]
    body += [_label(edge) for edge in diagram.edges if edge.label]
    lines = [
        Caption(MARGIN, height + NOTE_LINE * i, line, SMALL, colours().ink, "start")
        for i, line in enumerate(notes)
    ]
    height += NOTE_LINE * len(notes)
    groups = (
        paper(width, height),
        heading_lines(heading),
        *(lowered(group, shift) for group in body),
        *legend,
        *([Group("notes", tuple(lines))] if lines else []),
    )
    return Scene(width, height, diagram.title, groups)


def _edge(edge: DiagramEdge, diagram: Diagram) -> Group:
    """Draw an edge's strands side by side, and one head for both."""
    strands = diagram.strands(edge)
    width = max(diagram.scale.width(edge.size), 1.0)
    head = max(HEAD, 1.5 * width) if edge.size > 0 else HEAD * 0.75
    length = math.dist(edge.curve[0], edge.curve[3])
    head = min(head, max(length * 0.7, 4.0))
    kind = (
        "nothing" if not edge.size > 0 else "against" if -edge.negative > edge.positive else "with"
    )
    shapes: list[Shape] = [_shaft(strand, head) for strand in strands]
    larger = max(strands, key=lambda strand: abs(strand.value))
    shapes.append(_head(edge, head, width, larger.stroke.colour))
    return Group(f"edge {kind}", tuple(shapes), edge.name, edge.words)


def _shaft(strand: Strand, head: float) -> Outline:
    a, b, c, d = strand.curve
    back = point_at(strand.curve, 0.9) if c == d else c
    size = math.dist(back, d) or 1.0
    cut = 0.8 * head
    end = (d[0] - (d[0] - back[0]) / size * cut, d[1] - (d[1] - back[1]) / size * cut)
    return Outline((("M", *a), ("C", *b, *c, *end)), stroke=strand.stroke)


def _head(edge: DiagramEdge, head: float, width: float, colour: str) -> Outline:
    tip, before = edge.curve[3], edge.curve[2]
    if before == tip:
        before = point_at(edge.curve, 0.9)
    size = math.dist(before, tip) or 1.0
    ux, uy = (tip[0] - before[0]) / size, (tip[1] - before[1]) / size
    base = (tip[0] - ux * head, tip[1] - uy * head)
    wing = max(0.42 * HEAD, 0.5 * width + 2.5) if edge.size > 0 else 0.3 * HEAD
    points = [
        tip,
        (base[0] - uy * wing, base[1] + ux * wing),
        (base[0] + uy * wing, base[1] - ux * wing),
    ]
    return Outline(polygon(points), fill=colour)


def _node(node: DiagramNode, diagram: Diagram) -> Group:
    width, height = diagram.node_width, diagram.node_height
    shapes = node_outline(node, width, height, diagram.rim(node))
    text = fitted(node.text, FONT, width - 12)
    if node.caption:
        small = fitted(node.caption, SMALL, width - 8)
        shapes += [
            Caption(node.x, node.y - 6.5, text, FONT, colours().ink, bold=node.is_n or node.is_m),
            Caption(node.x, node.y + 7, small, SMALL, colours().ink),
        ]
    else:
        shapes.append(
            Caption(node.x, node.y, text, FONT, colours().ink, bold=node.is_n or node.is_m)
        )
    for is_so, letter in ((node.is_n, "n"), (node.is_m, "m")):
        if is_so:
            side = -1 if letter == "n" else 1
            shapes += _tag(node.x + side * (width / 2 - 4), node.y - height / 2 - RING, letter)
    return Group("node", tuple(shapes), node.name, node.words)


def node_outline(node: DiagramNode, width: float, height: float, rim: Stroke) -> list[Shape]:
    """Draw a node without its name: square in A, round in B, ringed if it is n or m."""
    radius = 0.0 if node.in_a else height / 2
    shapes: list[Shape] = []
    if node.is_n or node.is_m:
        grown = (width + 2 * RING, height + 2 * RING, radius and radius + RING)
        shapes.append(
            Outline(
                box(node.x, node.y, *grown), fill=colours().paper, stroke=Stroke(colours().ink, 1.4)
            )
        )
    shape = box(node.x, node.y, width, height, radius)
    shapes.append(Outline(shape, fill=colours().fill_a if node.in_a else colours().fill_b))
    if node.doubted:
        shapes.append(
            Outline(stripes(node.x, node.y, width, height, 7), stroke=Stroke("#c9c9c9", 1.0))
        )
    shapes.append(Outline(shape, stroke=rim))
    return shapes


def _tag(x: float, y: float, text: str) -> list[Shape]:
    width = text_width(text, SMALL) + 6
    return [
        Outline(box(x, y, width, 12, 3), fill=colours().paper, stroke=Stroke(colours().ink, 0.8)),
        Caption(x, y, text, SMALL, colours().ink, bold=True),
    ]


def _label(edge: DiagramEdge) -> Group:
    x, y = edge.label_at
    ground = box(x, y, text_width(edge.label, SMALL) + 6, 14, 3)
    both = edge.positive and edge.negative
    colour = colours().ink if both else sign_colour(edge.positive + edge.negative)
    text = Caption(x, y, edge.label, SMALL, colour)
    return Group("label", (Outline(ground, fill=colours().paper), text), edge.name)


def legend_entries(diagram: Diagram) -> list[Entry]:
    """Return the scale of widths, and the looks that are in the picture."""
    entries = []
    for i, size in enumerate(diagram.scale.samples):
        words = f"{share_text(size)} {diagram.unit}" if i == 0 else share_text(size)
        stroke = Stroke(colours().ink, diagram.scale.width(size))
        entries.append(line_entry(words, stroke))
    edges, thick = diagram.edges, 5.0
    strands = [s for edge in edges if edge.size > 0 for s in diagram.strands(edge)]
    if any(strand.value > 0 for strand in strands):
        entries.append(line_entry(diagram.signs[0], strand_stroke(1, thick)))
    if any(strand.value < 0 for strand in strands):
        entries.append(line_entry(diagram.signs[1], strand_stroke(-1, thick)))
    if any(edge.doubted and edge.size > 0 for edge in edges):
        doubt = Stroke(colours().faint, thick, strand_stroke(1, thick, doubted=True).dash)
        entries.append(line_entry("in doubt: unresolved or kink", doubt))
    if any(strand.stroke.dash == strand_stroke(1, 0).dash for strand in strands):
        least = share_text(diagram.scale.largest * THINNEST / diagram.scale.widest)
        entries.append(
            line_entry(f"less than {least}", Stroke(colours().ink, THINNEST, (0.8, 3.0)))
        )
    if any(not edge.size > 0 for edge in edges):
        entries.append(line_entry("carries nothing", Stroke(colours().faint, 0.8)))
    if any(node.doubted for node in diagram.nodes):
        sample = DiagramNode("", 0, 0, "", "", 0.0, doubted=True)
        entries.append(Entry("in doubt", lambda x, y: _moved_sample(sample, x, y)))
    if any(node.in_a for node in diagram.nodes):
        sample_a = DiagramNode("", 0, 0, "", "", 0.0, in_a=True)
        entries.append(Entry("in A", lambda x, y: _moved_sample(sample_a, x, y)))
    return entries


def _moved_sample(node: DiagramNode, x: float, y: float) -> list[Shape]:
    shapes = node_outline(node, 26, 16, Stroke(colours().ink, 1.1))
    moved = Group("", tuple(shapes))
    found = lowered(moved, y).shapes
    return [_aside(shape, x) for shape in found]


def _aside(shape: Shape, by: float) -> Shape:
    assert isinstance(shape, Outline)
    commands: tuple[Command, ...] = tuple(
        (c[0], *[float(v) + by * (i % 2 == 0) for i, v in enumerate(c[1:])]) for c in shape.commands
    )
    return Outline(commands, shape.fill, shape.stroke)

"""DOT, for Graphviz: `neato` keeps the places given here, `dot` lays the columns out itself."""

from __future__ import annotations

from causalopt.drawing.graph.edge_looks import edge_look
from causalopt.drawing.graph.layout import Layout, Place
from causalopt.drawing.graph.local_slopes import Slopes
from causalopt.drawing.graph.marks import Mark, Marks
from causalopt.drawing.graph.svg import number
from causalopt.drawing.palette import colours
from causalopt.model.selectors import Node

POINT = 0.75  # a pixel of the layout in points
ROOM = 16.0  # pixels for the sign beside a name


def dot_text(layout: Layout, marks: Marks, title: str, slopes: Slopes | None = None) -> str:
    """Return a picture in the DOT language, with pinned places."""
    used, direction = colours(), "TB" if layout.is_downward else "LR"
    lines = [
        "digraph {",
        f"  graph [label={quoted(title)}, labelloc=t, layout=neato, inputscale=72, "
        f'rankdir={direction}, splines=true, bgcolor="{used.paper}", fontcolor="{used.ink}", '
        'fontname="DejaVu Sans"]',
        f'  node [fontname="DejaVu Sans", fontsize=9, fontcolor="{used.ink}", fixedsize=true, '
        f"width={number((layout.node_width + ROOM) / 96)}, "
        f"height={number(layout.node_height / 96)}]",
        "  edge [arrowsize=0.6]",
    ]
    lines += [_node(place, marks.of(place.node), layout) for place in layout.places.values()]
    lines += [_gap(i, layout) for i in range(len(layout.gaps))]
    for column in _columns(layout):
        lines.append("  { rank=same; " + "; ".join(quoted(p.text) for p in column) + " }")
    lines += dict.fromkeys(_edges(layout, marks, slopes))
    return "\n".join([*lines, "}"]) + "\n"


def quoted(text: str) -> str:
    """Return a text as a string of the language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _place(x: float, y: float, layout: Layout) -> str:
    return f'pos="{number(x * POINT)},{number((layout.bottom - y) * POINT)}!"'


def _node(place: Place, mark: Mark, layout: Layout) -> str:
    tags = ", ".join(filter(None, [mark.role, mark.kept]))
    symbol = "" if mark.nudged else mark.symbol
    label = " ".join(filter(None, [place.text, symbol]))
    label = f"{label}\\n{tags}" if tags else label
    styles = ["filled"] if mark.in_a else ["filled", "rounded"]
    used = colours()
    colour, width = used.ink, 1
    if mark.moved:
        colour, width = used.green, 2
        styles.append("dashed")
    elif mark.changed:
        colour, width = used.red, 2
    parts = [
        f"label={quoted(label).replace(chr(92) * 2 + 'n', chr(92) + 'n')}",
        _place(place.x, place.y, layout),
        "shape=box",
        f'style="{",".join(styles)}"',
        f'fillcolor="{used.fill_a if mark.in_a else used.fill_b}"',
        f'color="{colour}"',
        f"penwidth={width}",
        f"tooltip={quoted(f'{place.label}: {mark.words}')}",
    ]
    if mark.nudged or mark.measured:
        parts.append("peripheries=2")
    return f"  {quoted(place.text)} [{', '.join(parts)}]"


def _gap(i: int, layout: Layout) -> str:
    gap = layout.gaps[i]
    label = quoted(f"⋯ {gap.first} … {gap.last}")
    place = _place(gap.middle, (layout.top + layout.bottom) / 2, layout)
    look = f'shape=plaintext, fixedsize=false, fontcolor="{colours().muted}"'
    return f'  "gap {i}" [label={label}, {place}, {look}]'


def _columns(layout: Layout) -> list[list[Place]]:
    places = layout.places.values()
    return [[p for p in places if p.column == column.t] for column in layout.columns]


def _edges(layout: Layout, marks: Marks, slopes: Slopes | None) -> list[str]:
    def end(node: Node, gap: int | None) -> str:
        place = layout.places.get(node)
        return quoted(place.text) if place is not None else f'"gap {gap}"'

    lines = []
    for link in layout.links:
        look = edge_look(link, marks, slopes)
        ends = f"  {end(link.source, link.gap)} -> {end(link.target, link.gap)} "
        parts = [f'color="{look.stroke.colour}"', f"penwidth={number(look.stroke.width)}"]
        if look.stroke.dash:
            parts.append(f"style={'dotted' if look.stroke.dash[0] < 2 else 'dashed'}")
        if look.words:
            parts.append(f"tooltip={quoted(look.words)}")
        if look.on_kink:
            parts.append('label="×"')
        lines.append(f"{ends}[{', '.join(parts)}]")
    return lines

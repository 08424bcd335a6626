"""DOT, for Graphviz: `neato` keeps the places given here, `dot` lays the columns out itself."""

from __future__ import annotations

from causalopt.drawing.graph.layout import NODE_HEIGHT, Layout, Place
from causalopt.drawing.graph.marks import Mark, Marks, edge_state
from causalopt.drawing.graph.svg import number
from causalopt.drawing.palette import FAINT, FILL_A, FILL_B, GREEN, INK, RED
from causalopt.model.selectors import Node

POINT = 0.75  # a pixel of the layout in points
ROOM = 16.0  # pixels for the sign beside a name
_EDGES = {
    "plain": f'color="{FAINT}"',
    "cut": f'color="{FAINT}", style=dotted',
    "changed": f'color="{RED}", penwidth=2',
    "cut-changed": f'color="{RED}", style=dotted, penwidth=1.5',
    "moved": f'color="{GREEN}", style=dashed, penwidth=2',
}


def dot_text(layout: Layout, marks: Marks, title: str) -> str:
    """Return a picture in the DOT language, with pinned places."""
    lines = [
        "digraph {",
        f"  graph [label={quoted(title)}, labelloc=t, layout=neato, inputscale=72, rankdir=LR, "
        'splines=true, fontname="DejaVu Sans"]',
        '  node [fontname="DejaVu Sans", fontsize=9, fixedsize=true, '
        f"width={number((layout.node_width + ROOM) / 96)}, height={number(NODE_HEIGHT / 96)}]",
        "  edge [arrowsize=0.6]",
    ]
    lines += [_node(place, marks.of(place.node), layout) for place in layout.places.values()]
    lines += [_gap(i, layout) for i in range(len(layout.gaps))]
    for column in _columns(layout):
        lines.append("  { rank=same; " + "; ".join(quoted(p.text) for p in column) + " }")
    lines += dict.fromkeys(_edges(layout, marks))
    return "\n".join([*lines, "}"]) + "\n"


def quoted(text: str) -> str:
    """Return a text as a string of the language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _place(x: float, y: float, layout: Layout) -> str:
    return f'pos="{number(x * POINT)},{number((layout.bottom - y) * POINT)}!"'


def _node(place: Place, mark: Mark, layout: Layout) -> str:
    tags = " ".join(filter(None, ["+δ" if mark.nudged else "", mark.kept]))
    symbol = "" if mark.nudged else mark.symbol
    label = " ".join(filter(None, [place.text, symbol]))
    label = f"{label}\\n{tags}" if tags else label
    styles = ["filled"] if mark.in_a else ["filled", "rounded"]
    colour, width = INK, 1
    if mark.moved:
        colour, width = GREEN, 2
        styles.append("dashed")
    elif mark.changed:
        colour, width = RED, 2
    parts = [
        f"label={quoted(label).replace(chr(92) * 2 + 'n', chr(92) + 'n')}",
        _place(place.x, place.y, layout),
        "shape=box",
        f'style="{",".join(styles)}"',
        f'fillcolor="{FILL_A if mark.in_a else FILL_B}"',
        f'color="{colour}"',
        f"penwidth={width}",
        f"tooltip={quoted(f'{place.label}: {mark.words}')}",
    ]
    if mark.nudged:
        parts.append("peripheries=2")
    return f"  {quoted(place.text)} [{', '.join(parts)}]"


def _gap(i: int, layout: Layout) -> str:
    gap = layout.gaps[i]
    label = quoted(f"⋯ {gap.first} … {gap.last}")
    place = _place(gap.middle, (layout.top + layout.bottom) / 2, layout)
    look = f'shape=plaintext, fixedsize=false, fontcolor="{FAINT}"'
    return f'  "gap {i}" [label={label}, {place}, {look}]'


def _columns(layout: Layout) -> list[list[Place]]:
    return [
        [p for p in layout.places.values() if column.left <= p.x <= column.right]
        for column in layout.columns
    ]


def _edges(layout: Layout, marks: Marks) -> list[str]:
    def end(node: Node, gap: int | None) -> str:
        place = layout.places.get(node)
        return quoted(place.text) if place is not None else f'"gap {gap}"'

    return [
        f"  {end(link.source, link.gap)} -> {end(link.target, link.gap)} "
        f"[{_EDGES[edge_state(marks.of(link.source), marks.of(link.target))]}]"
        for link in layout.links
    ]

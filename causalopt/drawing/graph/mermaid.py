"""Mermaid, for Markdown pages; it places the nodes itself, a box per step."""

from __future__ import annotations

from causalopt.drawing.graph.edge_looks import EdgeLook, edge_look
from causalopt.drawing.graph.layout import Column, Layout, Place
from causalopt.drawing.graph.local_slopes import Slopes
from causalopt.drawing.graph.marks import Mark, Marks
from causalopt.drawing.graph.shapes import Stroke
from causalopt.drawing.graph.svg import number
from causalopt.drawing.palette import colours
from causalopt.model.selectors import Node

_ARROWS = {"plain": "-->", "cut": "-.->", "changed": "==>", "cut-changed": "-.->", "moved": "-.->"}


def _classes() -> list[str]:
    used = colours()
    return [
        f"classDef A fill:{used.fill_a},stroke:{used.ink},color:{used.ink}",
        f"classDef B fill:{used.fill_b},stroke:{used.ink},color:{used.ink}",
        f"classDef changed stroke:{used.red},stroke-width:3px",
        f"classDef moved stroke:{used.green},stroke-width:3px,stroke-dasharray:6 3",
        f"classDef gap fill:{used.paper},stroke:{used.faint},color:{used.muted},"
        "stroke-dasharray:2 3",
    ]


def mermaid_text(layout: Layout, marks: Marks, title: str, slopes: Slopes | None = None) -> str:
    """Return a picture as a Mermaid flowchart."""
    names = {node: f"n{i}" for i, node in enumerate(layout.places)}
    direction = "TD" if layout.is_downward else "LR"
    lines = ["---", f"title: {yaml_text(title)}", "---", f"flowchart {direction}"]
    for column in layout.columns:
        lines += _column(column, layout, marks, names)
        lines += [
            f'  gap{i}["⋯ {gap.first} … {gap.last}"]:::gap'
            for i, gap in enumerate(layout.gaps)
            if gap.first == column.t + 1
        ]
    edges = _edges(layout, marks, names, slopes)
    lines += [f"  {source} {_arrow(look)} {target}" for source, target, look in edges]
    lines += _line_styles([look.stroke for _, _, look in edges])
    return "\n".join([*lines, *(f"  {line}" for line in _classes())]) + "\n"


def _arrow(look: EdgeLook) -> str:
    arrow = _ARROWS.get(look.kind) or ("-.->" if look.stroke.dash else "-->")
    return f"{arrow}|×|" if look.on_kink else arrow


def yaml_text(text: str) -> str:
    """Return a text as a string of the front matter."""
    # A title is written out as it stands between tags, where < would be escaped twice.
    text = text.replace("<=", "≤").replace("<", "‹").replace(">=", "≥").replace(">", "›")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _column(column: Column, layout: Layout, marks: Marks, names: dict[Node, str]) -> list[str]:
    inside = [place for place in layout.places.values() if place.column == column.t]
    nodes: list[str] = []
    for place in inside:
        name = names[place.node]
        text, classes = _node(name, place, marks.of(place.node))
        nodes += [text, *(f"class {name} {kind}" for kind in classes)]
    if not column.text:
        return [f"  {node}" for node in nodes]
    head = [f'  subgraph s{column.t}["{column.text}"]', "    direction TB"]
    return [*head, *(f"    {node}" for node in nodes), "  end"]


def _node(name: str, place: Place, mark: Mark) -> tuple[str, list[str]]:
    tags = [mark.role, "" if mark.nudged else mark.symbol, mark.kept]
    label = " ".join(filter(None, [safe(place.text), *tags]))
    if mark.nudged or mark.measured:
        left, right = ("[[", "]]") if mark.in_a else ("(((", ")))")
    else:
        left, right = ("[", "]") if mark.in_a else ("([", "])")
    classes = ["A" if mark.in_a else "B"]
    if mark.changed:
        classes.append("moved" if mark.moved else "changed")
    return f'{name}{left}"{label}"{right}', classes


def safe(text: str) -> str:
    """Return a text as a label may have it."""
    return text.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;")


def _edges(
    layout: Layout, marks: Marks, names: dict[Node, str], slopes: Slopes | None
) -> list[tuple[str, str, EdgeLook]]:
    """Return the edges, those alike in ends and look once."""
    found: dict[tuple[object, ...], tuple[str, str, EdgeLook]] = {}
    for link in layout.links:
        look = edge_look(link, marks, slopes)
        ends = [names.get(node, f"gap{link.gap}") for node in (link.source, link.target)]
        found.setdefault((*ends, look.kind, look.stroke), (ends[0], ends[1], look))
    return list(found.values())


def _line_styles(strokes: list[Stroke]) -> list[str]:
    lines = []
    for stroke in dict.fromkeys(strokes):
        places = ",".join(str(i) for i, other in enumerate(strokes) if other == stroke)
        dash = " ".join(number(length) for length in stroke.dash)
        style = f"stroke:{stroke.colour},stroke-width:{number(stroke.width)}px"
        lines.append(f"  linkStyle {places} {style}{f',stroke-dasharray:{dash}' if dash else ''}")
    return lines

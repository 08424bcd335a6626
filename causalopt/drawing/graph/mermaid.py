"""Mermaid, for Markdown pages; it places the nodes itself, a box per step."""

from __future__ import annotations

from causalopt.drawing.graph.layout import Column, Layout, Place
from causalopt.drawing.graph.marks import Mark, Marks, edge_state
from causalopt.drawing.palette import FAINT, FILL_A, FILL_B, GREEN, INK, PAPER, RED
from causalopt.model.selectors import Node

_ARROWS = {"plain": "-->", "cut": "-.->", "changed": "==>", "cut-changed": "-.->", "moved": "-.->"}
_LINES = {
    "plain": f"stroke:{FAINT}",
    "cut": f"stroke:{FAINT},stroke-dasharray:2 3",
    "changed": f"stroke:{RED},stroke-width:2px",
    "cut-changed": f"stroke:{RED},stroke-dasharray:2 3",
    "moved": f"stroke:{GREEN},stroke-width:2px,stroke-dasharray:6 3",
}
_CLASSES = (
    f"classDef A fill:{FILL_A},stroke:{INK},color:{INK}",
    f"classDef B fill:{FILL_B},stroke:{INK},color:{INK}",
    f"classDef changed stroke:{RED},stroke-width:3px",
    f"classDef moved stroke:{GREEN},stroke-width:3px,stroke-dasharray:6 3",
    f"classDef gap fill:{PAPER},stroke:{FAINT},color:{FAINT},stroke-dasharray:2 3",
)


def mermaid_text(layout: Layout, marks: Marks, title: str) -> str:
    """Return a picture as a Mermaid flowchart."""
    names = {node: f"n{i}" for i, node in enumerate(layout.places)}
    lines = ["---", f"title: {yaml_text(title)}", "---", "flowchart LR"]
    for column in layout.columns:
        lines += _column(column, layout, marks, names)
        lines += [
            f'  gap{i}["⋯ {gap.first} … {gap.last}"]:::gap'
            for i, gap in enumerate(layout.gaps)
            if gap.first == column.t + 1
        ]
    edges = dict.fromkeys(_edges(layout, marks, names))
    lines += [f"  {source} {_ARROWS[state]} {target}" for source, target, state in edges]
    lines += _line_styles([state for _, _, state in edges])
    return "\n".join([*lines, *(f"  {line}" for line in _CLASSES)]) + "\n"


def yaml_text(text: str) -> str:
    """Return a text as a string of the front matter."""
    # A title is written out as it stands between tags, where < would be escaped twice.
    text = text.replace("<=", "≤").replace("<", "‹").replace(">=", "≥").replace(">", "›")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _column(column: Column, layout: Layout, marks: Marks, names: dict[Node, str]) -> list[str]:
    inside = [p for p in layout.places.values() if column.left <= p.x <= column.right]
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
    tags = ["+δ" if mark.nudged else mark.symbol, mark.kept]
    label = " ".join(filter(None, [safe(place.text), *tags]))
    if mark.nudged:
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


def _edges(layout: Layout, marks: Marks, names: dict[Node, str]) -> list[tuple[str, str, str]]:
    return [
        (
            names.get(link.source, f"gap{link.gap}"),
            names.get(link.target, f"gap{link.gap}"),
            edge_state(marks.of(link.source), marks.of(link.target)),
        )
        for link in layout.links
    ]


def _line_styles(states: list[str]) -> list[str]:
    lines = []
    for state, style in _LINES.items():
        places = [str(i) for i, other in enumerate(states) if other == state]
        if places:
            lines.append(f"  linkStyle {','.join(places)} {style}")
    return lines

r"""TikZ: a standalone LaTeX document; the `tikzpicture` in it can be pasted into a paper."""

from __future__ import annotations

from causalopt.drawing.graph.layout import FONT, NODE_HEIGHT, SMALL, Layout, Place
from causalopt.drawing.graph.lettering import fitted
from causalopt.drawing.graph.marks import Mark, Marks, edge_state
from causalopt.drawing.graph.routes import Route, routes
from causalopt.drawing.graph.svg import number
from causalopt.drawing.palette import FAINT, FILL_A, FILL_B, GREEN, INK, RED

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "^": r"\^{}",
    "~": r"\~{}",
    **{c: f"\\{c}" for c in "#$%&"},
    "…": r"\dots{}",
    "δ": r"$\delta$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "<": r"$<$",
    ">": r"$>$",
}
_COLOURS = {
    "coInk": INK,
    "coFaint": FAINT,
    "coRed": RED,
    "coGreen": GREEN,
    "coA": FILL_A,
    "coB": FILL_B,
}


def tikz_text(layout: Layout, marks: Marks, title: str) -> str:
    """Return a picture as a LaTeX document; text that is not ASCII needs lualatex or xelatex."""
    lines = [
        r"\documentclass[border=6pt]{standalone}",
        r"\usepackage{tikz}",
        r"\usetikzlibrary{arrows.meta,patterns,shapes.geometric}",
        *(rf"\definecolor{{{n}}}{{HTML}}{{{c[1:].upper()}}}" for n, c in _COLOURS.items()),
        r"\begin{document}",
        *_styles(layout),
        rf"\node[anchor=south west, font=\sffamily\bfseries\small] at (0,{number(layout.top - 24)})"
        rf" {{{escaped(title)}}};",
        *_frame(layout),
        *(_node(i, place, marks.of(place.node)) for i, place in enumerate(layout.places.values())),
        *(_edge(route, marks) for route in routes(layout, marks)),
        *_badges(layout, marks),
        r"\end{tikzpicture}",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return a text as LaTeX prints it."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _styles(layout: Layout) -> list[str]:
    width, height = number(layout.node_width * 0.75), number(NODE_HEIGHT * 0.75)
    size = rf"\sffamily\fontsize{{{number(FONT * 0.75)}}}{{11}}\selectfont"
    small = rf"\sffamily\fontsize{{{number(SMALL * 0.75)}}}{{9}}\selectfont"
    return [
        r"\begin{tikzpicture}[x=0.75bp, y=-0.75bp, >={Latex[length=5bp, width=4bp]},",
        rf"  vertex/.style={{draw=coInk, minimum width={width}bp, minimum height={height}bp,",
        rf"    inner sep=0pt, align=center, font={size}}},",
        rf"  in A/.style={{vertex, fill=coA}}, in B/.style={{vertex, fill=coB, "
        rf"rounded corners={number(NODE_HEIGHT * 0.37)}bp}},",
        r"  held/.style={postaction={pattern=north east lines, pattern color=coFaint!60}},",
        r"  nudged/.style={double=white, double distance=2bp},",
        r"  changed/.style={draw=coRed, line width=1.6bp},",
        r"  moved/.style={draw=coGreen, line width=1.6bp, dashed},",
        r"  edge plain/.style={->, draw=coFaint}, edge cut/.style={->, draw=coFaint, dotted},",
        r"  edge changed/.style={->, draw=coRed, line width=1.2bp},",
        r"  edge cut-changed/.style={->, draw=coRed, dotted, line width=1bp},",
        r"  edge moved/.style={->, draw=coGreen, dashed, line width=1.2bp},",
        r"  badge/.style={inner sep=0pt, minimum size=8bp, draw=white},",
        r"  x badge/.style={badge, regular polygon, regular polygon sides=3, fill=coRed},",
        r"  y badge/.style={badge, diamond, fill=coGreen},",
        r"  w badge/.style={badge, diamond, fill=white, draw=coGreen, line width=1bp},",
        rf"  note/.style={{text=coFaint, font={small}}},",
        r"  tag/.style={note, text=coInk, fill=white, draw, inner sep=1.5bp}]",
    ]


def _frame(layout: Layout) -> list[str]:
    lines = []
    for lane in layout.lanes:
        label = fitted(lane.label, SMALL, layout.left - 30)
        lines.append(_note(18, lane.y - 8, rf"\textbf{{{escaped(lane.variable)}}}", "west"))
        if label:
            lines.append(_note(18, lane.y + 8, escaped(label), "west"))
    for column in layout.columns:
        if column.text:
            middle = (column.left + column.right) / 2
            lines.append(_note(middle, layout.top - 12, escaped(column.text)))
    for gap in layout.gaps:
        lines += [
            rf"\draw[coFaint, decorate] ({number(x)},{number(layout.top)}) -- "
            rf"({number(x)},{number(layout.bottom)});".replace(", decorate", ", densely dotted")
            for x in (gap.left, gap.right)
        ]
        middle = (layout.top + layout.bottom) / 2
        lines.append(_note(gap.middle, middle, r"$\cdots$"))
        lines.append(_note(gap.middle, layout.top - 12, rf"{gap.first} \dots{{}} {gap.last}"))
    return lines


def _note(x: float, y: float, text: str, anchor: str = "center") -> str:
    return rf"\node[note, anchor={anchor}] at ({number(x)},{number(y)}) {{{text}}};"


def _node(i: int, place: Place, mark: Mark) -> str:
    styles = ["in A" if mark.in_a else "in B"]
    styles += ["moved"] if mark.moved else ["changed"] if mark.changed else []
    styles += ["held"] if mark.held else []
    styles += ["nudged"] if mark.nudged else []
    at = f"({number(place.x)},{number(place.y)})"
    return rf"\node[{', '.join(styles)}] (n{i}) at {at} {{{escaped(place.text)}}};"


def _badges(layout: Layout, marks: Marks) -> list[str]:
    lines = []
    for i, place in enumerate(layout.places.values()):
        mark = marks.of(place.node)
        if mark.moved:
            style = "y badge" if mark.differs else "w badge"
            lines.append(rf"\node[{style}] at (n{i}.north east) {{}};")
        elif mark.changed and not mark.nudged:
            lines.append(rf"\node[x badge] at (n{i}.north east) {{}};")
        tag = r"$+\delta$" if mark.nudged else "$=w$" if mark.held else ""
        tag = tag or (r"some $=w$" if mark.partly else "")
        if tag:
            lines.append(rf"\node[tag] at (n{i}.north west) {{{tag}}};")
    return lines


def _edge(route: Route, marks: Marks) -> str:
    state = edge_state(marks.of(route.link.source), marks.of(route.link.target))
    a, b, c, d = (f"({number(x)},{number(y)})" for x, y in route.curve)
    return rf"\draw[edge {state}] {a} .. controls {b} and {c} .. {d};"

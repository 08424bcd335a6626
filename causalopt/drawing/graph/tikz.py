r"""TikZ: a standalone LaTeX document; the `tikzpicture` in it can be pasted into a paper."""

from __future__ import annotations

from causalopt.drawing.graph.edge_looks import EdgeLook, edge_look
from causalopt.drawing.graph.layout import SMALL, Layout, Place
from causalopt.drawing.graph.lettering import fitted, node_text
from causalopt.drawing.graph.local_slopes import Slopes
from causalopt.drawing.graph.marks import Mark, Marks
from causalopt.drawing.graph.routes import Curve, point_at, routes
from causalopt.drawing.graph.svg import number
from causalopt.drawing.palette import colours

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


def _colours() -> dict[str, str]:
    used = colours()
    return {
        "coPaper": used.paper,
        "coInk": used.ink,
        "coMuted": used.muted,
        "coFaint": used.faint,
        "coRed": used.red,
        "coGreen": used.green,
        "coBlue": used.blue,
        "coA": used.fill_a,
        "coB": used.fill_b,
    }


def tikz_text(layout: Layout, marks: Marks, title: str, slopes: Slopes | None = None) -> str:
    """Return a picture as a LaTeX document; text that is not ASCII needs lualatex or xelatex."""
    used = _colours()
    names = {colour: name for name, colour in used.items()}
    ways = [(route.curve, edge_look(route.link, marks, slopes)) for route in routes(layout, marks)]
    lines = [
        r"\documentclass[border=6pt]{standalone}",
        r"\usepackage{tikz}",
        r"\usetikzlibrary{arrows.meta,patterns,shapes.geometric}",
        *(rf"\definecolor{{{n}}}{{HTML}}{{{c[1:].upper()}}}" for n, c in used.items()),
        r"\begin{document}",
        r"\pagecolor{coPaper}",
        *_styles(layout),
        r"\node[anchor=south west, text=coInk, font=\sffamily\bfseries\small] at "
        rf"(0,{number(layout.top - 24)}) {{{escaped(title)}}};",
        *_frame(layout),
        *(
            _node(i, place, marks.of(place.node), layout)
            for i, place in enumerate(layout.places.values())
        ),
        *(_edge(curve, look, names) for curve, look in ways),
        *_badges(layout, marks),
        r"\end{tikzpicture}",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return a text as LaTeX prints it."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _styles(layout: Layout) -> list[str]:
    width, height = number(layout.node_width * 0.75), number(layout.node_height * 0.75)
    size = rf"\sffamily\fontsize{{{number(layout.font * 0.75)}}}{{11}}\selectfont"
    small = rf"\sffamily\fontsize{{{number(SMALL * 0.75)}}}{{9}}\selectfont"
    return [
        r"\begin{tikzpicture}[x=0.75bp, y=-0.75bp, >={Latex[length=5bp, width=4bp]},",
        rf"  vertex/.style={{draw=coInk, text=coInk, minimum width={width}bp,",
        rf"    minimum height={height}bp,",
        rf"    inner sep=0pt, align=center, font={size}}},",
        rf"  in A/.style={{vertex, fill=coA}}, in B/.style={{vertex, fill=coB, "
        rf"rounded corners={number(layout.node_height * 0.37)}bp}},",
        r"  held/.style={postaction={pattern=north east lines, pattern color=coFaint!60}},",
        r"  nudged/.style={double=coPaper, double distance=2bp},",
        r"  changed/.style={draw=coRed, line width=1.6bp},",
        r"  moved/.style={draw=coGreen, line width=1.6bp, dashed},",
        r"  edge/.style={->},",
        r"  badge/.style={inner sep=0pt, minimum size=8bp, draw=coPaper},",
        r"  x badge/.style={badge, regular polygon, regular polygon sides=3, fill=coRed},",
        r"  y badge/.style={badge, diamond, fill=coGreen},",
        r"  w badge/.style={badge, diamond, fill=coPaper, draw=coGreen, line width=1bp},",
        rf"  note/.style={{text=coMuted, font={small}}},",
        r"  tag/.style={note, text=coInk, fill=coPaper, draw, inner sep=1.5bp}]",
    ]


def _frame(layout: Layout) -> list[str]:
    lines = []
    for lane in layout.lanes:
        label = fitted(lane.label, SMALL, layout.left - 30)
        name = escaped(fitted(lane.variable, layout.font, layout.left - 30))
        y = lane.y if layout.is_low else lane.y - 8
        lines.append(_note(18, y, rf"\textbf{{{name}}}", "west"))
        if label and not layout.is_low:
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


def _node(i: int, place: Place, mark: Mark, layout: Layout) -> str:
    styles = ["in A" if mark.in_a else "in B"]
    styles += ["moved"] if mark.moved else ["changed"] if mark.changed else []
    styles += ["held"] if mark.held else []
    styles += ["nudged"] if mark.nudged or mark.measured else []
    at = f"({number(place.x)},{number(place.y)})"
    text = node_text(place.text, layout.font, layout.node_width - 6)
    return rf"\node[{', '.join(styles)}] (n{i}) at {at} {{{escaped(text)}}};"


def _badges(layout: Layout, marks: Marks) -> list[str]:
    lines = []
    for i, place in enumerate(layout.places.values()):
        mark = marks.of(place.node)
        if mark.moved:
            style = "y badge" if mark.differs else "w badge"
            lines.append(rf"\node[{style}] at (n{i}.north east) {{}};")
        elif mark.changed and not mark.nudged:
            lines.append(rf"\node[x badge] at (n{i}.north east) {{}};")
        tag = ", ".join(escaped(word) for word in filter(None, [mark.role, mark.kept]))
        if tag:
            lines.append(rf"\node[tag] at (n{i}.north west) {{{tag}}};")
    return lines


def _edge(curve: Curve, look: EdgeLook, names: dict[str, str]) -> str:
    a, b, c, d = (f"({number(x)},{number(y)})" for x, y in curve)
    stroke = look.stroke
    parts = ["edge", f"draw={names[stroke.colour]}", f"line width={number(stroke.width * 0.75)}bp"]
    if stroke.dash:
        lengths = zip(stroke.dash[::2], stroke.dash[1::2], strict=True)
        pattern = " ".join(f"on {number(x * 0.75)}bp off {number(y * 0.75)}bp" for x, y in lengths)
        parts.append(f"dash pattern={pattern}")
    line = rf"\draw[{', '.join(parts)}] {a} .. controls {b} and {c} .. {d};"
    if not look.on_kink:
        return line
    x, y = point_at(curve, 0.5)
    return line + rf" \node[inner sep=1pt, text=coInk] at ({number(x)},{number(y)}) {{$\times$}};"

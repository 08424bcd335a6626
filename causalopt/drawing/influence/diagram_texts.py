r"""Currents on a graph in the languages of others: DOT, TikZ and Mermaid."""

from __future__ import annotations

from causalopt.drawing.graph.dot import POINT, quoted
from causalopt.drawing.graph.mermaid import safe, yaml_text
from causalopt.drawing.graph.shapes import Stroke
from causalopt.drawing.graph.svg import number
from causalopt.drawing.graph.tikz import escaped
from causalopt.drawing.influence.diagram import Diagram, DiagramEdge, DiagramNode
from causalopt.drawing.palette import colours


def _colours() -> dict[str, str]:
    used = colours()
    return {
        "coPaper": used.paper,
        "coInk": used.ink,
        "coFaint": used.faint,
        "coRed": used.red,
        "coBlue": used.blue,
        "coA": used.fill_a,
        "coB": used.fill_b,
    }


def dot_diagram(diagram: Diagram) -> str:
    """Return a picture of currents in the DOT language, with pinned places; a line per strand."""
    lines = [
        "digraph {",
        f"  graph [label={_lines(diagram.title, diagram.key)}, labelloc=t, layout=neato, "
        "inputscale=72, "
        'rankdir=LR, splines=true, fontname="DejaVu Sans"]',
        '  node [fontname="DejaVu Sans", fontsize=9, fixedsize=true, '
        f"width={number(diagram.node_width / 96)}, height={number(diagram.node_height / 96)}]",
        '  edge [arrowsize=0.6, fontname="DejaVu Sans", fontsize=8]',
        *(_dot_node(node, diagram) for node in diagram.nodes),
        *_dot_gaps(diagram),
        *(line for edge in diagram.edges for line in _dot_edge(edge, diagram)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _lines(*texts: str) -> str:
    """Return texts as the lines of one string of DOT; empty ones are left out."""
    return '"' + "\\n".join(quoted(text)[1:-1] for text in texts if text) + '"'


def _dot_node(node: DiagramNode, diagram: Diagram) -> str:
    rim = diagram.rim(node)
    styles = ["filled", *([] if node.in_a else ["rounded"]), *(["dashed"] if rim.dash else [])]
    place = f"{number(node.x * POINT)},{number((diagram.bottom - node.y) * POINT)}!"
    parts = [
        f"label={_lines(node.text, node.caption)}",
        f'pos="{place}"',
        "shape=box",
        f'style="{",".join(styles)}"',
        f'fillcolor="{colours().fill_a if node.in_a else colours().fill_b}"',
        f'color="{rim.colour}"',
        f"penwidth={number(rim.width * POINT)}",
        f"tooltip={quoted(node.words)}",
        *(["peripheries=2"] if node.is_n or node.is_m else []),
    ]
    return f"  {quoted(node.name)} [{', '.join(parts)}]"


def _dot_gaps(diagram: Diagram) -> list[str]:
    lines = []
    for i, gap in enumerate(diagram.layout.gaps if diagram.layout else ()):
        y = (diagram.bottom - (diagram.top + diagram.bottom) / 2) * POINT
        lines.append(
            f'  "gap {i}" [label={quoted(f"⋯ {gap.first} … {gap.last}")}, '
            f'pos="{number(gap.middle * POINT)},{number(y)}!", shape=plaintext, '
            f'fixedsize=false, fontcolor="{colours().muted}"]'
        )
    return lines


def _dot_edge(edge: DiagramEdge, diagram: Diagram) -> list[str]:
    ends = [
        quoted(end if end is not None else f"gap {edge.gap}") for end in (edge.source, edge.target)
    ]
    lines = []
    for i, strand in enumerate(diagram.strands(edge)):
        stroke = strand.stroke
        style = (
            "" if not stroke.dash else ", style=dashed" if stroke.dash[0] > 2 else ", style=dotted"
        )
        label = f", label={quoted(edge.label)}" if edge.label and i == 0 else ""
        lines.append(
            f'  {" -> ".join(ends)} [color="{stroke.colour}", '
            f"penwidth={number(stroke.width * POINT)}{style}{label}, tooltip={quoted(edge.words)}]"
        )
    return lines


def tikz_diagram(diagram: Diagram) -> str:
    """Return a picture of currents as a LaTeX document."""
    names = {node.name: f"n{i}" for i, node in enumerate(diagram.nodes)}
    round_corners = number(diagram.node_height * 0.36)
    lines = [
        r"\documentclass[border=6pt]{standalone}",
        r"\usepackage{tikz}",
        r"\usetikzlibrary{arrows.meta}",
        *(rf"\definecolor{{{n}}}{{HTML}}{{{c[1:].upper()}}}" for n, c in _colours().items()),
        r"\begin{document}",
        r"\begin{tikzpicture}[x=0.75bp, y=-0.75bp,",
        rf"  vertex/.style={{minimum width={number(diagram.node_width * POINT)}bp, "
        rf"minimum height={number(diagram.node_height * POINT)}bp, inner sep=0pt, align=center,",
        r"    font=\sffamily\fontsize{8}{9}\selectfont},",
        r"  in A/.style={vertex, fill=coA},",
        rf"  in B/.style={{vertex, fill=coB, rounded corners={round_corners}bp}},",
        r"  note/.style={font=\sffamily\fontsize{7}{8}\selectfont, inner sep=1pt}]",
        r"\node[anchor=south west, font=\sffamily\bfseries\small] at "
        rf"(0,{number(diagram.top - 24)}) {{{escaped(diagram.title)}}};",
        *(line for edge in diagram.edges for line in _tikz_edge(edge, diagram)),
        *(_tikz_node(node, names[node.name], diagram) for node in diagram.nodes),
        *_tikz_frame(diagram),
        *_tikz_scale(diagram),
        r"\end{tikzpicture}",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def _tikz_stroke(stroke: Stroke) -> str:
    dash = ""
    if stroke.dash:
        on, off = stroke.dash
        dash = f", dash pattern=on {number(on * POINT)}bp off {number(off * POINT)}bp"
    names = {colour: name for name, colour in _colours().items()}
    return f"draw={names[stroke.colour]}, line width={number(stroke.width * POINT)}bp{dash}"


def _tikz_node(node: DiagramNode, name: str, diagram: Diagram) -> str:
    styles = ["in A" if node.in_a else "in B", _tikz_stroke(diagram.rim(node))]
    styles += ["double=white, double distance=1.5bp"] if node.is_n or node.is_m else []
    text = escaped(node.text) + (rf"\\{escaped(node.caption)}" if node.caption else "")
    at = f"({number(node.x)},{number(node.y)})"
    return rf"\node[{', '.join(styles)}] ({name}) at {at} {{{text}}};"


def _tikz_edge(edge: DiagramEdge, diagram: Diagram) -> list[str]:
    lines = []
    for strand in diagram.strands(edge):
        a, b, c, d = (f"({number(x)},{number(y)})" for x, y in strand.curve)
        head = number(max(4.0, 1.1 * strand.stroke.width * POINT))
        lines.append(
            rf"\draw[-{{Latex[length={head}bp, width={head}bp]}}, {_tikz_stroke(strand.stroke)}] "
            rf"{a} .. controls {b} and {c} .. {d};"
        )
    if edge.label:
        x, y = edge.label_at
        lines.append(rf"\node[note] at ({number(x)},{number(y)}) {{{escaped(edge.label)}}};")
    return lines


def _tikz_frame(diagram: Diagram) -> list[str]:
    if diagram.layout is None:
        return []
    lines = [
        rf"\node[note, text=coFaint] at ({number((c.left + c.right) / 2)},"
        rf"{number(diagram.top - 12)}) {{{escaped(c.text)}}};"
        for c in diagram.layout.columns
        if c.text
    ]
    middle = (diagram.top + diagram.bottom) / 2
    return lines + [
        rf"\node[note, text=coFaint] at ({number(gap.middle)},{number(middle)}) "
        rf"{{$\cdots$ {gap.first} \dots{{}} {gap.last}}};"
        for gap in diagram.layout.gaps
    ]


def _tikz_scale(diagram: Diagram) -> list[str]:
    """Return the scale of widths, in a row below."""
    lines, x, y = [], 18.0, diagram.bottom + 24
    for size in diagram.scale.samples:
        width = number(diagram.scale.width(size) * POINT)
        text = escaped(f"{size:g} {diagram.unit}")
        lines.append(
            rf"\draw[draw=coInk, line width={width}bp] ({number(x)},{number(y)}) -- "
            rf"({number(x + 30)},{number(y)}) node[note, anchor=west] {{{text}}};"
        )
        y += 22
    text = escaped(diagram.key)
    return [*lines, rf"\node[note, anchor=west] at ({number(x)},{number(y)}) {{{text}}};"]


def mermaid_diagram(diagram: Diagram) -> str:
    """Return a picture of currents as a Mermaid flowchart, which places its nodes itself."""
    names = {node.name: f"n{i}" for i, node in enumerate(diagram.nodes)}
    title = f"{diagram.title}; {diagram.key}"
    lines = ["---", f"title: {yaml_text(title)}", "---", "flowchart LR"]
    for node in diagram.nodes:
        text = safe(f"{node.text} {node.caption}".strip())
        left, right = ("[", "]") if node.in_a else ("([", "])")
        lines.append(f'  {names[node.name]}{left}"{text}"{right}')
        rim = diagram.rim(node)
        fill = colours().fill_a if node.in_a else colours().fill_b
        lines.append(
            f"  style {names[node.name]} fill:{fill},color:{colours().ink},{_mermaid_stroke(rim)}"
        )
    for i, gap in enumerate(diagram.layout.gaps if diagram.layout else ()):
        lines.append(f'  gap{i}["⋯ {gap.first} … {gap.last}"]')
    styles: list[str] = []
    for edge in diagram.edges:
        source = names.get(edge.source or "", f"gap{edge.gap}")
        target = names.get(edge.target or "", f"gap{edge.gap}")
        for i, strand in enumerate(diagram.strands(edge)):
            label = f'|"{safe(edge.label)}"|' if edge.label and i == 0 else ""
            lines.append(f"  {source} -->{label} {target}")
            styles.append(f"  linkStyle {len(styles)} {_mermaid_stroke(strand.stroke)}")
    return "\n".join([*lines, *styles]) + "\n"


def _mermaid_stroke(stroke: Stroke) -> str:
    dash = f",stroke-dasharray:{' '.join(map(number, stroke.dash))}" if stroke.dash else ""
    return f"stroke:{stroke.colour},stroke-width:{number(stroke.width)}px{dash}"

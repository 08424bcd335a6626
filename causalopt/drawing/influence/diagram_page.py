"""Currents on a graph as one HTML page: the picture, its edges' numbers, the largest paths."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from causalopt.drawing.graph.html import FAMILY, colour_variables
from causalopt.drawing.influence.diagram import Diagram, share_text
from causalopt.drawing.palette import Theme
from causalopt.influence.influence import Currents
from causalopt.influence.path_lines import path_rows

if TYPE_CHECKING:
    from causalopt.influence.array_currents import ArrayCurrents

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_PAGE = """<!doctype html>
<html lang="en"{theme}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{variables}body {{ font-family: {family}; margin: 1rem; color: var(--ink);
  background: var(--paper); }}
figure {{ margin: 0; overflow-x: auto; }}
.edge:hover path, .node:hover path {{ filter: brightness(0.75); }}
section {{ display: inline-block; vertical-align: top; margin: 1rem 3rem 0 0; }}
table {{ border-collapse: collapse; font-size: 0.85rem; }}
th, td {{ text-align: left; padding: 0.15rem 0.8rem 0.15rem 0;
  border-bottom: 1px solid var(--pale); }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
<figure>
{svg}</figure>
<section><h2>Edges that carry most</h2>
{edges}</section>
{paths}</body>
</html>
"""
_MOST = 40
_PATHS = 10


def page_text(
    found: Currents | ArrayCurrents, diagram: Diagram, svg: str, theme: Theme | None = None
) -> str:
    """Return the page as text; a pointer on an edge or a node brings up its numbers.

    Args:
        found: The currents.
        diagram: The picture.
        svg: The same as SVG.
        theme: As the reader's system prefers, when it is None.
    """
    edges = sorted(diagram.edges, key=lambda edge: -edge.size)[:_MOST]
    rows = [
        [edge.name, share_text(edge.positive), share_text(edge.negative)]
        for edge in edges
        if edge.size > 0
    ]
    return _PAGE.format(
        variables=colour_variables(),
        theme="" if theme is None else f' data-theme="{theme}"',
        policy=html.escape(POLICY),
        title=html.escape(diagram.title),
        family=FAMILY,
        svg=svg,
        edges=_table(["edge", *diagram.signs], rows),
        paths=_paths(found),
    )


def _paths(found: Currents | ArrayCurrents) -> str:
    """Return the largest paths as a section; between arrays nobody lists them."""
    if not isinstance(found, Currents):
        return ""
    table = _table(["path", "product", "share"], path_rows(found, _PATHS, width=90))
    return f"<section><h2>Paths that carry most</h2>\n{table}</section>\n"


def _table(header: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in header)
    lines = [
        f"<td>{html.escape(row[0])}</td>"
        + "".join(f'<td class="number">{html.escape(text)}</td>' for text in row[1:])
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f"<table><tr>{head}</tr>\n{body}</table>\n"

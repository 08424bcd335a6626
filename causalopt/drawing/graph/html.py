"""One self-contained HTML page: click to choose n, m and A, and see the worlds change.

The page carries Cytoscape.js (MIT licence, beside this file) and its own script; a content security
policy in it forbids every request. Places are those of the other pictures.
"""

from __future__ import annotations

import html
import importlib.resources
import json
from typing import Any

from causalopt.drawing.graph.edge_looks import DECADES, edge_look
from causalopt.drawing.graph.layout import SMALL, Layout, Link
from causalopt.drawing.graph.lettering import fitted, node_text
from causalopt.drawing.graph.local_slopes import Slopes
from causalopt.drawing.graph.marks import Marks
from causalopt.drawing.graph.routes import Route, routes
from causalopt.drawing.palette import DARK, LIGHT, Palette, Theme, palette
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, Window
from causalopt.model.template import belonging

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
FAMILY = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
EXTRA_HEIGHT = 5.0  # for the second line of a node's text

_PAGE = """<!doctype html>
<html lang="en"{theme}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{css}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<fieldset><legend>a click sets</legend>
<label><input type="radio" name="mode" value="n" checked> n, nudged</label>
<label><input type="radio" name="mode" value="m"> m, measured</label>
<label><input type="radio" name="mode" value="A"> A, held</label>{open_mode}</fieldset>
<fieldset><legend>worlds</legend>
<label><input type="checkbox" name="world" value="W" checked> W</label>
<label><input type="checkbox" name="world" value="X" checked> X</label>
<label><input type="checkbox" name="world" value="Y" checked> Y</label></fieldset>
<fieldset><legend>n</legend><select id="n-variable" aria-label="variable of n"></select>
<input id="n-step" type="number" min="0" step="1" aria-label="step of n">
<input id="n-elements" hidden placeholder="all elements" aria-label="elements of n"></fieldset>
<fieldset><legend>m</legend><select id="m-variable" aria-label="variable of m"></select>
<input id="m-step" type="number" min="0" step="1" aria-label="step of m">
<input id="m-elements" hidden placeholder="all elements" aria-label="elements of m"></fieldset>
<button id="fit" type="button">fit</button>
<fieldset id="lanes"><legend>A at every step</legend></fieldset>
</header>
<main>
<div id="graph" role="img" aria-label="the causal graph; the controls above choose its nodes"></div>
{panel}</main>
<footer>
<p id="verdict" aria-live="polite"></p>
<p id="message" aria-live="assertive"></p>
<p id="key">Square: in A; round: in B. <b>n +δ</b>, double rim: nudged; <b>m</b>, ring: measured.
<b class="red">▲ red, full line</b>: X differs from W. <b class="green">◆ green, dashed</b>: Y
differs from X; <b class="green">◇</b>: so far as to be back at W. <b>= w</b>: held in Y at W's
value{edges_key}{units_key}</p>
</footer>
<script type="application/json" id="data">{data}</script>
<script>
{library}</script>
<script>
{script}</script>
</body>
</html>
"""


_OPEN_MODE = """
<label><input type="radio" name="mode" value="open"> open a layer</label>"""
_PANEL = """<aside id="units" hidden aria-label="the units of a layer">
<button id="close" type="button" aria-label="close the layer">×</button>
<h2 id="units-title"></h2>
<p id="units-note"></p>
<canvas id="cells" role="img" aria-label="the units, coloured by their values in W"></canvas>
<p id="units-scale"></p>
<p id="units-cell" aria-live="polite"></p>
<label id="connection-label">connection <select id="connection"></select></label>
<canvas id="weights" role="img" aria-label="the derivative of each unit by each"></canvas>
<p id="weights-scale"></p>
<p id="weights-cell" aria-live="polite"></p>
</aside>
"""
_UNITS_KEY = """ <b>some = w</b>: some elements are held. A double click, or the letter o and
a click, opens a layer into its units; a click there chooses a unit."""


_EDGES_KEY = "; dotted edges are cut in Y."
_SLOPES_KEY = """. <b>Edges</b> are as thick as log |dv/du| along W, from {low} to {high}; dashed
and blue: negative; dotted: zero; grey, dashes and dots: none; <b>×</b>: on a kink, one side's. A
pointer on an edge brings up its derivative."""


def html_text(
    model: Model,
    layout: Layout,
    marks: Marks,
    title: str,
    slopes: Slopes | None = None,
    theme: Theme | None = None,
) -> str:
    """Return the page as text; it needs nothing but a browser.

    Without a theme it is light or dark as the reader's system prefers.
    """
    return _PAGE.format(
        policy=html.escape(POLICY),
        title=html.escape(title),
        open_mode=_OPEN_MODE if model.is_array else "",
        panel=_PANEL if model.is_array else "",
        units_key=_UNITS_KEY if model.is_array else "",
        edges_key=_EDGES_KEY if slopes is None else _slopes_key(slopes),
        theme="" if theme is None else f' data-theme="{theme}"',
        css=colour_variables() + _asset("graph.css"),
        data=_json(_data(model, layout, marks, slopes, theme)),
        library=_asset("cytoscape.min.js"),
        script=_asset("graph.js"),
    )


def _slopes_key(slopes: Slopes) -> str:
    low = max(slopes.smallest, slopes.largest * 0.1**DECADES)
    return _SLOPES_KEY.format(low=f"{low:.3g}", high=f"{slopes.largest:.3g}")


def colour_variables() -> str:
    """Return the page's colours in both forms, as variables of its style sheet."""

    def block(used: Palette) -> str:
        names = ("paper", "ink", "muted", "faint", "pale", "red", "green")
        said = "".join(f" --{name}: {getattr(used, name)};" for name in names)
        return f"{{ color-scheme: {used.name};{said} }}"

    return (
        f":root {block(LIGHT)}\n"
        f":root[data-theme=dark] {block(DARK)}\n"
        "@media (prefers-color-scheme: dark) "
        f"{{ :root:not([data-theme=light]) {block(DARK)} }}\n"
    )


def _asset(name: str) -> str:
    folder = importlib.resources.files("causalopt.drawing") / "assets"
    return (folder / name).read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _data(
    model: Model, layout: Layout, marks: Marks, slopes: Slopes | None, theme: Theme | None
) -> dict[str, Any]:
    template = model.skeleton
    order = {name: i for i, name in enumerate(template.names)}
    return {
        "static": model.is_static,
        "steps": marks.steps,
        "variables": [
            {
                "name": name,
                "label": model.variables[name].label or "",
                **({"asked": True} if name in model.asked_variables else {}),
                **({"dims": _dims(model, name)} if model.is_array else {}),
            }
            for name in template.names
        ],
        **({"units": _units(model, layout, marks)} if model.is_array else {}),
        "equations": [
            {
                "owner": order[equation.owner],
                "starts": len(equation.initial),
                "stage": _STAGES[belonging(model.variables, equation)],
                "parents": [[template.index[name], lag] for name, lag in equation.parents],
            }
            for equation in template.equations
        ],
        "home": [template.index[name] for name in template.names],
        "question": _question(model, marks, order),
        "elements": _elements(layout, marks, order, slopes),
        "low": layout.is_low,
        "style": _style(layout, LIGHT if theme is None else palette(theme)),
        "darkStyle": _style(layout, DARK) if theme is None else None,
    }


# A stage of a flow lies between two nodes, one of an algebraic variable belongs to that before it.
_STAGES = {"own": False, "between": "flow", "before": "algebraic"}


def _question(model: Model, marks: Marks, order: dict[str, int]) -> dict[str, Any]:
    windows = marks.hold or tuple(Window(name) for name in model.A)
    n = marks.nudge
    m = marks.measured_node
    return {
        "n": None if n is None else [order[n.variable], n.t, n.elements],
        "m": None if m is None else [order[m.variable], m.t, m.elements],
        "hold": [[order[w.variable], w.first, w.last, w.elements] for w in windows],
        "nudged": _spans(marks.nudged, order),
        "measured": _spans(marks.measured, order),
    }


def _spans(windows: Selection, order: dict[str, int]) -> list[list[int | None]]:
    return [[order[w.variable], w.first, w.last] for w in windows]


def _dims(model: Model, name: str) -> list[list[Any]]:
    """Return a variable's dims as selectors have them, with their sizes."""
    variable = model.arrays.by_name[name]
    dims = [
        dim if dim is not None and variable.dims.count(dim) == 1 else f"dim{i}"
        for i, dim in enumerate(variable.dims)
    ]
    return [[dim, size] for dim, size in zip(dims, variable.shape, strict=True)]


def _units(model: Model, layout: Layout, marks: Marks) -> dict[str, Any]:
    """Return what the drawn layers open into."""
    from causalopt.drawing.graph.units import layer_units
    from causalopt.model.graph import template_graph

    graph = template_graph(model)
    edges = [(a, b, lag) for a, b in graph.edges for lag in graph.edges[a, b]["lags"]]
    places = [(node.variable, node.t) for node in layout.places]
    return layer_units(model, places, edges, marks.steps)


def _elements(
    layout: Layout, marks: Marks, order: dict[str, int], slopes: Slopes | None
) -> list[dict[str, Any]]:
    elements = [
        _decor(
            f"lane {i}",
            "lane",
            "",
            (layout.left + layout.right) / 2,
            lane.y,
            width=layout.right - layout.left,
            height=layout.pitch - 6,
        )
        for i, lane in enumerate(layout.lanes)
    ]
    middle, height = (layout.top + layout.bottom) / 2, layout.bottom - layout.top + 8
    for i, gap in enumerate(layout.gaps):
        text, width = f"{gap.first}\n⋯\n{gap.last}", gap.right - gap.left
        elements.append(
            _decor(f"gap {i}", "gap", text, gap.middle, middle, width=width, height=height)
        )
    for i, lane in enumerate(layout.lanes):
        label = fitted(lane.label, SMALL, layout.left - 30)
        text = f"{lane.variable}\n{label}" if label and not layout.is_low else lane.variable
        elements.append(_decor(f"head {i}", "head", text, layout.left - 10, lane.y))
    elements += [
        _decor(f"column {c.t}", "step", c.text, (c.left + c.right) / 2, layout.top - 12)
        for c in layout.columns
        if c.text
    ]
    names = {node: f"n{i}" for i, node in enumerate(layout.places)}
    for node, place in layout.places.items():
        text = node_text(place.text, layout.font, layout.node_width - 6)
        data = {
            "id": names[node],
            "v": order[node.variable],
            "t": node.t,
            "text": text,
            "label": text,
        }
        elements.append({"data": data, "position": _position(place.x, place.y), "classes": "node"})
    for i, route in enumerate(routes(layout, marks)):
        elements += _edge(i, route, names, order, marks, slopes)
    return elements


def _position(x: float, y: float) -> dict[str, float]:
    return {"x": round(x, 2), "y": round(y, 2)}


def _decor(
    name: str, kind: str, text: str, x: float, y: float, *, width: float = 1, height: float = 1
) -> dict[str, Any]:
    data = {"id": name, "label": text, "width": round(width, 2), "height": round(height, 2)}
    return {"data": data, "position": _position(x, y), "classes": f"decor {kind}"}


def _edge(
    i: int,
    route: Route,
    names: dict[Node, str],
    order: dict[str, int],
    marks: Marks,
    slopes: Slopes | None,
) -> list[dict[str, Any]]:
    """Return an edge, and the point it runs to where one of its ends is in a gap."""
    link: Link = route.link
    found: list[dict[str, Any]] = []
    ends = []
    for node, point in ((link.source, route.curve[0]), (link.target, route.curve[3])):
        if node not in names:
            found.append(_decor(f"port {i}", "port", "", *point))
        ends.append(names.get(node, f"port {i}"))
    data: dict[str, Any] = {
        "id": f"e{i}",
        "source": ends[0],
        "target": ends[1],
        "from": [order[link.source.variable], link.source.t],
        "to": [order[link.target.variable], link.target.t],
    }
    if route.bend:
        data["bend"] = 1.7 * route.bend
    classes = ["bent"] if route.bend else []
    if slopes is not None:
        look = edge_look(link, marks, slopes)
        data |= {"width": round(look.stroke.width, 2), "words": look.words}
        data["sign"] = "×" if look.on_kink else ""
        classes += look.kind.split()
    return [*found, {"data": data, "classes": " ".join(classes)}]


def _style(layout: Layout, used: Palette) -> list[dict[str, Any]]:
    """Return Cytoscape's style sheet; later rules win."""
    text = {"label": "data(label)", "font-family": FAMILY, "text-wrap": "wrap", "color": used.ink}
    height = layout.node_height
    sheet: dict[str, dict[str, Any]] = {
        "node, edge": {"z-index-compare": "manual"},
        ".decor": {
            **text,
            "events": "no",
            "background-opacity": 0,
            "border-width": 0,
            "font-size": SMALL,
            "width": "data(width)",
            "height": "data(height)",
            "shape": "rectangle",
            "z-index": 0,
        },
        ".lane": {"background-opacity": 1, "background-color": used.band_b},
        ".gap": {
            "background-opacity": 1,
            "background-color": used.paper,
            "border-width": 1,
            "border-style": "dotted",
            "border-color": used.faint,
            "color": used.muted,
            "z-index": 1,
            "text-valign": "center",
            "text-halign": "center",
        },
        ".head": {
            "text-halign": "left",
            "text-valign": "center",
            "text-justification": "right",
            "font-size": layout.font,
        },
        ".step": {"color": used.muted, "text-valign": "center", "text-halign": "center"},
        ".node": {
            **text,
            "shape": "round-rectangle",
            "corner-radius": height / 2,
            "width": layout.node_width,
            "height": height if layout.is_low else height + EXTRA_HEIGHT,
            "background-color": used.fill_b,
            "border-width": 1.2,
            "border-color": used.ink,
            "font-size": layout.font - (0 if layout.is_low else 1.5),
            "text-valign": "center",
            "text-halign": "center",
            "z-index": 10,
        },
        ".node.inA": {"shape": "rectangle", "background-color": used.fill_a},
        ".node.red": {"border-color": used.red, "border-width": 3},
        ".node.green": {"border-color": used.green, "border-width": 3, "border-style": "dashed"},
        ".node.nudged": {"border-width": 6, "border-style": "double", "font-weight": "bold"},
        ".node.measured": {
            "outline-width": 2,
            "outline-color": used.ink,
            "outline-style": "solid",
            "outline-offset": 3,
        },
        "edge": {
            "width": 1.2,
            "line-color": used.faint,
            "target-arrow-color": used.faint,
            "target-arrow-shape": "triangle",
            "arrow-scale": 0.8,
            "curve-style": "straight",
            "z-index": 5,
        },
        "edge.bent": {
            "curve-style": "unbundled-bezier",
            "control-point-distances": "data(bend)",
            "control-point-weights": 0.5,
        },
        "edge.red": {
            "width": 2,
            "line-color": used.red,
            "target-arrow-color": used.red,
            "z-index": 6,
        },
        "edge.green": {
            "width": 2,
            "line-color": used.green,
            "target-arrow-color": used.green,
            "line-style": "dashed",
            "z-index": 7,
        },
        "edge.cut": {"line-style": "dotted"},
        **_slope_rules(used),
        ".node.opened": {
            "underlay-color": used.ink,
            "underlay-opacity": 0.18,
            "underlay-padding": 7,
        },
        ".faded": {"opacity": 0.22},
    }
    return [{"selector": selector, "style": rules} for selector, rules in sheet.items()]


def _slope_rules(used: Palette) -> dict[str, dict[str, Any]]:
    """Return the rules of edges that are as thick as their derivatives."""

    def line(colour: str, style: str, dash: list[float] | None = None) -> dict[str, Any]:
        rules: dict[str, Any] = {"line-style": style, "line-color": colour}
        return (
            rules | {"target-arrow-color": colour} | ({"line-dash-pattern": dash} if dash else {})
        )

    unknown = line(used.faint, "dashed", [7, 3, 1.5, 3])
    return {
        "edge.slope": {
            "width": "data(width)",
            "label": "data(sign)",
            "font-size": 15,
            "font-weight": "bold",
            "color": used.ink,
            "text-background-color": used.paper,
            "text-background-opacity": 1,
            **line(used.ink, "solid"),
        },
        "edge.slope.negative": line(used.blue, "dashed", [8, 3.5]),
        "edge.slope.zero": line(used.faint, "dotted"),
        "edge.slope.nonfinite": unknown,
        "edge.slope.whole": unknown,
    }

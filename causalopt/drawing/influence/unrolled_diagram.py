"""Currents on the graph unrolled in time: a row per variable, a column per step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from causalopt.drawing.graph.layout import NODE_HEIGHT, NODE_PADDING, SMALL, Layout, Link, lay_out
from causalopt.drawing.graph.lettering import text_width
from causalopt.drawing.graph.marks import marks_for
from causalopt.drawing.graph.routes import RING, Curve, Point, Route, routes, trimmed
from causalopt.drawing.influence.diagram import (
    Diagram,
    DiagramEdge,
    DiagramNode,
    WidthScale,
    share_text,
)
from causalopt.effects.measures import NAMES
from causalopt.influence.relative_currents import DOUBTED, RelativeCurrents
from causalopt.model.selectors import Node

WIDEST = 14.0  # pixels


def unrolled_diagram(
    relative: RelativeCurrents, *, columns: int | None = None, around: Sequence[int] = ()
) -> Diagram:
    """Return the picture of currents step by step; a long run is cut in the middle.

    Args:
        relative: The currents.
        columns: How many steps are drawn at most; as many as fit a page when not given.
        around: Steps that are drawn in any case.
    """
    found, model = relative.asked, relative.asked.model
    hold = [str(window) for window in found.hold]
    marks = marks_for(model, steps=found.steps, nudge=found.nudge, hold=hold or "")
    least = max(text_width(text, SMALL) for text in ("-0.999", *_extremes(relative)))
    least += 2 * NODE_PADDING
    layout = lay_out(
        model,
        steps=found.steps,
        kept=[found.nudge, Node(relative.target, found.steps)],
        events=marks.events(),
        columns=columns or "fit",
        around=around,
        least_width=least,
        least_height=NODE_HEIGHT,
    )
    book = _Book(relative, layout)
    edges = [book.edge(route) for route in routes(layout, marks)]
    return Diagram(
        title=title_of(relative),
        unit=relative.times,
        scale=WidthScale(max((edge.size for edge in edges), default=0.0), WIDEST),
        nodes=[book.node(node, marks.of(node).in_a) for node in layout.places],
        edges=edges,
        node_width=layout.node_width,
        node_height=NODE_HEIGHT,
        right=layout.right,
        top=layout.top,
        bottom=layout.bottom,
        layout=layout,
        marks=marks,
    )


def title_of(relative: RelativeCurrents) -> str:
    """Return what a picture of currents shows, in one line."""
    found, model = relative.asked, relative.asked.model
    m = model.node_text(dataclasses.replace(model.target(found.target), t=found.steps))
    name = model.title or model.name
    doubt = "" if relative.status == "ok" else f", {relative.status}"
    return f"{name}: influence of {found.node_name} on {m} ({relative.effect}{doubt})"


def _extremes(relative: RelativeCurrents) -> list[str]:
    """Return the texts of the largest currents of either sign."""
    finite = relative.nodes[np.isfinite(relative.nodes)]
    return [share_text(float(extreme(finite))) for extreme in (np.min, np.max) if len(finite)]


class _Book:
    """What the currents say of each drawn node and edge."""

    def __init__(self, relative: RelativeCurrents, layout: Layout) -> None:
        self._relative, self._layout = relative, layout
        self._asked = relative.asked
        self._columns = {name: k for k, name in enumerate(relative.variables)}
        self._edges = {edge: e for e, edge in enumerate(relative.edge_names)}
        self._through_gaps: dict[tuple[Node | None, Node | None, str, int], list[Link]] = {}
        for link in layout.links:
            if link.gap is not None:
                self._through_gaps.setdefault(self._gap_key(link), []).append(link)

    def node(self, node: Node, in_a: bool) -> DiagramNode:
        """Return a node with the current through it."""
        relative, place = self._relative, self._layout.places[node]
        at = (node.t, self._columns[node.variable])
        value, status = float(relative.nodes[at]), str(NAMES[relative.node_codes[at]])
        n, amount = self._asked.nudge, f"{share_text(value)} {relative.unit}"
        return DiagramNode(
            name=place.text,
            x=place.x,
            y=place.y,
            text=place.text,
            caption=share_text(value) if status != "no_influence" else "",
            value=value if np.isfinite(value) else 0.0,
            in_a=in_a,
            is_n=(node.variable, node.t) == (n.variable, n.t),
            is_m=self._is_m(node),
            doubted=status in DOUBTED,
            words=f"{place.text}: {amount} goes through it, status {status}",
        )

    def edge(self, route: Route) -> DiagramEdge:
        """Return an edge with its current; of several into one place of a gap, their sums."""
        link = route.link
        links = [link] if link.gap is None else self._through_gaps[self._gap_key(link)]
        values = [self._current(one) for one in links]
        finite = [value for value, _ in values if np.isfinite(value)]
        positive, negative = sum(v for v in finite if v > 0), sum(v for v in finite if v < 0)
        statuses = sorted({status for _, status in values})
        places = self._layout.places
        ends = [places[n].text if n in places else None for n in (link.source, link.target)]
        names = " -> ".join(self._asked.model.node_text(n) for n in (link.source, link.target))
        texts = " and ".join(filter(None, (_signed(positive), _signed(negative)))) or "nothing"
        return DiagramEdge(
            source=ends[0],
            target=ends[1],
            curve=self._short_of_m(route),
            positive=positive,
            negative=negative,
            doubted=any(status in DOUBTED for status in statuses),
            words=f"{names}: {texts} {self._relative.unit}, status {', '.join(statuses)}",
            gap=link.gap,
        )

    def _short_of_m(self, route: Route) -> Curve:
        """Cut a curve into m at the ring round it."""
        if not self._is_m(route.link.target):
            return route.curve
        place, width = self._layout.places[route.link.target], self._layout.node_width

        def rings(point: Point) -> bool:
            across, up = abs(point[0] - place.x), abs(point[1] - place.y)
            return across < width / 2 + RING and up < NODE_HEIGHT / 2 + RING

        return trimmed(route.curve, None, rings)

    def _is_m(self, node: Node) -> bool:
        return (node.variable, node.t) == (self._relative.target, self._asked.steps)

    def _current(self, link: Link) -> tuple[float, str]:
        lag = link.target.t - link.source.t
        e = self._edges.get((link.source.variable, link.target.variable, lag))
        if e is None:
            return 0.0, "no_influence"
        at = (link.target.t, e)
        return float(self._relative.edges[at]), str(NAMES[self._relative.edge_codes[at]])

    def _gap_key(self, link: Link) -> tuple[Node | None, Node | None, str, int]:
        """Return what edges into a gap share that are drawn as one: a row of it, and a node."""
        assert link.gap is not None
        if link.source in self._layout.places:
            return link.source, None, link.target.variable, link.gap
        return None, link.target, link.source.variable, link.gap


def _signed(value: float) -> str:
    return share_text(value) if value else ""

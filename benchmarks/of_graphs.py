"""Cases of graphs: `draw` of thousands of nodes, beside networkx with matplotlib."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import causalopt
from benchmarks.case import Case, Contestant, counted, sizes

ROWS = 10  # variables; columns are steps


def rows() -> causalopt.Model:
    """Return a model in which each variable reads itself and its neighbour a step before."""
    return causalopt.Model(
        name="rows",
        variables={
            f"v{i}": {"rule": f"0.9*v{i}[t-1] + 0.1*v{(i + 1) % ROWS}[t-1]", "initial": 1}
            for i in range(ROWS)
        },
    )


def networkx_picture(columns: int) -> Callable[[], Any]:
    """Return the same graph drawn by networkx: placed by step, what the nudge reaches coloured."""
    import io

    import matplotlib as mpl

    mpl.use("svg")
    import networkx as nx
    from matplotlib.figure import Figure

    def call() -> Any:
        graph: nx.DiGraph[tuple[int, int]] = nx.DiGraph()
        for t in range(columns):
            graph.add_nodes_from(((i, t) for i in range(ROWS)), layer=t)
        for t in range(1, columns):
            for i in range(ROWS):
                graph.add_edge((i, t - 1), (i, t))
                graph.add_edge(((i + 1) % ROWS, t - 1), (i, t))
        # Named nodes, as nx.draw would: a label each.
        places = nx.multipartite_layout(graph, subset_key="layer")
        reached = nx.descendants(graph, (0, 0)) | {(0, 0)}
        figure = Figure(figsize=(columns, ROWS))
        colours = ["red" if node in reached else "grey" for node in graph]
        names = {node: f"v{node[0]}[{node[1]}]" for node in graph}
        nx.draw_networkx(
            graph, places, ax=figure.add_subplot(), node_color=colours, labels=names, font_size=6
        )
        out = io.StringIO()
        figure.savefig(out, format="svg")
        return graph.number_of_nodes(), len(reached), out.getvalue()

    return call


def draw_case(count: int) -> Case:
    """Return `draw` and the SVG's text."""
    columns = count // ROWS

    def prepare() -> Callable[[], Any]:
        model = rows()

        def call() -> Any:
            drawn = causalopt.draw(model, nudge="v0[0]", steps=columns - 1, columns=columns)
            return drawn.marks, drawn.svg()

        return call

    def ours(found: Any) -> Any:
        marks, text = found
        # Every node is in the picture by its name.
        named = len(set(re.findall(r"v\d+\[\d+\]|v\d+,\d+", text)))
        return [named or marks.changed.size, int(marks.changed.sum())]

    return Case(
        "draw",
        f"{ROWS} variables, SVG",
        f"{counted(count)} nodes",
        prepare,
        ours,
        [
            Contestant(
                "networkx and matplotlib",
                lambda: networkx_picture(columns),
                lambda found: found[:2],
            )
        ],
        work=("drawing/",),
    )


def cases() -> list[Case]:
    """Return them all."""
    return sizes((100, 1_000, 10_000), draw_case, quick=100)

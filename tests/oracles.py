"""Independent answers: other ways to the same numbers, slow and plain.

Graphs and slopes are read from the texts of the rules; nothing here asks the package for them.
"""

from __future__ import annotations

import itertools
import re

import networkx as nx
import numpy as np
import sympy

from causalopt import Model
from causalopt.model.selectors import Node

Place = tuple[str, int]
_REFERENCE = re.compile(r"\b([a-z]\w*)\b(?:\[t(?:-(\d+))?\])?")


def symbol(place: Place) -> sympy.Symbol:
    return sympy.Symbol(f"{place[0]}_{place[1]}", real=True)


def reads(model: Model, name: str) -> set[tuple[str, int]]:
    """The variables a rule's text names, with their lags."""
    found = _REFERENCE.findall(model.variables[name].rule or "")
    return {(parent, int(lag or 0)) for parent, lag in found if parent in model.variables}


def given_steps(model: Model, name: str) -> int:
    """How many steps a variable's values are given for."""
    initial = model.variables[name].initial
    return len(initial) if isinstance(initial, tuple) else int(initial is not None)


def declared_graph(model: Model, steps: int) -> nx.DiGraph:
    """The unrolled graph, as the texts of the rules declare it."""
    graph = nx.DiGraph()
    graph.add_nodes_from(itertools.product(model.variables, range(steps + 1)))
    for name in model.variables:
        for t in range(given_steps(model, name), steps + 1):
            graph.add_edges_from(
                ((parent, t - lag), (name, t)) for parent, lag in reads(model, name)
            )
    return graph


def edge_slopes(model: Model, steps: int, values: dict[str, np.ndarray]) -> dict:
    """The derivative along every edge of the unrolled graph, by sympy, at the baseline's values."""
    slopes = {}
    for child in declared_graph(model, steps).nodes:
        name, t = child
        if t < given_steps(model, name):
            continue
        places = {(parent, t - lag) for parent, lag in reads(model, name)}

        def written(match: re.Match[str], t: int = t) -> str:
            if match[1] not in model.variables:
                return match[0]
            return str(symbol((match[1], t - int(match[2] or 0))))

        text = _REFERENCE.sub(written, model.variables[name].rule or "")
        rule = sympy.sympify(text, locals={str(symbol(p)): symbol(p) for p in places})
        at = {symbol(p): values[p[0]][p[1]] for p in places}
        for place in places:
            slopes[place, child] = float(rule.diff(symbol(place)).subs(at))
    return slopes


def is_held(place: Place, hold) -> bool:
    return any(Node(*place) in window for window in hold)


def path_sums(model: Model, nudge: Node, target: Place, hold, values) -> tuple[float, float, float]:
    """Total and direct effect by enumerating paths, with the sum of their absolute values."""
    graph = declared_graph(model, target[1])
    slopes = edge_slopes(model, target[1], values)
    source = (nudge.variable, nudge.t)
    # An intervened node takes nothing from its parents, so paths may not enter the nudged node.
    graph.remove_edges_from(list(graph.in_edges(source)))
    results, size = [], 0.0
    for avoid in ((), hold):
        kept = graph.subgraph(n for n in graph if n == source or not is_held(n, avoid))
        total = float(source == target)
        if source != target and target in kept:
            for path in nx.all_simple_paths(kept, source, target):
                product = 1.0
                for edge in itertools.pairwise(path):
                    product *= slopes[edge]
                total += product
                size += abs(product)
        results.append(total)
    return results[0], results[1], size


def linear_effects(
    model: Model, nudge: Node, target: Place, hold, steps: int
) -> tuple[float, float]:
    """Total and direct effect of a linear model: one solve of the unrolled (I - B) each."""
    order = list(declared_graph(model, steps))
    place = {node: i for i, node in enumerate(order)}
    zero = {name: np.zeros(steps + 1) for name in model.variables}
    matrix = np.zeros((len(order), len(order)))
    for (a, b), slope in edge_slopes(model, steps, zero).items():
        matrix[place[b], place[a]] = slope
    source = place[nudge.variable, nudge.t]
    results = []
    for avoid in ((), hold):
        kept = matrix.copy()
        for node in order:
            if is_held(node, avoid):
                kept[place[node]] = 0
        kept[source] = 0
        inverse = np.linalg.solve(np.eye(len(order)) - kept, np.eye(len(order))[:, source])
        results.append(float(inverse[place[target]]))
    return results[0], results[1]

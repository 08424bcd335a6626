"""Independent answers: other ways to the same numbers, slow and plain."""

from __future__ import annotations

import itertools

import numpy as np
import sympy

from causalopt import Model
from causalopt.language.sympy_form import to_sympy
from causalopt.model.graph import Place, paths, unrolled_graph
from causalopt.model.selectors import Node


def symbol(place: Place) -> sympy.Symbol:
    return sympy.Symbol(f"{place[0]}_{place[1]}", real=True)


def edge_slopes(model: Model, steps: int, values: dict[str, np.ndarray]) -> dict:
    """The derivative along every edge of the unrolled graph, by sympy, at the baseline's values."""
    template = model.template
    slopes = {}
    for equation in template.equations:
        if equation.rule is None:
            continue
        for t in range(len(equation.initial), steps + 1):

            def leaf(term, t=t):
                if isinstance(term.payload, tuple):
                    return symbol((term.payload[0], t - term.payload[1]))
                return sympy.Float(template.parameter_values().get(str(term.payload), t))

            rule = to_sympy(equation.rule, leaf)
            places = [(parent, t - lag) for parent, lag in equation.parents]
            at = {symbol(p): values[p[0]][p[1]] for p in places}
            for place in places:
                slope = rule.diff(symbol(place)).subs(at)
                slopes[place, (equation.name, t)] = float(slope)
    return slopes


def path_sums(model: Model, nudge: Node, target: Place, hold, values) -> tuple[float, float, float]:
    """Total and direct effect by enumerating paths, with the sum of their absolute values."""
    graph = unrolled_graph(model, None if model.is_static else target[1])
    slopes = edge_slopes(model, target[1], values)
    source = (nudge.variable, nudge.t)
    # An intervened node takes nothing from its parents, so paths may not enter the nudged node.
    graph.remove_edges_from(list(graph.in_edges(source)))
    results, size = [], 0.0
    for avoid in ((), hold):
        total = 0.0
        for path in paths(graph, source, target, avoid=avoid):
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
    graph = unrolled_graph(model, steps)
    order = list(graph)
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
            if any(Node(*node) in window for window in avoid):
                kept[place[node]] = 0
        kept[source] = 0
        inverse = np.linalg.solve(np.eye(len(order)) - kept, np.eye(len(order))[:, source])
        results.append(float(inverse[place[target]]))
    return results[0], results[1]

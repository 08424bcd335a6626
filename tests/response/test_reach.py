from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given

from causalopt import Model
from causalopt.graph import unrolled_graph
from causalopt.interventions import plan_for
from causalopt.response.reach import reachable
from tests.strategies import templates


@pytest.mark.parametrize("avoid_held", [False, True])
@given(model=templates())
def test_what_is_reached_is_what_a_walk_of_the_unrolled_graph_finds(
    avoid_held: bool, model: Model
) -> None:
    steps = 9
    held = model.selection("A")
    nudged = model.node(model.question.nudge or "")
    plan = plan_for(model, steps=steps, hold=held, seed=nudged)
    graph = unrolled_graph(model, steps)
    start = (nudged.variable, nudged.t)
    if avoid_held:
        graph.remove_nodes_from([
            (window.variable, t) for window in held for t in range(steps + 1)
            if (window.variable, t) != start
        ])  # fmt: skip
    expected = {start, *nx.descendants(graph, start)}
    found = reachable(model.template, plan, avoid_held=avoid_held)
    for i, equation in enumerate(model.template.equations):
        for t in range(steps + 1):
            assert found[t, i] == ((equation.name, t) in expected)

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given

from causalopt import Model, load
from causalopt.effects.reach import reachable, reaching
from causalopt.model.graph import unrolled_graph
from causalopt.worlds.interventions import plan_for
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
        graph.remove_nodes_from(
            [
                (window.variable, t)
                for window in held
                for t in range(steps + 1)
                if (window.variable, t) != start
            ]
        )
    expected = {start, *nx.descendants(graph, start)}
    found = reachable(model.template, plan, avoid_held=avoid_held)
    for i, equation in enumerate(model.template.equations):
        for t in range(steps + 1):
            assert found[t, i] == ((equation.name, t) in expected)


@pytest.mark.parametrize("avoid_held", [False, True])
@given(model=templates())
def test_what_reaches_some_nodes_is_what_a_walk_back_finds(avoid_held: bool, model: Model) -> None:
    steps = 9
    held = model.selection("A")
    plan = plan_for(model, steps=steps, hold=held)
    graph = unrolled_graph(model, steps)
    last = len(model.template.equations) - 1
    seeds = {9: (last,), 4: (0,)}
    ends = [(model.template.equations[i].name, t) for t, found in seeds.items() for i in found]
    if avoid_held:
        graph.remove_edges_from(
            [
                edge
                for edge in graph.edges
                if any((w.variable, t) == edge[1] for w in held for t in range(steps + 1))
            ]
        )
    expected = set(ends).union(*(nx.ancestors(graph, end) for end in ends))
    found = reaching(model.template, plan, seeds, avoid_held=avoid_held)
    for i, equation in enumerate(model.template.equations):
        for t in range(steps + 1):
            assert found[t, i] == ((equation.name, t) in expected)


def test_what_comes_again_is_copied_down_to_where_the_plan_changes() -> None:
    ring = Model(
        name="ring",
        variables={f"v{i}": {"rule": f"v{(i + 1) % 3}[t-2]", "initial": [1, 1]} for i in range(3)},
    )
    for model, hold in ((ring, "v1[t<=40]"), (load("thermostat"), "T[t<=17]")):
        plan = plan_for(model, steps=500, hold=model.selection(hold))
        for avoid in (False, True):
            found = reaching(model.template, plan, {500: (0,)}, avoid_held=avoid)
            again = reaching(model.template, plan, {500: (0,), 0: ()}, avoid_held=avoid)
            assert (found == again).all()  # seeds to come forbid copying

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt import Model, Set, load
from causalopt.model.reach import reachable, reaching
from causalopt.worlds.interventions import plan_for
from tests.oracles import declared_graph
from tests.strategies import templates


@pytest.mark.parametrize("avoid_held", [False, True])
@given(model=templates())
def test_what_is_reached_is_what_a_walk_of_the_unrolled_graph_finds(
    avoid_held: bool, model: Model
) -> None:
    steps = 40
    held = model.selection("A")
    nudged = model.node(model.question.nudge or "")
    plan = plan_for(model, steps=steps, hold=held, seed=nudged)
    graph = declared_graph(model, steps)
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
    found = reachable(model.template, plan, avoid_held=avoid_held).table
    for i, equation in enumerate(model.template.equations):
        for t in range(steps + 1):
            assert found[t, i] == ((equation.name, t) in expected)


@pytest.mark.parametrize("avoid_held", [False, True])
@given(model=templates())
def test_what_reaches_some_nodes_is_what_a_walk_back_finds(avoid_held: bool, model: Model) -> None:
    steps = 40
    held = model.selection("A")
    plan = plan_for(model, steps=steps, hold=held)
    graph = declared_graph(model, steps)
    last = len(model.template.equations) - 1
    seeds = {40: (last,), 4: (0,)}
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
    found = reaching(model.template, plan, seeds, avoid_held=avoid_held).table
    for i, equation in enumerate(model.template.equations):
        for t in range(steps + 1):
            assert found[t, i] == ((equation.name, t) in expected)


@pytest.mark.parametrize("lag", [3, 70])
def test_rows_that_come_again_are_those_of_a_walk_through_every_step(lag: int) -> None:
    """A lag of 3 makes a ring come again with a period, one of 70 leaves it to settle."""
    ring = Model(
        name="ring",
        variables={
            f"v{i}": {
                "rule": f"v{(i + 1) % 3}[t-2] + v{i}[t-{lag}]" if i else f"v1[t-{lag}]",
                "initial": [1] * lag,
            }
            for i in range(3)
        },
    )
    steps = 500
    graph = declared_graph(ring, steps)
    held = [("v1", t) for t in range(41)]
    plan = plan_for(ring, steps=steps, hold=ring.selection("v1[t<=40]"), seed=ring.node("v0[0]"))
    place = ring.template.index
    for avoid in (False, True):
        ahead, back = graph.copy(), graph.copy()
        if avoid:
            ahead.remove_nodes_from(held)
            back.remove_edges_from([edge for edge in graph.edges if edge[1] in set(held)])
        last = ("v2", steps)
        for found, expected in (
            (
                reachable(ring.template, plan, avoid_held=avoid),
                {("v0", 0), *nx.descendants(ahead, ("v0", 0))},
            ),
            (
                reaching(ring.template, plan, {steps: (place["v2"],)}, avoid_held=avoid),
                {last, *nx.ancestors(back, last)},
            ),
        ):
            rows = {(n, t) for n in place for t in np.flatnonzero(found.of(place[n])).tolist()}
            assert rows == expected


def test_a_window_or_a_setting_late_in_the_run_stops_paths_when_it_comes() -> None:
    """Every step before looks the same, so the walk must not take it as settled."""
    model = load("thermostat")
    steps, seed = 60, model.node("R[0]")
    place = model.template.index
    window = plan_for(model, steps=steps, hold=model.selection("T[20<=t<=25]"), seed=seed)
    avoiding = reachable(model.template, window, avoid_held=True).table
    assert avoiding[:, place["T"]].tolist() == [t > 0 and not 20 <= t <= 25 for t in range(61)]
    assert avoiding[:, place["R"]].all()
    setting = plan_for(model, (Set("T[30]", 1.0),), steps=steps, seed=seed)
    passing = reachable(model.template, setting, avoid_held=False).table
    assert passing[:, place["T"]].tolist() == [t not in (0, 30) for t in range(61)]


def test_a_seed_without_parents_reaches_back_to_nothing() -> None:
    variables = {"x": {"rule": "2*t"}, "y": {"rule": "y[t-1] + x[t]", "initial": 0}}
    model = Model(name="m", variables=variables)
    plan = plan_for(model, steps=9)
    place = model.template.index["x"]
    found = reaching(model.template, plan, {5: (place,)}, avoid_held=False).table
    assert np.argwhere(found).tolist() == [[5, place]]


@given(
    model=templates(),
    ranges=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(0, 1)), min_size=1
    ),
)
def test_ranges_are_their_steps_one_by_one_also_where_they_overlap(
    model: Model, ranges: list[tuple[int, int, int]]
) -> None:
    steps = 14
    plan = plan_for(model, steps=steps)
    spans = [(first, min(first + more, steps), i) for first, more, i in ranges]
    single: dict[int, set[int]] = {}
    for first, last, i in spans:
        for t in range(first, last + 1):
            single.setdefault(t, set()).add(i)
    template = model.template
    for found, listed in (
        (
            reachable(template, plan, avoid_held=False, starts={}, ranges=spans),
            reachable(template, plan, avoid_held=False, starts=single),
        ),
        (
            reaching(template, plan, {}, avoid_held=False, ranges=spans),
            reaching(template, plan, single, avoid_held=False),
        ),
    ):
        np.testing.assert_array_equal(found.table, listed.table)

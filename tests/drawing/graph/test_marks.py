"""Marks against networkx' descendants, and against the values of real worlds."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from causalopt import Model, Node, Nudge, Replace, load, world
from causalopt.drawing.graph.marks import Mark, marks_for
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.model.graph import unrolled_graph
from tests.drawing.graph.strategies import asked


def downstream(graph: nx.DiGraph, sources: set) -> set:
    return sources.union(*(nx.descendants(graph, source) for source in sources))


def oracle(model: Model, steps: int, nudge: str, hold: str) -> dict[str, set]:
    """X, Y and their difference as sets of nodes, stages included, by graph surgery."""
    graph = unrolled_graph(model, steps, stages=True)
    n = model.node(nudge)
    windows = model.selection(hold) if hold else ()
    # A stage lies between its variable's nodes of two steps, and is held where both are.
    held = {
        (name, t)
        for (name, t), data in graph.nodes(data=True)
        if all(
            any(Node(data["variable"], at) in window for window in windows)
            for at in ({t - 1, t} if "." in name else {t})
        )
    }
    cut = graph.copy()
    cut.remove_edges_from([edge for edge in graph.edges if edge[1] in held])
    x = downstream(graph, {(n.variable, n.t)})
    return {
        "held": held,
        "changed": x,
        "differs": downstream(cut, {(n.variable, n.t)}),
        "moved": downstream(cut, held & x),
    }


def marked(model: Model, steps: int, nudge: str, hold: str) -> dict[str, set]:
    marks = marks_for(model, steps=steps, nudge=nudge, hold=hold)
    nodes = [(name, t) for name in marks.names for t in range(steps + 1)]
    return {
        key: {node for node in nodes if getattr(marks.of(Node(*node)), key)}
        for key in ("held", "changed", "differs", "moved")
    }


@given(asked())
def test_marks_are_the_descendants_under_the_surgery(question):
    assert marked(*question) == oracle(*question)


@pytest.mark.parametrize("hold", ["a", "a[t<=3]", "a[2], c[4]", "a[t>=2]", ""])
@pytest.mark.parametrize("nudge", ["b[0]", "b[2]"])
def test_marks_follow_the_stages_of_a_runge_kutta_step(hold, nudge):
    model = load("lorenz").replace(method="rk4")
    found, expected = marked(model, 6, nudge, hold), oracle(model, 6, nudge, hold)
    for key, nodes in found.items():
        assert nodes == {node for node in expected[key] if "." not in node[0]}


def test_worlds_differ_in_value_just_where_they_are_marked():
    model = Model(
        name="m",
        variables={
            "a": {"rule": "0.3*b[t-1] + 0.2*a[t-2]", "initial": [1, 2]},
            "b": {"rule": "0.7*b[t-1] - 0.4*a[t-1] + 0.1*c[t]", "initial": [3, 1]},
            "c": {"rule": "0.9*c[t-1] + 0.1*b[t-2]", "initial": [1, 1]},
        },
    )
    steps, nudge, hold = 7, "c[2]", "a[t<=5]"
    w = world(model, steps=steps)
    x = world(model, Nudge(nudge, 1.0), steps=steps)
    y = world(model, Nudge(nudge, 1.0), Replace(hold, w), steps=steps)
    marks = marks_for(model, steps=steps, nudge=nudge, hold=hold)
    for i, name in enumerate(marks.names):
        np.testing.assert_array_equal(x[name] != w[name], marks.changed[:, i])
        np.testing.assert_array_equal(y[name] != w[name], marks.differs[:, i])
        np.testing.assert_array_equal(y[name] != x[name], marks.moved[:, i])


def test_marks_of_a_long_run_settle_to_those_of_a_short_one():
    long = marks_for(load("thermostat"), steps=50_000, nudge="R[3]", hold="T")
    short = marks_for(load("thermostat"), steps=60, nudge="R[3]", hold="T")
    for key in ("held", "changed", "differs", "moved"):
        rows = getattr(long, key)
        np.testing.assert_array_equal(rows[:61], getattr(short, key))
        assert (rows[60:] == rows[60]).all()


def test_a_run_of_period_two_is_marked_to_its_end():
    variables = {
        "a": {"rule": "b[t-2]", "initial": [0, 0]},
        "b": {"rule": "b[t-2] + a[t-2]", "initial": [1, 1]},
    }
    model = Model(name="m", variables=variables)
    assert marked(model, 40, "b[0]", "a") == oracle(model, 40, "b[0]", "a")


def test_without_a_nudge_only_a_and_b_are_marked():
    marks = marks_for(load("thermostat"), steps=3)
    assert marks.of(Node("T", 2)) == Mark(in_a=True)
    assert marks.of(Node("R", 2)) == Mark()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nudge": "T[1]"}, "T\\[1\\] is in the held set"),
        ({"nudge": "R[9]"}, "R\\[9\\] lies after the last step 4"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(options, message):
    with pytest.raises(QuestionError, match=message):
        marks_for(load("thermostat"), steps=4, **options)


def test_an_unknown_variable_is_refused():
    with pytest.raises(UnknownNameError, match="unknown variable 'Q'"):
        marks_for(load("thermostat"), steps=4, nudge="Q[0]")

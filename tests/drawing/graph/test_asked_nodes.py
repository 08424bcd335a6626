"""Several nodes, spans, parameters and expressions in a picture, against worlds with numbers."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, Node, Nudge, draw, load, world
from causalopt.drawing.graph.asked_nodes import measured_windows
from causalopt.drawing.graph.marks import marks_for
from causalopt.model.selectors import Window
from tests.drawing.graph.test_page import assert_readable

CHAIN = Model(
    name="chain",
    parameters={"k": 0.3},
    variables={
        "d": {"rule": "0.5", "initial": 1},
        "x": {"rule": "0.4*x[t-1] + k*d[t]", "initial": 2},
        "a": {"rule": "0.9*x[t]", "initial": 1},
        "y": {"rule": "y[t-1]*0.3 + a[t] - x[t-1]", "initial": 0},
    },
    partition={"A": ["a"]},
    question={"nudge": "d[0]", "target": "y", "hold": "A", "steps": 9},
)


@pytest.mark.parametrize("nudge", ["d[t>=5]", "d[2<=t<4]", "d[1], x[6]", "2*d[3] - y[t>=7]"])
def test_what_a_span_changes_is_what_differs_in_numbers(nudge: str) -> None:
    """X by nudges of every node in it, one at a time."""
    asked, n, _ = CHAIN.asking(nudge, None)
    marks = marks_for(asked, steps=9, nudge=n, hold="")
    w = world(CHAIN, steps=9)
    differs = {name: np.zeros(10, dtype=bool) for name in CHAIN.variables}
    nodes = [
        (name, t) for name in CHAIN.variables for t in range(10) if marks.of(Node(name, t)).nudged
    ]
    assert nodes
    for name, t in nodes:
        x = world(CHAIN, Nudge(f"{name}[{t}]", 0.1), steps=9)
        for other in differs:
            differs[other] |= x[other] != w[other]
    for name, rows in differs.items():
        assert [marks.of(Node(name, t)).changed for t in range(10)] == rows.tolist(), name


def test_the_nodes_of_a_span_are_marked_and_its_ends_are_drawn() -> None:
    picture = draw(load("thermostat"), nudge="R[40<=t<200]", target="mean(R[t>=700])", steps=1000)
    assert {40, 199, 700, 1000} <= {column.t for column in picture.layout.columns}
    nudged = [t for t in range(1001) if picture.marks.of(Node("R", t)).nudged]
    measured = [t for t in range(1001) if picture.marks.of(Node("R", t)).measured]
    assert nudged == list(range(40, 200))
    assert measured == list(range(700, 1001))
    assert picture.title == (
        "Continuous thermostat: n = R[40<=t<200], m = mean(R[t>=700]), A = {T}"
    )
    names = {node.variable for node in picture.layout.places}
    assert names == {"T", "R"}
    assert_readable(picture)
    for kind in ("svg", "html", "dot", "tex", "mmd"):
        assert picture.render(kind)


def test_a_parameter_may_be_nudged_from_some_step_on() -> None:
    picture = draw(CHAIN, nudge="k[t>=4]", steps=9, hold="")
    changed = [t for t in range(10) if picture.marks.of(Node("x", t)).changed]
    nudged = [t for t in range(10) if picture.marks.of(Node("x", t)).nudged]
    assert changed == nudged == list(range(4, 10))


def test_a_parameter_is_nudged_where_rules_read_it() -> None:
    picture = draw(CHAIN, nudge="k", steps=9, hold="")
    shown = {t: picture.marks.of(Node("x", t)) for t in range(10)}
    assert [t for t, mark in shown.items() if mark.nudged] == list(range(1, 10))
    other = world(CHAIN.replace(parameters={"k": 0.31}), steps=9)
    w = world(CHAIN, steps=9)
    for name in CHAIN.variables:
        found = [picture.marks.of(Node(name, t)).changed for t in range(10)]
        assert found == (other[name] != w[name]).tolist(), name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y**2", [Window("y", 9, 9)]),
        ("y - k*x", [Window("y", 9, 9), Window("x", 9, 9)]),
        ("integral(y**2)", [Window("y", 0, 9)]),
        ("mean(x[t>=4]) + max(y[2<=t<6])", [Window("x", 4, 9), Window("y", 2, 5)]),
        ("y[3] - x[5]", [Window("y", 3, 3), Window("x", 5, 5)]),
        ("max(x, y)", [Window("x", 9, 9), Window("y", 9, 9)]),
        ("sum(x*d[t<=2])", [Window("x", 0, 2), Window("d", 0, 2)]),
    ],
)
def test_the_nodes_of_an_expression_are_those_it_names(text: str, expected: list) -> None:
    asked, _, m = CHAIN.asking(None, text)
    assert m is not None
    assert list(measured_windows(asked, asked.target(m), 9)) == expected


def test_slopes_of_a_disturbed_model_are_those_of_the_model() -> None:
    plain, asked = (
        draw(CHAIN, steps=9, hold="", columns=10, slopes=True, nudge=nudge)
        for nudge in ("d[0]", "x[t>=2]")
    )
    assert plain.slopes is not None
    assert asked.slopes is not None
    assert {k: v.value for k, v in plain.slopes.of.items()} == {
        k: v.value for k, v in asked.slopes.of.items()
    }

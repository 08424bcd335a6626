"""Labels in selectors: a variable by its label, by the start of one, and all below a start."""

from __future__ import annotations

from typing import Any

import pytest

import causalopt
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.model.selectors import Node, Window, named_variable, parse_node, parse_selection

LABELS = {
    "fc1": ["h"],
    "fc1.weight": ["W"],
    "blocks.0.attn.out": ["o"],
    "blocks.0.mlp": ["m"],
    "blocks.10.mlp": ["n"],
    "twin": ["a", "b"],
    "blocksmith": ["s"],
}
NAMES = ["h", "W", "o", "m", "n", "a", "b", "s", "fc2"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("h", "h"),
        ("fc1", "h"),
        ("fc1.weight", "W"),
        ("blocks.0.attn", "o"),
        ("blocks.10", "n"),
        ("fc2", "fc2"),
    ],
)
def test_a_label_or_its_unambiguous_start_means_its_variable(text: str, name: str) -> None:
    assert named_variable(text, NAMES, LABELS) == name
    assert parse_node(text, NAMES, static=True, labels=LABELS) == Node(name)
    (window,) = parse_selection(f"{text}[3<=t<5]", NAMES, static=False, labels=LABELS)
    assert window == Window(name, 3, 4)


def test_a_variables_name_wins_over_a_label() -> None:
    assert named_variable("W", NAMES, {"W": ["h"]}) == "W"
    assert parse_selection("A", NAMES, static=True, sets={"A": ["a"]}, labels={"A": ["b"]}) == (
        Window("a"),
    )


def test_a_start_that_several_have_is_refused_and_says_which() -> None:
    with pytest.raises(QuestionError, match=r"'blocks' begins 3 labels \(.*10\.mlp\):"):
        named_variable("blocks", NAMES, LABELS)
    with pytest.raises(QuestionError, match=r"'twin' is the label of 2 variables: write a or b"):
        named_variable("twin", NAMES, LABELS)


@pytest.mark.parametrize("text", ["block", "blocks.1", "fc1.w", "fc1.weight.x", "blocks.0.at"])
def test_a_start_ends_at_a_dot(text: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown variable '{text}'"):
        named_variable(text, NAMES, LABELS)


def test_a_star_is_all_below_and_the_variable_itself() -> None:
    def found(text: str) -> list[str]:
        return [w.variable for w in parse_selection(text, NAMES, static=True, labels=LABELS)]

    assert found("fc1.*") == ["h", "W"]
    assert found("blocks.0.*") == ["o", "m"]
    assert found("fc2.*") == ["fc2"]
    assert found("blocks.0.*, W") == ["o", "m", "W"]
    with pytest.raises(UnknownNameError, match=r"no label begins with 'fc3.'; did you mean 'fc1'"):
        found("fc3.*")


def test_elements_of_a_labelled_array_are_taken_by_its_dims() -> None:
    shapes = {"W": (("out", None), (3, 4))}
    node = parse_node("fc1.weight[out=2]", NAMES, static=True, shapes=shapes, labels=LABELS)
    assert node == Node("W", 0, ((2, 3), (0, 4)))
    selected = parse_selection(
        "fc1.weight[dim1=1:3], h", NAMES, static=True, shapes=shapes, labels=LABELS
    )
    assert selected == (Window("W", elements=((0, 3), (1, 3))), Window("h"))


def test_what_is_kept_and_read_of_arrays_is_called_by_labels() -> None:
    halved = {"shape": [2], "rule": "x[t-1]/2", "initial": 1, "label": "net.state"}
    model = causalopt.Model(name="m", variables={"x": halved})
    world: Any = causalopt.world(model, steps=2, keep="net.state")
    assert world["net.state"].tolist() == world["x"].tolist() == [[1, 1], [0.5, 0.5], [0.25, 0.25]]
    assert world["net.state[1, dim0=1]"].tolist() == [0.5]


def test_questions_are_asked_by_labels() -> None:
    thermostat = causalopt.load("thermostat")
    by_label = causalopt.run(thermostat, nudge="room[0]", hold="thermostat", target="room", steps=9)
    by_name = causalopt.run(thermostat, nudge="R[0]", hold="T", target="R", steps=9)
    assert by_label.op.tolist() == by_name.op.tolist()

"""Interventions on arrays: what is refused, with the node, the shapes and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from causalopt import Model, Nudge, QuestionError, Replace, Set, world


def doubling(name: str = "doubling", size: int = 2, **more: Any) -> Model:
    return Model(
        name=name,
        variables={
            "a": {"shape": [size], "rule": "2*a[t-1]", "initial": 1},
            "n": {"rule": "n[t-1]", "initial": 1},
            **more,
        },
    )


@pytest.mark.parametrize(
    ("node", "value", "words"),
    [
        ("a[5]", [1.0, 2.0, 3.0], "a[5] has the shape [3], and the node [2]"),
        ("a[5]", [[1.0, 2.0]], "a[5] has the shape [1, 2], and the node [2]"),
        ("a[5, dim0=1]", [1.0, 2.0], "a[5, dim0=1] has the shape [2], and the node [1]"),
        ("n[5]", [1.0, 2.0], "n[5] has the shape [2], and the node is a number"),
        ("a[5]", "much", "a[5] is no array of numbers"),
        ("a[5]", [1.0, np.inf], "a[5] has a value that is not finite"),
    ],
)
def test_values_fit_their_node(node: str, value: Any, words: str) -> None:
    for intervention, what in ((Set(node, value), "set value"), (Nudge(node, value), "nudge")):
        with pytest.raises(QuestionError) as caught:
            world(doubling(), intervention, steps=6)
        assert caught.value.message == f"the {what} of {words}"


def test_values_that_fit_are_taken() -> None:
    moved = world(doubling(), Set("a[1]", [5.0, 6.0]), Nudge("a[2, dim0=1]", [0.5]), steps=3)
    assert moved["a"].tolist() == [[1, 1], [5, 6], [10, 12.5], [20, 25]]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (lambda: world(doubling("other", 3), steps=6), "found a world of 'other'"),
        (
            lambda: world(Model(name="b", variables={"b": {"shape": [2], "initial": 1}}), steps=0),
            "found a world of 'b'",
        ),
        (lambda: "W", "found str"),
        (lambda: world(doubling(), steps=3), "has the steps 0 to 3, and the run ends at 6"),
    ],
)
def test_replace_takes_nodes_of_the_same_model_and_length(source: Any, words: str) -> None:
    with pytest.raises(QuestionError, match="a world of the same model and length") as caught:
        world(doubling(), Replace("a", source()), steps=6)
    assert words in caught.value.message


def test_replace_takes_nodes_of_a_changed_copy() -> None:
    source = world(doubling(), Set("n[0]", 3.0), Set("a[0]", 7.0), steps=2)
    found = world(doubling(), Replace("a[1]", source), steps=2)
    assert found["a"].tolist() == [[1, 1], [14, 14], [28, 28]]


def test_a_variable_without_a_rule_is_told_what_gives_its_values() -> None:
    with pytest.raises(QuestionError) as caught:
        world(doubling(x={"shape": [2]}), steps=3)
    message = caught.value.message
    assert message.startswith("'x' has no rule and values for 0 steps, and step 0 needs one: give ")
    assert "data={'x': array} with the step first (--data x=FILE.npz#NAME on the" in message


def test_a_constant_is_told_its_rule() -> None:
    constant = {"shape": [2], "initial": 3}
    with pytest.raises(QuestionError) as caught:
        world(doubling(K=constant), steps=3)
    message = caught.value.message
    assert message.startswith("'K' has no rule and values for 1 step, and step 3 needs one: write ")
    assert '`rule: "K[t-1]"` where it keeps its initial value' in message
    kept = world(doubling(K={**constant, "rule": "K[t-1]"}), steps=3)
    assert kept["K"].tolist() == [[3, 3]] * 4


def test_constants_of_several_steps_are_counted() -> None:
    with pytest.raises(QuestionError, match="'K' has no rule and values for 2 steps, and step 3"):
        world(doubling(K={"shape": [2], "initial": [[1, 2], [3, 4]]}), steps=3)


def test_initial_laws_and_noises_draw_numbers_of_their_own() -> None:
    model = Model(
        name="draws",
        variables={
            "x": {"shape": [6], "rule": "x[t-1] + z[t]", "initial": "normal(0, 1)"},
            "z": {"shape": [6], "noise": "normal(0, 1)"},
            "y": {"shape": [6], "rule": "y[t-1]", "initial": "normal(0, 1)"},
        },
    )
    base = world(model, steps=1)
    starts = [base["z"][0], base["x"][0], base["y"][0], base["z"][1]]
    for i, first in enumerate(starts):
        for other in starts[:i]:
            assert not np.any(first == other)

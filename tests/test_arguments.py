"""Arguments of the public functions: a model by its name, and one error for a wrong type."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt import ArgumentError, CausaloptError, Model, ModelError, load

FILE = Path(causalopt.shipped()["thermostat"])


@pytest.mark.parametrize("name", ["thermostat", str(FILE), FILE])
def test_a_model_may_be_given_by_its_name_or_its_file(name: Any) -> None:
    asked: Any = causalopt.run
    found = asked(name, steps=20)
    assert found.op[-1] == causalopt.run(load("thermostat"), steps=20).op[-1]
    described: Any = causalopt.describe
    assert described(name).model == load("thermostat")


WRONG: dict[str, dict[str, Any]] = {
    "run: steps takes a whole number from 0 up, found 'ten': write steps=100": {"steps": "ten"},
    "run: steps takes a whole number from 0 up, found 10.5: write steps=100": {"steps": 10.5},
    "run: steps takes a whole number from 0 up, found a truth value: write steps=100": {
        "steps": True
    },
    "run: nudge takes a node, several, or a mapping of nodes to weights, found 5: write "
    "nudge='R[0]'": {"nudge": 5},
    "run: hold takes a text, a region or a list of them, found 3: write hold='a'": {"hold": 3},
    "run: seed takes a whole number, found nothing: write seed=0": {"seed": None},
    "run: target takes a text, found 7: write target='R'": {"target": 7},
    "run: delta takes a number, found 'small': write delta=0.1": {"delta": "small"},
    "run: parameters takes a mapping of names to values, found a list: write "
    "parameters={'k': 0.02}": {"parameters": []},
    "run: given takes a list of interventions, found Set: write "
    "given=[causalopt.Set('R[0]', 30)]": {"given": causalopt.Set("R[0]", 30)},
    "run has no argument 'step'; did you mean 'steps'?": {"step": 5},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_type_says_what_was_expected(message: str) -> None:
    options = WRONG[message]
    with pytest.raises(ArgumentError) as caught:
        causalopt.run(load("thermostat"), **options)
    assert str(caught.value) == message
    assert isinstance(caught.value, TypeError)


INSTEAD = {
    "run: model takes a model or its name, found a mapping: write causalopt.Model(**declaration) "
    "for a dict": {"name": "m", "variables": {"x": 1}},
    "run: model takes a model or its name, found 5: write causalopt.load('thermostat')": 5,
    "run: model is a text of many lines: write causalopt.parse_model(text) for a declaration": (
        "name: m\nvariables: {x: 1}"
    ),
}


@pytest.mark.parametrize("message", INSTEAD)
def test_what_is_no_model_is_told_how_to_become_one(message: str) -> None:
    asked: Any = causalopt.run
    with pytest.raises(ArgumentError) as caught:
        asked(INSTEAD[message], steps=3)
    assert str(caught.value) == message


def test_a_result_is_no_model_and_has_one() -> None:
    asked: Any = causalopt.rates
    with pytest.raises(ArgumentError, match=r"give the Run's own, its \.model"):
        asked(causalopt.run(load("thermostat"), steps=3))


def test_without_a_model_the_call_says_what_it_takes() -> None:
    asked: Any = causalopt.run
    with pytest.raises(ArgumentError, match=r"missing .* 'model'; it takes model"):
        asked()


def test_numbers_of_numpy_are_numbers() -> None:
    steps: Any = np.int64(9)
    delta: Any = np.float32(0.5)
    found = causalopt.run(load("thermostat"), steps=steps, delta=delta)
    assert len(found.t) == 10
    whole: Any = 9.0
    assert len(causalopt.run(load("thermostat"), steps=whole).t) == 10


@pytest.mark.parametrize("name", sorted(causalopt._HOME))
def test_no_public_function_falls_from_its_depths(name: str) -> None:
    """Any object where something else belongs is an error of ours, before any work is done."""
    found: Any = getattr(causalopt, name)
    takes = getattr(found, "__wrapped__", None)
    if takes is None:
        return
    with pytest.raises(CausaloptError):
        found(no_such_argument=object())


def test_public_functions_are_one_object_and_can_be_sent_to_a_worker() -> None:
    assert causalopt.run is causalopt.run
    assert pickle.loads(pickle.dumps(causalopt.run)) is causalopt.run


RULE = 'a rule is a text and no function of Python: write its expression, such as rule="x[t-1]/2"'


@pytest.mark.parametrize(
    "declared",
    [
        {"variables": {"x": {"rule": lambda x: x / 2, "initial": 1}}},
        {"variables": {"x": lambda x: x / 2}},
        {"variables": {"x": 1}, "functions": {"f(x)": lambda x: x}},
    ],
)
def test_a_function_of_python_is_no_rule(declared: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        Model(name="m", **declared)
    assert caught.value.message.endswith(RULE)

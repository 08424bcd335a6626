"""A model never changes, and says so where it is written to."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from causalopt import ArgumentError, Model, load, run
from causalopt.model.declaration import FixedMapping

WRITES: list[Callable[[Any], object]] = [
    lambda found: found.__setitem__("k", 0.5),
    lambda found: found.__delitem__("k"),
    lambda found: found.update(k=0.5),
    lambda found: found.update({"k": 0.5}),
    lambda found: found.pop("k"),
    lambda found: found.popitem(),
    lambda found: found.clear(),
    lambda found: found.setdefault("zz", 1),
    lambda found: found.__ior__({"k": 0.5}),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_parameter_is_not_written_to(write: Callable[[Any], object]) -> None:
    model = load("thermostat")
    with pytest.raises(ArgumentError, match=r"write model\.replace\(parameters=\{\.\.\.\}\)"):
        write(model.parameters)
    assert model.parameters == {"k": 0.01, "d": 25}


def test_variables_are_not_written_to() -> None:
    model: Any = load("thermostat")
    with pytest.raises(ArgumentError, match="a model never changes"):
        del model.variables["T"]
    with pytest.raises(ArgumentError, match="a model never changes"):
        Model(name="m", variables={"x": 1}).parameters["k"] = 2  # type: ignore[index]


def test_what_else_a_model_says_is_not_written_to() -> None:
    model: Any = load("thermostat")
    for record, name in ((model, "name"), (model, "parameters"), (model.variables["R"], "initial")):
        with pytest.raises(ArgumentError, match="a model never changes"):
            setattr(record, name, "z")


def test_a_model_is_copied_and_sent_as_before() -> None:
    model = load("thermostat")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert other == model
        assert isinstance(other.parameters, FixedMapping)
        assert run(other, steps=9).op[-1] == run(model, steps=9).op[-1]
    plain = dict(model.parameters)
    plain["k"] = 0.5
    assert model.replace(parameters=plain).parameters["k"] == 0.5
    assert type(model.model_dump()["parameters"]) is dict

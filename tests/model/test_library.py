"""Every file in models/ is built, run and held to the facts it carries."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from causalopt import Fact, Model, UnknownNameError, load, run, shipped
from causalopt.descents.chain import chain_of
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.descents.escape.escape import Escape
from causalopt.entropy.declared import strength
from causalopt.model.declaration import Chance, Quantity
from causalopt.model.files import models_folder
from tests.descents.moments import Moments, affine_maps, step_moments

FACTS = [
    pytest.param(name, fact, id=f"{name}: {fact.claim}")
    for name in shipped()
    for fact in load(name).facts
]


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_model_names_its_source_and_facts(name: str) -> None:
    model = load(name)
    assert model.name == name
    assert model.title
    assert model.source
    assert model.facts


@pytest.mark.parametrize(("name", "fact"), FACTS)
def test_a_shipped_model_keeps_its_facts(name: str, fact: Fact) -> None:
    model = load(name).replace(
        parameters=fact.parameters, initial=fact.initial, dt=fact.dt, method=fact.method
    )
    assert measured(model, fact) == pytest.approx(fact.value, abs=fact.tolerance)


def measured(model: Model, fact: Fact) -> float:
    if fact.measure in get_args(Chance):
        return chance(model, fact)
    if fact.measure not in get_args(Quantity):
        return getattr(strength(model, at=fact.at, initial=fact.start), fact.measure)
    found = run(
        model,
        nudge=fact.nudge,
        hold=fact.hold,
        target=fact.target,
        steps=None if model.is_static else fact.at,
        delta=fact.delta,
    )
    values = found.W[found.target] if fact.measure == "value" else getattr(found, fact.measure)
    return values[fact.at]


def chance(model: Model, fact: Fact) -> float:
    chain = chain_of(model, fact.target)
    if fact.measure == "escape":
        question = Escape(chain.start, fact.beyond or 0.0, (fact.at,), coordinate=chain.coordinate)
        return escape_by_operator(chain.step, question).probability[0]
    maps, size = affine_maps(chain.step), len(chain.start)
    moments = Moments(np.array(chain.start), np.zeros((size, size)))
    for _ in range(fact.at):
        moments = step_moments(maps, moments)
    place = chain.coordinate
    return moments.mean[place] if fact.measure == "mean" else moments.covariance[place, place]


def test_models_ships_nothing_but_models() -> None:
    found = {file.name for file in models_folder().iterdir() if file.suffix != ".yaml"}
    assert found == {"landscapes"}  # studies of these models, which have a list of their own


def test_a_misspelt_model_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'thermostat'"):
        load("thermostatt")


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nvariables: {x: {rule: 'x[t-1]/2', initial: 1}}\n")
    assert load(file).name == "mine"
    assert load(str(file)) == load(file)

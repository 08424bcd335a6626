"""From a model to its random map: the model's own rules, for every outcome of its noise."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from causalopt import Model, load, run
from causalopt.descents.chain import chain_of
from causalopt.descents.maps.outcomes import noise_outcomes
from causalopt.descents.maps.random_map import RandomMap
from causalopt.errors import QuestionError
from tests.descents.chains import PIT_START, linear, pit, swirl, walk


def model(variables, **rest):
    return Model(name="m", variables=variables, **rest)


@pytest.mark.parametrize(
    ("name", "parameters", "chain"),
    [
        ("sgd_pit", {"T": 0.03}, pit(0.03)),
        ("sgd_linear", {"T": 0.4}, linear(0.4)),
        ("sgd_spread", {"T": 0.5}, walk(0.5)),
    ],
)
def test_a_shipped_model_is_the_map_written_by_hand(name, parameters, chain):
    found = chain_of(load(name).replace(parameters=parameters)).step
    points = np.linspace(-1.0, 3.0, 501)[np.newaxis]
    expected = np.sort(chain.images(points), axis=0)
    assert np.sort(found.images(points), axis=0) == pytest.approx(expected, abs=1e-14)
    assert found.probabilities == chain.probabilities


def test_two_parameters_make_two_coordinates():
    found = chain_of(load("sgd_swirl"))
    chain, _, _ = swirl(0.1)
    points = np.random.default_rng(0).normal(size=(2, 40))
    assert found.step.names == ("u", "v")
    assert found.step.images(points) == pytest.approx(chain.images(points), abs=1e-13)


def test_a_model_without_noise_is_a_chain_of_one_map():
    found = chain_of(load("sgd_well").replace(parameters={"T": 0.5}))
    state = np.array(found.start)[:, np.newaxis]
    trajectory = run(load("sgd_well").replace(parameters={"T": 0.5}), steps=30).W["W"]
    for step in range(31):
        assert state[0, 0] == pytest.approx(trajectory[step], abs=1e-13)
        state = found.step.maps[0](state)


def test_lags_become_coordinates():
    fibonacci = model({"x": {"rule": "x[t-1] + x[t-2]", "initial": [1, 2]}})
    found = chain_of(fibonacci)
    assert found.step.names == ("x", "x[t-1]")
    state = np.array(found.start)[:, np.newaxis]
    seen = []
    for _ in range(5):
        state = found.step.maps[0](state)
        seen.append(state[0, 0])
    assert seen == [3, 5, 8, 13, 21]


def test_noise_of_several_variables_is_joint():
    both = model(
        {
            "a": {"noise": {0: "1/4", 1: "3/4"}},
            "b": {"noise": "bernoulli(1/3)"},
            "x": {"rule": "x[t-1] + 10*a[t] + b[t]", "initial": 0},
        }
    )
    found = chain_of(both).step
    images = found.images(np.zeros((1, 1)))[:, 0, 0]
    law = dict(zip(images.tolist(), found.probabilities, strict=True))
    assert law == pytest.approx({0: 1 / 6, 1: 1 / 12, 10: 1 / 2, 11: 1 / 4})


def test_outcomes_keep_exact_values():
    declared = model(
        {"a": {"noise": {"1/3": "1/2", 2: "1/2"}}, "x": {"rule": "x[t-1]", "initial": 0}}
    )
    with pytest.raises(QuestionError, match="draws the word '1/3'"):
        noise_outcomes(declared)
    declared = model({"a": {"noise": {0: "1/2", 2: "1/2"}}, "x": {"rule": "x[t-1]", "initial": 0}})
    assert noise_outcomes(declared) == {"a": [(Fraction(0), 0.5), (Fraction(2), 0.5)]}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"a": {"noise": "normal(0,1)"}, "x": {"rule": "x[t-1] + a[t]", "initial": 0}},
            "needs finitely many values",
        ),
        (
            {
                "a": {"noise": "bernoulli(1/2)"},
                "x": {"rule": "x[t-1] + a[t] + a[t-1]", "initial": 0},
            },
            "read at several lags",
        ),
        ({"x": {"rule": "x[t-1] + t", "initial": 0}}, "depends on the time itself"),
        ({"x": "t", "y": "x[t] + 1"}, "there is no chain"),
    ],
)
def test_models_without_a_random_map_are_refused(variables, message):
    with pytest.raises(QuestionError, match=message):
        chain_of(model(variables))


def test_too_many_outcomes_are_refused():
    many = {f"a{i}": {"noise": "bernoulli(1/2)"} for i in range(13)}
    total = " + ".join(f"{name}[t]" for name in many)
    with pytest.raises(QuestionError, match="8192 joint outcomes"):
        chain_of(model({**many, "x": {"rule": f"x[t-1] + {total}", "initial": 0}}))


@pytest.mark.parametrize("T", [0, -0.1])
def test_a_learning_rate_that_is_not_positive_is_refused(T):
    with pytest.raises(QuestionError, match="the learning rate T is positive"):
        chain_of(load("sgd_pit").replace(parameters={"T": T}))


def test_an_unknown_coordinate_is_refused():
    with pytest.raises(QuestionError, match="'g' is not carried from step to step"):
        chain_of(load("sgd_pit"), "g")


def test_the_start_of_one_coordinate_may_be_moved():
    found = chain_of(load("sgd_swirl"), "v")
    assert found.start == (0.5, 0.5)
    assert found.start_at(2.0) == (0.5, 2.0)
    assert chain_of(load("sgd_pit")).start == (PIT_START,)


@pytest.mark.parametrize("shares", [(0.25, 0.7495), (0.25, 0.7505), (1.25, -0.25), (0.5,)])
def test_a_random_maps_probabilities_are_one_a_map_and_sum_to_one(shares):
    with pytest.raises(QuestionError, match=r"sum to 1; .* came|one probability a map"):
        RandomMap((lambda w: w, lambda w: w + 1), shares)

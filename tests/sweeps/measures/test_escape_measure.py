"""Escape over a sweep: the probabilities of `causalopt.escape`, and those of a counted walk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

import causalopt
from causalopt import Model, load
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.sweeps.measures.escape_measure import EscapeMeasure
from tests.sweeps.measures.chunks import assert_as_alone, assert_of_its_shape, grid

WALK = Model(
    name="walk",
    parameters={"p": 0.5},
    variables={"s": {"noise": "bernoulli(p)"}, "W": {"rule": "W[t-1] + 2*s[t] - 1", "initial": 0}},
)
PIT = {"start": 1.0036974, "beyond": 1.1959565}


def _plain(model: Model, row: dict[str, Any], **settings: Any) -> tuple[dict[str, float], str]:
    parameters = {name: value for name, value in row.items() if name in model.parameters}
    own: dict[str, Any] = {name: row[name] for name in ("start", "beyond") if name in row}
    own |= {name: int(row[name]) for name in ("within", "seed") if name in row}
    try:
        found = causalopt.escape(model, parameters=parameters, **settings | own)
    except QuestionError:
        return {}, "refused"
    marks = [f"_{n}" for n in found.within] if len(found.within) > 1 else [""]
    numbers = dict(zip([f"probability{m}" for m in marks], found.probability, strict=True))
    numbers |= dict(zip([f"error{m}" for m in marks], found.error, strict=True))
    return numbers, found.status


@pytest.mark.parametrize(
    ("model", "axes", "settings"),
    [
        ("sgd_pit", {"T": [0.0125, 0.02]}, {**PIT, "within": (20, 100), "method": "operator"}),
        ("sgd_pit", {"T": [0.015, 0.02]}, {**PIT, "within": (50,), "method": "diffusion"}),
        (
            "sgd_pit",
            {"T": [0.02, 0.05], "seed": [0, 7]},
            {**PIT, "within": (50, 100), "method": "ensemble", "walkers": 500},
        ),
        (WALK, {"p": [0.2, 0.5], "within": [1, 4, 9]}, {"start": 0, "beyond": 1}),
        (WALK, {"beyond": [-2, 1, 2], "start": [0.5, 4]}, {"within": (6,), "method": "exact"}),
        (WALK, {"p": [0.3, 0.6]}, {"start": 0, "beyond": 2, "within": (9,), "passage": True}),
    ],
)
def test_a_point_has_the_probability_of_a_call_of_its_own(
    model: str | Model, axes: dict[str, Any], settings: dict[str, Any]
) -> None:
    model = load(model) if isinstance(model, str) else model
    points = grid(axes)
    measure = EscapeMeasure(**settings).resolved(model, points)
    found = assert_of_its_shape(measure, model, points)
    assert_as_alone(found, measure, points, lambda row: _plain(model, row, **settings))


@pytest.mark.parametrize("method", ["operator", "exact", "ensemble"])
def test_a_walk_escapes_as_often_as_the_binomial_law_says(method: Any) -> None:
    points = grid({"p": [0.1, 0.4, 0.5, 0.8], "within": [3, 8, 15]})
    measure = EscapeMeasure(start=0, beyond=1.5, method=method, walkers=20_000)
    found = measure.resolved(WALK, points).evaluate(WALK, points)
    # W = 2 k - N > 1.5 for k steps up of N.
    steps = points["within"]
    law = scipy.stats.binom.sf(np.floor((steps + 1.5) / 2), steps, points["p"])
    apart = np.abs(found["probability"] - law)
    assert (apart <= np.maximum(5 * found["error"], 1e-12)).all()
    assert (found["status"] == 0).all()


def test_walkers_are_drawn_by_seed_and_number_whatever_the_point() -> None:
    # The same seed at two equal points, another at a third: common random numbers.
    points = {"p": np.array([0.5, 0.5, 0.5]), "seed": np.array([3, 3, 4])}
    measure = EscapeMeasure(start=0, beyond=1, within=(9,), method="ensemble", walkers=999)
    chances = measure.resolved(WALK, points).evaluate(WALK, points)["probability"]
    assert chances[0] == chances[1] != chances[2]


def test_a_point_that_cannot_be_asked_is_refused_and_leaves_the_others() -> None:
    points = {"T": np.array([0.02, 0.0, 0.02]), "beyond": np.array([1.2, 1.2, 1.0])}
    measure = EscapeMeasure(start=1.0, within=(10,), method="ensemble", walkers=50)
    model = load("sgd_pit")
    measure = measure.resolved(model, points)
    found = assert_of_its_shape(measure, model, points)
    words = [measure.statuses[code] for code in found["status"]]
    assert words == ["ok", "refused", "refused"]
    assert np.isnan(found["probability"]).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("settings", "axes", "error", "words"),
    [
        ({"start": 0, "within": (3,)}, {"p": [0.5]}, QuestionError, "needs beyond"),
        ({"beyond": 1, "within": (3,)}, {"p": [0.5]}, QuestionError, "needs start"),
        ({"start": 0, "beyond": 1}, {"p": [0.5]}, QuestionError, "needs within"),
        (
            {"start": 0, "beyond": 1, "within": (3,)},
            {"beyond": [1, 2]},
            QuestionError,
            "swept and given too",
        ),
        ({"start": 0, "beyond": 1, "within": (3,)}, {"W[0]": [1]}, QuestionError, "call it start"),
        ({"start": 0, "beyond": 1, "within": (-3,)}, {"p": [0.5]}, QuestionError, "from 0 to 1e15"),
        ({"start": 0, "beyond": 0, "within": (3,)}, {"p": [0.5]}, QuestionError, "level itself"),
        (
            {"start": 0, "beyond": 1, "within": (3,), "method": "ensemble", "walkers": 0},
            {"p": [0.5]},
            QuestionError,
            "at least one walker",
        ),
        (
            {"start": 0, "beyond": 1, "within": (10**9,), "method": "ensemble"},
            {"p": [0.5]},
            QuestionError,
            "at most 100,000,000 steps",
        ),
        (
            {"start": 0, "beyond": 1, "within": (3,), "method": "guess"},
            {"p": [0.5]},
            QuestionError,
            "one of operator",
        ),
        ({"start": 0, "beyond": 1, "within": (3,)}, {"hold": ["W"]}, UnknownNameError, "hold"),
    ],
)
def test_what_is_wrong_as_a_whole_is_refused_before_work(
    settings: dict[str, Any], axes: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        EscapeMeasure(**settings).resolved(WALK, grid(axes))


def test_a_starting_value_of_another_coordinate_is_an_axis() -> None:
    # V drifts by U's constant speed: beyond 2.5 at step 5 for speeds above .5.
    drift = Model(
        name="drift",
        variables={
            "V": {"rule": "V[t-1] + U[t-1]", "initial": 0},
            "U": {"rule": "U[t-1]", "initial": 0},
        },
    )
    points = {"U[0]": np.array([0.2, 0.4, 0.6, 1.0])}
    measure = EscapeMeasure(start=0, beyond=2.5, within=(5,), target="V", method="ensemble")
    found = measure.resolved(drift, points).evaluate(drift, points)
    np.testing.assert_array_equal(found["probability"], [0, 0, 1, 1])

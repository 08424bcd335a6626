"""Optimizing strength over a sweep: that of `causalopt.strength`, and of laws counted by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt import Model, load
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.sweeps.measures.strength_measure import StrengthMeasure
from tests.sweeps.measures.chunks import assert_as_alone, assert_of_its_shape, grid

NAMES = (
    "S",
    "S_decoupled",
    "S_next",
    "S_next_decoupled",
    "mutual_information",
    "optimizing_strength",
    "adjusted",
)
# b copies itself or a's correction, each with a slip; a looks at b with a slip of its own.
PAIR = Model(
    name="pair",
    parameters={"p": 0.1, "q": 0.2},
    variables={
        "a": {
            "domain": [0, 1],
            "parents": ["b[t-1]"],
            "table": [[0, {0: "1-q", 1: "q"}], [1, {0: "q", 1: "1-q"}]],
            "initial": {0: "1-q", 1: "q"},
        },
        "b": {
            "domain": [0, 1],
            "parents": ["a[t-1]", "b[t-1]"],
            "table": [
                [0, 0, {0: "1-p", 1: "p"}],
                [0, 1, {0: "p", 1: "1-p"}],
                [1, 0, {0: "p", 1: "1-p"}],
                [1, 1, {0: "1-p", 1: "p"}],
            ],
            "initial": {0: "1-p", 1: "p"},
        },
    },
    partition={"A": ["a"]},
)


def _plain(model: Model, row: dict[str, Any], **settings: Any) -> tuple[dict[str, float], str]:
    parameters = {name: value for name, value in row.items() if name in model.parameters}
    own: dict[str, Any] = {name: int(row[name]) for name in ("at", "horizon") if name in row}
    if "hold" in row:
        settings = settings | {"hold": row["hold"]}
    found = causalopt.strength(model, parameters=parameters, **settings, **own)
    return {name: getattr(found, name) for name in NAMES}, "ok"


@pytest.mark.parametrize(
    ("model", "axes", "settings"),
    [
        (PAIR, {"p": [0.1, 0.5, 0.9], "q": [0.2, 0.3]}, {"at": 3}),
        (PAIR, {"at": [0, 1, 2, 5], "horizon": [1, 2]}, {"initial": "uniform"}),
        (PAIR, {"hold": ["a", "b"], "p": [0.1, 0.2]}, {"at": 2, "unit": "nat", "lasting": None}),
        (PAIR, {"p": [0.1, 0.2]}, {"at": 2, "targets": "b", "horizon": 3, "fresh": True}),
        ("thermostat_smart", {"at": [0, 1, 2, 3]}, {"initial": "uniform"}),
        ("thermostat_uniform", {"k": [0.1, 0.3, 0.9], "eps": [0.1, 1]}, {"at": 1, "unit": "nat"}),
    ],
)
def test_a_point_has_the_entropies_of_a_call_of_its_own(
    model: str | Model, axes: dict[str, Any], settings: dict[str, Any]
) -> None:
    model = load(model) if isinstance(model, str) else model
    points = grid(axes)
    measure = StrengthMeasure(**settings).resolved(model, points)
    found = assert_of_its_shape(measure, model, points)
    assert_as_alone(found, measure, points, lambda row: _plain(model, row, **settings))


def _entropy(law: np.ndarray) -> float:
    chances = law[law > 0]
    return float(-(chances * np.log2(chances)).sum())


def _moved(law: np.ndarray, p: float, q: float) -> np.ndarray:
    """Return the law of (a, b) one step on, by enumeration."""
    found = np.zeros((2, 2))
    for a, b, u, v in itertools.product((0, 1), repeat=4):
        chance = (1 - q if u == b else q) * (1 - p if v == a ^ b else p)
        found[u, v] += law[a, b] * chance
    return found


def test_strength_over_two_probabilities_is_that_of_an_enumeration() -> None:
    points = grid({"p": [0.05, 0.2, 0.5, 0.95], "q": [0.1, 0.25, 0.5]})
    measure = StrengthMeasure(at=2).resolved(PAIR, points)
    found = assert_of_its_shape(measure, PAIR, points)
    for k, (p, q) in enumerate(zip(points["p"], points["q"], strict=True)):
        law = np.outer([1 - q, q], [1 - p, p])
        for _ in range(2):
            law = _moved(law, p, q)
        apart = np.outer(law.sum(axis=1), law.sum(axis=0))
        S, S_apart, later, later_apart = map(
            _entropy, (law, apart, _moved(law, p, q), _moved(apart, p, q))
        )
        expected = (S, S_apart, later, later_apart, S_apart - S, later_apart - later)
        for name, value in zip(NAMES, expected, strict=False):
            assert found[name][k] == pytest.approx(value, abs=1e-12), name
    assert (found["status"] == 0).all()


def test_strength_of_the_continuous_thermostat_is_part_two_s_over_k() -> None:
    # FACTS 5: Omega = I = k/2 - ln k nats of the uniform square, for k up to 1.
    gains = np.array([0.05, 0.3, 0.7, 1.0])
    model = load("thermostat_uniform")
    measure = StrengthMeasure(at=1, unit="nat").resolved(model, {"k": gains})
    found = assert_of_its_shape(measure, model, {"k": gains})
    expected = gains / 2 - np.log(gains)
    np.testing.assert_allclose(found["optimizing_strength"], expected, atol=1e-9)
    np.testing.assert_allclose(found["mutual_information"], expected, atol=1e-9)
    np.testing.assert_allclose(found["adjusted"], 0, atol=1e-9)
    assert measure.variables[0].attrs["units"] == "nat"


def test_a_point_whose_law_is_none_is_refused_and_leaves_the_others() -> None:
    points = {"p": np.array([0.1, 1.5, 0.1]), "q": np.array([0.2, 0.2, 0.2])}
    measure = StrengthMeasure().resolved(PAIR, points)
    found = assert_of_its_shape(measure, PAIR, points)
    assert [measure.statuses[code] for code in found["status"]] == ["ok", "refused", "ok"]
    assert np.isnan(found["S"]).tolist() == [False, True, False]
    points = {"at": np.array([0.0, 1.5, 2.0])}
    found = StrengthMeasure().resolved(PAIR, points).evaluate(PAIR, points)
    assert found["status"].tolist() == [0, 2, 0]


@pytest.mark.parametrize(
    ("model", "settings", "axes", "error", "words"),
    [
        ("lorenz", {}, {"rho": [1.0]}, QuestionError, "the law of 'a' is not known"),
        ("thermostat_smart", {}, {"room[0]": [1]}, QuestionError, "is a label"),
        ("thermostat_smart", {}, {"seed": [1]}, UnknownNameError, "hold, at or horizon"),
        ("thermostat_smart", {"at": -1}, {"horizon": [1]}, QuestionError, "steps count from 0"),
        ("thermostat_smart", {"horizon": 0}, {"at": [1]}, QuestionError, "at least one step"),
        ("thermostat_smart", {"at": 3}, {"at": [1, 2]}, QuestionError, "swept and given too"),
        ("thermostat_smart", {"hold": "x"}, {"at": [1, 2]}, UnknownNameError, "'x'"),
        ("thermostat_uniform", {"horizon": 4}, {"k": [0.3]}, QuestionError, "finite domains"),
    ],
)
def test_what_is_wrong_as_a_whole_is_refused_before_work(
    model: str, settings: dict[str, Any], axes: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        StrengthMeasure(**settings).resolved(load(model), grid(axes))


def test_a_law_without_density_is_refused() -> None:
    flat = Model(
        name="flat",
        parameters={"k": 1},
        variables={
            "x": {"rule": "k*x[t-1]", "initial": 1, "spread": "normal(1)"},
            "y": {"rule": "y[t-1]/2 + x[t-1]", "initial": 1, "spread": "normal(1)"},
        },
        partition={"A": ["x"]},
    )
    points = {"k": np.array([0.5, 0.0])}
    measure = StrengthMeasure(unit="nat").resolved(flat, points)
    found = assert_of_its_shape(measure, flat, points)
    assert [measure.statuses[code] for code in found["status"]] == ["ok", "refused"]
    # Two independent normals of deviation 1.
    assert found["S"][0] == pytest.approx(math.log(2 * math.pi * math.e))


def test_a_box_without_an_area_in_floats_is_refused() -> None:
    # Beside 1e300 a square of side .1 has no area, and one of side 1e200 has one beyond the floats.
    model = load("thermostat_uniform")
    points = {"R[0]": np.array([1.0, 1e300, 1.0]), "eps": np.array([0.1, 0.1, 1e200])}
    measure = StrengthMeasure(at=1).resolved(model, points)
    found = assert_of_its_shape(measure, model, points)
    words = [measure.statuses[code] for code in found["status"]]
    assert words == ["ok", "refused", "refused"]
    assert np.isnan(found["S"]).tolist() == [False, True, True]
    with pytest.raises(QuestionError, match="has the area 0, and no density"):
        causalopt.strength(model, initial={"R": 1e300})

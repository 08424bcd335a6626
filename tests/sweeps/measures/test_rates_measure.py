"""Rates over a sweep: those of `causalopt.rates` at each point, and of closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt import Model, load
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.sweeps.measures.rates_measure import RatesMeasure
from tests.sweeps.measures.chunks import assert_as_alone, assert_of_its_shape, grid

NOISY = Model(
    name="noisy",
    parameters={"a": 0.5, "s": 0.1},
    variables={
        "u": {"noise": "normal(0, s)"},
        "x": {"rule": "a*x[t-1] + 0.3*sin(y[t-1]) + u[t]", "initial": 1},
        "y": {"rule": "0.9*y[t-1] - 0.2*x[t-1]**2", "initial": [0.5, 0.25]},
    },
    question={"nudge": "y[0]", "hold": "x", "target": "y", "steps": 20},
)


def _plain(model: Model, row: dict[str, Any], **settings: Any) -> tuple[dict[str, float], str]:
    """Return what `rates` says of a point, by the names of a sweep's variables."""
    parameters = {name: value for name, value in row.items() if name in model.parameters}
    initial: dict[str, Any] = {n[:-3]: v for n, v in row.items() if n.endswith("[0]")}
    if "y[1]" in row:
        initial["y"] = [0.5, row["y[1]"]]
    own: dict[str, Any] = {n: row[n] for n in ("nudge", "hold", "target") if n in row}
    if "seed" in row:
        own["seed"] = int(row["seed"])
    found = causalopt.rates(model, parameters=parameters, initial=initial, **settings, **own)
    numbers: dict[str, float] = {}
    if found.hold:
        numbers |= {"op_rate": found.op_rate, "error": found.error}
        numbers |= {"generic_rate": found.generic_rate, "generic_error": found.generic_error}
    for word in ("lyapunov", "lyapunov_error", "conditional", "conditional_error"):
        numbers |= {f"{word}_{k}": v for k, v in enumerate(getattr(found, word), 1)}
    return numbers, found.status


@pytest.mark.parametrize(
    ("model", "axes", "settings"),
    [
        ("lorenz", {"rho": [0.8, 14, 28], "a[0]": [1, -2.5]}, {"nudge": "c[0]", "target": "c"}),
        (
            "lorenz",
            {"hold": ["a", "b", "a, c"], "rho": [20, 28.0]},
            {"nudge": "b[0]", "target": "b"},
        ),
        ("thermostat", {"k": [0, 0.01, 0.25, 0.5, 1]}, {}),
        ("thermostat_saturating", {"R[0]": [24.9, 30, 40], "T[0]": [0, 0.1]}, {}),
        (NOISY, {"seed": [0, 1, 2**40], "s": [0.1, 0.2]}, {}),
        (NOISY, {"y[1]": [0.1, 0.25, 0.4], "a": [0.5, -0.5]}, {}),
        ("standard_map", {}, {}),
    ],
)
def test_a_point_has_the_rates_of_a_call_of_its_own(
    model: str | Model, axes: dict[str, Any], settings: dict[str, Any]
) -> None:
    model = load(model) if isinstance(model, str) else model
    if not axes:
        name = next(iter(model.parameters))
        axes = {name: [0.5, 1.0, 2.0]}
    points, steps = grid(axes), 200
    if "hold" in points:  # n may not lie in A
        chosen = [not ("b" in hold and settings.get("nudge") == "b[0]") for hold in points["hold"]]
        points = {name: column[chosen] for name, column in points.items()}
    measure = RatesMeasure(steps=steps, **settings).resolved(model, points)
    found = assert_of_its_shape(measure, model, points)
    assert_as_alone(found, measure, points, lambda row: _plain(model, row, steps=steps, **settings))


def test_rates_over_the_gain_are_those_of_the_characteristic_roots() -> None:
    # FACTS of Part 3: u_t = u_{t-1} - k u_{t-2}; with T held R stays as it is.
    model, gains = load("thermostat"), np.array([0.01, 0.05, 0.2, 0.24, 0.5, 1.0])
    measure = RatesMeasure(steps=4000).resolved(model, {"k": gains})
    found = measure.evaluate(model, {"k": gains})
    roots = np.array([np.sort(np.abs(np.roots([1, -1, k])))[::-1] for k in gains])
    tolerance: dict[str, Any] = {"rtol": 0, "atol": 2e-3}
    np.testing.assert_allclose(found["lyapunov_1"], np.log(roots[:, 0]), **tolerance)
    np.testing.assert_allclose(found["lyapunov_2"], np.log(roots[:, 1]), **tolerance)
    np.testing.assert_allclose(found["conditional_1"], 0.0, atol=1e-12)
    np.testing.assert_allclose(found["op_rate"], -np.log(roots[:, 0]), **tolerance)
    np.testing.assert_allclose(found["op_rate"][:2], -np.log(roots[:2, 0]), rtol=1e-9)
    assert (found["status"] == 0).all()


def test_a_scalar_map_grows_by_the_logarithm_of_its_slope() -> None:
    model = Model(
        name="line", parameters={"a": 1}, variables={"x": {"rule": "a*x[t-1]", "initial": 1}}
    )
    slopes = np.array([0.0, 0.5, -0.9, 1.0, 1.02])
    measure = RatesMeasure(steps=100).resolved(model, {"a": slopes})
    assert measure.drawn == "lyapunov_1"
    found = assert_of_its_shape(measure, model, {"a": slopes})
    assert list(found) == ["lyapunov_1", "lyapunov_error_1", "status"]
    expected = [-math.inf, math.log(0.5), math.log(0.9), 0.0, math.log(1.02)]
    np.testing.assert_allclose(found["lyapunov_1"], expected, atol=1e-14)


def test_points_that_have_no_rate_say_why_and_leave_the_others() -> None:
    model = Model(
        name="square",
        parameters={"a": 1, "q": 1, "b": "1/q"},
        variables={
            "x": {"rule": "a*x[t-1]**2 + b*y[t-1]", "initial": 1},
            "y": {"rule": "y[t-1]/2 + x[t-1]/9", "initial": 0.1},
        },
        question={"nudge": "y[0]", "hold": "x", "target": "y", "steps": 10},
    )
    points = {"a": np.array([0.1, 9.0, 0.1, 0.1]), "q": np.array([9.0, 9.0, 0.0, 9.0])}
    measure = RatesMeasure(steps=50).resolved(model, points)
    found = assert_of_its_shape(measure, model, points)
    words = [measure.statuses[code] for code in found["status"]]
    assert words == ["ok", "diverged", "refused", "ok"]
    # A word that fails at some points is no mistake; one that fails at all of them is.
    sets = grid({"hold": ["x"], "q": [0.0, 9.0]})
    assert RatesMeasure(steps=50).resolved(model, sets).counts == (2, 1)
    with pytest.raises(QuestionError, match="whole variables"):
        RatesMeasure(steps=50).resolved(model, grid({"hold": ["x", "x[3]"], "q": [9.0, 0.0]}))
    assert np.isnan(found["op_rate"]).tolist() == [False, True, True, False]


def test_sets_of_different_sizes_leave_the_exponents_open_that_they_lack() -> None:
    model = load("lorenz")
    points = grid({"hold": ["a, c", "a"]})
    measure = RatesMeasure(steps=50, nudge="b[0]", target="b").resolved(model, points)
    found = assert_of_its_shape(measure, model, points)
    assert np.isnan(found["conditional_2"]).tolist() == [True, False]
    assert np.isfinite(found["conditional_1"]).all()


def test_where_n_lies_in_a_the_status_says_so() -> None:
    model = load("lorenz")
    points = grid({"nudge": ["a[0]", "b[0]"], "hold": ["a", "b"]})
    measure = RatesMeasure(steps=50, target="c").resolved(model, points)
    found = assert_of_its_shape(measure, model, points)
    words = [measure.statuses[code] for code in found["status"]]
    assert words == ["held", "ok", "ok", "held"]
    with pytest.raises(QuestionError, match="in every set"):
        RatesMeasure(target="c").resolved(model, grid({"nudge": ["a[0]"], "hold": ["a", "a, b"]}))


@pytest.mark.parametrize(
    ("settings", "axes", "error", "words"),
    [
        ({}, {"zz": [1]}, UnknownNameError, "unknown axis 'zz'.*seed"),
        ({}, {"b[3]": [1]}, QuestionError, "follows its rule"),
        ({}, {"a[0]": [1], "a[ 0 ]": [2]}, QuestionError, "two axes name the same node"),
        ({"steps": 5}, {"rho": [1]}, QuestionError, "at least 10 steps"),
        ({"steps": 10**9}, {"rho": [1]}, QuestionError, "at most 22,7"),
        ({"exponents": 9}, {"rho": [1]}, QuestionError, "9 exponents"),
        ({}, {"rho": [1], "hold": ["a", "q"]}, UnknownNameError, "unknown variable 'q'"),
        ({}, {"rho": [1], "hold": ["a", "b[0]"]}, QuestionError, "whole variables"),
        ({"hold": "a"}, {"hold": ["a", "b"]}, QuestionError, "swept and given too"),
        ({"nudge": "b[0]"}, {"target": ["a", "zz"]}, UnknownNameError, "zz"),
    ],
)
def test_what_is_wrong_as_a_whole_is_refused_before_work(
    settings: dict[str, Any], axes: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        RatesMeasure(**settings).resolved(load("lorenz"), grid(axes))


def test_a_model_without_time_or_memory_has_no_rates() -> None:
    static = Model(name="static", variables={"x": {"initial": 1}, "y": {"rule": "2*x"}})
    with pytest.raises(QuestionError, match="this model has none"):
        RatesMeasure().resolved(static, {"x": np.array([1.0])})
    forgetful = Model(
        name="forgetful",
        parameters={"a": 1},
        variables={"x": {"rule": "a*sin(y[t])"}, "y": {"rule": "t"}},
    )
    with pytest.raises(QuestionError, match="no memory"):
        RatesMeasure().resolved(forgetful, {"a": np.array([1.0])})

"""Power over a sweep: that of a sweep over n at each point, and of closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from causalopt import Model, load, sweep
from causalopt.effects.measures import NAMES
from causalopt.effects.sweeps.axes import spaced
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.sweeps.measures.power_measure import PowerMeasure, integral
from tests.sweeps.measures.chunks import assert_as_alone, assert_of_its_shape, grid

NOISY = Model(
    name="noisy",
    parameters={"a": 0.5, "s": 0.2, "start": "2*a"},
    variables={
        "u": {"noise": "normal(0, s)"},
        "x": {"rule": "a*tanh(y[t-1]) + u[t]", "initial": "start"},
        "y": {"rule": "y[t-1] - 0.3*x[t-1]", "initial": 1},
    },
    question={"nudge": "y[0]", "hold": "x", "target": "y", "steps": 20},
)


@pytest.mark.parametrize("estimate", [False, True])
@pytest.mark.parametrize(
    ("model", "axes", "settings"),
    [
        (
            "thermostat_saturating",
            {"theta": [0.5, 1, 1.5], "T[0]": [0, 0.1]},
            {"low": 20, "high": 30, "count": 21, "at": 60},
        ),
        ("thermostat", {"k": [0, 0.01, 1], "d": [20, 25]}, {"low": 30, "high": 40, "count": 5}),
        (
            "lorenz",
            {"hold": ["a", "c"], "rho": [0.8, 28], "a[0]": [1, 2.5]},
            {"over": "b[0]", "target": "b", "low": -1, "high": 3, "count": 9, "steps": 150},
        ),
        (
            "lorenz",
            {"target": ["b", "c"], "sigma": [8.0, 10.0]},
            {"over": "b[0]", "hold": "a", "low": -1, "high": 1, "count": 8, "steps": 90},
        ),
        (NOISY, {"seed": [0, 5], "a": [0.5, 0.9]}, {"low": -2, "high": 2, "count": 11}),
        (NOISY, {"s": [0.1, 3.0], "a": [0.5, 0.9]}, {"low": -2, "high": 2, "count": 11}),
        (
            "heated_room",
            {"delay": [1, 3], "tau": [40, 60]},
            {
                "over": "room[0]",
                "hold": "smooth",
                "target": "room",
                "low": 19.5,
                "high": 20,
                "count": 3,
            },
        ),
        ("solver", {"alpha": [0.1, 0.5], "b": [1, 2]}, {"low": -1, "high": 1, "count": 4}),
    ],
)
def test_a_point_has_the_power_of_a_sweep_of_its_own(
    model: str | Model, axes: dict[str, Any], settings: dict[str, Any], estimate: bool
) -> None:
    model = load(model) if isinstance(model, str) else model
    points, values = grid(axes), spaced(settings["low"], settings["high"], settings["count"])
    measure = PowerMeasure(**settings, estimate=estimate).resolved(model, points)
    found = assert_of_its_shape(measure, model, points)

    def plain(row: dict[str, Any]) -> tuple[dict[str, float], str]:
        own: dict[str, Any] = {n: row[n] for n in ("hold", "target") if n in row}
        own |= {n: settings[n] for n in ("hold", "target", "steps", "at") if n in settings}
        alone = sweep(
            model,
            {measure.over or "": values},
            nudge=measure.over,
            parameters={n: v for n, v in row.items() if n in model.parameters},
            initial={n[:-3]: v for n, v in row.items() if n.endswith("[0]")},
            seed=int(row.get("seed", 0)),
            estimate=estimate,
            **own,
        )
        numbers = {"left_out": alone.left_out / len(values)}
        if alone.power is None:
            return numbers, "unresolved"
        kept = alone.codes != list(NAMES).index("unresolved")
        heights, along = 1 - alone.slopes[kept], values[kept]
        few = sorted({*range(0, len(along), 2), len(along) - 1})
        coarse = float(np.trapezoid(heights[few], along[few]))
        numbers |= {"power": alone.power, "error": abs(alone.power - coarse)}
        return numbers, "ok"

    error = found.pop("error")
    assert_as_alone(found, measure, points, plain)
    for k in range(len(error)):
        numbers = plain({name: points[name][k] for name in points})[0]
        np.testing.assert_allclose(error[k], numbers.get("error", np.nan), rtol=1e-9, atol=1e-12)


def test_power_of_the_saturating_thermostat_is_two_p_of_the_time() -> None:
    # FACTS 3: with T_0 = 0 the integral over all of R_0 is 2 p (t - dt), whatever theta; the grid
    # of the post's spacing has it to 5e-2.
    model = load("thermostat_saturating")
    points = grid({"p": [0.5, 1.0], "theta": [0.5, 1.0]})
    measure = PowerMeasure(low=5, high=45, count=401, estimate=False).resolved(model, points)
    found = measure.evaluate(model, points)
    expected = 2 * points["p"] * (500 - 1) * 0.02
    np.testing.assert_allclose(found["power"], expected, atol=5e-2)
    # The post's own numbers, on the same grid: theta 1 and p 1, theta .5 and p 1, theta 1 and p .5.
    assert found["power"][[3, 2, 1]].round(4).tolist() == [19.9608, 19.9617, 9.9802]


def test_a_linear_model_has_one_minus_comp_times_the_length() -> None:
    # FACTS 2: Comp = (l1^(t+1) - l2^(t+1)) / (l1 - l2).
    model, gains, steps = load("thermostat"), np.array([0.01, 0.02, 0.2]), 100
    measure = PowerMeasure(low=-3, high=7, count=6, at=steps).resolved(model, {"k": gains})
    found = assert_of_its_shape(measure, model, {"k": gains})
    root = np.sqrt(1 - 4 * gains)
    high, low = (1 + root) / 2, (1 - root) / 2
    comp = (high ** (steps + 1) - low ** (steps + 1)) / root
    np.testing.assert_allclose(found["power"], 10 * (1 - comp), rtol=1e-12)
    np.testing.assert_allclose(found["error"], 0, atol=1e-12)
    assert (found["left_out"] == 0).all()


def test_points_without_a_power_say_why_and_leave_the_others() -> None:
    model = Model(
        name="square",
        parameters={"a": 1, "q": 1, "b": "1/q", "c": 1},
        variables={
            "x": {"rule": "a*y[t-1]**2 + b*c*y[t-1]", "initial": 0},
            "y": {"rule": "c*y[t-1] - 0*b + a*y[t-1]**2 - 0.1*x[t-1]", "initial": 1},
        },
        question={"nudge": "y[0]", "hold": "x", "target": "y", "steps": 20},
    )
    points = {
        "a": np.array([0.01, 90.0, 0.01, 0.0, 0.01]),
        "q": np.array([9.0, 9.0, 0.0, 9.0, 9.0]),
        "c": np.array([0.5, 0.5, 0.5, 0.0, 0.5]),
    }
    for estimate in (True, False):
        measure = PowerMeasure(low=0.5, high=1, count=5, estimate=estimate).resolved(model, points)
        found = assert_of_its_shape(measure, model, points)
        words = [measure.statuses[code] for code in found["status"]]
        assert words[:3] == ["ok", "diverged", "refused"]
        assert words[4] == "ok"
        assert np.isnan(found["power"][1:3]).all()
        assert found["power"][0] == found["power"][4]


def test_unresolved_values_are_left_out_and_counted() -> None:
    values, unresolved = np.array([0.0, 1.0, 2.0, 4.0]), list(NAMES).index("unresolved")
    slopes, codes = np.array([0.5, np.nan, 0.25, 0.0]), np.array([0, unresolved, 0, 0], np.int8)
    numbers, status = integral(slopes, codes, values)
    # Trapezoids from 0 to 2 and from 2 to 4; without the middle one from 0 to 4.
    power = (0.5 + 0.75) / 2 * 2 + (0.75 + 1) / 2 * 2
    assert numbers == {
        "power": power,
        "error": pytest.approx(abs(power - (0.5 + 1) / 2 * 4)),
        "left_out": 0.25,
    }
    assert status == "ok"
    codes = np.array([unresolved, 0, 0, 0], np.int8)
    assert integral(slopes, codes, values) == ({"left_out": 0.25}, "unresolved")
    assert integral(slopes, codes[::-1], values) == ({"left_out": 0.25}, "unresolved")


def test_an_only_path_makes_the_integral_infinite_and_is_said() -> None:
    codes = np.full(3, list(NAMES).index("only_path"), np.int8)
    numbers, status = integral(np.full(3, math.inf), codes, np.array([0.0, 1.0, 2.0]))
    assert (numbers["power"], status) == (-math.inf, "only_path")


@pytest.mark.parametrize(
    ("settings", "axes", "error", "words"),
    [
        ({"low": 5, "high": 5}, {"p": [1.0]}, QuestionError, "lower to a higher"),
        ({"low": 5, "high": math.inf}, {"p": [1.0]}, QuestionError, "lower to a higher"),
        ({"count": 1}, {"p": [1.0]}, QuestionError, "2 to 4,194,304 values"),
        ({}, {"R[0]": [1.0]}, QuestionError, "leave one out"),
        ({"over": "p"}, {"d": [1.0]}, QuestionError, "power is an integral over a starting value"),
        ({"over": "R[3]"}, {"p": [1.0]}, QuestionError, "follows its rule"),
        ({}, {"nudge": ["R[0]"]}, UnknownNameError, "hold, target or seed"),
        ({"hold": "T"}, {"hold": ["T"]}, QuestionError, "swept and given too"),
        ({}, {"hold": ["T", "zz"]}, UnknownNameError, "zz"),
        ({"at": -1}, {"p": [1.0]}, QuestionError, "at must lie"),
    ],
)
def test_what_is_wrong_as_a_whole_is_refused_before_work(
    settings: dict[str, Any], axes: dict[str, Any], error: type[Exception], words: str
) -> None:
    asked = PowerMeasure(**{"low": 5, "high": 45, "count": 41} | settings)
    with pytest.raises(error, match=words):
        asked.resolved(load("thermostat_saturating"), grid(axes))

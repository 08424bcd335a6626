"""Noise whose law reads swept parameters: a point has the draws of a run of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from causalopt import Model, Set, load, rate_curve, run, sweep
from causalopt.effects.asked import ask
from causalopt.effects.sweeps.drawn_lanes import DrawnLanes, drawn_lanes
from causalopt.errors import CausaloptError
from causalopt.worlds.noise import draw_noise

NOISY = Model(
    name="noisy",
    parameters={"p": 0.5, "s": 1.0, "half": "s/2", "a": 0.3},
    variables={
        "coin": {"noise": "bernoulli(p)"},
        "wind": {"noise": "normal(0, half)"},
        "die": {"noise": {0: "1-p", 3: "p"}},
        "x": {"rule": "a*x[t-1]*(1 + coin[t]) + wind[t] + die[t] - 0.2*y[t-1]", "initial": 1},
        "y": {"rule": "0.9*y[t-1] + 0.1*tanh(x[t-1]*y[t-1])", "initial": 0.5},
    },
    question={"nudge": "y[0]", "hold": "x", "target": "y", "steps": 20},
)


@pytest.mark.parametrize("estimate", [True, False])
@pytest.mark.parametrize("delta", [None, 0.01])
@pytest.mark.parametrize(
    "grid",
    [
        {"p": [0.1, 0.5, 0.9]},
        {"s": [0.5, 1.0, 2.0], "a": [0.2, 0.4]},
        {"p": [0.2, 0.7], "y[0]": [0.5, 1.0], "s": [1.0, 3.0]},
        {"p": [0.2, 0.7], "coin[4]": [0.0, 1.0]},
    ],
)
def test_a_point_has_the_numbers_of_a_run_of_its_own(
    grid: dict[str, list[float]], delta: float | None, estimate: bool
) -> None:
    found = sweep(NOISY, grid, delta=delta, estimate=estimate, seed=3)
    points = np.meshgrid(*grid.values(), indexing="ij")
    seen = set()
    for place in np.ndindex(found.shape):
        values = {name: float(axis[place]) for name, axis in zip(grid, points, strict=True)}
        changed: dict[str, Any] = {
            "parameters": {n: v for n, v in values.items() if n in NOISY.parameters},
            "initial": {n[:-3]: v for n, v in values.items() if n.endswith("[0]")},
        }
        given = [Set("coin[4]", values["coin[4]"])] if "coin[4]" in values else []
        own = run(NOISY, delta=delta, seed=3, given=given, **changed)
        assert found.values[place] == pytest.approx(own.W["y"][-1], rel=1e-14)
        assert found.total[place] == pytest.approx(own.total[-1], rel=1e-9)
        assert found.comp[place] == pytest.approx(own.comp[-1], rel=1e-9)
        seen.add(round(float(found.values[place]), 12))
    assert len(seen) > 1


def test_values_given_to_noise_stay_given() -> None:
    given = (Set("coin[4]", 1.0), Set("wind[t<=2]", 0.25))
    found = sweep(NOISY, {"p": [0.1, 0.9], "s": [1.0, 2.0]}, given=given)
    for place in np.ndindex(found.shape):
        changed = {"p": [0.1, 0.9][place[0]], "s": [1.0, 2.0][place[1]]}
        own = run(NOISY, parameters=changed, given=given)
        assert found.values[place] == pytest.approx(own.W["y"][-1], rel=1e-14)


def test_lanes_are_the_draws_of_each_law() -> None:
    asked = ask(NOISY, seed=5)
    chances, spreads = np.array([0.2, 0.8, 0.2]), np.array([1.0, 1.0, 4.0])
    varying = {"p": chances, "s": spreads, "half": spreads / 2}
    found = drawn_lanes(asked, varying, ["p", "s"], {})
    index = NOISY.template.index
    assert set(found) == {index["coin"], index["wind"], index["die"]}
    for k in range(3):
        law = {"p": chances[k], "s": spreads[k]}
        alone = draw_noise(NOISY.replace(parameters=law), 20, seed=5)
        for name in ("coin", "wind", "die"):
            lanes: DrawnLanes = found[index[name]]
            assert lanes.shape == (21, 3)
            assert len(lanes) == 21
            np.testing.assert_array_equal(lanes[:, k], alone[name])
            np.testing.assert_array_equal(lanes[:, slice(k, k + 1)][:, 0], alone[name])
            np.testing.assert_array_equal(lanes[:, np.array([k])][:, 0], alone[name])
            assert lanes[7][k] == alone[name][7]
            np.testing.assert_array_equal((lanes * 2.0)[:, k], 2 * alone[name])


def test_noise_that_reads_nothing_swept_is_left_to_the_plan() -> None:
    assert drawn_lanes(ask(NOISY), {"a": np.array([0.1, 0.2])}, ["a"], {}) == {}
    assert drawn_lanes(ask(load("thermostat")), {"k": np.array([0.1])}, ["k"], {}) == {}


def test_a_law_that_is_none_is_an_error_that_says_so() -> None:
    with pytest.raises(CausaloptError, match="p"):
        sweep(NOISY, {"p": [0.5, 1.5]})


def test_a_curve_of_rates_draws_under_each_value_of_a_law_too() -> None:
    spreads = [0.5, 2.0]
    curve = rate_curve(NOISY, {"s": spreads}, steps=400)
    for k, spread in enumerate(spreads):
        alone = rate_curve(NOISY.replace(parameters={"s": spread}), {"s": [spread]}, steps=400)
        np.testing.assert_array_equal(curve.orbit[k], alone.orbit[0])
        assert curve.rate[k] == pytest.approx(alone.rate[0], rel=1e-12)
    assert curve.rate[0] != curve.rate[1]

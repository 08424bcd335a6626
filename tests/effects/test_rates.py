from __future__ import annotations

import cmath
import json
import math

import numpy as np
import pytest
import scipy.stats

from causalopt import Model, QuestionError, load, rates
from causalopt.cli import main
from causalopt.effects import rates as growth


def one(rule: str, **parameters: float) -> Model:
    variables = {"x": {"rule": rule, "initial": 0.3}, "a": {"rule": "x[t-1]", "initial": 0}}
    return Model(name="map", parameters=parameters, variables=variables, partition={"A": "a"})


def test_logistic_map_at_4_grows_by_ln_2() -> None:
    found = rates(one("4*x[t-1]*(1 - x[t-1])"), steps=20_000)
    assert found.lyapunov[0] == pytest.approx(math.log(2), abs=4e-3)


def test_tent_map_grows_by_ln_mu() -> None:
    found = rates(one("mu*min(x[t-1], 1 - x[t-1])", mu=1.9), steps=2000)
    assert found.lyapunov[0] == pytest.approx(math.log(1.9), rel=1e-12)


def test_cat_map_has_its_golden_exponents() -> None:
    fold = "{0} - floor({0})"
    variables = {
        "x": {"rule": fold.format("(2*x[t-1] + y[t-1])"), "initial": 0.1},
        "y": {"rule": fold.format("(x[t-1] + y[t-1])"), "initial": 0.2},
        "z": {"rule": "x[t]", "initial": 0},
    }
    found = rates(Model(name="cat", variables=variables, partition={"A": "z"}), steps=500)
    assert found.lyapunov == pytest.approx((0.9624236501, -0.9624236501), abs=1e-9)


def test_henon_map_contracts_by_its_jacobian() -> None:
    rule = "1 - 1.4*x[t-1]**2 + 0.3*x[t-2]"
    variables = {"x": {"rule": rule, "initial": [0.1, 0.1]}, "z": {"rule": "x[t]", "initial": 0}}
    found = rates(Model(name="henon", variables=variables, partition={"A": "z"}), steps=20_000)
    assert sum(found.lyapunov) == pytest.approx(math.log(0.3), abs=1e-9)
    assert found.lyapunov[0] == pytest.approx(0.419217, abs=6e-3)


def test_lorenz_exponents_sum_to_its_divergence() -> None:
    found = rates(load("lorenz").replace(method="rk4"), steps=20_000)
    assert sum(found.lyapunov) == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-3)
    assert found.lyapunov[0] == pytest.approx(0.9056, abs=0.05)
    assert found.lyapunov[1] == pytest.approx(0, abs=0.03)
    assert found.conditional == pytest.approx((-1.80, -1.86), abs=0.01)
    assert found.op_rate == pytest.approx(found.conditional[0] - found.lyapunov[0], abs=1e-9)
    assert found.unit == "nats per time unit"


def test_lorenz_driven_by_b_is_two_plain_decays() -> None:
    found = rates(load("lorenz").replace(method="rk4"), hold="b", steps=5000)
    assert found.conditional == pytest.approx((-8 / 3, -10), abs=2e-4)


def test_thermostat_rate_is_its_slow_root() -> None:
    found = rates(load("thermostat"), steps=2000)
    assert found.op_rate == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2), rel=1e-12)
    assert found.conditional == (0.0,)
    assert found.unit == "nats per step"


def test_a_dead_beat_has_an_infinite_rate() -> None:
    found = rates(one("0.5 + 0*x[t-1]"), steps=20, transient=0)
    assert found.lyapunov == (-math.inf,)
    assert found.to_dict()["lyapunov"] == ["-inf"]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (load("thermostat"), {"hold": "T[t<=10]"}, "hold whole variables, such as T"),
        (load("thermostat"), {"steps": 3}, "at least 10 steps"),
        (load("thermostat"), {"hold": "T, R"}, "no memory outside the held set"),
        (Model(name="z", variables={"z": 1}), {}, "has none"),
        (
            Model(name="m", variables={"x": {"rule": "2*t"}, "y": {"rule": "x[t]"}}),
            {"hold": "y"},
            "no rule reads an earlier step",
        ),
        (
            Model(name="m", variables={"x": {"rule": "x[t-1]", "initial": 1}}),
            {},
            "which nodes are held",
        ),
    ],
)
def test_a_rate_that_cannot_be_is_refused(model: Model, options: dict, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        rates(model, **options)


def test_a_diverging_run_says_so() -> None:
    assert rates(one("x[t-1]**2 + 2"), steps=50).status == "diverged"


@pytest.mark.parametrize("whole", [{"kind": "integer"}, {"domain": "0..4"}])
def test_rates_refuse_dynamics_through_whole_numbers(whole: dict[str, str]) -> None:
    variables = {
        "n": {"rule": "clip(n[t-1] + floor(x[t-1]/10), 0, 4)", "initial": 3, **whole},
        "x": {"rule": "x[t-1] - 0.1*n[t-1]", "initial": 35},
    }
    model = Model(name="counter", variables=variables, partition={"A": "n"})
    with pytest.raises(QuestionError, match="'n' takes whole numbers and the dynamics read it"):
        rates(model, steps=100)


def test_rates_pass_by_whole_numbers_that_carry_nothing() -> None:
    variables = {
        "x": {"rule": "x[t-1]/2", "initial": 8},
        "shown": {"rule": "floor(x[t])", "kind": "integer"},
        "day": {"rule": "floor(t/24)", "kind": "integer"},
        "a": {"rule": "x[t-1] + day[t]", "initial": 0},
    }
    model = Model(name="aside", variables=variables, partition={"A": "a"})
    assert rates(model, steps=100).lyapunov[0] == pytest.approx(-math.log(2), rel=1e-12)


def ring(size: int) -> Model:
    """Neighbours coupled in a ring: its exponents are those of a circulant matrix."""
    variables = {
        f"x{i}": {"rule": f"0.5*x{i}[t-1] + 0.3*x{(i + 1) % size}[t-1]", "initial": 1.0}
        for i in range(size)
    }
    variables["z"] = {"rule": "x0[t]", "initial": 0.0}
    return Model(name="ring", variables=variables, partition={"A": "z"})


def test_a_large_model_gives_its_leading_exponents() -> None:
    found = rates(ring(80), steps=2000)
    assert found.exponents == "leading 16 of 80"
    assert len(found.lyapunov) == 16
    modes = [0.5 + 0.3 * cmath.exp(2j * math.pi * k / 80) for k in range(80)]
    expected = sorted((math.log(abs(mode)) for mode in modes), reverse=True)
    assert found.lyapunov[:3] == pytest.approx(expected[:3], abs=2e-3)


def test_leading_exponents_are_the_first_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("lorenz").replace(method="rk4")
    whole = rates(model, steps=3000)
    assert whole.exponents == "all 3"
    monkeypatch.setattr(growth, "ALL_EXPONENTS", 0)
    monkeypatch.setattr(growth, "LEADING_EXPONENTS", 3)
    moved = rates(model, steps=3000, hold="a")
    again = rates(model, steps=3000)
    assert again.lyapunov == pytest.approx(whole.lyapunov, rel=1e-9)
    assert again.conditional == pytest.approx(whole.conditional, rel=1e-9)
    assert moved.lyapunov == pytest.approx(whole.lyapunov, rel=1e-9)


def test_memory_is_moved_as_the_matrices_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "x": {"rule": "1 - 1.4*x[t-1]**2 + 0.3*x[t-2]", "initial": [0.1, 0.1]},
        "y": {"rule": "0.5*y[t-1] + 0.2*y[t-3] + x[t]*w[t]", "initial": [0, 0, 0]},
        "w": {"rule": "x[t] + 0.1*y[t-2]", "initial": [0, 0, 0]},
    }
    model = Model(name="memory", variables=variables, partition={"A": "w"})
    whole = rates(model, steps=500)
    monkeypatch.setattr(growth, "ALL_EXPONENTS", 1)
    monkeypatch.setattr(growth, "LEADING_EXPONENTS", 2)
    leading = rates(model, steps=500)
    assert leading.exponents == "leading 2 of 5"
    assert leading.lyapunov[0] == pytest.approx(whole.lyapunov[0], abs=1e-2)
    assert leading.conditional[0] == pytest.approx(whole.conditional[0], abs=1e-2)


def test_rates_name_the_longest_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rates", "thermostat", "--steps", "9" * 20, "--json"]) == 2
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert "at most" in message
    assert "steps of this model" in message


def test_rates_pass_by_whole_numbers_that_follow_from_the_step_alone() -> None:
    variables = {
        "day": {"rule": "floor(t/24)", "kind": "integer"},
        "x": {"rule": "x[t-1]/2 + day[t]", "initial": 8},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    model = Model(name="days", variables=variables, partition={"A": "a"})
    assert rates(model, steps=100).lyapunov[0] == pytest.approx(-math.log(2), rel=1e-12)


def test_the_longest_run_is_the_one_whose_numbers_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thermostat has two variables and three slopes a step."""
    monkeypatch.setattr(growth, "MOST_NUMBERS", 500)
    assert rates(load("thermostat"), steps=91, transient=9).status == "ok"
    message = "rates hold 5 numbers a step, 500 in all: at most 100 steps of this model, the "
    with pytest.raises(QuestionError, match=f"{message}transient's included; 101 came"):
        rates(load("thermostat"), steps=91, transient=10)


def test_a_transient_is_not_negative_and_a_tenth_when_not_given() -> None:
    with pytest.raises(QuestionError, match="a transient of 0 or more"):
        rates(load("thermostat"), steps=50, transient=-1)
    assert rates(load("thermostat"), steps=50).transient == 5


def test_a_run_that_becomes_undefined_says_so_and_has_no_rates() -> None:
    found = rates(one("sqrt(x[t-1] - 1)"), steps=20)
    assert (found.status, found.to_dict()["lyapunov"]) == ("nonfinite", [None])


def test_the_error_is_that_of_the_mean_of_ten_batches() -> None:
    """x grows by 1 + t/5 at step t, and without a not at all."""
    variables = {
        "a": {"rule": "x[t-1]*t/5", "initial": 0},
        "x": {"rule": "x[t-1] + a[t]", "initial": 0},
    }
    model = Model(name="m", variables=variables, partition={"A": "a"})
    found = rates(model, steps=10, transient=0)
    batches = [-math.log1p(t / 5) for t in range(1, 11)]
    assert found.op_rate == pytest.approx(np.mean(batches), rel=1e-12)
    assert found.error == pytest.approx(scipy.stats.sem(batches), rel=1e-12)
    assert abs(rates(model, steps=100, transient=50).steps - 100) <= 1

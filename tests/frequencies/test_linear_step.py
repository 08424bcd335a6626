"""Where slopes are taken: everywhere, along a run, at rest, on an orbit, at a step, or refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import causalopt
from causalopt import Model, QuestionError


def squared(**changes: object) -> Model:
    """x(t) = x - x^2/10 - u, u = k x: at rest at 0, and elsewhere only after a while."""
    return Model(
        name="squared",
        parameters={"k": 0.2},
        variables={
            "x": {"rule": "0.9*x[t-1] - 0.1*x[t-1]**2 - u[t-1]", "initial": 1},
            "u": {"rule": "k*x[t]"},
        },
        partition={"A": ["u"]},
        question={"nudge": "x[0]", "hold": "A", "target": "x"},
        **changes,
    )


def test_a_linear_model_is_one_wherever_w_is() -> None:
    found = causalopt.frequency(causalopt.load("thermostat"), initial={"R": 1e6})
    assert found.worlds.step.origin.kind == "linear"
    same = causalopt.frequency(causalopt.load("thermostat"))
    assert found.op.tolist() == same.op.tolist()


def test_a_model_with_noise_is_linear_still() -> None:
    model = Model(
        name="noisy",
        variables={
            "e": {"noise": "normal(0,1)"},
            "x": {"rule": "x[t-1] + e[t] - 0.1*u[t-1]", "initial": 0},
            "u": {"rule": "x[t]"},
        },
    )
    found = causalopt.frequency(model, nudge="x", hold="u", target="x", frequencies=[0.2])
    z = np.exp(0.2j)
    assert found.comp[0] == pytest.approx((z - 1) / (z - 0.9))


def test_a_model_that_is_not_linear_between_n_and_m_alone_counts() -> None:
    """What squares x beside the path from n to m does not matter."""
    model = Model(
        name="beside",
        variables={
            "x": {"rule": "0.5*x[t-1] - 0.1*u[t-1]", "initial": 1},
            "u": {"rule": "x[t]"},
            "y": {"rule": "x[t]**2 + sin(y[t-1])", "initial": 0},
        },
    )
    found = causalopt.frequency(model, nudge="x", hold="u", target="x", frequencies=[1.0])
    assert found.worlds.step.origin.kind == "linear"


def test_at_rest_the_slopes_are_those_of_the_fixed_point() -> None:
    found = causalopt.frequency(squared(), frequencies=[0.3])
    assert found.worlds.step.origin.kind == "rest"
    z = np.exp(0.3j)
    assert found.comp[0] == pytest.approx((z - 0.9) / (z - 0.7), rel=1e-9)
    assert "linearised at rest" in repr(found)


def test_a_rest_elsewhere_is_the_one_that_w_comes_to() -> None:
    """x = r x (1 - x) rests at 1 - 1/r, where its slope is 2 - r."""
    model = Model(
        name="logistic",
        parameters={"r": 2.8},
        variables={
            "x": {"rule": "r*x[t-1]*(1 - x[t-1]) - 0.1*u[t-1]", "initial": 0.3},
            "u": {"rule": "x[t-1]", "initial": 0},
        },
    )
    found = causalopt.frequency(model, nudge="x", hold="u", target="x", frequencies=[1.0])
    # x = 2.8 x (1 - x) - 0.1 x
    rest = (2.8 - 0.1 - 1) / 2.8
    slope = 2.8 * (1 - 2 * rest)
    z = np.exp(1j)
    assert found.comp[0] == pytest.approx((1 - slope / z) / (1 - slope / z + 0.1 / z**2), rel=1e-7)


@pytest.mark.parametrize(("r", "period"), [(3.2, 2), (3.55, 4)])
def test_on_an_orbit_it_is_what_is_answered_at_the_frequency_asked_with(
    r: float, period: int
) -> None:
    """The logistic map's response at omega, by simulating small sinusoids."""
    model = Model(
        name="logistic",
        parameters={"r": r},
        variables={
            "x": {"rule": "r*x[t-1]*(1 - x[t-1]) - 0.05*u[t-1]", "initial": 0.3},
            "u": {"rule": "x[t]"},
            "y": {"rule": "x[t]**2"},
        },
        partition={"A": ["u"]},
    )
    omega = 2 * math.pi * 12 / 100
    found = causalopt.frequency(model, nudge="x", target="y", frequencies=[omega])
    assert found.worlds.step.origin.period == period
    worlds = _logistic(r, omega)
    assert found.total[0] == pytest.approx(worlds[0], rel=1e-4)
    assert found.direct[0] == pytest.approx(worlds[1], rel=1e-4)


def _logistic(r: float, omega: float) -> list[complex]:
    """X - W and Y - W of y = x^2 by plain loops, at an amplitude of 1e-7."""
    last, size = 3000, 1e-7
    w = np.zeros(last)
    w[0] = 0.3
    for t in range(1, last):
        w[t] = r * w[t - 1] * (1 - w[t - 1]) - 0.05 * w[t - 1]
    found = []
    for is_held in (False, True):
        x = w.copy()
        for t in range(1, last):
            u = w[t - 1] if is_held else x[t - 1]
            x[t] = r * x[t - 1] * (1 - x[t - 1]) - 0.05 * u + size * math.cos(omega * t)
        turned = np.exp(-1j * omega * np.arange(last))
        found.append(complex(2 * np.mean(((x**2 - w**2) * turned)[-2000:]) / size))
    return found


def test_at_a_step_the_slopes_of_that_step_stay() -> None:
    found = causalopt.frequency(squared(), at=0 + 1, frequencies=[0.3])
    assert found.worlds.step.origin.kind == "frozen"
    # x(0) = 1: the slope at step 1 is 0.9 - 0.2 x(0).
    z = np.exp(0.3j)
    assert found.comp[0] == pytest.approx((z - 0.7) / (z - 0.5))


def test_slopes_that_stay_along_the_run_are_the_model_s() -> None:
    """The thermostat that saturates, started where it does not."""
    model = causalopt.load("thermostat_saturating")
    found = causalopt.frequency(model, initial={"R": 25, "T": 0})
    assert found.worlds.step.origin.kind in ("constant", "rest")
    assert found.stability["total"] == "stable"


def test_a_run_that_never_rests_is_refused_and_can_be_asked_at_a_step() -> None:
    model = causalopt.load("lorenz_controlled")
    with pytest.raises(QuestionError, match=r"no rest and to no orbit.*--at N"):
        causalopt.frequency(model, steps=2000)
    found = causalopt.frequency(model, at=50)
    assert "at step 50" in repr(found)


def test_a_run_that_leaves_the_range_of_floats_is_refused() -> None:
    model = Model(
        name="burst",
        variables={"x": {"rule": "x[t-1]**2 - u[t-1]", "initial": 3}, "u": {"rule": "x[t]"}},
    )
    with pytest.raises(QuestionError, match=r"not finite from step \d+ on.*--at N"):
        causalopt.frequency(model, nudge="x", hold="u", target="x")


def test_a_slow_drift_is_no_rest() -> None:
    """Slopes 1 + 1e-12 t differ by less than the tolerance between neighbours, not in the end."""
    model = Model(
        name="drift",
        variables={
            "s": {"rule": "s[t-1] + 0.0000000003", "initial": 0.5},
            "x": {"rule": "s[t-1]*x[t-1] - 0.1*u[t-1]", "initial": 1},
            "u": {"rule": "x[t]"},
        },
    )
    with pytest.raises(QuestionError, match="no rest"):
        causalopt.frequency(model, nudge="x", hold="u", target="x", steps=2000)


def test_a_kink_at_rest_is_a_status() -> None:
    model = Model(
        name="bent",
        variables={
            "x": {"rule": "0.5*max(x[t-1], 0) - 0.1*u[t-1]", "initial": 0},
            "u": {"rule": "x[t]"},
        },
    )
    found = causalopt.frequency(model, nudge="x", hold="u", target="x")
    assert set(found.status) == {"kink"}
    assert "stands on a kink" in repr(found)


@pytest.mark.parametrize("at", [-1, 0])
def test_a_step_before_all_rules_are_in_force_is_refused(at: int) -> None:
    with pytest.raises(QuestionError, match="from 1 up"):
        causalopt.frequency(squared(), at=at)


def test_a_branch_that_n_does_not_move_is_no_kink() -> None:
    """A draw decides between two rules of the same slope: it is equal to 0 every other step."""
    model = Model(
        name="drawn",
        variables={
            "pick": {"noise": {0: "1/2", 1: "1/2"}},
            "x": {"rule": "0.5*x[t-1]**2 + 0.5*x[t-1] - 0.1*u[t-1]", "initial": 0},
            "u": {"rule": "where(pick[t] == 0, x[t], x[t] + 0*pick[t])"},
        },
    )
    found = causalopt.frequency(model, nudge="x", hold="u", target="x", frequencies=[0.3])
    assert found.status.tolist() == ["ok"]


def test_on_an_orbit_the_nyquist_frequency_is_that_beside_it() -> None:
    """Its phases make a system that is singular there, though no gain is infinite."""
    found = causalopt.frequency(causalopt.load("trained_maze"), frequencies=[math.pi - 1e-3])
    assert found.worlds.step.origin.kind == "orbit"
    assert found.ends.status[1] == "ok"
    assert found.ends.op[1] == pytest.approx(found.op[0], rel=1e-3)


def test_a_slope_that_is_0_at_the_rest_is_0() -> None:
    """W stops 1e-14 short of it, where a friction of 1e-30 would make an integrator leak."""
    found = causalopt.frequency(causalopt.load("cart_pole"), frequencies=[1e-6])
    assert found.worlds.step.origin.kind == "rest"
    assert found.ends.comp[0] == pytest.approx(found.comp[0], rel=1e-3)

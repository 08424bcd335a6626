"""Comp and Op over frequencies: what a run shows, statuses, units, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import causalopt
from causalopt import Model, QuestionError, UnknownNameError
from causalopt.frequencies.frequency_gains import FREQUENCY_STATUSES
from tests.frequencies.loops import RandomLinear, proportional


def amplitudes(loop: RandomLinear, omega: float, length: int) -> tuple[complex, complex]:
    """DFT of x - w and y - w at one frequency, simulated by plain recursion of the deviations."""
    size = len(loop.slopes[0])
    found = []
    lead = 4000
    for held in (frozenset(), frozenset({1})):
        x = np.zeros((lead + length, size))
        for t in range(2, lead + length):
            for i in range(size):
                if i in held:
                    continue
                x[t, i] = (
                    loop.slopes[0][i] @ x[t]
                    + loop.slopes[1][i] @ x[t - 1]
                    + loop.slopes[2][i] @ x[t - 2]
                    + (math.cos(omega * t) if i == 0 else 0.0)
                )
        turned = np.exp(-1j * omega * np.arange(lead, lead + length))
        found.append(complex(2 * np.mean(x[lead:, -1] * turned)))
    return found[0], found[1]


@given(seed=st.integers(0, 10_000), cycles=st.integers(1, 49))
@settings(max_examples=15, deadline=None)
def test_comp_is_the_long_run_s_ratio_of_amplitudes(seed: int, cycles: int) -> None:
    loop = RandomLinear(seed, size=4)
    omega = 2 * math.pi * cycles / 100
    found = causalopt.frequency(loop.model, frequencies=[omega])
    x, y = amplitudes(loop, omega, 100)
    scale = max(abs(x), abs(y), 1e-3)
    assert found.total[0] == pytest.approx(x, abs=1e-8 * scale)
    assert found.direct[0] == pytest.approx(y, abs=1e-8 * scale)
    if abs(y) > 1e-6 and found.status[0] == "ok":
        assert found.comp[0] == pytest.approx(x / y, rel=1e-6)


def test_a_run_in_the_package_s_worlds_shows_it() -> None:
    """Nudges of a sinusoid at every step, X and Y as `world` makes them."""
    model = causalopt.load("thermostat")
    omega, last = 2 * math.pi / 100, 6000
    nudges = [causalopt.Nudge(f"R[{t}]", math.cos(omega * t)) for t in range(1, last + 1)]
    w = causalopt.world(model, steps=last)
    assert isinstance(w, causalopt.World)
    x = causalopt.world(model, *nudges, steps=last)
    y = causalopt.world(model, *nudges, causalopt.Replace("T", w), steps=last)
    turned = np.exp(-1j * omega * np.arange(last - 999, last + 1))
    found = causalopt.frequency(model, frequencies=[omega])
    above, below = (
        np.mean((np.asarray(v["R"]) - np.asarray(w["R"]))[-1000:] * turned) for v in (x, y)
    )
    assert found.comp[0] == pytest.approx(above / below, rel=1e-3)


@pytest.mark.parametrize("delay", [0, 1, 7])
def test_both_responses_are_scipy_s(delay: int) -> None:
    a, k = 0.9, 0.05
    found = causalopt.frequency(proportional(a, k, delay))
    bottom = np.zeros(delay + 2)
    bottom[:2] = 1, -a
    closed = bottom.copy()
    closed[delay + 1] += k
    for ours, denominator in ((found.total, closed), (found.direct, bottom)):
        _, theirs = scipy.signal.freqz([1.0], denominator, worN=found.gains.omega)
        assert ours == pytest.approx(theirs, rel=1e-10)


def test_integral_control_is_perfect_at_frequency_0_and_nowhere_else() -> None:
    for name in ("pid_loop", "pid_controller", "thermostat", "adaptation", "chemotaxis"):
        found = causalopt.frequency(causalopt.load(name), frequencies=[0.0, 1e-6, 1.0])
        assert found.status.tolist() == ["perfect", "ok", "ok"], name
        assert found.op[0] == np.inf
        assert found.comp[0] == 0
        assert found.ends.status[0] == "perfect"


def test_proportional_control_leaves_its_share_at_frequency_0() -> None:
    """1 - a of 1 - a + k."""
    found = causalopt.frequency(proportional(0.9, 0.3, 0), frequencies=[0, math.pi])
    assert found.comp == pytest.approx([0.1 / 0.4, 1.9 / 1.6], rel=1e-15)
    assert found.gains.op_error.tolist() == [0, 0]


def test_a_disturbance_s_own_memory_cancels() -> None:
    """A step at n is a nudge of an integrator: both gains are infinite at 0, their ratio is not."""
    model = Model(
        name="steps",
        variables={
            "d": {"rule": "d[t-1]", "initial": 0},
            "x": {"rule": "0.5*x[t-1] + d[t-1] - 0.3*u[t-1]", "initial": 0},
            "u": {"rule": "x[t]"},
        },
    )
    found = causalopt.frequency(model, nudge="d", hold="u", target="x", frequencies=[0, 1e-4])
    assert found.comp[0] == pytest.approx(0.5 / 0.8)
    assert found.comp[1] == pytest.approx(0.5 / 0.8, rel=1e-3)
    assert found.status.tolist() == ["ok", "ok"]


def test_feedforward_that_takes_away_all_is_perfect_at_all_frequencies() -> None:
    model = Model(
        name="forward",
        variables={
            "d": {"rule": "0.5*d[t-1]", "initial": 0},
            "u": {"rule": "0.1*d[t]"},
            "x": {"rule": "0.3*x[t-1] + 0.1*d[t-1] - u[t-1]", "initial": 0},
        },
    )
    found = causalopt.frequency(model, nudge="d", hold="u", target="x")
    assert set(found.status) == {"perfect"}
    assert (found.op == np.inf).all()
    assert "perfect at all" in repr(found)


def test_feedforward_in_irrational_numbers_is_unresolved_with_a_bound() -> None:
    """sqrt(2)^2 - 2 is 4e-16 in floats and 0 in truth: no claim is made."""
    model = Model(
        name="forward",
        parameters={"a": "sqrt(2)"},
        variables={
            "d": {"rule": "0.5*d[t-1]", "initial": 0},
            "u": {"rule": "a*a*d[t]"},
            "x": {"rule": "0.3*x[t-1] + 2*d[t-1] - u[t-1]", "initial": 0},
        },
    )
    found = causalopt.frequency(model, nudge="d", hold="u", target="x", frequencies=[0.5])
    assert found.status.tolist() == ["unresolved"]
    assert found.gains.total_error[0] >= abs(found.total[0])


def test_a_alone_carries_it_where_nothing_else_does() -> None:
    model = Model(
        name="conduit",
        variables={
            "d": {"rule": "0.5*d[t-1]", "initial": 0},
            "u": {"rule": "d[t]"},
            "x": {"rule": "0.3*x[t-1] + u[t-1]", "initial": 0},
        },
    )
    found = causalopt.frequency(model, nudge="d", hold="u", target="x")
    assert set(found.status) == {"only_path"}
    assert (found.op == -np.inf).all()
    held = causalopt.frequency(model, nudge="d", hold="u", target="u")
    assert set(held.status) == {"held"}
    none = causalopt.frequency(model, nudge="x", hold="u", target="d")
    assert set(none.status) == {"no_influence"}
    assert np.isnan(none.op).all()
    for one in (found, held, none):
        json.dumps(one.to_dict(), allow_nan=False)


def test_a_resonance_on_the_circle_is_nonfinite() -> None:
    """z^2 + 1 closed: at omega = pi the pole -1 of x(t) = -x(t-1)."""
    found = causalopt.frequency(proportional(0.5, 1.5, 0), frequencies=[1.0, math.pi])
    assert found.status.tolist() == ["ok", "nonfinite"]
    assert found.op[1] == -np.inf
    assert found.stability["total"] == "marginal"
    assert found.margins is not None
    assert found.margins.peak == np.inf
    assert found.margins.gain_margin == np.inf or found.margins.gain_margin >= 1


def test_gradient_ascent_is_unstable_and_says_so() -> None:
    """amplifier: Comp = (z - 1) / (z - 1.1), whose pole grows by a tenth a step."""
    found = causalopt.frequency(causalopt.load("amplifier"), frequencies=[0.5, 2.0])
    z = np.exp(1j * found.gains.omega)
    assert found.comp == pytest.approx((z - 1) / (z - 1.1))
    assert set(found.status) == {"unstable"}
    assert found.waterbed is not None
    assert found.waterbed.mean_op == pytest.approx(math.log(1.1))


def test_a_loop_without_dynamics_has_one_gain_at_all_frequencies() -> None:
    model = Model(
        name="flat",
        variables={
            "d": {"noise": "normal(0,1)"},
            "u": {"rule": "0.75*d[t]"},
            "e": {"rule": "d[t] - u[t]"},
        },
    )
    found = causalopt.frequency(model, nudge="d", hold="u", target="e")
    assert found.comp == pytest.approx(np.full(len(found.comp), 0.25))
    assert found.stability["total"] == "stable"
    assert "no pole of its own" in repr(found)


def test_frequencies_per_time_are_those_per_step_by_dt() -> None:
    model = causalopt.load("chemotaxis")
    steps = causalopt.frequency(model, frequencies=[0.01, 0.1])
    times = causalopt.frequency(model, frequencies=[0.1, 1.0], per="time")
    assert times.op == pytest.approx(steps.op)
    assert times.frequency == pytest.approx([0.1, 1.0])
    assert times.unit == "rad/time unit"
    assert times.dataset.hertz.values == pytest.approx(np.array([0.1, 1.0]) / (2 * math.pi))
    a, b = (json.loads(json.dumps(one.to_dict()["margins"])) for one in (steps, times))
    assert b["delay_margin"] == pytest.approx(0.1 * a["delay_margin"])
    assert b["bandwidth"] == pytest.approx(10 * a["bandwidth"])


def test_as_dt_goes_to_0_the_response_is_that_of_the_flow() -> None:
    """dx/dtime = -x - u + d, u = 4 x: Comp = (s + 1) / (s + 5) at s = i omega."""
    model = Model(
        name="flow",
        variables={
            "d": {"flow": "0", "initial": 0},
            "x": {"flow": "-x - u + d", "initial": 0},
            "u": {"algebraic": "4*x"},
        },
        dt=0.001,
        method="rk4",
    )
    found = causalopt.frequency(
        model, nudge="d", hold="u", target="x", frequencies=[0.1, 1, 10], per="time"
    )
    s = 1j * found.frequency
    assert found.comp == pytest.approx((s + 1) / (s + 5), rel=1e-4)


def test_a_model_with_arrays_is_asked_of_one_element() -> None:
    model = Model(
        name="arrays",
        sizes={"i": 2},
        variables={
            "x": {"shape": ["i"], "rule": "0.5*x[t-1] - 0.2*u[t-1]", "initial": 0},
            "u": {"shape": ["i"], "rule": "x[t]"},
        },
    )
    found = causalopt.frequency(
        model, nudge="x[0, i=1]", hold="u", target="x[i=1]", frequencies=[0.4]
    )
    z = np.exp(0.4j)
    assert found.comp[0] == pytest.approx((z - 0.5) / (z - 0.3))


def test_the_default_grid_ends_at_the_nyquist_frequency() -> None:
    found = causalopt.frequency(causalopt.load("pid_loop"))
    assert found.gains.omega[-1] == math.pi
    assert (np.diff(found.gains.omega) > 0).all()
    moves = np.abs(np.diff(np.log(found.comp)))
    assert moves.max() < 0.3


def test_the_dataset_is_labelled_and_kept(tmp_path: object) -> None:
    import xarray

    found = causalopt.frequency(causalopt.load("thermostat"), frequencies=[0.01, 0.1])
    dataset = found.dataset
    assert dataset.op.attrs["units"] == "nat"
    assert dataset.frequency.attrs["units"] == "rad/step"
    assert dataset.attrs["phase_margin"] == pytest.approx(89.14, abs=0.01)
    assert dataset.attrs["stability_direct"] == "marginal"
    found.save(f"{tmp_path}/kept.nc")
    with xarray.open_dataset(f"{tmp_path}/kept.nc", engine="h5netcdf") as kept:
        assert kept.op.values.tolist() == found.op.tolist()
        assert kept.status.values.tolist() == ["ok", "ok"]


def test_every_status_is_told_what_it_means() -> None:
    assert set(causalopt.STATUSES) - set(FREQUENCY_STATUSES) == {"diverged"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frequencies": []}, "1 to 1,000,000 numbers, found 0"),
        ({"frequencies": [4.0]}, "between 0 and the Nyquist frequency pi/dt = 3.14159"),
        ({"frequencies": [-0.1]}, "found -0.1"),
        ({"frequencies": [math.nan]}, "found nan"),
        ({"per": "hertz"}, "'step' or 'time'"),
        ({"nudge": "T"}, "nudge is made in B"),
        ({"hold": "T[t<=10]"}, "hold whole variables"),
        ({"nudge": "Q"}, "Q"),
        ({"target": "Q"}, "Q"),
        ({"steps": -1}, None),
    ],
)
def test_wrong_input_is_one_message(changes: dict[str, Any], message: str | None) -> None:
    model = causalopt.load("thermostat")
    if message is None:
        causalopt.frequency(model, **changes)  # a linear model is not run
        return
    with pytest.raises((QuestionError, UnknownNameError), match=message):
        causalopt.frequency(model, **changes)


@pytest.mark.parametrize(
    ("name", "message"),
    [("amortized", "no time, and so no frequencies"), ("thermostat_dumb", "takes labels")],
)
def test_models_of_other_kinds_are_refused(name: str, message: str) -> None:
    model = causalopt.load(name)
    asked: Any = (
        {} if model.question.nudge else {"nudge": "room", "hold": "thermostat", "target": "room"}
    )
    with pytest.raises(QuestionError, match=message):
        causalopt.frequency(model, **asked)


def test_a_whole_number_between_n_and_m_is_refused() -> None:
    model = Model(
        name="whole",
        variables={
            "x": {"rule": "0.5*x[t-1] - u[t-1]", "initial": 0},
            "u": {"rule": "floor(x[t])", "domain": "-9..9"},
        },
    )
    with pytest.raises(QuestionError, match="whole numbers"):
        causalopt.frequency(model, nudge="x", hold="u", target="x")


def test_the_phase_of_l_is_followed_between_frequencies_far_apart() -> None:
    """L = k z^-7 / (z - 1) turns from -90 degrees by 7.5 half turns."""
    found = causalopt.frequency(proportional(1.0, 0.01, 7), frequencies=[1e-3, math.pi])
    assert found.loop_phase == pytest.approx([-90 - math.degrees(7.5e-3), -180 - 7 * 180])


def test_a_span_of_all_steps_is_the_variable_at_every_step() -> None:
    model = causalopt.load("pid_loop")
    one = causalopt.frequency(model, frequencies=[0.01, 0.5])
    for nudge in ("outside", "outside[0]", "outside[t>=0]", "2*outside[t>=0]", ["outside[t>=0]"]):
        other = causalopt.frequency(model, nudge=nudge, frequencies=[0.01, 0.5])
        assert other.op == pytest.approx(one.op, rel=1e-12)


def test_several_nodes_follow_one_sinusoid() -> None:
    """n = 2 a - b into x(t) = a(t-1) + b(t-2) - k u: 2/z - 1/z^2 over the loop."""
    model = Model(
        name="sum",
        variables={
            "a": {"rule": "0", "initial": 0},
            "b": {"rule": "0", "initial": 0},
            "x": {"rule": "0.5*x[t-1] + a[t-1] + b[t-1]/4 - 0.2*u[t-1]", "initial": 0},
            "u": {"rule": "x[t] + b[t]"},
        },
        partition={"A": ["u"]},
    )
    found = causalopt.frequency(model, nudge="2*a[t>=0] - b[t>=0]", target="x", frequencies=[0.4])
    z = np.exp(0.4j)
    assert found.total[0] == pytest.approx((1.75 + 0.2) / z / (1 - 0.3 / z))
    assert found.direct[0] == pytest.approx(1.75 / z / (1 - 0.5 / z))


def test_a_parameter_is_nudged_about_the_state_of_rest() -> None:
    """The set point of a room: error = goal - room, both in the controller and in what is lost."""
    model = causalopt.load("pid_loop")
    goal = causalopt.frequency(model, nudge="goal", hold="integral", frequencies=[0.0, 0.3])
    z = np.exp(0.3j)
    pd, loss = 0.3 + 0.1 * (1 - 1 / z), 0.02
    pid = pd + 0.02 / (1 - 1 / z)
    for gain, found in ((pid, goal.total[1]), (pd, goal.direct[1])):
        # room = room/z (1 - loss) + gain * error / z, error = goal - room/z
        assert found == pytest.approx(gain / z / (1 - (1 - loss) / z + gain / z**2))


def test_what_is_measured_may_be_an_expression() -> None:
    model = causalopt.load("pid_loop")
    one = causalopt.frequency(model, target="room", frequencies=[0.2])
    two = causalopt.frequency(model, target="goal - 3*room", frequencies=[0.2])
    assert two.total[0] == pytest.approx(-3 * one.total[0])
    assert two.comp[0] == pytest.approx(one.comp[0])

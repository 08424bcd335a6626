"""Margins beside python-control and beside loops that are solved on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

import causalopt
from causalopt import Model
from causalopt.frequencies.loop_margins import loop_margins
from tests.frequencies.loops import ScalarLoop, control, proportional


def crossings(pairs: list[tuple[float, float]]) -> np.ndarray:
    return np.array(sorted(pairs)).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(40))
def test_crossovers_and_margins_are_python_control_s(seed: int) -> None:
    loop = ScalarLoop(seed)
    margins = causalopt.frequency(loop.model, frequencies=[1.0]).margins
    assert margins is not None
    gain = loop.plant * loop.controller
    factors, phases, _, at_phase, at_gain, _ = control.stability_margins(gain, returnall=True)
    theirs = [(w, g) for w, g in zip(at_phase, factors, strict=True) if g < 1e9 and w < math.pi]
    ours = [(c.omega, c.margin) for c in margins.phase_crossovers]
    # python-control leaves out the Nyquist frequency, where L is real too.
    nyquist = [pair for pair in ours if pair[0] == math.pi]
    end = complex(gain(-1)).real
    assert [m for _, m in nyquist] == pytest.approx([-1 / end] if end < 0 else [])
    ours = [pair for pair in ours if pair not in nyquist and pair[1] < 1e9]
    assert crossings(ours) == pytest.approx(crossings(theirs), rel=1e-5, abs=1e-6)
    ours = [(c.omega, math.degrees(c.margin)) for c in margins.gain_crossovers]
    theirs = list(zip(at_gain, phases, strict=True))
    assert crossings(ours) == pytest.approx(crossings(theirs), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_the_peak_is_python_control_s_norm(seed: int) -> None:
    loop = ScalarLoop(seed)
    sensitivity = control.feedback(1, loop.plant * loop.controller)
    margins = causalopt.frequency(loop.model, frequencies=[1.0]).margins
    assert margins is not None
    expected = control.system_norm(sensitivity, "inf", tol=1e-9)
    assert margins.peak == pytest.approx(expected, rel=1e-6)
    at_peak = complex(sensitivity(np.exp(1j * margins.peak_omega)))
    assert abs(at_peak) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("a", "k"), [(0.5, 0.3), (0.8, 0.6), (0.9, 1.2)])
def test_a_first_order_lag_under_proportional_control(a: float, k: float) -> None:
    """L = k / (z - a): -k / (1 + a) at the Nyquist frequency; |L| = 1 where |z - a| = k."""
    margins = causalopt.frequency(proportional(a, k, 0), frequencies=[1.0]).margins
    assert margins is not None
    assert margins.gain_margin == pytest.approx((1 + a) / k)
    cosine = (1 + a * a - k * k) / (2 * a)
    if abs(cosine) < 1:
        omega = math.acos(cosine)
        phase = math.pi - np.angle(np.exp(1j * omega) - a)
        assert margins.gain_crossovers[0].omega == pytest.approx(omega)
        assert margins.phase_margin == pytest.approx(phase)
        assert margins.delay_margin == pytest.approx(phase / omega)
    # |Comp| = |z - a| / |z - a + k| is largest at the Nyquist frequency.
    assert margins.peak == pytest.approx((1 + a) / abs(1 + a - k))
    assert margins.peak_omega == pytest.approx(math.pi)


@pytest.mark.parametrize("delay", [1, 2, 5, 10])
def test_an_integrator_behind_a_dead_time_bears_a_quarter_turn(delay: int) -> None:
    """L = k z^-delay / (z - 1): L is negative at pi / (2 delay + 1), where |z - 1| = 2 sin(w/2)."""
    k = 0.02
    margins = causalopt.frequency(proportional(1.0, k, delay), frequencies=[1.0]).margins
    assert margins is not None
    omega = math.pi / (2 * delay + 1)
    first = margins.phase_crossovers[0]
    assert (first.omega, first.margin) == pytest.approx((omega, 2 * math.sin(omega / 2) / k))
    assert margins.gain_margin == first.margin
    crossover = 2 * math.asin(k / 2)
    phase = math.pi / 2 - crossover * (delay + 0.5)
    assert margins.phase_margin == pytest.approx(phase)
    assert margins.delay_margin == pytest.approx(phase / crossover)
    # For small steps: (pi/2) / k, the dead time of which an integrator becomes unstable.
    total = margins.delay_margin + delay
    assert total == pytest.approx(math.pi / 2 / k, rel=0.02)


def test_the_delay_margin_is_the_delay_at_which_the_loop_is_unstable() -> None:
    k = 0.3
    margins = causalopt.frequency(proportional(1.0, k, 0), frequencies=[1.0]).margins
    assert margins is not None
    least = math.floor(margins.delay_margin)
    for delay, expected in ((least, "stable"), (least + 1, "unstable")):
        found = causalopt.frequency(proportional(1.0, k, delay), frequencies=[1.0])
        assert found.stability["total"] == expected


def test_the_gain_margin_is_the_gain_at_which_the_loop_is_unstable() -> None:
    loop = causalopt.load("pid_loop")
    margins = causalopt.frequency(loop).margins
    assert margins is not None
    gains = {"kp": 0.3, "ki": 0.02, "kd": 0.1}
    for factor, expected in ((0.999, "stable"), (1.001, "unstable")):
        scaled = {name: v * factor * margins.gain_margin for name, v in gains.items()}
        found = causalopt.frequency(loop, parameters=scaled, frequencies=[1.0])
        assert found.stability["total"] == expected


def test_a_double_integrator_under_proportional_control_has_no_phase_to_spare() -> None:
    """L = k / (z - 1)^2 has a phase beyond -180 degrees throughout: it is unstable."""
    model = Model(
        name="double",
        parameters={"k": 0.01},
        variables={
            "v": {"rule": "v[t-1] + u[t-1]", "initial": 0},
            "x": {"rule": "x[t-1] + v[t-1]", "initial": 0},
            "u": {"rule": "-k*x[t]"},
        },
        partition={"A": ["u"]},
    )
    found = causalopt.frequency(model, nudge="v", target="x", frequencies=[0.05])
    k = 0.01
    z = np.exp(0.05j)
    assert found.loop[0] == pytest.approx(k / (z - 1) ** 2)
    crossover = 2 * math.asin(math.sqrt(k) / 2)
    assert found.margins is not None
    assert found.margins.gain_crossovers[0].omega == pytest.approx(crossover)
    # arg (z - 1)^2 = pi + omega, so that the margin is minus omega.
    assert found.margins.phase_margin == pytest.approx(-crossover)
    # Lag is what it has too much of: nearly a whole turn more brings L to -1.
    assert found.margins.delay_margin == pytest.approx((2 * math.pi - crossover) / crossover)
    assert found.stability["total"] == "unstable"
    assert "no reserves" in repr(found)


def test_the_bandwidth_is_where_a_removes_half_the_power() -> None:
    """|z - 1|^2 = |z - 1 + k|^2 / 2 for an integrator: cos omega in closed form."""
    k = 0.2
    margins = causalopt.frequency(proportional(1.0, k, 0), frequencies=[1.0]).margins
    assert margins is not None
    b = 1 - k
    cosine = (1 - (1 + b * b) / 4) / (1 - b / 2)
    assert margins.bandwidth == pytest.approx(math.acos(cosine))


def test_a_narrow_resonance_is_not_missed() -> None:
    """A pole 1e-6 inside the circle: its peak is 1e6 times as wide as the step between points."""
    radius, angle = 1 - 1e-6, 1.234567
    model = Model(
        name="narrow",
        parameters={"p": 2 * radius * math.cos(angle), "q": radius**2},
        variables={
            "x": {"rule": "u[t-1]", "initial": [0, 0]},
            "u": {"rule": "p*x[t] - q*x[t-1]", "initial": 0},
        },
        partition={"A": ["u"]},
    )
    found = causalopt.frequency(model, nudge="x", target="x")
    z = np.exp(1j * angle)
    expected = 1 / abs(1 - 2 * radius * math.cos(angle) / z + radius**2 / z**2)
    assert found.margins is not None
    assert found.margins.peak == pytest.approx(expected, rel=1e-4)
    assert found.margins.peak_omega == pytest.approx(angle, abs=1e-6)
    assert np.abs(found.comp).max() > 0.9 * expected


def test_a_loop_without_gain_has_no_margins_to_state() -> None:
    found = causalopt.frequency(causalopt.load("free_decay"))
    assert (found.op == 0).all()
    assert not np.signbit(found.op).any()
    assert "margin" not in repr(found)


def test_an_integrator_s_infinite_gain_at_rest_is_no_margin() -> None:
    """Comp is 0 at frequency 0; where floats leave a small negative number L is no -4e15."""

    def comp(omega: np.ndarray) -> np.ndarray:
        z = np.exp(1j * omega)
        with np.errstate(all="ignore"):
            found = 1 / (1 + 0.1 * z / (z - 1) * 0.2 / (z - 0.8))
        return np.where(omega == 0, -2.6e-16, found)

    found = loop_margins(np.geomspace(1e-4, math.pi, 2000), comp)
    assert found.gain_reduction == 0
    assert all(c.omega > 0 for c in found.phase_crossovers)

"""Poles, zeros and stability, beside python-control, polynomials and loops known on paper."""

from __future__ import annotations

import numpy as np
import pytest

import causalopt
from causalopt import Model
from causalopt.errors import SizeError
from causalopt.frequencies.linear_step import linear_step
from causalopt.frequencies.state_space import realisation, spectrum
from causalopt.frequencies.transfer_system import TransferSystem
from tests.frequencies.loops import RandomLinear, ScalarLoop, control


def system(model: Model, nudge: str, hold: str, target: str, *, avoid: bool) -> TransferSystem:
    return TransferSystem(linear_step(model, nudge, model.selection(hold), target), avoid=avoid)


def same(some: np.ndarray, others: np.ndarray, within: float = 1e-6) -> bool:
    left = list(others)
    for one in some:
        distances = [abs(one - other) for other in left]
        if not distances or min(distances) > within:
            return False
        left.pop(int(np.argmin(distances)))
    return not left


@pytest.mark.parametrize("seed", range(40))
def test_poles_and_zeros_are_python_control_s(seed: int) -> None:
    loop = ScalarLoop(seed)
    found = causalopt.frequency(loop.model, frequencies=[1.0])
    shared = found.poles["shared"]
    for name, theirs in (("total", loop.closed), ("direct", loop.plant)):
        poles = theirs.minreal(1e-9).poles()
        ours = np.concatenate([found.poles[name], shared])
        assert same(ours, poles[np.abs(poles) > 1e-9])
        zeros = theirs.minreal(1e-9).zeros()
        zeros = zeros[np.abs(zeros) > 1e-9]  # those at 0 are left out
        assert all(np.abs(found.zeros[name] - zero).min() < 1e-6 for zero in zeros)


@pytest.mark.parametrize("seed", range(20))
def test_a_realisation_has_the_transfer_function(seed: int) -> None:
    loop = RandomLinear(seed)
    for avoid, held in ((False, frozenset()), (True, frozenset({1}))):
        one = system(loop.model, "x0", "x1", "x4", avoid=avoid)
        f, b, c, d = realisation(one)
        z = np.exp(0.8j)
        expected = loop.gain(0.8, held)
        assert d + c @ np.linalg.solve(z * np.eye(len(f)) - f, b) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(20))
def test_g_is_its_lead_its_zeros_and_its_poles(seed: int) -> None:
    """G(z) = lead * z^(poles - zeros - delay) * prod(z - zero) / prod(z - pole), anywhere."""
    loop = RandomLinear(seed)
    for avoid, held in ((False, frozenset()), (True, frozenset({1}))):
        found = spectrum(system(loop.model, "x0", "x1", "x4", avoid=avoid))
        if found.delay is None:
            assert loop.gain(0.8, held) == 0
            continue
        z = np.exp(0.8j)
        power = len(found.poles) - len(found.zeros) - found.delay
        product = np.prod(z - found.zeros) / np.prod(z - found.poles)
        assert found.lead * z**power * product == pytest.approx(loop.gain(0.8, held), rel=1e-5)


def test_an_integrator_beside_a_loop_stays_exactly_on_the_circle() -> None:
    found = causalopt.frequency(causalopt.load("pid_loop"), frequencies=[1.0])
    assert found.poles["shared"].tolist() == [1.0]
    # The plant alone loses 2 % a step.
    assert found.poles["direct"] == pytest.approx([0.98])
    assert found.stability == {"total": "stable", "direct": "stable", "shared": "marginal"}


def test_a_long_chain_of_delays_has_its_poles_at_0() -> None:
    """Eigenvalues of the whole chain would lie on a circle of radius 1e-16 ** (1/40) = 0.4."""
    model = Model(
        name="late",
        variables={
            "x": {"rule": "0.5*x[t-1]", "initial": 0},
            "y": {"rule": "x[t-40]", "initial": [0] * 40},
        },
    )
    found = spectrum(system(model, "x", "y", "y", avoid=False))
    assert sorted(set(found.poles.tolist()), key=abs) == [0, 0.5]
    assert found.delay == 40


@pytest.mark.parametrize(
    ("a", "k", "expected"),
    [
        (0.5, 0.2, ("stable", "stable")),
        (1.1, 0.4, ("stable", "unstable")),
        (1.0, 0.2, ("stable", "marginal")),
        (0.9, 1.9, ("marginal", "stable")),
        (0.9, 2.5, ("unstable", "stable")),
    ],
)
def test_the_stability_of_each_world_is_that_of_its_pole(
    a: float, k: float, expected: tuple[str, str]
) -> None:
    """x(t) = a x(t-1) - k x(t-1): the pole is a - k closed, and a cut."""
    from tests.frequencies.loops import proportional

    found = causalopt.frequency(proportional(a, k, 0), frequencies=[1.0])
    assert (found.stability["total"], found.stability["direct"]) == expected


def test_a_pair_on_the_circle_in_a_loop_is_marginal() -> None:
    """A rotation by 0.3 radians, whose eigenvalues are not exact floats."""
    c, s = np.cos(0.3), np.sin(0.3)
    model = Model(
        name="turn",
        parameters={"c": float(c), "s": float(s)},
        variables={
            "x": {"rule": "c*x[t-1] - s*y[t-1]", "initial": 0},
            "y": {"rule": "s*x[t-1] + c*y[t-1]", "initial": 0},
            "u": {"rule": "y[t]"},
        },
    )
    found = spectrum(system(model, "x", "u", "y", avoid=False))
    assert found.stability() == "marginal"
    assert np.abs(found.poles) == pytest.approx([1, 1])


def test_too_many_states_are_refused() -> None:
    model = Model(
        name="late",
        variables={"x": {"rule": "0.5*x[t-1] + 0.1*x[t-1300]", "initial": [0] * 1300}, "u": "x[t]"},
    )
    with pytest.raises(SizeError, match="1300 values"):
        causalopt.frequency(model, nudge="x", hold="u", target="x")


def test_python_control_agrees_where_the_open_loop_is_unstable() -> None:
    plant = control.tf([1], [1, -1.3], True)
    controller = control.tf([0.8], [1], True)
    from tests.frequencies.loops import proportional

    found = causalopt.frequency(proportional(1.3, 0.8, 0), frequencies=[0.5])
    truth = control.feedback(1, plant * controller)(np.exp(0.5j))
    assert found.comp[0] == pytest.approx(complex(truth))
    assert found.status.tolist() == ["unstable"]
    assert "A keeps stable" in repr(found)

"""Transfer functions beside one inverse of the whole, and their errors beside exact numbers."""

from __future__ import annotations

import time
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

import causalopt
from causalopt import Model
from causalopt.frequencies.hessenberg_form import HessenbergForm, solve_both
from causalopt.frequencies.linear_step import linear_step
from causalopt.frequencies.transfer_system import TransferSystem
from tests.frequencies.loops import RandomLinear

OMEGA = np.array([0.0, 1e-3, 0.3, 1.0, 2.5, np.pi])


@pytest.mark.parametrize("seed", range(30))
def test_both_worlds_are_one_inverse_of_the_whole_system(seed: int) -> None:
    loop = RandomLinear(seed)
    step = linear_step(loop.model, "x0", loop.model.selection("A"), "x4")
    for avoid, held in ((False, frozenset()), (True, frozenset({1}))):
        found = TransferSystem(step, avoid=avoid).gains(OMEGA).value
        expected = np.array([loop.gain(w, held) for w in OMEGA.tolist()])
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_the_error_covers_what_rounding_did(seed: int) -> None:
    """Nearly at a pole, where digits are lost: sizes and errors from 40 digits."""
    rng = np.random.default_rng(seed)
    close = Fraction(10**6 - 1, 10**6)
    cross = [Fraction(int(v), 1000) for v in rng.integers(1, 9, 2)]
    model = Model(
        name="close",
        variables={
            "a": {"rule": f"{float(close)}*a[t-1] + {float(cross[0])}*b[t-1]", "initial": 0},
            "b": {"rule": f"-{float(cross[1])}*a[t-1] + 0.7*b[t-1]", "initial": 0},
        },
    )
    step = linear_step(model, "a", model.selection("b"), "b")
    omega = np.array([1e-9, 1e-7, 1e-4])
    gains = TransferSystem(step, avoid=False).gains(omega)
    with mpmath.workdps(40):
        for k, w in enumerate(omega.tolist()):
            z = mpmath.expj(mpmath.mpf(w))
            p, q, r, s = (
                mpmath.mpf(v.numerator) / v.denominator for v in (close, *cross, Fraction(7, 10))
            )
            truth = -r / z / ((1 - p / z) * (1 - s / z) + q * r / z**2)
            error = float(abs(mpmath.mpc(complex(gains.value[k])) - truth))
            assert error <= gains.error[k]
            assert gains.error[k] <= 1e-6 * abs(truth)


def test_stages_and_algebraic_variables_are_no_unknowns() -> None:
    model = causalopt.load("chemotaxis")
    step = linear_step(model, "ligand", model.selection("A"), "activity")
    system = TransferSystem(step, avoid=False)
    assert len(model.template.equations) > 12
    assert system.size <= 5


def test_runge_kutta_s_step_is_the_polynomial_of_the_exact_flow() -> None:
    """dx/dtime = -x: one step is 1 - h + h^2/2 - h^3/6 + h^4/24, and the nudge is made after it."""
    model = Model(
        name="decay",
        variables={"x": {"flow": "-x", "initial": 1}, "y": {"rule": "x[t]"}},
        dt=0.5,
        method="rk4",
    )
    step = linear_step(model, "x", model.selection("y"), "x")
    factor = 1 - 0.5 + 0.125 - 0.125 / 6 + 0.0625 / 24
    found = TransferSystem(step, avoid=False).gains(np.array([0.7])).value[0]
    assert found == pytest.approx(1 / (1 - factor * np.exp(-0.7j)), rel=1e-14)


def test_a_dead_time_of_many_steps_is_one_unknown() -> None:
    model = Model(
        name="late",
        variables={
            "x": {"rule": "0.5*x[t-1] - 0.1*u[t-800]", "initial": [0] * 800},
            "u": {"rule": "x[t]"},
        },
    )
    step = linear_step(model, "x", model.selection("u"), "x")
    system = TransferSystem(step, avoid=False)
    assert system.size == 2
    z = np.exp(1j * OMEGA)
    assert system.gains(OMEGA).value == pytest.approx(1 / (1 - 0.5 / z + 0.1 * z**-800), rel=1e-11)


def wide(size: int) -> tuple[Model, np.ndarray]:
    """As many variables, each of which reads all a step ago; the largest pole has the size 0.9."""
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(size, size))
    matrix *= 0.9 / np.abs(np.linalg.eigvals(matrix)).max()
    rules = {
        f"x{i}": {
            "rule": " + ".join(f"({float(matrix[i, j])!r})*x{j}[t-1]" for j in range(size)),
            "initial": 0,
        }
        for i in range(size)
    }
    return Model(name="wide", variables=rules), matrix


def test_a_thousand_frequencies_of_a_hundred_states_take_less_than_a_second() -> None:
    model, matrix = wide(100)
    step = linear_step(model, "x0", model.selection("x1"), "x99")
    system = HessenbergForm(TransferSystem(step, avoid=False))
    omega = np.linspace(0.01, 3, 1000)
    start = time.process_time()
    found = system.gains(omega).value
    passed = time.process_time() - start
    z = np.exp(1j * omega[[0, 500, 999]])
    expected = [np.linalg.inv(np.eye(100) - matrix / one)[99, 0] for one in z]
    assert found[[0, 500, 999]] == pytest.approx(np.array(expected), rel=1e-9)
    assert passed < 2.0  # processor time, of two threads


@pytest.mark.parametrize("seed", range(10))
def test_both_ways_of_solving_agree_within_their_errors(seed: int) -> None:
    loop = RandomLinear(seed, size=9)
    step = linear_step(loop.model, "x0", loop.model.selection("A"), "x8")
    for avoid in (False, True):
        system = TransferSystem(step, avoid=avoid)
        one, other = system.gains(OMEGA), HessenbergForm(system).gains(OMEGA)
        assert (np.abs(one.value - other.value) <= one.error + other.error).all()
        assert (other.error <= 1e-9 * np.maximum(1, np.abs(one.value))).all()


def test_a_wide_model_is_answered_as_a_small_one_is() -> None:
    model, matrix = wide(60)
    found = causalopt.frequency(model, nudge="x0", hold="x1", target="x59", frequencies=[0.4])
    cut = matrix.copy()
    cut[1] = 0
    x, y = (np.linalg.inv(np.eye(60) - m * np.exp(-0.4j))[59, 0] for m in (matrix, cut))
    assert found.comp[0] == pytest.approx(x / y, rel=1e-10)


def test_a_chain_s_gain_is_the_product_of_its_links() -> None:
    k = sympy.Rational(3, 10)
    model = Model(
        name="chain",
        parameters={"k": "3/10"},
        variables={
            "a": {"rule": "k*a[t-1]", "initial": 0},
            "b": {"rule": "sqrt(2)*a[t-2]", "initial": [0, 0]},
        },
    )
    step = linear_step(model, "a", model.selection("b"), "b")
    z = np.exp(0.9j)
    expected = float(sympy.sqrt(2)) * z**-2 / (1 - float(k) / z)
    found = TransferSystem(step, avoid=False).gains(np.array([0.9])).value[0]
    assert found == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_hessenberg_systems_and_their_transposes_are_solved(size: int) -> None:
    """With and without an exchange of rows: entries below the diagonal are large and small."""
    rng = np.random.default_rng(size)
    h = np.triu(rng.normal(size=(size, size)), -1)
    h[np.arange(1, size, 2), np.arange(0, size - 1, 2)] *= 30
    b, c = rng.normal(size=(2, size))
    z = np.exp(1j * OMEGA)
    x, a = solve_both(h, z, b, c)
    for k, one in enumerate(z):
        system = one * np.eye(size) - h
        assert x[:, k] == pytest.approx(np.linalg.solve(system, b), rel=1e-10)
        assert a[:, k] == pytest.approx(np.linalg.solve(system.T, c), rel=1e-10)


def test_the_error_covers_the_rounding_of_a_long_dead_time() -> None:
    """omega * lag is rounded in units of its own last place, which is 1e-13 of a turn here."""
    model = Model(
        name="late",
        variables={"x": {"rule": "0.5*x[t-1] - 0.4*x[t-900]", "initial": [0] * 900}, "u": "x[t]"},
    )
    step = linear_step(model, "x", model.selection("u"), "x")
    omega = np.linspace(0.1, 3.1, 61)
    gains = TransferSystem(step, avoid=False).gains(omega)
    with mpmath.workdps(30):
        for k, w in enumerate(omega.tolist()):
            z = mpmath.expj(mpmath.mpf(w))
            # 0.4 is the float nearest to it.
            truth = 1 / (1 - mpmath.mpf("0.5") / z + mpmath.mpf(0.4) * z**-900)
            assert abs(mpmath.mpc(complex(gains.value[k])) - truth) <= gains.error[k]

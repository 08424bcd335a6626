"""Frequency response, steady state, rates and stability, against numpy and quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from causalopt.symbolic.asymptotics import inside_unit_circle
from causalopt.symbolic.deadline import Deadline
from causalopt.symbolic.frequency import OMEGA
from causalopt.symbolic.linear import solve_linear
from causalopt.symbolic.linear_template import Holding, LinearQuestion, LinearTemplate
from causalopt.symbolic.resolvent import Z
from tests.symbolic.strategies import K, P, questions

ROOM = LinearTemplate(
    ("R", "T"), {(1, 0, 1): sympy.S(1), (0, 1, 1): -K, (0, 0, 1): sympy.S(1)}, (K,)
)
HELD = LinearQuestion(0, 0, Holding((), frozenset({1})))
few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
AT = {P: sympy.Rational(2, 3), K: sympy.Rational(-3, 4)}


def resolvent_entry(template: LinearTemplate, question: LinearQuestion, z: complex, *, hold: bool):
    """[(1 - M(z))^-1]_mn in floats."""
    size = len(template.names)
    matrix = np.eye(size, dtype=complex)
    for (i, j, lag), c in template.edges.items():
        if not (hold and i in question.holding.final):
            matrix[i, j] -= complex(sympy.sympify(c).subs(AT)) * z**-lag
    return np.linalg.inv(matrix)[question.target, question.nudged]


@few
@given(questions(), st.floats(0.1, 3.0))
def test_comp_of_z_is_the_ratio_of_resolvent_entries(asked, omega) -> None:
    template, question = asked
    question = LinearQuestion(
        question.nudged, question.target, Holding((), question.holding.final), 3
    )
    template = LinearTemplate(template.names, template.edges, template.parameters)
    response = solve_linear(template, question).sensitivity()
    z = complex(math.cos(omega), math.sin(omega)) * 1.5
    direct = resolvent_entry(template, question, z, hold=True)
    if response is None:
        assert abs(direct) < 1e-12
        return
    assume(abs(direct) > 1e-6)
    found = complex(response.comp.subs(AT).subs(Z, z).evalf())
    expected = resolvent_entry(template, question, z, hold=False) / direct
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("k", ["1/100", "1/2", "3/2"])
def test_the_mean_of_op_over_all_frequencies_follows_the_waterbed_law(k: str) -> None:
    response = solve_linear(ROOM, HELD).sensitivity()
    gain = sympy.Rational(k)
    op = sympy.lambdify(OMEGA, response.op.subs(K, gain))
    mean = quad(op, 0, np.pi, limit=400)[0] / np.pi
    assert response.waterbed({K: gain}) == pytest.approx(mean, abs=1e-8)
    # No unstable pole is held open; the closed loop's own roots leave the circle only for k > 1.
    assert response.waterbed({K: gain}) == pytest.approx(max(0.0, math.log(gain)), abs=1e-12)


def test_the_waterbed_charges_for_an_unstable_plant() -> None:
    a, g = sympy.Rational(3, 2), sympy.Rational(1)
    loop = LinearTemplate(("x", "u"), {(0, 0, 1): a, (0, 1, 1): sympy.S(1), (1, 0, 0): -g}, ())
    response = solve_linear(loop, LinearQuestion(0, 0, Holding((), frozenset({1})))).sensitivity()
    # Bode: the mean of ln |S| is the sum of ln |p| over the plant's unstable poles, here ln 3/2.
    assert response.waterbed({}) == pytest.approx(-math.log(1.5))


@pytest.mark.parametrize("k", ["1/100", "1/2", "9/10"])
def test_the_peak_is_that_of_a_fine_grid(k: str) -> None:
    response = solve_linear(ROOM, HELD).sensitivity()
    z = np.exp(1j * np.linspace(0, np.pi, 200_001))
    grid = np.abs((z * z - z) / (z * z - z + float(sympy.Rational(k))))
    peak = response.peak({K: sympy.Rational(k)})
    assert peak.comp == pytest.approx(grid.max(), rel=1e-8)
    assert peak.omega == pytest.approx(np.linspace(0, np.pi, 200_001)[grid.argmax()], abs=1e-4)
    assert peak.op == pytest.approx(-math.log(grid.max()))


def test_a_loop_on_the_edge_of_stability_has_an_infinite_peak() -> None:
    assert solve_linear(ROOM, HELD).sensitivity().peak({K: sympy.S(1)}).comp == math.inf


def test_proportional_control_has_steady_state_op_ln_of_one_plus_gain() -> None:
    gain = sympy.Symbol("K")
    # x = d + u at once, u = -K x one step back.
    loop = LinearTemplate(
        ("d", "u", "x"),
        {(0, 0, 1): sympy.S(1), (2, 0, 0): sympy.S(1), (2, 1, 0): sympy.S(1), (1, 2, 1): -gain},
        (gain,),
    )
    solution = solve_linear(loop, LinearQuestion(0, 2, Holding((), frozenset({1}))))
    total, direct = solution.asymptotics(Deadline.after(10))
    assert sympy.simplify(direct.limit / total.limit - (1 + gain)) == 0
    assert set(total.stable) == {1 - gain > 0, gain + 1 > 0}


@few
@given(questions())
def test_rates_are_those_of_the_companion_matrix(asked) -> None:
    template, question = asked
    template = LinearTemplate(template.names, template.edges, template.parameters)
    solution = solve_linear(template, LinearQuestion(question.nudged, question.target, Holding()))
    total, _ = solution.asymptotics(Deadline.after(10))
    size, depth = len(template.names), template.depth
    # The resolvent's poles: no pole of the entry lies outside the companion matrix's spectrum.
    instant = np.eye(size)
    lags = [np.zeros((size, size)) for _ in range(depth)]
    for (i, j, lag), c in template.edges.items():
        number = float(sympy.sympify(c).subs(AT))
        if lag:
            lags[lag - 1][i, j] += number
        else:
            instant[i, j] -= number
    first = np.hstack([np.linalg.solve(instant, m) for m in lags])
    rest = np.eye(size * (depth - 1), size * depth)
    moduli = np.abs(np.linalg.eigvals(np.vstack([first, rest])))
    radius = total.radius_at(AT)
    assert radius == 0 or np.min(np.abs(moduli - radius)) < 1e-5
    assert radius <= moduli.max() + 1e-5


def test_the_thermostats_rate_is_minus_ln_of_its_larger_root() -> None:
    k = 0.01
    rate = solve_linear(ROOM, HELD).rate({K: sympy.Rational(1, 100)})
    assert rate == pytest.approx(-math.log((1 + math.sqrt(1 - 4 * k)) / 2), rel=1e-12)


@few
@given(st.lists(st.integers(-8, 8), min_size=1, max_size=4))
def test_stability_conditions_hold_just_when_all_roots_lie_inside(tail) -> None:
    coefficients = [sympy.S(1), *(sympy.Rational(c, 4) for c in tail)]
    largest = max(np.abs(np.roots([float(c) for c in coefficients])), default=0.0)
    assume(abs(largest - 1) > 1e-3)
    poly = sympy.Poly(coefficients, Z)
    held = all(bool(relation) for relation in inside_unit_circle(poly))
    assert held == (largest < 1)

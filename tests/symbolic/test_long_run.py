"""Frequency response, steady state, rates and stability, against numpy and quadrature."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from causalopt import Model, load
from causalopt.symbolic.asymptotics import asymptotics, inside_unit_circle
from causalopt.symbolic.deadline import Deadline
from causalopt.symbolic.derive import derive
from causalopt.symbolic.far_step import effect_after, effect_in_digits
from causalopt.symbolic.frequency import OMEGA, Peak, Sensitivity
from causalopt.symbolic.linear import solve_linear
from causalopt.symbolic.linear_template import Holding, LinearQuestion, LinearTemplate
from causalopt.symbolic.resolvent import Response, Z, coefficient_field
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
    holding = Holding((), question.holding.final)
    question = LinearQuestion(question.nudged, question.target, holding, 3)
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
    # The effect itself shrinks or grows by that factor, but for a power of the step.
    late = [abs(effect_after(solution.total.response.subs(AT), s)) for s in range(290, 300)]
    grown = max(float(sympy.log(u) / 295) if u else -math.inf for u in late)
    assert radius == pytest.approx(math.exp(grown), rel=0.1)


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


@pytest.mark.parametrize(
    ("roots", "is_stable"),
    [
        # Left of the axis, and a pair right of it behind one or two far on the left: then every
        # coefficient is positive, and only Hurwitz's minors tell.
        ([-1, -2, -3], True),
        ([-1, -1 + 2j, -1 - 2j], True),
        ([-9, 0.25 + 4j, 0.25 - 4j], False),
        ([-1, -2, -3, -4], True),
        ([-9, -9, 0.25 + 2j, 0.25 - 2j], False),
        ([-9, -1, 0.25 + 8j, 0.25 - 8j], False),
        ([-1 + 1j, -1 - 1j, 0.25 + 2j, 0.25 - 2j], False),
    ],
)
def test_hurwitz_minors_tell_what_positive_coefficients_do_not(roots, is_stable: bool) -> None:
    n = len(roots)
    coefficients = [sympy.nsimplify(sympy.Float(c.real, 12), rational=True) for c in np.poly(roots)]
    assert all(c > 0 for c in coefficients)
    # z = (1 + w) / (1 - w) takes the left half plane to the unit disc.
    plane = sympy.expand(
        sum(c * (Z - 1) ** (n - i) * (Z + 1) ** i for i, c in enumerate(coefficients))
    )
    found = inside_unit_circle(sympy.Poly(plane, Z).monic())
    assert all(bool(relation) for relation in found) is is_stable


def poles(*numbers: sympy.Expr, amount: int = 1) -> Response:
    """z^n / product of (z - pole): the sum of all products of powers, 1 at age 0."""
    below = sympy.prod(Z - pole for pole in numbers)
    symbols = tuple(sorted(sympy.sympify(below).free_symbols - {Z}, key=str))
    field = coefficient_field(symbols)
    return Response(
        sympy.Poly(amount * Z ** len(numbers), Z, domain=field),
        sympy.Poly(sympy.expand(below), Z, domain=field),
        symbols,
    )


HALF, THIRD = sympy.Rational(1, 2), sympy.Rational(1, 3)


@pytest.mark.parametrize(
    ("numbers", "limit"),
    [
        ((HALF,), 0),
        ((HALF, THIRD), 0),
        ((sympy.S.One,), 1),
        # Geometric series: 1 / (1 - 1/2), and that times 1 / (1 + 1/3).
        ((sympy.S.One, HALF), 2),
        ((sympy.S.One, HALF, -THIRD), sympy.Rational(3, 2)),
        ((sympy.S.One, sympy.S.One), sympy.oo),
        ((sympy.S.One, sympy.S.One, HALF), sympy.oo),
        ((sympy.S.One, K), 1 / (1 - K)),
    ],
)
def test_the_limit_is_the_sum_of_the_series(numbers, limit) -> None:
    found = asymptotics(poles(*numbers), Deadline.after(10))
    assert found.limit == limit or sympy.simplify(found.limit - limit) == 0


def test_the_limit_is_what_the_effect_comes_to() -> None:
    response = poles(sympy.S.One, HALF, -THIRD, amount=6)
    found = asymptotics(response, Deadline.after(10))
    assert found.stable == ()
    assert float(found.limit) == pytest.approx(float(effect_after(response, 80)), rel=1e-15)


def test_a_simple_root_one_is_no_instability_and_any_other_is() -> None:
    assert asymptotics(poles(sympy.S.One), Deadline.after(10)).stable == ()
    assert set(asymptotics(poles(sympy.S.One, K), Deadline.after(10)).stable) == {
        1 - K > 0,
        K + 1 > 0,
    }
    # A repeated root 1 has its limit, oo, whatever the parameters.
    assert asymptotics(poles(sympy.S.One, sympy.S.One), Deadline.after(10)).stable == ()
    assert sympy.false in asymptotics(poles(sympy.S(2)), Deadline.after(10)).stable
    assert sympy.false in asymptotics(poles(-sympy.S.One), Deadline.after(10)).stable


def test_no_effect_has_the_limit_zero_and_no_rate() -> None:
    nothing = Response(sympy.Poly(0, Z, domain="QQ"), sympy.Poly(1, Z, domain="QQ"), ())
    found = asymptotics(nothing, Deadline.after(10))
    assert (found.limit, found.stable, found.radius, found.reduced) == (0, (), 0, None)
    assert found.radius_at({}) == 0.0


@pytest.mark.parametrize("k", ["-2", "-1/3", "1/100", "1/4", "1/3", "1", "5/2"])
def test_the_radius_as_an_expression_is_the_largest_modulus(k: str) -> None:
    gain = sympy.Rational(k)
    quadratic = Response(
        sympy.Poly(Z, Z, domain=coefficient_field((K,))),
        sympy.Poly(Z**2 - Z + K, Z, domain=coefficient_field((K,))),
        (K,),
    )
    largest = np.abs(np.roots([1, -1, float(gain)])).max()
    for response, values in ((quadratic, {K: gain}), (quadratic.subs({K: gain}), {})):
        found = asymptotics(response, Deadline.after(10))
        assert float(found.radius.subs(values)) == pytest.approx(largest, rel=1e-12)
        assert found.radius_at(values) == pytest.approx(largest, rel=1e-12)


def test_above_degree_two_the_radius_is_numeric_alone() -> None:
    denominator = sympy.Poly(Z**3 - Z - 1, Z, domain="QQ")
    response = Response(sympy.Poly(Z, Z, domain="QQ"), denominator, ())
    found = asymptotics(response, Deadline.after(10))
    assert found.radius is None
    # The plastic number.
    assert found.radius_at({}) == pytest.approx(1.324717957244746, rel=1e-15)


def test_the_radius_is_no_number_where_a_coefficient_divides_by_zero() -> None:
    found = asymptotics(poles(1 / (K - 1)), Deadline.after(10))
    assert found.radius_at({K: sympy.S(3)}) == 0.5
    assert math.isnan(found.radius_at({K: sympy.S.One}))


def test_rates_are_infinite_where_an_effect_ends() -> None:
    # Held at a, x stops after a step; free, it goes round with the factor k a turn of two steps.
    edges = {(0, 1, 1): K, (1, 0, 1): sympy.S.One}
    loop = LinearTemplate(("x", "a"), edges, (K,))
    ends = solve_linear(loop, LinearQuestion(0, 0, Holding((), frozenset({1}))))
    assert ends.rate({K: HALF}) == -math.inf
    neither = solve_linear(
        LinearTemplate(("x", "a"), {(1, 0, 1): sympy.S.One}, ()), LinearQuestion(0, 1, Holding())
    )
    assert math.isnan(neither.rate({}))
    # Two equal paths that cancel after a step, one of them through A: only the direct one is left.
    cancel = {
        (0, 0, 1): HALF,
        (2, 0, 1): sympy.S.One,
        (1, 0, 1): sympy.S.One,
        (2, 1, 0): -sympy.S.One,
    }
    gone = solve_linear(
        LinearTemplate(("x", "a", "y"), cancel, ()),
        LinearQuestion(0, 2, Holding((), frozenset({1}))),
    )
    assert gone.rate({}) == math.inf


# --- Comp(z) where it has no value, or an infinite one --------------------------------------------


def ratio(top: sympy.Expr, bottom: sympy.Expr, *parameters: sympy.Symbol) -> Sensitivity:
    field = coefficient_field(parameters)
    pair = [sympy.Poly(p, Z, domain=field) for p in (top, bottom)]
    return Sensitivity(pair[0], pair[1], parameters, pair[1])


def test_comp_of_z_is_refused_where_a_coefficient_divides_by_zero() -> None:
    for found in (ratio(Z - 1 / K, Z - 2, K), ratio(Z - 2, Z - 1 / K, K)):
        assert found.peak({K: sympy.S(3)}).comp > 0
        with pytest.raises(ZeroDivisionError, match="divides by 0 at these parameters"):
            found.peak({K: sympy.S.Zero})
        with pytest.raises(ZeroDivisionError, match="divides by 0 at these parameters"):
            found.waterbed({K: sympy.S.Zero})


@pytest.mark.parametrize("bottom", [Z - 1, Z + 1, Z**2 + 1, Z**2 - Z + 1, 5 * Z**2 - 8 * Z + 5])
def test_a_pole_on_the_unit_circle_is_an_infinite_peak(bottom: sympy.Expr) -> None:
    assert ratio(Z - HALF, bottom).peak({}).comp == math.inf
    assert ratio(Z - HALF, bottom).peak({}).op == -math.inf


def test_an_irrational_pole_on_the_unit_circle_is_an_infinite_peak() -> None:
    # z^4 + 1 has the cosines +-1/sqrt 2.
    assert ratio(Z - HALF, Z**4 + 1).peak({}).comp == math.inf


@pytest.mark.parametrize("common", [Z - 1, Z + 1, Z - K, Z**2 + 1])
def test_a_common_factor_is_neither_a_pole_nor_a_cost(common: sympy.Expr) -> None:
    plain = ratio(Z - HALF, Z - THIRD)
    found = ratio((Z - HALF) * common, (Z - THIRD) * common, K)
    at = {K: sympy.S.One}
    # |1 + 1/2| / |1 + 1/3| at z = -1.
    assert found.peak(at).comp == plain.peak({}).comp == pytest.approx(9 / 8)
    assert found.waterbed(at) == plain.waterbed({}) == 0


def test_a_zero_of_comp_at_the_origin_costs_nothing_and_none_at_all_is_infinite() -> None:
    assert ratio(Z * (Z - 3), Z**2 - HALF).waterbed({}) == pytest.approx(-math.log(3))
    nothing = ratio(sympy.S.Zero, Z - HALF)
    assert nothing.waterbed({}) == math.inf
    assert nothing.peak({}) == Peak(pytest.approx(nothing.peak({}).omega), 0.0, math.inf)


def ring(gain: str) -> Model:
    variables = {f"x{i}": {"rule": f"x{i - 1}[t-1]", "initial": 1} for i in range(1, 5)}
    variables["x0"] = {"rule": f"{gain}*x4[t-1] + x0[t-1]/3 + a[t-1]", "initial": 1}
    variables["a"] = {"rule": "x0[t-1]/7", "initial": 1}
    question = {"nudge": "x0[0]", "hold": "a", "target": "x0", "steps": 9}
    return Model(name="ring", parameters={"g": 2}, variables=variables, question=question)


def test_a_report_gives_a_limit_of_high_degree_under_its_condition_only() -> None:
    report = derive(ring("g")).report()
    (line,) = [line for line in report.splitlines() if r"\mathrm{total} \to 0" in line]
    assert r"\rho{" in line


def test_a_report_says_in_words_where_there_is_no_limit() -> None:
    report = derive(ring("2")).report()  # its root grows by more than 2^(1/5)
    assert r"\text{False}" not in report
    for name in ("total", "direct"):
        assert rf"$\mathrm{{{name}}}$ has no limit: its largest root is not inside" in report


def test_a_zero_that_digits_cannot_tell_from_lost_ones_is_not_taken_for_one() -> None:
    # (z - 7/3) cancels; what is left decays as 3^-t and is never 0.
    unstable = Z - sympy.Rational(7, 3)
    cancelled = Response(
        sympy.Poly(unstable, Z, domain="QQ"),
        sympy.Poly(sympy.expand(unstable * (3 * Z - 1) ** 2), Z, domain="QQ"),
        (),
    )
    with pytest.raises(ArithmeticError, match="4096 bits"):
        effect_in_digits(cancelled, 9000)


# --- the report on frequencies -------------------------------------------------------------------


def sinusoid_gain(k: float, omega: float, steps: int = 4000) -> float:
    """The amplitude of x under sin(omega t) on x, by running the loop of `late` in floats."""
    x = reached = 0.0
    for t in range(steps):
        x = x - k * x + math.sin(omega * t)
        reached = max(reached, abs(x)) if t > steps - 1000 else 0.0
    return reached


def late(k: str) -> Model:
    """x(t) = x(t-1) - k u(t-1) and u = x, but for u(0), which is given and does not see x(0)."""
    variables = {
        "x": {"rule": "x[t-1] - k*u[t-1]", "initial": 1},
        "u": {"rule": "x[t]", "initial": 0},
    }
    question = {"nudge": "x[0]", "hold": "u", "target": "x", "steps": 20}
    return Model(name="late", parameters={"k": k}, variables=variables, question=question)


def test_the_report_states_the_loops_own_peak_and_says_that_the_nudges_is_another() -> None:
    model = late("1/2")
    found = derive(model)
    # The loop's Comp is (z - 1)/(z - 1/2), largest at z = -1; U(z) of a nudge at 0 is
    # 1 + (1/z)/(1 - (1/2)/z), which makes (z - 1)(z + 1/2)/(z (z - 1/2)), of 2/3 there.
    at = found.reading.values
    assert found.solution.loop().peak(at).comp == pytest.approx(4 / 3)
    assert abs(complex(found.solution.sensitivity().comp.subs(at).subs(Z, -1))) == pytest.approx(
        2 / 3
    )
    omega = 2.0
    loop = abs(1 / (1 - 0.5 * np.exp(-1j * omega)))
    assert sinusoid_gain(0.5, omega) == pytest.approx(loop, rel=1e-3)
    report = found.report()
    assert "is 1.33333, at $\\omega = 3.14159$" in report
    assert "goes past the initial values, which do not see it" in report
    assert "goes past" not in derive(model, nudge="x[3]").report()
    assert "is 1.33333, at" in derive(model, nudge="x[3]").report()


@pytest.mark.parametrize(("k", "root"), [("3", "-2"), ("5/2", "-1.5")])
def test_the_report_of_an_unstable_loop_names_its_roots_and_states_no_peak(k, root) -> None:
    found = derive(late(k))
    assert found.solution.loop().unstable(found.reading.values) == (float(root),)
    assert sinusoid_gain(float(Fraction(k)), 1.0, 200) > 1e20
    report = found.report()
    assert f"unstable, with roots at $z = {root}$" in report
    assert "the largest $|" not in report
    assert "waterbed" not in report


def test_the_report_of_the_unstable_thermostat_names_both_roots() -> None:
    report = derive(load("thermostat"), parameters={"k": 3}).report()
    # z^2 - z + 3 = 0.
    assert "with roots at $z = 0.5-1.65831j, 0.5+1.65831j$ outside the unit circle" in report


def test_an_unstable_plant_that_is_held_stable_has_its_peak() -> None:
    variables = {"x": {"rule": "1.5*x[t-1] + u[t-1]", "initial": 1}, "u": {"rule": "-x[t]"}}
    question = {"nudge": "x[0]", "hold": "u", "target": "x", "steps": 20}
    report = derive(Model(name="held", variables=variables, question=question)).report()
    # Comp = (z - 3/2)/(z - 1/2): 5/3 at z = -1; the mean of Op is -ln 3/2.
    assert "is 1.66667, at" in report
    assert "frequencies is -0.405465 nats" in report


def test_the_mean_of_op_counts_the_leading_coefficient() -> None:
    variables = {
        "d": {"rule": "d[t-1]/2", "initial": 1},
        "a": {"rule": "-w*d[t]"},
        "e": {"rule": "d[t] + a[t]"},
    }
    question = {"nudge": "d[0]", "hold": "a", "target": "e", "steps": 20}
    model = Model(name="lead", parameters={"w": "4/5"}, variables=variables, question=question)
    report = derive(model).report()
    # Comp(z) is 1/5 at every frequency, and no root is outside.
    assert f"frequencies is {math.log(5):.6g} nats" in report
    assert "the roots outside the unit circle and the leading coefficient" in report

"""Exact numbers: surds, traces, residues modulo a prime, and formulas evaluated in them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import QQ

from causalopt.symbolic.arithmetic import PRIME, Modular, NotRationalError
from causalopt.symbolic.exact import exact_value
from causalopt.symbolic.quotient import Residue, power_sums
from causalopt.symbolic.ratio import evaluate_ratio
from causalopt.symbolic.surds import Surd, square_root

X = sympy.Symbol("x")
fractions = st.fractions(min_value=-9, max_value=9, max_denominator=12)
radicands = st.sampled_from([2, 3, 5, 6, -1, -2, Fraction(1, 2), Fraction(12, 5), 4])


@st.composite
def surds(draw: st.DrawFn) -> tuple[Surd, sympy.Expr]:
    """A surd and the same number in sympy."""
    total, same = Surd.of(draw(fractions)), sympy.S.Zero
    same = sympy.Rational(*total.rational().as_integer_ratio())
    for _ in range(draw(st.integers(0, 2))):
        c, d = draw(fractions), Fraction(draw(radicands))
        total = total + square_root(d) * c
        same += sympy.Rational(*c.as_integer_ratio()) * sympy.sqrt(
            sympy.Rational(*d.as_integer_ratio())
        )
    return total, same


def number(surd: Surd) -> complex:
    total = 0j
    for radicals, c in surd.terms:
        product = complex(float(c))
        for prime in radicals:
            product *= complex(prime) ** 0.5
        total += product
    return total


@given(surds(), surds())
def test_surds_multiply_as_sympy_does(a, b) -> None:
    assert number(a[0] * b[0]) == pytest.approx(complex((a[1] * b[1]).evalf()), abs=1e-9)


@given(surds())
def test_a_surd_times_its_inverse_is_one(a) -> None:
    surd = a[0]
    assume(surd.terms)
    assert (surd * surd.inverse()).rational() == 1


def test_zero_has_no_inverse_among_the_surds() -> None:
    with pytest.raises(ZeroDivisionError, match="Fraction"):
        (square_root(Fraction(2)) + -square_root(Fraction(2))).inverse()


def test_an_irrational_surd_is_not_taken_for_a_rational() -> None:
    with pytest.raises(ArithmeticError, match="not rational"):
        square_root(Fraction(2)).rational()


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=4))
def test_power_sums_are_those_of_the_roots(roots) -> None:
    poly = sympy.Poly.from_list([1], X, domain=QQ)
    for root in roots:
        poly *= sympy.Poly(X - root, X, domain=QQ)
    assert power_sums(poly) == [sum(r**k for r in roots) for k in range(len(roots))]


def test_the_trace_of_a_function_is_its_sum_over_the_roots() -> None:
    poly = sympy.Poly(X**3 - 2 * X - 5, X, domain=QQ)
    root = Residue.root(poly)
    found = ((root**7 + 1) * (root * root + 3).inverse()).trace()
    expected = sum((r**7 + 1) / (r * r + 3) for r in np.roots([1, 0, -2, -5]))
    assert float(found) == pytest.approx(expected.real, rel=1e-10)


def test_an_inverse_at_a_root_of_the_modulus_is_refused() -> None:
    poly = sympy.Poly(X**2 - 1, X, domain=QQ)
    with pytest.raises(ZeroDivisionError, match="root of the modulus"):
        (Residue.root(poly) + -1).inverse()


@given(fractions, fractions)
def test_reduction_modulo_the_prime_keeps_sums_products_and_quotients(a, b) -> None:
    assert Modular.of(a) * Modular.of(b) + Modular.of(a) == Modular.of(a * b + a)
    if b:
        assert Modular.of(a) / Modular.of(b) == Modular.of(a / b)


def test_residues_modulo_the_prime_have_no_order() -> None:
    with pytest.raises(NotRationalError, match="no order"):
        _ = Modular.of(1) < Modular.of(2)
    assert Modular.of(PRIME + 3) == 3


@pytest.mark.parametrize("k", [Fraction(1, 100), Fraction(3, 16), Fraction(5, 7), Fraction(-2, 3)])
@pytest.mark.parametrize("t", [0, 1, 5, 12])
def test_radicals_cancel_to_the_rational_they_stand_for(k: Fraction, t: int) -> None:
    s = sympy.Symbol("k")
    gap = sympy.sqrt(1 - 4 * s)
    formula = (((1 + gap) / 2) ** (t + 1) - ((1 - gap) / 2) ** (t + 1)) / gap
    now, before = Fraction(1), Fraction(1)
    for _ in range(t):
        now, before = now - k * before, now
    expected = before if t else Fraction(1)
    assert exact_value(formula, {s: k}) == expected


@pytest.mark.parametrize("n", [-2, 0, 1, 5])
def test_multiples_of_an_arc_cosine_are_chebyshev_polynomials(n: int) -> None:
    c = sympy.Rational(3, 7)
    count = sympy.Symbol("n")
    value = exact_value(sympy.cos(count * sympy.acos(X)), {X: Fraction(3, 7), count: Fraction(n)})
    assert value == Fraction(str(sympy.chebyshevt(abs(n), c)))


def test_a_formula_outside_the_fields_is_refused() -> None:
    with pytest.raises(ArithmeticError, match="no exact value is known for exp"):
        exact_value(sympy.exp(X), {X: Fraction(1)})


N = sympy.Symbol("n")
UNTAKEN = sympy.Piecewise((X, X > 1), evaluate=False)


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (sympy.cos(X), "not a multiple of one acos"),
        (sympy.sin(sympy.acos(X) * sympy.acos(N)), "not a multiple of one acos"),
        (sympy.cos(sympy.acos(X) / 2), "not an integer multiple"),
        (sympy.sin(sympy.acos(sympy.sqrt(1 + sympy.sqrt(2)))), "root other than the square root"),
        (sympy.sin(N * sympy.acos(1 + sympy.sqrt(X))), "the sine of an angle lies outside"),
        (sympy.cbrt(X), "root other than the square root"),
        (X ** sympy.sqrt(N), "an exponent is not rational"),
        (sympy.sqrt(X), "not rational"),
        (sympy.Abs(sympy.sqrt(X), evaluate=False), "only rational numbers have an order"),
        (UNTAKEN, "no branch of a Piecewise holds here"),
    ],
)
def test_what_has_no_exact_rational_value_is_refused(expr: sympy.Expr, message: str) -> None:
    with pytest.raises(ArithmeticError, match=message):
        exact_value(expr, {X: Fraction(1, 2), N: Fraction(3)})


@pytest.mark.parametrize(
    ("k", "value"),
    # The sum of the squares of the roots of x^3 - k x - 5 is 2 k.
    [(2, 4), (-7, -14)],
)
def test_a_sum_over_roots_has_its_exact_value(k: int, value: int) -> None:
    r, k_ = sympy.symbols("r k")
    total = sympy.RootSum(r**3 - k_ * r - 5, sympy.Lambda(r, r**2), r, auto=False)
    assert exact_value(total, {k_: Fraction(k)}) == value


@pytest.mark.parametrize("k", [3, 0])
def test_a_sum_over_roots_that_repeat_or_are_lost_divides_by_zero(k: int) -> None:
    r, k_ = sympy.symbols("r k")
    # (r - 1)^2 (r + 2) at k = 3; of degree 1 at k = 0.
    total = sympy.RootSum(k_ * r**3 - 9 * r + 6, sympy.Lambda(r, r), r, auto=False)
    with pytest.raises(ZeroDivisionError, match="a root repeats, or is lost"):
        exact_value(total, {k_: Fraction(k)})


BIG = Fraction(10) ** 400


@pytest.mark.parametrize(
    ("total", "direct", "expected"),
    [
        (Fraction(1), Fraction(2), (1.0, 2.0, 0.5, math.log(2))),
        (Fraction(-3), Fraction(2), (-3.0, 2.0, -1.5, -math.log(1.5))),
        (Fraction(0), Fraction(2), (0.0, 2.0, 0.0, math.inf)),
        (Fraction(2), Fraction(0), (2.0, 0.0, math.inf, -math.inf)),
        (BIG, 2 * BIG, (math.inf, math.inf, 0.5, math.log(2))),
        (-BIG, Fraction(1), (-math.inf, 1.0, -math.inf, -400 * math.log(10))),
        (1 / BIG, Fraction(1), (0.0, 1.0, 0.0, 400 * math.log(10))),
        (1 + 1 / Fraction(10) ** 30, Fraction(1), (1.0, 1.0, 1.0, -1e-30)),
    ],
)
def test_comp_and_op_of_two_numbers(total, direct, expected) -> None:
    assert evaluate_ratio(total, direct) == pytest.approx(expected, rel=1e-14, abs=1e-300)


def test_comp_and_op_of_two_zeros_are_no_numbers() -> None:
    total, direct, comp, op = evaluate_ratio(Fraction(0), Fraction(0))
    assert total == direct == 0
    assert math.isnan(comp)
    assert math.isnan(op)

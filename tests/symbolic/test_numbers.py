"""Exact numbers: surds, traces, residues modulo a prime, and formulas evaluated in them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from sympy import QQ

from causalopt.symbolic.arithmetic import PRIME, Modular, NotRationalError
from causalopt.symbolic.exact import exact_value
from causalopt.symbolic.quotient import Residue, power_sums
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
    if surd.terms:
        assert (surd * surd.inverse()).rational() == 1


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

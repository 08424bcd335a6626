from __future__ import annotations

import math

import mpmath
import pytest
import sympy
from hypothesis import assume, given

from causalopt.language.gradient import gradient, kinks
from causalopt.language.parse import parse
from causalopt.language.scope import CLOCK, Scope
from causalopt.language.sympy_form import to_sympy
from causalopt.language.term import Term, const, evaluate, ref
from tests.strategies import expressions

X, Y = ref("x", 0), ref("y", 0)
SCOPE = Scope(variables=frozenset("xy"), names=CLOCK, bare=True)
POINT = {X: 0.7312, Y: -1.313}


def value(term: Term) -> float:
    return evaluate(term, POINT.__getitem__)


@given(expressions)
def test_gradient_agrees_with_sympy(text: str) -> None:
    term = parse(text, SCOPE)
    expected = to_sympy(term)
    assume(math.isfinite(value(term)) and not expected.has(sympy.zoo, sympy.nan, sympy.oo))
    symbols = [sympy.Symbol("x[t]", real=True), sympy.Symbol("y[t]", real=True)]
    point = (mpmath.mpf(POINT[X]), mpmath.mpf(POINT[Y]))
    for leaf, symbol in ((X, symbols[0]), (Y, symbols[1])):
        slope = value(gradient(term).get(leaf, const(0)))
        derivative = expected.diff(symbol)
        if derivative.has(sympy.Derivative, sympy.DiracDelta, sympy.Heaviside):
            continue
        try:
            reference = mpmath.mpmathify(sympy.lambdify(symbols, derivative, "mpmath")(*point))
        except ZeroDivisionError:
            continue
        if mpmath.im(reference) == 0 and math.isfinite(slope):
            assert slope == pytest.approx(float(mpmath.re(reference)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("where(x > 0, x, sqrt(y))", 1.0),
        ("where(y > 0, log(y), x)", 1.0),
        ("where(x > 0, 2*x, x/(y - y))", 2.0),
        ("max(x, y)", 1.0),
        ("min(3*x, log(y*0 - 1))", 0.0),
    ],
)
def test_an_untaken_branch_leaks_nothing(text: str, slope: float) -> None:
    found = value(gradient(parse(text, SCOPE))[X])
    assert found == slope or (math.isnan(found) and "min" in text)


def test_a_zero_base_has_no_slope_in_its_exponent() -> None:
    slopes = gradient(parse("x**y", SCOPE))
    at = {X: 0.0, Y: 2.0}
    assert evaluate(slopes[Y], at.__getitem__) == 0
    assert evaluate(slopes[X], at.__getitem__) == 0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("abs(x)", 1),
        ("where(x > y, 1, 2)", 1),
        ("clip(x, -1, 1)", 2),
        ("x + y", 0),
        ("floor(x)", 1),
    ],
)
def test_kinks_are_where_a_branch_is_chosen(text: str, count: int) -> None:
    assert len(kinks(parse(text, SCOPE))) == count


def test_a_kink_inside_a_branch_counts_only_where_the_branch_is_taken() -> None:
    (outer, inner) = sorted(
        kinks(parse("where(x > 5, abs(x), x)", SCOPE)), key=lambda k: bool(k.guard)
    )
    assert outer.guard is None
    assert inner.guard is parse_condition("x > 5")


def parse_condition(text: str) -> Term:
    return parse(f"where({text}, 1, 2)", SCOPE).args[0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("where(abs(x) < 1, 0.5*x, x)", 1),
        ("where(max(x, y) < 1, x, y)", 1),
        ("floor(abs(x))", 1),
        ("where(floor(x) > 0.5, x, y)", 2),
        ("where(where(x > 1, 2, 3) > 2.5, x, y)", 2),
        ("where(x > 1, abs(y), min(x, y))", 3),
    ],
)
def test_a_bend_below_a_comparison_or_a_rounding_is_no_kink(text: str, count: int) -> None:
    assert len(kinks(parse(text, SCOPE))) == count

"""The exact value of a closed form at rational parameters and a step.

The formula is walked as it stands, with none of sympy's own simplification in between, so that what
is checked is what is shown. Square roots stay exact (`surds`), sums over roots are traces
(`quotient`), and cos(n acos c), sin(n acos c) are Chebyshev polynomials of c.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import sympy

from causalopt.symbolic.arithmetic import NotRationalError, rational
from causalopt.symbolic.quotient import Residue, X
from causalopt.symbolic.surds import Surd, square_root

Number = Fraction | Surd | Residue


def exact_value(expr: sympy.Expr, values: Mapping[sympy.Symbol, Fraction]) -> Fraction:
    """Return the rational number a closed form stands for.

    Args:
        expr: Built from + - * / powers, square roots, sin and cos of multiples of acos, Piecewise
            and RootSum.
        values: Every symbol's value.

    Returns:
        The value; never rounded.

    Raises:
        ArithmeticError: The value is not rational, or a part of it lies outside these fields.
        ZeroDivisionError: The formula divides by 0 here.

    Example:
        >>> k, t = sympy.symbols("k t")
        >>> exact_value((1 - k) ** (t - 1), {k: Fraction(1, 3), t: Fraction(3)})
        Fraction(4, 9)
    """
    found = _walk(sympy.sympify(expr, strict=True), dict(values))
    if isinstance(found, Residue):
        raise ArithmeticError("a root stands outside its sum")
    return found.rational() if isinstance(found, Surd) else found


def evaluate_line(
    expr: sympy.Expr, values: dict[sympy.Symbol, Any], number: Callable[[Fraction], Any]
) -> Any:
    """Return a line of a program in any arithmetic.

    Args:
        expr: Built from + - * / and powers, with Piecewise, Abs, Min, Max where numbers have an
            order.
        values: Symbol -> number.
        number: Takes a rational constant into the arithmetic.

    Raises:
        NotRationalError: The value is none of that arithmetic.
    """
    try:
        found = _plain(_walk(expr, {**values, _NUMBER: number}))
    except ZeroDivisionError:
        raise
    except ArithmeticError as error:
        raise NotRationalError(str(error)) from None
    if isinstance(found, Surd):
        raise NotRationalError("a square root leaves the rationals")
    return found


_NUMBER = sympy.Dummy("number")


def _walk(expr: Any, values: dict[sympy.Symbol, Any]) -> Any:
    if expr.is_Symbol:
        return values[expr]
    if expr.is_Rational:
        exact = rational(expr)
        return values[_NUMBER](exact) if _NUMBER in values else exact
    if expr is sympy.I:
        return square_root(Fraction(-1))
    rule = _RULES.get(expr.func)
    if rule is None:
        raise ArithmeticError(f"no exact value is known for {expr.func.__name__}")
    return rule(expr, values)


def _add(expr: Any, values: dict[sympy.Symbol, Any]) -> Number:
    total: Any = Fraction(0)
    for term in expr.args:
        total = total + _walk(term, values)
    return total  # type: ignore[no-any-return]


def _mul(expr: Any, values: dict[sympy.Symbol, Any]) -> Number:
    product: Any = Fraction(1)
    for factor in expr.args:
        product = product * _walk(factor, values)
    return product  # type: ignore[no-any-return]


def _pow(expr: Any, values: dict[sympy.Symbol, Any]) -> Number:
    if expr.exp.is_Integer:
        return _walk(expr.base, values) ** int(expr.exp)  # type: ignore[no-any-return]
    base, exponent = (_plain(_walk(arg, values)) for arg in expr.args)
    if not isinstance(exponent, Fraction):
        raise ArithmeticError("an exponent is not rational")
    if exponent.denominator == 1:
        return base ** int(exponent)  # type: ignore[no-any-return]
    if exponent.denominator == 2 and isinstance(base, Fraction):
        return square_root(base) ** int(2 * exponent)
    raise ArithmeticError("a root other than the square root of a rational")


def _plain(number: Any) -> Any:
    """The number as a Fraction when it is one."""
    if isinstance(number, Surd) and all(not radicals for radicals, _ in number.terms):
        return number.rational()
    return number


def _angle(expr: Any, values: dict[sympy.Symbol, Any]) -> tuple[int, Any]:
    """(n, c) for an argument n acos(c)."""
    inverse = [f for f in sympy.Mul.make_args(expr.args[0]) if f.func is sympy.acos]
    if len(inverse) != 1:
        raise ArithmeticError("an angle is not a multiple of one acos")
    count = _plain(_walk(expr.args[0] / inverse[0], values))
    if not isinstance(count, Fraction) or count.denominator != 1:
        raise ArithmeticError("an angle is not an integer multiple of its acos")
    return int(count), _walk(inverse[0].args[0], values)


def _power_of_rotation(expr: Any, values: dict[sympy.Symbol, Any]) -> tuple[Any, Any, Any]:
    """(T_n(c), U_(n-1)(c), sin acos c), the parts of (c + i sin)^n."""
    count, c = _angle(expr, values)
    square = _plain(c * c)
    if not isinstance(square, Fraction):
        raise ArithmeticError("the sine of an angle lies outside these fields")
    now: tuple[Any, Any] = (Fraction(1), Fraction(0))
    for _ in range(abs(count)):
        now = (c * now[0] + (square - 1) * now[1], now[0] + c * now[1])
    sign = 1 if count >= 0 else -1
    return now[0], sign * now[1], square_root(1 - square)


def _part_of_circle(expr: Any, values: dict[sympy.Symbol, Any]) -> Any:
    """The exact sine or cosine of a rational multiple of pi; None for another angle."""
    if not expr.args[0].has(sympy.pi):
        return None
    turn = _plain(_walk(sympy.expand(expr.args[0] / sympy.pi), values))
    value = expr.func(sympy.pi * sympy.Rational(turn))
    return _walk(value, values)


def _circular(expr: Any, values: dict[sympy.Symbol, Any]) -> Any:
    found = _part_of_circle(expr, values)
    if found is not None:
        return found
    cosine, second, sine = _power_of_rotation(expr, values)
    return cosine if expr.func is sympy.cos else second * sine


def _piecewise(expr: Any, values: dict[sympy.Symbol, Any]) -> Number:
    for value, condition in expr.args:
        if holds(condition, values):
            return _walk(value, values)  # type: ignore[no-any-return]
    raise ArithmeticError("no branch of a Piecewise holds here")


def holds(
    condition: Any,
    values: Mapping[sympy.Symbol, Any],
    compare: Callable[[Any, Any, Any], tuple[Any, Any]] | None = None,
) -> bool:
    """Return whether a relation between expressions holds at these values.

    Args:
        condition: Relations joined by and, or, not.
        values: Symbol -> number.
        compare: Gives two numbers in the order of the two sides, from (left, right, values); their
            exact values when not given.
    """
    if condition in (sympy.true, sympy.false):
        return bool(condition)
    if isinstance(condition, sympy.And):
        return all(holds(part, values, compare) for part in condition.args)
    if isinstance(condition, sympy.Or):
        return any(holds(part, values, compare) for part in condition.args)
    if isinstance(condition, sympy.Not):
        return not holds(condition.args[0], values, compare)
    left, right = condition.args
    if compare is None:
        sides = exact_value(left, values), exact_value(right, values)
    else:
        sides = compare(left, right, values)
    return bool(_RELATIONS[condition.func](*sides))


def _root_sum(expr: Any, values: dict[sympy.Symbol, Any]) -> Number:
    coefficients = [exact_value(c, values) for c in expr.poly.all_coeffs()]
    modulus = sympy.Poly([sympy.Rational(c) for c in coefficients], X)
    if modulus.degree() < expr.poly.degree() or not modulus.is_sqf:
        raise ZeroDivisionError("a root repeats, or is lost, at these values")
    variable = expr.fun.variables[0]
    total = _walk(expr.fun.expr, {**values, variable: Residue.root(modulus.set_domain(sympy.QQ))})
    return total.trace() if isinstance(total, Residue) else total * modulus.degree()


def _ordered(expr: Any, values: dict[sympy.Symbol, Any]) -> Number:
    """The functions that need an order, of rational numbers."""
    args = [_plain(_walk(arg, values)) for arg in expr.args]
    if not all(isinstance(arg, Fraction) for arg in args):
        raise ArithmeticError("only rational numbers have an order here")
    return Fraction(_ORDERED[expr.func](*args))


_ORDERED: dict[Any, Callable[..., Any]] = {
    sympy.Abs: abs,
    sympy.Min: min,
    sympy.Max: max,
    sympy.floor: math.floor,
    sympy.ceiling: math.ceil,
}
_RULES = {
    **dict.fromkeys(_ORDERED, _ordered),
    sympy.Add: _add,
    sympy.Mul: _mul,
    sympy.Pow: _pow,
    sympy.cos: _circular,
    sympy.sin: _circular,
    sympy.Piecewise: _piecewise,
    sympy.RootSum: _root_sum,
}
_RELATIONS = {
    sympy.Eq: operator.eq,
    sympy.Ne: operator.ne,
    sympy.Lt: operator.lt,
    sympy.Le: operator.le,
    sympy.Gt: operator.gt,
    sympy.Ge: operator.ge,
}

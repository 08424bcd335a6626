"""Expressions in multiprecision floats, for what leaves the rationals: exp, pi, fractional powers.

As in `exact`, an expression is walked as it stands, with none of sympy's own simplification, so
that what is checked is what is shown.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy

from causalopt.symbolic.arithmetic import Floats
from causalopt.symbolic.exact import holds

DIGITS = 60
PRECISIONS = (512, 2048, 8192)
_NAMES = {"Abs": "fabs", "ceiling": "ceil"}


def in_digits(expr: Any, values: Mapping[sympy.Symbol, Any], floats: Floats) -> Any:
    """Return an expression's value in floats of one precision.

    Args:
        expr: Built from + - * / powers and the functions of rules.
        values: Symbol -> number.
        floats: The precision.

    Raises:
        ZeroDivisionError: It holds something that is no number, such as 1/0.
        ArithmeticError: It holds a function that is not known here.

    Example:
        >>> str(in_digits(sympy.exp(1) ** sympy.Rational(1, 2), {}, Floats(80)))[:18]
        '1.6487212707001281'
    """
    context = floats.context
    if expr.is_Symbol:
        return values[expr]
    if expr.is_Rational:
        return context.mpf(int(expr.p)) / int(expr.q)
    if expr.is_NumberSymbol or expr is sympy.I:
        return context.mpmathify(getattr(context, _CONSTANTS[expr]))
    if expr in (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo):
        raise ZeroDivisionError(f"{expr} is no number")
    if isinstance(expr, sympy.Piecewise):
        sides = functools.partial(_sides, floats)
        taken = (value for value, condition in expr.args if holds(condition, values, sides))
        return in_digits(next(taken, sympy.nan), values, floats)
    args = [in_digits(arg, values, floats) for arg in expr.args]
    if expr.func in _FOLDED:
        return _folded(expr.func, args, floats)
    name = expr.func.__name__
    if name == "expm":
        place, *entries = args
        return floats.matrix_exponential(entries, int(place))
    if name in {"floor", "ceiling"}:
        args = [floats.whole(arg) for arg in args]
    function = getattr(context, _NAMES.get(name, name), None)
    if function is None or not args:
        raise ArithmeticError(f"no value is known for {name}")
    for arg in args:
        floats.refuse_large(arg)
    return function(*args)


def _sides(
    floats: Floats, left: Any, right: Any, values: Mapping[sympy.Symbol, Any]
) -> tuple[Any, Any]:
    a, b = (in_digits(side, values, floats) for side in (left, right))
    return (b, b) if floats.is_same(a, b) else (a, b)


def _folded(kind: Any, args: list[Any], floats: Floats) -> Any:
    if kind is sympy.Pow:
        for arg in args:
            floats.refuse_large(arg)
        return floats.context.power(*args)
    total = args[0]
    for arg in args[1:]:
        total = _FOLDED[kind](total, arg)
    return total


def agree(a: Any, b: Any) -> bool:
    """Return whether two numbers agree in sixty digits, or are both 0 but for what is lost."""
    size = max(abs(a), abs(b))
    return bool(abs(a - b) <= size * _SHARE or size <= _NOISE)


_SHARE = mpmath.mpf(10) ** -DIGITS
_NOISE = mpmath.ldexp(1, -PRECISIONS[0] // 2)
_CONSTANTS = {sympy.pi: "pi", sympy.E: "e", sympy.I: "j"}
_FOLDED: dict[Any, Callable[..., Any]] = {
    sympy.Add: lambda a, b: a + b,
    sympy.Mul: lambda a, b: a * b,
    sympy.Min: min,
    sympy.Max: max,
    sympy.Pow: pow,
}

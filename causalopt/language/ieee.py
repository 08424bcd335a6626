"""Elementary functions with IEEE 754 results: infinities and NaN instead of Python's exceptions.

All executions of a model share these meanings, so that a division by zero in a rule is the same
outcome everywhere: a status on the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable

INF = math.inf
NAN = math.nan


def div(a: float, b: float) -> float:
    """Return a / b, with 1/0 = inf and 0/0 = NaN."""
    try:
        return a / b
    except ZeroDivisionError:
        if a == 0 or a != a:
            return NAN
        return math.copysign(INF, a) * math.copysign(1.0, b)


def _invalid_is_nan(function: Callable[[float], float]) -> Callable[[float], float]:
    def ieee(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return NAN

    ieee.__name__ = function.__name__
    ieee.__doc__ = f"Return {function.__name__}(x), NaN outside its domain."
    return ieee


def exp(x: float) -> float:
    """Return e**x, inf on overflow."""
    try:
        return math.exp(x)
    except OverflowError:
        return INF


def log(x: float) -> float:
    """Return the natural logarithm, -inf at 0 and NaN below."""
    if x > 0:
        return math.log(x)
    return -INF if x == 0 else NAN


def power(a: float, b: float) -> float:
    """Return a**b as C's pow does."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return -INF if a < 0 and b % 2 == 1 else INF
    except ValueError:
        return INF if a == 0 else NAN


def sinh(x: float) -> float:
    """Return the hyperbolic sine, infinite on overflow."""
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(INF, x)


def cosh(x: float) -> float:
    """Return the hyperbolic cosine, inf on overflow."""
    try:
        return math.cosh(x)
    except OverflowError:
        return INF


def floor(x: float) -> float:
    """Return the largest whole number not above x, as a float."""
    return float(math.floor(x)) if math.isfinite(x) else x


def ceil(x: float) -> float:
    """Return the smallest whole number not below x, as a float."""
    return float(math.ceil(x)) if math.isfinite(x) else x


def sign(x: float) -> float:
    """Return -1, 0 or 1; NaN for NaN."""
    if x > 0:
        return 1.0
    return -1.0 if x < 0 else x * 0.0 if x == 0 else x


def minimum(a: float, b: float) -> float:
    """Return a where a <= b, else b: the selection the derivative makes too; NaN stays NaN."""
    return a if a <= b or a != a else b


def maximum(a: float, b: float) -> float:
    """Return a where b <= a, else b; NaN stays NaN."""
    return a if b <= a or a != a else b


sqrt = _invalid_is_nan(math.sqrt)
sin = _invalid_is_nan(math.sin)
cos = _invalid_is_nan(math.cos)
tan = _invalid_is_nan(math.tan)
asin = _invalid_is_nan(math.asin)
acos = _invalid_is_nan(math.acos)
atan = math.atan
tanh = math.tanh


def ipow(base: float, exponent: int) -> float:
    """Return an integer power by repeated squaring, the same products in every execution."""
    result: float | None = None
    square, left = base, abs(exponent)
    while left:
        if left & 1:
            result = square if result is None else result * square
        left >>= 1
        if left:
            square = square * square
    if result is None:
        return 1.0
    return div(1.0, result) if exponent < 0 else result

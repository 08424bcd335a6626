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


def log1p(x: float) -> float:
    """Return log(1 + x), -inf at -1 and NaN below."""
    if x > -1:
        return math.log1p(x)
    return -INF if x == -1 else NAN


def expm1(x: float) -> float:
    """Return e**x - 1, inf on overflow."""
    try:
        return math.expm1(x)
    except OverflowError:
        return INF


def sigmoid(x: float) -> float:
    """Return 1/(1 + e**-x)."""
    small = math.exp(-abs(x))
    return (1.0 if x >= 0 else small) / (1.0 + small)


def softplus(x: float) -> float:
    """Return log(1 + e**x)."""
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-abs(x)))


def ndtr(x: float) -> float:
    """Return the area under the standard normal density from -inf to x."""
    z = -x * math.sqrt(0.5)
    value = 0.5 * math.erfc(z)
    if not 0.5 < z < 40:
        return value
    # The rounding of x/sqrt(2), which erfc multiplies by 2 z**2, taken back: z**2 - x**2/2 from
    # halves of 26 bits, whose squares are exact.
    z1, x1 = math.floor(z * 2.0**20) / 2.0**20, math.floor(x * 2.0**20) / 2.0**20
    z2, x2 = z - z1, x - x1
    excess = (z1 * z1 - 0.5 * x1 * x1) + (2 * z1 * z2 - x1 * x2) + (z2 * z2 - 0.5 * x2 * x2)
    return value * math.exp(excess)


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
erf = math.erf


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

"""Numbers of the oracle: fractions while they are rational, floats of 60 digits after.

Nothing here comes from the package. Two floats are equal where they agree to 45 digits: what is
equal as mathematics is so in both, and what is not, in random models, is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import mpmath

DIGITS = 60
CONTEXT = mpmath.mp.clone()
CONTEXT.dps = DIGITS
Number = Fraction | mpmath.mpf
ZERO, ONE = Fraction(0), Fraction(1)
_MOST_BITS = 2000
_EQUAL = CONTEXT.mpf(10) ** -45
_MOST_DIGITS = 150  # far inside floats, squares too
FUNCTIONS = [
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
]  # the smooth ones, by mpmath's names
_AT_ZERO = {"exp": ONE, "cos": ONE, "cosh": ONE}
_AT_ZERO |= dict.fromkeys(["sin", "tan", "asin", "atan", "sinh", "tanh", "sqrt"], ZERO)


class UndefinedError(ArithmeticError):
    """The number does not exist."""


class RangeError(UndefinedError):
    """The number lies outside of what floats hold with ease: nothing is claimed about it."""


class InfiniteError(RangeError):
    """The number is infinite; in floats it may come back, as in exp(log(0)) = 0."""


def real(x: Number) -> mpmath.mpf:
    """Return a number as a float of 60 digits."""
    return CONTEXT.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x


def settled(x: Number) -> Number:
    """Return a number as it is kept: a fraction that grew too long becomes a float."""
    if x != 0 and abs(CONTEXT.mag(real(x))) > _MOST_DIGITS / math.log10(2):
        raise RangeError(f"{mpmath.nstr(real(x), 5)} is out of range")
    if isinstance(x, Fraction) and x.denominator.bit_length() > _MOST_BITS:
        return real(x)
    return x


def _both(exact: Callable, a: Number, b: Number) -> Number:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return settled(exact(a, b))
    return settled(exact(real(a), real(b)))


def add(a: Number, b: Number) -> Number:
    if a == 0 or b == 0:
        return b if a == 0 else a
    total = _both(lambda x, y: x + y, a, b)
    if isinstance(total, Fraction):
        return total
    # What cancels to the last digits is an exact zero that floats do not see.
    return ZERO if abs(total) < _EQUAL * max(abs(real(a)), abs(real(b))) else total


def sub(a: Number, b: Number) -> Number:
    return add(a, -b)


def mul(a: Number, b: Number) -> Number:
    return ZERO if a == 0 or b == 0 else _both(lambda x, y: x * y, a, b)


def div(a: Number, b: Number) -> Number:
    if b == 0:
        raise UndefinedError("0 divided by 0") if a == 0 else InfiniteError("division by zero")
    return ZERO if a == 0 else _both(lambda x, y: x / y, a, b)


def integer_power(a: Number, n: int) -> Number:
    """Return a**n."""
    if n < 0:
        return div(ONE, integer_power(a, -n))
    result: Number = ONE
    for _ in range(n):
        result = mul(result, a)
    return result


def sign_of(a: Number) -> int:
    return (a > 0) - (a < 0)


def is_whole(a: Number) -> bool:
    if isinstance(a, Fraction):
        return a.denominator == 1
    return sub(a, Fraction(int(CONTEXT.nint(a)))) == 0


def floor_of(a: Number) -> Fraction:
    if is_whole(a):
        return Fraction(int(CONTEXT.nint(real(a))))
    return Fraction(int(CONTEXT.floor(real(a))))


def apply(name: str, a: Number) -> Number:
    """Return a smooth function's value; what is known to be rational stays so.

    Raises:
        UndefinedError: It has none, or not a real one.
    """
    if a == 0 and name in _AT_ZERO:
        return _AT_ZERO[name]
    if name == "log" and a == 1:
        return ZERO
    if name == "sqrt" and isinstance(a, Fraction) and a > 0:
        top, bottom = (math.isqrt(n) for n in (a.numerator, a.denominator))
        if top**2 == a.numerator and bottom**2 == a.denominator:
            return Fraction(int(top), int(bottom))
    if name == "log" and a == 0:
        raise InfiniteError("log of 0")
    if name in {"log", "sqrt"} and a < 0:
        raise UndefinedError(f"{name} of {a}")
    if name in {"asin", "acos"} and abs(a) > 1:
        raise UndefinedError(f"{name} of {a}")
    if name in {"sin", "cos", "tan"} and abs(a) > 10**9:  # its digits after the point are too few
        raise RangeError(f"{name} of {mpmath.nstr(real(a), 5)}")
    if name in {"exp", "sinh", "cosh"} and abs(a) > 300:
        raise RangeError(f"{name} of {a}")
    return settled(getattr(CONTEXT, name)(real(a)))


def slope_of(name: str, a: Number) -> Number:
    """Return a smooth function's derivative, as the textbooks have it.

    Raises:
        UndefinedError: It has none.
    """
    if name in {"exp", "sinh", "cosh"}:
        return apply({"exp": "exp", "sinh": "cosh", "cosh": "sinh"}[name], a)
    if name == "log":
        return div(ONE, a)
    if name == "sqrt":
        return div(ONE, mul(Fraction(2), apply("sqrt", a)))
    if name == "sin":
        return apply("cos", a)
    if name == "cos":
        return -apply("sin", a)
    if name in {"tan", "tanh"}:
        below = apply({"tan": "cos", "tanh": "cosh"}[name], a)
        return div(ONE, mul(below, below))
    square = mul(a, a)
    if name == "atan":
        return div(ONE, add(ONE, square))
    root = apply("sqrt", sub(ONE, square))
    return div(ONE if name == "asin" else -ONE, root)

"""Kinds of number a recurrence can run in: rationals, residues modulo a prime, or long floats."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import sympy

MOST_BITS = 1 << 17
_LARGEST = 1 << 12  # bits before the point


def rational(value: Any) -> Fraction:
    """Return a rational number of sympy as a Fraction."""
    exact = sympy.Rational(value)
    return Fraction(int(exact.p), int(exact.q))


def whole_power(base: Any, exponent: int, one: Any) -> Any:
    """Return base**exponent for an exponent from 0 up, by repeated squaring."""
    result = one
    while exponent:
        result = result * base if exponent & 1 else result
        base, exponent = base * base, exponent >> 1
    return result


class NotRationalError(ArithmeticError):
    """A rule leaves the rationals, or its numbers grow past `MOST_BITS`."""


class Rationals:
    """Exact arithmetic: numbers are Fractions."""

    def number(self, value: Fraction) -> Fraction:
        """Return the value, if it is not too long."""
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
            raise NotRationalError(f"a value needs more than {MOST_BITS} bits")
        return value

    def is_same(self, a: Any, b: Any) -> bool:
        """Return whether two numbers are equal."""
        return bool(a == b)

    def whole(self, value: Any) -> Any:
        """Return the value: a rational is a whole number or is none."""
        return value

    def function(self, name: str, _: Any) -> tuple[Any, Any]:
        """Refuse: no function of `arithmetic.Floats` keeps rationals rational."""
        raise NotRationalError(f"{name} leaves the rationals")

    def matrix_exponential(self, entries: list[Any], place: int) -> Any:
        """Return one element of exp(M) for a nilpotent M, given row by row; refuse any other."""
        size = math.isqrt(len(entries))
        rows = [entries[i : i + size] for i in range(0, size**2, size)]
        row, column = divmod(place, size)
        term = [self.number(Fraction(int(i == row))) for i in range(size)]
        total = term[column]
        for k in range(1, size + 1):
            term = [
                sum((term[i] * rows[i][j] for i in range(size)), start=term[0] * 0) / k
                for j in range(size)
            ]
            total = total + term[column]
        if any(number != 0 for number in term):
            raise NotRationalError("the exponential of a matrix leaves the rationals")
        return self.number(total)

    def power(self, base: Any, exponent: Any) -> Any:
        """Return base**exponent for a whole exponent."""
        if exponent.denominator != 1:
            raise NotRationalError("a fractional power leaves the rationals")
        return base ** int(exponent)

    def log(self, _: Any) -> Any:
        """Refuse: a logarithm is not rational."""
        raise NotRationalError("log leaves the rationals")


class Floats:
    """Arithmetic of a given precision, in a context of its own."""

    def __init__(self, bits: int) -> None:
        self.context = mpmath.MPContext()
        self.context.prec = bits

    def number(self, value: Any) -> Any:
        """Return the value at this precision."""
        if isinstance(value, Fraction):
            return self.context.mpf(value.numerator) / value.denominator
        return value

    def is_same(self, a: Any, b: Any) -> bool:
        """Return whether two numbers agree in half of all digits: sqrt(2)**2 is 2, sin(pi) 0."""
        share = self.context.ldexp(1, -self.context.prec // 2)
        return bool(abs(a - b) <= share * max(abs(a), abs(b), 1))

    def whole(self, value: Any) -> Any:
        """Return the value, as the whole number it is the same as if there is one."""
        nearest = self.context.nint(value) if self.context.isfinite(value) else value
        return nearest if self.is_same(nearest, value) else value

    def refuse_large(self, value: Any) -> None:
        """Refuse arguments far beyond what a float holds: exp of one may fill the memory."""
        if self.context.mag(value) > _LARGEST:
            raise ArithmeticError("a value is too large")

    def function(self, name: str, value: Any) -> tuple[Any, Any]:
        """Return (f(value), f'(value)); NaN where one is not real."""
        meaning = _VALUES.get(name) or (lambda c, x: getattr(c, name)(x))
        return (self._real(meaning, value), self._real(_SLOPES[name], value))

    def _real(self, function: Callable[[Any, Any], Any], value: Any) -> Any:
        context = self.context
        self.refuse_large(value)
        try:
            result = function(context, value)
        except (ValueError, TypeError, ZeroDivisionError):
            return context.nan
        return result if isinstance(result, context.mpf) else context.nan

    def matrix_exponential(self, entries: list[Any], place: int) -> Any:
        """Return one element of the exponential of a matrix, given row by row."""
        for entry in entries:
            self.refuse_large(entry)
        size = math.isqrt(len(entries))
        rows = [entries[i : i + size] for i in range(0, size**2, size)]
        return self.context.expm(self.context.matrix(rows))[divmod(place, size)]

    def power(self, base: Any, exponent: Any) -> Any:
        """Return base**exponent; NaN where it is not real."""
        return self._real(lambda c, x: c.power(x, exponent), base)

    def log(self, value: Any) -> Any:
        """Return the natural logarithm; NaN where it is not real."""
        return self.context.log(value) if value > 0 else self.context.nan


# What mpmath has no function for, or has it by another name.
_VALUES: dict[str, Callable[[Any, Any], Any]] = {
    "sigmoid": lambda c, x: 1 / (1 + c.exp(-x)),
    "softplus": lambda c, x: c.log1p(c.exp(x)),
    "ndtr": lambda c, x: c.ncdf(x),
}
_SLOPES: dict[str, Callable[[Any, Any], Any]] = {
    "sqrt": lambda c, x: 1 / (2 * c.sqrt(x)),
    "exp": lambda c, x: c.exp(x),
    "log": lambda c, x: 1 / x if x > 0 else c.nan,
    "sin": lambda c, x: c.cos(x),
    "cos": lambda c, x: -c.sin(x),
    "tan": lambda c, x: 1 + c.tan(x) ** 2,
    "asin": lambda c, x: 1 / c.sqrt(1 - x * x),
    "acos": lambda c, x: -1 / c.sqrt(1 - x * x),
    "atan": lambda c, x: 1 / (1 + x * x),  # noqa: ARG005 - the family's signature
    "sinh": lambda c, x: c.cosh(x),
    "cosh": lambda c, x: c.sinh(x),
    "tanh": lambda c, x: 1 / c.cosh(x) ** 2,
    "log1p": lambda c, x: 1 / (1 + x) if x > -1 else c.nan,
    "expm1": lambda c, x: c.exp(x),
    "sigmoid": lambda c, x: 1 / (2 * c.cosh(x / 2)) ** 2,
    "softplus": lambda c, x: (1 + c.tanh(x / 2)) / 2,
    "erf": lambda c, x: 2 * c.exp(-x * x) / c.sqrt(c.pi),
    "ndtr": lambda c, x: c.npdf(x),
}


class Short(Rationals):
    """Exact arithmetic that gives up early, where floats of some thousand bits are faster."""

    def number(self, value: Fraction) -> Fraction:
        """Return the value, if it is short."""
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS // 8:
            raise NotRationalError("long rationals")
        return value


@dataclasses.dataclass(frozen=True)
class Modular:
    """A residue modulo the prime 2^61 - 1: an image of the rationals in which sizes never grow.

    Two rational functions that agree at a random point modulo the prime are equal, but for a chance
    of their degree in 2^61 (Schwartz and Zippel).
    """

    residue: int

    @classmethod
    def of(cls, value: Any) -> Modular:
        """Return the image of a rational number."""
        if isinstance(value, Modular):
            return value
        exact = Fraction(value)
        return cls(exact.numerator * pow(exact.denominator, -1, PRIME) % PRIME)

    def __add__(self, other: Any) -> Modular:
        return Modular((self.residue + Modular.of(other).residue) % PRIME)

    __radd__ = __add__

    def __neg__(self) -> Modular:
        return Modular(-self.residue % PRIME)

    def __sub__(self, other: Any) -> Modular:
        return self + -Modular.of(other)

    def __rsub__(self, other: Any) -> Modular:
        return Modular.of(other) - self

    def __mul__(self, other: Any) -> Modular:
        return Modular(self.residue * Modular.of(other).residue % PRIME)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Modular:
        if exponent < 0 and self.residue == 0:
            raise ZeroDivisionError("0 has no inverse")
        return Modular(pow(self.residue, exponent, PRIME))

    def __truediv__(self, other: Any) -> Modular:
        return self * Modular.of(other) ** -1

    def __rtruediv__(self, other: Any) -> Modular:
        return Modular.of(other) * self**-1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Modular | int | Fraction) and (
            self.residue == Modular.of(other).residue
        )

    def __hash__(self) -> int:
        return hash(self.residue)

    def _refuse(self, _: Any) -> bool:
        raise NotRationalError("residues have no order")

    __lt__ = __le__ = __gt__ = __ge__ = _refuse


PRIME = (1 << 61) - 1


class Residues(Rationals):
    """Arithmetic modulo the prime."""

    def number(self, value: Any) -> Any:
        """Return the image of a rational number."""
        return Modular.of(value)

    def whole(self, value: Any) -> Any:  # noqa: ARG002 - the family's signature
        """Refuse: a residue is no whole number."""
        raise NotRationalError("residues have no order")

    def power(self, base: Any, exponent: Any) -> Any:  # noqa: ARG002 - the family's signature
        """Refuse: an exponent that was reduced modulo the prime is no exponent."""
        raise NotRationalError("a residue cannot be an exponent")

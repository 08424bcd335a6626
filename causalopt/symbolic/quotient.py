"""Sums over the roots of a polynomial without the roots: the trace in QQ[x] / (p).

For a squarefree p the sum of f(l) over its roots l is the trace of f in the quotient ring, a
rational number for rational f and p: the exact value of a RootSum.
"""

from __future__ import annotations

import dataclasses
import functools
from fractions import Fraction

import sympy
from sympy import QQ

from causalopt.symbolic.arithmetic import rational, whole_power

X = sympy.Symbol("x")


@dataclasses.dataclass(frozen=True)
class Residue:
    """A polynomial modulo another one, both over the rationals.

    Args:
        value: The representative of lowest degree.
        modulus: p.
    """

    value: sympy.Poly
    modulus: sympy.Poly

    @classmethod
    def root(cls, modulus: sympy.Poly) -> Residue:
        """Return x itself, the general root of the modulus."""
        return cls(sympy.Poly(X, X, domain=QQ).rem(modulus), modulus)

    def _of(self, value: sympy.Poly) -> Residue:
        return Residue(value.rem(self.modulus), self.modulus)

    def _lift(self, other: Residue | Fraction | int) -> sympy.Poly:
        if isinstance(other, Residue):
            return other.value
        return sympy.Poly(sympy.Rational(other), X, domain=QQ)

    def __add__(self, other: Residue | Fraction | int) -> Residue:
        return self._of(self.value + self._lift(other))

    __radd__ = __add__

    def __mul__(self, other: Residue | Fraction | int) -> Residue:
        return self._of(self.value * self._lift(other))

    __rmul__ = __mul__

    def inverse(self) -> Residue:
        """Return 1 / self.

        Raises:
            ZeroDivisionError: Some root of the modulus makes self 0.
        """
        return Residue(_inverse(self.value, self.modulus), self.modulus)

    def __pow__(self, exponent: int) -> Residue:
        base = self if exponent >= 0 else self.inverse()
        power: Residue = whole_power(base, abs(exponent), self._of(self._lift(1)))
        return power

    def trace(self) -> Fraction:
        """Return the sum of the values at all roots of the modulus, by Newton's power sums."""
        total = sympy.S.Zero
        for power, sum_of_powers in enumerate(power_sums(self.modulus)):
            total += self.value.nth(power) * sum_of_powers
        return rational(total)


@functools.lru_cache(maxsize=256)
def _inverse(value: sympy.Poly, modulus: sympy.Poly) -> sympy.Poly:
    if value.is_zero or value.gcd(modulus).degree() > 0:
        raise ZeroDivisionError("a root of the modulus makes the denominator 0")
    if value.degree() == 0:
        return sympy.Poly(1 / value.LC(), X, domain=QQ)
    return value.invert(modulus)


def power_sums(poly: sympy.Poly) -> list[sympy.Rational]:
    """Return the sums of the k-th powers of the roots, k = 0 .. degree - 1.

    Example:
        >>> power_sums(sympy.Poly(X**3 - 6 * X**2 + 11 * X - 6, X, domain=QQ))
        [3, 6, 14]
    """
    monic = poly.monic()
    degree = poly.degree()
    lower = [monic.nth(degree - i) for i in range(degree + 1)]
    sums = [sympy.Integer(degree)]
    for k in range(1, degree):
        carried = sum((lower[i] * sums[k - i] for i in range(1, k)), sympy.S.Zero)
        sums.append(-carried - k * lower[k])
    return sums

"""Numbers with square roots, exactly: QQ(sqrt p, sqrt q, ...) over primes and -1.

A closed form at rational parameters takes values in such a field although the sequence it stands
for is rational; carried exactly, the roots cancel to the last digit or the formula is wrong.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import sympy

from causalopt.symbolic.arithmetic import whole_power

Radicals = frozenset[int]
_ONE: Radicals = frozenset()


@dataclasses.dataclass(frozen=True)
class Surd:
    """A sum of rational multiples of products of square roots.

    Args:
        terms: {set of primes (and -1) under the root: coefficient}, no zero coefficients.

    Example:
        >>> golden = (Surd.of(1) + square_root(Fraction(5))) * Surd.of(Fraction(1, 2))
        >>> (golden * golden - golden).rational()
        Fraction(1, 1)
    """

    terms: tuple[tuple[Radicals, Fraction], ...]

    @classmethod
    def of(cls, value: Fraction | int) -> Surd:
        """Return a rational number as a surd."""
        return _pack({_ONE: Fraction(value)})

    def rational(self) -> Fraction:
        """Return the number if no root is left.

        Raises:
            ArithmeticError: A root is left, so the number is not rational.
        """
        found = dict(self.terms)
        if set(found) - {_ONE}:
            raise ArithmeticError(f"not rational: {self}")
        return found.get(_ONE, Fraction(0))

    def __add__(self, other: Surd | Fraction | int) -> Surd:
        total = dict(self.terms)
        for radicals, c in _surd(other).terms:
            total[radicals] = total.get(radicals, Fraction(0)) + c
        return _pack(total)

    __radd__ = __add__

    def __mul__(self, other: Surd | Fraction | int) -> Surd:
        total: dict[Radicals, Fraction] = {}
        for a, x in self.terms:
            for b, y in _surd(other).terms:
                c = x * y
                for prime in a & b:
                    c *= prime
                total[a ^ b] = total.get(a ^ b, Fraction(0)) + c
        return _pack(total)

    __rmul__ = __mul__

    def __neg__(self) -> Surd:
        return self * -1

    def __sub__(self, other: Surd | Fraction | int) -> Surd:
        return self + -_surd(other)

    def inverse(self) -> Surd:
        """Return 1 / self, by one conjugation for each root."""
        used = frozenset().union(*(radicals for radicals, _ in self.terms))
        if not used:
            return Surd.of(1 / self.rational())
        prime = min(used)
        turned = _pack({r: -c if prime in r else c for r, c in self.terms})
        return turned * (self * turned).inverse()

    def __pow__(self, exponent: int) -> Surd:
        base = self if exponent >= 0 else self.inverse()
        power: Surd = whole_power(base, abs(exponent), Surd.of(1))
        return power


def square_root(value: Fraction) -> Surd:
    """Return the principal square root of a rational number, i times a positive one if negative."""
    coefficient, radicals = Fraction(1, value.denominator), set()
    for prime, power in sympy.factorint(value.numerator * value.denominator).items():
        if prime == 0:
            return Surd.of(0)
        coefficient *= int(prime) ** (power // 2)
        if power % 2:
            radicals.add(int(prime))
    return _pack({frozenset(radicals): coefficient})


def _surd(value: Surd | Fraction | int) -> Surd:
    return value if isinstance(value, Surd) else Surd.of(value)


def _pack(terms: dict[Radicals, Fraction]) -> Surd:
    return Surd(tuple((r, c) for r, c in terms.items() if c))

"""The residues at the roots of one irreducible factor, as a formula in the step.

For a factor q of multiplicity r with D = q^r h the residues of N(z) z^E / D(z) at a root l of q are
sum over j < r of c_j(l) binomial(E, j) l^(E - j), where the c_j come from the Taylor series of
N / (s^r h) at l, s(z) = q(z) / (z - l), worked out in the quotient ring by q: no root is ever
written down before the end.
"""

from __future__ import annotations

import dataclasses
import math

import sympy

from causalopt.symbolic.degenerate import Condition, nonzero
from causalopt.symbolic.naming import Names
from causalopt.symbolic.resolvent import Z


@dataclasses.dataclass(frozen=True)
class Exponent:
    """The exponent E = age + shift, age the steps since the nudge."""

    age: sympy.Expr
    shift: int

    def plus(self, more: int) -> sympy.Expr:
        """Return E + more."""
        return self.age + self.shift + more


@dataclasses.dataclass(frozen=True)
class Pole:
    """One factor of a denominator, and what its residues depend on.

    Args:
        numerator: N.
        factor: q, monic and irreducible.
        multiplicity: r.
        rest: The other factors with their powers; h is their product.
        exponent: E.
        names: Takes long coefficients.
    """

    numerator: sympy.Poly
    factor: sympy.Poly
    multiplicity: int
    rest: list[sympy.Poly]
    exponent: Exponent
    names: Names

    def residues(self) -> tuple[sympy.Expr, list[Condition]]:
        """Return the sum over the roots of q, and what the parameters must keep."""
        if self.factor.degree() == 1:
            return self._linear()
        if self.factor.degree() == 2 and self.multiplicity == 1:
            residue = (self.numerator * _inverse(self._other, self.factor)).rem(self.factor)
            return _quadratic(residue, self.factor, self.exponent, self.names), []
        return self._higher()

    @property
    def _other(self) -> sympy.Poly:
        return math.prod(self.rest, start=self.numerator.one)

    def _principal_part(self) -> list[sympy.Poly]:
        """Return c_0, ..., c_(r-1): the residues' coefficients as polynomials in the root."""
        length = self.multiplicity
        below = _series(self._other, self.factor, length)
        single = _series(self.factor, self.factor, length, skip=1)
        for _ in range(length):
            below = _times(below, single, self.factor)
        return _divided(_series(self.numerator, self.factor, length), below, self.factor)[::-1]

    def _linear(self) -> tuple[sympy.Expr, list[Condition]]:
        root = self.names.short(-self.factor.nth(0))
        coefficients = [self.names.short(c.as_expr()) for c in self._principal_part()]
        is_repeated = self.multiplicity > 1
        vanishing = nonzero(root, "the repeated root is not 0") if is_repeated else []
        return self._sum(coefficients, root), vanishing

    def _sum(self, coefficients: list[sympy.Expr], root: sympy.Expr) -> sympy.Expr:
        """Return the sum of c_j binomial(E, j) root^(E - j)."""
        return sympy.Add(
            *(
                c * _falling(self.exponent, j) * root ** self.exponent.plus(-j)
                for j, c in enumerate(coefficients)
            )
        )

    def _higher(self) -> tuple[sympy.Expr, list[Condition]]:
        factor, names, is_repeated = self.factor, self.names, self.multiplicity > 1
        used = factor.free_symbols | factor.free_symbols_in_domain | self.exponent.age.free_symbols
        letters = ("x", "r", "root", "x_", "r_")
        x = next(s for s in map(sympy.Symbol, letters) if s not in used)
        if is_repeated:
            body = self._sum([names.polynomial(p, x) for p in self._principal_part()], x)
        else:
            slope = names.polynomial(factor, x).diff(x)
            rest = names.polynomial(self._other, x)
            top = names.polynomial(self.numerator, x)
            body = top / (slope * rest) * x ** self.exponent.plus(0)
        polynomial = names.polynomial(factor, x)
        nowhere_zero = "the repeated root is not 0"
        simple = f"{polynomial} has no repeated root in {x}"
        if factor.degree() == 2:
            value = sympy.Add(*(body.subs(x, root) for root in sympy.roots(polynomial, x)))
            needs = nonzero(factor.discriminant(), simple)
            return value, [*needs, *nonzero(factor.nth(0), nowhere_zero)]
        value = sympy.RootSum(polynomial, sympy.Lambda(x, body), x, auto=False)
        if not factor.free_symbols_in_domain:
            return value, []
        needs = nonzero(factor.nth(0), nowhere_zero) if is_repeated else []
        return value, [Condition(None, simple), *needs]


def _tidy(expr: sympy.Expr) -> sympy.Expr:
    return sympy.factor(expr) if expr.free_symbols else sympy.sympify(expr, strict=True)


def _inverse(poly: sympy.Poly, modulus: sympy.Poly) -> sympy.Poly:
    reduced = poly.rem(modulus)
    if reduced.degree() <= 0:
        return reduced.one.mul_ground(1 / reduced.domain.from_sympy(reduced.as_expr()))
    return reduced.invert(modulus)


def _series(poly: sympy.Poly, modulus: sympy.Poly, length: int, skip: int = 0) -> list[sympy.Poly]:
    """Taylor coefficients skip, skip + 1, ... of a polynomial at a root of the modulus."""
    terms = []
    derivative = poly
    for order in range(skip + length):
        if order:
            derivative = derivative.diff(Z).mul_ground(sympy.Rational(1, order))
        if order >= skip:
            terms.append(derivative.rem(modulus))
    return terms


def _times(a: list[sympy.Poly], b: list[sympy.Poly], modulus: sympy.Poly) -> list[sympy.Poly]:
    return [
        sum((a[i] * b[n - i] for i in range(n + 1)), modulus.zero).rem(modulus)
        for n in range(len(a))
    ]


def _divided(a: list[sympy.Poly], b: list[sympy.Poly], modulus: sympy.Poly) -> list[sympy.Poly]:
    lead = _inverse(b[0], modulus)
    quotient: list[sympy.Poly] = []
    for n in range(len(a)):
        carried = sum((b[n - i] * quotient[i] for i in range(n)), modulus.zero)
        quotient.append(((a[n] - carried) * lead).rem(modulus))
    return quotient


def _falling(exponent: Exponent, count: int) -> sympy.Expr:
    product = sympy.Mul(*(exponent.plus(-i) for i in range(count)))
    return product / sympy.factorial(count)


def _quadratic(
    residue: sympy.Poly, factor: sympy.Poly, exponent: Exponent, names: Names
) -> sympy.Expr:
    """(n(l+) l+^E - n(l-) l-^E) / (l+ - l-), in the form its discriminant asks for."""
    b, c = (names.short(factor.nth(i)) for i in (1, 0))
    n0, n1 = (names.short(residue.nth(i)) for i in (0, 1))
    discriminant = _tidy(sympy.cancel(b**2 - 4 * c))
    if discriminant.is_number:
        form = _radicals if discriminant > 0 else _oscillation
        return form(n0, n1, b, c, exponent)
    return sympy.Piecewise(
        (_confluent(n0, n1, b, exponent), _vanishes(discriminant)),
        (_oscillation(n0, n1, b, c, exponent), discriminant < 0),
        (_radicals(n0, n1, b, c, exponent), True),
    )


def _vanishes(expr: sympy.Expr) -> sympy.Basic:
    """Expr = 0, solved for its only symbol where that is one rational value."""
    top = sympy.fraction(sympy.together(expr))[0]
    if len(top.free_symbols) == 1:
        (symbol,) = top.free_symbols
        poly = sympy.Poly(top, symbol)
        if poly.degree() == 1:
            return sympy.Eq(symbol, -poly.nth(0) / poly.LC())
    return sympy.Eq(sympy.expand(top).as_content_primitive()[1], 0)


def _radicals(
    n0: sympy.Expr, n1: sympy.Expr, b: sympy.Expr, c: sympy.Expr, exponent: Exponent
) -> sympy.Expr:
    gap = sympy.sqrt(_tidy(sympy.cancel(b**2 - 4 * c)))
    high, low = (-b + gap) / 2, (-b - gap) / 2
    plain, raised = exponent.plus(0), exponent.plus(1)
    return (n0 * (high**plain - low**plain) + n1 * (high**raised - low**raised)) / gap


def _confluent(n0: sympy.Expr, n1: sympy.Expr, b: sympy.Expr, exponent: Exponent) -> sympy.Expr:
    root = -b / 2
    plain, raised = exponent.plus(0), exponent.plus(1)
    if b == 0:
        return sympy.Piecewise((n1, sympy.Eq(plain, 0)), (n0, sympy.Eq(plain, 1)), (0, True))
    first = n0 * plain * root ** exponent.plus(-1)
    if b.free_symbols and n0 != 0:
        first = sympy.Piecewise((0, sympy.Eq(plain, 0)), (first, True))
    return first + n1 * raised * root**plain


def _oscillation(
    n0: sympy.Expr, n1: sympy.Expr, b: sympy.Expr, c: sympy.Expr, exponent: Exponent
) -> sympy.Expr:
    radius = sympy.sqrt(c)
    angle = sympy.acos(-b / (2 * radius))
    plain, raised = exponent.plus(0), exponent.plus(1)
    first = n0 * radius ** exponent.plus(-1) * sympy.sin(plain * angle)
    return (first + n1 * radius**plain * sympy.sin(raised * angle)) / sympy.sin(angle)

"""Comp in the frequency domain: control theory's sensitivity function.

Comp(z) = U_total(z) / U_direct(z) at z = e^(i omega) is what a sinusoidal disturbance of frequency
omega (radians per step) meets: Op(omega) = -ln |Comp(e^(i omega))|. Its mean over all frequencies
is fixed by the roots outside the unit circle and the leading coefficient, what a disturbance meets
at the step it falls on (Jensen's formula; the discrete Bode integral of Sung & Hara 1988): what a
controller gains at one frequency it pays at another, the waterbed law. Where the loop has a root
outside the unit circle, a sinusoid's effect grows and never becomes one: the numbers are then those
of the function on the circle, and no frequency response.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping

import sympy
from sympy import QQ

from causalopt.symbolic.resolvent import Response, Z
from causalopt.symbolic.roots import specialise

# Dummies, so that parameters may be called omega or c.
OMEGA = sympy.Dummy("omega")
_COSINE = sympy.Dummy("c")


@dataclasses.dataclass(frozen=True)
class Peak:
    """The frequency at which a disturbance is amplified most.

    Args:
        omega: Radians per step, in [0, pi].
        comp: |Comp| there; infinite when a pole lies on the unit circle.
        op: -ln of it, in nats.
    """

    omega: float
    comp: float
    op: float


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """Comp(z) as a ratio of polynomials, and what follows from it on the unit circle.

    Args:
        numerator: Of Comp(z).
        denominator: Of Comp(z).
        parameters: The symbols of the coefficients.
        poles: The denominator of the total effect, whose roots a disturbance excites.
    """

    numerator: sympy.Poly
    denominator: sympy.Poly
    parameters: tuple[sympy.Symbol, ...]
    poles: sympy.Poly

    @property
    def comp(self) -> sympy.Expr:
        """Comp(z)."""
        return self.numerator.as_expr() / self.denominator.as_expr()

    @property
    def op(self) -> sympy.Expr:
        """Op(omega) = -ln |Comp(e^(i omega))| in nats, omega in radians per step."""
        squared = _squared(self.numerator) / _squared(self.denominator)
        return -sympy.log(squared.subs(_COSINE, sympy.cos(OMEGA))) / 2

    def unstable(self, values: Mapping[sympy.Symbol, sympy.Rational]) -> tuple[complex, ...]:
        """Return the loop's roots outside the unit circle, at rational parameters."""
        poles = specialise(self.poles, dict(values))
        if poles is None:
            raise ZeroDivisionError("a coefficient of the total effect divides by 0 here")
        return tuple(complex(root) for root, _ in _roots(poles) if abs(root) > 1)

    def peak(self, values: Mapping[sympy.Symbol, sympy.Rational]) -> Peak:
        """Return the largest |Comp| over all frequencies, at rational parameters.

        |Comp|^2 is a ratio of polynomials in cos omega; its critical points are the real roots of
        one polynomial, isolated exactly before they are rounded.
        """
        top, bottom = (
            sympy.Poly(_squared(specialised), _COSINE, domain=QQ)
            for specialised in self._at(values)
        )
        critical = top.diff() * bottom - top * bottom.diff()
        places = [sympy.Integer(-1), sympy.Integer(1)]
        for poly in (critical, bottom):
            if poly.degree() > 0:
                places += [r for r in sympy.real_roots(poly) if -1 <= r <= 1]
        best, where = max((_gain(top, bottom, c), -float(c)) for c in places)
        return Peak(math.acos(-where), best, -math.log(best) if best else math.inf)

    def waterbed(self, values: Mapping[sympy.Symbol, sympy.Rational]) -> float:
        """Return the mean of Op over all frequencies, in nats, at rational parameters.

        (1/pi) integral from 0 to pi of Op(omega) d omega = m(denominator) - m(numerator), with
        m(p) = ln |leading coefficient| + sum of ln |root| over the roots outside the unit circle.
        """
        top, bottom = self._at(values)
        return _mahler(bottom) - _mahler(top)

    def _at(self, values: Mapping[sympy.Symbol, sympy.Rational]) -> tuple[sympy.Poly, sympy.Poly]:
        pair = [specialise(p, dict(values)) for p in (self.numerator, self.denominator)]
        if pair[0] is None or pair[1] is None:
            raise ZeroDivisionError("a coefficient of Comp(z) divides by 0 at these parameters")
        common = pair[0].gcd(pair[1])
        return pair[0].quo(common), pair[1].quo(common)


def sensitivity(total: Response, direct: Response) -> Sensitivity | None:
    """Return Comp(z), or None where the direct effect is identically 0.

    Example:
        >>> from causalopt.symbolic.resolvent import Response
        >>> one = sympy.Poly(1, Z, domain=QQ)
        >>> decay = Response(sympy.Poly(2 * Z, Z, domain=QQ), sympy.Poly(2 * Z - 1, Z), ())
        >>> still = Response(sympy.Poly(Z, Z, domain=QQ), sympy.Poly(Z - 1, Z, domain=QQ), ())
        >>> sensitivity(decay, still).comp.subs(Z, sympy.Symbol("z"))
        (z - 1)/(z - 1/2)
    """
    if direct.is_zero:
        return None
    top = total.numerator * direct.denominator
    bottom = total.denominator * direct.numerator
    reduced = sympy.cancel(top.as_expr() / bottom.as_expr())
    above, below = sympy.fraction(reduced)
    domain = total.numerator.domain
    lead = sympy.Poly(below, Z, domain=domain).LC()
    numerator, denominator = (sympy.Poly(part / lead, Z, domain=domain) for part in (above, below))
    return Sensitivity(numerator, denominator, total.parameters, total.denominator)


def _squared(poly: sympy.Poly) -> sympy.Expr:
    """|p(e^(i omega))|^2 as a polynomial in c = cos omega."""
    coefficients = poly.all_coeffs()
    total = sum((a * a for a in coefficients), sympy.S.Zero)
    for k in range(1, len(coefficients)):
        lagged = sum(
            (a * b for a, b in zip(coefficients[k:], coefficients[:-k], strict=True)), sympy.S.Zero
        )
        total += 2 * lagged * sympy.chebyshevt(k, _COSINE)
    return sympy.factor(total)


def _gain(top: sympy.Poly, bottom: sympy.Poly, cosine: sympy.Expr) -> float:
    below = bottom.eval(cosine) if cosine.is_Rational else None
    above = top.eval(cosine) if cosine.is_Rational else None
    if below is None:
        point = cosine.evalf(40)
        above, below = (
            top.as_expr().evalf(40, {_COSINE: point}),
            bottom.as_expr().evalf(40, {_COSINE: point}),
        )
        if abs(below) < sympy.Float("1e-30"):
            return math.inf
    if below == 0:
        return math.inf if above != 0 else 0.0
    return math.sqrt(max(0.0, float(above / below)))


def _mahler(poly: sympy.Poly) -> float:
    if poly.is_zero:
        return -math.inf
    total = math.log(abs(sympy.Rational(poly.LC())))
    return total + sum(
        multiplicity * max(0.0, float(sympy.log(abs(root)))) for root, multiplicity in _roots(poly)
    )


def _roots(poly: sympy.Poly) -> Iterator[tuple[sympy.Expr, int]]:
    """Yield the roots but 0, with their multiplicities."""
    for factor, multiplicity in poly.factor_list()[1]:
        for root in factor.nroots(n=30, maxsteps=200):
            if root:
                yield root, multiplicity

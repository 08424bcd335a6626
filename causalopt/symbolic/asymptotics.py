"""What is left after a long time: steady state, rate per step, and when they exist.

An effect tends to its residue at z = 1 when every other root of its denominator lies inside the
unit circle, and shrinks by the factor rho per step, the largest modulus of a root. So
Op per step -> ln(rho_direct / rho_total), the difference of two exponents.
"""

from __future__ import annotations

import dataclasses
import math

import sympy

from causalopt.symbolic.deadline import Deadline
from causalopt.symbolic.resolvent import Response
from causalopt.symbolic.roots import Reduced, reduce_response, specialise


@dataclasses.dataclass(frozen=True)
class Asymptotics:
    """An effect's behaviour for t to infinity.

    Args:
        limit: Its limit when `stable` holds; oo for a repeated root 1.
        stable: Inequalities under which all roots but a simple 1 lie inside the unit circle.
        radius: rho, the largest modulus of a root, as an expression; None above degree 2.
        reduced: The factored z-transform.
    """

    limit: sympy.Expr
    stable: tuple[sympy.Basic, ...]
    radius: sympy.Expr | None
    reduced: Reduced | None

    def radius_at(self, values: dict[sympy.Symbol, sympy.Rational]) -> float:
        """Return rho at rational parameters, from roots with 30 digits."""
        if self.reduced is None:
            return 0.0
        radii = [0.0]
        for factor, _ in self.reduced.factors:
            special = specialise(factor, values)
            if special is None:
                return math.nan
            for part, _ in special.factor_list()[1]:
                radii += [float(abs(root)) for root in part.nroots(n=30, maxsteps=200)]
        return max(radii)


def asymptotics(response: Response, deadline: Deadline) -> Asymptotics:
    """Return an effect's limit, its stability conditions and its rate.

    Args:
        response: The effect's z-transform.
        deadline: When to stop.

    Returns:
        The behaviour for t to infinity.

    Example:
        >>> from sympy import QQ
        >>> from causalopt.symbolic.resolvent import Z
        >>> k = sympy.Symbol("k")
        >>> from sympy import QQ
        >>> field = QQ.frac_field(k)
        >>> decay = Response(sympy.Poly(Z, Z, domain=field), sympy.Poly(Z - k, Z), (k,))
        >>> asymptotics(decay, Deadline.after(5)).stable
        (1 - k > 0, k + 1 > 0)
    """
    if response.is_zero:
        return Asymptotics(sympy.S.Zero, (), sympy.S.Zero, None)
    reduced = reduce_response(response, deadline)
    one = [(f, r) for f, r in reduced.factors if f.degree() == 1 and f.eval(1) == 0]
    stable: list[sympy.Basic] = []
    for factor, _ in reduced.factors:
        if (factor, 1) not in one and factor not in [f for f, _ in one]:
            stable += inside_unit_circle(factor)
    limit = _limit(reduced, one)
    return Asymptotics(limit, tuple(dict.fromkeys(stable)), _radius(reduced), reduced)


def _limit(reduced: Reduced, one: list[tuple[sympy.Poly, int]]) -> sympy.Expr:
    if not one:
        return sympy.S.Zero
    if one[0][1] > 1:
        return sympy.oo
    below = sympy.Mul(*(f.eval(1) ** r for f, r in reduced.factors if f.eval(1) != 0))
    return sympy.factor(sympy.cancel(reduced.numerator.eval(1) / below))


def inside_unit_circle(poly: sympy.Poly) -> list[sympy.Basic]:
    """Return inequalities equivalent to `all roots of a monic polynomial lie in |z| < 1`.

    The bilinear map z = (1 + w) / (1 - w) takes the disc to the left half plane, where Hurwitz's
    criterion speaks: all coefficients and all leading minors positive. Numbers that are positive
    are left out. Above degree 4 the inequality is `rho(poly) < 1`, rho the largest modulus of a
    root, and its truth where the polynomial has no parameters.

    Example:
        >>> from causalopt.symbolic.resolvent import Z
        >>> k = sympy.Symbol("k")
        >>> inside_unit_circle(sympy.Poly(Z**2 - Z + k, Z))
        [k > 0, 1 - k > 0, k + 2 > 0]
    """
    degree = poly.degree()
    if degree > 4:
        return [] if (inside := _radius_below_one(poly)) is sympy.true else [inside]
    w = sympy.Dummy("w")
    mapped = sympy.Poly(
        sum(c * (1 + w) ** power * (1 - w) ** (degree - power) for (power,), c in poly.terms()), w
    )
    coefficients = [mapped.nth(i) for i in range(degree + 1)]
    wanted = coefficients + _hurwitz_minors(coefficients)
    found: list[sympy.Basic] = []
    for expr in wanted:
        content, primitive = sympy.factor(expr).as_content_primitive()
        relation = sympy.Gt(primitive if content > 0 else -primitive, 0)
        if relation is not sympy.true:
            found.append(relation)
    return list(dict.fromkeys(found))


def _radius_below_one(poly: sympy.Poly) -> sympy.Basic:
    if poly.as_expr().free_symbols <= set(poly.gens):
        return sympy.sympify(max(abs(root) for root in poly.nroots(n=30, maxsteps=200)) < 1)
    return sympy.Lt(sympy.Function("rho", nonnegative=True)(poly.as_expr()), 1)


def _hurwitz_minors(coefficients: list[sympy.Expr]) -> list[sympy.Expr]:
    degree = len(coefficients) - 1
    if degree < 3:
        return []
    matrix = sympy.Matrix(
        degree,
        degree,
        lambda i, j: (
            coefficients[degree - (2 * (j + 1) - (i + 1))]
            if 0 <= 2 * (j + 1) - (i + 1) <= degree
            else 0
        ),
    )
    return [sympy.expand(matrix[:n, :n].det(method="berkowitz")) for n in range(2, degree)]


def _radius(reduced: Reduced) -> sympy.Expr | None:
    radii: list[sympy.Expr] = []
    for factor, _ in reduced.factors:
        if factor.degree() == 1:
            radii.append(sympy.Abs(factor.nth(0)))
        elif factor.degree() == 2:
            radii.append(_radius_of_pair(factor.nth(1), factor.nth(0)))
        else:
            return None
    return sympy.Max(*radii) if radii else sympy.S.Zero


def _radius_of_pair(b: sympy.Expr, c: sympy.Expr) -> sympy.Expr:
    discriminant = sympy.factor(sympy.cancel(b**2 - 4 * c))
    real = (sympy.Abs(b) + sympy.sqrt(discriminant)) / 2
    if discriminant.is_number:
        return sympy.sqrt(c) if discriminant < 0 else real
    return sympy.Piecewise((sympy.sqrt(c), discriminant < 0), (real, True))

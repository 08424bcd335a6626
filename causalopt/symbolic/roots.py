"""Denominators taken apart: powers of z, irreducible factors, and what must not vanish.

Whether a polynomial with parameters is irreducible, or prime to another, is first asked at random
rational parameters, where the answer costs nothing and "yes" carries over; only on "no" is the
multivariate question put, within its share of the time.
"""

from __future__ import annotations

import dataclasses
import random

import sympy
from sympy import QQ

from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.resolvent import Response, Z, coefficient_field


@dataclasses.dataclass(frozen=True)
class Reduced:
    """A response as z^power numerator / product of factor^multiplicity.

    Args:
        numerator: Not divisible by z.
        factors: Monic, pairwise different, not divisible by z, with their multiplicities.
        power: The power of z outside.
        notes: What could not be decided in time.
    """

    numerator: sympy.Poly
    factors: tuple[tuple[sympy.Poly, int], ...]
    power: int
    notes: tuple[str, ...] = ()


def random_point(
    parameters: tuple[sympy.Symbol, ...], seed: int, *, size: int = 97
) -> dict[sympy.Symbol, sympy.Rational]:
    """Return rational values of the parameters, in (-1, 1) and not 0, that depend on the seed."""
    draw = random.Random(seed)
    return {
        p: sympy.Rational(draw.choice((-1, 1)) * draw.randint(1, size - 1), size)
        for p in parameters
    }


def reduce_response(response: Response, deadline: Deadline) -> Reduced:
    """Return the response in lowest terms with its denominator factored.

    Args:
        response: A ratio that is not identically 0.
        deadline: When to stop; multivariate factoring gets a quarter of what is left.

    Returns:
        The factors over the rationals' extension by the parameters.
    """
    up, numerator = _without_z(response.numerator)
    down, denominator = _without_z(response.denominator)
    if not _coprime_somewhere(numerator, denominator, response.parameters):
        numerator, denominator = deadline.run(_cancel, numerator, denominator)
    factors, notes = _factor(denominator, response.parameters, deadline)
    lead = numerator.domain.from_sympy(denominator.LC())
    return Reduced(numerator.mul_ground(1 / lead), factors, up - down, notes)


def _without_z(poly: sympy.Poly) -> tuple[int, sympy.Poly]:
    power = min(monomial[0] for monomial in poly.monoms())
    return power, poly.quo(sympy.Poly(Z**power, Z, domain=poly.domain))


def specialise(poly: sympy.Poly, point: dict[sympy.Symbol, sympy.Rational]) -> sympy.Poly | None:
    """Return the polynomial at rational parameters, or None where a denominator vanishes there."""
    coefficients = []
    for c in poly.all_coeffs():
        top, bottom = sympy.fraction(sympy.together(c))
        below = bottom.subs(point)
        if below == 0:
            return None
        coefficients.append(sympy.Rational(sympy.expand(top.subs(point))) / below)
    return sympy.Poly(coefficients, Z, domain=QQ)


def _coprime_somewhere(a: sympy.Poly, b: sympy.Poly, parameters: tuple[sympy.Symbol, ...]) -> bool:
    for seed in range(2):
        point = random_point(parameters, seed)
        top, bottom = specialise(a, point), specialise(b, point)
        if top is None or bottom is None or bottom.degree() < b.degree() or top.is_zero:
            continue
        if top.gcd(bottom).degree() == 0:
            return True
    return False


def _cancel(a: sympy.Poly, b: sympy.Poly) -> tuple[sympy.Poly, sympy.Poly]:
    top, bottom = sympy.fraction(sympy.cancel(a.as_expr() / b.as_expr()))
    return sympy.Poly(top, Z, domain=a.domain), sympy.Poly(bottom, Z, domain=a.domain)


def _factor(
    poly: sympy.Poly, parameters: tuple[sympy.Symbol, ...], deadline: Deadline
) -> tuple[tuple[tuple[sympy.Poly, int], ...], tuple[str, ...]]:
    if poly.degree() <= 0:
        return (), ()
    if poly.degree() == 1 or _irreducible_somewhere(poly, parameters):
        return ((poly.monic(), 1),), ()
    try:
        found = deadline.run(_factor_fully, poly, parameters, at_most=deadline.remaining() / 4)
    except OvertimeError:
        return ((poly.monic(), 1),), ("the denominator was not factored in the time given",)
    return found, ()


def _irreducible_somewhere(poly: sympy.Poly, parameters: tuple[sympy.Symbol, ...]) -> bool:
    for seed in range(2 if parameters else 1):
        special = specialise(poly, random_point(parameters, seed))
        if special is not None and special.degree() == poly.degree() and special.is_irreducible:
            return True
    return False


def _factor_fully(
    poly: sympy.Poly, parameters: tuple[sympy.Symbol, ...]
) -> tuple[tuple[sympy.Poly, int], ...]:
    field = coefficient_field(parameters)
    top = sympy.fraction(sympy.together(poly.as_expr()))[0]
    _, found = sympy.factor_list(top, Z, *parameters)
    return tuple(
        (sympy.Poly(f.as_expr() if isinstance(f, sympy.Poly) else f, Z, domain=field).monic(), r)
        for f, r in found
        if Z in f.free_symbols
    )

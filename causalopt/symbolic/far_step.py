"""The exact effect at one far step, by powers of z modulo the characteristic polynomial.

u(s) is the coefficient of 1/z in z^(s-1) N(z) / D(z), that is the leading coefficient of
z^(s-1) N(z) mod D(z) over that of D: about log2(s) multiplications of polynomials (Fiduccia 1985).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import sympy

from causalopt.symbolic.arithmetic import Modular, rational
from causalopt.symbolic.resolvent import Response, Z


def effect_after(response: Response, age: int) -> sympy.Expr:
    """Return the effect `age` steps after the nudge.

    Args:
        response: The effect's z-transform.
        age: Steps since the nudge, 0 or more.

    Returns:
        A rational number, or a rational function of the parameters that stay symbolic.

    Example:
        >>> from sympy import QQ
        >>> fibonacci = Response(
        ...     sympy.Poly(Z, Z, domain=QQ), sympy.Poly(Z**2 - Z - 1, Z, domain=QQ), ()
        ... )
        >>> effect_after(fibonacci, 100)
        354224848179261915075
    """
    numerator, denominator = response.numerator, response.denominator
    degree = denominator.degree()
    lead = denominator.LC()
    if numerator.is_zero:
        return sympy.S.Zero
    if age == 0:
        return sympy.cancel(numerator.nth(degree) / lead)
    if degree == 0:
        return sympy.S.Zero
    power = _power_of_z(age - 1, denominator)
    return sympy.cancel((power * numerator).rem(denominator).nth(degree - 1) / lead)


def _power_of_z(exponent: int, modulus: sympy.Poly) -> sympy.Poly:
    z = sympy.Poly(Z, Z, domain=modulus.domain)
    result = z.one.rem(modulus)
    for bit in bin(exponent)[2:]:
        result = (result * result).rem(modulus)
        if bit == "1":
            result = (result * z).rem(modulus)
    return result


def effect_in_digits(response: Response, age: int) -> Any:
    """Return the effect far after the nudge in multiprecision floats, at rational coefficients.

    The exact number has as many digits as steps; here the precision is raised until two of them
    agree to 60 bits.

    Args:
        response: The effect's z-transform, without parameters.
        age: Steps since its base, 1 or more.

    Raises:
        ArithmeticError: The highest precision does not suffice.
    """
    pair = [
        [rational(c) for c in reversed(p.all_coeffs())]
        for p in (response.numerator, response.denominator)
    ]
    if response.numerator.is_zero or len(pair[1]) == 1:
        return Fraction(0)
    before: Any = None
    for bits in (256, 1024, 4096):
        context = mpmath.MPContext()
        context.prec = bits
        numerator, denominator = (
            [context.mpf(c.numerator) / c.denominator for c in poly] for poly in pair
        )
        found = _coefficient(numerator, denominator, age)
        if found != 0 and before is not None and _agree(found, before, context.mpf(2) ** -60):
            return found
        before = found
    residues, modulus = ([Modular.of(c) for c in poly] for poly in pair)
    if before == 0 and _coefficient(residues, modulus, age) == Modular(0):
        return Fraction(0)  # digits cannot tell a zero from what is lost beside a root outside 1
    raise ArithmeticError(f"4096 bits do not resolve the effect after {age} steps")


def _agree(found: Any, before: Any, share: Any) -> bool:
    return bool(abs(found - before) <= abs(found) * share)


def _coefficient(numerator: list[Any], denominator: list[Any], age: int) -> Any:
    """The effect by repeated squaring; lists hold the lowest power first."""
    monic = [c / denominator[-1] for c in denominator]
    power = _reduced([denominator[-1] / denominator[-1]], monic)
    for bit in bin(age - 1)[2:]:
        power = _reduced(_product(power, power), monic)
        if bit == "1":
            power = _reduced([0 * power[0], *power], monic)
    return _reduced(_product(power, numerator), monic)[-1] / denominator[-1]


def _product(a: list[Any], b: list[Any]) -> list[Any]:
    total = [a[0] * 0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            total[i + j] = total[i + j] + x * y
    return total


def _reduced(poly: list[Any], monic: list[Any]) -> list[Any]:
    """The remainder, with as many entries as the degree of the modulus."""
    degree = len(monic) - 1
    rest = [*poly, *[monic[-1] * 0] * (degree - len(poly))]
    while len(rest) > degree:
        lead = rest.pop()
        for i in range(degree):
            rest[len(rest) - degree + i] = rest[len(rest) - degree + i] - lead * monic[i]
    return rest

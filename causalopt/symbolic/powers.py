"""The exact effect at one far step, by powers of z modulo the characteristic polynomial.

u(s) is the coefficient of 1/z in z^(s-1) N(z) / D(z), that is the leading coefficient of
z^(s-1) N(z) mod D(z) over that of D: about log2(s) multiplications of polynomials (Fiduccia 1985).
"""

from __future__ import annotations

import sympy

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

"""One element of the exponential of a symbolic matrix in closed form. Needs sympy, on demand.

The element (i, j) of exp(M) is the inverse Laplace transform of that of (s - M)^-1 at time 1: a sum
over the roots of the characteristic polynomial, which is factored over the rationals and the
parameters. A linear factor gives powers of exponentials, a quadratic one an exponential with cosine
and sine, or their hyperbolic kin. Where a factor is of higher degree the element stays the function
`expm` of the matrix, which says what it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import sympy
from sympy import QQ

EXPM = sympy.Function("expm")  # expm(place, elements row by row)


def closed_element(entries: Sequence[Any], place: int) -> Any:
    """Return one element of exp(M).

    Args:
        entries: M's elements, row by row.
        place: The place of the one wanted among them.

    Example:
        >>> w = sympy.Symbol("w")
        >>> closed_element([0, w, -w, 0], 0), closed_element([0, 1, 0, 0], 1)
        (cos(w), 1)
    """
    exact, place = _needed([sympy.sympify(entry, strict=True) for entry in entries], place)
    size = math.isqrt(len(exact))
    table: dict[Any, Any] = {}
    rational = sympy.Matrix(size, size, [_rationalised(entry, table) for entry in exact])
    field = QQ.frac_field(*symbols) if (symbols := _sorted(rational.free_symbols)) else QQ
    found = _inverse_laplace(rational, *divmod(place, size), field)
    if found is None:
        return EXPM(place, *exact)
    back = {symbol: expr for expr, symbol in table.items()}
    return found.xreplace(back)


def _needed(entries: list[Any], place: int) -> tuple[list[Any], int]:
    """Return the matrix without the rows and columns that the element does not depend on."""
    size = math.isqrt(len(entries))
    row, column = divmod(place, size)
    arrows = [divmod(k, size) for k, entry in enumerate(entries) if entry != 0]
    after = _reached({row}, arrows)
    before = _reached({column}, [(j, i) for i, j in arrows])
    kept = [k for k in range(size) if k in (row, column) or k in after & before]
    smaller = [entries[i * size + j] for i in kept for j in kept]
    return smaller, kept.index(row) * len(kept) + kept.index(column)


def _reached(start: set[int], arrows: list[tuple[int, int]]) -> set[int]:
    found = set(start)
    while new := {b for a, b in arrows if a in found} - found:
        found |= new
    return found


def _sorted(symbols: set[Any]) -> list[Any]:
    return sorted(symbols, key=sympy.default_sort_key)


def _rationalised(expr: Any, table: dict[Any, Any]) -> Any:
    """Return an expression with what is not built by + - * / from symbols behind symbols."""
    if expr.is_Rational or expr.is_Symbol:
        return expr
    if expr.is_Add or expr.is_Mul:
        return expr.func(*(_rationalised(arg, table) for arg in expr.args))
    if expr.is_Pow and expr.exp.is_Integer:
        return _rationalised(expr.base, table) ** expr.exp
    return table.setdefault(expr, sympy.Dummy(f"d{len(table)}"))


def _inverse_laplace(matrix: Any, i: int, j: int, field: Any) -> Any:
    s = sympy.Dummy("s")
    size = matrix.shape[0]
    resolvent = s * sympy.eye(size) - matrix
    below = sympy.Poly(resolvent.det(method="berkowitz"), s, domain=field)
    minor = resolvent.minor_submatrix(j, i).det(method="berkowitz") if size > 1 else sympy.S.One
    above = sympy.Poly((-1) ** (i + j) * minor, s, domain=field)
    if above.is_zero:
        return sympy.S.Zero
    common = above.gcd(below)
    above, below = above.quo(common), below.quo(common)
    leading, factors = below.factor_list()
    terms = []
    for factor, power in factors:
        leading *= factor.LC() ** power
        monic = factor.monic()
        rest = below.monic().quo(monic**power)
        if factor.degree() == 1:
            terms.append(_of_root(above, rest, -monic.nth(0), power))
        elif factor.degree() == 2 and power == 1:
            terms.append(_of_pair(above, rest, monic))
        else:
            return None
    return sympy.Add(*terms) / below.LC()


def _of_root(above: Any, rest: Any, root: Any, power: int) -> Any:
    """Return the share of a root of some multiplicity, by the Taylor series of above/rest there."""
    upper, lower = (_around(poly, root, power) for poly in (above, rest))
    series: list[Any] = []
    for k in range(power):
        carried = sum((series[m] * lower[k - m] for m in range(k)), sympy.S.Zero)
        series.append(sympy.cancel((upper[k] - carried) / lower[0]))
    weights = (c / sympy.factorial(power - 1 - k) for k, c in enumerate(series))
    return sympy.factor(sympy.Add(*weights)) * sympy.exp(sympy.factor(root))


def _around(poly: Any, root: Any, count: int) -> list[Any]:
    """Return the first Taylor coefficients of a polynomial at a point."""
    found = []
    for k in range(count):
        value = poly.eval(sympy.sympify(root)) if poly.degree() >= 0 else 0
        found.append(sympy.sympify(value) / sympy.factorial(k))
        poly = poly.diff()
    return found


def _of_pair(above: Any, rest: Any, factor: Any) -> Any:
    """Return the share of two roots m +- i w: exp(m) (a cos w + (b + a m) sin w / w)."""
    residue = (above * rest.invert(factor)).rem(factor) if rest.degree() > 0 else above.rem(factor)
    a, b = (sympy.cancel(residue.nth(power)) for power in (1, 0))
    middle = sympy.factor(-factor.nth(1) / 2)
    square = sympy.factor(sympy.cancel(factor.nth(0) - middle**2))
    even, odd = _circular(square)
    return sympy.exp(middle) * (sympy.factor(a) * even + sympy.factor(b + a * middle) * odd)


def _circular(square: Any) -> tuple[Any, Any]:
    """Return (cos w, sin w / w) for w**2 = square, as cosh and sinh where it is negative.

    Both are even in w, so that either root of the square does.
    """
    upper, lower = sympy.fraction(sympy.together(-square))
    terms = [t for part in (upper, lower) for t in sympy.Add.make_args(sympy.expand(part))]
    if all(term.as_coeff_Mul()[0] > 0 for term in terms):  # for positive parameters
        size = _root(-square)
        return sympy.cosh(size), sympy.sinh(size) / size
    size = _root(square)
    return sympy.cos(size), sympy.sin(size) / size


def _root(square: Any) -> Any:
    return sympy.powdenest(sympy.sqrt(square), force=True)

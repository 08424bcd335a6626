"""Degenerate parameters: where two roots of a characteristic polynomial meet.

A generic closed form divides by differences of roots. The parameters at which such a difference
vanishes are the zeros of resultants (two factors share a root) and discriminants (a factor has a
double root).
"""

from __future__ import annotations

import dataclasses
import itertools

import sympy

from causalopt.symbolic.roots import Reduced


@dataclasses.dataclass(frozen=True)
class Condition:
    """Something the parameters must keep for a formula to hold.

    Args:
        expr: What must not vanish; None when it was not worked out.
        meaning: The same in words.
    """

    expr: sympy.Expr | None
    meaning: str

    def __str__(self) -> str:
        if self.expr is None:
            return self.meaning
        return f"Ne({sympy.sstr(self.expr)}, 0): {self.meaning}"


def coincidences(reduced: Reduced) -> list[Condition]:
    """Return the conditions under which no two different factors share a root.

    Args:
        reduced: A response with its denominator factored.

    Returns:
        One condition for each irreducible factor of each resultant that parameters can make 0.
    """
    found: list[Condition] = []
    for (a, _), (b, _) in itertools.combinations(reduced.factors, 2):
        meaning = f"{a.as_expr()} and {b.as_expr()} share no root"
        if a.degree() + b.degree() > 4:
            found.append(Condition(None, meaning))
            continue
        found += nonzero(a.resultant(b), meaning)
    return found


def nonzero(expr: sympy.Expr, meaning: str) -> list[Condition]:
    """Return `expr is not 0` as one condition for each factor that parameters can make 0."""
    top = sympy.fraction(sympy.together(expr))[0]
    _, factors = sympy.factor_list(top)
    return [Condition(factor, meaning) for factor, _ in factors if factor.free_symbols]


def solve_condition(
    condition: Condition, parameters: tuple[sympy.Symbol, ...]
) -> tuple[sympy.Symbol, sympy.Expr] | None:
    """Return (parameter, value) that makes the condition fail, where that is one rational value.

    Args:
        condition: What must not vanish.
        parameters: The symbols to solve for, the first possible one taken.

    Returns:
        The parameter and its value in terms of the others; None when it occurs nowhere linearly
        with a constant coefficient.

    Example:
        >>> a, b = sympy.symbols("a b")
        >>> solve_condition(Condition(a - 2 * b, "the roots differ"), (a, b))
        (a, 2*b)
    """
    if condition.expr is None:
        return None
    for p in parameters:
        poly = sympy.Poly(condition.expr, p)
        if poly.degree() == 1 and poly.LC().is_number:
            return p, sympy.cancel(-poly.nth(0) / poly.LC())
    return None

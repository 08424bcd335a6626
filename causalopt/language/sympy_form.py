"""Terms as sympy expressions. Imported on demand: sympy takes longer to load than most runs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from causalopt.language.term import Term, postorder

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "pow": lambda a, b: a**b,
    "sqrt": sympy.sqrt,
    "exp": sympy.exp,
    "log": sympy.log,
    "abs": sympy.Abs,
    "sign": sympy.sign,
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "asin": sympy.asin,
    "acos": sympy.acos,
    "atan": sympy.atan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "min": sympy.Min,
    "max": sympy.Max,
    "where": lambda c, a, b: sympy.Piecewise((a, c), (b, True)),
    "lt": sympy.Lt,
    "le": sympy.Le,
    "eq": sympy.Eq,
    "ne": sympy.Ne,
    "and": sympy.And,
    "or": sympy.Or,
    "not": sympy.Not,
}


def to_sympy(root: Term, leaf: Callable[[Term], Any] | None = None) -> Any:
    """Return a term as a sympy expression; constants are exact rationals.

    Args:
        root: The term.
        leaf: Gives the sympy expression of each leaf that is not a constant or pi. When not given,
            a name is a real symbol of that name and a reference one such as `R[t-1]`.

    Example:
        >>> from causalopt.language.term import const, ref
        >>> to_sympy(Term.of("div", ref("R", 1), const(3)))
        R[t-1]/3
    """
    symbol = leaf or _symbol
    values: dict[Term, Any] = {}
    for term in postorder(root):
        if isinstance(term.payload, Fraction):
            values[term] = sympy.Rational(term.payload.numerator, term.payload.denominator)
        elif term.op == "pi":
            values[term] = sympy.pi
        elif term.is_leaf:
            values[term] = symbol(term)
        elif term.op == "ipow":
            values[term] = values[term.args[0]] ** sympy.Integer(term.payload)
        else:
            values[term] = _FUNCTIONS[term.op](*(values[arg] for arg in term.args))
    return values[root]


def _symbol(term: Term) -> Any:
    if isinstance(term.payload, tuple):
        name, lag = term.payload
        return sympy.Symbol(f"{name}[t-{lag}]" if lag else f"{name}[t]", real=True)
    return sympy.Symbol(term.payload if isinstance(term.payload, str) else term.op, real=True)

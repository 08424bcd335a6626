"""Evaluation of a single expression: in floats, or exactly in rationals where that is possible."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from causalopt.language import ieee
from causalopt.language.term import COMPARISONS, LOGIC, Term, postorder

_FUNCTIONS: dict[str, Callable[..., float | bool]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": ieee.div,
    "neg": lambda a: -a,
    "pow": ieee.power,
    "sqrt": ieee.sqrt,
    "exp": ieee.exp,
    "log": ieee.log,
    "abs": abs,
    "sign": ieee.sign,
    "floor": ieee.floor,
    "ceil": ieee.ceil,
    "sin": ieee.sin,
    "cos": ieee.cos,
    "tan": ieee.tan,
    "asin": ieee.asin,
    "acos": ieee.acos,
    "atan": ieee.atan,
    "sinh": ieee.sinh,
    "cosh": ieee.cosh,
    "tanh": ieee.tanh,
    "min": ieee.minimum,
    "max": ieee.maximum,
    "where": lambda c, a, b: a if c else b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
}


def evaluate(root: Term, leaf: Callable[[Term], float]) -> float:
    """Return the value of a term in floats.

    Args:
        root: The term.
        leaf: Gives the value of each leaf that is not a constant or pi.

    Example:
        >>> from causalopt.language.term import const
        >>> evaluate(Term.of("div", const(1), const(3)), float)
        0.3333333333333333
    """
    values: dict[Term, float | bool] = {}
    for term in postorder(root):
        if isinstance(term.payload, Fraction):
            values[term] = rounded(term.payload)
        elif term.op == "pi":
            values[term] = math.pi
        elif term.is_leaf:
            values[term] = leaf(term)
        elif term.op == "ipow":
            assert isinstance(term.payload, int)
            values[term] = ieee.ipow(float(values[term.args[0]]), term.payload)
        else:
            values[term] = _FUNCTIONS[term.op](*(values[arg] for arg in term.args))
    return float(values[root])


def rounded(value: Fraction) -> float:
    """Return the nearest float, infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


_EXACT: dict[str, Callable[..., Any]] = {
    **{name: _FUNCTIONS[name] for name in ("add", "sub", "mul", "neg", "abs")},
    **{name: _FUNCTIONS[name] for name in (*COMPARISONS, *LOGIC)},
    "min": min,
    "max": max,
    "where": lambda c, a, b: a if c else b,
    "floor": lambda a: Fraction(math.floor(a)),
    "ceil": lambda a: Fraction(math.ceil(a)),
    "sign": lambda a: Fraction((a > 0) - (a < 0)),
}
_MOST_BITS = 1 << 14


def exact(root: Term, leaf: Callable[[Term], Fraction | None]) -> Fraction | None:
    """Return the value of a term as an exact rational, None where it has none.

    Args:
        root: The term.
        leaf: Gives the value of each leaf that is not a constant, None for one that has none.

    Example:
        >>> from causalopt.language.term import const
        >>> exact(Term.of("div", const(1), const(3)), lambda _: None)
        Fraction(1, 3)
    """
    values: dict[Term, Any] = {}
    for term in postorder(root):
        if isinstance(term.payload, Fraction):
            values[term] = term.payload
        elif term.is_leaf:
            values[term] = None if term.op == "pi" else leaf(term)
        else:
            values[term] = _exact_operation(term, [values[arg] for arg in term.args])
    value = values[root]
    return value if isinstance(value, Fraction) else None


def _exact_operation(term: Term, args: list[Any]) -> Any:
    if any(arg is None for arg in args):
        return None
    if term.op == "div":
        return args[0] / args[1] if args[1] else None
    if term.op == "ipow":
        base, exponent = args[0], term.payload
        assert isinstance(exponent, int)
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if (exponent < 0 and not base) or bits * abs(exponent) > _MOST_BITS:
            return None
        return base**exponent
    function = _EXACT.get(term.op)
    return None if function is None else function(*args)

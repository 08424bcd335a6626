"""Evaluation of a single expression: in floats, or exactly in rationals where that is possible."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from causalopt.language.operations import OPERATIONS
from causalopt.language.term import Term, operands, postorder


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
        else:
            values[term] = OPERATIONS[term.op].floats(*operands(term, values))
    return float(values[root])


def rounded(value: Fraction) -> float:
    """Return the nearest float, infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


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
            function, args = OPERATIONS[term.op].exact, operands(term, values)
            values[term] = None if function is None or None in args else function(*args)
    value = values[root]
    return value if isinstance(value, Fraction) else None

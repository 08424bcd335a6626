"""Evaluation of a single expression: in floats, or exactly in rationals where that is possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
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
    return float(fold([root], rounded, math.pi, leaf, _on_floats)[0])


def fold(
    roots: Iterable[Term],
    constant: Callable[[Fraction], Any],
    pi: Any,
    leaf: Callable[[Term], Any],
    function: Callable[[str], Callable[..., Any]],
) -> list[Any]:
    """Return several terms in numbers of some kind, each shared sub-expression computed once.

    Args:
        roots: The terms.
        constant: Takes a constant into that kind.
        pi: The number pi there.
        leaf: Gives every other leaf.
        function: Gives what an operation of that name does.
    """
    values: dict[Term, Any] = {}
    roots = list(roots)
    for term in postorder(*roots):
        if isinstance(term.payload, Fraction):
            values[term] = constant(term.payload)
        elif term.op == "pi":
            values[term] = pi
        elif term.is_leaf:
            values[term] = leaf(term)
        else:
            values[term] = function(term.op)(*operands(term, values))
    return [values[root] for root in roots]


def _on_floats(op: str) -> Callable[..., Any]:
    return OPERATIONS[op].floats


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
    value = fold([root], _itself, None, leaf, _on_rationals)[0]
    return value if isinstance(value, Fraction) else None


def _itself(value: Fraction) -> Fraction:
    return value


def _on_rationals(op: str) -> Callable[..., Any]:
    function = OPERATIONS[op].exact
    return lambda *args: None if function is None or None in args else function(*args)

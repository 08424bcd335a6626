"""Operations of terms on arrays: what `ieee` means, elementwise.

Products, quotients, square roots and whole powers agree bit for bit with the other executions; exp
and its kin may differ in the last place. Imported on demand, for numpy's sake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalopt.language.evaluation import rounded
from causalopt.language.term import Term, postorder

Floats: TypeAlias = NDArray[np.float64]


def integer_power(base: Floats, exponent: int) -> Floats:
    """Return an integer power by repeated squaring, the products of every other execution."""
    result: Floats | None = None
    square, left = base, abs(exponent)
    while left:
        if left & 1:
            result = square if result is None else result * square
        left >>= 1
        if left:
            square = square * square
    if result is None:
        return np.ones_like(base)
    return 1.0 / result if exponent < 0 else result


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "pow": np.power,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "abs": np.abs,
    "sign": lambda a: np.where(a > 0, 1.0, np.where(a < 0, -1.0, a)),
    "floor": lambda a: np.floor(a) + 0.0,
    "ceil": lambda a: np.ceil(a) + 0.0,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "min": lambda a, b: np.where(a <= b, a, b),
    "max": lambda a, b: np.where(b <= a, a, b),
    "where": lambda c, a, b: np.where(c != 0, a, b),
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": lambda a, b: (a != 0) & (b != 0),
    "or": lambda a, b: (a != 0) | (b != 0),
    "not": lambda a: a == 0,
}


def evaluate_arrays(roots: Sequence[Term], leaf: Callable[[Term], Any]) -> list[Any]:
    """Return the values of several terms, each shared sub-expression computed once.

    Args:
        roots: The terms.
        leaf: Gives the array or number of each leaf that is not a constant or pi.

    Returns:
        One value a root; numpy's rules join shapes.

    Example:
        >>> from causalopt.language.term import const
        >>> twice = Term.of("mul", const(2), Term.of("t"))
        >>> evaluate_arrays([twice], lambda _: np.array([1.0, 2.0]))
        [array([2., 4.])]
    """
    values: dict[Term, Any] = {}
    with np.errstate(all="ignore"):
        for term in postorder(*roots):
            if isinstance(term.payload, Fraction):
                values[term] = np.float64(rounded(term.payload))
            elif term.op == "pi":
                values[term] = np.float64(np.pi)
            elif term.is_leaf:
                values[term] = leaf(term)
            elif term.op == "ipow":
                assert isinstance(term.payload, int)
                values[term] = integer_power(np.asarray(values[term.args[0]]), term.payload)
            else:
                values[term] = OPERATIONS[term.op](*(values[arg] for arg in term.args))
    return [values[root] for root in roots]

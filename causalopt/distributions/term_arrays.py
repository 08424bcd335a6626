"""Terms on arrays: a rule computed for many states at once, in numpy.

Products, quotients, square roots and whole powers agree bit for bit with the other executions;
exp and its kin may differ in the last place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.distributions.random_map import Array
from causalopt.expressions import Term, exact, postorder, substitute
from causalopt.expressions.term import const

Value = Any
Leaf = Callable[[Term], Value]


def _ipow(base: Value, exponent: int) -> Value:
    result, square, left = None, base, abs(exponent)
    while left:
        if left & 1:
            result = square if result is None else result * square
        left >>= 1
        if left:
            square = square * square
    if result is None:
        return np.ones_like(base)
    return 1.0 / result if exponent < 0 else result


_OPERATIONS: dict[str, Callable[..., Value]] = {
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
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
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
    "where": np.where,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
}


def evaluate_arrays(roots: Sequence[Term], leaf: Leaf) -> list[Array]:
    """Return the values of several terms, each shared sub-expression computed once.

    Args:
        roots: The terms.
        leaf: Gives the array or number of each leaf that is not a constant or pi.

    Returns:
        One value a root; numpy's rules join shapes.

    Example:
        >>> from causalopt.expressions.term import ref
        >>> W = ref("W", 1)
        >>> evaluate_arrays([Term.of("mul", W, W)], lambda _: np.array([2.0, 3.0]))
        [array([4., 9.])]
    """
    values: dict[Term, Value] = {}
    with np.errstate(all="ignore"):
        for term in postorder(*roots):
            if isinstance(term.payload, Fraction):
                values[term] = np.float64(term.payload)
            elif term.op == "pi":
                values[term] = np.float64(np.pi)
            elif term.is_leaf:
                values[term] = leaf(term)
            elif term.op == "ipow":
                assert isinstance(term.payload, int)
                values[term] = _ipow(values[term.args[0]], term.payload)
            else:
                values[term] = _OPERATIONS[term.op](*(values[arg] for arg in term.args))
    return [values[root] for root in roots]


def specialise(root: Term, values: Mapping[Term, Term]) -> Term:
    """Return the term with leaves fixed, and branches that this decides cut away.

    Args:
        root: The term.
        values: Leaves and the constants they are.

    Returns:
        An equal term without the untaken branches.

    Example:
        >>> from causalopt.expressions.term import ref
        >>> j, W = ref("j", 0), ref("W", 1)
        >>> rule = Term.of("where", Term.of("eq", j, const(0)), W, Term.of("exp", W))
        >>> specialise(rule, {j: const(0)}) is W
        True
    """
    fixed = substitute(root, values)
    done: dict[Term, Term] = {}
    for term in postorder(fixed):
        if term.op == "where" and (taken := _decided(done[term.args[0]])) is not None:
            done[term] = done[term.args[1 if taken else 2]]
        elif term.args:
            args = tuple(done[arg] for arg in term.args)
            same = all(new is old for new, old in zip(args, term.args, strict=True))
            done[term] = term if same else Term.of(term.op, *args, payload=term.payload)
        else:
            done[term] = term
    return done[fixed]


def _decided(condition: Term) -> bool | None:
    """Return a condition's truth where constants alone decide it, else None."""
    if any(term.is_leaf and term.op != "const" for term in postorder(condition)):
        return None
    # `exact` returns numbers, so the condition is asked as a choice between two.
    found = exact(Term.of("where", condition, const(1), const(0)), lambda _: None)
    return None if found is None else found == 1

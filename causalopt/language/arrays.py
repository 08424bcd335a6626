"""Operations of terms on arrays: what `ieee` means, elementwise.

Products, quotients, square roots and whole powers agree bit for bit with the other executions; exp
and its kin may differ in the last place. Imported on demand, for numpy's sake.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.language.operations import bound, meaning
from causalopt.language.term import Term, fold, rounded


@functools.cache
def array_function(op: str) -> Callable[..., Any]:
    """Return what an operation does to arrays, elementwise."""
    return bound(meaning(op).arrays, np)


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
    with np.errstate(all="ignore"):
        return fold(roots, _constant, np.float64(np.pi), leaf, array_function)


def _constant(value: Fraction) -> np.float64:
    return np.float64(rounded(value))

"""Terms as sympy expressions. Imported on demand: sympy takes longer to load than most runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from causalopt.language.operations import bound, meaning
from causalopt.language.term import Term, fold


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
    return fold([root], sympy.Rational, sympy.pi, leaf or _symbol, _on_sympy)[0]


def _on_sympy(op: str) -> Callable[..., Any]:
    return bound(meaning(op).sympy, sympy)


def _symbol(term: Term) -> Any:
    if isinstance(term.payload, tuple):
        name, lag = term.payload
        return sympy.Symbol(f"{name}[t-{lag}]" if lag else f"{name}[t]", real=True)
    return sympy.Symbol(term.payload if isinstance(term.payload, str) else term.op, real=True)

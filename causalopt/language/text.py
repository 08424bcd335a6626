"""Terms as the text that would be read back as them."""

from __future__ import annotations

from fractions import Fraction

from causalopt.language.operations import ATOM, OPERATIONS
from causalopt.language.term import Term, postorder


def to_text(root: Term, *, static: bool = False) -> str:
    """Return a term as text; `static` writes references bare, as a model without time does.

    Example:
        >>> from causalopt.language.term import const, ref
        >>> to_text(Term.of("sub", ref("R", 1), Term.of("mul", const(2), ref("T", 0))))
        'R[t-1] - 2*T[t]'
    """
    done: dict[Term, tuple[str, int]] = {}
    for term in postorder(root):
        done[term] = _leaf(term, static) if term.is_leaf else _compose(term, done)
    return done[root][0]


def _leaf(term: Term, static: bool) -> tuple[str, int]:
    payload = term.payload
    if isinstance(payload, Fraction):
        return _number(payload)
    if isinstance(payload, tuple):
        name, lag = payload
        return (name if static else f"{name}[t-{lag}]" if lag else f"{name}[t]"), ATOM
    return (payload if isinstance(payload, str) else term.op), ATOM


def _number(value: Fraction) -> tuple[str, int]:
    if value.denominator == 1:
        return str(value.numerator), ATOM if value >= 0 else 7
    decimal = repr(float(value))
    if Fraction(decimal) == value:
        return decimal, ATOM if value >= 0 else 7
    return f"{value.numerator}/{value.denominator}", 6


def _compose(term: Term, done: dict[Term, tuple[str, int]]) -> tuple[str, int]:
    operation = OPERATIONS[term.op]
    if not operation.text:
        return f"{term.op}({', '.join(done[arg][0] for arg in term.args)})", ATOM
    parts = [
        text if level >= needed else f"({text})"
        for (text, level), needed in zip(
            [done[arg] for arg in term.args], operation.inner, strict=True
        )
    ]
    return operation.text.format(*parts, term.payload), operation.level

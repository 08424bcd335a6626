"""Terms as the text that would be read back as them."""

from __future__ import annotations

from fractions import Fraction

from causalopt.language.term import Term, postorder

_INFIX = {
    "or": (" or ", 1),
    "and": (" and ", 2),
    "lt": (" < ", 4),
    "le": (" <= ", 4),
    "eq": (" == ", 4),
    "ne": (" != ", 4),
    "add": (" + ", 5),
    "sub": (" - ", 5),
    "mul": ("*", 6),
    "div": ("/", 6),
    "pow": ("**", 8),
}
_ATOM = 9


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
        return (name if static else f"{name}[t-{lag}]" if lag else f"{name}[t]"), _ATOM
    return (payload if isinstance(payload, str) else term.op), _ATOM


def _number(value: Fraction) -> tuple[str, int]:
    if value.denominator == 1:
        return str(value.numerator), _ATOM if value >= 0 else 7
    decimal = repr(float(value))
    if Fraction(decimal) == value:
        return decimal, _ATOM if value >= 0 else 7
    return f"{value.numerator}/{value.denominator}", 6


def _compose(term: Term, done: dict[Term, tuple[str, int]]) -> tuple[str, int]:
    parts = [done[arg] for arg in term.args]

    def wrapped(i: int, level: int) -> str:
        text, precedence = parts[i]
        return text if precedence >= level else f"({text})"

    if term.op in _INFIX:
        sign, level = _INFIX[term.op]
        left = level + 1 if term.op == "pow" or level == 4 else level
        return f"{wrapped(0, left)}{sign}{wrapped(1, level + 1)}", level
    if term.op == "ipow":
        exponent = str(term.payload)
        return f"{wrapped(0, _ATOM)}**{exponent}", 8
    if term.op == "neg":
        return f"-{wrapped(0, 7)}", 7
    if term.op == "not":
        return f"not {wrapped(0, 4)}", 3
    return f"{term.op}({', '.join(text for text, _ in parts)})", _ATOM

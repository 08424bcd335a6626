"""Constructors that simplify: what derivatives are built with, never what a user wrote.

A user's `0*x` stays, so that its parent and its NaN stay; a derivative's zero is structural.
"""

from __future__ import annotations

from fractions import Fraction

from causalopt.language.term import ARGUMENTS, REFERENCES, Term, const

ZERO = const(0)
ONE = const(1)
MINUS_ONE = const(-1)
PI = Term.of("pi")
_LARGEST = 10**40


def constant(term: Term) -> Fraction | None:
    """Return the value of a constant, None for any other term."""
    return term.payload if term.op == "const" and isinstance(term.payload, Fraction) else None


def can_move(term: Term) -> bool:
    """Whether a term depends on a variable or on a function's argument."""
    return bool(term.holds & (REFERENCES | ARGUMENTS))


def _folded(value: Fraction) -> Term | None:
    small = abs(value.numerator) < _LARGEST and value.denominator < _LARGEST
    return const(value) if small else None


def neg(a: Term) -> Term:
    """Return -a."""
    value = constant(a)
    if value is not None:
        return const(-value)
    return a.args[0] if a.op == "neg" else Term.of("neg", a)


def add(a: Term, b: Term) -> Term:
    """Return a + b."""
    if a is ZERO:
        return b
    if b is ZERO:
        return a
    if a.op == "const" == b.op:
        x, y = constant(a), constant(b)
        if x is not None and y is not None and (folded := _folded(x + y)):
            return folded
    if b.op == "neg":
        return Term.of("sub", a, b.args[0])
    return Term.of("add", a, b)


def mul(a: Term, b: Term) -> Term:
    """Return a * b."""
    # Equal constants are one object, so that none need be compared as a fraction.
    if a is ZERO or b is ZERO:
        return ZERO
    if a is ONE:
        return b
    if b is ONE:
        return a
    if a is MINUS_ONE:
        return neg(b)
    if b is MINUS_ONE:
        return neg(a)
    if a.op == "const" == b.op:
        x, y = constant(a), constant(b)
        if x is not None and y is not None and (folded := _folded(x * y)):
            return folded
    return Term.of("mul", a, b)


def div(a: Term, b: Term) -> Term:
    """Return a / b."""
    if a is ZERO:
        return ZERO
    if b is ONE:
        return a
    if a.op == "const" == b.op:
        x, y = constant(a), constant(b)
        if x is not None and y is not None and y != 0 and (folded := _folded(x / y)):
            return folded
    return Term.of("div", a, b)


def where(condition: Term, a: Term, b: Term) -> Term:
    """Return a where the condition holds, else b."""
    return a if a is b else Term.of("where", condition, a, b)


def power(a: Term, exponent: int) -> Term:
    """Return a to an integer power."""
    if exponent == 0:
        return ONE
    return a if exponent == 1 else Term.of("ipow", a, payload=exponent)

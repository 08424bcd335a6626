"""What names mean where an expression stands, and the words of the language itself."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Mapping
from fractions import Fraction

from causalopt.language.operations import OPERATIONS, SHORTHANDS
from causalopt.language.term import Term, const

CLOCK = {"t": Term.of("t"), "time": Term.of("time"), "dt": Term.of("dt"), "pi": Term.of("pi")}


def ratio(dt: Fraction) -> tuple[Fraction, Fraction]:
    """Return (p, q) with dt = p/q so that t*p/q, in floats, is the decimal t*dt rounded once.

    In floats 3 * 0.1 is above 0.3. A whole number of steps times a whole p is exact, so that only
    the division rounds; a dt of more digits than a float holds is (dt, 1).
    """
    numerator, denominator = dt.as_integer_ratio()
    if max(numerator, denominator) > 2**53:
        return dt, Fraction(1)
    return Fraction(numerator), Fraction(denominator)


def elapsed(steps: Term, dt: Fraction) -> Term:
    """Return the time after some steps, so that comparisons with it are those of the decimals.

    Example:
        >>> from causalopt.language.term import const, evaluate
        >>> evaluate(elapsed(const(3), Fraction("0.1")), float) == 0.3
        True
    """
    numerator, denominator = ratio(dt)
    whole = steps if numerator == 1 else Term.of("mul", steps, const(numerator))
    return whole if denominator == 1 else Term.of("div", whole, const(denominator))


@dataclasses.dataclass(frozen=True)
class Function:
    """A declared one-line function: its arguments and a body in terms of them."""

    name: str
    arguments: tuple[str, ...]
    body: Term


@dataclasses.dataclass(frozen=True)
class Scope:
    """What names mean where an expression stands.

    Attributes:
        variables: Names that may be referred to.
        names: Parameters, function arguments and clock names, with their terms.
        functions: Declared functions.
        bare: Whether variables are written without `[t]` (models without time, flows, algebraic).
        steps: How many steps a lag in steps ("t") or in time units ("time") is, None where it is
            no number. None for a scope in which lags are whole numbers or nothing has a past.
        kind: What the text is, for messages: "rule", "initial value", "parameter", ...
        truths: Variables whose labels are 0 and 1, which stand for conditions where one is read.
    """

    variables: frozenset[str] = frozenset()
    names: Mapping[str, Term] = dataclasses.field(default_factory=dict)
    functions: Mapping[str, Function] = dataclasses.field(default_factory=dict)
    bare: bool = False
    steps: Callable[[Term, str], Fraction | None] | None = None
    kind: str = "rule"
    truths: frozenset[str] = frozenset()


def function_names() -> set[str]:
    """Return the functions of the language: operations that have no sign, shorthands and diff."""
    called = {name for name, operation in OPERATIONS.items() if not operation.text}
    return called | set(SHORTHANDS) | {"diff"}


def reserved() -> set[str]:
    """Return the words that no variable, parameter or function may be called."""
    return {*CLOCK, *function_names(), "and", "or", "not"}


def normalized(name: str) -> str:
    """Return a name as Python's parser would spell it (NFKC), the spelling look-ups use."""
    return unicodedata.normalize("NFKC", name)

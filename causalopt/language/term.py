"""The term: one operation of a rule, hash-consed so that equal sub-expressions are one object.

Leaves are constants (exact rationals), references `(variable, lag)`, parameters, function arguments
and the clock. Every other term applies an operation of `OPERATIONS` to terms; ipow has its exponent
as payload. Terms are compared by identity, so memo tables keyed by terms cost one look-up each.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, TypeAlias

from causalopt.language.operations import COMPARISONS, LOGIC, OPERATIONS

Payload: TypeAlias = Fraction | str | tuple[str, int] | int | None
Key: TypeAlias = tuple[Hashable, ...]

LEAVES = frozenset({"const", "ref", "param", "argument", "t", "time", "dt", "pi"})

# What a term holds, itself or below: small sums of these, kept on it, spare most walks.
REFERENCES, CHOICES, GAPS, ARGUMENTS = 1, 2, 4, 8
_FEWEST = 1 << 12  # entries of the table below which the dead among them are left


class Term:
    """One node of an expression; make it with `Term.of`, which returns the one equal to it.

    Attributes:
        op: A leaf's kind or an operation's name.
        args: The terms it applies to.
        payload: A constant's value, a name, `(variable, lag)`, or ipow's exponent.
        holds: Whether there are references, branches, kinks or arguments in it: a sum of
            `REFERENCES` (ref), `CHOICES` (where, min, max), `GAPS` (comparisons and whatever else
            has a kink) and `ARGUMENTS` (argument).
    """

    __slots__ = ("__weakref__", "args", "holds", "op", "payload")

    op: str
    args: tuple[Term, ...]
    payload: Payload
    holds: int

    # Entries of terms that are gone stay until the table has doubled: a callback for each would
    # cost more than all the rest. A key's ids may be used again then, but its reference is dead.
    _table: ClassVar[dict[Key, weakref.ref[Term]]] = {}
    _most: ClassVar[int] = _FEWEST
    _lock: ClassVar = threading.Lock()

    @classmethod
    def of(cls, op: str, *args: Term, payload: Payload = None) -> Term:
        """Return the term for this operation; no simplification is made.

        Example:
            >>> Term.of("t") is Term.of("t")
            True
        """
        key: Key
        if len(args) == 2:
            key = (op, payload, id(args[0]), id(args[1]))
        elif len(args) == 1:
            key = (op, payload, id(args[0]))
        elif op == "const" and isinstance(payload, Fraction):
            key = (op, payload.numerator, payload.denominator)
        else:
            key = (op, payload, *map(id, args))
        entry = cls._table.get(key)
        found = None if entry is None else entry()
        return cls._made(key, op, args, payload) if found is None else found

    @classmethod
    def _made(cls, key: Key, op: str, args: tuple[Term, ...], payload: Payload) -> Term:
        with cls._lock:
            entry = cls._table.get(key)
            found = None if entry is None else entry()
            if found is not None:  # made by another thread meanwhile
                return found
            term: Term = object.__new__(cls)
            term.op, term.args, term.payload = op, args, payload
            holds = _holds(op)
            for arg in args:
                holds |= arg.holds
            term.holds = holds
            if len(cls._table) >= cls._most:
                cls._forget_the_dead()
            cls._table[key] = weakref.ref(term)
        return term

    @classmethod
    def _forget_the_dead(cls) -> None:
        for key in [key for key, entry in cls._table.items() if entry() is None]:
            del cls._table[key]
        cls._most = max(_FEWEST, 2 * len(cls._table))

    @property
    def is_boolean(self) -> bool:
        """Whether the term is a truth value rather than a number."""
        return self.op in COMPARISONS or self.op in LOGIC

    @property
    def is_leaf(self) -> bool:
        """Whether the term applies no operation."""
        return self.op in LEAVES

    def __reduce__(self) -> tuple[Callable[..., Term], tuple[object, ...]]:
        return _rebuild, (self.op, self.args, self.payload)

    def __repr__(self) -> str:
        inner = ", ".join(repr(arg) for arg in self.args) if len(self.args) < 4 else "..."
        payload = "" if self.payload is None else f"{self.payload}"
        return f"{self.op}({', '.join(part for part in (payload, inner) if part)})"


@functools.cache
def _holds(op: str) -> int:
    """Return what a term of this operation or leaf holds by itself."""
    operation = OPERATIONS.get(op)
    if operation is None:
        return {"ref": REFERENCES, "argument": ARGUMENTS}.get(op, 0)
    return CHOICES * (operation.choice is not None) + GAPS * (operation.kink is not None)


def _rebuild(op: str, args: tuple[Term, ...], payload: Payload) -> Term:
    return Term.of(op, *args, payload=payload)


def const(value: Fraction | int) -> Term:
    """Return a constant."""
    return Term.of("const", payload=value if type(value) is Fraction else Fraction(value))


def decimal(value: float | int) -> Term:
    """Return the constant that a number's shortest text stands for, exactly.

    Example:
        >>> decimal(0.1) is const(Fraction(1, 10))
        True
    """
    if isinstance(value, int):
        return const(value)
    # Several times as fast as Fraction's own reading of the text.
    return const(Fraction(*Decimal(repr(value)).as_integer_ratio()))


def ref(variable: str, lag: int) -> Term:
    """Return the value of a variable `lag` steps ago."""
    return Term.of("ref", payload=(variable, lag))


def operands(term: Term, done: Mapping[Term, Any]) -> list[Any]:
    """Return what an operation applies to: its arguments' values, then its payload if it has one.

    Args:
        term: An operation.
        done: The value of each argument.
    """
    args = [done[arg] for arg in term.args]
    return args if term.payload is None else [*args, term.payload]


ENTERED = Term.of("entered")  # a mark on the stack of a walk, in no expression


def postorder(*roots: Term) -> Iterator[Term]:
    """Yield every distinct term below the roots once, arguments before what uses them.

    The walk keeps its own stack: a sum of ten thousand terms is ten thousand levels deep.
    """
    seen: set[Term] = set()
    stack = [*reversed(roots)]
    while stack:
        term = stack.pop()
        if term is ENTERED:
            yield stack.pop()
        elif term not in seen:
            seen.add(term)
            if term.args:
                stack += (term, ENTERED, *term.args[::-1])
            else:
                yield term


def leaves(*roots: Term) -> list[Term]:
    """Return the distinct leaves below the roots, in order of first use."""
    found: list[Term] = []
    seen: set[Term] = set()
    stack = [*reversed(roots)]
    while stack:
        term = stack.pop()
        if term not in seen:
            seen.add(term)
            if term.args:
                stack += term.args[::-1]
            else:
                found.append(term)
    return found


def substitute(root: Term, values: Mapping[Term, Term]) -> Term:
    """Return the term with leaves exchanged."""
    done: dict[Term, Term] = {}
    for term in postorder(root):
        if term in values:
            done[term] = values[term]
        elif not term.args:
            done[term] = term
        else:
            done[term] = rebuilt(term, done)
    return done[root]


def rebuilt(term: Term, done: Mapping[Term, Term]) -> Term:
    """Return an operation of what its arguments have become, itself where none has changed."""
    args = [done[arg] for arg in term.args]
    if all(new is old for new, old in zip(args, term.args, strict=True)):
        return term
    return Term.of(term.op, *args, payload=term.payload)

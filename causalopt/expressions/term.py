"""The term: one operation of a rule, hash-consed so that equal sub-expressions are one object.

Leaves are constants (exact rationals), references `(variable, lag)`, parameters, function arguments
and the clock. Every other term applies an operation of `OPERATIONS` to terms. Terms are compared by
identity, so memo tables keyed by terms cost one look-up each.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import ClassVar, TypeAlias

Payload: TypeAlias = Fraction | str | tuple[str, int] | int | None
Key: TypeAlias = tuple[str, tuple[int, ...], Payload]

LEAVES = frozenset({"const", "ref", "param", "argument", "t", "time", "dt", "pi"})
COMPARISONS = frozenset({"lt", "le", "eq", "ne"})
LOGIC = frozenset({"and", "or", "not"})
_ELEMENTARY = ["neg", "abs", "sign", "floor", "ceil", "sqrt", "exp", "log"]
_CIRCULAR = ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"]
UNARY = frozenset([*_ELEMENTARY, *_CIRCULAR])
BINARY = frozenset(["add", "sub", "mul", "div", "pow", "min", "max"])
# ipow carries its integer exponent as payload; where is (condition, then, otherwise).
OPERATIONS = UNARY | BINARY | COMPARISONS | LOGIC | {"ipow", "where"}


class Term:
    """One node of an expression; make it with `Term.of`, which returns the one equal to it.

    Attributes:
        op: A leaf's kind or an operation's name.
        args: The terms it applies to.
        payload: A constant's value, a name, `(variable, lag)`, or ipow's exponent.
    """

    __slots__ = ("__weakref__", "args", "op", "payload")

    op: str
    args: tuple[Term, ...]
    payload: Payload

    _table: ClassVar[weakref.WeakValueDictionary[Key, Term]] = weakref.WeakValueDictionary()
    _lock: ClassVar = threading.Lock()

    @classmethod
    def of(cls, op: str, *args: Term, payload: Payload = None) -> Term:
        """Return the term for this operation; no simplification is made.

        Example:
            >>> Term.of("t") is Term.of("t")
            True
        """
        key = (op, tuple(id(arg) for arg in args), payload)
        with cls._lock:
            found = cls._table.get(key)
            if found is None:
                found = object.__new__(cls)
                found.op, found.args, found.payload = op, args, payload
                cls._table[key] = found
        return found

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


def _rebuild(op: str, args: tuple[Term, ...], payload: Payload) -> Term:
    return Term.of(op, *args, payload=payload)


def const(value: Fraction | int) -> Term:
    """Return a constant."""
    return Term.of("const", payload=Fraction(value))


def ref(variable: str, lag: int) -> Term:
    """Return the value of a variable `lag` steps ago."""
    return Term.of("ref", payload=(variable, lag))


def postorder(*roots: Term) -> Iterator[Term]:
    """Yield every distinct term below the roots once, arguments before what uses them.

    The walk keeps its own stack: a sum of ten thousand terms is ten thousand levels deep.
    """
    seen: set[Term] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        term, ready = stack.pop()
        if ready:
            yield term
        elif term not in seen:
            seen.add(term)
            if not term.args:
                yield term
                continue
            stack.append((term, True))
            stack += [(arg, False) for arg in term.args[::-1] if arg not in seen]


def leaves(*roots: Term) -> list[Term]:
    """Return the distinct leaves below the roots, in order of first use."""
    return [term for term in postorder(*roots) if term.is_leaf]


def substitute(root: Term, values: Mapping[Term, Term]) -> Term:
    """Return the term with leaves exchanged."""
    done: dict[Term, Term] = {}
    for term in postorder(root):
        if term in values:
            done[term] = values[term]
        elif not term.args:
            done[term] = term
        else:
            args = tuple(done[arg] for arg in term.args)
            same = all(new is old for new, old in zip(args, term.args, strict=True))
            done[term] = term if same else Term.of(term.op, *args, payload=term.payload)
    return done[root]

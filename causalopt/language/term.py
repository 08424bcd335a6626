"""The term: one operation of a rule, hash-consed so that equal sub-expressions are one object.

Leaves are constants (exact rationals), references `(variable, lag)`, parameters, function arguments
and the clock. Every other term applies an operation of `OPERATIONS` to terms; ipow has its exponent
as payload. Terms are compared by identity, so memo tables keyed by terms cost one look-up each.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import math
import threading
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, TypeAlias

from causalopt.language.operations import COMPARISONS, LOGIC, OPERATIONS, meaning

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


def decimal(value: float | int | str) -> Term:
    """Return the constant that a decimal, or a number's shortest text, stands for, exactly.

    Example:
        >>> decimal(0.1) is decimal("0.10") is const(Fraction(1, 10))
        True
    """
    if isinstance(value, int):
        return const(value)
    # Several times as fast as Fraction's own reading of the text.
    return const(
        Fraction(*Decimal(value if isinstance(value, str) else repr(value)).as_integer_ratio())
    )


def ref(variable: str, lag: int) -> Term:
    """Return the value of a variable `lag` steps ago."""
    return Term.of("ref", payload=(variable, lag))


def delayed(variable: str, steps: Fraction) -> Term:
    """Return the value of a variable a time ago, as a flow reads it; `steps` may be a fraction."""
    return Term.of("delayed", ref(variable, 0), const(steps))


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


def evaluate(root: Term, leaf: Callable[[Term], float]) -> float:
    """Return the value of a term in floats.

    Args:
        root: The term.
        leaf: Gives the value of each leaf that is not a constant or pi.

    Example:
        >>> evaluate(Term.of("div", const(1), const(3)), float)
        0.3333333333333333
    """
    return float(fold([root], rounded, math.pi, leaf, _on_floats)[0])


def fold(
    roots: Iterable[Term],
    constant: Callable[[Fraction], Any],
    pi: Any,
    leaf: Callable[[Term], Any],
    function: Callable[[str], Callable[..., Any]],
) -> list[Any]:
    """Return several terms in numbers of some kind, each shared sub-expression computed once.

    Args:
        roots: The terms.
        constant: Takes a constant into that kind.
        pi: The number pi there.
        leaf: Gives every other leaf.
        function: Gives what an operation of that name does.
    """
    values: dict[Term, Any] = {}
    roots = list(roots)
    for term in postorder(*roots):
        if isinstance(term.payload, Fraction):
            values[term] = constant(term.payload)
        elif term.op == "pi":
            values[term] = pi
        elif term.is_leaf:
            values[term] = leaf(term)
        else:
            values[term] = function(term.op)(*operands(term, values))
    return [values[root] for root in roots]


def _on_floats(op: str) -> Callable[..., Any]:
    return meaning(op).floats


def rounded(value: Fraction) -> float:
    """Return the nearest float, infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def exact(root: Term, leaf: Callable[[Term], Fraction | None]) -> Fraction | None:
    """Return the value of a term as an exact rational, None where it has none.

    Args:
        root: The term.
        leaf: Gives the value of each leaf that is not a constant, None for one that has none.

    Example:
        >>> exact(Term.of("div", const(1), const(3)), lambda _: None)
        Fraction(1, 3)
    """
    value = fold([root], _itself, None, leaf, _on_rationals)[0]
    return value if isinstance(value, Fraction) else None


def _itself(value: Fraction) -> Fraction:
    return value


def _on_rationals(op: str) -> Callable[..., Any]:
    function = meaning(op).exact
    return lambda *args: None if function is None or None in args else function(*args)


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cycle collector from running, and leave it as it was found.

    Each time enough new objects have gathered, CPython looks through them for circles, and now and
    then through all there are. While a large model is built nothing of it can be freed, and those
    searches cost a third of the time.

    Pauses may nest, and may overlap in several threads: the first to find the collector running
    starts it again, and the others then go on without a pause. What is not in a circle is freed at
    once, paused or not.

    Example:
        >>> import gc
        >>> with collector_paused():
        ...     print(gc.isenabled())
        False
        >>> gc.isenabled()
        True
    """
    was_running = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_running:
            gc.enable()

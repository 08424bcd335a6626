"""Terms as LLVM text: each shared term once, what depends on parameters only before the loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from causalopt.engine.linearization import is_fixed
from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.language.operations import OPERATIONS
from causalopt.language.term import Term, rounded


class TermWriter:
    """Values of terms in one stretch of code.

    Args:
        emitter: Where lines go; its `hoisted` section runs before the loop.
        leaf: `leaf(term, world)` gives the value of a reference, a parameter or the clock.
        fixed: Memo of which terms depend on parameters only; shared between stretches.
        called: Collects the names of the elementary functions called.
        outside: Gives a term's value from another stretch, None to compute it here.
    """

    def __init__(
        self,
        emitter: Emitter,
        leaf: Callable[[Term, str], Value],
        fixed: dict[Term, bool],
        called: set[str],
        outside: Callable[[Term], Value | None] = lambda _: None,
    ) -> None:
        self._e = emitter
        self._leaf = leaf
        self._fixed = fixed
        self._called = called
        self._outside = outside
        self._memo: dict[tuple[str, Term], Value] = {}

    def number(self, term: Term, world: str) -> Value:
        """Return a term's value as a float: a truth value as 1 or 0."""
        return self._as_number(self.of(term, world))

    def _as_number(self, value: Value) -> Value:
        if value.element != "i1":
            return value
        return self._e.select(value, self._e.const(1.0), self._e.const(0.0))

    def is_hoisted(self, term: Term) -> bool:
        """Whether a term depends on parameters only."""
        return is_fixed(term, self._fixed)

    def of(self, root: Term, world: str) -> Value:
        """Return a term's value, after writing what it needs; the world decides its references."""
        stack = [root]
        while stack:
            term = stack[-1]
            key = self._key(term, world)
            if key in self._memo:
                stack.pop()
                continue
            found = None if term.is_leaf else self._outside(term)
            if found is not None:
                self._memo[key] = found
                continue
            missing = [arg for arg in term.args if self._key(arg, world) not in self._memo]
            if missing:
                stack += missing
                continue
            stack.pop()
            self._memo[key] = self._placed(term, world)
        return self._memo[self._key(root, world)]

    def _key(self, term: Term, world: str) -> tuple[str, Term]:
        return ("" if is_fixed(term, self._fixed) else world, term)

    def _placed(self, term: Term, world: str) -> Value:
        if not is_fixed(term, self._fixed):
            return self._written(term, world)
        with self._e.hoisting():
            return self._written(term, world)

    def _written(self, term: Term, world: str) -> Value:
        e = self._e
        if isinstance(term.payload, Fraction):
            return e.const(rounded(term.payload))
        if term.op == "pi":
            return e.const(math.pi)
        if term.is_leaf:
            return self._leaf(term, world)
        args = [self._memo[self._key(arg, world)] for arg in term.args]
        if term.op != "where" and OPERATIONS[term.op].kind != "logic":
            args = [self._as_number(arg) for arg in args]
        if term.op not in CODE:
            return self._function(term.op, args)
        return CODE[term.op](e, *args, *(() if term.payload is None else (term.payload,)))

    def _function(self, name: str, args: list[Value]) -> Value:
        e = self._e
        # An elementary function of a parameter is computed once, in one lane.
        lanes = any(arg.lanes for arg in args)
        args = e.aligned(args)
        kind = e.type("double", lanes)
        suffix = "" if lanes or e.lanes == 1 else "_one"
        self._called.add(name + suffix)
        listed = ", ".join(f"{kind} {arg.name}" for arg in args)
        return e.let(f"call {kind} @co_{name}{suffix}({listed})", "double", lanes)


def _whole(e: Emitter, intrinsic: str, x: Value) -> Value:
    # A whole number has no negative zero.
    return e.add(e.call(intrinsic, x), e.const(0.0))


def _extremum(e: Emitter, chosen: Value, x: Value, y: Value) -> Value:
    # A NaN that is read stays one, whichever argument it is.
    return e.select(e.binary("or", chosen, e.compare("uno", x, x)), x, y)


def _sign(e: Emitter, x: Value) -> Value:
    below = e.select(e.compare("olt", x, e.const(0.0)), e.const(-1.0), x)
    return e.select(e.compare("ogt", x, e.const(0.0)), e.const(1.0), below)


def _integer_power(e: Emitter, base: Value, exponent: int) -> Value:
    result: Value | None = None
    square, left = base, abs(exponent)
    while left:
        if left & 1:
            result = square if result is None else e.mul(result, square)
        left >>= 1
        if left:
            square = e.mul(square, square)
    if result is None:
        return e.const(1.0)
    return e.div(e.const(1.0), result) if exponent < 0 else result


# Everything but `elementary.BODIES` and pow, with the meanings of `language.ieee`.
CODE: dict[str, Callable[..., Value]] = {
    "add": Emitter.add,
    "sub": Emitter.sub,
    "mul": Emitter.mul,
    "div": Emitter.div,
    "neg": Emitter.neg,
    "abs": Emitter.abs,
    "sqrt": lambda e, x: e.call("llvm.sqrt", x),
    "floor": lambda e, x: _whole(e, "llvm.floor", x),
    "ceil": lambda e, x: _whole(e, "llvm.ceil", x),
    "sign": _sign,
    "min": lambda e, x, y: _extremum(e, e.compare("ole", x, y), x, y),
    "max": lambda e, x, y: _extremum(e, e.compare("ole", y, x), x, y),
    "ipow": _integer_power,
    "lt": lambda e, x, y: e.compare("olt", x, y),
    "le": lambda e, x, y: e.compare("ole", x, y),
    "eq": lambda e, x, y: e.compare("oeq", x, y),
    "ne": lambda e, x, y: e.compare("une", x, y),
    "and": lambda e, x, y: e.binary("and", x, y),
    "or": lambda e, x, y: e.binary("or", x, y),
    "not": lambda e, x: e.binary("xor", x, e.truth(True)),
    "where": Emitter.select,
}

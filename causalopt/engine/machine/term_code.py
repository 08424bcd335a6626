"""Terms as LLVM text: each shared term once, what depends on parameters only before the loop."""

from __future__ import annotations

import math
from collections.abc import Callable

from causalopt.engine.machine.elementary import BODIES
from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.engine.program import constant_value, is_fixed
from causalopt.language.term import Term

_BINARY: dict[str, Callable[[Emitter, Value, Value], Value]] = {
    "add": Emitter.add,
    "sub": Emitter.sub,
    "mul": Emitter.mul,
    "div": Emitter.div,
}
_COMPARISONS = {"lt": "olt", "le": "ole", "eq": "oeq", "ne": "une"}


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
        value = self.of(term, world)
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
        if term.op == "const":
            return e.const(constant_value(term))
        if term.op == "pi":
            return e.const(math.pi)
        if term.is_leaf:
            return self._leaf(term, world)
        args = [self._memo[self._key(arg, world)] for arg in term.args]
        if term.op in {"and", "or"}:
            return e.binary(term.op, args[0], args[1])
        if term.op == "not":
            return e.binary("xor", args[0], e.truth(True))
        if term.op == "where":
            return e.select(args[0], args[1], args[2])
        args = [e.select(a, e.const(1.0), e.const(0.0)) if a.element == "i1" else a for a in args]
        if term.op in _BINARY:
            return _BINARY[term.op](e, args[0], args[1])
        if term.op in _COMPARISONS:
            return e.compare(_COMPARISONS[term.op], args[0], args[1])
        if term.op in BODIES or term.op == "pow":
            return self._function(term.op, args)
        return _special(e, term, args)

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


def _special(e: Emitter, term: Term, args: list[Value]) -> Value:
    """Write the operations with choices in them, with the meanings of `expressions.ieee`."""
    x = args[0]
    match term.op:
        case "neg":
            return e.neg(x)
        case "abs":
            return e.abs(x)
        case "sqrt":
            return e.call("llvm.sqrt", x)
        case "floor" | "ceil":
            # A whole number has no negative zero.
            return e.add(e.call(f"llvm.{term.op}", x), e.const(0.0))
        case "sign":
            below = e.select(e.compare("olt", x, e.const(0.0)), e.const(-1.0), x)
            return e.select(e.compare("ogt", x, e.const(0.0)), e.const(1.0), below)
        case "min":
            return e.select(e.compare("ole", x, args[1]), x, args[1])
        case "max":
            return e.select(e.compare("ole", args[1], x), x, args[1])
        case "ipow":
            assert isinstance(term.payload, int)
            return _integer_power(e, x, term.payload)
    raise AssertionError(f"no LLVM text for the operation {term.op}")


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

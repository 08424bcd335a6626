"""LLVM text, one line at a time: scalars or vectors of lanes, no fast-math, nothing contracted.

A value is a name with its kind. `uniform` values are the same in all lanes and stay scalars until
an operation with a lane's own value spreads them, so that what only depends on parameters costs one
scalar operation and no vector register.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import struct
from collections.abc import Iterable, Iterator, Sequence

AVX512_LANES = 8


@dataclasses.dataclass(frozen=True)
class Value:
    """An SSA value: its name, element type (`double`, `i64`, `i1`) and whether it has lanes."""

    name: str
    element: str
    lanes: bool

    @property
    def is_zero(self) -> bool:
        """Whether it is the constant 0.0."""
        return self.name == "0x0000000000000000"


def float_text(value: float) -> str:
    """Return a float as LLVM writes it, bit for bit.

    Example:
        >>> float_text(1.0)
        '0x3FF0000000000000'
    """
    if math.isnan(value):
        return "0x7FF8000000000000"
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


class Emitter:
    """Lines of one function body.

    Args:
        lanes: Lanes of a vector; 1 for scalar code, in which no value has lanes.
        fma: Whether the processor multiplies and adds in one rounding; elementary functions use it.
        contract: Whether the model's own arithmetic may use it too.
        avx512: Whether `avx512_call` may be used: a processor that has them, and eight lanes.
    """

    def __init__(
        self, lanes: int, *, fma: bool, contract: bool = False, avx512: bool = False
    ) -> None:
        self.lanes = lanes
        self.fma_is_fast = fma
        self.avx512 = avx512 and lanes == AVX512_LANES
        self.flag = " contract" if contract else ""
        self.lines: list[str] = []
        self.hoisted: list[str] = []
        self.needs: set[str] = set()
        self._counter = itertools.count(1)
        self._spread: dict[str, Value] = {}

    def sibling(self, lanes: int) -> Emitter:
        """Return an emitter of other vectors that writes into the same lines."""
        other = Emitter(lanes, fma=self.fma_is_fast, contract=bool(self.flag))
        other.lines, other.hoisted, other.needs = self.lines, self.hoisted, self.needs
        other._counter = self._counter
        return other

    @contextlib.contextmanager
    def hoisting(self) -> Iterator[None]:
        """Write into the section that runs before the loop."""
        body, self.lines = self.lines, self.hoisted
        try:
            yield
        finally:
            self.lines = body

    def type(self, element: str, lanes: bool) -> str:
        """Return the type's text."""
        return f"<{self.lanes} x {element}>" if lanes and self.lanes > 1 else element

    def of(self, value: Value) -> str:
        """Return a value's type."""
        return self.type(value.element, value.lanes)

    def name(self, stem: str = "v") -> str:
        """Return a fresh name."""
        stem = "h" if self.lines is self.hoisted else stem
        return f"%{stem}{next(self._counter)}"

    def let(self, text: str, element: str, lanes: bool) -> Value:
        """Write an instruction and return its value."""
        name = self.name()
        self.lines.append(f"{name} = {text}")
        return Value(name, element, lanes and self.lanes > 1)

    def label(self, name: str) -> None:
        """Start a basic block; values spread so far may not reach it."""
        self.lines.append(f"{name}:")

    def forget_spread(self) -> None:
        """Spread uniform values anew: after a block that not every path takes."""
        self._spread.clear()

    def const(self, value: float) -> Value:
        """Return a float constant."""
        return Value(float_text(value), "double", False)

    def integer(self, value: int) -> Value:
        """Return an integer constant."""
        return Value(str(value), "i64", False)

    def truth(self, value: bool) -> Value:
        """Return a truth value."""
        return Value("true" if value else "false", "i1", False)

    def spread(self, value: Value) -> Value:
        """Return the value with lanes."""
        if value.lanes or self.lanes == 1:
            return value
        kind = self.type(value.element, True)
        if not value.name.startswith("%"):
            return Value(f"splat ({value.element} {value.name})", value.element, True)
        found = self._spread.get(value.name)
        if found is None and value.name.startswith("%h"):
            with self.hoisting():
                found = self._spread_now(value, kind)
        elif found is None:
            found = self._spread_now(value, kind)
        self._spread[value.name] = found
        return found

    def _spread_now(self, value: Value, kind: str) -> Value:
        first = f"insertelement {kind} poison, {value.element} {value.name}, i64 0"
        one = self.let(first, value.element, True)
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        text = f"shufflevector {kind} {one.name}, {kind} poison, {zeros}"
        return self.let(text, value.element, True)

    def aligned(self, values: Iterable[Value]) -> list[Value]:
        """Return values of one kind: all scalar, or all with lanes."""
        listed = list(values)
        if any(value.lanes for value in listed):
            return [self.spread(value) for value in listed]
        return listed

    def binary(self, op: str, a: Value, b: Value) -> Value:
        """Write `op a, b`."""
        a, b = self.aligned((a, b))
        return self.let(f"{op} {self.of(a)} {a.name}, {b.name}", a.element, a.lanes)

    def rotated(self, a: Value, count: int) -> Value:
        """Write an integer's bits moved up by `count`, those that fall off at the bottom."""
        kind = self.of(a)
        suffix = f"v{self.lanes}i64" if a.lanes else "i64"
        self.needs.add(f"declare {kind} @llvm.fshl.{suffix}({kind}, {kind}, {kind})")
        by = self.spread(self.integer(count)) if a.lanes else self.integer(count)
        args = ", ".join(f"{kind} {value.name}" for value in (a, a, by))
        return self.let(f"call {kind} @llvm.fshl.{suffix}({args})", "i64", a.lanes)

    def add(self, a: Value, b: Value) -> Value:
        """Write a float sum."""
        return self.binary(f"fadd{self.flag}", a, b)

    def sub(self, a: Value, b: Value) -> Value:
        """Write a float difference."""
        return self.binary(f"fsub{self.flag}", a, b)

    def mul(self, a: Value, b: Value) -> Value:
        """Write a float product."""
        return self.binary(f"fmul{self.flag}", a, b)

    def div(self, a: Value, b: Value) -> Value:
        """Write a float quotient."""
        return self.binary("fdiv", a, b)

    def neg(self, a: Value) -> Value:
        """Write a float's negative."""
        return self.let(f"fneg {self.of(a)} {a.name}", "double", a.lanes)

    def fused(self, a: Value, b: Value, c: Value) -> Value:
        """Write a*b + c, in one rounding where the processor can."""
        if not self.fma_is_fast:
            return self.add(self.mul(a, b), c)
        return self.call("llvm.fma", a, b, c)

    def compare(self, how: str, a: Value, b: Value) -> Value:
        """Write a comparison: `olt`, `ole`, `oeq`, `une` of floats; `i.eq`, `i.slt` of integers."""
        a, b = self.aligned((a, b))
        op = f"icmp {how[2:]}" if how.startswith("i.") else f"fcmp {how}"
        return self.let(f"{op} {self.of(a)} {a.name}, {b.name}", "i1", a.lanes)

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """Write `a where condition, else b`."""
        if condition.name in {"true", "false"}:
            return a if condition.name == "true" else b
        if condition.lanes or a.lanes or b.lanes:
            a, b = self.spread(a), self.spread(b)
        return self.let(
            f"select {self.of(condition)} {condition.name}, {self.of(a)} {a.name}, "
            f"{self.of(b)} {b.name}",
            a.element,
            a.lanes,
        )

    def call(self, intrinsic: str, *args: Value) -> Value:
        """Write a call of an intrinsic that works on each lane."""
        args_ = self.aligned(args)
        lanes = args_[0].lanes
        kind = self.type("double", lanes)
        suffix = f"v{self.lanes}f64" if lanes else "f64"
        listed = ", ".join(f"{kind} {arg.name}" for arg in args_)
        kinds = ", ".join([kind] * len(args_))
        self.needs.add(f"declare {kind} @{intrinsic}.{suffix}({kinds})")
        return self.let(f"call {kind} @{intrinsic}.{suffix}({listed})", "double", lanes)

    def avx512_call(
        self, operation: str, a: Value, b: Value, *, immediate: int | None = None
    ) -> Value:
        """Write an AVX-512 instruction on two registers, rounding to nearest."""
        a, b = self.spread(a), self.spread(b)
        kind, name = self.of(a), f"@llvm.x86.avx512.mask.{operation}.pd.512"
        between = "" if immediate is None else "i32 immarg, "
        self.needs.add(f"declare {kind} {name}({kind}, {kind}, {between}{kind}, i8, i32 immarg)")
        given = "" if immediate is None else f"i32 {immediate}, "
        return self.let(
            f"call {kind} {name}({kind} {a.name}, {kind} {b.name}, {given}{kind} poison, "
            "i8 -1, i32 4)",
            "double",
            True,
        )

    def abs(self, a: Value) -> Value:
        """Write |a|."""
        return self.call("llvm.fabs", a)

    def bits(self, a: Value) -> Value:
        """Return a float's bits as an integer."""
        target = self.type("i64", a.lanes)
        return self.let(f"bitcast {self.of(a)} {a.name} to {target}", "i64", a.lanes)

    def from_bits(self, a: Value) -> Value:
        """Return the float that has these bits."""
        target = self.type("double", a.lanes)
        return self.let(f"bitcast {self.of(a)} {a.name} to {target}", "double", a.lanes)

    def gathered(self, values: Sequence[Value]) -> Value:
        """Return scalars as the lanes of one vector."""
        result, kind = Value("poison", "double", True), self.type("double", True)
        for k, value in enumerate(values):
            text = f"insertelement {kind} {result.name}, double {value.name}, i64 {k}"
            result = self.let(text, "double", True)
        return result

    def any(self, a: Value) -> Value:
        """Return whether a truth value holds in any lane."""
        if not a.lanes:
            return a
        kind = self.of(a)
        self.needs.add(f"declare i1 @llvm.vector.reduce.or.v{self.lanes}i1({kind})")
        return self.let(
            f"call i1 @llvm.vector.reduce.or.v{self.lanes}i1({kind} {a.name})", "i1", False
        )

    def polynomial(self, x: Value, coefficients: Sequence[float]) -> Value:
        """Write a polynomial by Horner's rule; coefficients from the highest power down."""
        result = self.const(coefficients[0])
        for coefficient in coefficients[1:]:
            result = self.fused(result, x, self.const(coefficient))
        return result

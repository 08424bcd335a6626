"""Many directions carried over many steps in machine code: one text for all models.

Which products make up which tangent is data, so that nothing is compiled for a model; a row of
directions is one vector. Sums are taken in the order of the local derivatives and no product and
sum are contracted: the numbers are those of numpy, bit for bit.
"""

from __future__ import annotations

import functools

import numpy as np

from causalopt.engine.carrier import Carrier
from causalopt.engine.contract import Bools, Floats
from causalopt.engine.jacobians import Products
from causalopt.engine.machine.native import CompiledLibrary, load_library, processor
from causalopt.engine.rescaling import HUGE, RESCALE, TINY
from causalopt.work.threads import Pace

ARGUMENTS = (
    "slopes",
    "stride",
    "offsets",
    "columns",
    "sources",
    "memory",
    "equations",
    "slots",
    "rows",
    "masks",
    "low",
    "high",
    "seed",
    "since",
)
_FIRST_PIECE = 20_000_000  # products: some hundredths of a second
POINTERS = ("slopes", "offsets", "columns", "sources", "memory", "rows", "masks")


class CompiledCarrier(Carrier):
    """Directions on their way, as many as one vector holds.

    Args:
        products: The products of a step.
        state: Tangents of the slots before the first step, shape [slot, direction].
    """

    def __init__(self, products: Products, state: Floats) -> None:
        self._products, count = products, state.shape[1]
        lanes, width = _lanes_for(count), len(products.offsets) - 1
        self._rows = np.zeros((width + len(products.memory), lanes))
        self._masks = np.full((width, lanes), -1, dtype=np.int64)
        self._function = _library(lanes).functions["carry"]
        self._pace = Pace(_FIRST_PIECE // (lanes * (len(products.columns) + width)), RESCALE)
        self.now, self.state = self._rows[:width, :count], self._rows[width:, :count]
        self.state[:] = state

    def block(self, blocked: Bools) -> None:
        """Say anew which equations let nothing through."""
        self._masks[:, : blocked.shape[1]] = np.where(blocked, 0, -1)

    def over(
        self,
        slopes: Floats,
        low: int,
        high: int,
        *,
        seed: int | None = None,
        since: int = 0,
        record: Floats | None = None,
    ) -> int:
        """Go over steps low .. high - 1, or to where a direction has left the range."""
        for start, stop in self._pace.pieces(low, high):
            rows = None if record is None else record[start - low : stop - low]
            given = self._arguments(slopes, start, stop, seed if start == low else None, since)
            reached = self._piece(given, start, stop, rows)
            if reached < stop or (stop - since) % RESCALE == 0:
                return reached
        return high

    def _piece(self, given: tuple[int, ...], start: int, stop: int, record: Floats | None) -> int:
        if record is None:
            return int(self._function(*given, 0))
        whole = np.empty((stop - start, *self._masks.shape))
        reached: int = self._function(*given, whole.ctypes.data)
        record[: reached - start] = whole[: reached - start, :, : record.shape[2]]
        return reached

    def _arguments(
        self, slopes: Floats, low: int, high: int, seed: int | None, since: int
    ) -> tuple[int, ...]:
        p = self._products
        return (
            slopes.ctypes.data,
            slopes.strides[0] // 8,
            p.offsets.ctypes.data,
            p.columns.ctypes.data,
            p.sources.ctypes.data,
            p.memory.ctypes.data,
            len(self._masks),
            len(p.memory),
            self._rows.ctypes.data,
            self._masks.ctypes.data,
            low,
            high,
            -1 if seed is None else seed,
            since,
        )


_NOTE = """
  %has.record = icmp ne i64 %record_, 0
  br i1 %has.record, label %note, label %noted
note:
  %note.step = sub i64 %t, %low_
  %note.above = mul i64 %note.step, %equations_
  %note.row = add i64 %note.above, %i
  %note.place = mul i64 %note.row, {lanes}
  %note.at = getelementptr double, ptr %record, i64 %note.place
  store {row} %tangent, ptr %note.at, align 8
  br label %noted
noted:"""


def _lanes_for(count: int) -> int:
    """Return a whole number of registers that hold so many directions."""
    register = processor().register
    return -(-count // register) * register


@functools.lru_cache(maxsize=8)
def _library(lanes: int) -> CompiledLibrary:
    return load_library(carry_text(lanes, records=True), {"carry": len(ARGUMENTS) + 1})


def carry_text(lanes: int, *, records: bool = False) -> str:
    """Return the LLVM text of `@carry`, for rows of so many directions.

    Args:
        lanes: How many directions a row has.
        records: Whether it takes a further argument: where equations' tangents go, 0 for nowhere.
    """
    # Rows are found by counting doubles: LLVM pads a vector whose size is no power of two.
    more = ("record",) if records else ()
    arguments = ", ".join(f"i64 %{name}_" for name in (*ARGUMENTS, *more))
    pointers = "\n  ".join(f"%{name} = inttoptr i64 %{name}_ to ptr" for name in (*POINTERS, *more))
    note, last = (
        (_NOTE.format(row=f"<{lanes} x double>", lanes=lanes), "noted") if records else ("", "sum")
    )
    row, bits = f"<{lanes} x double>", f"<{lanes} x i64>"
    flags = f"<{lanes} x i1>"
    everywhere = f"<{', '.join(['double 1.0'] * lanes)}>"
    tiny, huge, infinite = (
        f"<{', '.join([f'double 0x{int(np.float64(value).view(np.int64)):016X}'] * lanes)}>"
        for value in (TINY, HUGE, np.inf)
    )
    return f"""
declare {row} @llvm.fabs.v{lanes}f64({row})
declare i1 @llvm.vector.reduce.or.v{lanes}i1({flags})
define i64 @carry({arguments}) {{
entry:
  {pointers}
  br label %step
step:
  %t = phi i64 [%low_, %entry], [%t.next, %next]
  %place = mul i64 %t, %stride_
  %slope.row = getelementptr double, ptr %slopes, i64 %place
  %is.first = icmp eq i64 %t, %low_
  %begin = load i64, ptr %offsets, align 8
  br label %equation
equation:
  %i = phi i64 [0, %step], [%i.next, %{last}]
  %from = phi i64 [%begin, %step], [%to, %{last}]
  %i.next = add i64 %i, 1
  %to.at = getelementptr i64, ptr %offsets, i64 %i.next
  %to = load i64, ptr %to.at, align 8
  %has.products = icmp slt i64 %from, %to
  br i1 %has.products, label %product, label %sum
product:
  %k = phi i64 [%from, %equation], [%k.next, %product]
  %before = phi {row} [zeroinitializer, %equation], [%after, %product]
  %column.at = getelementptr i64, ptr %columns, i64 %k
  %column = load i64, ptr %column.at, align 8
  %slope.at = getelementptr double, ptr %slope.row, i64 %column
  %slope.one = load double, ptr %slope.at, align 8
  %slope.put = insertelement {row} poison, double %slope.one, i64 0
  %slope = shufflevector {row} %slope.put, {row} poison, <{lanes} x i32> zeroinitializer
  %source.at = getelementptr i64, ptr %sources, i64 %k
  %source = load i64, ptr %source.at, align 8
  %parent.at.place = mul i64 %source, {lanes}
  %parent.at = getelementptr double, ptr %rows, i64 %parent.at.place
  %parent = load {row}, ptr %parent.at, align 8
  %passed = fmul {row} %slope, %parent
  %after = fadd {row} %before, %passed
  %k.next = add i64 %k, 1
  %more.products = icmp slt i64 %k.next, %to
  br i1 %more.products, label %product, label %sum
sum:
  %found = phi {row} [zeroinitializer, %equation], [%after, %product]
  %mask.at.place = mul i64 %i, {lanes}
  %mask.at = getelementptr i64, ptr %masks, i64 %mask.at.place
  %mask = load {bits}, ptr %mask.at, align 8
  %found.bits = bitcast {row} %found to {bits}
  %open.bits = and {bits} %found.bits, %mask
  %open = bitcast {bits} %open.bits to {row}
  %is.seeded = icmp eq i64 %i, %seed_
  %is.seed = and i1 %is.seeded, %is.first
  %shifted = fadd {row} %open, {everywhere}
  %tangent = select i1 %is.seed, {row} %shifted, {row} %open
  %tangent.at.place = mul i64 %i, {lanes}
  %tangent.at = getelementptr double, ptr %rows, i64 %tangent.at.place
  store {row} %tangent, ptr %tangent.at, align 8{note}
  %more.equations = icmp slt i64 %i.next, %equations_
  br i1 %more.equations, label %equation, label %remember
remember:
  %has.slots = icmp sgt i64 %slots_, 0
  br i1 %has.slots, label %slot, label %next
slot:
  %j = phi i64 [%slots_, %remember], [%j.next, %slot]
  %j.next = sub i64 %j, 1
  %memory.at = getelementptr i64, ptr %memory, i64 %j.next
  %source.row = load i64, ptr %memory.at, align 8
  %kept.at.place = mul i64 %source.row, {lanes}
  %kept.at = getelementptr double, ptr %rows, i64 %kept.at.place
  %kept = load {row}, ptr %kept.at, align 8
  %slot.row = add i64 %equations_, %j.next
  %slot.at.place = mul i64 %slot.row, {lanes}
  %slot.at = getelementptr double, ptr %rows, i64 %slot.at.place
  store {row} %kept, ptr %slot.at, align 8
  %more.slots = icmp sgt i64 %j.next, 0
  br i1 %more.slots, label %slot, label %look
look:
  %gone = sub i64 %t, %since_
  %phase = and i64 %gone, {RESCALE - 1}
  %is.edge = icmp eq i64 %phase, {RESCALE - 1}
  br i1 %is.edge, label %size, label %next
size:
  %m = phi i64 [0, %look], [%m.next, %size]
  %top = phi {row} [zeroinitializer, %look], [%top.next, %size]
  %m.row = add i64 %equations_, %m
  %m.at.place = mul i64 %m.row, {lanes}
  %m.at = getelementptr double, ptr %rows, i64 %m.at.place
  %m.value = load {row}, ptr %m.at, align 8
  %m.size = call {row} @llvm.fabs.v{lanes}f64({row} %m.value)
  %is.larger = fcmp ogt {row} %m.size, %top
  %top.next = select {flags} %is.larger, {row} %m.size, {row} %top
  %m.next = add i64 %m, 1
  %more.sizes = icmp slt i64 %m.next, %slots_
  br i1 %more.sizes, label %size, label %judge
judge:
  %is.huge = fcmp oge {row} %top.next, {huge}
  %is.small = fcmp ole {row} %top.next, {tiny}
  %is.some = fcmp ogt {row} %top.next, zeroinitializer
  %is.finite = fcmp olt {row} %top.next, {infinite}
  %is.tiny = and {flags} %is.small, %is.some
  %is.out = or {flags} %is.huge, %is.tiny
  %is.scaled = and {flags} %is.out, %is.finite
  %any = call i1 @llvm.vector.reduce.or.v{lanes}i1({flags} %is.scaled)
  br i1 %any, label %stop, label %next
stop:
  %reached = add i64 %t, 1
  ret i64 %reached
next:
  %t.next = add i64 %t, 1
  %more = icmp slt i64 %t.next, %high_
  br i1 %more, label %step, label %exit
exit:
  ret i64 %high_
}}
"""

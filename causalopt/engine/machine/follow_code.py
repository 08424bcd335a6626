"""A tangent followed in machine code, its rounding error beside it: one text for all models.

A row is one vector: the tangent, one realisation of its rounding error, and the size of the
products that it is a sum of. Sums are taken in the order of the local derivatives, lengths in that
of the slots, and no product and sum are contracted: the numbers are Python's, bit for bit.
"""

from __future__ import annotations

import functools

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.engine.follower import UNIT, Follower, Measured
from causalopt.engine.jacobians import Products
from causalopt.engine.machine.native import CompiledLibrary, load_library
from causalopt.engine.signs import MIX, SHIFTS
from causalopt.work.threads import Pace

_FIRST_PIECE = 20_000_000  # products: some hundredths of a second
_ARGUMENTS = (
    "slopes",
    "stride",
    "sizes",
    "size.stride",
    "offsets",
    "columns",
    "sources",
    "memory",
    "equations",
    "slots",
    "rows",
    "steps",
    "counter",
    "target",
    "known",
    "blurred",
    "shares",
    "lengths",
    "blurred.at",
)
_POINTERS = ("slopes", "sizes", "offsets", "columns", "sources", "memory", "rows")


class CompiledFollower(Follower):
    """A tangent followed in machine code.

    Args:
        products: The products of a step.
        start: The slots' tangents before the first step, of length 1, shape [slot].
        measured: What is watched of it.
    """

    def __init__(self, products: Products, start: Floats, measured: Measured) -> None:
        super().__init__(products, measured)
        self._width = len(products.offsets) - 1
        self._rows = np.zeros((self._width + len(products.memory), 4))
        self._rows[self._width :, 0] = start
        self._pace = Pace(_FIRST_PIECE // (4 * (len(products.columns) + self._width)))
        self._rows[self._width :, 2] = np.abs(start)

    @property
    def state(self) -> Floats:
        """The slots' tangents and their errors."""
        return self._rows[self._width :, :2].copy()

    def over(self, slopes: Floats, sizes: Floats) -> tuple[Floats, Floats]:
        """Go over steps; return m's tangent and the growth of the state's length."""
        parts, gone = [], 0
        for start, stop in self._pace.pieces(0, len(slopes)):
            parts.append(self._piece(slopes[start:stop], sizes[start:stop]))
            gone = start + len(parts[-1][0])
            if gone < stop:
                break
        shares, lengths = zip(*parts, strict=True) if parts else ([np.empty(0)], [np.empty(0)])
        return np.concatenate(shares), np.concatenate(lengths)

    def _piece(self, slopes: Floats, sizes: Floats) -> tuple[Floats, Floats]:
        p, count = self.products, len(slopes)
        shares, lengths = np.empty(count), np.empty(count)
        blurred = np.array([-1])
        gone: int = _library().functions["follow"](
            slopes.ctypes.data,
            slopes.strides[0] // 8,
            sizes.ctypes.data,
            sizes.strides[0] // 8,
            p.offsets.ctypes.data,
            p.columns.ctypes.data,
            p.sources.ctypes.data,
            p.memory.ctypes.data,
            self._width,
            len(p.memory),
            self._rows.ctypes.data,
            count,
            self.done * len(p.memory) + 1,
            self.measured.target,
            _bits(self.measured.known),
            _bits(self.measured.blurred),
            shares.ctypes.data,
            lengths.ctypes.data,
            blurred.ctypes.data,
        )
        if self.blurred_from is None and blurred[0] >= 0:
            self.blurred_from = self.done + int(blurred[0])
        self.done += gone
        return shares[:gone], lengths[:gone]


def _bits(value: float) -> int:
    return int(np.float64(value).view(np.int64))


@functools.cache
def _library() -> CompiledLibrary:
    return load_library(_text(), {"follow": len(_ARGUMENTS)})


def _text() -> str:
    arguments = ", ".join(f"i64 %{name}_" for name in _ARGUMENTS)
    pointers = "\n  ".join(
        f"%{name} = inttoptr i64 %{name}_ to ptr"
        for name in (*_POINTERS, "shares", "lengths", "blurred.at")
    )
    return f"""
declare <4 x double> @llvm.fabs.v4f64(<4 x double>)
declare double @llvm.fabs.f64(double)
declare <4 x double> @llvm.sqrt.v4f64(<4 x double>)
define i64 @follow({arguments}) {{
entry:
  {pointers}
  %known = bitcast i64 %known_ to double
  %blurred = bitcast i64 %blurred_ to double
  br label %step
step:
  %t = phi i64 [0, %entry], [%t.next, %next]
  %t.next = add i64 %t, 1
  %place = mul i64 %t, %stride_
  %slope.row = getelementptr double, ptr %slopes, i64 %place
  %size.place = mul i64 %t, %size.stride_
  %size.row = getelementptr double, ptr %sizes, i64 %size.place
  %begin = load i64, ptr %offsets, align 8
  br label %equation
{_sums()}
{_share()}
{_memory()}
{_length()}
}}
"""


def _order(*lanes: int) -> str:
    """Return which lanes a shuffle of two rows takes."""
    return f"<4 x i32> <{', '.join(f'i32 {lane}' for lane in lanes)}>"


def _sums() -> str:
    """Return the code of all equations' sums, up to `share`."""
    return f"""equation:
  %i = phi i64 [0, %step], [%i.next, %sum]
  %from = phi i64 [%begin, %step], [%to, %sum]
  %i.next = add i64 %i, 1
  %to.at = getelementptr i64, ptr %offsets, i64 %i.next
  %to = load i64, ptr %to.at, align 8
  %has.products = icmp slt i64 %from, %to
  br i1 %has.products, label %product, label %sum
product:
  %k = phi i64 [%from, %equation], [%k.next, %product]
  %before = phi <4 x double> [zeroinitializer, %equation], [%after, %product]
  %column.at = getelementptr i64, ptr %columns, i64 %k
  %column = load i64, ptr %column.at, align 8
  %slope.at = getelementptr double, ptr %slope.row, i64 %column
  %slope.one = load double, ptr %slope.at, align 8
  %slope.put = insertelement <4 x double> poison, double %slope.one, i64 0
  %slope = shufflevector <4 x double> %slope.put, <4 x double> poison, <4 x i32> zeroinitializer
  %size.at = getelementptr double, ptr %size.row, i64 %column
  %size.given = load double, ptr %size.at, align 8
  %size.put = insertelement <4 x double> poison, double %size.given, i64 0
  %size.all = shufflevector <4 x double> %size.put, <4 x double> poison, <4 x i32> zeroinitializer
  %size = call <4 x double> @llvm.fabs.v4f64(<4 x double> %size.all)
  %factor = shufflevector <4 x double> %slope, <4 x double> %size, {_order(0, 1, 6, 7)}
  %source.at = getelementptr i64, ptr %sources, i64 %k
  %source = load i64, ptr %source.at, align 8
  %parent.at = getelementptr <4 x double>, ptr %rows, i64 %source
  %parent = load <4 x double>, ptr %parent.at, align 8
  %passed = fmul <4 x double> %factor, %parent
  %after = fadd <4 x double> %before, %passed
  %k.next = add i64 %k, 1
  %more.products = icmp slt i64 %k.next, %to
  br i1 %more.products, label %product, label %sum
sum:
  %found = phi <4 x double> [zeroinitializer, %equation], [%after, %product]
  %tangent.at = getelementptr <4 x double>, ptr %rows, i64 %i
  store <4 x double> %found, ptr %tangent.at, align 8
  %more.equations = icmp slt i64 %i.next, %equations_
  br i1 %more.equations, label %equation, label %share"""


def _share() -> str:
    """Return the code of m's tangent, up to `slot`."""
    return """share:
  %m.at = getelementptr <4 x double>, ptr %rows, i64 %target_
  %m = load <4 x double>, ptr %m.at, align 8
  %m.sizes = call <4 x double> @llvm.fabs.v4f64(<4 x double> %m)
  %got = extractelement <4 x double> %m.sizes, i64 0
  %m.error = extractelement <4 x double> %m.sizes, i64 1
  %m.size = extractelement <4 x double> %m.sizes, i64 2
  %m.rounding = fmul double %known, %m.size
  %m.blur = fadd double %m.rounding, %m.error
  %is.more = fcmp ogt double %got, %m.blur
  %kept = select i1 %is.more, double %got, double 0.0
  %is.unread = fcmp oeq double %m.size, 0.0
  %part = select i1 %is.unread, double 0x7FF8000000000000, double %kept
  %share.at = getelementptr double, ptr %shares, i64 %t
  store double %part, ptr %share.at, align 8
  %steps.places = mul i64 %t, %slots_
  %first.place = add i64 %steps.places, %counter_
  br label %slot"""


def _memory() -> str:
    """Return the code that moves the memory, adds roundings and sums squares, up to `measure`."""
    lines, z = [], "%counted"
    for number, (factor, shift) in enumerate(zip(MIX, (*SHIFTS, None), strict=True)):
        lines.append(f"%mixed{number} = mul i64 {z}, {factor - 2**64}")
        z = f"%mixed{number}"
        if shift is not None:
            lines.append(f"%high{number} = lshr i64 {z}, {shift}")
            lines.append(f"%folded{number} = xor i64 {z}, %high{number}")
            z = f"%folded{number}"
    mixed = "\n  ".join(lines)
    return f"""slot:
  %j = phi i64 [%slots_, %share], [%j.next, %slot]
  %j.next = sub i64 %j, 1
  %memory.at = getelementptr i64, ptr %memory, i64 %j.next
  %source.row = load i64, ptr %memory.at, align 8
  %old.at = getelementptr <4 x double>, ptr %rows, i64 %source.row
  %old = load <4 x double>, ptr %old.at, align 8
  %slot.row = add i64 %equations_, %j.next
  %slot.at = getelementptr <4 x double>, ptr %rows, i64 %slot.row
  store <4 x double> %old, ptr %slot.at, align 8
  %more.slots = icmp sgt i64 %j.next, 0
  br i1 %more.slots, label %slot, label %round
round:
  %r = phi i64 [0, %slot], [%r.next, %round]
  %squares = phi <4 x double> [zeroinitializer, %slot], [%squares.next, %round]
  %round.row = add i64 %equations_, %r
  %round.at = getelementptr <4 x double>, ptr %rows, i64 %round.row
  %exact = load <4 x double>, ptr %round.at, align 8
  %counted = add i64 %first.place, %r
  {mixed}
  %sign = and i64 {z}, {-(2**63)}
  %unit.bits = or i64 %sign, {_bits(UNIT)}
  %unit.one = bitcast i64 %unit.bits to double
  %product.size = extractelement <4 x double> %exact, i64 2
  %rounding = fmul double %unit.one, %product.size
  %error = extractelement <4 x double> %exact, i64 1
  %error.next = fadd double %error, %rounding
  %rounded = insertelement <4 x double> %exact, double %error.next, i64 1
  store <4 x double> %rounded, ptr %round.at, align 8
  %square = fmul <4 x double> %rounded, %rounded
  %squares.next = fadd <4 x double> %squares, %square
  %r.next = add i64 %r, 1
  %more.rounds = icmp slt i64 %r.next, %slots_
  br i1 %more.rounds, label %round, label %measure"""


def _length() -> str:
    """Return the code that judges a step and makes the tangent's length 1."""
    return f"""measure:
  %norms = call <4 x double> @llvm.sqrt.v4f64(<4 x double> %squares.next)
  %length = extractelement <4 x double> %norms, i64 0
  %length.at = getelementptr double, ptr %lengths, i64 %t
  store double %length, ptr %length.at, align 8
  %is.some = fcmp ogt double %length, 0.0
  %is.finite = fcmp olt double %length, 0x7FF0000000000000
  %is.fine = and i1 %is.some, %is.finite
  br i1 %is.fine, label %judge, label %stop
judge:
  %blur = extractelement <4 x double> %norms, i64 1
  %limit = fmul double %blurred, %length
  %is.blurred = fcmp ogt double %blur, %limit
  br i1 %is.blurred, label %note, label %scale
note:
  %noted = load i64, ptr %blurred.at, align 8
  %is.new = icmp slt i64 %noted, 0
  %noted.next = select i1 %is.new, i64 %t.next, i64 %noted
  store i64 %noted.next, ptr %blurred.at, align 8
  br label %scale
scale:
  %length.all = shufflevector <4 x double> %norms, <4 x double> poison, <4 x i32> zeroinitializer
  br label %divide
divide:
  %d = phi i64 [0, %scale], [%d.next, %divide]
  %divide.row = add i64 %equations_, %d
  %divide.at = getelementptr <4 x double>, ptr %rows, i64 %divide.row
  %long = load <4 x double>, ptr %divide.at, align 8
  %short = fdiv <4 x double> %long, %length.all
  %short.sizes = call <4 x double> @llvm.fabs.v4f64(<4 x double> %short)
  %own = shufflevector <4 x double> %short, <4 x double> %short.sizes, {_order(0, 1, 4, 4)}
  store <4 x double> %own, ptr %divide.at, align 8
  %d.next = add i64 %d, 1
  %more.divides = icmp slt i64 %d.next, %slots_
  br i1 %more.divides, label %divide, label %next
next:
  %more = icmp slt i64 %t.next, %steps_
  br i1 %more, label %step, label %exit
stop:
  ret i64 %t.next
exit:
  ret i64 %steps_"""

"""Benettin's method in machine code: directions made orthonormal after every step.

By modified Gram-Schmidt, all later directions at once. A step in which one all but vanishes, or
leaves the floats, is taken back: whether it has died is for the caller to find out.
"""

from __future__ import annotations

import functools

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.engine.machine.carrier_code import ARGUMENTS, CompiledCarrier, carry_text
from causalopt.engine.machine.native import CompiledLibrary, load_library

_MORE = ("directions", "norms", "kept", "least")


class CompiledGrowth(CompiledCarrier):
    """Directions that are kept orthonormal on their way."""

    def grow(self, slopes: Floats, low: int, high: int, *, least: float) -> tuple[int, Floats]:
        """Go over steps low .. high - 1; return the step reached and the growth at each before it.

        It is an earlier one where a direction's growth was not finite, or less than `least` times
        the largest or than `least`: the state is then that at the step returned.

        Args:
            slopes: The local derivatives, shape [t, partial].
            low: The first step.
            high: The step after the last.
            least: A growth that is looked into. Where it is negative, only one that is not finite
                is, and a direction that vanishes is replaced by one along an axis.
        """
        norms = np.empty((high - low, self.state.shape[1]))
        kept = np.empty(self._rows.size)
        grow, reached = _library(self._rows.shape[1]).functions["grow"], low
        for start, stop in self._pace.pieces(low, high):
            reached = grow(
                *self._arguments(slopes, start, stop, None, 0),
                norms.shape[1],
                norms[start - low :].ctypes.data,
                kept.ctypes.data,
                int(np.float64(least).view(np.int64)),
            )
            if reached < stop:
                break
        return reached, norms[: reached - low]


@functools.lru_cache(maxsize=8)
def _library(lanes: int) -> CompiledLibrary:
    return load_library(_text(lanes), {"grow": len(ARGUMENTS) + len(_MORE)})


def _text(lanes: int) -> str:
    arguments = ", ".join(f"i64 %{name}_" for name in (*ARGUMENTS, *_MORE))
    given = {"low": "%t", "high": "%end", "seed": "-1", "since": "%t"}
    passed = ", ".join(f"i64 {given.get(name, f'%{name}_')}" for name in ARGUMENTS)
    pointers = "\n  ".join(
        f"%{name} = inttoptr i64 %{name}_ to ptr" for name in ("rows", "norms", "kept")
    )
    row, whole = f"<{lanes} x double>", f"<{lanes} x i64>"
    places = f"<{', '.join(f'i64 {k}' for k in range(lanes))}>"
    return f"""{carry_text(lanes)}
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare double @llvm.sqrt.f64(double)
declare double @llvm.maxnum.f64(double, double)
define i64 @grow({arguments}) {{
entry:
  {pointers}
  %least = bitcast i64 %least_ to double
  %is.reviving = fcmp olt double %least, 0.0
  %above = mul i64 %equations_, {lanes}
  %state = getelementptr double, ptr %rows, i64 %above
  %bytes = mul i64 %slots_, {8 * lanes}
  br label %stretch
stretch:
  %t = phi i64 [%low_, %entry], [%end, %good]
  %out = phi ptr [%norms, %entry], [%out.next, %good]
  %end = add i64 %t, 1
  call void @llvm.memcpy.p0.p0.i64(ptr %kept, ptr %state, i64 %bytes, i1 false)
  %carried = call i64 @carry({passed})
  br label %square
square:
  %m = phi i64 [0, %stretch], [%m.next, %square]
  %all = phi {row} [zeroinitializer, %stretch], [%all.next, %square]
  %m.place = mul i64 %m, {lanes}
  %a.at = getelementptr double, ptr %state, i64 %m.place
  %a = load {row}, ptr %a.at, align 8
  %aa = fmul {row} %a, %a
  %all.next = fadd {row} %all, %aa
  %m.next = add i64 %m, 1
  %more.square = icmp slt i64 %m.next, %slots_
  br i1 %more.square, label %square, label %column
column:
  %j = phi i64 [0, %square], [%j.next, %done]
  %largest = phi double [1.0, %square], [%larger, %done]
  %squares = phi {row} [%all.next, %square], [%rest.squares.next, %done]
  %j.put = insertelement {whole} poison, i64 %j, i64 0
  %j.row = shufflevector {whole} %j.put, {whole} poison, <{lanes} x i32> zeroinitializer
  %is.own = icmp eq {whole} {places}, %j.row
  %is.later = icmp sgt {whole} {places}, %j.row
  %own = getelementptr double, ptr %state, i64 %j
  %own.square = extractelement {row} %squares, i64 %j
  %norm = call double @llvm.sqrt.f64(double %own.square)
  %norm.at = getelementptr double, ptr %out, i64 %j
  store double %norm, ptr %norm.at, align 8
  %larger = call double @llvm.maxnum.f64(double %largest, double %norm)
  %is.zero = fcmp oeq double %norm, 0.0
  %is.revived = and i1 %is.zero, %is.reviving
  %turn = add i64 %t, %j
  %place.new = urem i64 %turn, %slots_
  br label %dots
dots:
  %k = phi i64 [0, %column], [%k.next, %dots]
  %dot = phi {row} [zeroinitializer, %column], [%dot.next, %dots]
  %k.place = mul i64 %k, {lanes}
  %b.at = getelementptr double, ptr %own, i64 %k.place
  %b = load double, ptr %b.at, align 8
  %scaled = fdiv double %b, %norm
  %is.place = icmp eq i64 %k, %place.new
  %axis = select i1 %is.place, double 1.0, double 0.0
  %unit = select i1 %is.revived, double %axis, double %scaled
  %b.row.at = getelementptr double, ptr %state, i64 %k.place
  %b.row = load {row}, ptr %b.row.at, align 8
  %unit.put = insertelement {row} poison, double %unit, i64 0
  %unit.row = shufflevector {row} %unit.put, {row} poison, <{lanes} x i32> zeroinitializer
  %new.row = select <{lanes} x i1> %is.own, {row} %unit.row, {row} %b.row
  store {row} %new.row, ptr %b.row.at, align 8
  %bb = fmul {row} %unit.row, %new.row
  %dot.next = fadd {row} %dot, %bb
  %k.next = add i64 %k, 1
  %more.dots = icmp slt i64 %k.next, %slots_
  br i1 %more.dots, label %dots, label %later
later:
  %parts = select <{lanes} x i1> %is.later, {row} %dot.next, {row} zeroinitializer
  br label %take
take:
  %r = phi i64 [0, %later], [%r.next, %take]
  %rest.squares = phi {row} [zeroinitializer, %later], [%rest.squares.next, %take]
  %r.place = mul i64 %r, {lanes}
  %c.at = getelementptr double, ptr %own, i64 %r.place
  %c = load double, ptr %c.at, align 8
  %c.put = insertelement {row} poison, double %c, i64 0
  %c.row = shufflevector {row} %c.put, {row} poison, <{lanes} x i32> zeroinitializer
  %d.at = getelementptr double, ptr %state, i64 %r.place
  %d = load {row}, ptr %d.at, align 8
  %part = fmul {row} %parts, %c.row
  %rest = fsub {row} %d, %part
  store {row} %rest, ptr %d.at, align 8
  %rest.square = fmul {row} %rest, %rest
  %rest.squares.next = fadd {row} %rest.squares, %rest.square
  %r.next = add i64 %r, 1
  %more.take = icmp slt i64 %r.next, %slots_
  br i1 %more.take, label %take, label %done
done:
  %j.next = add i64 %j, 1
  %more.columns = icmp slt i64 %j.next, %directions_
  br i1 %more.columns, label %column, label %judge
judge:
  %limit = fmul double %larger, %least
  br label %look
look:
  %q = phi i64 [0, %judge], [%q.next, %fine]
  %q.at = getelementptr double, ptr %out, i64 %q
  %size = load double, ptr %q.at, align 8
  %is.large = fcmp ogt double %size, %limit
  %is.finite = fcmp olt double %size, 0x7FF0000000000000
  %is.fine = and i1 %is.large, %is.finite
  br i1 %is.fine, label %fine, label %bad
fine:
  %q.next = add i64 %q, 1
  %more.look = icmp slt i64 %q.next, %directions_
  br i1 %more.look, label %look, label %good
good:
  %out.next = getelementptr double, ptr %out, i64 %directions_
  %more = icmp slt i64 %end, %high_
  br i1 %more, label %stretch, label %exit
bad:
  call void @llvm.memcpy.p0.p0.i64(ptr %state, ptr %kept, i64 %bytes, i1 false)
  ret i64 %t
exit:
  ret i64 %high_
}}
"""

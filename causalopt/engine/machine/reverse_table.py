"""The reverse sweep of a large step in machine code: one text for all models.

Which products there are is data, as for carriers, so that nothing is compiled for a model. The
numbers are those of generated Python, bit for bit.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.adjoint import Baseline, cut_at
from causalopt.engine.contract import Floats, Plan
from causalopt.engine.linearization import linearize
from causalopt.engine.machine.native import CompiledLibrary, load_library
from causalopt.engine.rescaling import RESCALE, power_of, step_sign
from causalopt.model.template import Structure

_ARGUMENTS = (
    "slopes",
    "stride",
    "children",
    "columns",
    "parents",
    "lags",
    "products",
    "odd",
    "state",
    "masks",
    "table",
    "signs",
    "equations",
    "depth",
    "base",
    "low",
    "high",
)
_POINTERS = (
    "slopes",
    "children",
    "columns",
    "parents",
    "lags",
    "odd",
    "state",
    "masks",
    "table",
    "signs",
)


class TableSweep:
    """A reverse sweep whose products are read from a table."""

    execution = "llvm"

    def __init__(self, structure: Structure, plan: Plan, target: int) -> None:
        self._plan, self._width = plan, len(structure.names)
        numbered = list(enumerate(linearize(structure).partials))
        numbered.sort(key=lambda pair: -pair[1].child)  # stable: a child's products in their order
        rows = [(p.child, k, p.parent, p.lag) for k, p in numbered]
        self._products = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
        self._odd = np.array([-1.0 if i.bit_count() & 1 else 1.0 for i in range(self._width)])
        self._depth = max((p.lag for _, p in numbered), default=0)
        # Rows of x, y and the errors they carry; that of the step itself stands at `base`.
        self._state = np.zeros((self._depth + 1, self._width, 4))
        self._state[0, target, :2] = 1.0
        self._base = 0
        self._shift = [0, 0]
        self._function = _library().functions["reverse"]

    def over(self, baseline: Baseline, table: Floats, exponents: NDArray[np.int64]) -> None:
        """Go back over a stretch of steps; its rows are filled in."""
        first, end = baseline.first, baseline.first + len(table)
        for t1 in range(end, first, -RESCALE):
            t0 = max(t1 - RESCALE, first)
            exponents[t0 - first : t1 - first] = self._shift
            for low, high in reversed(self._plan.alike):
                if low < t1 and high > t0:
                    self._swept(baseline, table, max(low, t0), min(high, t1))
            self._rescale()

    def _swept(self, baseline: Baseline, table: Floats, low: int, high: int) -> None:
        cut = cut_at(self._plan, low)
        masks = np.ascontiguousarray(np.where(cut[[0, 1, 0, 1]].T, 0, -1))
        signs = np.array([step_sign(t) for t in range(low, high)])
        slopes, first = baseline.slopes, baseline.first
        children, columns, parents, lags = self._products
        self._base = self._function(
            slopes.ctypes.data + (low - first) * slopes.strides[0],
            slopes.strides[0] // 8,
            children.ctypes.data,
            columns.ctypes.data,
            parents.ctypes.data,
            lags.ctypes.data,
            len(children),
            self._odd.ctypes.data,
            self._state.ctypes.data,
            masks.ctypes.data,
            table.ctypes.data + (low - first) * table.strides[0],
            signs.ctypes.data,
            self._width,
            self._depth,
            self._base,
            0,
            high - low,
        )

    def _rescale(self) -> None:
        """Bring adjoints back near 1; the errors they carry follow."""
        for world in (0, 1):
            power = power_of(float(np.abs(self._state[..., world]).max()))
            if power:
                self._shift[world] += power
                pair = self._state[..., world::2]
                pair[:] = np.ldexp(pair, -power)


@functools.cache
def _library() -> CompiledLibrary:
    return load_library(_text(), {"reverse": len(_ARGUMENTS)})


def _text() -> str:
    arguments = ", ".join(f"i64 %{name}_" for name in _ARGUMENTS)
    pointers = "\n  ".join(f"%{name} = inttoptr i64 %{name}_ to ptr" for name in _POINTERS)
    row, to_errors = "<4 x double>", "<4 x i32> <i32 4, i32 5, i32 0, i32 1>"
    return f"""
declare {row} @llvm.fabs.v4f64({row})
define i64 @reverse({arguments}) {{
entry:
  {pointers}
  %rows = add i64 %depth_, 1
  %last = sub i64 %high_, 1
  br label %step
step:
  %t = phi i64 [%last, %entry], [%t.next, %next]
  %base = phi i64 [%base_, %entry], [%base.next, %next]
  %slope.place = mul i64 %t, %stride_
  %slope.row = getelementptr double, ptr %slopes, i64 %slope.place
  %sign.at = getelementptr double, ptr %signs, i64 %t
  %sign = load double, ptr %sign.at, align 8
  %own.place = mul i64 %base, %equations_
  %own.row = getelementptr {row}, ptr %state, i64 %own.place
  %has.products = icmp sgt i64 %products_, 0
  br i1 %has.products, label %product, label %store
product:
  %k = phi i64 [0, %step], [%k.next, %product]
  %child.at = getelementptr i64, ptr %children, i64 %k
  %child = load i64, ptr %child.at, align 8
  %column.at = getelementptr i64, ptr %columns, i64 %k
  %column = load i64, ptr %column.at, align 8
  %parent.at = getelementptr i64, ptr %parents, i64 %k
  %parent = load i64, ptr %parent.at, align 8
  %lag.at = getelementptr i64, ptr %lags, i64 %k
  %lag = load i64, ptr %lag.at, align 8
  %slope.at = getelementptr double, ptr %slope.row, i64 %column
  %slope.one = load double, ptr %slope.at, align 8
  %slope.put = insertelement {row} poison, double %slope.one, i64 0
  %slope = shufflevector {row} %slope.put, {row} poison, <4 x i32> zeroinitializer
  %from.at = getelementptr {row}, ptr %own.row, i64 %child
  %from = load {row}, ptr %from.at, align 8
  %mask.at = getelementptr <4 x i64>, ptr %masks, i64 %child
  %mask = load <4 x i64>, ptr %mask.at, align 8
  %passed.all = fmul {row} %slope, %from
  %passed.bits = bitcast {row} %passed.all to <4 x i64>
  %open.bits = and <4 x i64> %passed.bits, %mask
  %passed = bitcast <4 x i64> %open.bits to {row}
  %size = call {row} @llvm.fabs.v4f64({row} %passed)
  %odd.at = getelementptr double, ptr %odd, i64 %child
  %odd.one = load double, ptr %odd.at, align 8
  %signed.one = fmul double %sign, %odd.one
  %signed.put = insertelement {row} poison, double %signed.one, i64 0
  %signed = shufflevector {row} %signed.put, {row} poison, <4 x i32> zeroinitializer
  %rounding = fmul {row} %signed, %size
  %noise = shufflevector {row} %rounding, {row} zeroinitializer, {to_errors}
  %noisy = fadd {row} %passed, %noise
  %above = add i64 %base, %lag
  %is.past = icmp sgt i64 %above, %depth_
  %around = sub i64 %above, %rows
  %to.row = select i1 %is.past, i64 %around, i64 %above
  %to.start = mul i64 %to.row, %equations_
  %to.place = add i64 %to.start, %parent
  %to.at = getelementptr {row}, ptr %state, i64 %to.place
  %to = load {row}, ptr %to.at, align 8
  %sum = fadd {row} %to, %noisy
  store {row} %sum, ptr %to.at, align 8
  %k.next = add i64 %k, 1
  %more.products = icmp slt i64 %k.next, %products_
  br i1 %more.products, label %product, label %store
store:
  %table.place = mul i64 %t, %equations_
  %table.row = getelementptr {row}, ptr %table, i64 %table.place
  br label %equation
equation:
  %i = phi i64 [0, %store], [%i.next, %equation]
  %own.at = getelementptr {row}, ptr %own.row, i64 %i
  %own = load {row}, ptr %own.at, align 8
  %table.at = getelementptr {row}, ptr %table.row, i64 %i
  store {row} %own, ptr %table.at, align 8
  store {row} zeroinitializer, ptr %own.at, align 8
  %i.next = add i64 %i, 1
  %more.equations = icmp slt i64 %i.next, %equations_
  br i1 %more.equations, label %equation, label %next
next:
  %base.up = add i64 %base, 1
  %is.round = icmp sgt i64 %base.up, %depth_
  %base.next = select i1 %is.round, i64 0, i64 %base.up
  %t.next = sub i64 %t, 1
  %more = icmp sge i64 %t.next, %low_
  br i1 %more, label %step, label %exit
exit:
  ret i64 %base.next
}}
"""

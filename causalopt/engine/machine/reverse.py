"""The reverse sweep in machine code: the numbers of the generated Python, bit for bit.

Total and direct adjoints are a pair, and the rounding errors they carry are another; a sweep keeps
them in registers from the end of the steps to their start.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats
from causalopt.engine.linearization import Partial, linearize
from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.engine.machine.frame import Frame
from causalopt.engine.machine.native import CompiledLibrary, load_library, processor
from causalopt.engine.machine.rescaling_code import out_of_range, scaling, step_sign_code
from causalopt.engine.rescaling import RESCALE, is_odd
from causalopt.model.template import Structure

_ARGUMENTS = (
    "slopes",
    "stride",
    "cut",
    "table",
    "exponents",
    "state",
    "first",
    "end",
    "low",
    "high",
)


@dataclasses.dataclass(frozen=True)
class ReverseCode:
    """Compiled code of a structure's reverse sweep."""

    library: CompiledLibrary
    frame: Frame

    def begin(self, target: int) -> Floats:
        """Return the state after the last step: the adjoint of the target is 1."""
        state = self.frame.fresh()
        at = self.frame[f"z{target}_0"].offset // 8
        state[at : at + 2] = 1.0
        return state

    def sweep(
        self,
        slopes: Floats,
        cut: NDArray[np.uint8],
        table: Floats,
        exponents: NDArray[np.int64],
        state: Floats,
        stretch: tuple[int, int],
        rows: tuple[int, int],
    ) -> None:
        """Go from one step back to another; the cut is the same at all of them.

        Args:
            slopes: The local derivatives, shape [t, partial]; its rows may lie apart.
            cut: Which equations let nothing through, in either world, shape [2, V].
            table: Takes the adjoints and their errors, shape [t, V, 4].
            exponents: Takes the exponents, shape [t, 2].
            state: The frame.
            stretch: The step of row 0, and how many rows there are: rescaling is counted from the
                last one.
            rows: (low, high): the rows low..high-1 are done.
        """
        self.library.functions["reverse"](
            slopes.ctypes.data,
            slopes.strides[0] // 8,
            cut.ctypes.data,
            table.ctypes.data,
            exponents.ctypes.data,
            state.ctypes.data,
            *stretch,
            *rows,
        )


@functools.lru_cache(maxsize=64)
def reverse_code(structure: Structure) -> ReverseCode:
    """Return the compiled reverse sweep of a structure."""
    writer = _Writer(structure)
    text = writer.text()
    return ReverseCode(load_library(text, {"reverse": len(_ARGUMENTS)}), writer.frame)


class _Writer:
    def __init__(self, structure: Structure) -> None:
        self._width = len(structure.names)
        self._partials: dict[int, list[tuple[int, Partial]]] = {}
        self._depth = [0] * self._width
        for k, partial in enumerate(linearize(structure).partials):
            self._partials.setdefault(partial.child, []).append((k, partial))
            self._depth[partial.parent] = max(self._depth[partial.parent], partial.lag)
        self.frame = Frame(1)
        for letter in "zv":
            for i, depth in enumerate(self._depth):
                for lag in range(depth + 1):
                    self.frame.add(f"{letter}{i}_{lag}", "double", 0.0, count=2)
        for name in ("ex", "ey"):
            self.frame.add(name, "i64", 0)
        self._e = Emitter(1, fma=processor().has_fma)
        self._pair = self._e.sibling(2)
        self._known: dict[str, Value] = {}

    def text(self) -> str:
        masks = {child: self._mask(child) for child in self._partials}
        entry = self._written()
        self._step(masks)
        body = self._written()
        self._rescale()
        rescale = self._written()
        arguments = ", ".join(f"i64 %{name}_" for name in _ARGUMENTS)
        pointers = [
            f"%{name} = inttoptr i64 %{name}_ to ptr"
            for name in ("slopes", "cut", "table", "exponents", "state")
        ]
        load, store = self._moved()
        lines = [
            *pointers,
            *load,
            *entry,
            "%before = sub i64 %high_, 1",
            "br label %step",
            "step:",
            "%t = phi i64 [%before, %entry], [%t.next, %next]",
            *body,
            "%since = sub i64 %end_, %t",
            f"%phase = and i64 %since, {RESCALE - 1}",
            "%is.edge = icmp eq i64 %phase, 0",
            "%is.first = icmp eq i64 %t, 0",
            "%is.end = or i1 %is.edge, %is.first",
            "br i1 %is.end, label %edge, label %next",
            "edge:",
            *rescale,
            "next:",
            "%t.next = sub i64 %t, 1",
            "%more = icmp sge i64 %t.next, %low_",
            "br i1 %more, label %step, label %exit",
            "exit:",
            *store,
            "ret i64 0",
        ]
        body_text = "\n  ".join(lines)
        needs = "\n".join(sorted(self._e.needs))
        return f"{needs}\ndefine i64 @reverse({arguments}) {{\nentry:\n  {body_text}\n}}\n"

    def _written(self) -> list[str]:
        """Return the lines written so far, and begin anew."""
        lines = self._e.lines
        self._e.lines = self._pair.lines = []
        return lines

    def _moved(self) -> tuple[list[str], list[str]]:
        """Return lines that bring the state into registers, and back into memory."""
        load, store = [], []
        for name, cell in self.frame.items():
            load += [
                f"%c.{name} = alloca {cell.kind}",
                f"%f.{name} = getelementptr i8, ptr %state, i64 {cell.offset}",
                f"%i.{name} = load {cell.kind}, ptr %f.{name}, align 8",
                f"store {cell.kind} %i.{name}, ptr %c.{name}",
            ]
            store += [
                f"%o.{name} = load {cell.kind}, ptr %c.{name}",
                f"store {cell.kind} %o.{name}, ptr %f.{name}, align 8",
            ]
        return load, store

    def _mask(self, child: int) -> Value:
        """Return where nothing passes an equation: in the full sweep, and in the one without A."""
        e, pair = self._e, self._pair
        kind = pair.type("i1", True)
        result = Value("poison", "i1", True)
        for world in range(2):
            pointer = e.name("p")
            e.lines.append(
                f"{pointer} = getelementptr i8, ptr %cut, i64 {world * self._width + child}"
            )
            flag = e.let(f"load i8, ptr {pointer}", "i8", False)
            is_cut = e.let(f"icmp ne i8 {flag.name}, 0", "i1", False)
            text = f"insertelement {kind} {result.name}, i1 {is_cut.name}, i64 {world}"
            result = Value(pair.let(text, "i1", True).name, "i1", True)
        return result

    def _read(self, cell: str) -> Value:
        if cell not in self._known:
            text = f"load {self._pair.type('double', True)}, ptr %c.{cell}"
            self._known[cell] = self._pair.let(text, "double", True)
        return self._known[cell]

    def _step(self, masks: dict[int, Value]) -> None:
        e, pair = self._e, self._pair
        e.lines.append("%row = mul i64 %t, %stride_")
        for child in sorted(self._partials, reverse=True):
            for k, partial in self._partials[child]:
                at = e.binary("add", Value("%row", "i64", False), e.integer(k))
                pointer = e.name("p")
                e.lines.append(f"{pointer} = getelementptr double, ptr %slopes, i64 {at.name}")
                slope = e.let(f"load double, ptr {pointer}, align 8", "double", False)
                self._pass(child, f"{partial.parent}_{partial.lag}", slope, masks[child])
        self._store_row()
        kind = pair.type("double", True)
        for letter in "zv":
            for i, depth in enumerate(self._depth):
                for lag in range(depth + 1):
                    new = pair.spread(e.const(0.0))
                    if lag < depth:
                        new = self._read(f"{letter}{i}_{lag + 1}")
                    e.lines.append(f"store {kind} {new.name}, ptr %c.{letter}{i}_{lag}")

    def _pass(self, child: int, parent: str, slope: Value, mask: Value) -> None:
        """Add what a child passes to a parent, with the error it carries and its own rounding."""
        pair, zero = self._pair, self._pair.const(0.0)
        passed = pair.select(mask, zero, pair.mul(slope, self._read(f"z{child}_0")))
        self._known[f"z{parent}"] = pair.add(self._read(f"z{parent}"), passed)
        carried = pair.select(mask, zero, pair.mul(slope, self._read(f"v{child}_0")))
        sign = self._sign()
        noisy = pair.fused(pair.neg(sign) if is_odd(child) else sign, pair.abs(passed), carried)
        self._known[f"v{parent}"] = pair.add(self._read(f"v{parent}"), noisy)

    def _sign(self) -> Value:
        if "sign" not in self._known:
            e = self._e
            now = e.binary("add", Value("%t", "i64", False), Value("%first_", "i64", False))
            self._known["sign"] = step_sign_code(e, now)
        return self._known["sign"]

    def _store_row(self) -> None:
        e, kind = self._e, self._pair.type("double", True)
        e.lines.append(f"%place = mul i64 %t, {4 * self._width}")
        for i in range(self._width):
            for k, letter in enumerate("zv"):
                at = e.binary("add", Value("%place", "i64", False), e.integer(4 * i + 2 * k))
                pointer = e.name("p")
                e.lines.append(f"{pointer} = getelementptr double, ptr %table, i64 {at.name}")
                value = self._read(f"{letter}{i}_0")
                e.lines.append(f"store {kind} {value.name}, ptr {pointer}, align 8")
        for world, name in enumerate(("ex", "ey")):
            at = e.binary(
                "add", e.binary("shl", Value("%t", "i64", False), e.integer(1)), e.integer(world)
            )
            pointer = e.name("p")
            e.lines.append(f"{pointer} = getelementptr i64, ptr %exponents, i64 {at.name}")
            value = e.let(f"load i64, ptr %c.{name}", "i64", False)
            e.lines.append(f"store i64 {value.name}, ptr {pointer}, align 8")

    def _rescale(self) -> None:
        """Bring adjoints back near 1 by a power of two; ends in a jump to `next`."""
        e, pair = self._e, self._pair
        kind = pair.type("double", True)
        cells = {
            name: pair.let(f"load {kind}, ptr %c.{name}", "double", True)
            for name, _ in self.frame.items()
            if name[0] in "zv"
        }
        top = pair.spread(e.const(0.0))
        for name, value in cells.items():
            if name[0] == "z":
                size = pair.abs(value)
                top = pair.select(pair.compare("ogt", size, top), size, top)
        sizes = [
            e.let(f"extractelement {kind} {top.name}, i64 {k}", "double", False) for k in (0, 1)
        ]
        needed = [out_of_range(e, size) for size in sizes]
        either = e.binary("or", needed[0], needed[1])
        e.lines.append(f"br i1 {either.name}, label %rescale, label %next")
        e.label("rescale")
        factors = [scaling(e, size, need) for size, need in zip(sizes, needed, strict=True)]
        for name, (power, _, _) in zip(("ex", "ey"), factors, strict=True):
            before = e.let(f"load i64, ptr %c.{name}", "i64", False)
            e.lines.append(f"store i64 {e.binary('add', before, power).name}, ptr %c.{name}")
        first, second = (pair.gathered([factor[k] for factor in factors]) for k in (1, 2))
        for name, value in cells.items():
            scaled = pair.mul(pair.mul(value, first), second)
            e.lines.append(f"store {kind} {scaled.name}, ptr %c.{name}")
        e.lines.append("br label %next")

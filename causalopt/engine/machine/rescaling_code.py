"""Rescaling, and the signs of rounding estimates, in LLVM text; the rules are those of `rescaling`.

After each block of steps a quick look decides whether all sizes are in range; only where one is not
are they looked at again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from causalopt.engine.machine.derivatives import TangentCode
from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.engine.machine.frame import Frame
from causalopt.engine.program import Program
from causalopt.engine.rescaling import HUGE, RESCALE, TINY


class Rescaling:
    """Writes what follows a block of steps.

    Args:
        program: What is computed.
        emitter: Where lines go.
        frame: The cells.
        pointer: Gives a cell's address.
    """

    def __init__(
        self, program: Program, emitter: Emitter, frame: Frame, pointer: Callable[[str], str]
    ) -> None:
        self.e = emitter
        self._program = program
        self._frame = frame
        self._pointer = pointer
        worlds = "xypq" if program.estimate else "xy"
        self._tangents = TangentCode(emitter, worlds, packed=program.lanes == 1)
        self._slots = [
            letter + f"{i}_{lag}"
            for letter in self._tangents.letters
            for i, lag in program.layout.near
            if not program.is_zero(letter, i)
        ]
        self._rings = [
            (letter, i, depth)
            for letter in self._tangents.letters
            for i, depth in program.layout.rings
            if not program.is_zero(letter, i)
        ]

    def block(self) -> None:
        """Write the look at the tangents after a block; it ends at the label `next`."""
        e = self.e
        if self._program.lanes == 1:
            self._record([self._integer(f"e{w}") for w in "xy"])
        if not self._slots and not self._rings:
            return
        cells = {slot: self._tangents.read(self._pointer(slot)) for slot in self._slots}
        near = self._letter_tops(cells)
        # All rings were in range after the block before, so that its own values tell of the rest.
        recent = self._with_rings(near, "recent", lambda _: Value("%from", "i64", False))
        tops = self._tops(recent)
        unusual = e.truth(False)
        for w in "xy":
            if not tops[w].is_zero:
                low = e.compare("ule", tops[w], e.const(TINY))
                high = e.compare("uge", tops[w], e.const(HUGE))
                unusual = e.binary("or", e.binary("or", low, high), unusual)
        e.lines.append(f"br i1 {e.any(unusual).name}, label %unusual, label %next, !prof !0")
        e.label("unusual")
        if self._rings:
            tops = self._tops(self._with_rings(near, "whole", self._oldest))
        sizes = [self._size(tops, w, error) for w, error in ("xp", "yq")]
        needed = [out_of_range(e, size) for size in sizes]
        either = e.any(e.binary("or", needed[0], needed[1]))
        e.lines.append(f"br i1 {either.name}, label %rescale, label %next, !prof !0")
        e.label("rescale")
        factors = [scaling(e, s, n) for s, n in zip(sizes, needed, strict=True)]
        for w, (power, _, _) in zip("xy", factors, strict=True):
            before = self._integer(f"e{w}")
            self._set_integer(f"o{w}", before)
            self._set_integer(f"e{w}", e.binary("add", before, power))
        e.lines.append("store i1 true, ptr %rescaled")
        self._scale(cells, [(a, b) for _, a, b in factors])

    def end(self) -> None:
        """Write the exponents of the last step's tangents, those before a rescaling after it."""
        e = self.e
        e.lines += [
            "%was.rescaled = load i1, ptr %rescaled",
            "br i1 %was.rescaled, label %leave, label %settle",
        ]
        e.label("settle")
        for w in "xy":
            self._set_integer(f"o{w}", self._integer(f"e{w}"))
        e.lines.append("br label %leave")
        e.label("leave")

    def _integer(self, cell: str) -> Value:
        kind = self._frame[cell].kind
        return self.e.let(f"load {kind}, ptr {self._pointer(cell)}, align 8", "i64", True)

    def _set_integer(self, cell: str, value: Value) -> None:
        value = self.e.spread(value)
        kind = self._frame[cell].kind
        self.e.lines.append(f"store {kind} {value.name}, ptr {self._pointer(cell)}, align 8")

    def _record(self, exponents: list[Value]) -> None:
        """Store a trajectory's exponents, one pair a block."""
        e = self.e
        since = e.binary("sub", Value("%from", "i64", False), Value("%t0", "i64", False))
        block = e.binary("lshr", since, e.integer(RESCALE.bit_length() - 1))
        place = e.binary("shl", block, e.integer(1))
        for k, value in enumerate(exponents):
            at = e.binary("add", place, e.integer(k))
            pointer = e.name("p")
            e.lines.append(f"{pointer} = getelementptr i64, ptr %exponents, i64 {at.name}")
            e.lines.append(f"store i64 {value.name}, ptr {pointer}, align 8")

    def _letter_tops(self, cells: Mapping[str, Value]) -> dict[str, Value]:
        """Return the largest size among the cells of each letter."""
        return {
            letter: self._tangents.largest([v for cell, v in cells.items() if cell[0] == letter])
            for letter in self._tangents.letters
        }

    def _tops(self, tops: Mapping[str, Value]) -> dict[str, Value]:
        """Return the largest size of each quantity."""
        tangents = self._tangents
        if not tangents.packed:
            return dict(tops)
        found = {}
        for letter, pair in zip(tangents.letters, ("xy", "pq"), strict=False):
            top = tangents.e.spread(tops[letter])
            for k, w in enumerate(pair):
                text = f"extractelement {tangents.kind} {top.name}, i64 {k}"
                found[w] = self.e.let(text, "double", False)
        return found

    def _with_rings(
        self, tops: Mapping[str, Value], label: str, first: Callable[[int], Value]
    ) -> dict[str, Value]:
        """Return the largest sizes when those in rings count too, from some step on."""
        t, found = self._tangents.e, dict(tops)
        for letter, i, depth in self._rings:
            top = self._pointer(f"top{letter}")
            self._tangents.store(found[letter], top)
            with self._each(f"{label}.{letter}{i}", f"{letter}{i}_r", first(depth)) as place:
                known = self._tangents.read(top)
                size = t.abs(self._tangents.read(place))
                larger = t.compare("ogt", size, known)
                self._tangents.store(t.select(larger, size, known), top)
            found[letter] = self._tangents.read(top)
        return found

    def _oldest(self, depth: int) -> Value:
        """Return the first step that a ring still counts."""
        e, zero = self.e, self.e.integer(0)
        first = e.binary("sub", Value("%until", "i64", False), e.integer(depth))
        return e.select(e.compare("i.sgt", first, zero), first, zero)

    @contextlib.contextmanager
    def _each(self, label: str, ring: str, first: Value) -> Iterator[str]:
        """Write a loop over the steps from the first to the block's last; gives a value's place."""
        e, cell = self.e, self._frame[ring]
        e.lines.append(f"br label %{label}.before")
        e.label(f"{label}.before")
        e.lines.append(f"br label %{label}")
        e.label(label)
        e.lines.append(
            f"%{label}.t = phi i64 [{first.name}, %{label}.before], [%{label}.next, %{label}]"
        )
        at = e.binary("urem", Value(f"%{label}.t", "i64", False), e.integer(cell.steps))
        offset = e.binary("mul", at, e.integer(cell.size // cell.steps))
        place = e.name("p")
        e.lines.append(f"{place} = getelementptr i8, ptr {self._pointer(ring)}, i64 {offset.name}")
        yield place
        e.lines += [
            f"%{label}.next = add i64 %{label}.t, 1",
            f"%{label}.more = icmp slt i64 %{label}.next, %until",
            f"br i1 %{label}.more, label %{label}, label %{label}.after",
        ]
        e.label(f"{label}.after")

    def _size(self, tops: Mapping[str, Value], world: str, error: str) -> Value:
        """Return what a world's exponent follows: its tangents, or their errors where all are 0."""
        e, size = self.e, tops[world]
        if error not in tops:
            return size
        return e.select(e.compare("oeq", size, e.const(0.0)), tops[error], size)

    def _scale(self, cells: Mapping[str, Value], factors: list[tuple[Value, Value]]) -> None:
        t = self._tangents.e
        pairs = {
            letter: [t.gathered([f[k] for f in factors]) for k in (0, 1)]
            if letter in "zv"
            else list(factors["xypq".index(letter) % 2])
            for letter in self._tangents.letters
        }
        for cell, old in cells.items():
            self._scale_one(old, self._pointer(cell), pairs[cell[0]])
        for letter, i, depth in self._rings:
            with self._each(f"scale.{letter}{i}", f"{letter}{i}_r", self._oldest(depth)) as place:
                old = self._tangents.read(place)
                self._scale_one(old, place, pairs[letter])

    def _scale_one(self, old: Value, pointer: str, factors: list[Value]) -> None:
        t = self._tangents.e
        self._tangents.store(t.mul(t.mul(old, factors[0]), factors[1]), pointer)


def step_sign_code(e: Emitter, t: Value) -> Value:
    """Return the Rudin-Shapiro sign of step t."""
    mixed = e.binary("and", t, e.binary("lshr", t, e.integer(1)))
    e.needs.add("declare i64 @llvm.ctpop.i64(i64)")
    ones = e.let(f"call i64 @llvm.ctpop.i64(i64 {mixed.name})", "i64", False)
    odd = e.compare("i.ne", e.binary("and", ones, e.integer(1)), e.integer(0))
    return e.select(odd, e.const(-1.0), e.const(1.0))


def out_of_range(e: Emitter, size: Value) -> Value:
    """Return whether tangents of this size need another exponent."""
    inside = e.binary(
        "and", e.compare("olt", e.const(TINY), size), e.compare("olt", size, e.const(HUGE))
    )
    usable = e.binary(
        "and", e.compare("ogt", size, e.const(0.0)), e.compare("olt", size, e.const(float("inf")))
    )
    return e.binary("and", usable, e.binary("xor", inside, e.truth(True)))


def scaling(e: Emitter, size: Value, needed: Value) -> tuple[Value, Value, Value]:
    """Return the power of two that brings a size near 1, and two factors that do it.

    The size becomes size * 2**-power, rounded once. Where it is not needed they are 0, 1 and 1.
    """
    small = e.compare("olt", size, e.const(2.0**-1022))
    bits = e.bits(e.select(small, e.mul(size, e.const(2.0**54)), size))
    raw = e.binary("and", e.binary("lshr", bits, e.integer(52)), e.integer(0x7FF))
    power = e.binary("sub", raw, e.select(small, e.integer(1022 + 54), e.integer(1022)))
    power = e.select(needed, power, e.integer(0))
    wanted = e.binary("sub", e.integer(0), power)
    low = e.select(e.compare("i.slt", wanted, e.integer(-1022)), e.integer(-1022), wanted)
    first = e.select(e.compare("i.sgt", low, e.integer(1023)), e.integer(1023), low)
    second = e.binary("sub", wanted, first)
    a, b = _two_to(e, first), _two_to(e, second)
    down = e.compare("i.sgt", power, e.integer(0))
    return power, e.select(down, e.mul(a, b), a), e.select(down, e.const(1.0), b)


def _two_to(e: Emitter, n: Value) -> Value:
    biased = e.binary("add", n, e.integer(1023))
    return e.from_bits(e.binary("shl", biased, e.integer(52)))

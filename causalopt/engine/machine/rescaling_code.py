"""Rescaling in LLVM text: tangents are brought back near 1, so that no number of steps overflows.

A world's tangents share an exponent, kept apart. After each block a quick look decides whether all
sizes are far from the ends of the floats' range; only where one is not are they looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from causalopt.engine.machine.derivatives import HUGE, TINY, TangentCode, out_of_range, scaling
from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.engine.machine.frame import Frame
from causalopt.engine.program import Program


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
            for i, lag in program.layout.slots
            if not program.is_zero(letter, i)
        ]

    def block(self) -> None:
        """Write the look at the tangents after a block; it ends at the label `next`."""
        e = self.e
        if self._program.lanes == 1:
            self._record([self._integer(f"e{w}") for w in "xy"])
        if not self._slots:
            return
        cells = {slot: self._tangents.read(self._pointer(slot)) for slot in self._slots}
        tops = self._tops(cells)
        unusual = e.truth(False)
        for w in "xy":
            if not tops[w].is_zero:
                low = e.compare("ule", tops[w], e.const(TINY))
                high = e.compare("uge", tops[w], e.const(HUGE))
                unusual = e.binary("or", e.binary("or", low, high), unusual)
        e.lines.append(f"br i1 {e.any(unusual).name}, label %unusual, label %next, !prof !0")
        e.label("unusual")
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
        place = e.binary("lshr", since, e.integer(4))  # two integers a block of 32
        for k, value in enumerate(exponents):
            at = e.binary("add", place, e.integer(k))
            pointer = e.name("p")
            e.lines.append(f"{pointer} = getelementptr i64, ptr %exponents, i64 {at.name}")
            e.lines.append(f"store i64 {value.name}, ptr {pointer}, align 8")

    def _tops(self, cells: Mapping[str, Value]) -> dict[str, Value]:
        """Return the largest size of each quantity."""
        tangents = self._tangents
        if not tangents.packed:
            return {
                w: tangents.largest([value for cell, value in cells.items() if cell[0] == w])
                for w in tangents.worlds
            }
        tops = {}
        for letter, pair in zip(tangents.letters, ("xy", "pq"), strict=False):
            top = tangents.largest([value for cell, value in cells.items() if cell[0] == letter])
            for k, w in enumerate(pair):
                text = f"extractelement {tangents.kind} {top.name}, i64 {k}"
                tops[w] = self.e.let(text, "double", False)
        return tops

    def _size(self, tops: Mapping[str, Value], world: str, error: str) -> Value:
        """Return what a world's exponent follows: its tangents, or their errors where all are 0."""
        e, size = self.e, tops[world]
        if error not in tops:
            return size
        return e.select(e.compare("oeq", size, e.const(0.0)), tops[error], size)

    def _scale(self, cells: Mapping[str, Value], factors: list[tuple[Value, Value]]) -> None:
        e, t = self.e, self._tangents.e
        lost = Value("zeroinitializer", "i1", True) if t.lanes > 1 else t.truth(False)
        zero = t.const(0.0)
        pairs = {
            letter: [t.gathered([f[k] for f in factors]) for k in (0, 1)]
            if letter in "zv"
            else list(factors["xypq".index(letter) % 2])
            for letter in self._tangents.letters
        }
        for cell, old in cells.items():
            pair = pairs[cell[0]]
            new = t.mul(t.mul(old, pair[0]), pair[1])
            self._tangents.store(new, self._pointer(cell))
            if cell[0] in "zxy":
                gone = t.binary("and", t.compare("une", old, zero), t.compare("oeq", new, zero))
                lost = t.binary("or", lost, gone)
        if self._tangents.packed:
            lost = t.any(lost)
        self._set_integer("lost", e.select(lost, e.integer(1), self._integer("lost")))

"""What step code looks out for: closed gaps, other branches, nodes that are not finite."""

from __future__ import annotations

from causalopt.engine.linearization import Gap
from causalopt.engine.machine.cells import Setting
from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.engine.machine.frame import Frame
from causalopt.engine.machine.values import Values
from causalopt.engine.program import NEAR, Program
from causalopt.language.term import Term


class Watch(Values):
    """Writes the notes a step takes.

    The arguments are those of `Cells`.
    """

    def __init__(self, program: Program, emitter: Emitter, frame: Frame, setting: Setting) -> None:
        super().__init__(program, emitter, frame, setting)
        self._given_at: dict[int, Value] = {}  # equations that may be given a value at this step
        self._equal: list[tuple[Gap, Value, Value, Value]] = []

    def _kinks(self) -> None:
        """Note the step at which a moving gap is closed; gaps rarely are, so behind a branch."""
        if not self._equal:
            return
        if self.setting.lazy:
            self._note_closed()
            return
        e = self.e
        closed = self._equal[0][3]
        for *_, other in self._equal[1:]:
            closed = e.binary("or", closed, other)
        known = dict(self._known)
        if self.setting.in_registers:
            e.lines.append(f"br i1 {e.any(closed).name}, label %closed, label %open, !prof !0")
            e.label("closed")
        met, near = e.truth(False), e.truth(False)
        for gap, left, right, closed in self._equal:
            slopes = [self._slope(partial) for partial in gap.slopes]
            counts = self._tangents.moves(slopes, self._parents(slopes))
            if gap.kink.guard is not None:
                counts = e.binary("and", counts, self._terms.of(gap.kink.guard, "w"))
            equal = closed
            if self.program.near:  # two infinities are equal, and no distance apart
                equal = e.binary("and", e.compare("oeq", left, right), closed)
            met = e.binary("or", met, e.binary("and", equal, counts))
            near = e.binary("or", near, e.binary("and", closed, counts))
        self._note_kink(met)
        if self.program.near:
            self._write("near", e.select(near, e.integer(1), self._read("near", "i64")))
        if self.setting.in_registers:
            e.lines.append("br label %open")
            e.label("open")
            # What was loaded behind the branch is not known after it.
            self._known = known
            self._known.pop("kink", None)
            self._known.pop("near", None)
        self._equal.clear()

    def _note_closed(self) -> None:
        """Note lanes in which some gap is closed: a compare under a mask for each gap."""
        e = self.e
        kind = e.type("i1", True)
        still = e.let(f"load {kind}, ptr %c.open", "i1", True)
        for *_, closed in self._equal:
            still = e.binary("and", still, e.binary("xor", closed, e.truth(True)))
        e.lines.append(f"store {kind} {still.name}, ptr %c.open")
        self._equal.clear()

    def _closed(self, gap: Gap, left: Value, right: Value) -> Value:
        """Return whether a gap is closed: exactly, or to within the rounding of a long run."""
        e = self.e
        if not self.program.near:
            return e.compare("oeq", left, right)
        if self._terms.is_hoisted(gap.kink.right):
            with e.hoisting():
                tolerance = e.mul(e.abs(right), e.const(NEAR))
        else:
            tolerance = e.mul(e.add(e.abs(left), e.abs(right)), e.const(NEAR))
        # A difference that is none counts as closed: what it decides is for others to tell.
        return e.compare("ule", e.abs(e.sub(left, right)), tolerance)

    def _note_kink(self, met: Value) -> None:
        e = self.e
        before = self._read("kink", "i64")
        first = e.binary("and", met, e.compare("i.slt", before, e.integer(0)))
        self._write("kink", e.select(first, self.clock, before))

    def _held(self, i: int) -> Value:
        if self.program.held is not None:
            return self.e.truth(i in self.program.held)
        if f"held{i}" not in self._leaves:
            with self.e.hoisting():
                pointer = self.e.name("p")
                self.e.lines.append(f"{pointer} = getelementptr i8, ptr %held, i64 {i}")
                flag = self.e.let(f"load i8, ptr {pointer}", "i8", False)
                held = self.e.let(f"icmp ne i8 {flag.name}, 0", "i1", False)
                self._leaves[f"held{i}"] = held
        return self._leaves[f"held{i}"]

    def _branches(self) -> None:
        """Note the step at which X or Y takes another branch than a finite W."""
        e = self.e
        differs: Value | None = None
        for gap in self.program.gaps:
            left, right = gap.kink.left, gap.kink.right
            term = Term.of("sign", Term.of("sub", left, right))
            if right.op in {"floor", "ceil"}:
                term = right
            w, x, y = (self._terms.number(term, world) for world in "wxy")
            # A held node keeps W's value in Y, and a given one follows no rule.
            in_x, in_y = self._parted(w, x), self._parted(w, y)
            if gap.kink.guard is not None:
                read, *others = (self._terms.of(gap.kink.guard, world) for world in "wxy")
                in_x, in_y = (
                    e.binary("and", parted, e.binary("or", read, own))
                    for parted, own in zip((in_x, in_y), others, strict=True)
                )
            in_y = e.select(self._held(gap.child), e.truth(False), in_y)
            other = e.binary("or", in_x, in_y)
            if gap.child in self._given_at:
                other = e.select(self._given_at[gap.child], e.truth(False), other)
            differs = other if differs is None else e.binary("or", differs, other)
        if differs is None:
            return
        for i in range(len(self.program.structure.names)):
            size = e.abs(self._read(f"w{i}"))
            differs = e.binary("and", differs, e.compare("olt", size, e.const(float("inf"))))
        self._note_kink(differs)

    def _parted(self, one: Value, other: Value) -> Value:
        """Return whether two values differ; two that are undefined do not."""
        e = self.e
        defined = e.binary("or", e.compare("ord", one, one), e.compare("ord", other, other))
        return e.binary("and", e.compare("une", one, other), defined)

    def _watch(self) -> None:
        """Note each lane's first non-finite node: 2 (t V + i) for NaN, one more for infinity."""
        e, count = self.e, len(self.program.structure.names)
        infinite, undefined = e.spread(e.integer(-1)), e.spread(e.integer(-1))
        for world in reversed("wxy" if self.program.mode == "finite" else "w"):
            for i in reversed(range(count)):
                value = self._read(f"{world}{i}")
                is_infinite = e.compare("oeq", e.abs(value), e.const(float("inf")))
                infinite = e.select(is_infinite, e.integer(i), infinite)
                undefined = e.select(e.compare("uno", value, value), e.integer(i), undefined)
        row = e.binary("mul", self.clock, e.integer(2 * count))
        codes = []
        for place, extra in ((infinite, 1), (undefined, 0)):
            twice = e.binary("add", e.binary("shl", place, e.integer(1)), e.integer(extra))
            code = e.binary("add", twice, row)
            codes.append(e.select(e.compare("i.sge", place, e.integer(0)), code, e.integer(-1)))
        has_infinite = e.compare("i.sge", codes[0], e.integer(0))
        found = e.select(has_infinite, codes[0], codes[1])
        before = self._read("bad", "i64")
        self._write("bad", e.select(e.compare("i.slt", before, e.integer(0)), found, before))

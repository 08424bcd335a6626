"""One stretch of step code: some of the equations, in one basic block or nearly so."""

from __future__ import annotations

from collections.abc import Callable

from causalopt.engine.cells import Cells
from causalopt.engine.emitter import Emitter, Value
from causalopt.engine.frame import Frame
from causalopt.engine.linearization import Gap, Partial
from causalopt.engine.program import Program
from causalopt.engine.regimes import Side, bounds
from causalopt.engine.tangents import Guards, Noise, Slope
from causalopt.engine.terms import TermWriter
from causalopt.expressions import Term

NEAR = 2.0**-36  # relative width of a gap that rounding may have opened


class Stretch(Cells):
    """Writes equations; reads and writes the cells of the frame.

    Args:
        program: What to compute.
        emitter: Where lines go.
        frame: The cells.
        fixed: Memo of which terms depend on parameters only.
        called: Collects the elementary functions called.
        in_registers: Whether cells are local variables rather than memory.
        left_in: Gives the cell in which another stretch left a term's value, None for none.
        cold: Whether kinks are looked into only when a gap closes, behind a branch.
        lazy: Whether it is only noted that some gap closed; the caller runs those steps again.
        clock: The name of the step's number.
    """

    def __init__(
        self,
        program: Program,
        emitter: Emitter,
        frame: Frame,
        fixed: dict[Term, bool],
        called: set[str],
        *,
        in_registers: bool,
        left_in: Callable[[Term], str | None] = lambda _: None,
        cold: bool = True,
        lazy: bool = False,
        clock: str = "%t",
    ) -> None:
        super().__init__(program, emitter, frame, in_registers=in_registers, clock=clock)
        self._left_in = left_in
        self._cold = cold
        self._lazy = lazy
        self._places = {name: k for k, name in enumerate(program.structure.names)}
        self._parameters = {name: k for k, name in enumerate(program.structure.parameters)}
        self._terms = TermWriter(emitter, self._leaf, fixed, called, self._elsewhere)
        self._leaves: dict[str, Value] = {}
        self._equal: list[tuple[Gap, Value, Value, Value]] = []
        self._sign: Value | None = None

    def equations(self, numbers: list[int]) -> None:
        """Write equations in order."""
        for i in numbers:
            self._equation(i)
        if self.program.mode == "tangents":
            self._kinks()
        elif self.program.mode == "finite":
            self._branches()

    def finish(self) -> None:
        """Write the end of a step: what is stored, and what becomes the past."""
        if self.program.lanes == 1:
            self._store_row()
        if self.program.watch:
            self._watch()
        for letter in self._letters():
            for i, lag in sorted(self.program.layout.slots, key=lambda slot: -slot[1]):
                source = f"{letter}{i}_{lag - 1}" if lag > 1 else f"{letter}{i}"
                if not self.program.is_zero(letter, i):
                    self._copy(source, f"{letter}{i}_{lag}")

    def inside(self, sides: tuple[Side, ...]) -> Value:
        """Return which lanes are strictly on the given side of every comparison."""
        e = self.e
        found: Value | None = None
        for low, high in bounds(sides):
            below, above = self._terms.number(low, "w"), self._terms.number(high, "w")
            if self.program.near:
                below, above = self._apart(low, high, below, above)
            here = e.compare("olt", below, above)
            found = here if found is None else e.binary("and", found, here)
        assert found is not None
        return e.spread(found)

    def _apart(self, low: Term, high: Term, below: Value, above: Value) -> tuple[Value, Value]:
        """Move the sides of a comparison together by more than the rounding of a long run."""
        e = self.e
        width = e.const(2 * NEAR)
        if self._terms.is_hoisted(high):
            with e.hoisting():
                return below, e.sub(above, e.mul(e.abs(above), width))
        if self._terms.is_hoisted(low):
            with e.hoisting():
                return e.add(below, e.mul(e.abs(below), width)), above
        return below, e.sub(above, e.mul(e.add(e.abs(below), e.abs(above)), width))

    def keep(self, term: Term, cell: str) -> None:
        """Leave a term's value in a cell for other stretches."""
        self._write(cell, self._terms.number(term, "w"))

    def _letters(self) -> str:
        worlds = "wxy" if self.program.mode == "finite" else "w"
        return worlds + (self._tangents.letters if self.program.mode == "tangents" else "")

    def _elsewhere(self, term: Term) -> Value | None:
        cell = self._left_in(term)
        if cell is None:
            return None
        value = self._read(cell)
        if term.is_boolean:
            return self.e.compare("une", value, self.e.const(0.0))
        return value

    # Leaves.

    def _leaf(self, term: Term, world: str) -> Value:
        payload = term.payload
        if isinstance(payload, tuple):
            name, lag = payload
            i = self._places[name]
            return self._read(f"{world}{i}_{lag}" if lag else f"{world}{i}")
        if term.op == "t":
            if "t" not in self._leaves:
                self._leaves["t"] = self.e.let(
                    f"sitofp i64 {self.clock.name} to double", "double", False
                )
            return self._leaves["t"]
        return self._parameter(self._parameters[str(payload) if term.op == "param" else "dt"])

    def _parameter(self, k: int) -> Value:
        with self.e.hoisting():
            if k not in self.program.varying:
                pointer = self._element("double", self._base("parameters"), self.e.integer(k))
                return self.e.let(f"load double, ptr {pointer}, align 8", "double", False)
            place = sorted(self.program.varying).index(k)
            start = self.e.binary("mul", self._base("width"), self.e.integer(place))
            at = self.e.binary("add", start, Value("%lane", "i64", False))
            pointer = self._element("double", self._base("varying"), at)
            kind = self.e.type("double", True)
            return self.e.let(f"load {kind}, ptr {pointer}, align 8", "double", True)

    # Equations.

    def _equation(self, i: int) -> None:
        rule = self.program.rules[i]
        careful = self._careful(i) if self.program.careful else None
        worlds = "wxy" if self.program.mode == "finite" else "w"
        for world in worlds:
            value = self.e.const(float("nan")) if rule is None else self._terms.number(rule, world)
            if careful is not None:
                value = self._forced(value, careful, world)
            if world == "y":
                value = self.e.select(self._held(i), self._read(f"w{i}"), value)
            self._write(f"{world}{i}", value)
        if self.program.mode == "tangents":
            for gap in self.program.linear.gaps_of(i):
                left = self._terms.number(gap.kink.left, "w")
                right = self._terms.number(gap.kink.right, "w")
                self._equal.append((gap, left, right, self._closed(gap, left, right)))
        if self.program.mode == "tangents":
            self._tangent(i, careful)

    def _careful(self, i: int) -> dict[str, Value]:
        """Load what is done to equation i at this step."""
        e = self.e
        count = len(self.program.structure.names)
        since = e.binary("sub", self.clock, Value("%t0", "i64", False))
        at = e.binary("add", e.binary("mul", since, e.integer(count)), e.integer(i))
        at = e.binary("add", at, Value("%row", "i64", False))
        flag = e.let(f"load i8, ptr {self._element('i8', self._base('force'), at)}", "i8", False)
        pointer = self._element("double", self._base("shifts"), at)
        return {
            "forced": e.let(f"icmp ne i8 {flag.name}, 0", "i1", False),
            "shift": e.let(f"load double, ptr {pointer}, align 8", "double", False),
            "value": self._given(at),
            "seeded": e.let(f"icmp eq i64 %seed, {i}", "i1", False),
        }

    def _given(self, at: Value) -> Value:
        """Return the value a node is given: one for all lanes, or its own in each."""
        e = self.e
        pointer = self._element("double", self._base("values"), at)
        uniform = e.let(f"load double, ptr {pointer}, align 8", "double", False)
        if self.program.lanes == 1:
            return uniform
        self._write("scratch", uniform)
        which = e.let(
            f"load i64, ptr {self._element('i64', self._base('overrides'), at)}, align 8",
            "i64",
            False,
        )
        offset = e.binary("mul", which, self._base("width"))
        offset = e.binary("add", offset, Value("%lane", "i64", False))
        own = self._element("double", self._base("starts"), offset)
        has_own = e.compare("i.sge", which, e.integer(0))
        chosen = e.name("p")
        e.lines.append(
            f"{chosen} = select i1 {has_own.name}, ptr {own}, ptr {self._pointer('scratch')}"
        )
        kind = e.type("double", True)
        return e.let(f"load {kind}, ptr {chosen}, align 8", "double", True)

    def _forced(self, value: Value, careful: dict[str, Value], world: str) -> Value:
        e = self.e
        value = e.select(careful["forced"], careful["value"], value)
        shift = careful["shift"]
        if world != "w":
            delta = e.let(f"bitcast i64 {self._base('delta').name} to double", "double", False)
            shift = e.select(careful["seeded"], e.add(shift, delta), shift)
        return e.add(value, shift)

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

    def _tangent(self, i: int, careful: dict[str, Value] | None) -> None:
        slopes = [self._slope(partial) for partial in self.program.linear.of(i)]
        guards = Guards(self._held(i))
        if careful is not None:
            guards = Guards(self._held(i), careful["forced"], careful["seeded"])
        cells = self._parents(slopes)
        noise = None
        if self.program.estimate and not self.program.is_copy(i):
            noise = Noise(self._alternating(), bool(i.bit_count() & 1))
        updated = self._tangents.updated(slopes, noise, cells, guards)
        for letter, value in updated.items():
            if self.program.is_zero(letter, i):
                continue
            cell = f"{letter}{i}"
            self._known[cell] = self._tangents.e.spread(value)
            self._tangents.store(value, self._pointer(cell))

    def _slope(self, partial: Partial) -> Slope:
        lag = f"_{partial.lag}" if partial.lag else ""
        return Slope(self._terms.number(partial.term, "w"), f"{partial.parent}{lag}")

    def _parents(self, slopes: list[Slope]) -> dict[str, Value]:
        return {
            letter + slope.parent: self._tangent_of(letter + slope.parent)
            for slope in slopes
            for letter in self._tangents.letters
        }

    def _alternating(self) -> Value:
        """Return the sign of this step's rounding: one that no recurrence keeps step with."""
        if self._sign is None:
            e, t = self.e, self.clock
            mixed = e.binary("and", t, e.binary("lshr", t, e.integer(1)))
            e.needs.add("declare i64 @llvm.ctpop.i64(i64)")
            ones = e.let(f"call i64 @llvm.ctpop.i64(i64 {mixed.name})", "i64", False)
            odd = e.compare("i.ne", e.binary("and", ones, e.integer(1)), e.integer(0))
            self._sign = e.select(odd, e.const(-1.0), e.const(1.0))
        return self._sign

    # Kinks.

    def _kinks(self) -> None:
        """Note the step at which a moving gap is closed; gaps rarely are, so behind a branch."""
        if not self._equal:
            return
        if self._lazy:
            self._note_closed()
            return
        e = self.e
        closed = self._equal[0][3]
        for *_, other in self._equal[1:]:
            closed = e.binary("or", closed, other)
        known = dict(self._known)
        if self._cold:
            e.lines.append(f"br i1 {e.any(closed).name}, label %closed, label %open, !prof !0")
            e.label("closed")
        met, near = e.truth(False), e.truth(False)
        for gap, left, right, closed in self._equal:
            slopes = [self._slope(partial) for partial in gap.slopes]
            counts = self._tangents.moves(slopes, self._parents(slopes))
            if gap.kink.guard is not None:
                counts = e.binary("and", counts, self._terms.of(gap.kink.guard, "w"))
            equal = e.compare("oeq", left, right) if self.program.near else closed
            met = e.binary("or", met, e.binary("and", equal, counts))
            near = e.binary("or", near, e.binary("and", closed, counts))
        self._note_kink(met)
        if self.program.near:
            self._write("near", e.select(near, e.integer(1), self._read("near", "i64")))
        if self._cold:
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
        return e.compare("ole", e.abs(e.sub(left, right)), tolerance)

    def _note_kink(self, met: Value) -> None:
        e = self.e
        before = self._read("kink", "i64")
        first = e.binary("and", met, e.compare("i.slt", before, e.integer(0)))
        self._write("kink", e.select(first, self.clock, before))

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
            other = e.binary("or", e.compare("une", w, x), e.compare("une", w, y))
            differs = other if differs is None else e.binary("or", differs, other)
        if differs is None:
            return
        for i in range(len(self.program.structure.names)):
            size = e.abs(self._read(f"w{i}"))
            differs = e.binary("and", differs, e.compare("olt", size, e.const(float("inf"))))
        self._note_kink(differs)

    # Results.

    def _store_row(self) -> None:
        """Store every value of this step: one trajectory keeps them all."""
        e, t = self.e, self.clock
        count = len(self.program.structure.names)
        row = e.binary("mul", t, e.integer(count))
        for i in range(count):
            at = e.binary("add", row, e.integer(i))
            value = self._read(f"w{i}")
            pointer = self._element("double", self._base("out_values"), at)
            e.lines.append(f"store double {value.name}, ptr {pointer}, align 8")
            if self.program.mode == "tangents":
                letters = self._tangents.letters
                first = e.binary("mul", at, e.integer(len(letters)))
                for k, letter in enumerate(letters):
                    place = e.binary("add", first, e.integer(k))
                    pointer = self._element(self._tangents.kind, self._base("out_tangents"), place)
                    self._tangents.store(self._tangent_of(f"{letter}{i}"), pointer)
        extras = self.program.extras
        row = e.binary("mul", t, e.integer(len(extras)))
        for k, term in enumerate(extras):
            value = self._terms.number(term, "w")
            at = e.binary("add", row, e.integer(k))
            pointer = self._element("double", self._base("out_extras"), at)
            e.lines.append(f"store double {value.name}, ptr {pointer}, align 8")

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

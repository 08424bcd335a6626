"""One stretch of step code: some of the equations, in one basic block or nearly so."""

from __future__ import annotations

import itertools

from causalopt.engine.machine.derivatives import Guards, Rounding
from causalopt.engine.machine.emitter import Value
from causalopt.engine.machine.rescaling_code import step_sign_code
from causalopt.engine.machine.watch import Watch
from causalopt.engine.rescaling import is_odd
from causalopt.language.term import Term


class Stretch(Watch):
    """Writes equations; reads and writes the cells of the frame.

    The arguments are those of `Cells`.
    """

    def equations(self, numbers: list[int]) -> None:
        """Write equations in order."""
        for i in numbers:
            self._equation(i)
        if self.program.mode == "tangents":
            self._kinks()
        elif self.program.mode == "finite" and self.program.lanes > 1:
            self._branches()  # one trajectory keeps every step's branches, as its extras

    def finish(self) -> None:
        """Write the end of a step: what is stored, and what becomes the past."""
        if self.program.lanes == 1:
            self._store_row()
        if self.program.watch:
            self._watch()
        for letter in self._letters():
            for i, lag in sorted(self.program.layout.near, key=lambda slot: -slot[1]):
                source = f"{letter}{i}_{lag - 1}" if lag > 1 else f"{letter}{i}"
                if not self.program.is_zero(letter, i):
                    self._copy(source, f"{letter}{i}_{lag}")
            for i, _ in self.program.layout.rings:
                if not self.program.is_zero(letter, i):
                    self._copy(f"{letter}{i}", f"{letter}{i}_0")

    def keep(self, term: Term, cell: str) -> None:
        """Leave a term's value in a cell for other stretches."""
        self._write(cell, self._terms.number(term, "w"))

    def _letters(self) -> str:
        worlds = "wxy" if self.program.mode == "finite" else "w"
        return worlds + (self._tangents.letters if self.program.mode == "tangents" else "")

    # Equations.

    def _equation(self, i: int) -> None:
        rule = self.program.rules[i]
        careful = self._careful(i) if self.program.careful else None
        if careful is not None:
            self._given_at[i] = careful["forced"]
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

    def _tangent(self, i: int, careful: dict[str, Value] | None) -> None:
        slopes = [self._slope(partial) for partial in self.program.linear.of(i)]
        guards = Guards(self._held(i))
        if careful is not None:
            guards = Guards(self._held(i), careful["forced"], careful["seeded"])
        cells = self._parents(slopes)
        noise = None
        if self.program.estimate and not self.program.is_copy(i):
            noise = Rounding(self._alternating(), is_odd(i))
        updated = self._tangents.updated(slopes, noise, cells, guards)
        for letter, value in updated.items():
            if self.program.is_zero(letter, i):
                continue
            cell = f"{letter}{i}"
            self._known[cell] = self._tangents.e.spread(value)
            self._tangents.store(value, self._pointer(cell))

    def _alternating(self) -> Value:
        if "sign" not in self._leaves:
            self._leaves["sign"] = step_sign_code(self.e, self.clock)
        return self._leaves["sign"]

    # Results.

    def _store_row(self) -> None:
        """Store every value of this step: one trajectory keeps them all."""
        e, t = self.e, self.clock
        count, extras = len(self.program.structure.names), self.program.extras
        worlds = "wxy" if self.program.mode == "finite" else "w"
        row = e.binary("mul", t, e.integer(len(worlds) * count))
        for k, i in itertools.product(range(len(worlds)), range(count)):
            at = e.binary("add", row, e.integer(k * count + i))
            value = self._read(f"{worlds[k]}{i}")
            pointer = self._element("double", self._base("out_values"), at)
            e.lines.append(f"store double {value.name}, ptr {pointer}, align 8")
            if self.program.mode == "tangents":
                letters = self._tangents.letters
                first = e.binary("mul", at, e.integer(len(letters)))
                for place_in, letter in enumerate(letters):
                    place = e.binary("add", first, e.integer(place_in))
                    pointer = self._element(self._tangents.kind, self._base("out_tangents"), place)
                    self._tangents.store(self._tangent_of(f"{letter}{i}"), pointer)
        row = e.binary("mul", t, e.integer(len(worlds) * len(extras)))
        for k, (world, term) in enumerate(itertools.product(worlds, extras)):
            value = self._terms.number(term, world)
            at = e.binary("add", row, e.integer(k))
            pointer = self._element("double", self._base("out_extras"), at)
            e.lines.append(f"store double {value.name}, ptr {pointer}, align 8")

"""Values in one stretch of step code: leaves, slopes, and terms that another stretch left."""

from __future__ import annotations

from causalopt.engine.linearization import Partial
from causalopt.engine.machine.cells import Cells, Setting
from causalopt.engine.machine.derivatives import SlopeTerm
from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.engine.machine.frame import Frame
from causalopt.engine.machine.term_code import TermWriter
from causalopt.engine.program import NEAR, Program
from causalopt.engine.regimes import Side, bounds
from causalopt.language.term import Term


class Values(Cells):
    """Writes terms; what is written once is known from then on.

    The arguments are those of `Cells`.
    """

    def __init__(self, program: Program, emitter: Emitter, frame: Frame, setting: Setting) -> None:
        super().__init__(program, emitter, frame, setting)
        self._places = {name: k for k, name in enumerate(program.structure.names)}
        self._parameters = {name: k for k, name in enumerate(program.structure.parameters)}
        self._terms = TermWriter(
            emitter, self._leaf, setting.fixed, setting.called, self._elsewhere
        )
        self._leaves: dict[str, Value] = {}

    def inside(self, sides: tuple[Side, ...]) -> Value:
        """Return which lanes, in all their worlds, are strictly on the given side of all."""
        e = self.e
        found: Value | None = None
        for world in "wxy" if self.program.mode == "finite" else "w":
            for low, high in bounds(sides):
                below, above = self._terms.number(low, world), self._terms.number(high, world)
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

    def _elsewhere(self, term: Term) -> Value | None:
        cell = self.setting.left_in(term)
        if cell is None:
            return None
        value = self._read(cell)
        if term.is_boolean:
            return self.e.compare("une", value, self.e.const(0.0))
        return value

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

    def _slope(self, partial: Partial) -> SlopeTerm:
        lag = f"_{partial.lag}" if partial.lag else ""
        return SlopeTerm(self._terms.number(partial.term, "w"), f"{partial.parent}{lag}")

    def _parents(self, slopes: list[SlopeTerm]) -> dict[str, Value]:
        return {
            letter + slope.parent: self._tangent_of(letter + slope.parent)
            for slope in slopes
            for letter in self._tangents.letters
        }

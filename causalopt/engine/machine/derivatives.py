"""Tangents in LLVM text: sums of local derivative times parent's tangent, and their rounding.

One trajectory carries total and direct tangent as a pair, and the rounding errors of both as
another; a group of lanes carries each of them as a vector of lanes. Both do the operations
of the generated Python in the same order: the results agree bit for bit.
"""

from __future__ import annotations

import dataclasses

from causalopt.engine.machine.emitter import Emitter, Value


@dataclasses.dataclass(frozen=True)
class SlopeTerm:
    """A local derivative and the names of the parent's tangent cells, without their letter."""

    value: Value
    parent: str

    @property
    def is_one(self) -> bool:
        """Whether the tangent passes as it is."""
        return self.value.name == "0x3FF0000000000000"


@dataclasses.dataclass(frozen=True)
class Guards:
    """What may keep a tangent from being the sum of its parents' (each i1, None for no)."""

    held: Value
    forced: Value | None = None
    seeded: Value | None = None


@dataclasses.dataclass(frozen=True)
class Rounding:
    """What a step's rounding adds to the carried error: its sign, -1 or 1, and whether reversed."""

    sign: Value
    odd: bool


class TangentCode:
    """The tangents of one stretch of code.

    Args:
        emitter: Where lines go.
        worlds: Letters of the quantities: `xypq` with the rounding estimate, `xy` without.
        packed: Whether pairs hold them (one trajectory): `z` is x and y, `v` is p and q.
    """

    def __init__(self, emitter: Emitter, worlds: str, *, packed: bool) -> None:
        self.e = emitter.sibling(2) if packed else emitter
        self.worlds = worlds
        self.packed = packed
        self.letters = ("zv" if "p" in worlds else "z") if packed else worlds

    @property
    def kind(self) -> str:
        """The LLVM type of one cell."""
        return self.e.type("double", True)

    def read(self, pointer: str) -> Value:
        """Write the load of a tangent cell."""
        return self.e.let(f"load {self.kind}, ptr {pointer}, align 8", "double", True)

    def store(self, value: Value, pointer: str) -> None:
        """Write the store of a tangent cell."""
        value = self.e.spread(value)
        self.e.lines.append(f"store {self.kind} {value.name}, ptr {pointer}, align 8")

    def updated(
        self,
        slopes: list[SlopeTerm],
        noise: Rounding | None,
        cells: dict[str, Value],
        guards: Guards,
    ) -> dict[str, Value]:
        """Return an equation's tangents by letter, from its parents' in `cells`.

        No noise: nothing is rounded.
        """
        if self.packed:
            return self._packed(slopes, noise, cells, guards)
        result: dict[str, Value] = {}
        for letter, error in zip("xy", "pq", strict=True):
            products = self._products(slopes, letter, cells)
            value = self._sum(products)
            keep = guards.held if letter == "y" else None
            result[letter] = self._guarded(value, keep, guards, seeds=True)
            if error in self.worlds:
                value = self._sum(self._products(slopes, error, cells))
                if noise is not None and products:
                    rounding = self._sum([self.e.abs(product) for product in products])
                    value = self._noisy(self.e, value, noise, rounding)
                result[error] = self._guarded(value, keep, guards, seeds=False)
        return result

    def _noisy(self, e: Emitter, carried: Value, noise: Rounding, rounding: Value) -> Value:
        """Return the carried error with this step's; fused or not, as the sign is 1 or -1."""
        return e.fused(e.neg(noise.sign) if noise.odd else noise.sign, rounding, carried)

    def _products(
        self, slopes: list[SlopeTerm], letter: str, cells: dict[str, Value]
    ) -> list[Value]:
        moving = [slope for slope in slopes if not cells[letter + slope.parent].is_zero]
        return [
            cells[letter + slope.parent]
            if slope.is_one
            else self.e.mul(slope.value, cells[letter + slope.parent])
            for slope in moving
        ]

    def _sum(self, terms: list[Value]) -> Value:
        if not terms:
            return self.e.const(0.0)
        total = terms[0]
        for term in terms[1:]:
            total = self.e.add(total, term)
        return total

    def _guarded(self, value: Value, held: Value | None, guards: Guards, *, seeds: bool) -> Value:
        e, zero = self.e, self.e.const(0.0)
        if held is not None and value.name.startswith("%"):
            value = e.select(held, zero, value)
        if guards.forced is not None:
            value = e.select(guards.forced, zero, value)
        if seeds and guards.seeded is not None:
            value = e.select(guards.seeded, e.add(value, e.const(1.0)), value)
        return value

    def _packed(
        self,
        slopes: list[SlopeTerm],
        noise: Rounding | None,
        cells: dict[str, Value],
        guards: Guards,
    ) -> dict[str, Value]:
        e, zero = self.e, self.e.const(0.0)
        products = self._products(slopes, "z", cells)
        found = {"z": e.spread(self._sum(products))}
        if "v" in self.letters:
            found["v"] = e.spread(self._sum(self._products(slopes, "v", cells)))
            if noise is not None and products:
                rounding = self._sum([e.abs(product) for product in products])
                found["v"] = self._noisy(e, found["v"], noise, rounding)
        for letter, value in found.items():
            if products:
                value = e.select(self._second(guards.held), zero, value)
            if guards.forced is not None:
                value = e.select(guards.forced, zero, value)
            if guards.seeded is not None and letter == "z":
                value = e.select(guards.seeded, e.add(value, e.const(1.0)), value)
            found[letter] = value
        return found

    def _second(self, truth: Value) -> Value:
        """Return a truth value for the second of a pair, false for the first."""
        hoisted = truth.name.startswith("%h")
        spread = self.e.spread(truth)
        text = f"and {self.e.type('i1', True)} {spread.name}, <i1 false, i1 true>"
        if hoisted:
            with self.e.hoisting():
                return self.e.let(text, "i1", True)
        return self.e.let(text, "i1", True)

    def moves(self, slopes: list[SlopeTerm], cells: dict[str, Value]) -> Value:
        """Return whether x or y moves a gap, whose slopes these are."""
        e, zero = self.e, self.e.const(0.0)
        if self.packed:
            return e.any(
                e.compare("une", e.spread(self._sum(self._products(slopes, "z", cells))), zero)
            )
        found = [
            e.compare("une", self._sum(self._products(slopes, letter, cells)), zero)
            for letter in "xy"
        ]
        return e.binary("or", found[0], found[1])

    def largest(self, values: list[Value]) -> Value:
        """Return the largest size among tangents, 0 of none; a NaN counts only in first place."""
        if not values:
            return self.e.const(0.0)
        top = self.e.abs(values[0])
        for value in values[1:]:
            size = self.e.abs(value)
            top = self.e.select(self.e.compare("ogt", size, top), size, top)
        return top

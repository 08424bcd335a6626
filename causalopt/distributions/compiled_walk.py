"""Walkers in machine code: thirty-two at a time, a whole word of picks in registers.

The text is written from the same terms as the numpy maps, with the engine's emitter, so arithmetic
agrees bit for bit; exp and its kin may differ from numpy's in the last place. Every outcome is
computed in every lane and the picked one selected, so this serves few outcomes; picks must be
dyadic, since they are read as bits.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.distributions.random_map import Array, StepTerms
from causalopt.expressions.term import ref

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.engine.emitter import Emitter, Value
    from causalopt.engine.native import Library
    from causalopt.expressions import Term

LANES = 32
MOST_OUTCOMES = 8


@dataclasses.dataclass(frozen=True)
class CompiledWalk:
    """Moves walkers by the picks that lie in one word of random bits each.

    Args:
        library: Machine code, called through ctypes without the interpreter lock; it lives as
            long as this record does.
        parameters: The model's constants, in the order the code reads them.
    """

    library: Library
    parameters: Array

    def __call__(self, states: Array, words: NDArray[np.uint64], place: int, count: int) -> Array:
        """Return the states after `count` steps, axes (coordinate, walker).

        Args:
            states: axes (coordinate, walker).
            words: Random bits, axis (walker,).
            place: How many picks of the word are already used.
            count: How many steps are taken; all their picks lie in the word.
        """
        size = states.shape[1]
        padded = -(-size // LANES) * LANES
        moved = np.empty((states.shape[0], padded))
        moved[:, :size] = states
        moved[:, size:] = states[:, -1:]
        bits = np.zeros(padded, dtype=np.uint64)
        bits[:size] = words
        self.library.functions["co_walk"](
            moved.ctypes.data,
            bits.ctypes.data,
            self.parameters.ctypes.data,
            padded // LANES,
            padded,
            place,
            count,
        )
        return moved[:, :size]


def compile_walk(source: StepTerms, bits: int, starts: tuple[int, ...]) -> CompiledWalk:
    """Return the machine code of a random map.

    Args:
        source: The map's terms.
        bits: Bits of a pick.
        starts: Outcome -> the least number of those bits that means it, increasing.

    Returns:
        The compiled walk; its code is kept on disk and found again.
    """
    from causalopt.engine.native import load_library, processor

    writer = _Writer(source, bits, starts, fma=processor().has_fma)
    library = load_library(writer.text(), {"co_walk": 7})
    return CompiledWalk(library, writer.values())


class _Writer:
    """The text of one walk."""

    def __init__(self, source: StepTerms, bits: int, starts: tuple[int, ...], *, fma: bool) -> None:
        from causalopt.engine.emitter import Emitter

        self._source, self._bits, self._starts, self._fma = source, bits, starts, fma
        self._e: Emitter = Emitter(LANES, fma=fma)
        self._places = {ref(name, lag): i for i, (name, lag) in enumerate(source.slots)}
        self._parameters: dict[str, tuple[int, Value]] = {}

    def values(self) -> Array:
        """Return the constants in the order the code reads them."""
        names = [name for name, _ in sorted(self._parameters.items(), key=lambda p: p[1][0])]
        return np.array([self._source.parameters[name] for name in names] or [0.0])

    def text(self) -> str:
        """Return the module's text."""
        from causalopt.engine.kernel import elementary_text
        from causalopt.engine.terms import TermWriter

        e, called = self._e, set[str]()
        terms = TermWriter(e, self._leaf, {}, called)
        moved = self._moved(e, terms)
        functions, needs = elementary_text(frozenset(called), LANES, fma=self._fma)
        declared = "\n".join(sorted(needs | e.needs))
        return f"{declared}\n{functions}\n{self._function(moved)}"

    def _leaf(self, term: Term, _: str) -> Value:
        from causalopt.engine.emitter import Value

        if term in self._places:
            return Value(f"%x{self._places[term]}", "double", True)
        name = str(term.payload or term.op)
        if name not in self._parameters:
            place = len(self._parameters)
            with self._e.hoisting():
                at = self._e.let(
                    f"getelementptr double, ptr %parameters, i64 {place}", "i64", False
                )
                value = self._e.let(f"load double, ptr {at.name}", "double", False)
            self._parameters[name] = (place, value)
        return self._parameters[name][1]

    def _moved(self, e: Emitter, terms: Any) -> list[Value]:
        """Write one step; return the new coordinates."""
        from causalopt.engine.emitter import Value

        kind = f"<{LANES} x i64>"
        done = e.let("add i64 %place, %step", "i64", False)
        shift = e.let(f"mul i64 {done.name}, {self._bits}", "i64", False)
        shifted = e.binary("lshr", Value("%word", "i64", True), shift)
        low = e.let(
            f"and {kind} {shifted.name}, splat (i64 {2**self._bits - 1})", "i64", lanes=True
        )
        chosen = [e.spread(terms.number(root, "w")) for root in self._source.roots[0]]
        for start, roots in zip(self._starts[1:], self._source.roots[1:], strict=True):
            taken = e.compare("i.uge", low, e.integer(start))
            chosen = [
                e.select(taken, terms.number(root, "w"), value)
                for root, value in zip(roots, chosen, strict=True)
            ]
        return chosen

    def _function(self, moved: list[Value]) -> str:
        kind, e = f"<{LANES} x double>", self._e
        lines = [
            "define i64 @co_walk(i64 %s, i64 %w, i64 %p, i64 %groups, i64 %stride, i64 %place, "
            "i64 %count) {",
            "entry:",
            "%states = inttoptr i64 %s to ptr",
            "%words = inttoptr i64 %w to ptr",
            "%parameters = inttoptr i64 %p to ptr",
            *e.hoisted,
            "br label %group",
            "group:",
            "%g = phi i64 [ 0, %entry ], [ %gn, %done ]",
            "%more = icmp slt i64 %g, %groups",
            "br i1 %more, label %load, label %exit",
            "load:",
            f"%offset = mul i64 %g, {LANES}",
            "%wa = getelementptr i64, ptr %words, i64 %offset",
            f"%word = load <{LANES} x i64>, ptr %wa, align 8",
        ]
        for i in range(len(moved)):
            lines += [
                f"%row{i} = mul i64 %stride, {i}",
                f"%at{i} = add i64 %offset, %row{i}",
                f"%a{i} = getelementptr double, ptr %states, i64 %at{i}",
                f"%in{i} = load {kind}, ptr %a{i}, align 8",
            ]
        lines += ["br label %loop", "loop:", "%step = phi i64 [ 0, %load ], [ %stepn, %loop ]"]
        lines += [
            f"%x{i} = phi {kind} [ %in{i}, %load ], [ {value.name}, %loop ]"
            for i, value in enumerate(moved)
        ]
        lines += [
            *e.lines,
            "%stepn = add i64 %step, 1",
            "%again = icmp slt i64 %stepn, %count",
            "br i1 %again, label %loop, label %done",
            "done:",
            *(f"store {kind} {value.name}, ptr %a{i}, align 8" for i, value in enumerate(moved)),
            "%gn = add i64 %g, 1",
            "br label %group",
            "exit:",
            "ret i64 0",
            "}",
        ]
        return "\n".join(lines)

"""Walkers in machine code: a group of lanes runs through all steps before the next group begins.

The text is written from the same terms as the numpy maps, with the engine's emitter, so arithmetic
agrees bit for bit; exp and its kin may differ from numpy's in the last place. Every outcome is
computed in every lane and the picked one selected, so this serves few outcomes; picks must be
dyadic, since they are read as bits. The bits are those of `streams`: the code counts the same
threefry blocks from the walkers' numbers.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.maps.random_map import Array, StepTerms
from causalopt.language.term import ref
from causalopt.worlds.streams import PARITY, ROTATIONS, ROUNDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.engine.machine.emitter import Emitter, Value
    from causalopt.engine.machine.native import CompiledLibrary
    from causalopt.language.term import Term

UNROLL = 4  # registers in the innermost body: their chains of operations overlap
BODIES = 8  # such bodies a group: its words and states stay in the nearest memory
MOST_OUTCOMES = 8
_ARGUMENTS = (
    "states",
    "numbers",
    "parameters",
    "vectors",
    "stride",
    "ahead",
    "first",
    "last",
    "seed",
)


@dataclasses.dataclass(frozen=True)
class CompiledWalk:
    """Moves walkers along their streams.

    Args:
        library: Machine code, called through ctypes without the interpreter lock; it lives as
            long as this record does.
        parameters: The model's constants, in the order the code reads them.
        lanes: Walkers in one group.
    """

    library: CompiledLibrary
    parameters: Array
    lanes: int

    def __call__(
        self, states: Array, walkers: NDArray[np.uint64], first: int, last: int, *, seed: int
    ) -> Array:
        """Return the states after the steps from `first` up to `last`, axes (coordinate, walker).

        Args:
            states: axes (coordinate, walker).
            walkers: The walkers' numbers, axis (walker,).
            first: How many steps were taken before.
            last: How many steps have been taken then.
            seed: The run's seed.
        """
        moved: Array = self._run(states, walkers, first, last, seed, ahead=0)[0]
        return moved

    def trace(
        self, states: Array, walkers: NDArray[np.uint64], first: int, last: int, *, seed: int
    ) -> Array:
        """Return the states after each of those steps, axes (step, coordinate, walker)."""
        return self._run(states, walkers, first, last, seed, ahead=1)[1:]

    def _run(
        self,
        states: Array,
        walkers: NDArray[np.uint64],
        first: int,
        last: int,
        seed: int,
        *,
        ahead: int,
    ) -> Array:
        """Let each step write `ahead` places behind the one it reads: 0 keeps the last only."""
        coordinates, size = states.shape
        padded = -(-size // self.lanes) * self.lanes
        moved = np.empty((1 + ahead * (last - first), coordinates, padded))
        moved[0, :, :size] = states
        moved[0, :, size:] = states[:, -1:]
        numbers = np.zeros(padded, dtype=np.uint64)
        numbers[:size] = walkers
        self.library.functions["co_walk"](
            moved.ctypes.data,
            numbers.ctypes.data,
            self.parameters.ctypes.data,
            padded // self.lanes,
            padded,
            ahead * coordinates * padded,
            first,
            last,
            seed,
        )
        return moved[:, :, :size]


def compile_walk(source: StepTerms, bits: int, starts: tuple[int, ...]) -> CompiledWalk:
    """Return the machine code of a random map.

    Args:
        source: The map's terms.
        bits: Bits of a pick.
        starts: Outcome -> the least number of those bits that means it, increasing.

    Returns:
        The compiled walk; its code is kept on disk and found again.
    """
    library, names, lanes = _code(source.slots, source.roots, bits, starts)
    values = np.array([source.parameters[name] for name in names] or [0.0])
    return CompiledWalk(library, values, lanes)


@functools.lru_cache(maxsize=64)
def _code(
    slots: tuple[tuple[str, int], ...],
    roots: tuple[tuple[Term, ...], ...],
    bits: int,
    starts: tuple[int, ...],
) -> tuple[CompiledLibrary, tuple[str, ...], int]:
    """Return the machine code, the parameters it reads and how many lanes it moves at once."""
    from causalopt.engine.machine.native import load_library, processor

    register = processor().register
    writer = _Writer(slots, roots, bits, starts, register=register, fma=processor().has_fma)
    library = load_library(writer.text(), {"co_walk": len(_ARGUMENTS)})
    return library, writer.names(), UNROLL * register


class _Writer:
    """The text of one walk."""

    def __init__(
        self,
        slots: tuple[tuple[str, int], ...],
        roots: tuple[tuple[Term, ...], ...],
        bits: int,
        starts: tuple[int, ...],
        *,
        register: int,
        fma: bool,
    ) -> None:
        from causalopt.engine.machine.emitter import Emitter

        self._roots, self._bits, self._starts = roots, bits, starts
        self._fma, self._register = fma, register
        self._e: Emitter = Emitter(register, fma=fma)
        self._places = {ref(name, lag): i for i, (name, lag) in enumerate(slots)}
        self._parameters: dict[str, tuple[int, Value]] = {}

    def names(self) -> tuple[str, ...]:
        """Return the parameters in the order the code reads them."""
        return tuple(sorted(self._parameters, key=lambda name: self._parameters[name][0]))

    def text(self) -> str:
        """Return the module's text."""
        from causalopt.engine.machine.kernel import elementary_text
        from causalopt.engine.machine.term_code import TermWriter
        from causalopt.engine.machine.widen import widened

        e, called = self._e, set[str]()
        terms = TermWriter(e, self._leaf, {}, called)
        moved = self._moved(e, terms)
        functions, needs = elementary_text(frozenset(called), self._register, fma=self._fma)
        step, e.lines = e.lines, []
        words = _words(e)
        arguments = ", ".join(f"i64 %{argument}" for argument in _ARGUMENTS)
        body = widened(self._loops(step, words, moved), self._register, UNROLL)
        main = "\n".join([f"define i64 @co_walk({arguments}) {{", *body, "}"])
        declared = "\n".join(sorted(needs | e.needs))
        return f"{declared}\n{functions}\n{main}"

    def _leaf(self, term: Term, _: str) -> Value:
        from causalopt.engine.machine.emitter import Value

        if term in self._places:
            return Value(f"%x{self._places[term]}", "double", True)
        name = str(term.payload or term.op)
        if name not in self._parameters:
            place = len(self._parameters)
            with self._e.hoisting():
                at = self._e.let(f"getelementptr double, ptr %constants, i64 {place}", "i64", False)
                value = self._e.let(f"load double, ptr {at.name}", "double", False)
            self._parameters[name] = (place, value)
        return self._parameters[name][1]

    def _moved(self, e: Emitter, terms: Any) -> list[Value]:
        """Write one step; return the new coordinates.

        A pick is compared where it lies in its word: one bound moved there serves all lanes.
        """
        from causalopt.engine.machine.emitter import Value

        word, place = Value("%word", "i64", True), Value("%shift", "i64", False)
        most = 2**self._bits
        chosen = [e.spread(terms.number(root, "w")) for root in self._roots[0]]
        for start, roots in zip(self._starts[1:], self._roots[1:], strict=True):
            if start == most // 2:  # the highest bit alone decides
                bit = e.binary("and", word, e.binary("shl", e.integer(start), place))
                taken = e.compare("i.ne", bit, e.integer(0))
            else:
                pick = e.binary("and", word, e.binary("shl", e.integer(most - 1), place))
                taken = e.compare("i.uge", pick, e.binary("shl", e.integer(start), place))
            chosen = [
                e.select(taken, terms.number(root, "w"), value)
                for root, value in zip(roots, chosen, strict=True)
            ]
        return chosen

    def _loops(
        self, step: list[str], words: tuple[list[str], Value, Value], moved: list[Value]
    ) -> list[str]:
        """Return the loops over groups, blocks of two words, words, steps, and vectors.

        One step of one vector is the innermost body: its constants fill the registers, and the
        vectors after it, which do not wait for it, keep the processor busy meanwhile.
        """
        return [
            *self._groups(len(moved)),
            *self._draws(words),
            *self._halves(),
            *self._steps(step, moved),
            "halved:",
            "%is.first = icmp eq i64 %which, 0",
            "br i1 %is.first, label %half, label %drawn",
            "drawn:",
            "%block.next = add i64 %block, 1",
            "%is.block = icmp slt i64 %end, %last",
            "br i1 %is.block, label %draw, label %done",
            "done:",
            f"%g.next = add i64 %g, {BODIES}",
            "br label %group",
            "exit:",
            "ret i64 0",
        ]

    def _groups(self, count: int) -> list[str]:
        """Return the loop over groups of walkers, up to its first block of words."""
        width, rows = UNROLL * self._register, range(count)
        return [
            "entry:",
            "%state = inttoptr i64 %states to ptr",
            "%walker = inttoptr i64 %numbers to ptr",
            "%constants = inttoptr i64 %parameters to ptr",
            f"%c.left = alloca i64, i64 {BODIES * width}, align 64",
            f"%c.right = alloca i64, i64 {BODIES * width}, align 64",
            *self._e.hoisted,
            f"%start = udiv i64 %first, {2 * (64 // self._bits)}",
            "br label %group",
            "group:",
            "%g = phi i64 [ 0, %entry ], [ %g.next, %done ]",
            "%is.group = icmp slt i64 %g, %vectors",
            "br i1 %is.group, label %load, label %exit",
            "load:",
            f"%offset = mul i64 %g, {width}",
            "%left.vectors = sub i64 %vectors, %g",
            f"%is.full = icmp sgt i64 %left.vectors, {BODIES}",
            f"%count = select i1 %is.full, i64 {BODIES}, i64 %left.vectors",
            f"%lanes = mul i64 %count, {width}",
            "%a.number = getelementptr i64, ptr %walker, i64 %offset",
            *(f"%row{i} = mul i64 %stride, {i}" for i in rows),
            *(f"%at{i} = add i64 %offset, %row{i}" for i in rows),
            *(f"%a{i} = getelementptr double, ptr %state, i64 %at{i}" for i in rows),
            "br label %draw",
        ]

    def _draws(self, words: tuple[list[str], Value, Value]) -> list[str]:
        """Return the loop that draws two words for every walker of a group."""
        whole, width = f"<{self._register} x i64>", UNROLL * self._register
        drawn, left, right = words
        return [
            "draw:",
            "%block = phi i64 [ %start, %load ], [ %block.next, %drawn ]",
            "br label %word.loop",
            "word.loop:",
            "%k = phi i64 [ 0, %draw ], [ %k.next, %word.loop ]",
            "%n.number = getelementptr i64, ptr %a.number, i64 %k",
            f"%number = load {whole}, ptr %n.number, align 8",
            *drawn,
            "%n.left = getelementptr i64, ptr %c.left, i64 %k",
            "%n.right = getelementptr i64, ptr %c.right, i64 %k",
            f"store {whole} {left.name}, ptr %n.left, align 8",
            f"store {whole} {right.name}, ptr %n.right, align 8",
            f"%k.next = add i64 %k, {width}",
            "%is.word = icmp slt i64 %k.next, %lanes",
            "br i1 %is.word, label %word.loop, label %half",
        ]

    def _halves(self) -> list[str]:
        """Return the loop over the two words, up to the steps that each serves."""
        per_word = 64 // self._bits
        return [
            "half:",
            "%which = phi i64 [ 0, %word.loop ], [ 1, %halved ]",
            "%words = phi ptr [ %c.left, %word.loop ], [ %c.right, %halved ]",
            "%twice = mul i64 %block, 2",
            "%counted = add i64 %twice, %which",
            f"%base = mul i64 %counted, {per_word}",
            f"%end = add i64 %base, {per_word}",
            "%is.later = icmp sgt i64 %first, %base",
            "%from = select i1 %is.later, i64 %first, i64 %base",
            "%is.sooner = icmp slt i64 %last, %end",
            "%until = select i1 %is.sooner, i64 %last, i64 %end",
            "%is.any = icmp slt i64 %from, %until",
            "br i1 %is.any, label %steps, label %halved",
        ]

    def _steps(self, step: list[str], moved: list[Value]) -> list[str]:
        """Return the loop over steps, and in it the one over a group's vectors."""
        kind, whole = f"<{self._register} x double>", f"<{self._register} x i64>"
        rows, width = range(len(moved)), UNROLL * self._register
        return [
            "steps:",
            "%time = phi i64 [ %from, %half ], [ %time.next, %stepped ]",
            "%place = sub i64 %time, %base",
            f"%shift = mul i64 %place, {self._bits}",
            "%taken = sub i64 %time, %first",
            "%behind = mul i64 %taken, %ahead",
            *(f"%from{i} = getelementptr double, ptr %a{i}, i64 %behind" for i in rows),
            *(f"%to{i} = getelementptr double, ptr %from{i}, i64 %ahead" for i in rows),
            "br label %vector",
            "vector:",
            "%j = phi i64 [ 0, %steps ], [ %j.next, %vector ]",
            "%n.word = getelementptr i64, ptr %words, i64 %j",
            f"%word = load {whole}, ptr %n.word, align 8",
            *(f"%in{i} = getelementptr double, ptr %from{i}, i64 %j" for i in rows),
            *(f"%out{i} = getelementptr double, ptr %to{i}, i64 %j" for i in rows),
            *(f"%x{i} = load {kind}, ptr %in{i}, align 8" for i in rows),
            *step,
            *(f"store {kind} {value.name}, ptr %out{i}, align 8" for i, value in enumerate(moved)),
            f"%j.next = add i64 %j, {width}",
            "%is.vector = icmp slt i64 %j.next, %lanes",
            "br i1 %is.vector, label %vector, label %stepped",
            "stepped:",
            "%time.next = add i64 %time, 1",
            "%is.step = icmp slt i64 %time.next, %until",
            "br i1 %is.step, label %steps, label %halved",
        ]


def _words(e: Emitter) -> tuple[list[str], Value, Value]:
    """Write the two words of threefry2x64 at counter (number, block), key (seed, 0)."""
    from causalopt.engine.machine.emitter import Value

    seed = Value("%seed", "i64", False)
    schedule = (seed, e.integer(0), e.binary("xor", seed, e.integer(PARITY)))
    left = e.binary("add", Value("%number", "i64", True), schedule[0])
    right = e.spread(e.binary("add", Value("%block", "i64", False), schedule[1]))
    for turn in range(ROUNDS):
        left = e.binary("add", left, right)
        right = e.binary("xor", e.rotated(right, ROTATIONS[turn % 8]), left)
        if turn % 4 == 3:
            injection = turn // 4 + 1
            left = e.binary("add", left, schedule[injection % 3])
            more = e.binary("add", schedule[(injection + 1) % 3], e.integer(injection))
            right = e.binary("add", right, more)
    return e.lines, left, right

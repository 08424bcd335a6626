"""The cells of step code: the state read and written, and the arrays a caller gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from causalopt.engine.machine.derivatives import TangentCode
from causalopt.engine.machine.emitter import Emitter, Value
from causalopt.engine.machine.frame import CONTEXT, Frame
from causalopt.engine.program import Program
from causalopt.language.term import Term


@dataclasses.dataclass(frozen=True)
class Setting:
    """Where a stretch of code stands in its kernel.

    Attributes:
        fixed: Memo of which terms depend on parameters only, shared by all stretches.
        called: Collects the elementary functions called, likewise.
        in_registers: Whether cells are local variables rather than memory; then kinks are looked
            into behind a branch, which parts that meet in memory do without.
        lazy: Whether it is only noted that some gap closed; the caller runs those steps again.
        left_in: Gives the cell in which another stretch left a term's value, None for none.
        clock: The name of the step's number.
    """

    fixed: dict[Term, bool]
    called: set[str]
    in_registers: bool
    lazy: bool = False
    left_in: Callable[[Term], str | None] = lambda _: None
    clock: str = "%t"


class Cells:
    """Reads and writes of one stretch of code; what was loaded once is known from then on.

    Args:
        program: What is computed.
        emitter: Where lines go.
        frame: The cells.
        setting: Where the stretch stands.
    """

    def __init__(self, program: Program, emitter: Emitter, frame: Frame, setting: Setting) -> None:
        self.program = program
        self.setting = setting
        self.clock = Value(setting.clock, "i64", False)
        self.e = emitter
        self.frame = frame
        self._context: dict[str, Value] = {}
        self._pointers: dict[str, str] = {}
        self._known: dict[str, Value] = {}
        worlds = "xypq" if program.estimate else "xy"
        self._tangents = TangentCode(emitter, worlds, packed=program.lanes == 1)

    def _pointer(self, cell: str) -> str:
        if cell not in self.frame:  # a value of long ago
            variable, _, lag = cell.partition("_")
            return self._in_ring(variable, int(lag))
        if self.setting.in_registers:
            return f"%c.{cell}"
        if cell not in self._pointers:
            offset = self.frame[cell].offset
            with self.e.hoisting():
                pointer = self._pointers[cell] = self.e.name("p")
                self.e.lines.append(f"{pointer} = getelementptr i8, ptr %frame, i64 {offset}")
        return self._pointers[cell]

    def _in_ring(self, variable: str, lag: int) -> str:
        """Return where in its ring a variable's value stands."""
        e, name = self.e, f"{variable}_r"
        ring = self.frame[name]
        since = e.binary("add", self.clock, e.integer(ring.steps - lag))
        at = e.binary("urem", since, e.integer(ring.steps))
        offset = e.binary("mul", at, e.integer(ring.size // ring.steps))
        return self._element("i8", Value(self._pointer(name), "ptr", False), offset)

    def _kind(self, cell: str) -> str:
        return self.frame[cell.partition("_")[0]].kind

    def _read(self, cell: str, element: str = "double") -> Value:
        """Return a cell's value, loaded once a stretch."""
        if cell not in self._known:
            text = f"load {self._kind(cell)}, ptr {self._pointer(cell)}, align 8"
            self._known[cell] = self.e.let(text, element, True)
        return self._known[cell]

    def _write(self, cell: str, value: Value) -> None:
        value = self.e.spread(value)
        kind = self.frame[cell].kind
        self.e.lines.append(f"store {kind} {value.name}, ptr {self._pointer(cell)}, align 8")
        self._known[cell] = value

    def _tangent_of(self, cell: str) -> Value:
        if self._is_zero(cell):
            return self.e.const(0.0)
        if cell not in self._known:
            self._known[cell] = self._tangents.read(self._pointer(cell))
        return self._known[cell]

    def _is_zero(self, cell: str) -> bool:
        return self.program.is_zero(cell[0], int(cell[1:].partition("_")[0]))

    def _copy(self, source: str, target: str) -> None:
        read = self._tangent_of if source[0] in "zvpq" else self._read
        if self.program.mode == "tangents" and source[0] in "xy":
            read = self._tangent_of
        value = read(source)
        kind = self.frame[source].kind
        self.e.lines.append(f"store {kind} {value.name}, ptr {self._pointer(target)}, align 8")
        self._known[target] = value

    def _base(self, name: str) -> Value:
        """Return an entry of the context table: an integer, or a pointer as an integer."""
        if name not in self._context:
            with self.e.hoisting():
                pointer = self._element(
                    "i64", Value("%ctx", "ptr", False), self.e.integer(CONTEXT[name])
                )
                kind = "i64" if name in {"width", "delta"} else "ptr"
                self._context[name] = self.e.let(
                    f"load {kind}, ptr {pointer}, align 8", kind, False
                )
        return self._context[name]

    def _element(self, kind: str, base: Value, at: Value) -> str:
        pointer = self.e.name("p")
        line = f"{pointer} = getelementptr {kind}, ptr {base.name}, i64 {at.name}"
        self.e.lines.append(line)
        return pointer

"""Step code as LLVM text: a loop over steps for one trajectory or for a group of lanes.

A small step is one block whose state lives in registers. A large one is cut into parts of bounded
size that meet in the frame: optimisers are superlinear in the size of a block.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from causalopt.engine.linearization import is_fixed
from causalopt.engine.machine.cells import Setting
from causalopt.engine.machine.elementary import function_text
from causalopt.engine.machine.emitter import Emitter
from causalopt.engine.machine.frame import Frame, frame_of
from causalopt.engine.machine.rescaling_code import Rescaling
from causalopt.engine.machine.steps import UNKNOWN, RegimeText, Taken, plain_steps, regime_steps
from causalopt.engine.machine.stretch import Stretch
from causalopt.engine.machine.widen import widened
from causalopt.engine.program import Program, parts
from causalopt.engine.regimes import Regime
from causalopt.engine.rescaling import RESCALE
from causalopt.language.term import Term

ARGUMENTS = ("ctx", "frame", "t0", "t1", "lane", "held", "row", "seed")
METADATA = """!0 = !{!"branch_weights", i32 1, i32 2000}
!1 = distinct !{!1, !2}
!2 = !{!"llvm.loop.unroll.count", i32 2}
"""


@dataclasses.dataclass(frozen=True)
class KernelText:
    """Step code: its text, the declarations it needs and the frame it works on."""

    text: str
    needs: frozenset[str]
    frame: Frame
    called: frozenset[str]


def kernel_text(program: Program, name: str, *, fma: bool, attributes: str = "") -> KernelText:
    """Return the text of `@name(ctx, frame, t0, t1, lane, held, row, seed)`.

    Args:
        program: What is computed.
        name: The function's name.
        fma: Whether the processor multiplies and adds in one rounding.
        attributes: Of the function, as LLVM writes them.
    """
    if program.lanes > 1:
        attributes += " alignstack(64)"  # whole registers are spilled
    kernel = _Kernel(program, name, fma, attributes)
    lazy = kernel.text()
    if not kernel.is_lazy:
        return lazy
    # It is called in one place, from code that must stay small.
    exact = _Kernel(program, f"{name}_exact", fma, f"noinline {attributes}", may_defer=False).text()
    return dataclasses.replace(
        lazy,
        text=f"{exact.text}\n{lazy.text}",
        needs=lazy.needs | exact.needs,
        called=lazy.called | exact.called,
    )


def elementary_text(called: frozenset[str], lanes: int, *, fma: bool) -> tuple[str, set[str]]:
    """Return the definitions of the elementary functions that were called."""
    texts, needs = [], set()
    for name in sorted(called):
        one = name.endswith("_one")
        text, declared = function_text(
            name.removesuffix("_one"), 1 if one else lanes, fma=fma, symbol=name
        )
        texts.append(text)
        needs |= declared
    return "\n".join(texts), needs


class _Kernel:
    def __init__(
        self, program: Program, name: str, fma: bool, attributes: str, *, may_defer: bool = True
    ) -> None:
        self.program = program
        self.name = name
        self.fma = fma
        self.attributes = attributes
        self.frame = frame_of(program)
        self.fixed: dict[Term, bool] = {}
        self.called: set[str] = set()
        self.parts = parts(program)
        self.is_whole = len(self.parts) == 1
        # Lanes that follow their rules: most steps need less than the whole step.
        is_plain = may_defer and self.is_whole and program.lanes > 1 and not program.careful
        may_run_again = is_plain and program.mode == "tangents" and not program.brief
        self.is_lazy = may_run_again and bool(program.gaps)
        has_gaps = bool(program.gaps) or program.mode == "values"
        self.regimes = program.regimes() if is_plain and has_gaps else ()
        self.needs: set[str] = set()
        self.owners: dict[Term, int] = {}
        self.shared: dict[Term, str] = {}

    def emitter(self) -> Emitter:
        return Emitter(self.program.register, fma=self.fma, contract=self.program.contract)

    def text(self) -> KernelText:
        e = self.emitter()
        steps, pieces = (self._whole(e), []) if self.is_whole else self._cut(e)
        loop = self._loop(e, steps)
        lines = [*e.hoisted, "br label %block", *loop]
        arguments = ", ".join(f"i64 %{argument}_" for argument in ARGUMENTS)
        entry = _entry()
        if self.is_whole:
            entry += self._registers()
        if self.program.mode == "tangents":
            entry.append("%rescaled = alloca i1")
        if self.is_lazy:
            entry.append(f"%c.open = alloca {e.type('i1', True)}")
        if self.regimes:
            entry.append(f"%c.inside = alloca {e.type('i1', True)}")
            entry += [f"%c.{name} = alloca i64" for name in ("at", "stop", "regime")]
            entry.append(f"store i64 {UNKNOWN}, ptr %c.regime")
        head = f"define i64 @{self.name}({arguments}) {self.attributes} {{\nentry:"
        body = self._widened([*entry, *lines])
        main = "\n  ".join([head, *body, "}"])
        self.needs |= e.needs
        return KernelText(
            "\n".join([*pieces, main]), frozenset(self.needs), self.frame, frozenset(self.called)
        )

    def _widened(self, lines: list[str]) -> list[str]:
        program = self.program
        return widened(lines, program.register, program.lanes // program.register)

    def _registers(self) -> list[str]:
        """Copy the frame into variables that the optimiser keeps in registers.

        A step with a careful twin rarely looks at integers: they stay in the frame.
        """
        lines = []
        for name, cell in self.frame.items():
            at = f"getelementptr i8, ptr %frame, i64 {cell.offset}"
            if self._stays(name):
                lines.append(f"%c.{name} = {at}")
                continue
            lines += [
                f"%c.{name} = alloca {cell.kind}, align 64",
                f"%f.{name} = {at}",
                f"%i.{name} = load {cell.kind}, ptr %f.{name}, align 8",
                f"store {cell.kind} %i.{name}, ptr %c.{name}, align 8",
            ]
        return lines

    def _stays(self, name: str) -> bool:
        """Whether a cell stays in the frame: a ring, an integer that only rare paths look at."""
        if self.frame[name].is_ring:
            return True
        return self.is_lazy and self.frame[name].is_integer and name != "bad"

    def _saved(
        self, mark: str = "o", source: str = "c", target: str = "f", *, past: bool = False
    ) -> list[str]:
        """Copy variables to the frame, or the other way round; `past`: what a step starts from."""
        load = "load volatile" if past and source == "f" else "load"
        lines = []
        for name, cell in self.frame.items():
            if self._stays(name) or (past and not (cell.is_past or cell.is_integer)):
                continue
            lines += [
                f"%{mark}.{name} = {load} {cell.kind}, ptr %{source}.{name}, align 8",
                f"store {cell.kind} %{mark}.{name}, ptr %{target}.{name}, align 8",
            ]
        return lines

    def _taken(self, e: Emitter) -> Taken:
        """Return how a stretch is taken back, or run again with all care if some gap closed."""
        save, undo = self._saved("b", past=True), self._saved("u", "f", "c", past=True)
        if not self.is_lazy:
            return Taken(save, undo, check=[])
        kind = e.type("i1", True)
        e.lines = []
        opened = e.let(f"load {kind}, ptr %c.open", "i1", True)
        closed = e.any(e.binary("xor", opened, e.truth(True)))
        stop = "%again.stop"
        e.lines += [
            f"br i1 {closed.name}, label %replay, label %settled, !prof !0",
            "replay:",
            f"{stop} = {'load i64, ptr %c.stop' if self.regimes else 'add i64 %stop, 0'}",
            f"%again.r = call i64 @{self.name}_exact(i64 %ctx_, i64 %frame_, i64 %at, "
            f"i64 {stop}, i64 %lane_, i64 %held_, i64 %row_, i64 %seed_)",
            *self._saved("r", "f", "c"),
            "store i1 true, ptr %rescaled",
        ]
        fresh = [self._all_true(e, "open"), "store i1 false, ptr %rescaled"]
        return Taken([*save, *fresh], [*undo, *fresh], check=e.lines)

    def _whole(self, e: Emitter) -> list[str]:
        """Write the steps of a block whose state is in registers."""
        whole = self._body(e, None, "%t")
        e.forget_spread()
        if not self.regimes:
            return plain_steps(whole, self._taken(e) if self.is_lazy else None)
        taken = self._taken(e)
        return regime_steps(
            [self._written(e, k, regime) for k, regime in enumerate(self.regimes)],
            whole,
            taken,
            unrolled=not self.program.estimate,
        )

    def _all_true(self, e: Emitter, cell: str) -> str:
        return f"store {e.type('i1', True)} splat (i1 true), ptr %c.{cell}"

    def _written(self, e: Emitter, k: int, regime: Regime) -> RegimeText:
        kind = e.type("i1", True)
        e.lines = []
        inside = self._stretch(e, self.program, "%at").inside(regime.sides)
        outside = e.any(e.binary("xor", inside, e.truth(True)))
        test, e.lines = e.lines, []
        inside = self._stretch(e, self.program, f"%t.{k}").inside(regime.sides)
        still = e.let(f"load {kind}, ptr %c.inside", "i1", True)
        still = e.binary("and", inside, still)
        e.lines.append(f"store {kind} {still.name}, ptr %c.inside")
        watch, e.lines = e.lines, []
        still = e.let(f"load {kind}, ptr %c.inside", "i1", True)
        left = e.any(e.binary("xor", still, e.truth(True)))
        end = e.lines
        body = [*watch, *self._body(e, regime, f"%t.{k}")]
        return RegimeText(test, outside.name, [self._all_true(e, "inside")], body, end, left.name)

    def _body(self, e: Emitter, regime: Regime | None, clock: str) -> list[str]:
        """Write one step, whole or what a regime leaves of it."""
        e.lines = []
        stretch = self._stretch(e, dataclasses.replace(self.program, regime=regime), clock)
        stretch.equations(self.parts[0])
        stretch.finish()
        return e.lines

    def _stretch(self, e: Emitter, program: Program, clock: str) -> Stretch:
        e.forget_spread()
        setting = Setting(self.fixed, self.called, True, lazy=self.is_lazy, clock=clock)
        return Stretch(program, e, self.frame, setting)

    def _cut(self, e: Emitter) -> tuple[list[str], list[str]]:
        """Write each part as a function; terms that several parts need pass through the frame."""
        self._assign()
        calls, pieces = [], []
        hoisted: dict[Term, str] = {}
        for number, equations in enumerate([*self.parts, None]):
            inner = self.emitter()
            left_in = self._cells_of(number, hoisted)
            setting = Setting(self.fixed, self.called, False, left_in=left_in)
            stretch = Stretch(self.program, inner, self.frame, setting)
            if equations is None:
                stretch.finish()
            else:
                stretch.equations(equations)
                for term, owner in self.owners.items():
                    if owner == number and term in self.shared:
                        stretch.keep(term, self.shared[term])
            arguments = (
                "ptr %ctx, ptr %frame, i64 %t, i64 %t0, i64 %lane, ptr %held, i64 %row, i64 %seed"
            )
            body = "\n  ".join(self._widened([*inner.hoisted, *inner.lines, "ret void"]))
            name = f"{self.name}_{number}"
            pieces.append(f"define internal void @{name}({arguments}) noinline {{\n  {body}\n}}\n")
            calls.append(f"call void @{name}({arguments})")
            self.needs |= inner.needs
        outer = Stretch(self.program, e, self.frame, Setting(self.fixed, self.called, False))
        for term, cell in hoisted.items():
            with e.hoisting():
                outer.keep(term, cell)
        return plain_steps(calls), pieces

    def _assign(self) -> None:
        """Find which part computes each term, and which terms other parts need as well."""
        for number, equations in enumerate(self.parts):
            stack = [root for i in equations for root in self.program.roots(i)]
            seen: set[Term] = set()
            while stack:
                term = stack.pop()
                if term in seen or term.is_leaf:
                    continue
                seen.add(term)
                owner = self.owners.setdefault(term, number)
                if owner != number and self.program.mode != "finite":
                    if term not in self.shared:
                        self.shared[term] = f"s{len(self.shared)}"
                        self.frame.add(self.shared[term], "double", 0.0)
                    continue
                stack += term.args

    def _cells_of(self, number: int, hoisted: dict[Term, str]) -> Callable[[Term], str | None]:
        """Return what tells a part in which cell another part left a term."""

        def cell_of(term: Term) -> str | None:
            if is_fixed(term, self.fixed):
                if term not in hoisted:
                    hoisted[term] = f"g{len(hoisted)}"
                    self.frame.add(hoisted[term], "double", 0.0)
                return hoisted[term]
            return self.shared.get(term) if self.owners.get(term, number) < number else None

        return cell_of

    def _loop(self, e: Emitter, steps: list[str]) -> list[str]:
        """Put steps into a loop over blocks, after which tangents are rescaled."""
        e.forget_spread()
        before: list[str] = []
        after: list[str] = []
        end: list[str] = []
        if self.program.mode == "tangents":
            before = ["store i1 false, ptr %rescaled"]
            e.lines = after
            rescaling = Rescaling(self.program, e, self.frame, lambda cell: self._pointer(e, cell))
            rescaling.block()
            e.lines = end
            rescaling.end()
        saved = self._saved() if self.is_whole else []
        return [
            "block:",
            "  %from = phi i64 [%t0, %entry], [%until, %next]",
            f"  %far = add i64 %from, {RESCALE}",
            "  %short = icmp slt i64 %far, %t1",
            "  %until = select i1 %short, i64 %far, i64 %t1",
            *before,
            *steps,
            "after:",
            *after,
            "  br label %next",
            "next:",
            "  %again = icmp slt i64 %until, %t1",
            "  br i1 %again, label %block, label %exit",
            "exit:",
            *end,
            *saved,
            "  ret i64 0",
        ]

    def _pointer(self, e: Emitter, cell: str) -> str:
        if self.is_whole:
            return f"%c.{cell}"
        pointer = e.name("p")
        e.lines.append(f"{pointer} = getelementptr i8, ptr %frame, i64 {self.frame[cell].offset}")
        return pointer


def _entry() -> list[str]:
    lines = [f"%{name} = inttoptr i64 %{name}_ to ptr" for name in ("ctx", "frame", "held")]
    lines += [f"%{name} = add i64 %{name}_, 0" for name in ("t0", "t1", "lane", "row", "seed")]
    lines += [
        "%ctx.exponents = getelementptr i64, ptr %ctx, i64 11",
        "%exponents = load ptr, ptr %ctx.exponents, align 8",
    ]
    return lines

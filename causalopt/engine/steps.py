"""The steps of a block as LLVM text: one body, or one for each regime beside the whole one.

Lines run from the end of the label `block`, where `%from` and `%until` are known, to a jump to the
label `after`. In a regime the loop stays until some lane is about to leave it; a step that no
regime describes is taken by the whole body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from causalopt.engine.emitter import Emitter, Value
from causalopt.engine.regimes import Regime

Body: TypeAlias = Callable[[Emitter, Regime | None, str], list[str]]
Test: TypeAlias = Callable[[Emitter, Regime], tuple[list[str], Value]]


def plain_steps(body: list[str]) -> list[str]:
    """Return the loop of one body; `%t` is the step's number."""
    return [
        "  br label %step",
        "step:",
        "  %t = phi i64 [%from, %block], [%t.next, %done]",
        *body,
        "  br label %done",
        "done:",
        "  %t.next = add i64 %t, 1",
        "  %more = icmp slt i64 %t.next, %until",
        "  br i1 %more, label %step, label %after",
    ]


def regime_steps(e: Emitter, regimes: Sequence[Regime], tested: Test, body: Body) -> list[str]:
    """Return a loop for each regime, and the whole body for what lies between them.

    Args:
        e: What writes.
        regimes: The regimes, tried in this order.
        tested: Writes the test whether some lane is outside a regime.
        body: Writes a step, given its regime (None: the whole one) and the name of its number.
    """
    lines = ["store i64 %from, ptr %clock", "br label %try0"]
    for k, regime in enumerate(regimes):
        test, outside = tested(e, regime)
        other = f"try{k + 1}" if k + 1 < len(regimes) else "whole"
        lines += [f"try{k}:", *test, f"br i1 {outside.name}, label %{other}, label %go{k}"]
        lines += [f"go{k}:", *_step(body, e, regime, str(k), f"stay{k}")]
        test, outside = tested(e, regime)
        lines += [f"stay{k}:", *test]
        lines.append(f"br i1 {outside.name}, label %try0, label %go{k}, !prof !0")
    return [*lines, "whole:", *_step(body, e, None, "w", "try0")]


def _step(body: Body, e: Emitter, regime: Regime | None, mark: str, following: str) -> list[str]:
    now = f"%t.{mark}"
    return [
        f"{now} = load i64, ptr %clock",
        *body(e, regime, now),
        f"{now}.next = add i64 {now}, 1",
        f"store i64 {now}.next, ptr %clock",
        f"{now}.more = icmp slt i64 {now}.next, %until",
        f"br i1 {now}.more, label %{following}, label %after",
    ]

"""The steps of a block as LLVM text: one body, or one for each regime beside the whole one.

Lines run from the end of the label `block`, where `%from` and `%until` are known, to a jump to the
label `after`. A regime's loop has no branch: it goes to the block's end while it notes whether any
lane leaves the regime; if one did, the block is taken back and run by the whole body.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class RegimeText:
    """The loop of one regime, in parts.

    Attributes:
        test: Finds whether some lane is outside the regime where the block begins.
        outside: The name of that truth value.
        body: One step; it notes which lanes are outside.
        end: Finds whether some lane has left the regime.
        left: The name of that truth value.
    """

    test: Sequence[str]
    outside: str
    body: Sequence[str]
    end: Sequence[str]
    left: str


def plain_steps(body: Sequence[str]) -> list[str]:
    """Return the loop of one body; `%t` is the step's number."""
    return ["br label %step", *_loop("step", "t", ["block"], body, "after")]


def regime_steps(
    regimes: Sequence[RegimeText], start: Sequence[str], undo: Sequence[str], whole: Sequence[str]
) -> list[str]:
    """Return a loop for each regime, in the order in which they are tried, and the whole body's.

    Args:
        regimes: The regimes; regime k calls the step's number `%t.k`.
        start: Stands before a regime's loop.
        undo: Brings back the state in which the block began.
        whole: A step for any state.
    """
    lines = ["br label %try0"]
    for k, regime in enumerate(regimes):
        other = f"try{k + 1}" if k + 1 < len(regimes) else "whole"
        lines += [
            f"try{k}:", *regime.test,
            f"br i1 {regime.outside}, label %{other}, label %start{k}",
            f"start{k}:", *start,
            f"br label %regime{k}",
            *_loop(f"regime{k}", f"t.{k}", [f"start{k}"], regime.body, f"end{k}", ", !llvm.loop !1"),
            f"end{k}:", *regime.end,
            f"br i1 {regime.left}, label %undo, label %after, !prof !0",
        ]  # fmt: skip
    last = f"try{len(regimes) - 1}"
    return [
        *lines, "undo:", *undo, "br label %whole",
        *_loop("whole", "t", [last, "undo"], whole, "after"),
    ]  # fmt: skip


def _loop(
    label: str, clock: str, before: Sequence[str], body: Sequence[str], after: str, note: str = ""
) -> list[str]:
    starts = ", ".join(f"[%from, %{source}]" for source in before)
    return [
        f"{label}:",
        f"  %{clock} = phi i64 {starts}, [%{clock}.next, %{label}.done]",
        *body,
        f"  br label %{label}.done",
        f"{label}.done:",
        f"  %{clock}.next = add i64 %{clock}, 1",
        f"  %{clock}.more = icmp slt i64 %{clock}.next, %until",
        f"  br i1 %{clock}.more, label %{label}, label %{after}{note}",
    ]

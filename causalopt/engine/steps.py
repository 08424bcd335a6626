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
        start: Stands before the loop.
        body: One step; it notes which lanes are still inside.
        end: Finds whether some lane has left the regime.
        left: The name of that truth value.
    """

    test: Sequence[str]
    outside: str
    start: Sequence[str]
    body: Sequence[str]
    end: Sequence[str]
    left: str


def plain_steps(body: Sequence[str]) -> list[str]:
    """Return the loop of one body; `%t` is the step's number."""
    return ["br label %step", *_loop("step", "t", "block", body, "after")]


def regime_steps(
    regimes: Sequence[RegimeText], undo: Sequence[str], whole: Sequence[str]
) -> list[str]:
    """Return a loop for each regime, and the whole body's.

    The regime of the last block is tried first, without a look at the state: its loop finds out.

    Args:
        regimes: The regimes; regime k calls the step's number `%t.k`.
        undo: Brings back the state in which the block began.
        whole: A step for any state.
    """
    cases = " ".join(f"i64 {k}, label %start{k}" for k in range(len(regimes)))
    lines = [
        "%regime = load i64, ptr %c.regime",
        f"switch i64 %regime, label %try0 [{cases}]",
    ]
    for k, regime in enumerate(regimes):
        other = f"try{k + 1}" if k + 1 < len(regimes) else "unlike"
        lines += [
            f"try{k}:", *regime.test,
            f"br i1 {regime.outside}, label %{other}, label %start{k}",
            f"start{k}:", *regime.start, f"store i64 {k}, ptr %c.regime",
            f"br label %regime{k}",
            *_loop(f"regime{k}", f"t.{k}", f"start{k}", regime.body, f"end{k}", ", !llvm.loop !1"),
            f"end{k}:", *regime.end,
            f"br i1 {regime.left}, label %undo, label %after, !prof !0",
        ]  # fmt: skip
    return [
        *lines,
        "undo:", *undo, "br label %unlike",
        "unlike:", "store i64 -1, ptr %c.regime", "br label %whole",
        *_loop("whole", "t", "unlike", whole, "after"),
    ]  # fmt: skip


def _loop(
    label: str, clock: str, before: str, body: Sequence[str], after: str, note: str = ""
) -> list[str]:
    return [
        f"{label}:",
        f"  %{clock} = phi i64 [%from, %{before}], [%{clock}.next, %{label}.done]",
        *body,
        f"  br label %{label}.done",
        f"{label}.done:",
        f"  %{clock}.next = add i64 %{clock}, 1",
        f"  %{clock}.more = icmp slt i64 %{clock}.next, %until",
        f"  br i1 %{clock}.more, label %{label}, label %{after}{note}",
    ]

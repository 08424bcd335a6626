"""The steps of a block as LLVM text: one body, or one for each regime beside the whole one.

Lines run from the end of the label `block`, where `%from` and `%until` are known, to a jump to the
label `after`. A regime's loop has no branch: it goes to the end of its stretch of steps while it
notes whether any lane leaves the regime. If one did, the stretch is taken back and tried again as a
short one; steps that no regime describes are taken by the whole body.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

UNKNOWN, NONE, MIXED = -1, -2, -3  # in a regime's place: to find out, none, none the last time
SHORT = 8  # steps of a stretch in which some lane changes its regime


@dataclasses.dataclass(frozen=True)
class RegimeText:
    """The loop of one regime, in parts.

    Attributes:
        test: Finds whether some lane is outside the regime where a stretch begins.
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


@dataclasses.dataclass(frozen=True)
class Taken:
    """How a stretch of steps is begun, taken back and looked at afterwards.

    Attributes:
        save: Keeps the state in which it begins.
        undo: Brings that state back, by loads of which the optimiser knows nothing: what only
            rare paths compute must not be hoisted out of them.
        check: Ends a stretch, `%at` to `%stop`; jumps to or runs into the label `settled`.
    """

    save: Sequence[str]
    undo: Sequence[str]
    check: Sequence[str]


def plain_steps(body: Sequence[str], taken: Taken | None = None) -> list[str]:
    """Return the loop of one body; `%t` is the step's number."""
    save, check = ((), ()) if taken is None else (taken.save, taken.check)
    return [
        "%at = add i64 %from, 0",
        "%stop = add i64 %until, 0",
        *save,
        "br label %step",
        *_loop("step", "t", "block", "%stop", body, "done"),
        "done:",
        *check,
        "br label %settled",
        "settled:",
        "br label %after",
    ]


def regime_steps(
    regimes: Sequence[RegimeText], whole: Sequence[str], taken: Taken, *, unrolled: bool
) -> list[str]:
    """Return a loop for each regime, and the whole body's.

    The regime of the last stretch is tried first, without a look at the state: its loop finds out.

    Args:
        regimes: The regimes; regime k calls the step's number `%t.k`.
        whole: A step for any state.
        taken: How a stretch is begun and ended.
        unrolled: Whether a regime's loop takes two steps at once.
    """
    cases = " ".join(f"i64 {k}, label %start{k}" for k in range(len(regimes)))
    lines = [
        "store i64 %from, ptr %c.at",
        "store i64 %until, ptr %c.stop",
        "br label %save",
        "save:",
        *taken.save,
        "br label %go",
        "go:",
        "%at = load i64, ptr %c.at",
        "%stop = load i64, ptr %c.stop",
        f"%near = add i64 %at, {SHORT}",
        "%is.long = icmp slt i64 %near, %stop",
        "%regime = load i64, ptr %c.regime",
        f"switch i64 %regime, label %unknown [{cases}]",
        "unknown:",
        *taken.undo,
        f"%is.none = icmp eq i64 %regime, {NONE}",
        "br i1 %is.none, label %unlike, label %try0",
    ]
    for k, regime in enumerate(regimes):
        other = f"try{k + 1}" if k + 1 < len(regimes) else "unlike"
        lines += _regime(k, regime, other, unrolled=unrolled)
    return [*lines, *_mixed(whole), *_next(taken.check)]


def _regime(k: int, regime: RegimeText, other: str, *, unrolled: bool) -> list[str]:
    """Return one regime's test, loop and look back; `other` is where to go if it does not hold."""
    note = ", !llvm.loop !1" if unrolled else ""
    return [
        f"try{k}:",
        *regime.test,
        f"br i1 {regime.outside}, label %{other}, label %start{k}",
        f"start{k}:",
        *regime.start,
        f"store i64 {k}, ptr %c.regime",
        f"br label %regime{k}",
        *_loop(f"regime{k}", f"t.{k}", f"start{k}", "%stop", regime.body, f"end{k}", note),
        f"end{k}:",
        *regime.end,
        f"br i1 {regime.left}, label %undo, label %done, !prof !0",
    ]


def _mixed(whole: Sequence[str]) -> list[str]:
    """Return what follows when a lane left the regime, and when lanes are in none together."""
    return [
        "undo:",
        f"%not.known = select i1 %is.long, i64 {UNKNOWN}, i64 {NONE}",
        "store i64 %not.known, ptr %c.regime",
        "%sooner = select i1 %is.long, i64 %near, i64 %stop",
        "store i64 %sooner, ptr %c.stop",
        "br label %go",
        "unlike:",
        f"store i64 {MIXED}, ptr %c.regime",
        f"%is.sudden = icmp ne i64 %regime, {MIXED}",
        "%is.cut = and i1 %is.long, %is.sudden",
        "%whole.stop = select i1 %is.cut, i64 %near, i64 %stop",
        "store i64 %whole.stop, ptr %c.stop",
        "br label %whole",
        *_loop("whole", "t", "unlike", "%whole.stop", whole, "done"),
    ]


def _next(check: Sequence[str]) -> list[str]:
    """Return the end of a stretch: the next one, or the block's end."""
    return [
        "done:",
        *check,
        "br label %settled",
        "settled:",
        "%reached = load i64, ptr %c.stop",
        "store i64 %reached, ptr %c.at",
        "%is.left = icmp slt i64 %reached, %until",
        "br i1 %is.left, label %resume, label %after",
        "resume:",
        f"%further = add i64 %reached, {SHORT}",
        "%is.within = icmp slt i64 %further, %until",
        "%was = load i64, ptr %c.regime",
        "%was.one = icmp sge i64 %was, 0",
        "%is.short = and i1 %is.within, %was.one",
        "%next.stop = select i1 %is.short, i64 %further, i64 %until",
        "store i64 %next.stop, ptr %c.stop",
        "br label %save",
    ]


def _loop(
    label: str, clock: str, before: str, stop: str, body: Sequence[str], after: str, note: str = ""
) -> list[str]:
    return [
        f"{label}:",
        f"  %{clock} = phi i64 [%at, %{before}], [%{clock}.next, %{label}.done]",
        *body,
        f"  br label %{label}.done",
        f"{label}.done:",
        f"  %{clock}.next = add i64 %{clock}, 1",
        f"  %{clock}.more = icmp slt i64 %{clock}.next, {stop}",
        f"  br i1 %{clock}.more, label %{label}, label %{after}{note}",
    ]

"""Windows of steps as texts write them, `t>=5` or `10<=t<20`, and conditions that say the same."""

from __future__ import annotations

import ast
import dataclasses

from causalopt.language.algebra import add
from causalopt.language.scope import CLOCK
from causalopt.language.term import Term, const

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.Eq,
}


@dataclasses.dataclass(frozen=True)
class StepWindow:
    """The steps from `first` to `last`, both included; None: to the end."""

    first: int = 0
    last: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no step lies in it."""
        return self.last is not None and self.last < self.first

    @property
    def is_whole(self) -> bool:
        """Whether every step lies in it."""
        return self.first == 0 and self.last is None

    def met(self, other: StepWindow) -> StepWindow:
        """Return the steps that are in both."""
        ends = [end for end in (self.last, other.last) if end is not None]
        return StepWindow(max(self.first, other.first), min(ends, default=None))

    def condition(self, step: Term = CLOCK["t"]) -> Term | None:
        """Return the condition that a step lies in it, None where every step does."""
        low = Term.of("le", const(self.first), step) if self.first else None
        high = None if self.last is None else Term.of("le", step, const(self.last))
        if low is None or high is None:
            return low or high
        return (
            Term.of("eq", step, const(self.first)) if self.first == self.last else _both(low, high)
        )


def _both(a: Term, b: Term) -> Term:
    return Term.of("and", a, b)


def gated(window: StepWindow, value: Term, step: Term = CLOCK["t"]) -> Term:
    """Return a value at the steps of a window, and 0 at the others."""
    condition = window.condition(step)
    return value if condition is None else Term.of("where", condition, value, const(0))


def step_before(steps: int = 1) -> Term:
    """Return the step some steps ago."""
    return add(CLOCK["t"], const(-steps))


def window_of(node: ast.expr) -> StepWindow | None:
    """Return the window that stands in a variable's brackets, None where there is none.

    Example:
        >>> window_of(ast.parse("10 <= t < 20", mode="eval").body)
        StepWindow(first=10, last=19)
    """
    step = _whole(node)
    if step is not None:
        return StepWindow(step, step)
    if not isinstance(node, ast.Compare):
        return None
    found = StepWindow()
    sides = [node.left, *node.comparators]
    for a, op, b in zip(sides, node.ops, sides[1:], strict=False):
        if _is_step(b):
            a, b, kind = b, a, _FLIPPED.get(type(op))
        else:
            kind = type(op)
        bound = _whole(b)
        if not _is_step(a) or bound is None or kind not in _FLIPPED:
            return None
        found = found.met(_bounded(kind, bound))
    return found


def steps_expected(found: str) -> str:
    """Return what is said where the steps in a node's brackets cannot be read."""
    timed = "; steps are counted, so that a time is written as time/dt" if "time" in found else ""
    return f"the steps must read 3, t<=10, t>=5 or 3<=t<9, found '{found}'{timed}"


def _bounded(kind: type[ast.cmpop], bound: int) -> StepWindow:
    if kind is ast.Eq:
        return StepWindow(bound, bound)
    if kind in {ast.Lt, ast.LtE}:
        return StepWindow(0, bound - (kind is ast.Lt))
    return StepWindow(bound + (kind is ast.Gt))


def _is_step(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "t"


def _whole(node: ast.expr) -> int | None:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    return None

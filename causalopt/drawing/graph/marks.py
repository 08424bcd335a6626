"""The marks: which node is in A, nudged, held, changed by the nudge, and moved again by holding A.

By the graph alone (Defining Optimization, Part 3): X differs from W in everything downstream of the
nudged node; Y differs from X in every node of A that X changed, and downstream of those.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from causalopt.drawing.graph.asked_nodes import measured_windows, nudged_windows
from causalopt.drawing.graph.held_parts import held_parts
from causalopt.effects.asked import asked_target, said_hold
from causalopt.engine.contract import Bools, Plan
from causalopt.model.model import Model
from causalopt.model.reach import reachable
from causalopt.model.regions.set_evaluation import region_of_windows
from causalopt.model.selectors import Node, Selection
from causalopt.model.template import Template
from causalopt.worlds.interventions import held_mask

MOST_KEPT = 2  # of the windows that are nudged, and of those measured, whose ends are always drawn


@dataclasses.dataclass(frozen=True, eq=False)
class Marks:
    """What each node is and what the worlds do to it; arrays have shape [t, variable].

    Attributes:
        names: The variables, in the order of the arrays' second axis.
        steps: The last step.
        nudge: The node n, None for a picture without worlds.
        measured_node: The node m as it was said, None where none is marked.
        nudged: What is nudged: windows, of one node each or of several.
        measured: What is measured, likewise.
        hold: The set A that Y holds; empty without worlds.
        in_a: Whether the node is in A: held, or in the partition's A.
        held: Whether it keeps its value from W in Y.
        partly: Whether some elements of an array do, and not all.
        changed: Whether X differs from W there.
        moved: Whether Y differs from X there.
        differs: Whether Y differs from W there.
        region: What is held, whole or in part, where it is not the same at all steps.
        border: Whether the node is in that region, with a parent or a child outside of it.
    """

    names: tuple[str, ...]
    steps: int
    nudge: Node | None
    measured_node: Node | None
    nudged: Selection
    measured: Selection
    hold: Selection
    in_a: Bools
    held: Bools
    partly: Bools
    changed: Bools
    moved: Bools
    differs: Bools
    region: Bools
    border: Bools

    @functools.cached_property
    def _columns(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def of(self, node: Node) -> Mark:
        """Return one node's mark."""
        place = (node.t, self._columns[node.variable])
        return Mark(
            in_a=bool(self.in_a[place]),
            nudged=any(node in window for window in self.nudged),
            measured=any(node in window for window in self.measured),
            held=bool(self.held[place]),
            partly=bool(self.partly[place]),
            changed=bool(self.changed[place]),
            moved=bool(self.moved[place]),
            differs=bool(self.differs[place]),
            border=bool(self.border[place]),
        )

    def nodes(self) -> list[Node]:
        """Return the nodes at the ends of what is nudged and measured, the first few of each."""
        return [node for windows in self._asked for node in self._ends(windows[:MOST_KEPT])]

    @property
    def _asked(self) -> tuple[Selection, Selection]:
        return self.nudged, self.measured

    def _ends(self, windows: Selection) -> list[Node]:
        return [
            Node(window.variable, self.steps if t is None else t)
            for window in windows
            for t in (window.first, window.last)
        ]

    def events(self) -> list[int]:
        """Return the steps at which something begins or ends: those of A's windows, then others."""
        begins = [window.first for window in self.hold if not window.is_whole]
        lasts = [window.last for window in self.hold if window.last is not None]
        ends = [*begins, *lasts, *(t + 1 for t in lasts), *(t - 1 for t in begins)]
        ends += [n.t for windows in self._asked for n in self._ends(windows[MOST_KEPT:])]
        return [t for t in dict.fromkeys(ends) if 0 <= t <= self.steps]


@dataclasses.dataclass(frozen=True)
class Mark:
    """What one node is and what the worlds do to it; see `Marks`."""

    in_a: bool = False
    nudged: bool = False
    measured: bool = False
    held: bool = False
    partly: bool = False
    changed: bool = False
    moved: bool = False
    differs: bool = False
    border: bool = False

    @property
    def symbol(self) -> str:
        """A sign that says without colour what the worlds do to the node."""
        if self.moved:
            return "◆" if self.differs else "◇"
        return "▲" if self.changed else ""

    @property
    def role(self) -> str:
        """What is written at n, which is nudged by delta, and at m."""
        parts = [*(["n + δ"] if self.nudged else []), *(["m"] if self.measured else [])]
        return ", ".join(parts)

    @property
    def kept(self) -> str:
        """What is written at a node that keeps its value from W in Y."""
        return "= w" if self.held else "some = w" if self.partly else ""

    @property
    def words(self) -> str:
        """The mark in words."""
        parts = ["in A" if self.in_a else "in A in part" if self.partly else "in B"]
        if self.border:
            parts.append("on its boundary")
        if self.nudged:
            parts.append("nudged in X and Y")
        if self.measured:
            parts.append("measured")
        if self.held:
            parts.append("held at W's value in Y")
        elif self.partly:
            parts.append("some elements held at W's values in Y")
        if self.moved:
            parts.append("X changes it, Y " + ("moves it again" if self.differs else "restores W"))
        elif self.changed and not self.nudged:
            parts.append("X changes it, Y leaves it so")
        return ", ".join(parts)


def edge_state(source: Mark, target: Mark) -> str:
    """Return what the worlds do to an edge: plain, changed, moved, or cut.

    An edge into a held node is cut in Y, one into an array that is held in part is not; one out of
    a node that Y moves again carries that on.
    """
    if target.held:
        return "cut-changed" if source.changed else "cut"
    if source.moved:
        return "moved"
    return "changed" if source.changed else "plain"


def marks_for(
    model: Model,
    *,
    steps: int,
    nudge: str | Node | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
) -> Marks:
    """Return the marks of a model's nodes under a question.

    Args:
        model: The model.
        steps: The last step; 0 for a model without time.
        nudge: The node n; None marks A and B only.
        hold: The set A; the partition's when not given.
        target: The variable m, which is marked at the last step; None marks none.

    Raises:
        QuestionError: n lies in A or after the last step.
        UnknownNameError: A variable is not declared.
    """
    template = model.skeleton
    n = None if nudge is None else model.node(nudge)
    said = () if hold == "" else said_hold(model, hold, nudge=n, target=target, steps=steps)
    selection = said or ()
    m = None if target is None else model.target(asked_target(model, target))
    if n is not None:
        model.check_nudge(n, selection, steps)
    whole, parts = held_parts(model, selection)
    nudged = () if n is None else nudged_windows(model, n)
    plan = _structural_plan(model, steps, whole)
    ranges = [] if n is None else _starts(model, n, steps)
    held, partly = _rows(plan.held, steps), _rows(held_mask(model, parts, steps), steps)
    nothing = np.zeros_like(held)
    reach = functools.partial(reachable, template, plan, starts={}, ranges=ranges)
    changed = reach(avoid_held=False).table.copy() if ranges else nothing
    differs = reach(avoid_held=True).table.copy() if ranges else nothing
    first = min((w.first for w in nudged), default=0)
    changed[:first] = differs[:first] = False  # a parameter's rules read it before, unchanged
    moved = _moved(template, plan, partly, changed, ranges) if ranges and selection else nothing
    columns = [template.index[name] for name in template.names]
    region, border = _region(model, selection, steps)
    partition = np.array([name in model.A for name in template.names])
    return Marks(
        names=template.names,
        steps=steps,
        nudge=n,
        measured_node=None if m is None else dataclasses.replace(m, t=steps),
        nudged=nudged,
        measured=() if m is None else measured_windows(model, m, steps),
        hold=selection if n is not None else (),
        in_a=held[:, columns] | partition,
        held=held[:, columns] & (n is not None),
        partly=partly[:, columns],
        changed=changed[:, columns],
        moved=moved[:, columns],
        differs=differs[:, columns],
        region=region,
        border=border,
    )


def _starts(model: Model, n: Node, steps: int) -> list[tuple[int, int, int]]:
    """Return where a nudge enters: (first step, last step, equation)."""
    index = model.skeleton.index
    if n.variable not in model.asked_variables:
        return [(n.t, n.t, index[n.variable])]
    windows = model.nudged(n)
    found = [(w.first, steps if w.last is None else w.last, index[w.variable]) for w in windows]
    if any(push.is_parameter for push in model.template.pushes[n.variable]):
        found.append((n.t, n.t, index[n.variable]))  # by way of every rule that reads it
    return [(first, min(last, steps), i) for first, last, i in found]


def _region(model: Model, selection: Selection, steps: int) -> tuple[Bools, Bools]:
    """Return a set's nodes and those on its boundary, nothing where it is the same at all steps."""
    if all(window.first == 0 and window.last is None for window in selection):
        nothing = np.zeros((steps + 1, len(model.skeleton.names)), dtype=bool)
        return nothing, nothing
    space = model.spacetime(steps)
    late = [window for window in selection if window.first <= steps]
    found = region_of_windows(space, tuple(late)).neighbours
    return found.touched, found.touched & (found.has_parent_outside | found.has_child_outside)


def _structural_plan(model: Model, steps: int, hold: Selection) -> Plan:
    """Return a plan that says which nodes follow no rule, and no value."""
    template = model.skeleton
    rows = min(max(len(e.initial) for e in template.equations), steps + 1)
    forced = np.zeros((rows, len(template.equations)), dtype=bool)
    for i, equation in enumerate(template.equations):
        forced[: len(equation.initial), i] = True
    return Plan(
        steps=steps,
        parameters=np.zeros(0),
        forced=forced,
        values=np.zeros(forced.shape),
        shifts=np.zeros(forced.shape),
        held=held_mask(model, hold, steps),
        seed=None,
    )


def _rows(mask: Bools, steps: int) -> Bools:
    """Return a mask whose last row lasts with a row for every step."""
    found: Bools = mask[np.minimum(np.arange(steps + 1), len(mask) - 1)]
    return found


def _moved(
    template: Template,
    plan: Plan,
    partly: Bools,
    changed: Bools,
    nudged: Sequence[tuple[int, int, int]],
) -> Bools:
    """Return where Y differs from X: at held nodes that X changed, and downstream of them."""
    width, depth = len(template.equations), template.max_lag
    parents = [[(template.index[p], lag) for p, lag in e.parents] for e in template.equations]
    starts = [len(e.initial) for e in template.equations]
    moved = np.zeros_like(changed)
    settled = max(len(plan.held), *starts) + depth
    settled = max(settled, _settled(changed), _settled(partly) + depth)
    for t in range(plan.steps + 1):
        held = plan.held_at(t)
        for i in range(width):
            if held[i]:
                moved[t, i] = changed[t, i]
                continue
            if t >= starts[i]:
                moved[t, i] = any(moved[t - lag, j] for j, lag in parents[i])
            # The nudge is made outside A: what it changes there itself, Y leaves so.
            is_nudged = any(i == seed and first <= t <= last for first, last, seed in nudged)
            moved[t, i] |= partly[t, i] and changed[t, i] and not is_nudged
        if t > settled and (moved[t - depth : t] == moved[t]).all():
            moved[t + 1 :] = moved[t]
            break
    return moved


def _settled(rows: Bools) -> int:
    """Return the first step from which on every row is the last one."""
    other = np.flatnonzero((rows != rows[-1]).any(axis=1))
    return int(other[-1]) + 1 if len(other) else 0

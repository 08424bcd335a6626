"""One-sided derivatives: tangents where W sits on a kink, in the direction of a positive nudge.

A directional derivative decides a tie by what moves: of two equal numbers that one is larger whose
tangent is. Executions carry tangents along the branches of W and note the first step at which a
nudge moves a closed gap; from there what follows from the tie is computed again here, whatever ran
the rest. In reverse there is no such derivative: it is not linear in the tangents.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from causalopt.engine.adjoint import Baseline, whole_baseline
from causalopt.engine.contract import Floats, Plan, Tangents
from causalopt.engine.executions import execution
from causalopt.engine.linearization import linearize
from causalopt.language import algebra
from causalopt.language.operations import COMPARISONS, LOGIC, OPERATIONS
from causalopt.language.term import Term, evaluate
from causalopt.model.template import Structure, leaf_name


@dataclasses.dataclass(frozen=True, order=True)
class Tie:
    """A comparison that a nudge decides: at step t, in the rule of an equation."""

    t: int
    equation: int
    term: Term = dataclasses.field(compare=False)


@dataclasses.dataclass(frozen=True)
class OneSided:
    """What follows from ties.

    Attributes:
        total: Derivatives over all paths, mantissas as in `Tangents`, shape [t, equation].
        direct: Derivatives over the paths that avoid A.
        ties: (t, equation) -> the first tie that a path from the nudge to that node passes.
    """

    total: Floats
    direct: Floats
    ties: dict[tuple[int, int], Tie]


@dataclasses.dataclass(frozen=True)
class _Moved:
    """A number of W, its limit from the nudge's side where it jumps, and its derivative."""

    value: float
    near: float
    slope: float = 0.0
    tie: Tie | None = None


def one_sided(structure: Structure, plan: Plan, run: Tangents) -> OneSided:
    """Return the tangents of a run with its ties decided by the nudge."""
    if run.kink is None:
        return OneSided(run.total, run.direct, {})
    plain = dataclasses.replace(plan, seed=None)
    baseline = whole_baseline(execution(run.execution), structure, plain)
    total, direct = run.total.copy(), run.direct.copy()
    found: dict[tuple[int, int], Tie] = {}
    for world, table in enumerate((total, direct)):
        walk = _Walk(structure, plan, baseline, table, run.exponents[:, world], avoid=world == 1)
        for t in range(run.kink, plan.steps + 1):
            walk.step(t)
        for node, tie in walk.ties.items():
            other = found.get(node)
            if other is not tie:
                found[node] = tie if other is None else min(tie, other)
    return OneSided(total, direct, found)


class _Walk:
    """One world's tangents from the first tie on; `table` is put right in place."""

    def __init__(
        self,
        structure: Structure,
        plan: Plan,
        baseline: Baseline,
        table: Floats,
        exponents: np.ndarray,
        *,
        avoid: bool,
    ) -> None:
        linear = linearize(structure)
        self._structure, self._plan, self._avoid = structure, plan, avoid
        self._values, self._table, self._given = baseline.values, table, baseline.slopes
        self._exponents = exponents
        self._places = {name: i for i, name in enumerate(structure.names)}
        self._constants = dict(zip(structure.parameters, plan.parameters.tolist(), strict=True))
        self._partials: list[list[tuple[int, int, int]]] = [[] for _ in structure.names]
        self._children: list[set[tuple[int, int]]] = [set() for _ in structure.names]
        for k, partial in enumerate(linear.partials):
            self._partials[partial.child].append((k, partial.parent, partial.lag))
            self._children[partial.parent].add((partial.child, partial.lag))
        self._waiting: dict[int, set[int]] = {}  # step -> equations to look at
        for t, gap in np.argwhere(baseline.closed).tolist():
            self._waiting.setdefault(t, set()).add(linear.moving_gaps[gap].child)
        self._closed = {t: frozenset(children) for t, children in self._waiting.items()}
        self.ties: dict[tuple[int, int], Tie] = {}
        self._tangents: dict[tuple[int, int], float] = {}

    def step(self, t: int) -> None:
        """Put one step's tangents right."""
        waiting = self._waiting.pop(t, None)
        if not waiting:
            return
        plan, closed = self._plan, self._closed.get(t, ())
        while waiting:
            i = min(waiting)  # parents of the same step come first
            waiting.remove(i)
            rule = self._structure.rules[i]
            is_forced = t < len(plan.forced) and plan.forced[t, i]
            if rule is None or is_forced or (self._avoid and plan.held_at(t)[i]):
                continue
            if i in closed:
                moved = _Rule(self, t, i).of(rule)
                slope, tie = moved.slope, moved.tie
            else:
                slope, tie = self._linear(t, i)
            if tie is None:
                continue
            if plan.seed == (t, i):
                slope += 1.0
            self._table[t, i] = self._tangents[t, i] = slope
            self.ties[t, i] = tie
            for child, lag in self._children[i]:
                if not lag:
                    waiting.add(child)
                elif t + lag in self._waiting:
                    self._waiting[t + lag].add(child)
                elif t + lag <= plan.steps:
                    self._waiting[t + lag] = {child}

    def _linear(self, t: int, i: int) -> tuple[float, Tie | None]:
        slope, tie, slopes = 0.0, None, self._given[t]
        for k, parent, lag in self._partials[i]:
            factor = slopes.item(k)
            if lag <= t and factor != 0.0:
                slope += factor * self.tangent(t, parent, lag)
                other = self.ties.get((t - lag, parent))
                if other is not None and other is not tie:
                    tie = other if tie is None else min(tie, other)
        return slope, tie

    def tangent(self, t: int, i: int, lag: int) -> float:
        """Return a node's tangent in the power of two of step t."""
        before = t - lag
        value = self._tangents.get((before, i))
        if value is None:
            value = self._table.item(before, i)
        if lag and value:
            power = self._exponents.item(before) - self._exponents.item(t)
            return math.ldexp(value, power) if power else value
        return value

    def leaf(self, term: Term, t: int) -> float:
        """Return what a leaf stands for along W."""
        if isinstance(term.payload, tuple):
            name, lag = term.payload
            return float(self._values[t - lag, self._places[name]]) if lag <= t else math.nan
        if term.op == "t":
            return float(t)
        return float(self._constants[leaf_name(term)])

    def node(self, term: Term, t: int) -> _Moved:
        """Return a leaf with its tangent."""
        if term.op in {"const", "pi"}:
            value = evaluate(term, lambda _: math.nan)
            return _Moved(value, value)
        value = self.leaf(term, t)
        if not isinstance(term.payload, tuple) or term.payload[1] > t:
            return _Moved(value, value)
        i, lag = self._places[term.payload[0]], term.payload[1]
        return _Moved(value, value, self.tangent(t, i, lag), self.ties.get((t - lag, i)))


class _Rule:
    """One rule with its derivative; of a branch only the sides that are read."""

    def __init__(self, walk: _Walk, t: int, equation: int) -> None:
        self._walk, self._t, self._equation = walk, t, equation
        self._done: dict[Term, _Moved] = {}

    def of(self, root: Term) -> _Moved:
        done, stack = self._done, [root]
        while stack:
            term = stack[-1]
            args = self._read(term)
            missing = [arg for arg in args if arg not in done]
            if missing:
                stack += missing
                continue
            stack.pop()
            if term in done:
                continue
            if term.is_leaf:
                done[term] = self._walk.node(term, self._t)
            elif term.op == "where":
                done[term] = self._branch(term)
            else:
                done[term] = self._operation(term, [done[arg] for arg in args])
        return done[root]

    def _read(self, term: Term) -> tuple[Term, ...]:
        if term.op != "where":
            return term.args
        condition, a, b = term.args
        truth = self._done.get(condition)
        if truth is None:
            return (condition,)
        sides = {bool(truth.value): None, bool(truth.near): None}
        return (condition, *(a if side else b for side in sides))

    def _branch(self, term: Term) -> _Moved:
        truth = self._done[term.args[0]]
        before, after = (
            self._done[term.args[1 if side else 2]] for side in (truth.value, truth.near)
        )
        return _Moved(before.value, after.near, after.slope, _first(truth.tie, after.tie))

    def _operation(self, term: Term, args: list[_Moved]) -> _Moved:
        operation = OPERATIONS[term.op]
        payload = () if term.payload is None else (term.payload,)
        value = float(operation.floats(*(arg.value for arg in args), *payload))
        near = float(operation.floats(*(arg.near for arg in args), *payload))
        if term.op in COMPARISONS | {"min", "max"}:
            return self._compared(term, value, near, args)
        if term.op in LOGIC:
            tie = _first(*(arg.tie for arg in args)) if near != value or _tied(args) else None
            return _Moved(value, near, 0.0, tie)
        if operation.kink is not None:
            return self._bent(term, value, near, args[0])
        assert operation.slopes is not None
        slope, tie = 0.0, None
        terms = operation.slopes(algebra, term, *term.args)
        for arg, factor in zip(args, terms, strict=True):
            if arg.slope != 0.0 or arg.tie is not None:
                local = evaluate(factor, lambda leaf: self._walk.leaf(leaf, self._t))
                slope += local * arg.slope if arg.slope != 0.0 else 0.0
                tie = _first(tie, arg.tie if local != 0.0 else None)
        return _Moved(value, near, slope, tie)

    def _compared(self, term: Term, value: float, near: float, args: list[_Moved]) -> _Moved:
        """Compare what is equal by its tangents."""
        a, b = args
        is_equal = a.near == b.near
        is_tie = is_equal and a.slope != b.slope
        tie = Tie(self._t, self._equation, term) if is_tie else None
        if is_equal and not is_tie:  # an earlier branch keeps them equal, on this side alone
            tie = _first(a.tie, b.tie)
        if term.op in COMPARISONS:
            if is_tie:
                near = float(OPERATIONS[term.op].floats(a.slope, b.slope))
            elif (a.near, b.near) != (a.value, b.value):
                tie = _first(a.tie, b.tie)
            return _Moved(value, near, 0.0, tie)
        first = OPERATIONS["le"].floats(*((a.near, b.near) if not is_tie else (a.slope, b.slope)))
        chosen = a if first == (term.op == "min") else b
        return _Moved(value, near, chosen.slope, _first(tie, chosen.tie))

    def _bent(self, term: Term, value: float, near: float, arg: _Moved) -> _Moved:
        """Return abs, sign, floor or ceil."""
        corner = near if term.op in {"floor", "ceil"} else 0.0
        is_tie = arg.near == corner and arg.slope != 0.0
        tie = Tie(self._t, self._equation, term) if is_tie else None
        if (
            arg.near == corner and not is_tie
        ):  # an earlier branch keeps it there, on this side alone
            tie = arg.tie
        if term.op == "abs":
            sign = math.copysign(1.0, arg.slope if is_tie else arg.near)
            return _Moved(value, near, sign * arg.slope, _first(tie, arg.tie))
        if is_tie and term.op == "sign":
            near = math.copysign(1.0, arg.slope)
        elif is_tie:
            near += {"floor": -1.0, "ceil": 1.0}[term.op] * (
                (arg.slope < 0) if term.op == "floor" else (arg.slope > 0)
            )
        return _Moved(value, near, 0.0, tie if near == value or is_tie else _first(tie, arg.tie))


def _tied(args: list[_Moved]) -> bool:
    return any(arg.tie is not None for arg in args)


def _first(*ties: Tie | None) -> Tie | None:
    return min((tie for tie in ties if tie is not None), default=None)

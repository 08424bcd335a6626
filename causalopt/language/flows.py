"""Flows into rules: explicit integrators written as ordinary nodes of the graph.

A method's stage values are nodes of their own, and so are the values between two steps that a lag
in time reads. Each is owned by its variable, so that holding a variable holds these too: the held
world is then the same method applied to B driven by A.

Every stage has its place inside the step from t-1 to t: `c` = 0 is the start and 1 the end. A value
at the end is that before anything is done to the node there (a nudge, the end of a history).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from causalopt.language.scope import CLOCK, elapsed
from causalopt.language.term import Term, const, leaves, postorder, ref, substitute

_HALF, _ONE = Fraction(1, 2), Fraction(1)
_STAGES = {"euler": (Fraction(0),), "rk4": (Fraction(0), _HALF, _HALF, _ONE)}


@dataclasses.dataclass(frozen=True)
class Stage:
    """One node of the integrator.

    Attributes:
        name: The variable itself, or `v.2` for a stage, `v.1of2` for a value between two steps.
        rule: Its value at t.
        owner: The declared variable it belongs to.
        c: Its place inside the step, from 0 at the start to 1 at the end.
    """

    name: str
    rule: Term
    owner: str
    c: Fraction = _ONE


def discretize(
    flows: Mapping[str, Term],
    algebraic: Mapping[str, Term],
    method: Literal["euler", "rk4"],
    dt: Fraction,
) -> list[Stage]:
    """Return the rules that integrate dv/dtime = flow over one step of length dt.

    Args:
        flows: Variable -> its time derivative, with same-step references to variables, and
            `delayed` ones.
        algebraic: Variable -> its value at every instant, likewise; evaluated at each stage.
        method: `euler`: v + dt f(v). `rk4`: the classical fourth-order Runge-Kutta method.
            Variables that are neither keep their value of the step's start at every stage.
        dt: The length of a step, which `time` is counted in.

    Lags read the method's own continuous extension, which is of order 3 for rk4: enough for a
    global error of order 4 (Bellen and Zennaro, 2003, chapter 5).
    """
    return _Integrator(flows, algebraic, method, dt).stages()


def read_at_stages(flows: Mapping[str, Term], algebraic: Mapping[str, Term]) -> dict[str, str]:
    """Return what the integrator evaluates at its stages -> a flow or algebraic that reads it."""
    readers: dict[str, str] = {}
    stack = list(flows)
    while stack:
        reader = stack.pop()
        for leaf in leaves(flows[reader] if reader in flows else algebraic[reader]):
            if isinstance(leaf.payload, tuple) and leaf.payload[0] not in readers:
                readers[leaf.payload[0]] = reader
                if leaf.payload[0] in algebraic:
                    stack.append(leaf.payload[0])
    return readers


class _Integrator:
    """The nodes of one method; those between steps are added when a lag is seen to read them."""

    def __init__(
        self, flows: Mapping[str, Term], algebraic: Mapping[str, Term], method: str, dt: Fraction
    ) -> None:
        self._flows, self._algebraic, self._method, self._dt = flows, algebraic, method, dt
        self._between: dict[tuple[str, Fraction], None] = {}

    def stages(self) -> list[Stage]:
        """Return all nodes."""
        needed = [v for v in self._algebraic if v in read_at_stages(self._flows, self._algebraic)]
        nodes: list[Stage] = []
        self._slopes: list[dict[str, Term]] = []
        for number, c in enumerate(_STAGES[self._method], 1):
            suffix = f".{number}" if number > 1 else ""
            if suffix:
                moved = {v: [(c, self._slopes[-1][v])] for v in self._flows}
                nodes += [Stage(v + suffix, _moved(v, moved[v]), v, c) for v in self._flows]
                nodes += [
                    Stage(v + suffix, self._at(self._algebraic[v], c, suffix), v, c) for v in needed
                ]
            self._slopes.append({v: self._at(flow, c, suffix) for v, flow in self._flows.items()})
        instants = [Stage(v, self._at_instant(term), v) for v, term in self._algebraic.items()]
        between = self._nodes_between()
        ends = {node.owner for node in between if node.c == 1}
        final = [
            Stage(v, ref(f"{v}.end", 0) if v in ends else self._extension(v, _ONE), v)
            for v in self._flows
        ]
        return _without_unread([*nodes, *final, *instants, *between])

    def _nodes_between(self) -> list[Stage]:
        nodes: list[Stage] = []
        seen: set[tuple[str, Fraction]] = set()
        while missing := [place for place in self._between if place not in seen]:
            for v, c in missing:
                seen.add((v, c))
                rule = (
                    self._extension(v, c)
                    if v in self._flows
                    else self._at(self._algebraic[v], c, None)
                )
                nodes.append(Stage(_between_name(v, c), rule, v, c))
        return nodes

    def _extension(self, v: str, c: Fraction) -> Term:
        """Return v at c inside the step, from the step's slopes."""
        if self._method == "euler":
            weights = [c]
        else:
            middle = c**2 - Fraction(2, 3) * c**3
            first = c - Fraction(3, 2) * c**2 + Fraction(2, 3) * c**3
            weights = [first, middle, middle, Fraction(2, 3) * c**3 - c**2 / 2]
        return _moved(v, [(w, k[v]) for w, k in zip(weights, self._slopes, strict=True)])

    def _at(self, term: Term, c: Fraction, suffix: str | None) -> Term:
        """Return a flow or algebraic at c: at a stage, or without a suffix between two steps."""
        exchange = {CLOCK["time"]: self._time(1 - c)}
        for leaf in leaves(term):
            if isinstance(leaf.payload, tuple):
                name = leaf.payload[0]
                if suffix == "" or not self._is_continuous(name):
                    exchange[leaf] = ref(name, 1)
                elif suffix is None:
                    exchange[leaf] = self._between_steps(name, c, 0)
                else:
                    exchange[leaf] = ref(name + suffix, 0)
        return self._exchanged(term, exchange, c - 1, from_left=c == 1)

    def _at_instant(self, term: Term) -> Term:
        return self._exchanged(term, {CLOCK["time"]: self._time(Fraction(0))}, Fraction(0))

    def _exchanged(
        self, term: Term, exchange: dict[Term, Term], place: Fraction, *, from_left: bool = False
    ) -> Term:
        """Return a term with its references exchanged; it is evaluated `place` steps after t."""
        for part in postorder(term):
            if part.op == "delayed":
                name, steps = part.args[0].payload, part.args[1].payload
                assert isinstance(name, tuple)
                assert isinstance(steps, Fraction)
                exchange[part] = self._past(name[0], place - steps, from_left=from_left)
        return substitute(term, exchange)

    def _past(self, name: str, place: Fraction, *, from_left: bool) -> Term:
        """Return a variable's value `place` steps after t, a step or more ago."""
        step = math.ceil(place) - 1 if from_left else math.floor(place)  # the start of its step
        c = place - step
        if c == 0 or not self._is_continuous(name):
            return ref(name, -step)
        return self._between_steps(name, c, -(step + 1))

    def _between_steps(self, name: str, c: Fraction, lag: int) -> Term:
        self._between[name, c] = None
        return ref(_between_name(name, c), lag)

    def _time(self, before: Fraction) -> Term:
        """Return the time at t, or a part of a step before."""
        steps = Term.of("sub", CLOCK["t"], const(before)) if before else CLOCK["t"]
        return elapsed(steps, self._dt)

    def _is_continuous(self, name: str) -> bool:
        return name in self._flows or name in self._algebraic


def _without_unread(stages: list[Stage]) -> list[Stage]:
    """Return the nodes without stages that nothing reads."""
    read = {
        leaf.payload[0]
        for s in stages
        for leaf in leaves(s.rule)
        if isinstance(leaf.payload, tuple)
    }
    kept = [stage for stage in stages if stage.name == stage.owner or stage.name in read]
    return kept if len(kept) == len(stages) else _without_unread(kept)


def _between_name(variable: str, c: Fraction) -> str:
    return f"{variable}.end" if c == 1 else f"{variable}.{c.numerator}of{c.denominator}"


def _moved(variable: str, increments: list[tuple[Fraction, Term]]) -> Term:
    """Return v[t-1] + dt * (w1 k1 + w2 k2 + ...)."""
    total: Term | None = None
    for weight, slope in increments:
        part = slope if weight == 1 else Term.of("mul", const(weight), slope)
        total = part if total is None else Term.of("add", total, part)
    assert total is not None
    return Term.of("add", ref(variable, 1), Term.of("mul", CLOCK["dt"], total))

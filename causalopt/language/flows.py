"""Flows into rules: explicit integrators written as ordinary nodes of the graph.

A multi-stage method's stage values are nodes of their own, owned by their variable, so that holding
a variable holds its stages too: the held world is then the same method applied to B driven by A.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from causalopt.language.scope import CLOCK, elapsed
from causalopt.language.term import Term, const, leaves, ref, substitute


@dataclasses.dataclass(frozen=True)
class Stage:
    """One node of the integrator: a stage value, or the variable's new value."""

    name: str
    rule: Term
    owner: str


def discretize(
    flows: Mapping[str, Term], method: Literal["euler", "rk4"], dt: Fraction
) -> list[Stage]:
    """Return the rules that integrate dv/dtime = flow over one step of length dt.

    Args:
        flows: Variable -> its time derivative, with same-step references to state variables.
        method: `euler`: v + dt f(v). `rk4`: the classical fourth-order Runge-Kutta method.
            Variables that have no flow keep their value of the step's start at every stage.
        dt: The length of a step, which `time` is counted in.
    """
    start, middle, end = (
        elapsed(Term.of("sub", CLOCK["t"], const(back)), dt)
        for back in (Fraction(1), Fraction(1, 2), Fraction(0))
    )
    if method == "euler":
        slopes = _slopes(flows, {}, start)
        return [Stage(v, _moved(v, [(Fraction(1), slopes[v])]), v) for v in flows]
    nodes: list[Stage] = []
    stages = [_slopes(flows, {}, start)]
    half, whole = Fraction(1, 2), Fraction(1)
    for number, weight, time in ((2, half, middle), (3, half, middle), (4, whole, end)):
        nodes += [Stage(f"{v}.{number}", _moved(v, [(weight, stages[-1][v])]), v) for v in flows]
        stages.append(_slopes(flows, {v: f"{v}.{number}" for v in flows}, time))
    weights = (Fraction(1, 6), Fraction(1, 3), Fraction(1, 3), Fraction(1, 6))
    final = [
        Stage(v, _moved(v, [(w, k[v]) for w, k in zip(weights, stages, strict=True)]), v)
        for v in flows
    ]
    return nodes + final


def _slopes(flows: Mapping[str, Term], names: Mapping[str, str], time: Term) -> dict[str, Term]:
    """Return each flow at a stage: at the stage's states (or the step's start) and its time."""
    exchange: dict[Term, Term] = {CLOCK["time"]: time}
    for leaf in leaves(*flows.values()):
        if isinstance(leaf.payload, tuple):
            name = leaf.payload[0]
            exchange[leaf] = ref(names[name], 0) if name in names else ref(name, 1)
    return {v: substitute(flow, exchange) for v, flow in flows.items()}


def _moved(variable: str, increments: list[tuple[Fraction, Term]]) -> Term:
    """Return v[t-1] + dt * (w1 k1 + w2 k2 + ...)."""
    total: Term | None = None
    for weight, slope in increments:
        part = slope if weight == 1 else Term.of("mul", const(weight), slope)
        total = part if total is None else Term.of("add", total, part)
    assert total is not None
    return Term.of("add", ref(variable, 1), Term.of("mul", CLOCK["dt"], total))

"""Flows of arrays into rules: explicit integrators as ordinary nodes, as `language.flows` has it.

A method's stages are nodes of their own, owned by their variable, so that holding it holds them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from causalopt.language.scope import ratio
from causalopt.model.declaration import Method
from causalopt.tensors.building import const, elementwise, expanded, given, ref
from causalopt.tensors.tensor import Shape, Tensor, inputs, rebuilt

_HALF, _ONE = Fraction(1, 2), Fraction(1)
_STAGES = {"euler": (Fraction(0),), "rk4": (Fraction(0), _HALF, _HALF, _ONE)}
_WEIGHTS = {
    "euler": (Fraction(1),),
    "rk4": (Fraction(1, 6), Fraction(1, 3), Fraction(1, 3), Fraction(1, 6)),
}


@dataclasses.dataclass(frozen=True)
class ArrayStage:
    """One node of the integrator: its name, its value at t, and the variable it belongs to."""

    name: str
    rule: Tensor
    owner: str


def elapsed(steps: Tensor, dt: Fraction) -> Tensor:
    """Return the time after some steps, as rules of numbers have it."""
    numerator, denominator = ratio(dt)
    whole = steps if numerator == 1 else elementwise("mul", steps, const(numerator))
    return whole if denominator == 1 else elementwise("div", whole, const(denominator))


def discretized(
    flows: Mapping[str, Tensor],
    algebraic: Mapping[str, Tensor],
    shapes: Mapping[str, Shape],
    method: Method,
    dt: Fraction,
) -> list[ArrayStage]:
    """Return the rules that integrate dv/dtime = flow over one step of length dt.

    Args:
        flows: Variable -> its time derivative, with same-step references.
        algebraic: Variable -> its value at every instant, likewise; evaluated at each stage.
        shapes: Variable -> its shape.
        method: `euler`: v + dt f(v); `rk4`: the classical fourth-order Runge-Kutta method.
            Variables that are neither keep their value of the step's start at every stage.
        dt: The length of a step.
    """
    time = given("time")
    slopes: list[dict[str, Tensor]] = []
    nodes: list[ArrayStage] = []

    def at(term: Tensor, c: Fraction, suffix: str) -> Tensor:
        exchange = {time: _time(1 - c, dt)}
        for leaf in inputs(term):
            if leaf.payload[0] != "ref":
                continue
            name = leaf.payload[1]
            is_continuous = name in flows or name in algebraic
            stays = not suffix or not is_continuous
            exchange[leaf] = (
                ref(name, 1, leaf.shape) if stays else ref(name + suffix, 0, leaf.shape)
            )
        return rebuilt([term], exchange)[0]

    def moved(v: str, weights: tuple[Fraction, ...], parts: list[Tensor]) -> Tensor:
        total: Tensor | None = None
        for weight, slope in zip(weights, parts, strict=True):
            part = slope if weight == 1 else elementwise("mul", const(weight), slope)
            total = part if total is None else elementwise("add", total, part)
        assert total is not None
        by = elementwise("mul", const(dt), total)
        return expanded(elementwise("add", ref(v, 1, shapes[v]), by), shapes[v])

    for number, c in enumerate(_STAGES[method], 1):
        suffix = f".{number}" if number > 1 else ""
        if suffix:
            nodes += [ArrayStage(v + suffix, moved(v, (c,), [slopes[-1][v]]), v) for v in flows]
            nodes += [ArrayStage(v + suffix, at(a, c, suffix), v) for v, a in algebraic.items()]
        slopes.append({v: at(flow, c, suffix) for v, flow in flows.items()})
    final = [ArrayStage(v, moved(v, _WEIGHTS[method], [k[v] for k in slopes]), v) for v in flows]
    now = {time: _time(Fraction(0), dt)}
    instants = [ArrayStage(v, rebuilt([a], now)[0], v) for v, a in algebraic.items()]
    return _without_unread([*nodes, *final, *instants])


def _time(before: Fraction, dt: Fraction) -> Tensor:
    steps = given("t")
    return elapsed(elementwise("sub", steps, const(before)) if before else steps, dt)


def _without_unread(stages: list[ArrayStage]) -> list[ArrayStage]:
    """Return the nodes without stages that nothing reads."""
    read = {x.payload[1] for s in stages for x in inputs(s.rule) if x.payload[0] == "ref"}
    kept = [stage for stage in stages if stage.name == stage.owner or stage.name in read]
    return kept if len(kept) == len(stages) else _without_unread(kept)

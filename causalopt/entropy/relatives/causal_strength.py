"""The strength of arrows (Janzing, Balduzzi, Grosse-Wentrup and Schoelkopf).

Cutting an arrow feeds its head with an independent copy of its tail. The strength of a set of
arrows is the divergence of the world from the world with them cut:

    C = D(P || P_cut).

It is this package's one surgery, made on arrows instead of nodes: the copy is a replica's node, one
replica for each arrow. Decorrelating A at t cuts all arrows out of A at once, with one replica.

Source: D. Janzing, D. Balduzzi, M. Grosse-Wentrup, B. Schoelkopf, "Quantifying causal influences",
Ann. Statist. 41, 2013.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from causalopt.entropy.declared import finite_model
from causalopt.entropy.information import Unit, divergence
from causalopt.errors import QuestionError
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import Law
from causalopt.laws.propagation import law_at, transition
from causalopt.model.model import Model
from causalopt.worlds.replacement import replace

Arrow = tuple[str, str]
"""(tail at t, head at t + 1)."""


def causal_strength(
    model: Model | DiscreteModel,
    arrows: Iterable[Arrow],
    *,
    law: Law | None = None,
    unit: Unit = "bit",
) -> float:
    """Return the strength of the arrows from one step to the next.

    Args:
        model: A model of finite domains.
        arrows: (tail at t, head at t + 1), each an arrow of the model.
        law: The law at t, over all state variables; the model's at t = 0 by default.
        unit: Bits or nats.

    Raises:
        QuestionError: The model has no such arrow.

    Example:
        >>> from causalopt import load, strength
        >>> smart = load("thermostat_smart")
        >>> uniform = strength(smart, initial="uniform").P
        >>> round(causal_strength(smart, [("thermostat", "room")], law=uniform), 6)
        1.140518
    """
    model, cut = finite_model(model), tuple(dict.fromkeys(arrows))
    law = law_at(model, 0) if law is None else law
    worlds = transition(model, law), transition(_without(model, law, cut), law)
    return divergence(*worlds, unit=unit)


def _without(model: DiscreteModel, law: Law, arrows: tuple[Arrow, ...]) -> DiscreteModel:
    """Return the model in which each arrow leaves a replica's copy of its tail."""
    mechanisms = list(model.mechanisms)
    for tail, head in arrows:
        place = next(i for i, m in enumerate(mechanisms) if m.name == model[head].name)
        whole = mechanisms[place]
        if Parent(tail, 1) not in whole.parents:
            read = ", ".join(f"{p.name}[t-{p.lag}]" for p in model[head].parents) or "nothing"
            raise QuestionError(f"no arrow from {tail!r} to {head!r}: {head!r} reads {read}")
        copy = Mechanism(
            f"{tail} for {head}", model[tail].labels, (), law.marginal([tail]).dense().p, noise=True
        )
        there = Parent(copy.name, 0)
        mechanisms[place] = replace(whole, [Parent(tail, 1)], lambda _, there=there: there)
        mechanisms.append(copy)
    return dataclasses.replace(model, mechanisms=tuple(mechanisms))

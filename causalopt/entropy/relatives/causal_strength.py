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
from causalopt.laws.propagation import transition
from causalopt.model.model import Model

Arrow = tuple[str, str]
"""(tail at t, head at t + 1)."""


def causal_strength(
    model: Model | DiscreteModel, law: Law, arrows: Iterable[Arrow], *, unit: Unit = "bit"
) -> float:
    """Return the strength of the arrows from one step to the next.

    Args:
        model: The discrete model.
        law: The law at t, over all state variables.
        arrows: (tail at t, head at t + 1), each an arrow of the model.
        unit: Bits or nats.

    Raises:
        QuestionError: The model has no such arrow.

    Example:
        >>> import numpy as np
        >>> from causalopt.laws.law import law_of, uniform
        >>> from causalopt.laws.space import Space
        >>> copy = Mechanism("y", (0, 1), (Parent("x"),), np.eye(2))
        >>> coin = Mechanism("x", (0, 1), (), np.array([0.5, 0.5]))
        >>> start = uniform(Space(("x", "y"), ((0, 1), (0, 1))), exact=False)
        >>> causal_strength(DiscreteModel("copy", (coin, copy), start, ("x",)), start, [("x", "y")])
        1.0
    """
    model = finite_model(model)
    cut = tuple(dict.fromkeys(arrows))
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
        parents = tuple(
            Parent(copy.name, 0) if parent == Parent(tail, 1) else parent
            for parent in whole.parents
        )
        mechanisms[place] = dataclasses.replace(whole, parents=parents)
        mechanisms.append(copy)
    return dataclasses.replace(model, mechanisms=tuple(mechanisms))

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

import numpy as np

from causalopt.entropy.declared import finite_model
from causalopt.entropy.information import Unit, divergence
from causalopt.errors import QuestionError
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import Law, Masses
from causalopt.laws.propagation import law_at, transition
from causalopt.laws.sparse import step
from causalopt.model.model import Model

Arrow = tuple[str, str]
"""(tail, head): from tail at t, or within the step, to head at t + 1, as the head's rule reads."""


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
        arrows: (tail, head), each an arrow of the model, from t to t + 1 or within t + 1; where the
            head reads the tail at both, both are cut.
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
    """Return the model in which each arrow leaves a replica's copy of its tail.

    A copy is read by one rule only, and is summed out in its table.
    """
    mechanisms = list(model.mechanisms)
    later = step(model, law) if any(Parent(t, 0) in model[h].parents for t, h in arrows) else law
    for tail, head in arrows:
        place = next(i for i, m in enumerate(mechanisms) if m.name == model[head].name)
        rule = mechanisms[place]
        cut = [parent for parent in rule.parents if parent.name == tail]
        if not cut:
            read = ", ".join(f"{p.name}[t-{p.lag}]" for p in model[head].parents) or "nothing"
            raise QuestionError(f"no arrow from {tail!r} to {head!r}: {head!r} reads {read}")
        for parent in cut:
            rule = _fed(rule, parent, (law if parent.lag else later).marginal([tail]).dense().p)
        mechanisms[place] = rule
    return dataclasses.replace(model, mechanisms=tuple(mechanisms))


def _fed(rule: Mechanism, parent: Parent, masses: Masses) -> Mechanism:
    """Return a rule that has an independent value in the place of a parent's."""
    axis = rule.parents.index(parent)
    slices = [rule.table.take(i, axis=axis) * mass for i, mass in enumerate(masses)]
    rest = tuple(other for other in rule.parents if other != parent)
    return dataclasses.replace(rule, parents=rest, table=np.asarray(sum(slices[1:], slices[0])))

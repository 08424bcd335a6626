"""Op of labels with chance: average total and natural direct effect, by exact enumeration.

W, X and Y share every noise: n has another label in X and Y at t = 0, and Y's rules read A where it
stands in W. With labels as numbers,

    Comp = (E[x^m] - E[w^m]) / (E[y^m] - E[w^m]),

total over natural direct effect (J. Pearl, "Direct and indirect effects", 2001). Without chance it
is the finite Comp of one pair of worlds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from causalopt.errors import QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel, Parent
from causalopt.laws.law import Law, law_of
from causalopt.laws.space import Label, Space
from causalopt.worlds.replacement import replace


@dataclasses.dataclass(frozen=True)
class AverageEffect:
    """Average effects of n on m at a step.

    Attributes:
        total: E[x^m] - E[w^m].
        direct: E[y^m] - E[w^m].
    """

    total: float
    direct: float


def average_effect(
    model: DiscreteModel,
    state: Mapping[str, Label],
    *,
    nudge: str,
    to: Label,
    target: str,
    steps: int,
) -> AverageEffect:
    """Return the average effect on m of another label of n at t = 0.

    Args:
        model: Of finite domains; all chance in it is its noise variables'.
        state: W's labels at t = 0, of the variables that have an initial value.
        nudge: n, in B.
        to: Its label in X and Y.
        target: m, in B; labels that are words count by their places 0, 1, 2, ...
        steps: The step at which m is measured.

    Raises:
        QuestionError: n or m is in A, or a rule has chance of its own: worlds would not share it.

    Example:
        >>> from causalopt import load
        >>> from causalopt.entropy.declared import finite_model
        >>> smart = finite_model(load("thermostat_smart"))
        >>> warm = {"thermostat": "low", "room": "warm"}
        >>> average_effect(smart, warm, nudge="room", to="hot", target="room", steps=1)
        AverageEffect(total=-1.0, direct=-1.0)
    """
    for name, word in ((nudge, "nudged"), (target, "measured")):
        if name in model.A:
            raise QuestionError(f"'{name}' is {word} and in A: n and m are in B")
    drawn = [m.name for m in model.mechanisms if not m.noise and not m.deterministic]
    if drawn:
        raise QuestionError(
            f"the rule of '{drawn[0]}' has chance of its own, which W, X and Y would have to "
            "share: make it a noise variable that the rule reads"
        )
    worlds = _three(model)
    law: Law = sparse.begin(worlds, _start(worlds, state, nudge, to))
    for _ in range(steps):
        law = sparse.step(worlds, law)
    numbers = label_numbers(model[target].labels)
    w, x, y = (_mean(law, name, numbers) for name in (target, f"X {target}", f"Y {target}"))
    return AverageEffect(x - w, y - w)


def _three(model: DiscreteModel) -> DiscreteModel:
    """Return W, X and Y as one model."""
    mechanisms = list(model.mechanisms)
    shared = {m.name for m in model.mechanisms if m.noise}
    for world, kept in (("X", shared), ("Y", shared | {*model.A})):
        for rule in model.mechanisms:
            if rule.name in kept:
                continue
            moved = [parent for parent in rule.parents if parent.name not in kept]
            renamed = replace(rule, moved, _in(world))
            mechanisms.append(dataclasses.replace(renamed, name=f"{world} {rule.name}"))
    names = {m.name for m in mechanisms}
    start = [
        name
        for world in ("", "X ", "Y ")
        for n in model.initial.space.names
        if (name := f"{world}{n}") in names
    ]
    labels = tuple(model[name.split(" ")[-1]].labels for name in start)
    space = Space(tuple(start), labels)
    first = {tuple(some[0] for some in labels): 1}
    return DiscreteModel(model.name, tuple(mechanisms), law_of(space, first), ())


def _in(world: str) -> Callable[[Parent], Parent]:
    return lambda parent: Parent(f"{world} {parent.name}", parent.lag)


def _start(worlds: DiscreteModel, state: Mapping[str, Label], nudge: str, to: Label) -> Law:
    """Return the three worlds at t = 0, as far as they have initial values."""
    space = worlds.initial.space
    known = {name.split(" ")[-1] for name in space.names}
    missing = sorted(known - {*state})
    if missing:
        raise QuestionError(f"the state does not say '{missing[0]}': give all initial labels")
    labels = []
    for name in space.names:
        world, _, own = name.rpartition(" ")
        labels.append(to if world and own == nudge else state[own])
    space.position(labels)
    return law_of(space, {tuple(labels): 1})


def label_numbers(labels: tuple[Label, ...]) -> npt.NDArray[np.float64]:
    """Return labels as numbers: themselves where they are, their places where they are words.

    Example:
        >>> label_numbers(("hot", "warm")).tolist(), label_numbers((-1, 1)).tolist()
        ([0.0, 1.0], [-1.0, 1.0])
    """
    plain = all(isinstance(label, (int, float)) for label in labels)
    return np.array([float(label) for label in labels] if plain else range(len(labels)), float)


def _mean(law: Law, name: str, numbers: npt.NDArray[np.float64]) -> float:
    masses = law.marginal([name]).dense().p.astype(float)
    return float(masses @ numbers)

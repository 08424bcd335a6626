"""The point-state limit of Part 2: laws drawn ever closer round one state.

Round a state s, independently in every variable, the law puts 1 - eps on the label of s and shares
eps among the others. As eps -> 0 the adjusted optimizing strength, divided by the entropy of the
law it started from, tends to a number that belongs to the state alone: optimization without
uncertainty.

Why there is a limit. A law at distance eps from certainty has entropy m eps log(1/eps) + O(eps),
where m eps is, to first order, its mass outside the certain state. Stepping and decorrelating act
on that first order alone (two variables deviating at once is of order eps^2): a step moves a
deviating state to its successor and drops it where it falls in with the certain one; replacing A by
a replica's splits a state that deviates in both A and B into one that deviates in each. So

    adjusted / S[P_{t-1}]  ->  (m[P'_{t+1}] - m[P_{t+1}] - m[P'_t] + m[P_t]) / m[P_{t-1}],

a ratio of counts; the approach is as slow as 1 / log(1/eps).

Source: "Defining Optimization in a Deeper Way", Part 2, section "Quantitative Data".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal

import numpy as np

from causalopt.entropy.declared import finite_model, strengths
from causalopt.entropy.decorrelation import Strength
from causalopt.entropy.information import Unit, entropy
from causalopt.errors import QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import DenseLaw, ProductLaw, SparseLaw
from causalopt.laws.space import Label, Space
from causalopt.model.model import Model
from causalopt.worlds.replacement import replace

Spread = Literal["others", "neighbours"]
"""Which labels share eps: all others equally, or those next to the state's in its domain."""

State = Mapping[str, Label] | Sequence[Label]
_Position = tuple[int, ...]
_Germ = Mapping[_Position, Fraction]
"""The first order of a law in eps: mass by deviating state."""


@dataclasses.dataclass(frozen=True, eq=False)
class EpsilonPoint:
    """One member of the family: its eps, the entropy it starts with, and its strength."""

    epsilon: float
    S_before: float
    strength: Strength

    @property
    def ratio(self) -> float:
        """Adjusted optimizing strength over the entropy of the law started from."""
        return self.strength.adjusted / self.S_before


def around(
    space: Space, state: State, epsilon: float | Fraction, *, spread: Spread = "others"
) -> ProductLaw:
    """Return the independent law that puts 1 - eps on a state's label in every variable.

    Args:
        space: The variables and their labels.
        state: The state, by variable or in order.
        epsilon: The mass each variable gives to other labels; taken exactly.
        spread: Which other labels share it.

    Raises:
        QuestionError: `epsilon` is outside [0, 1].

    Example:
        >>> law = around(Space(("R",), (("hot", "warm", "cold"),)), ["warm"], Fraction(1, 10))
        >>> law.dense().p.tolist()
        [Fraction(1, 20), Fraction(9, 10), Fraction(1, 20)]
    """
    eps = Fraction(epsilon)
    if not 0 <= eps <= 1:
        raise QuestionError(f"epsilon is a probability, between 0 and 1, got {epsilon}")
    blocks = []
    for name, place, size in zip(space.names, space.position(state), space.shape, strict=True):
        p = np.full(size, Fraction(0), dtype=object)
        others = _others(place, size, spread)
        for other in others:
            p[other] = eps / len(others)
        p[place] = 1 - eps if others else Fraction(1)
        blocks.append(DenseLaw(space.only([name]), p))
    return ProductLaw(tuple(blocks))


def _others(place: int, size: int, spread: Spread) -> list[int]:
    reach = size if spread == "others" else 1
    return [i for i in range(size) if 0 < abs(i - place) <= reach]


def epsilon_family(
    model: Model | DiscreteModel,
    state: State,
    epsilons: Iterable[float | Fraction],
    *,
    spread: Spread = "others",
    unit: Unit = "bit",
) -> tuple[EpsilonPoint, ...]:
    """Return the optimizing strength one step after laws ever closer round a state.

    The law round the state is P_{t-1}; A is replaced at t and the entropies compared at t + 1.

    Args:
        model: A model of finite domains; its own initial law plays no part.
        state: The state the laws are drawn round.
        epsilons: The family's parameter, each taken exactly.
        spread: Which labels share eps.
        unit: Bits or nats.

    Example:
        >>> from causalopt import load
        >>> (point,) = epsilon_family(load("thermostat_smart"), ["low", "warm"], [1e-9])
        >>> round(point.strength.adjusted / point.S_before, 4)
        0.5
    """
    model = finite_model(model)
    points = []
    for epsilon in epsilons:
        law = around(model.state, state, epsilon, spread=spread)
        begun = dataclasses.replace(model, initial=law)
        (strength,) = strengths(begun, at=[1], unit=unit)
        assert isinstance(strength, Strength)  # a few bins: the law was formed
        points.append(EpsilonPoint(float(epsilon), entropy(law, unit=unit), strength))
    return tuple(points)


def point_limit(
    model: Model | DiscreteModel, state: State, *, spread: Spread = "others"
) -> Fraction:
    """Return the exact limit of adjusted / S[P_{t-1}] as eps -> 0.

    Args:
        model: A model of finite domains, without chance.
        state: The state at t - 1.
        spread: Which labels share eps.

    Returns:
        A rational number: (m[P'_{t+1}] - m[P_{t+1}] - m[P'_t] + m[P_t]) / m[P_{t-1}].

    Raises:
        QuestionError: A rule is stochastic, so that no law stays near one state, or no variable
            has a second label.

    Example:
        >>> from causalopt import load
        >>> point_limit(load("thermostat_smart"), ["low", "warm"])
        Fraction(1, 2)
    """
    model = finite_model(model)
    if not model.deterministic:
        raise QuestionError(
            f"{model.name} has stochastic rules: the law does not stay near one state, and the "
            f"ratio's limit is 0 or none; ask epsilon_family for single values"
        )
    centre = model.state.position(state)
    begun = _first_order(model.state, centre, spread)
    if not begun:
        raise QuestionError(f"no variable of {model.name} has a label to deviate to")
    now, here = _pushed(model, centre, begun)
    split = _split(model, here, now)
    later, _ = _pushed(model, here, now)
    later_split, _ = _pushed(model, here, split)
    gained = _mass(later_split) - _mass(later) - _mass(split) + _mass(now)
    return gained / _mass(begun)


def _mass(germ: _Germ) -> Fraction:
    return sum(germ.values(), Fraction(0))


def _first_order(space: Space, centre: _Position, spread: Spread) -> _Germ:
    germ: dict[_Position, Fraction] = {}
    for axis, size in enumerate(space.shape):
        others = _others(centre[axis], size, spread)
        for other in others:
            germ[(*centre[:axis], other, *centre[axis + 1 :])] = Fraction(1, len(others))
    return germ


def _pushed(model: DiscreteModel, centre: _Position, germ: _Germ) -> tuple[_Germ, _Position]:
    """Return germ and centre one step later; what falls in with the centre no longer deviates."""
    after = _successor(model, centre)
    pushed: dict[_Position, Fraction] = {}
    for state, mass in germ.items():
        to = _successor(model, state)
        if to != after:
            pushed[to] = pushed.get(to, Fraction(0)) + mass
    return pushed, after


def _split(model: DiscreteModel, centre: _Position, germ: _Germ) -> _Germ:
    """Replace A by a replica's: to first order one world or the other deviates, never both."""
    inside = [model.state.axis(name) for name in model.A]
    split: dict[_Position, Fraction] = {}
    here = np.array([centre])
    for state, mass in germ.items():
        there = np.array([state])
        for kept in (replace(there, inside, here), replace(here, inside, there)):
            place = tuple(kept[0].tolist())
            if place != centre:
                split[place] = split.get(place, Fraction(0)) + mass
    return split


def _successor(model: DiscreteModel, state: _Position) -> _Position:
    point = SparseLaw(model.state, np.array([state]), np.array([Fraction(1)], dtype=object))
    return tuple(int(i) for i in sparse.images(model, point)[0])

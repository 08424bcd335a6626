"""Optimization power: how small a target was hit (Yudkowsky).

With a law over the outcomes that would come about without optimizing and a utility that orders
them, hitting outcome x is worth

    -log P(U >= U(x)),

the surprise of doing at least as well by chance. In a world with an A to replace, the law 'without
optimizing' is P', the decorrelated one: no null action is needed.

Source: E. Yudkowsky, "Measuring Optimization Power", 2008.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from causalopt.entropy.information import Unit, per_nat
from causalopt.laws.law import Law
from causalopt.laws.space import Label

Utility = Callable[[tuple[Label, ...]], float]
"""How good a state is, its labels in the order of the law's variables."""


def optimization_power(
    chance: Law, utility: Utility, *, achieved: float, unit: Unit = "bit"
) -> float:
    """Return -log of the chance of doing at least as well.

    Args:
        chance: The law of outcomes without optimizing.
        utility: How good an outcome is.
        achieved: The utility that was reached.
        unit: Bits or nats.

    Returns:
        The power; infinite when chance never does as well.

    Example:
        >>> from causalopt.laws.law import uniform
        >>> from causalopt.laws.space import Space
        >>> chance = uniform(Space(("x",), (tuple(range(8)),)))
        >>> optimization_power(chance, lambda state: float(state[0]), achieved=7.0)
        3.0
    """
    per_nat(unit)
    law = chance.sparse()
    states = (law.space.state([int(i) for i in row]) for row in law.states)
    as_good = [p for state, p in zip(states, law.p, strict=True) if utility(state) >= achieved]
    mass = float(sum(as_good))
    log = math.log2 if unit == "bit" else math.log
    return math.inf if mass == 0.0 else -log(mass) + 0.0


def expected_power(law: Law, chance: Law, utility: Utility, *, unit: Unit = "bit") -> float:
    """Return the optimization power expected over the outcomes of a law.

    Args:
        law: The law of outcomes with optimizing, P.
        chance: The law without, P'.
        utility: How good an outcome is.
        unit: Bits or nats.

    Example:
        >>> from causalopt import load, strength
        >>> found = strength(load("thermostat_smart"), initial="uniform")
        >>> expected_power(found.P, found.P, lambda state: 0.0)
        0.0
    """
    reached = law.sparse()
    states = [reached.space.state([int(i) for i in row]) for row in reached.states]
    powers = [
        optimization_power(chance, utility, achieved=utility(state), unit=unit) for state in states
    ]
    return math.fsum(float(p) * power for p, power in zip(reached.p, powers, strict=True))

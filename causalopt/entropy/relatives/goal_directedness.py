"""Maximum-entropy goal-directedness: how well a goal predicts what is done.

For a utility u, the maximum-entropy policies of a single decision are p_b(d | c) proportional to
exp(b E[u | c, d]). A policy is goal-directed towards u to the extent that the best of them predicts
it better than indifference does:

    MEG = max over b >= 0 of E_policy[log p_b(d | c) - log(1 / |D|)],

between 0 (no better than indifference) and log |D| (a sure choice, fully predicted). Negative b
would measure directedness against u; negate u to ask for it.

Source: M. MacDermott, J. Fox, F. Belardinelli, T. Everitt, "Measuring Goal-Directedness", 2024.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from causalopt.entropy.information import Unit, are_laws, per_nat
from causalopt.errors import QuestionError

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Directedness:
    """The measure and the rationality at which it is reached (infinite for a sure best choice)."""

    value: float
    rationality: float
    unit: Unit


def goal_directedness(
    contexts: Array, policy: Array, utility: Array, *, unit: Unit = "bit"
) -> Directedness:
    """Return the maximum-entropy goal-directedness of a policy towards a utility.

    Args:
        contexts: The law of what the decision sees, shape (contexts,).
        policy: p(d | c), shape (contexts, decisions).
        utility: E[u | c, d], shape (contexts, decisions).
        unit: Bits or nats.

    Raises:
        QuestionError: Shapes differ, or rows are not laws.

    Example:
        >>> goal_directedness(np.ones(1), np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])).value
        1.0
    """
    _require(contexts, policy, utility)
    weight = contexts[:, None] * policy
    advantage = utility - utility.max(axis=1, keepdims=True)
    gain = _Gain(contexts, weight, advantage)
    best = gain.rationality()
    return Directedness(gain.at(best) * per_nat(unit) + 0.0, best, unit)


@dataclasses.dataclass(frozen=True)
class _Gain:
    """The concave function of b that is maximised, and its slope."""

    contexts: Array
    weight: Array
    advantage: Array

    def at(self, b: float) -> float:
        """Return the gain in prediction over indifference, in nats."""
        decisions = math.log(self.advantage.shape[1])
        if math.isinf(b):
            best = (self.advantage == 0.0).sum(axis=1)
            return decisions - float(self.contexts @ np.log(best))
        norm = np.log(np.exp(b * self.advantage).sum(axis=1))
        mean = b * float((self.weight * self.advantage).sum())
        return max(0.0, mean - float(self.contexts @ norm) + decisions)

    def slope(self, b: float) -> float:
        """Return the derivative of the gain: the utility reached less that of p_b."""
        soft = np.exp(b * self.advantage)
        soft /= soft.sum(axis=1, keepdims=True)
        reached = float((self.weight * self.advantage).sum())
        return reached - float(self.contexts @ (soft * self.advantage).sum(axis=1))

    def rationality(self) -> float:
        """Return the best b: bisection of the decreasing slope."""
        if self.slope(0.0) <= 0.0:
            return 0.0
        if float((self.weight * self.advantage).sum()) == 0.0:
            return math.inf
        high = 1.0
        while self.slope(high) > 0.0:
            high *= 2.0
        low = 0.0
        for _ in range(200):
            middle = (low + high) / 2.0
            low, high = (middle, high) if self.slope(middle) > 0.0 else (low, middle)
        return (low + high) / 2.0


def _require(contexts: Array, policy: Array, utility: Array) -> None:
    if policy.shape != utility.shape or contexts.shape != policy.shape[:1]:
        raise QuestionError(
            f"policy and utility have one shape (contexts, decisions) and there is one weight a "
            f"context, got {policy.shape}, {utility.shape} and {contexts.shape}"
        )
    if not (are_laws(contexts) and are_laws(policy)):
        raise QuestionError("contexts and policy hold laws: at least 0, sum 1")

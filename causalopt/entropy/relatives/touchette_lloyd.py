"""Entropy reduction by feedback and without it (Touchette and Lloyd).

A controller C acts on X through X' ~ P(x' | x, c). With feedback, p(c | x), it lowers the entropy
by H(X) - H(X'); without, by H(X) - H(X') under one fixed c. Their theorem:

    closed <= open_max + I(X; C),

open_max being the best reduction of any fixed c over all laws of X: one bit of information about
the system buys at most one bit of entropy.

Source: H. Touchette, S. Lloyd, "Information-Theoretic Limits of Control", Phys. Rev. Lett. 84
(2000).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from causalopt.entropy.information import Unit, are_laws, entropy_of, per_nat
from causalopt.errors import QuestionError
from causalopt.work.progress import Progress, long_work, through

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Control:
    """Entropy reductions with and without feedback.

    Args:
        closed: H(X) - H(X') under the policy.
        open_here: The best reduction of a fixed control for the given law of X.
        open_max: The best of a fixed control over all laws of X, up to `gap` below the true one.
        information: I(X; C), what the controller knows.
        gap: How much larger open_max may really be; zero when resolved.
        unit: Of all of these.
    """

    closed: float
    open_here: float
    open_max: float
    information: float
    gap: float
    unit: Unit

    @property
    def bound(self) -> float:
        """The most that feedback can reduce: open_max + I(X; C)."""
        return self.open_max + self.gap + self.information


def entropy_reduction(p: Array, dynamics: Array, policy: Array, *, unit: Unit = "bit") -> Control:
    """Return the entropy reductions of a policy, of the best fixed control, and the bound.

    Args:
        p: The law of X, shape (states,).
        dynamics: P(x' | x, c), shape (controls, states, states).
        policy: p(c | x), shape (states, controls).
        unit: Bits or nats.

    Raises:
        QuestionError: Shapes do not fit, or rows are not laws.

    Example:
        A bit that the controller sees and may flip: it is set to zero.

        >>> flip = np.array([np.eye(2), np.eye(2)[::-1]])
        >>> found = entropy_reduction(np.array([0.5, 0.5]), flip, np.eye(2))
        >>> found.closed, found.open_max, found.information
        (1.0, 0.0, 1.0)
    """
    _require(p, dynamics, policy)
    start = entropy_of(p, unit=unit)
    closed = start - entropy_of(np.einsum("x,xc,cxy->y", p, policy, dynamics), unit=unit)
    fixed = max(start - entropy_of(p @ channel, unit=unit) for channel in dynamics)
    joint = p[:, None] * policy
    information = start + entropy_of(joint.sum(axis=0), unit=unit) - entropy_of(joint, unit=unit)
    reductions = [largest_reduction(channel, unit=unit) for channel in dynamics]
    best = max(value for value, _ in reductions)
    highest = max(value + gap for value, gap in reductions)
    return Control(closed, fixed, best, max(0.0, information), highest - best, unit)


@long_work("iterating")
def largest_reduction(
    channel: Array,
    *,
    progress: Progress | None = None,
    unit: Unit = "bit",
    tolerance: float = 1e-12,
    iterations: int = 20_000,
) -> tuple[float, float]:
    """Return the largest H(X) - H(X') over all laws of X, and how much more it may be.

    H(X) - H(X') = H(X | X') - H(X' | X) is concave in the law of X, so mirror ascent finds the
    maximum and the largest slope bounds what is left. For a certain map it is the log of the most
    states that are sent to one.

    Args:
        channel: P(x' | x), shape (states, states).
        unit: Bits or nats.
        tolerance: The gap, in nats, at which to stop.
        iterations: Most iterations to make.
        progress: Called with (done, total, what), in iterations.

    Example:
        >>> largest_reduction(np.array([[1.0, 0.0], [1.0, 0.0]]))
        (1.0, 0.0)
    """
    del progress  # long_work tells it
    logp = np.full(len(channel), -np.log(len(channel)))
    for _ in through(range(iterations)):
        with np.errstate(divide="ignore"):
            reached = np.log(np.exp(logp) @ channel)
        pull = np.where(channel > 0, channel * np.where(channel > 0, reached, 0.0), 0.0).sum(axis=1)
        slope = pull - logp
        value = float(np.exp(logp) @ slope)
        gap = float(slope.max()) - value
        if gap <= tolerance:
            break
        logp = logp + 0.5 * slope
        logp -= np.log(np.exp(logp - logp.max()).sum()) + logp.max()
    scale = per_nat(unit)
    return max(0.0, value) * scale + 0.0, (gap if gap > tolerance else 0.0) * scale


def _require(p: Array, dynamics: Array, policy: Array) -> None:
    controls, states, _ = dynamics.shape
    if p.shape != (states,) or policy.shape != (states, controls):
        raise QuestionError(
            f"{controls} controls over {states} states need p of shape {(states,)} and a policy of "
            f"shape {(states, controls)}, got {p.shape} and {policy.shape}"
        )
    if not all(map(are_laws, (p, dynamics, policy))):
        raise QuestionError("p, the dynamics and the policy hold laws: at least 0, sum 1")

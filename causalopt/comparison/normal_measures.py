"""Information measures of small normal disturbances, in closed form.

Each is the measure of the file of its name in `causalopt.entropy` and `.relatives`, taken of the
normal law of `causalopt.comparison.disturbed_law` in place of a table: with S the covariances,

    strength           (1/2) ln det S[P'_{t+1}] / det S[P_{t+1}],  A and B uncorrelated in P'_t
    transfer entropy   (1/2) ln det S[B'|B] / det S[B'|B, A]
    causal strength    D(P || P_cut) of the joint laws of what is remembered and one step later
    empowerment        capacity of B' = G a + noise, by water-filling, a of the disturbance's power

and goal-directedness of the decision a towards m = w^m (`decision`).

Sources: as there; for empowerment C. Salge, C. Glackin, D. Polani, "Approximation of Empowerment in
the Continuous Domain", 2012.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from causalopt.comparison.disturbed_law import DisturbedLaw, log_det
from causalopt.entropy.information import Unit, per_nat
from causalopt.errors import QuestionError

Array = npt.NDArray[np.float64]

FARTHEST = 4
"""Most steps after which a decision is looked for in what it is for."""


def normal_strength(law: DisturbedLaw, hold: Collection[str], *, unit: Unit = "bit") -> float:
    """Return the optimizing strength of one step: A at t from an independent replica.

    Args:
        law: The law at t.
        hold: A, declared variables.
        unit: Bits or nats.
    """
    size, inside = len(law.names), law.of(hold)
    taken = np.concatenate([inside, np.zeros(len(law.covariance) - size, dtype=bool)])
    apart = np.where(taken[:, None] == taken[None, :], law.covariance, 0.0)
    kept = np.flatnonzero(law.declared)
    S, S_replaced = (
        log_det(law.moved(covariance)[np.ix_(kept, kept)]) for covariance in (law.covariance, apart)
    )
    return (S_replaced - S) / 2.0 * per_nat(unit) + 0.0


def normal_transfer(law: DisturbedLaw, hold: Collection[str], *, unit: Unit = "bit") -> float:
    """Return the transfer entropy from A to B over one step, with one step of history.

    Args:
        law: The law at t.
        hold: A, declared variables.
        unit: Bits or nats.
    """
    size, joint = len(law.names), law.joint()
    inside, outside = law.whole(hold), law.declared & ~law.of(hold)
    later, B, A = (np.flatnonzero(outside), size + np.flatnonzero(outside), size + _places(inside))

    def entropy(*places: npt.NDArray[np.intp]) -> float:
        chosen = np.concatenate(places)
        return log_det(joint[np.ix_(chosen, chosen)]) / 2.0

    nats = entropy(later, B) - entropy(B) - entropy(later, B, A) + entropy(B, A)
    return max(0.0, nats) * per_nat(unit)


def normal_causal_strength(
    law: DisturbedLaw, hold: Collection[str], *, unit: Unit = "bit"
) -> float:
    """Return the strength of all arrows from A to B of one step, each cut by a copy of its own.

    Args:
        law: The law at t.
        hold: A, declared variables; an integrator's stages are cut with them.
        unit: Bits or nats.
    """
    size, inside = len(law.names), law.of(hold)
    slopes = law.slopes[0]
    arrows = [tuple(a) for a in np.argwhere(slopes) if inside[a[2]] and not inside[a[1]]]
    cut = slopes.copy()
    fed = np.zeros((size, size))
    now, next_ = law.covariance, law.moved()
    for lag, head, tail in arrows:
        cut[lag, head, tail] = 0.0
        place = (lag - 1) * size + tail
        variance = next_[tail, tail] if lag == 0 else now[place, place]
        fed[head, head] += slopes[lag, head, tail] ** 2 * variance
    without = dataclasses.replace(law, slopes=np.concatenate([cut[None], law.slopes[1:]]))
    Q = without.joint()
    within = without.within()
    Q[:size, :size] += within @ fed @ within.T
    kept = np.flatnonzero(np.tile(law.declared, 1 + law.lags))
    P, Q = (S[np.ix_(kept, kept)] for S in (law.joint(), Q))
    wider = log_det(Q) - log_det(P)  # refuses what cannot be solved
    nats = (np.trace(np.linalg.solve(Q, P)) - len(P) + wider) / 2.0
    return max(0.0, float(nats)) * per_nat(unit)


def normal_empowerment(law: DisturbedLaw, hold: Collection[str], *, unit: Unit = "bit") -> float:
    """Return the capacity from A, set at t, to B one step later, from the state that W is in.

    The power is one disturbance's variance for each actuator: a signal-to-noise ratio of 1.

    Args:
        law: The law at t.
        hold: A, declared variables.
        unit: Bits or nats.
    """
    size = len(law.names)
    inside, outside = law.whole(hold), np.flatnonzero(law.declared & ~law.of(hold))
    within = law.within()
    gain = (within @ law.before()[:, :size])[np.ix_(outside, _places(inside))]
    noise = (within @ np.diag(law.declared.astype(float)) @ within.T)[np.ix_(outside, outside)]
    ratios = np.linalg.svd(np.linalg.solve(np.linalg.cholesky(noise), gain), compute_uv=False) ** 2
    return water_filled(ratios, power=float(inside.sum())) * per_nat(unit)


def water_filled(ratios: Array, *, power: float) -> float:
    """Return the capacity of parallel normal channels under one power, in nats.

    Args:
        ratios: Each channel's gain squared over its noise, shape [channel].
        power: That is shared out among them.

    Example:
        >>> round(water_filled(np.array([1.0, 0.1]), power=1.0), 6)  # the weak one is left dry
        0.346574
    """
    useful = np.sort(ratios[ratios > 0])[::-1]
    for count in range(len(useful), 0, -1):
        level = (power + (1.0 / useful[:count]).sum()) / count
        if level > 1.0 / useful[count - 1]:
            return float(np.log(level * useful[:count]).sum()) / 2.0
    return 0.0


@dataclasses.dataclass(frozen=True)
class Decision:
    """One decision a of a normal law, and what it is for.

    Attributes:
        own: The variance of a.
        best: The variance of the best decision, which brings m to w^m as far as can be known.
        both: The covariance of the two.
        after: How many steps after the decision m is first moved by it.
    """

    own: float
    best: float
    both: float
    after: int

    def directedness(self, *, unit: Unit = "bit") -> float:
        """Return how well 'a brings m back' predicts a, beyond a normal law of its own variance.

        Maximum-entropy goal-directedness towards u = -(x^m - w^m)^2, with the normal law in the
        place of indifference, for there is no uniform law on a line. p_b has the variance s V and
        the mean (1 - s) y, with y the best decision, and the best s is a quadratic's root.
        """
        V, Y, C = self.own, self.best, self.both
        if C <= 0.0:
            return 0.0  # the best b is 0
        s = (-V + math.sqrt(V * V + 4.0 * Y * (V + Y - 2.0 * C))) / (2.0 * Y)
        if s <= 0.0:
            return math.inf
        left = V - 2.0 * (1.0 - s) * C + (1.0 - s) ** 2 * Y
        nats = (-math.log(s) - left / (s * V) + 1.0) / 2.0
        return max(0.0, nats) * per_nat(unit)


def decision(law: DisturbedLaw, hold: Collection[str], target: str) -> Decision | None:
    """Return the decision that A makes at t + 1 about m, from what its rule reads.

    Args:
        law: The law at t.
        hold: A, one declared variable.
        target: m.

    Returns:
        None where the decision moves m within none of the next four steps.

    Raises:
        QuestionError: A is more than one variable, or m is in it.
    """
    places = _places(law.whole(hold))
    if len(places) != 1:
        raise QuestionError(
            f"A is {len(places)} variables: a normal goal-directedness is of one decision"
        )
    if target in hold:
        raise QuestionError("m is in A: what is decided is what is measured")
    size, a, m = len(law.names), int(places[0]), _places(law.whole([target]))[0]
    held = np.arange(size) == a
    drawn = np.diag(law.declared.astype(float))
    # Rows over (z[t], z[t-1], ..., w[t+1]), and over the decision.
    whole = np.concatenate([law.before(), drawn], axis=1)
    own = (law.within() @ whole)[a]
    do = law.within(held=held)
    now = do @ np.where(held[:, None], 0.0, whole)
    reach = do[:, a].copy()
    gain, rest, after = _first_reached(law, reach, now, m, size)
    if gain == 0.0:
        return None
    seen = _seen(law, law.within() @ whole, a)
    blocks = [law.covariance, drawn]
    covariance = np.zeros((whole.shape[1],) * 2)
    covariance[: len(blocks[0]), : len(blocks[0])] = blocks[0]
    covariance[len(blocks[0]) :, len(blocks[0]) :] = blocks[1]
    weights = np.linalg.pinv(seen @ covariance @ seen.T, rcond=1e-12) @ (seen @ covariance @ rest)
    best = -(weights @ seen) / gain
    V, Y, C = (float(x @ covariance @ y) for x, y in ((own, own), (best, best), (own, best)))
    return Decision(V, Y, C, after)


def _first_reached(
    law: DisturbedLaw, reach: Array, now: Array, m: int, size: int
) -> tuple[float, Array, int]:
    """Return what m makes of the decision when it first does, of all else, and after how long."""
    past_reach = np.zeros(law.lags * size)
    past = np.concatenate([np.eye(law.lags * size), np.zeros((law.lags * size, size))], axis=1)
    for after in range(FARTHEST + 1):
        if reach[m] != 0.0:
            return float(reach[m]), now[m], after
        if after == FARTHEST or after + 1 >= len(law.slopes):
            break
        past_reach = np.concatenate([reach, past_reach])[: law.lags * size]
        past = np.concatenate([now, past])[: law.lags * size]
        carried = law.within(after + 1) @ law.before(after + 1)
        reach, now = carried @ past_reach, carried @ past
    return 0.0, now[m], 0


def _seen(law: DisturbedLaw, next_: Array, a: int) -> Array:
    """Return the rows of what A's rule reads, over what `decision` counts in."""
    size = len(law.names)
    rows = [next_[source] for source in np.flatnonzero(law.slopes[0, 0, a])]
    for lag in range(1, law.lags + 1):
        for source in np.flatnonzero(law.slopes[0, lag, a]):
            row = np.zeros(next_.shape[1])
            row[(lag - 1) * size + source] = 1.0
            rows.append(row)
    return np.array(rows).reshape(len(rows), next_.shape[1])


def _places(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    return np.flatnonzero(chosen)

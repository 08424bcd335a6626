"""n's tangent followed step by step: whether rounding leaves it known, and what of it m gets.

A direction that n excites may turn with W and grow less than others: then no subspace that stays
holds it, and what rounding adds grows faster than it does. Likewise m may observe but a part that
turns. Neither is seen in the growth of a frame, which ends up in the fastest direction.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from causalopt.effects.exponents.carried_maps import followed_maps
from causalopt.effects.exponents.directions import KNOWN, lengths_of
from causalopt.effects.exponents.growth import BATCHES
from causalopt.engine.contract import Floats
from causalopt.engine.executions import follower_for
from causalopt.engine.follower import Measured
from causalopt.engine.jacobians import StepDerivative

_BLURRED = 2.0**-7  # of a tangent's length: an error beyond it, and its direction is not known
_DRIFT = 3.0  # nats that m's share must lose over the run, and four standard errors, to count
_SCATTER = 4.0


@dataclasses.dataclass(frozen=True)
class Followed:
    """n's tangent along a run.

    Attributes:
        known: For how many steps rounding leaves its direction known; all of them: None.
        gets: The logarithm of m's tangent over the state's, shape [counted step]; -inf where m gets
            but rounding, NaN where it reads nothing at that step.
        growth: The growth of its logarithm, likewise; NaN after the step in which it vanishes or
            leaves the floats.
    """

    known: int | None
    gets: Floats
    growth: Floats

    @property
    def is_lost(self) -> bool:
        """Whether m gets but rounding in the end: in the last tenth, where it reads at all."""
        last = self.gets[-max(1, len(self.gets) // BATCHES) :]
        read = last[~np.isnan(last)]
        return bool(len(read) and np.isneginf(read).all())

    @property
    def drifts(self) -> bool:
        """Whether m's share falls along the run, by more than it scatters."""
        parts = np.array_split(self.gets, 2 * BATCHES)
        tops = [part[np.isfinite(part)].max(initial=-math.inf) for part in parts]
        if not np.isfinite(tops).all() or len(self.gets) < 4 * BATCHES:
            return False
        place = np.arange(len(tops)) - (len(tops) - 1) / 2
        rate = float(place @ tops / (place @ place))
        rest = np.array(tops) - np.mean(tops) - rate * place
        error = math.sqrt(float(rest @ rest) / (len(tops) - 2) / float(place @ place))
        return rate < -_SCATTER * error and -rate * len(tops) > _DRIFT


def followed(
    step: StepDerivative,
    slopes: Floats,
    basis: Floats | None,
    tangent: Floats,
    target: int,
    lead: int,
) -> Followed:
    """Follow a tangent, and beside it what rounding makes of it.

    The error is one realisation: each step adds a rounding of random sign to every number, of the
    size of the products that it is a sum of.

    Args:
        step: The derivative of a step.
        slopes: The local derivatives of all steps, shape [t, partial].
        basis: The directions it is followed in, orthonormal, shape [slot, r]; None for all slots,
            without writing steps as matrices.
        tangent: The tangent in them, shape [r].
        target: The equation of m.
        lead: How many steps are not counted.
    """
    start = tangent / (lengths_of(tangent[np.newaxis])[0] or 1.0)
    follower, count = None, len(slopes)
    parts = []
    for maps in followed_maps(step, slopes, basis, target):
        if follower is None:
            measured = Measured(maps.target, KNOWN, _BLURRED)
            follower = follower_for(maps.products, start, measured, count)
        shares, lengths = follower.over(maps.slopes, maps.sizes)
        if maps.reads is not None:
            shares[np.isnan(shares) & maps.reads[: len(shares)]] = 0.0
        parts.append((shares, lengths))
        if len(shares) < len(maps.slopes):
            break
    assert follower is not None
    found = np.full((2, count), math.nan)
    found[:, : follower.done] = np.concatenate(parts, axis=1)
    with np.errstate(divide="ignore"):
        gets, growth = np.log(found[:, lead:])
    return Followed(follower.blurred_from, gets, growth)

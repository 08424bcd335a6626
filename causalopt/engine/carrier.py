"""Many directions carried over many steps: exponents follow a frame, candidate sets A are a batch.

A carrier goes on for as long as nothing has to be looked at: rescaling and QR are its caller's.
"""

from __future__ import annotations

import abc

import numpy as np

from causalopt.engine.contract import Bools, Floats
from causalopt.engine.jacobians import StepDerivative
from causalopt.engine.rescaling import RESCALE


class Carrier(abc.ABC):
    """Directions on their way.

    Attributes:
        state: Tangents of the slots after the steps so far, shape [slot, direction]; may be
            written in place.
        now: Tangents of the equations at the last step, shape [V, direction].
    """

    state: Floats
    now: Floats

    @abc.abstractmethod
    def block(self, blocked: Bools) -> None:
        """Say anew which equations let nothing through, shape [V, direction]."""

    @abc.abstractmethod
    def over(
        self,
        slopes: Floats,
        low: int,
        high: int,
        *,
        seed: int | None = None,
        since: int = 0,
        record: Floats | None = None,
    ) -> int:
        """Go over steps low .. high - 1; return the step reached.

        It is an earlier one where directions may have to be rescaled: every `RESCALE` steps.

        Args:
            slopes: The local derivatives, shape [t, partial].
            low: The first step.
            high: The step after the last.
            seed: An equation by which tangents are taken at the first step.
            since: The step from which rescaling is counted.
            record: Where the equations' tangents at each step go, shape [high - low, V, direction].
        """


class PlainCarrier(Carrier):
    """Directions carried a step at a time by numpy."""

    def __init__(self, step: StepDerivative, state: Floats) -> None:
        self._step, self.state = step, state.copy()
        self.now = np.zeros((step.width, state.shape[1]))
        self._blocked = np.zeros(self.now.shape, dtype=bool)

    def block(self, blocked: Bools) -> None:
        """Say anew which equations let nothing through."""
        self._blocked = blocked

    def over(
        self,
        slopes: Floats,
        low: int,
        high: int,
        *,
        seed: int | None = None,
        since: int = 0,
        record: Floats | None = None,
    ) -> int:
        """Go over steps low .. high - 1, or to where rescaling is due."""
        for t in range(low, high):
            self.state, self.now = self._step.carry(
                slopes[t], self.state, blocked=self._blocked, seed=seed if t == low else None
            )
            if record is not None:
                record[t - low] = self.now
            if (t + 1 - since) % RESCALE == 0:
                return t + 1
        return high

"""Candidate sets A: directions that start alike, each with its own equations held."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.adjoint import terms_of
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.executions import carrier_for, run_values
from causalopt.engine.jacobians import StepDerivative
from causalopt.engine.rescaling import RESCALE, rescale_lanes
from causalopt.model.template import Structure

TOGETHER = 32  # candidate sets that go together


class HeldSets:
    """The tangents of one node by the seeded one, for many constant sets A over one baseline.

    No estimate of rounding is carried: for a set whose status matters, ask `run_tangents`.

    Args:
        structure: The template's rules.
        plan: The baseline and its seed; its own held set is not used.
        target: The measured equation.
    """

    def __init__(self, structure: Structure, plan: Plan, target: int) -> None:
        self._plan, self._target = plan, target
        self._width = len(structure.names)
        self._map = StepDerivative(structure, np.zeros(self._width, dtype=bool))
        baseline = dataclasses.replace(plan, seed=None)
        self._slopes = run_values(structure, baseline, terms_of(structure)).extras

    def tangents(self, held: Bools) -> tuple[Floats, NDArray[np.int64]]:
        """Return mantissas and exponents at the last step, shape [set]; `held` is [V, set]."""
        parts = [
            self._of(held[:, start : start + TOGETHER])
            for start in range(0, held.shape[1], TOGETHER)
        ]
        mantissas, exponents = zip(*parts, strict=True)
        return np.concatenate(mantissas), np.concatenate(exponents)

    def _of(self, held: Bools) -> tuple[Floats, NDArray[np.int64]]:
        plan, count = self._plan, held.shape[1]
        assert plan.seed is not None
        first, seed = plan.seed
        start = np.zeros((self._map.size, count))
        exponents = np.zeros(count, dtype=np.int64)
        now = carrier_for(self._map, start, plan.steps - first)
        with np.errstate(all="ignore"):
            for t0, high in plan.alike:
                low = max(t0, first)
                forced = plan.forced[low : low + 1].T  # one column, none after the last
                now.block(held | forced if forced.size else held)
                t = low
                while t < high:
                    t = now.over(
                        self._slopes, t, high, seed=seed if t == first else None, since=first
                    )
                    if (t - first) % RESCALE == 0:
                        rescale_lanes(now.state, exponents)
        return now.now[self._target], exponents

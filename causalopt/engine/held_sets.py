"""Candidate sets A: directions that start alike, each with its own nodes held."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.adjoint import terms_of
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.executions import carrier_for, run_values
from causalopt.engine.jacobians import StepDerivative
from causalopt.engine.processor_count import processors
from causalopt.engine.rescaling import RESCALE, rescale_lanes
from causalopt.model.template import Structure
from causalopt.work.threads import on_threads

TOGETHER = 32  # candidate sets that go together
_THREADS_FROM = 2_000_000  # products and steps: a fraction of a second for one thread
_NO_STARTS = np.zeros(1, dtype=np.int64)


class HeldSets:
    """The tangents of one node by the seeded one, for many sets A over one baseline.

    No estimate of rounding is carried.

    Args:
        structure: The template's rules.
        plan: The baseline and its seed; its own held set is not used.
        target: The measured equation.
        slopes: The local derivatives along the baseline, shape [t, partial or more]; those of the
            plan's own run when not given.
    """

    def __init__(
        self, structure: Structure, plan: Plan, target: int, *, slopes: Floats | None = None
    ) -> None:
        assert plan.seed is not None
        self._plan, self._target, self._seed = plan, target, plan.seed
        width = len(structure.names)
        self._map = StepDerivative(structure, np.zeros(width, dtype=bool))
        if slopes is None:
            baseline = dataclasses.replace(plan, seed=None)
            slopes = run_values(structure, baseline, terms_of(structure)).extras
        self._slopes = slopes
        unheld = dataclasses.replace(plan, held=np.zeros((1, width), dtype=bool))
        self._edges = {t for pair in unheld.alike for t in pair}

    def tangents(self, held: Bools) -> tuple[Floats, NDArray[np.int64]]:
        """Return mantissas and exponents at the last step, shape [set]; `held` is [V, set]."""
        mantissas, exponents = self.over(held[np.newaxis])
        return mantissas[0], exponents[0]

    def over(
        self,
        held: Bools,
        starts: NDArray[np.int64] = _NO_STARTS,
        keep: tuple[int, ...] | None = None,
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Return mantissas and exponents at some steps, shape [kept step, set].

        Args:
            held: Which nodes each set holds, shape [row, V, set].
            starts: The step from which each row holds, ascending from 0, shape [row].
            keep: The steps, ascending; the last one when not given.
        """
        kept = (self._plan.steps,) if keep is None else keep
        count = held.shape[2]

        def part(low: int) -> tuple[Floats, NDArray[np.int64]]:
            return self._of(held[:, :, low : low + TOGETHER], starts, kept, count)

        lows, steps = range(0, count, TOGETHER), kept[-1] + 1 - self._seed[0]
        threads = min(processors(), len(lows))
        if threads > 1 and len(lows) * steps * len(self._map.products.columns) >= _THREADS_FROM:
            # The first and the last, which may be narrower, load their machine code here: once.
            first, last = part(lows[0]), part(lows[-1])
            parts = [first, *on_threads(part, lows[1:-1], threads), last]
        else:
            parts = on_threads(part, lows, 1)
        mantissas, exponents = zip(*parts, strict=True)
        return np.concatenate(mantissas, axis=1), np.concatenate(exponents, axis=1)

    def _of(
        self, held: Bools, starts: NDArray[np.int64], keep: tuple[int, ...], repeats: int
    ) -> tuple[Floats, NDArray[np.int64]]:
        plan, count, (first, seed) = self._plan, held.shape[2], self._seed
        exponents = np.zeros(count, dtype=np.int64)
        now = carrier_for(
            self._map, np.zeros((self._map.size, count)), keep[-1] + 1 - first, repeats
        )
        found, powers = np.zeros((len(keep), count)), np.zeros((len(keep), count), dtype=np.int64)
        place = {t: k for k, t in enumerate(keep)}
        edges = self._edges | set(starts.tolist()) | {first} | {t + 1 for t in keep}
        with np.errstate(all="ignore"):
            for low, high in itertools.pairwise(sorted(t for t in edges if t <= keep[-1] + 1)):
                if low < first:
                    continue
                row = held[np.searchsorted(starts, low, side="right") - 1]
                forced = plan.forced[low : low + 1].T  # one column, none after the last
                now.block(row | forced if forced.size else row)
                t = low
                while t < high:
                    t = now.over(
                        self._slopes, t, high, seed=seed if t == first else None, since=first
                    )
                    if t == high and t - 1 in place:
                        # The state is rescaled below, what is read here is not.
                        found[place[t - 1]] = now.now[self._target]
                        powers[place[t - 1]] = exponents
                    if (t - first) % RESCALE == 0:
                        rescale_lanes(now.state, exponents)
        return found, powers

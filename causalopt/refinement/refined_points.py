"""What was found at the points of a refinement, in the order in which they were asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.measures import NAMES, ROUNDED_OP
from causalopt.effects.sweeps.lane_doubts import Judgement
from causalopt.effects.sweeps.point_lanes import prepared, run_lanes, settled
from causalopt.engine.contract import Bools, Floats
from causalopt.refinement.simplex_rule import Primitive

_COLUMNS = ("values", "total", "direct", "comp", "op", "codes")
_UNRESOLVED = int(np.flatnonzero(NAMES == "unresolved")[0])  # what may be rounding is not known


@dataclasses.dataclass(frozen=True, eq=False)
class RefinedPoints:
    """What was found at points.

    Attributes:
        values: W's value of m, shape [point].
        total: The effect of n on m over all paths, likewise.
        direct: The effect over the paths that avoid A.
        comp: Comp, NaN where undefined.
        op: Op in nats, NaN where undefined.
        codes: The status, a place in `causalopt.effects.measures.NAMES`.
    """

    values: Floats
    total: Floats
    direct: Floats
    comp: Floats
    op: Floats
    codes: NDArray[np.int8]

    @classmethod
    def none(cls) -> RefinedPoints:
        """Return no points."""
        some = np.empty(0)
        return cls(some, some, some, some, some, np.empty(0, dtype=np.int8))

    def joined(self, more: RefinedPoints) -> RefinedPoints:
        """Return these points, then others."""
        parts = [np.concatenate([getattr(self, n), getattr(more, n)]) for n in _COLUMNS]
        return RefinedPoints(*parts)

    @property
    def known(self) -> Bools:
        """Where Op is known, infinite or not, shape [point]."""
        known: Bools = (self.codes != _UNRESOLVED) & ~np.isnan(self.op)
        return known

    @property
    def has_comp(self) -> Bools:
        """Where Comp is a finite number that is known, shape [point]."""
        return self.known & np.isfinite(self.comp)

    @property
    def power_heights(self) -> Floats:
        """1 - Comp, 0 where it is not known, shape [point]."""
        return np.where(self.has_comp, 1.0 - self.comp, 0.0)

    def primitive(self, length: float, *, may_jump: bool = False) -> Primitive:
        """Return what W's values say of Comp along the nudged node's own axis.

        Args:
            length: The axis' length.
            may_jump: Whether W may jump along it.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            weights = np.where(self.has_comp, 1.0 / self.direct, np.nan)
            return Primitive(self.values / length, weights, may_jump)

    def above(self, level: float) -> Bools:
        """Return where Op is known to lie above a level by more than rounding, shape [point]."""
        with np.errstate(invalid="ignore"):
            above: Bools = self.known & (self.op > level + ROUNDED_OP * (1.0 + abs(level)))
        return above


class PointAsker:
    """Asks points of one question, in batches of lanes."""

    def __init__(
        self, asked: Asked, delta: float | None, estimate: bool, workers: int | None
    ) -> None:
        self.asked, self.delta = asked, delta
        self.estimate, self.workers = estimate, workers
        self.undecided = 0
        # What the first points, spread over the box, say of rounding holds for all: a point's
        # status does not depend on which others are asked beside it.
        self._judgement: Judgement | None = None

    def ask(self, points: Mapping[str, Floats]) -> RefinedPoints:
        """Return what is found at points, axis -> its value at each, shape [point]."""
        work = prepared(self.asked, points, self.delta, self.estimate, self._judgement)
        self._judgement = work.judgement
        columns: dict[str, NDArray[Any]] = run_lanes(work, self.workers)
        self.undecided += len(settled(work, columns, estimate=self.estimate))
        return RefinedPoints(**{name: columns[name] for name in _COLUMNS})

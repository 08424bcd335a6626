"""What a point of the box is: above the level, below it, or in a class of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.basins.start_box import StartBox
from causalopt.effects.asked import Asked
from causalopt.effects.measures import NAMES, ROUNDED_OP
from causalopt.effects.sweeps.point_lanes import prepared, run_lanes, settled
from causalopt.engine.contract import Floats
from causalopt.work.progress import through

# Points whose status is a doubt lie neither inside nor outside.
CLASSES = ("below", "above", "kink", "unresolved", "diverged", "undefined")
BELOW, ABOVE = 0, 1
_OF_STATUS = {
    "kink": "kink",
    "unresolved": "unresolved",
    "diverged": "diverged",
    "nonfinite": "diverged",
    "no_influence": "undefined",
}
_CODES = np.array([CLASSES.index(_OF_STATUS.get(str(name), "below")) for name in NAMES], np.int8)
_TOGETHER = 1 << 22  # points of one call: some hundred MB


@dataclasses.dataclass(frozen=True, eq=False)
class PointAnswers:
    """What was found at points of a box.

    Attributes:
        op: Op in nats, NaN where undefined, shape [point].
        comp: Comp, likewise.
        total: The effect of n on m over all paths.
        direct: The effect over the paths that avoid A.
        codes: The status, a place in `causalopt.effects.measures.NAMES`.
        undecided: Points whose status calls for a run of their own, and that had none.
    """

    op: Floats
    comp: Floats
    total: Floats
    direct: Floats
    codes: NDArray[np.int8]
    undecided: int

    def classes(self, level: float) -> NDArray[np.int8]:
        """Return each point's place in `CLASSES`; above is Op > level by more than rounding.

        `perfect` is above each level and `only_path` below: their Op is infinite.
        """
        found = _CODES[self.codes]
        with np.errstate(invalid="ignore"):
            is_above = lies_above(self.op, level)
        found = np.where((found == BELOW) & is_above, ABOVE, found)
        undefined = CLASSES.index("undefined")
        lost = (found == BELOW) & np.isnan(self.op)
        return np.where(lost, undefined, found).astype(np.int8)


def lies_above(op: Any, level: float) -> Any:
    """Return whether Op is above a level by more than rounding, a bool or one for each."""
    return op > level + ROUNDED_OP * (1.0 + abs(level))


def ask_points(
    asked: Asked,
    box: StartBox,
    shares: Floats,
    *,
    estimate: bool = True,
    workers: int | None = None,
) -> PointAnswers:
    """Return the answers at points of a box.

    Args:
        asked: The question.
        box: The box.
        shares: The points as shares of the box's ranges, shape [axis, point].
        estimate: Whether rounding errors are estimated, and doubtful points run alone.
        workers: Threads; one per processor when not given.
    """
    parts: list[dict[str, NDArray[Any]]] = []
    undecided, count = 0, shares.shape[1]
    for first in through(range(0, count, _TOGETHER)):
        points = box.at(shares[:, first : first + _TOGETHER])
        work = prepared(asked, points, None, estimate)
        columns = run_lanes(work, workers)
        undecided += len(settled(work, columns, estimate=estimate))
        parts.append(columns)
    joined = {
        name: np.concatenate([part[name] for part in parts])
        for name in ("op", "comp", "total", "direct", "codes")
    }
    return PointAnswers(**joined, undecided=undecided)

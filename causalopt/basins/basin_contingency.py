"""Regions of Op beside basins of attraction: what is compressed into, and what by A.

Where a flow contracts, a disturbance dies out whatever A does: the total effect is small, and the
direct effect too. That is being compressed *into* an attractor. Op compares the two: it is large
where A has a part in it. One table holds both, by points of a low-discrepancy design.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.basins.attraction_basins import AttractionBasins
from causalopt.basins.binomial_bounds import binomial_interval
from causalopt.basins.op_basins import OpBasins
from causalopt.basins.op_share import check_design, design_points
from causalopt.basins.point_classes import ABOVE, CLASSES, PointAnswers, ask_points
from causalopt.basins.recurrence_machine import ESCAPED
from causalopt.effects.student_interval import student_interval
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.results import Plotted, Tabled, labelled, plain
from causalopt.work.progress import Progress, long_work, portion

if TYPE_CHECKING:
    import xarray

_REGIONS = 8  # with columns of their own
# What happens to a disturbance, by |total| against 1 and Op against 0.
FATES = ("by A", "without A", "A slows its growth", "not at all")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class BasinContingency(Plotted, Tabled):
    """Basin of attraction x region of Op, over a box of starting values.

    Attributes:
        op: The regions of Op.
        attraction: The basins of attraction.
        rows: The attractors' labels, with `escaped` and `undecided` where there are any.
        columns: `region 1`, ..., `other above` and the classes of the points that lie in none.
        share: The share of the box, shape [row, column].
        low: The lower end of its interval at 95 %, by Student over replicas.
        high: The upper end.
        total: The median of ln |total effect|, NaN where there is no point.
        direct: The median of ln |direct effect|.
        fate: The share of a row's points that are compressed `by A` (|total| < 1 and Op > 0),
            `without A` (|total| < 1 and Op <= 0: A does not help, or hinders), whose growth A slows
            (|total| >= 1 and Op > 0), or that are compressed `not at all`, shape [row, fate]; of
            those whose status is no doubt.
        points: How many points there are in all.
    """

    op: OpBasins
    attraction: AttractionBasins
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    share: Floats
    low: Floats
    high: Floats
    total: Floats
    direct: Floats
    fate: Floats
    points: int

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON's types, one list a row."""
        tables = ("share", "low", "high", "total", "direct", "fate")
        return {
            "model": self.op.model.name,
            "level": self.op.level,
            "points": self.points,
            "rows": list(self.rows),
            "columns": list(self.columns),
            "fates": list(FATES),
            **{name: [plain(row) for row in getattr(self, name)] for name in tables},
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The table, with labelled rows and columns."""
        return labelled(self)

    def __repr__(self) -> str:
        asked = self.op
        lines = [
            f"basins of attraction and {asked.op_name} > {asked.level:g} in {asked.model.name}, at "
            f"step {asked.at}: shares of the box, then medians of ln |total| and ln |direct|"
        ]
        for i, row in enumerate(self.rows):
            name = f"attractor {row}" if row.isdigit() else row
            lines.append(f"  {name}: {self.share[i].sum():.2%} of the box")
            for j, column in enumerate(self.columns):
                if self.share[i, j]:
                    lines.append(
                        f"    {column}: {self.share[i, j]:.2%} [{max(self.low[i, j], 0):.2%}, "
                        f"{self.high[i, j]:.2%}], {self.total[i, j]:.3g}, {self.direct[i, j]:.3g}"
                    )
            parts = ", ".join(
                f"{fate} {part:.1%}" for fate, part in zip(FATES, self.fate[i], strict=True)
            )
            lines.append(f"    compressed: {parts}")
        lines.append(f"  {self.points} points, intervals at 95 %")
        return "\n".join(lines)


@long_work("asking points")
def basin_contingency(
    op: OpBasins,
    attraction: AttractionBasins,
    *,
    points: int = 256,
    replicas: int = 16,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> BasinContingency:
    """Cross the regions of Op with the basins of attraction, with total and direct effects.

    Args:
        op: Where Op lies above a level.
        attraction: What is attracted where: the same model over the same box.
        points: Points of a shifted lattice, a power of two.
        replicas: Independent shifts, two or more.
        seed: Which shifts those are.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in per cent.

    Raises:
        QuestionError: The two are of different models or boxes, or the design is none.

    Example:
        >>> from causalopt import attraction_basins, load, op_basins
        >>> model, over = load("thermostat"), {"R[0]": (0, 50)}
        >>> found = basin_contingency(op_basins(model, over), attraction_basins(model, over))
        >>> found.rows, found.columns, found.fate.tolist()
        (('1',), ('region 1',), [[1.0, 0.0, 0.0, 0.0]])
    """
    del progress  # long_work tells it
    _check_alike(op, attraction)
    check_design("lattice", points, replicas)
    shares = design_points("lattice", len(op.box.names), points, replicas, seed)
    with portion(0.0, 0.5):
        found = ask_points(op, op.box, shares, workers=workers)
    codes = found.classes(op.level)
    with portion(0.5, 1.0):
        goes = attraction.labels_of(op.box.at(shares))
    rows = _rows(attraction, goes)
    columns, column = _columns(op, codes, op.nearest[op.tree.leaf_at(shares)])
    return _table(op, attraction, rows, columns, goes, column, found, codes, replicas)


def _check_alike(op: OpBasins, attraction: AttractionBasins) -> None:
    if op.model.fingerprint != attraction.model.fingerprint:
        raise QuestionError(
            "the regions of Op and the basins are of different models, or of other parameters: "
            "find both in model.replace(parameters=...)"
        )
    if op.box.to_dict() != attraction.box.to_dict():
        raise QuestionError("the regions of Op and the basins are over different starting values")


def _rows(attraction: AttractionBasins, goes: NDArray[np.int64]) -> dict[str, int]:
    rows = {str(found.label): found.label for found in attraction.attractors}
    others = {"escaped": ESCAPED, "undecided": 0}
    return rows | {name: label for name, label in others.items() if (goes == label).any()}


def _columns(
    op: OpBasins, codes: NDArray[np.int8], region: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the columns, and which of them each point belongs to."""
    own = min(len(op.regions), _REGIONS)
    names = [*(f"region {k}" for k in range(1, own + 1)), "other above", "below", *CLASSES[2:]]
    others = np.where(codes == ABOVE, own, own + np.maximum(codes, 1))
    others = np.where(codes == 0, own + 1, others)
    in_region = (codes == ABOVE) & (region >= 1) & (region <= own)
    column = np.where(in_region, region - 1, others).astype(np.intp)
    used = [k for k in range(len(names)) if k < own or (column == k).any()]
    table = {k: new for new, k in enumerate(used)}
    return tuple(names[k] for k in used), np.array([table.get(k, 0) for k in column.tolist()])


def _table(
    op: OpBasins,
    attraction: AttractionBasins,
    rows: dict[str, int],
    columns: tuple[str, ...],
    goes: NDArray[np.int64],
    column: NDArray[np.intp],
    found: PointAnswers,
    codes: NDArray[np.int8],
    replicas: int,
) -> BasinContingency:
    shape = (len(rows), len(columns))
    each = np.zeros((*shape, replicas))
    total, direct = np.full(shape, np.nan), np.full(shape, np.nan)
    fate = np.full((len(rows), len(FATES)), np.nan)
    with np.errstate(divide="ignore"):
        logs = [np.log(np.abs(values)) for values in (found.total, found.direct)]
    shrinks, helps, plain_ones = logs[0] < 0, found.op > 0, codes <= ABOVE
    fates = (shrinks & helps, shrinks & ~helps, ~shrinks & helps, ~shrinks & ~helps)
    for i, label in enumerate(rows.values()):
        mine = goes == label
        for j in range(len(columns)):
            here = mine & (column == j)
            each[i, j] = here.reshape(replicas, -1).mean(axis=1)
            if here.any():
                total[i, j], direct[i, j] = (np.median(values[here]) for values in logs)
        sure = mine & plain_ones
        if sure.any():
            fate[i] = [float((kind & sure).sum() / sure.sum()) for kind in fates]
    share, low, high = student_interval(each)
    for place in zip(*np.nonzero(np.ptp(each, axis=2) == 0), strict=True):
        # Replicas that all agree may all have missed something.
        size = len(goes) // replicas
        low[place], high[place] = binomial_interval(round(float(share[place]) * size), size)
    return BasinContingency(
        op=op,
        attraction=attraction,
        rows=tuple(rows),
        columns=columns,
        share=share,
        low=low,
        high=high,
        total=total,
        direct=direct,
        fate=fate,
        points=len(goes),
    )

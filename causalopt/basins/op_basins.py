"""Basins of optimization: where, among starting values, Op lies above a level."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.basins.binomial_bounds import upper_bound
from causalopt.basins.cell_refinement import MIXED, CellTree, Codes, refine
from causalopt.basins.cell_shares import may_be_above, mixed_corners, regions_of, share_above
from causalopt.basins.linked_cells import linked
from causalopt.basins.point_classes import ABOVE, CLASSES, PointAnswers, ask_points, lies_above
from causalopt.basins.start_box import Ranges, StartBox, start_box
from causalopt.effects.asked import Asked, ask_at
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled, labelled, plain_number
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

_COUNTS = {1: 64, 2: 32, 3: 16}  # cells along an axis, by the number of axes
_DEPTHS = {1: 8, 2: 4, 3: 2}
_SHOWN = 12  # regions that a text names
_SMALL = 0.001  # of all regions: smaller ones are not named
_MEASURE = ("", "length", "area", "volume")


@dataclasses.dataclass(frozen=True)
class OpRegion:
    """One connected region above the level.

    Attributes:
        label: Its number, 1 for the largest.
        measure: Its length, area or volume as estimated, in the product of the axes' units.
        low: That of the cells that lie in it wholly.
        high: With all mixed cells that hang on it.
        joins: Whether mixed cells join it to another one: they may be a single region.
        extent: Axis -> the range in which its whole cells lie.
        op_max: The largest Op found in it, in nats.
        op_max_at: Where, axis -> value.
    """

    label: int
    measure: float
    low: float
    high: float
    joins: bool
    extent: dict[str, tuple[float, float]]
    op_max: float
    op_max_at: dict[str, float]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class OpBasins(Asked, Plotted, Tabled):
    """Where Op lies above a level, over a box of starting values, at one step.

    Attributes:
        box: The box.
        level: The level, in nats.
        tree: The box cut into cells, with the points that were asked.
        regions: The connected regions above the level, the largest first.
        labels: Which region each leaf of the tree belongs to, 0 for none, shape [leaf].
        nearest: Likewise, mixed leaves with a corner above counted to the region that is the
            fewest faces away.
        measure: Length, area or volume above the level, as estimated.
        low: That of the cells whose corners all lie above.
        high: With all mixed cells that have a corner above.
        missed: How much, at most, uncut cells misjudge: a bound at 95 %, NaN where not asked.
        joined: How many regions there are if all mixed cells lie above.
        specks: How many groups of mixed cells have a corner above and touch no region.
        op_range: The least and the largest Op found, NaN where there is none.
        op_max_at: Where the largest lies, axis -> value.
        undecided: Points whose status calls for a run of their own, and that had none.
    """

    box: StartBox
    level: float
    tree: CellTree
    regions: tuple[OpRegion, ...]
    labels: NDArray[np.int64]
    nearest: NDArray[np.int64]
    measure: float
    low: float
    high: float
    missed: float
    joined: int
    specks: int
    op_range: tuple[float, float]
    op_max_at: dict[str, float]
    undecided: int

    @property
    def at(self) -> int:
        """The step measured."""
        return self.steps

    @property
    def asked_points(self) -> int:
        """How many starting points the cells asked."""
        return self.tree.asked

    @property
    def region(self) -> NDArray[np.int64]:
        """The region of each of the finest cells, 0 for none, shape [cell...]."""
        return self.labels[self.tree.cells]

    @property
    def classes(self) -> dict[str, float]:
        """Class -> the measure of the cells whose corners are all in it, and of mixed ones."""
        found = {
            name: float(self.tree.shares[self.tree.classes == code].sum()) * self.box.volume
            for code, name in enumerate(CLASSES)
        }
        found["mixed"] = float(self.tree.shares[self.tree.mixed].sum()) * self.box.volume
        return {name: size for name, size in found.items() if size}

    @property
    def edges(self) -> dict[str, Floats]:
        """Axis -> the edges of its finest cells."""
        return {
            name: np.linspace(low, high, size + 1)
            for name, low, high, size in zip(
                self.box.names, self.box.low, self.box.high, self.tree.shape, strict=True
            )
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON's types."""
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "at": self.at,
            "level": self.level,
            "over": self.box.to_dict(),
            "shape": list(self.tree.shape),
            "depth": self.tree.depth,
            "asked": self.asked_points,
            "box": self.box.volume,
            "measure": self.measure,
            "low": self.low,
            "high": self.high,
            "missed": plain_number(self.missed),
            "classes": self.classes,
            "regions": [_region_dict(region) for region in self.regions],
            "joined": self.joined,
            "specks": self.specks,
            "op_min": plain_number(self.op_range[0]),
            "op_max": plain_number(self.op_range[1]),
            "op_max_at": self.op_max_at,
            "undecided": self.undecided,
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """Region and class of the finest cells, Op at the corners that were asked."""
        return labelled(self)

    def __repr__(self) -> str:
        kind = _MEASURE[len(self.box.names)]
        spans = ", ".join(
            f"{name} in [{low:g}, {high:g}]" for name, (low, high) in self.box.to_dict().items()
        )
        lines = [
            f"{self.op_name} > {self.level:g} in {self.model.name}, at step {self.at}: {spans}"
        ]
        if not self.regions:
            lines += _nothing(self)
        else:
            share = self.measure / self.box.volume
            lines.append(
                f"  {kind} {self.measure:.6g}, between {self.low:.6g} and {self.high:.6g} "
                f"({share:.2%} of the box), in {_region_count(self)}"
            )
            lines += _region_texts(self.regions)
        lines += _doubts(self)
        shape = " x ".join(map(str, self.tree.shape))
        lines.append(f"  {self.asked_points} points asked, finest cells {shape}")
        return "\n".join(lines)


@long_work("asking points")
def op_basins(
    model: Model,
    over: Ranges,
    *,
    level: float = 0.0,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    counts: int | Sequence[int] | None = None,
    depth: int | None = None,
    audit: int = 1000,
    estimate: bool = True,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> OpBasins:
    """Find where, among starting values, Op(A; n, m) lies above a level at one step.

    The box is cut into cells and Op asked at their corners; cells whose corners differ are halved,
    with their neighbours, `depth` times. What lies in cells with all corners above is the lower
    end of the measure, with all mixed cells the upper end; kinks, unresolved and diverged points
    are classes of their own, on neither side. What could hide inside cells with equal corners is
    bounded by asking `audit` points at random. Regions share faces of cells.

    Args:
        model: The model; its question gives what is not given here.
        over: Starting node -> its range, such as {"a[0]": (-20, 20)}: one to three.
        level: The level, in nats: above lies Op > level.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when not given.
        given: Further interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        counts: Cells along each axis, or along each of them, before any is halved; 64, 32 or 16
            for one, two or three axes.
        depth: How often mixed cells are halved; 8, 4 or 2. With 0 every cell is asked alike.
        audit: Points at random that look for what cells miss.
        estimate: Whether rounding errors are estimated, and doubtful points run alone.
        seed: Which points those are, and which draws the noise variables make.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in per cent.

    Raises:
        QuestionError: The question or the box cannot be asked of this model.
        UnknownNameError: An axis is not a variable.
        SizeError: The finest grid would be too large.

    Example:
        >>> from causalopt import load
        >>> found = op_basins(load("thermostat_saturating"), {"R[0]": (4, 45.3)}, level=5.0)
        >>> [(r.label, round(r.measure, 1)) for r in found.regions]
        [(1, 12.2)]
    """
    del progress  # long_work tells it
    asked = ask_at(
        plain_model(model), at, steps=steps, nudge=nudge, hold=hold, target=target, given=given,
        parameters=parameters, initial=initial, seed=seed,
    )  # fmt: skip
    box = start_box(asked.model, over)
    check_settings(level, audit, workers)
    sizes, halvings = cell_counts(len(box.names), counts, depth)
    asker = _Asker(asked, box, level, estimate, workers)
    tree = refine(asker.ask, sizes, halvings)
    return _summed(asked, box, level, tree, asker, _missed(asker, tree, audit, seed))


def check_settings(level: float, audit: int, workers: int | None) -> None:
    """Refuse a level that is no number, and counts that are none.

    Raises:
        QuestionError: As said.
    """
    if not math.isfinite(level):
        raise QuestionError(f"the level is a finite number of nats, found {level}")
    if audit < 0:
        raise QuestionError(f"audit must be 0 or more points, found {audit}")
    if workers is not None and workers < 1:
        raise QuestionError(f"workers must be at least 1, found {workers}")


def cell_counts(
    axes: int, counts: int | Sequence[int] | None, depth: int | None
) -> tuple[tuple[int, ...], int]:
    """Return the cells along each axis before any is halved, and how often they may be.

    Raises:
        QuestionError: One is no positive whole number, or they are not one an axis.
    """
    chosen = _COUNTS[axes] if counts is None else counts
    sizes = (chosen,) * axes if isinstance(chosen, int) else tuple(chosen)
    if len(sizes) != axes:
        raise QuestionError(f"counts takes one number, or one for each of {axes} axes: {counts}")
    if any(size < 1 for size in sizes):
        raise QuestionError(f"an axis has at least 1 cell, found {min(sizes)}")
    halvings = _DEPTHS[axes] if depth is None else depth
    if not 0 <= halvings <= 20:
        raise QuestionError(f"depth lies between 0 and 20, found {depth}")
    return sizes, halvings


def plain_model(model: Model) -> Model:
    """Return a model of numbers.

    Raises:
        QuestionError: It has arrays.
    """
    if model.is_array:
        raise QuestionError(
            "basins are found in models of numbers, and this has arrays: write it out first with "
            "causalopt.expand"
        )
    return model


class _Asker:
    """Asks points and remembers what all of them have in common."""

    def __init__(
        self, asked: Asked, box: StartBox, level: float, estimate: bool, workers: int | None
    ) -> None:
        self.asked, self.box, self.level = asked, box, level
        self._options: dict[str, Any] = {"estimate": estimate, "workers": workers}
        self.undecided = 0
        self.least, self.largest = math.nan, math.nan
        self.largest_at: dict[str, float] = {}

    def ask(self, shares: Floats) -> tuple[Floats, Codes]:
        """Return Op and class at points, shares of the box of shape [axis, point]."""
        found = ask_points(self.asked, self.box, shares, **self._options)
        self.undecided += found.undecided
        codes = found.classes(self.level)
        self._note(found, codes, shares)
        return found.op, codes

    def _note(self, found: PointAnswers, codes: Codes, shares: Floats) -> None:
        known = np.where(codes <= ABOVE, found.op, np.nan)
        if np.isnan(known).all():
            return
        self.least = float(np.fmin(self.least, np.nanmin(known)))
        k = int(np.nanargmax(known))
        if not known[k] <= self.largest:
            self.largest = float(known[k])
            point = self.box.at(shares[:, k : k + 1])
            self.largest_at = {name: float(value[0]) for name, value in point.items()}


def _missed(asker: _Asker, tree: CellTree, audit: int, seed: int) -> float:
    """Return a bound at 95 % on how much of the box uncut cells misjudge; NaN where not asked."""
    if not audit:
        return math.nan
    shares = np.random.default_rng(seed).random((len(tree.shape), audit))
    leaves = tree.leaf_at(shares)
    uncut = tree.classes[leaves] != MIXED
    whole = float(tree.shares[tree.classes != MIXED].sum())
    count = int(uncut.sum())
    if not count:
        return whole * asker.box.volume
    _, codes = asker.ask(shares[:, uncut])
    wrong = int((codes != tree.classes[leaves[uncut]]).sum())
    return upper_bound(wrong, count) * whole * asker.box.volume


def _summed(
    asked: Asked, box: StartBox, level: float, tree: CellTree, asker: _Asker, missed: float
) -> OpBasins:
    """Return what the cells say."""
    mixed = tree.mixed
    op, codes = mixed_corners(tree, mixed)
    may_be = may_be_above(tree, mixed, codes)
    estimates = np.where(tree.classes == ABOVE, tree.shares, 0.0)
    estimates[mixed] = share_above(op, codes, level) * tree.shares[mixed]
    closed, opened, near = regions_of(tree, may_be)
    volume = box.volume
    return OpBasins(
        **vars(asked),
        box=box,
        level=float(level),
        tree=tree,
        regions=_regions(box, tree, closed, opened, near, estimates),
        labels=closed,
        nearest=near,
        measure=float(estimates.sum()) * volume,
        low=float(tree.shares[closed > 0].sum()) * volume,
        high=float(tree.shares[(closed > 0) | may_be].sum()) * volume,
        missed=missed,
        joined=int(opened.max(initial=0)),
        specks=_groups(tree, opened == -1),
        op_range=(asker.least, asker.largest),
        op_max_at=asker.largest_at,
        undecided=asker.undecided,
    )


def _groups(tree: CellTree, chosen: NDArray[np.bool_]) -> int:
    """Return how many groups of cells that share faces the chosen ones form."""
    if not chosen.any():
        return 0
    first, second = tree.faces
    both = chosen[first] & chosen[second]
    return len(np.unique(linked(len(chosen), (first[both], second[both]))[chosen]))


def _regions(
    box: StartBox,
    tree: CellTree,
    closed: NDArray[np.int64],
    opened: NDArray[np.int64],
    near: NDArray[np.int64],
    estimates: Floats,
) -> tuple[OpRegion, ...]:
    count = int(closed.max(initial=0))
    if not count:
        return ()
    size = count + 1
    lows = np.bincount(closed, weights=tree.shares, minlength=size)
    sums = np.bincount(near, weights=estimates, minlength=size)
    own = np.zeros(size, dtype=np.int64)
    own[closed[closed > 0]] = opened[closed > 0]
    crowd = np.bincount(own[1:], minlength=int(opened.max()) + 1)
    mixed_of = np.where((closed == 0) & (opened > 0), opened, 0)
    hanging = np.bincount(mixed_of, weights=tree.shares, minlength=len(crowd))
    extents = _extents(tree, closed, count)
    tops = _tops(tree, closed, count)
    steps = (box.high - box.low) / np.array(tree.shape)
    found = []
    for label in range(1, size):
        ends = [
            (low + step * first, low + step * last)
            for low, step, (first, last) in zip(box.low, steps, extents[label - 1], strict=True)
        ]
        value, place = tops[label - 1]
        spots = [low + step * k for low, step, k in zip(box.low, steps, place, strict=True)]
        found.append(
            OpRegion(
                label=label,
                measure=float(sums[label]) * box.volume,
                low=float(lows[label]) * box.volume,
                high=float(lows[label] + hanging[own[label]]) * box.volume,
                joins=bool(crowd[own[label]] > 1),
                extent={
                    name: (float(a), float(b)) for name, (a, b) in zip(box.names, ends, strict=True)
                },
                op_max=value,
                op_max_at=dict(zip(box.names, map(float, spots), strict=True)),
            )
        )
    return tuple(found)


def _extents(tree: CellTree, closed: NDArray[np.int64], count: int) -> list[list[tuple[int, int]]]:
    """Return each region's first and last edge along every axis, in finest cells."""
    dense = closed[tree.cells]
    ends: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    places = np.nonzero(dense)
    labels = dense[places]
    for where in places:
        low = np.full(count + 1, dense.size, dtype=np.int64)
        high = np.zeros(count + 1, dtype=np.int64)
        np.minimum.at(low, labels, where)
        np.maximum.at(high, labels, where + 1)
        for label in range(1, count + 1):
            ends[label - 1].append((int(low[label]), int(high[label])))
    return ends


def _tops(
    tree: CellTree, closed: NDArray[np.int64], count: int
) -> list[tuple[float, tuple[int, ...]]]:
    """Return the largest Op among each region's asked corners, and which corner has it."""
    where = np.nonzero(tree.corners == ABOVE)
    values = tree.op[where].astype(float)
    labels = np.zeros(len(values), dtype=np.int64)
    for offset in np.ndindex(*(2,) * len(tree.shape)):
        cell = tuple(
            np.clip(place - o, 0, size - 1)
            for place, o, size in zip(where, offset, tree.shape, strict=True)
        )
        labels = np.maximum(labels, closed[tree.cells[cell]])
    order = np.lexsort((-values, labels))
    firsts = np.searchsorted(labels[order], np.arange(1, count + 1))
    return [
        (float(values[k]), tuple(int(place[k]) for place in where)) for k in order[firsts].tolist()
    ]


def _region_dict(region: OpRegion) -> dict[str, Any]:
    """Return a region as JSON's types."""
    return {
        **dataclasses.asdict(region),
        "extent": {name: list(ends) for name, ends in region.extent.items()},
        "op_max": plain_number(region.op_max),
    }


def _region_texts(regions: Sequence[OpRegion]) -> list[str]:
    """Return a line for each region that is not small, and one for the rest."""
    least = _SMALL * sum(region.measure for region in regions)
    shown = [region for region in regions[:_SHOWN] if region.measure >= least]
    lines, rest = list(map(_region_text, shown)), regions[len(shown) :]
    if rest:
        size = sum(region.measure for region in rest)
        lines.append(f"    and {_counted(len(rest), 'smaller one')}, {size:.4g} in all")
    return lines


def _region_text(region: OpRegion) -> str:
    spans = ", ".join(
        f"{name} {low:.4g} to {high:.4g}" for name, (low, high) in region.extent.items()
    )
    joins = "; may be one with another" if region.joins else ""
    return (
        f"    {region.label}: {region.measure:.6g} [{region.low:.6g}, {region.high:.6g}], {spans}, "
        f"Op up to {region.op_max:.4g}{joins}"
    )


def _nothing(found: OpBasins) -> list[str]:
    low, high = found.op_range
    if math.isnan(high):
        return ["  Op is known at no point of the box"]
    place = ", ".join(f"{name} = {value:.6g}" for name, value in found.op_max_at.items())
    if lies_above(high, found.level):
        some = f"only some corners do: {found.measure:.3g}, at most {found.high:.3g}"
        if not found.high:
            some = "only points inside cells that were left uncut"
        return [
            f"  no whole cell lies above, {some}; more counts or depth would show regions",
            f"  the largest Op found is {high:.6g} nats, at {place}",
        ]
    return [
        f"  no point that was asked lies above: Op goes from {low:.6g} to {high:.6g} nats",
        f"  the largest is at {place}: ask for a level below it",
    ]


def _doubts(found: OpBasins) -> list[str]:
    lines = []
    own = {name: size for name, size in found.classes.items() if name not in ("below", "above")}
    mixed = own.pop("mixed", 0.0)
    lines += [f"  {name}: {size:.6g}, on neither side" for name, size in own.items()]
    if mixed:
        lines.append(f"  mixed cells: {mixed:.6g}")
    if found.specks:
        lines.append(f"  {_counted(found.specks, 'group')} of mixed cells touch no region")
    if not math.isnan(found.missed):
        lines.append(f"  at most {found.missed:.3g} is misjudged by cells left uncut (95 %)")
    if found.undecided:
        lines.append(
            f"  {found.undecided} doubtful points keep the status of floats alone: too many to run "
            "one by one"
        )
    return lines


def _region_count(found: OpBasins) -> str:
    """Return how many regions there are, fewer where mixed cells may join them."""
    count = _counted(len(found.regions), "region")
    return count if found.joined == len(found.regions) else f"{found.joined} to {count}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

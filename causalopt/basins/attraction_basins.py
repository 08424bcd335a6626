"""Basins of attraction: the attractors of a model, and which of them a starting value goes to."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from causalopt.basins.cell_refinement import MIXED, CellTree, Codes, refine
from causalopt.basins.cell_shares import mixed_corners
from causalopt.basins.op_basins import cell_counts, check_settings, plain_model
from causalopt.basins.orbit_lanes import OrbitLanes
from causalopt.basins.recurrence_machine import ESCAPED, UNDECIDED, Counters, RecurrenceMachine
from causalopt.basins.start_box import Ranges, StartBox, start_box
from causalopt.basins.state_grid import NOWHERE, OUTSIDE, StateGrid, crossing_stride, state_grid
from causalopt.engine.contract import Bools, Floats
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.results import Plotted, Tabled, labelled
from causalopt.work.progress import Progress, long_work, tick

if TYPE_CHECKING:
    import xarray

_ESCAPED_CODE = 126  # the class of a corner is a small whole number
MOST_ATTRACTORS = 100
_LOOKS = 64  # of one stretch of lanes
_SLOWEST = 64
_FOLLOWED = 512  # looks of one stretch of the machine
_WATCHED = 512  # steps of an attractor that tell what it is
_RECORDED = 4096  # looks at an attractor that make its cells, once it is settled
_LONGEST = 128  # the longest period that is told from none
_SETTLED = 1e-6  # of the grid: what is so near an attractor is on it
_COMES_BACK = 1e-9  # of the grid: what comes back so near is periodic, if it goes so much farther
_FARTHER = 1e4
_SETTLING = 200_000  # steps after which an attractor is watched that is not periodic before
_SOME = 5000  # steps between which it is seen whether it is
_BRIEF = 256  # looks at a periodic attractor that make its cells
_TRIALS = 4  # what repels one orbit from is asked again, so often
_BESIDE = 1e-3  # of a cell: how far beside an attractor orbits start that must come back
_PATIENCE = 8192  # looks after which a lane that met no known attractor is followed by the machine


@dataclasses.dataclass(frozen=True)
class AttractingSet:
    """Where orbits end.

    Attributes:
        label: Its number, 1 for the one with the largest basin.
        kind: `fixed point`, `period 2`, ..., or `aperiodic`: of a flow also a cycle whose period
            is no whole number of steps.
        centre: Variable -> its mean over the attractor.
        extent: Variable -> the range that the attractor was seen in.
        cells: How many cells of the grid it has.
        measure: Length, area or volume of its basin as estimated: cells that lie in it wholly, and
            of mixed ones the share of their corners.
        low: That of the cells whose corners all go there.
        high: With all mixed cells that have a corner that does.
    """

    label: int
    kind: str
    centre: dict[str, float]
    extent: dict[str, tuple[float, float]]
    cells: int
    measure: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AttractionBasins(Plotted, Tabled):
    """The attractors that a box of starting values goes to, and their basins.

    Attributes:
        model: The model.
        box: The box.
        tree: The box cut into cells; the class of a corner is its attractor's label, 0 where it is
            undecided, 126 where it escapes.
        attractors: The attractors, that with the largest basin first.
        grid: The grid of the state on which recurrences are counted.
        stride: Steps between two looks.
        counters: How often was enough.
        escaped: The measure of what leaves the grid: low, estimate and high.
        undecided: The measure of what neither came to rest nor left, likewise.
    """

    model: Model
    box: StartBox
    tree: CellTree
    attractors: tuple[AttractingSet, ...]
    grid: StateGrid
    stride: int
    counters: Counters
    escaped: tuple[float, float, float]
    undecided: tuple[float, float, float]
    _mapper: _Mapper

    @property
    def region(self) -> NDArray[np.int64]:
        """The basin of each of the finest cells: 0 where mixed or undecided, -1 where it escapes.

        Shape [cell...].
        """
        kinds = np.where(self.tree.classes == MIXED, 0, self.tree.classes).astype(np.int64)
        return np.where(kinds == _ESCAPED_CODE, ESCAPED, kinds)[self.tree.cells]

    @property
    def edges(self) -> dict[str, Floats]:
        """Axis -> the edges of its finest cells."""
        return {
            name: np.linspace(low, high, size + 1)
            for name, low, high, size in zip(
                self.box.names, self.box.low, self.box.high, self.tree.shape, strict=True
            )
        }

    def labels_of(self, points: Mapping[str, Floats]) -> NDArray[np.int64]:
        """Return where starting values go: an attractor's label, 0 undecided, -1 escaped.

        Args:
            points: Each axis of the box -> its values, shape [point].
        """
        found = self._mapper.labels(dict(points))
        return self._mapper.renumbered(found)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON's types."""
        return {
            "model": self.model.name,
            "over": self.box.to_dict(),
            "shape": list(self.tree.shape),
            "asked": self.tree.asked,
            "grid": {name: list(ends) for name, ends in self.grid.ranges.items()},
            "grid_cells": list(self.grid.counts),
            "stride": self.stride,
            "box": self.box.volume,
            "attractors": [
                {**dataclasses.asdict(a), "extent": {n: list(e) for n, e in a.extent.items()}}
                for a in self.attractors
            ],
            "escaped": list(self.escaped),
            "undecided": list(self.undecided),
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The basin of the finest cells, and the attractors."""
        return labelled(self)

    def __repr__(self) -> str:
        spans = ", ".join(f"{n} in [{a:g}, {b:g}]" for n, (a, b) in self.box.to_dict().items())
        lines = [f"basins of attraction in {self.model.name}: {spans}"]
        for a in self.attractors:
            centre = ", ".join(f"{name} = {value:.6g}" for name, value in a.centre.items())
            share = a.measure / self.box.volume
            lines.append(
                f"  {a.label}: {a.kind} at {centre}; basin {a.measure:.6g} [{a.low:.6g}, "
                f"{a.high:.6g}], {share:.2%} of the box"
            )
        if not self.attractors:
            lines.append("  no attractor was found")
        for name, ends in (("escapes", self.escaped), ("undecided", self.undecided)):
            if ends[2]:
                lines.append(f"  {name}: {ends[1]:.6g} [{ends[0]:.6g}, {ends[2]:.6g}]")
        cells = " x ".join(map(str, self.grid.counts))
        lines.append(
            f"  {self.tree.asked} points asked; recurrences on {cells} cells of "
            f"{', '.join(self.grid.names)}, every {self.stride} steps"
        )
        return "\n".join(lines)


@long_work("following orbits")
def attraction_basins(
    model: Model,
    over: Ranges,
    *,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    counts: int | Sequence[int] | None = None,
    depth: int | None = None,
    within: Mapping[str, Sequence[float]] | None = None,
    cells: int | None = None,
    stride: int | None = None,
    counters: Counters | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> AttractionBasins:
    """Find the attractors that a box of starting values goes to, and their basins.

    Attractors are found by recurrences on a grid of the state (Datseris and Wagemakers, 2022): the
    finite state machine follows one orbit at a time until it finds an attractor, and all others
    run side by side until they are on the cells of a known one, or outside the grid for long. The
    box is cut into cells as for `op_basins`, finer where neighbours go to different attractors.

    Args:
        model: The model: a map of its own state, without noise or clock.
        over: Starting node -> its range: one to three.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        counts: Cells along each axis before any is halved; 64, 32 or 16 for one to three axes.
        depth: How often mixed cells are halved; 8, 4 or 2.
        within: Variable -> the range that the grid of the state has; found by pilots otherwise.
        cells: Cells of that grid along each variable.
        stride: Steps between two looks at an orbit; by default as many as cross ten cells.
        counters: How often is enough.
        seed: Where pilots start.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in per cent.

    Raises:
        QuestionError: The model is no map of its state, or the box or the grid is none.
        UnknownNameError: A name is not declared.
        SizeError: The finest cells would be too many.

    Example:
        >>> from causalopt import load
        >>> found = attraction_basins(
        ...     load("lorenz"), {"a[0]": (-5, 5)}, parameters={"rho": 10}, depth=2
        ... )
        >>> [(a.kind, round(a.centre["c"], 4)) for a in found.attractors]
        [('fixed point', 9.0), ('fixed point', 9.0)]
    """
    del progress  # long_work tells it
    model = plain_model(model).replace(parameters=parameters, initial=initial)
    box = start_box(model, over)
    check_settings(0.0, 0, workers)
    if stride is not None and stride < 1:
        raise QuestionError(f"stride must be at least 1 step, found {stride}")
    orbits = OrbitLanes(model, workers)
    shares = np.random.default_rng(seed).random((len(box.names), 256))
    grid = state_grid(orbits, box, shares, within, cells)
    states = orbits.start(box.at(shares))
    step = crossing_stride(orbits, grid, states) if stride is None else stride
    mapper = _Mapper(orbits, grid, step, counters or Counters())
    sizes, halvings = cell_counts(len(box.names), counts, depth)
    tree = refine(mapper.asker(box), sizes, halvings)
    return _summed(model, box, tree, mapper)


class _Mapper:
    """Tells where orbits go; attractors that one call found are known in the next."""

    def __init__(
        self, orbits: OrbitLanes, grid: StateGrid, stride: int, counters: Counters
    ) -> None:
        self.orbits, self.grid, self.stride, self.counters = orbits, grid, stride, counters
        self.machine = RecurrenceMachine(counters)
        self.seen: list[Floats] = []  # of each attractor, what it was watched doing
        self.order: dict[int, int] = {}
        self.retired: list[int] = []  # what was found and attracts nothing
        self._repelling: list[Floats] = []
        self._patience = _PATIENCE

    def asker(self, box: StartBox) -> Any:
        """Return what `refine` asks."""

        def ask(shares: Floats) -> tuple[Floats, Codes]:
            labels = self.labels(box.at(shares))
            codes = np.where(labels == ESCAPED, _ESCAPED_CODE, labels).astype(np.int8)
            return np.full(len(labels), np.nan), codes

        return ask

    def renumbered(self, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return labels in the order of the attractors' basins."""
        table = np.array([0, *(self.order.get(k, k) for k in range(1, self.machine.count + 1))])
        return np.where(labels > 0, table[np.maximum(labels, 0)], labels)

    def labels(self, points: dict[str, Floats]) -> NDArray[np.int64]:
        """Return the attractor of every point, in the order in which they were found."""
        states = self.orbits.start(points)
        labels = np.full(states.shape[1], UNDECIDED, dtype=np.int64)
        lanes = _Lanes(states.copy(), np.arange(states.shape[1]))
        while lanes.count:
            tick(len(labels) - lanes.count, len(labels))
            if self.machine.attractors:
                self._run(lanes, labels)
            if lanes.count:
                self._follow(lanes, states, labels)
        return labels

    def _run(self, lanes: _Lanes, labels: NDArray[np.int64]) -> None:
        """Run lanes until each is on a known attractor or lost, or patience is at an end."""
        known = np.array(sorted(self.machine.attractors), dtype=np.int64)
        owners = np.array([self.machine.attractors[cell] for cell in known.tolist()])
        until = lanes.looks + self._patience
        while lanes.count and lanes.looks < until:
            # What is slow to arrive is looked at less and less often.
            slower = min(1 << (lanes.stretches // 2), _SLOWEST)
            stride = self.stride * slower
            rows, lanes.states = self.orbits.advance(lanes.states, _LOOKS, stride)
            cells = self.grid.cell(rows)
            places = np.minimum(np.searchsorted(known, cells), len(known) - 1)
            found = np.where(known[places] == cells, owners[places], 0)
            lanes.looks += _LOOKS * slower
            lanes.stretches += 1
            for k in range(_LOOKS):
                lanes.look(found[k], cells[k], self.counters)
            lanes.settle(labels)

    def _follow(self, lanes: _Lanes, starts: Floats, labels: NDArray[np.int64]) -> None:
        """Follow the first lane that is left by the machine, from its start."""
        self._leave_repelled(lanes)
        if not lanes.count:
            return
        lane, before = int(lanes.index[0]), self.machine.count
        had_run = bool(self.machine.attractors)
        labels[lane] = self._followed(starts[:, lane : lane + 1])
        lanes.drop(0)
        if had_run and self.machine.count == before and labels[lane] != UNDECIDED:
            # It was only slow; where nothing had run, nothing is known of that.
            self._patience = min(2 * self._patience, self.counters.most)

    def _followed(self, state: Floats) -> int:
        """Return where an orbit goes by the machine, again from its end where that repels."""
        for _ in range(_TRIALS):
            before, found = self.machine.count, None
            while found is None:
                rows, state = self.orbits.advance(state, _FOLLOWED, self.stride)
                found = self.machine.follow(self.grid.cell(rows)[:, 0].tolist())
            if self.machine.count == before:
                return found
            if before == MOST_ATTRACTORS:
                raise QuestionError(
                    f"more than {MOST_ATTRACTORS} attractors: recurrences on this grid tell none "
                    "from another; give other ranges (within), other cells or a longer stride"
                )
            known = self._settled(found, state)
            if known != UNDECIDED:
                return known
            state = self._repelling[-1]
        return UNDECIDED

    def _settled(self, label: int, state: Floats) -> int:
        """Return which attractor a new one turns out to be once orbits have settled.

        Itself; a known one that its orbits end on, whose cells these are then too; or none, where
        orbits that start beside it leave it: one that starts on a saddle recurs there as well.
        """
        state, seen = self._at_rest(state)
        if not np.isfinite(state).all():
            self._forget(label, None)
            return ESCAPED
        # The cells it had on its way, of a chaotic transient say, are none of the attractor's.
        looks = max(_RECORDED, self.counters.locate) if _period(self.grid, seen) is None else _BRIEF
        rows, _ = self.orbits.advance(state, looks, self.stride)
        self.machine.forget(label)
        for cell in np.unique(self.grid.cell(rows)).tolist():
            if cell >= 0:
                self.machine.attractors.setdefault(cell, label)
        same = self._same(label, seen)
        if same:
            self.machine.adopt(label, same)
            self.retired.append(label)
            self.seen.append(seen)
            return same
        if self._attracts(label, state, seen):
            self.seen.append(seen)
            return label
        self._forget(label, seen)
        self._repelling.append(state)
        return UNDECIDED

    def _at_rest(self, state: Floats) -> tuple[Floats, Floats]:
        """Return an orbit's state once it is periodic, or has had long to be, and what it does."""
        for _ in range(0, _SETTLING, _SOME):
            _, state = self.orbits.advance(state, 1, _SOME)
            if not np.isfinite(state).all():
                break
            rows, _ = self.orbits.advance(state, _WATCHED)
            if _period(self.grid, rows[:, :, 0]) is not None:
                break
        else:
            rows, _ = self.orbits.advance(state, _WATCHED)
        return state, rows[:, :, 0]

    def _same(self, label: int, seen: Floats) -> int:
        """Return the known attractor on which another was seen to be, 0 for none."""
        cells = self.grid.cell(seen.T[None])[0].tolist()
        owners = {self.machine.attractors.get(cell, 0) for cell in cells} - {0, label}
        if owners:
            return min(owners)
        apart = _SETTLED * (self.grid.high - self.grid.low)
        for other, known in enumerate(self.seen, 1):
            near = (np.abs(seen[:, None] - known[None]) <= apart).all(axis=2)
            if other not in self.retired and near.any():
                return other
        return 0

    def _attracts(self, label: int, state: Floats, seen: Floats) -> bool:
        """Return whether orbits that start beside an attractor come back to it.

        The cells that they come to are then its own too: it may lie on the border of some.
        """
        sizes = (self.grid.high - self.grid.low) / np.array(self.grid.counts)
        beside = self.orbits.beside(state, _BESIDE * sizes)
        own = np.array([c for c, k in self.machine.attractors.items() if k == label])
        apart = _SETTLED * (self.grid.high - self.grid.low)
        for _ in range(0, _SETTLING, _SOME):
            _, beside = self.orbits.advance(beside, 1, _SOME)
            if not np.isfinite(beside).all():
                return False
            if _near(self.orbits.now(beside), seen, apart).all():
                break
        rows, _ = self.orbits.advance(beside, _LOOKS, self.stride)
        cells = self.grid.cell(rows)
        back = np.isin(cells, own)
        back[-1] |= _near(rows[-1], seen, apart)
        if not back.any(axis=0).all():
            return False
        for cell in np.unique(cells[cells >= 0]).tolist():
            self.machine.attractors.setdefault(cell, label)
        return True

    def _forget(self, label: int, seen: Floats | None) -> None:
        self.machine.forget(label)
        self.retired.append(label)
        self.seen.append(np.full((1, len(self.grid.names)), np.nan) if seen is None else seen)

    def _leave_repelled(self, lanes: _Lanes) -> None:
        """Leave the lanes undecided that sit on what is known to repel."""
        apart = _SETTLED * (self.grid.high - self.grid.low)[:, None]
        now = self.orbits.now(lanes.states)
        for state in self._repelling:
            near = np.abs(now - self.orbits.now(state)) <= apart
            sits = np.asarray(near.all(axis=0), dtype=bool)
            if sits.any():
                lanes.keep(~sits)
                now = now[:, ~sits]


class _Lanes:
    """Orbits that run side by side, with the counters of each."""

    def __init__(self, states: Floats, index: NDArray[np.intp]) -> None:
        self.states, self.index = states, index
        self.looks, self.stretches = 0, 0
        self._last = np.zeros(len(index), dtype=np.int64)
        self._matches, self._lost = np.zeros_like(self._last), np.zeros_like(self._last)
        self._found = np.zeros_like(self._last)

    @property
    def count(self) -> int:
        """How many are left."""
        return len(self.index)

    def look(self, found: NDArray[np.int64], cells: NDArray[np.int64], most: Counters) -> None:
        """Count one look at all lanes: the attractors they are on, 0 for none, and their cells."""
        self._matches = np.where(found > 0, np.where(found == self._last, self._matches + 1, 1), 0)
        self._last = found
        self._lost = np.where(cells == OUTSIDE, self._lost + 1, 0)
        is_open = self._found == 0
        hit = is_open & (self._matches >= most.attractor_steps)
        self._found[hit] = found[hit]
        lost = (self._lost > most.lost_steps) | (cells == NOWHERE)
        self._found[is_open & lost] = ESCAPED

    def settle(self, labels: NDArray[np.int64]) -> None:
        """Write what is decided and go on with the rest."""
        done = self._found != 0
        labels[self.index[done]] = self._found[done]
        self.keep(~done)

    def drop(self, lane: int) -> None:
        """Go on without a lane."""
        keep = np.ones(self.count, dtype=bool)
        keep[lane] = False
        self.keep(keep)

    def keep(self, keep: NDArray[np.bool_]) -> None:
        """Go on with some lanes."""
        self.states, self.index = self.states[:, keep], self.index[keep]
        for name in ("_last", "_matches", "_lost", "_found"):
            setattr(self, name, getattr(self, name)[keep])


def _summed(model: Model, box: StartBox, tree: CellTree, mapper: _Mapper) -> AttractionBasins:
    """Return the basins, numbered by their size."""
    kept = sorted(set(range(1, mapper.machine.count + 1)) - set(mapper.retired))
    sizes = {code: _ends(tree, code) for code in kept}
    order = sorted(sizes, key=lambda code: (-sizes[code][1], code))
    mapper.order.update({code: k for k, code in enumerate(order, 1)})
    table = np.arange(-128, 128, dtype=np.int8)
    for code, k in mapper.order.items():
        table[code + 128] = k
    tree = dataclasses.replace(
        tree,
        corners=table[tree.corners.astype(int) + 128],
        classes=table[tree.classes.astype(int) + 128],
    )
    cells = np.bincount(list(mapper.machine.attractors.values()), minlength=128)
    found = []
    for code in order:
        low, middle, high = (size * box.volume for size in sizes[code])
        found.append(
            AttractingSet(
                label=mapper.order[code],
                cells=int(cells[code]),
                measure=middle,
                low=low,
                high=high,
                **_description(mapper.grid, mapper.seen[code - 1]),
            )
        )
    return AttractionBasins(
        model=model,
        box=box,
        tree=tree,
        attractors=tuple(found),
        grid=mapper.grid,
        stride=mapper.stride,
        counters=mapper.counters,
        escaped=_sizes(tree, _ESCAPED_CODE, box.volume),
        undecided=_sizes(tree, UNDECIDED, box.volume),
        _mapper=mapper,
    )


def _sizes(tree: CellTree, code: int, volume: float) -> tuple[float, float, float]:
    low, middle, high = _ends(tree, code)
    return low * volume, middle * volume, high * volume


def _ends(tree: CellTree, code: int) -> tuple[float, float, float]:
    """Return the share of the box in a class: whole cells, with shares of mixed ones, with all."""
    whole = float(tree.shares[tree.classes == code].sum())
    mixed = tree.mixed
    _, codes = mixed_corners(tree, mixed)
    corners = (codes == code).mean(axis=0)
    sizes = tree.shares[mixed]
    return whole, whole + float(corners @ sizes), whole + float(sizes[corners > 0].sum())


def _description(grid: StateGrid, seen: Floats) -> dict[str, Any]:
    """Return what an attractor is, by its last steps, shape [step, variable]."""
    period = _period(grid, seen)
    kind = {None: "aperiodic", 1: "fixed point"}.get(period, f"period {period}")
    return {
        "kind": kind,
        "centre": dict(zip(grid.names, seen.mean(axis=0).tolist(), strict=True)),
        "extent": {
            name: (float(column.min()), float(column.max()))
            for name, column in zip(grid.names, seen.T, strict=True)
        },
    }


def _near(states: Floats, seen: Floats, apart: Floats) -> Bools:
    """Return which states, [variable, lane], are near one of the places seen, [step, variable]."""
    near: Bools = np.abs(states.T[:, None] - seen[None]) <= apart
    found: Bools = np.logical_or.reduce(np.logical_and.reduce(near, axis=2), axis=1)
    return found


def _period(grid: StateGrid, seen: Floats) -> int | None:
    """Return after how many steps an orbit, shape [step, variable], comes back; None for never."""
    apart = _COMES_BACK * (grid.high - grid.low)
    # A slow spiral comes back near itself after a turn long before it is at rest.
    goes_far = bool((np.ptp(seen, axis=0) > _FARTHER * apart).any())
    for period in range(1, _LONGEST + 1 if goes_far else 2):
        if (np.abs(seen[period:] - seen[:-period]) <= apart).all():
            return period
    return None

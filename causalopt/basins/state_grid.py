"""A grid on the state of a model: the cell in which a state lies, as one whole number."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.basins.orbit_lanes import OrbitLanes
from causalopt.basins.start_box import StartBox
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError, UnknownNameError, suggestion

OUTSIDE, NOWHERE = -1, -2
_PILOTS, _PILOT_STEPS = 256, 2048
_STRETCH = 256  # pilots' steps that are kept at a time
_FAR = 1e8  # times the box's size: a pilot that gets there escapes
_TAIL = 0.05  # share of pilots whose excursions need not fit: they come back
_WIDER = 0.05
_UNEVEN = 1.0618033988749895  # fixed points at round numbers then lie on no border of cells
_CELLS = {1: 1001, 2: 201, 3: 101, 4: 51}  # odd: what is symmetric rests inside a cell
_CROSSING = 10.0  # cells crossed between two looks, on average, as Datseris and Wagemakers choose


@dataclasses.dataclass(frozen=True, eq=False)
class StateGrid:
    """A grid of equal cells on the state.

    Attributes:
        names: The variables, one an axis.
        low: Where each axis begins, shape [variable].
        high: Where it ends.
        counts: Cells along each.
    """

    names: tuple[str, ...]
    low: Floats
    high: Floats
    counts: tuple[int, ...]

    def cell(self, values: Floats) -> NDArray[np.int64]:
        """Return the cells of states, `OUTSIDE` for those outside, `NOWHERE` where not finite.

        Args:
            values: Shape [..., variable, lane].

        Returns:
            Shape [..., lane].
        """
        found = np.zeros((*values.shape[:-2], values.shape[-1]), dtype=np.int64)
        is_in = np.ones(found.shape, dtype=bool)
        for k, count in enumerate(self.counts):
            with np.errstate(invalid="ignore", over="ignore"):
                place = (values[..., k, :] - self.low[k]) * (count / (self.high[k] - self.low[k]))
                inside = (place >= 0) & (place <= count)
            is_in &= inside
            found *= count
            found += np.where(inside, np.minimum(place, count - 1), 0).astype(np.int64)
        lost = np.where(np.isfinite(values).all(axis=-2), OUTSIDE, NOWHERE)
        return np.where(is_in, found, lost)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Variable -> its range."""
        ends = zip(self.low.tolist(), self.high.tolist(), strict=True)
        return dict(zip(self.names, ends, strict=True))


def state_grid(
    orbits: OrbitLanes,
    box: StartBox,
    shares: Floats,
    within: Mapping[str, Sequence[float]] | None,
    cells: int | None,
) -> StateGrid:
    """Return the grid: over the ranges given, and over those that pilots visit.

    Args:
        orbits: The orbits.
        box: The box of starting values.
        shares: Where pilots start, shares of the box, shape [axis, pilot].
        within: Variable -> its range, where it is not to be found by pilots.
        cells: Cells along each axis; by default 1001, 201, 101 or 51 for one to four
            variables, 21 for more.

    Raises:
        UnknownNameError: A range is given for what is no variable of the state.
        QuestionError: A range is none, there are too many cells, or every pilot escapes.
    """
    given = dict(within or {})
    for name in given:
        if name not in orbits.names:
            raise UnknownNameError(
                f"'{name}' is no variable of the state ({', '.join(orbits.names)})"
                f"{suggestion(name, list(orbits.names))}"
            )
    low, high = _visited(orbits, box, shares, set(given))
    for k, name in enumerate(orbits.names):
        if name in given:
            low[k], high[k] = _checked(name, given[name])
    count = _CELLS.get(len(orbits.names), 21) if cells is None else cells
    if count < 2 or count ** len(orbits.names) >= 2**62:
        raise QuestionError(
            f"a grid of the state has 2 or more cells along each of {len(orbits.names)} axes, and "
            f"less than 2**62 in all, found {count} along each"
        )
    return StateGrid(orbits.names, low, high, (count,) * len(orbits.names))


def crossing_stride(orbits: OrbitLanes, grid: StateGrid, states: Floats) -> int:
    """Return after how many steps an orbit has crossed some ten cells, on average; at least 1.

    Flows whose step is small beside a cell would recur by standing still. For maps whose step
    crosses cells it is 1.
    """
    rows, _ = orbits.advance(states, 1)
    sizes = ((grid.high - grid.low) / np.array(grid.counts))[:, None]
    moved = (rows[0] - orbits.now(states)) / sizes
    speeds = np.sqrt(np.sum(moved**2, axis=0))
    known = speeds[np.isfinite(speeds)]
    speed = float(known.mean()) if len(known) else 0.0
    diagonal = np.sqrt(len(sizes))
    return int(min(max(_CROSSING * diagonal / speed, 1.0), 1000.0)) if speed else 1


def _visited(
    orbits: OrbitLanes, box: StartBox, shares: Floats, given: set[str]
) -> tuple[Floats, Floats]:
    """Return the ranges that pilots start in and stay in, a little wider."""
    states = orbits.start(box.at(shares[:, :_PILOTS]))
    begin = orbits.now(states)
    low, high = begin.min(axis=1), begin.max(axis=1)
    for name, first, last in zip(box.names, box.low, box.high, strict=True):
        k = orbits.names.index(name.partition("[")[0])
        low[k], high[k] = min(low[k], first), max(high[k], last)
    size = float(np.max(np.abs([low, high]))) or 1.0
    if not set(orbits.names) <= given:
        least, most = begin.copy(), begin.copy()
        for _ in range(0, _PILOT_STEPS, _STRETCH):
            rows, states = orbits.advance(states, _STRETCH)
            stays = (np.abs(rows) < _FAR * size).all(axis=(0, 1))
            if not stays.any():
                return low - _WIDER * size, high + _WIDER * size
            states, rows = states[:, stays], rows[:, :, stays]
            least = np.minimum(least[:, stays], rows.min(axis=0))
            most = np.maximum(most[:, stays], rows.max(axis=0))
        low = np.minimum(low, np.quantile(least, _TAIL, axis=1))
        high = np.maximum(high, np.quantile(most, 1 - _TAIL, axis=1))
    wide = np.maximum(_WIDER * (high - low), 1e-9 * size)
    return low - wide, high + wide * _UNEVEN


def _checked(name: str, ends: Sequence[float]) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        raise QuestionError(f"within takes a range (low, high) for '{name}'") from None
    if not (np.isfinite(high - low) and low < high):
        raise QuestionError(
            f"within takes a range of finite numbers for '{name}', the lower one first, found "
            f"({low:g}, {high:g})"
        )
    return low, high

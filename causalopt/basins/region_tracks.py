"""Basins along a parameter: which regions go on from value to value, split, merge, come and go.

Regions of Op at neighbouring values are linked where they overlap: by more than a share of the
smaller one. A region goes on in the one that it overlaps most, if that one overlaps it most too;
others that it is linked to are born of a split or end in a merger. Attractors are linked to the
nearest one at the neighbouring value, in either direction: their basins may be stripes, whose
overlap says little.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalopt.basins.attraction_basins import AttractionBasins, attraction_basins
from causalopt.basins.op_basins import OpBasins, op_basins
from causalopt.basins.start_box import Ranges
from causalopt.effects.sweeps.axes import axis_values
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled, labelled
from causalopt.work.progress import Progress, long_work
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

Links: TypeAlias = dict[tuple[int, int], float]
_LINKED = 0.05  # share of the smaller region from which an overlap is a link
KINDS = ("appears", "vanishes", "splits", "merges")


@dataclasses.dataclass(frozen=True)
class TrackEvent:
    """Something that happens to regions between two values of the parameter.

    Attributes:
        kind: `appears`, `vanishes`, `splits` or `merges`.
        before: The parameter's value before.
        after: Its value after.
        tracks: The tracks it happens to: of a split or merger, the one that goes on comes first.
    """

    kind: str
    before: float
    after: float
    tracks: tuple[int, ...]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RegionTracks(Plotted, Tabled):
    """Regions of Op, or basins of attraction, followed along a parameter.

    Attributes:
        parameter: Its name.
        values: Its values, shape [value].
        found: What was found at each value: `OpBasins`, or `AttractionBasins`.
        tracks: Track of each region at each value: value's place -> label -> track, from 1.
        events: What happens between values.
    """

    parameter: str
    values: Floats
    found: tuple[OpBasins, ...] | tuple[AttractionBasins, ...]
    tracks: tuple[dict[int, int], ...]
    events: tuple[TrackEvent, ...]

    @property
    def count(self) -> int:
        """How many tracks there are."""
        return max((track for row in self.tracks for track in row.values()), default=0)

    @property
    def measures(self) -> dict[str, Floats]:
        """`measure`, `low` and `high` of each track at each value, NaN where it is not there.

        Shape [value, track].
        """
        tables = {
            name: np.full((len(self.values), self.count), np.nan)
            for name in ("measure", "low", "high")
        }
        for k, row in enumerate(self.tracks):
            parts = _parts(self.found[k])
            for label, track in row.items():
                for name, table in tables.items():
                    table[k, track - 1] = getattr(parts[label - 1], name)
        return tables

    def to_dict(self) -> dict[str, Any]:
        """Return the tracks as JSON's types."""
        return {
            "along": self.parameter,
            "values": self.values.tolist(),
            "tracks": [{str(label): track for label, track in row.items()} for row in self.tracks],
            "events": [
                {**dataclasses.asdict(event), "tracks": list(event.tracks)} for event in self.events
            ],
            "found": [found.to_dict() for found in self.found],
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The measure of each track along the parameter, with its bounds."""
        return labelled(self)

    def __repr__(self) -> str:
        first = self.found[0]
        what = (
            f"{first.op_name} > {first.level:g}"
            if isinstance(first, OpBasins)
            else "basins of attraction"
        )
        lines = [
            f"{what} in {first.model.name} along {self.parameter}, {len(self.values)} values from "
            f"{self.values[0]:g} to {self.values[-1]:g}: {self.count} tracks"
        ]
        for event in self.events:
            names = ", ".join(map(str, event.tracks))
            lines.append(
                f"  between {event.before:g} and {event.after:g}: {names} {event.kind}"
                if event.kind in ("appears", "vanishes")
                else f"  between {event.before:g} and {event.after:g}: {event.tracks[0]} "
                f"{event.kind} with {', '.join(map(str, event.tracks[1:]))}"
            )
        return "\n".join(lines)


@long_work("asking points")
def basins_along(
    model: Model,
    along: Mapping[str, ArrayLike],
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
    least: float = 0.001,
    estimate: bool = True,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> RegionTracks:
    """Follow the regions in which Op(A; n, m) lies above a level, along a parameter.

    Args:
        model: The model; its question gives what is not given here.
        along: One parameter -> its values, in the order in which they are followed.
        over: Starting node -> its range: one to three.
        level: The level, in nats.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when not given.
        given: Further interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        counts: Cells along each axis, as for `op_basins`.
        depth: How often mixed cells are halved.
        least: The share of the box below which a region is not followed.
        estimate: Whether rounding errors are estimated, and doubtful points run alone.
        seed: Which draws the noise variables make, the same for every value.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in values of the parameter.

    Raises:
        QuestionError: As for `op_basins`, or there is not one parameter to follow.
        UnknownNameError: A name is not declared.

    Example:
        >>> from causalopt import load
        >>> found = basins_along(
        ...     load("thermostat_saturating"), {"p": [0.5, 1, 2]}, {"R[0]": (4, 45)}, level=5.0
        ... )
        >>> found.count, found.events
        (1, ())
    """
    del progress  # long_work tells it

    def ask(name: str, value: float) -> OpBasins:
        return op_basins(
            model, over, level=level, nudge=nudge, hold=hold, target=target, steps=steps, at=at,
            given=given, parameters={**(parameters or {}), name: value}, initial=initial,
            counts=counts, depth=depth, audit=0, estimate=estimate, seed=seed, workers=workers,
        )  # fmt: skip

    name, values = one_parameter(model, along)
    found = tuple(ask(name, value) for value in values.tolist())
    labels = [_large(each, least) for each in found]
    links = [_overlaps(a, b) for a, b in itertools.pairwise(labels)]
    present = [np.unique(row[row > 0]).tolist() for row in labels]
    return RegionTracks(name, values, found, *matched(present, links, values))


@long_work("following orbits")
def attraction_along(
    model: Model,
    along: Mapping[str, ArrayLike],
    over: Ranges,
    *,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    counts: int | Sequence[int] | None = None,
    depth: int | None = None,
    within: Mapping[str, Sequence[float]] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> RegionTracks:
    """Follow basins of attraction along a parameter.

    Args:
        model: The model: a map of its own state, without noise or clock.
        along: One parameter -> its values, in the order in which they are followed.
        over: Starting node -> its range: one to three.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        counts: Cells along each axis, as for `attraction_basins`.
        depth: How often mixed cells are halved.
        within: Variable -> the range that the grid of the state has.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in values of the parameter.

    Raises:
        QuestionError: As for `attraction_basins`, or there is not one parameter to follow.
        UnknownNameError: A name is not declared.

    Example:
        >>> from causalopt import load
        >>> found = attraction_along(
        ...     load("lorenz"), {"rho": [0.5, 0.9, 2, 5]}, {"a[0]": (-20, 20)}, depth=0
        ... )
        >>> [(event.kind, event.before, event.after) for event in found.events]
        [('splits', 0.9, 2.0)]
    """
    del progress  # long_work tells it

    def ask(name: str, value: float) -> AttractionBasins:
        return attraction_basins(
            model, over, parameters={**(parameters or {}), name: value}, initial=initial,
            counts=counts, depth=depth, within=within, workers=workers,
        )  # fmt: skip

    name, values = one_parameter(model, along)
    found = tuple(ask(name, value) for value in values.tolist())
    links = [_nearest(a, b) for a, b in itertools.pairwise(found)]
    present = [[attractor.label for attractor in each.attractors] for each in found]
    return RegionTracks(name, values, found, *matched(present, links, values))


def matched(
    present: Sequence[Sequence[int]], links: Sequence[Links], values: Floats
) -> tuple[tuple[dict[int, int], ...], tuple[TrackEvent, ...]]:
    """Return the track of each region at each value, and what happens between values.

    Args:
        present: The labels of the regions at each value.
        links: Between each value and the next, (label, next label) -> how much links them.
        values: The parameter's values.

    Example:
        >>> matched([[1], [1, 2]], [{(1, 1): 3.0, (1, 2): 1.0}], np.array([0.0, 1.0]))[1]
        (TrackEvent(kind='splits', before=0.0, after=1.0, tracks=(1, 2)),)
    """
    tracks = [{label: k for k, label in enumerate(present[0], 1)}]
    events, count = list[TrackEvent](), len(present[0])
    for k, joined in enumerate(links):
        row = {new: tracks[-1][old] for old, new in _heirs(joined)}
        for label in present[k + 1]:
            if label not in row:
                count += 1
                row[label] = count
        ends = (float(values[k]), float(values[k + 1]))
        events += _events(joined, tracks[-1], row, ends)
        tracks.append(dict(sorted(row.items())))
    return tuple(tracks), tuple(events)


def _large(found: OpBasins, least: float) -> NDArray[np.int64]:
    """Return the region of each of the finest cells, 0 for those of regions that are small."""
    enough = [0, *(region.measure >= least * found.box.volume for region in found.regions)]
    kept: NDArray[np.int64] = found.region * np.array(enough, dtype=np.int64)[found.region]
    return kept


def _overlaps(before: NDArray[np.int64], after: NDArray[np.int64]) -> Links:
    """Return (old region, new region) -> their overlap in cells, where it is a link."""
    both = (before > 0) & (after > 0)
    pairs, counts = np.unique(np.stack([before[both], after[both]]), axis=1, return_counts=True)
    old, new = (np.bincount(table.ravel()) for table in (before, after))
    return {
        (a, b): float(count)
        for (a, b), count in zip(pairs.T.tolist(), counts.tolist(), strict=True)
        if count >= _LINKED * min(old[a], new[b])
    }


def _nearest(before: AttractionBasins, after: AttractionBasins) -> Links:
    """Return (old attractor, new one) -> their nearness, where either is the other's nearest."""
    if not before.attractors or not after.attractors:
        return {}
    size = np.maximum(before.grid.high - before.grid.low, after.grid.high - after.grid.low)
    old, new = (
        np.array([list(attractor.centre.values()) for attractor in each.attractors]) / size
        for each in (before, after)
    )
    apart = np.sqrt(((old[:, None] - new[None]) ** 2).sum(axis=2))
    pairs = {(a, int(b)) for a, b in enumerate(apart.argmin(axis=1))}
    pairs |= {(int(a), b) for b, a in enumerate(apart.argmin(axis=0))}
    return {(a + 1, b + 1): -float(apart[a, b]) for a, b in sorted(pairs)}


def _heirs(links: Links) -> list[tuple[int, int]]:
    """Return the pairs that are linked to each other most."""

    def best(side: int) -> dict[int, tuple[int, int]]:
        found: dict[int, tuple[int, int]] = {}
        for pair in sorted(links, key=lambda pair: (links[pair], -pair[0], -pair[1])):
            found[pair[side]] = pair
        return found

    return sorted(set(best(0).values()) & set(best(1).values()))


def _events(
    links: Links, before: dict[int, int], after: dict[int, int], ends: tuple[float, float]
) -> list[TrackEvent]:
    old, new = {a for a, _ in links}, {b for _, b in links}
    found = [
        TrackEvent("vanishes", *ends, (track,))
        for label, track in before.items()
        if label not in old
    ]
    found += [
        TrackEvent("appears", *ends, (track,)) for label, track in after.items() if label not in new
    ]
    for a in sorted(old):
        parts = {after[b] for x, b in links if x == a}
        if len(parts) > 1:
            found.append(TrackEvent("splits", *ends, _led(before[a], parts)))
    for b in sorted(new):
        parts = {before[a] for a, x in links if x == b}
        if len(parts) > 1:
            found.append(TrackEvent("merges", *ends, _led(after[b], parts)))
    return found


def _led(first: int, tracks: set[int]) -> tuple[int, ...]:
    return (first, *sorted(tracks - {first}))


def _parts(found: OpBasins | AttractionBasins) -> Sequence[Any]:
    return found.regions if isinstance(found, OpBasins) else found.attractors


def one_parameter(model: Model, along: Mapping[str, ArrayLike]) -> tuple[str, Floats]:
    """Return the parameter that is followed, and its values.

    Raises:
        QuestionError: There is not one, or it decides a lag.
        UnknownNameError: The model has no such parameter.
    """
    if len(along) != 1:
        raise QuestionError(
            f"basins are followed along one parameter, such as rho, found {len(along)}"
        )
    ((name, values),) = along.items()
    if name not in model.parameters:
        raise UnknownNameError(
            f"'{name}' is no parameter of {model.name}{suggestion(name, list(model.parameters))}"
        )
    return name, axis_values(name, values)

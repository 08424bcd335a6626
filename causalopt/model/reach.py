"""Which nodes paths of the graph reach, over all paths or over those that avoid A.

Rows of equations are bit masks, one a step. Once the plan has settled they repeat, so that they are
kept as stretches of repeated rows and written out for the equations that are asked for.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalopt.model.template import Template

if TYPE_CHECKING:
    from causalopt.language.step_window import StepWindow

Bools: TypeAlias = NDArray[np.bool_]
Ranges: TypeAlias = Iterable[tuple[int, int, int]]
_LONGEST_PERIOD = 64  # longer lags than this settle only where nothing changes any more


class GraphRun(Protocol):
    """A run as far as its graph is concerned: what of it follows no rule, and what is held."""

    @property
    def steps(self) -> int:
        """The last step."""

    @property
    def forced(self) -> Bools:
        """Which equations take a given value, shape [leading steps, equation]."""

    @property
    def held(self) -> Bools:
        """Which equations are in A, shape [leading steps, equation]; the last row lasts."""

    @property
    def seed(self) -> tuple[int, int] | None:
        """The nudged (step, equation)."""


@dataclasses.dataclass(frozen=True)
class Reach:
    """Which equations at which steps are on a path.

    Attributes:
        width: The number of equations.
        stretches: (number of steps, rows) one after another from step 0; the rows are bit masks
            over equations and come again and again.
    """

    width: int
    stretches: tuple[tuple[int, tuple[int, ...]], ...]

    @functools.cached_property
    def table(self) -> Bools:
        """All equations, shape [t, V]."""
        return self.of(list(range(self.width)))

    def of(self, columns: int | list[int]) -> Bools:
        """Return one equation, shape [t], or several, shape [t, column]."""
        places = [columns] if isinstance(columns, int) else columns
        found = np.empty((sum(count for count, _ in self.stretches), len(places)), dtype=bool)
        t = 0
        for count, rows in self.stretches:
            part, bits = found[t : t + count], self._bits(rows, places)
            whole = count // len(rows) * len(rows)
            part[:whole].reshape(-1, len(rows), len(places))[:] = bits
            part[whole:] = bits[: count - whole]
            t += count
        return found[:, 0] if isinstance(columns, int) else found

    def _bits(self, rows: tuple[int, ...], places: list[int]) -> Bools:
        size = (self.width + 7) // 8
        packed = np.frombuffer(b"".join(row.to_bytes(size, "little") for row in rows), np.uint8)
        bits = np.unpackbits(packed.reshape(len(rows), size), axis=1, bitorder="little")
        return bits[:, places].astype(bool)


def reaching(
    template: Template,
    plan: GraphRun,
    seeds: Mapping[int, Iterable[int]],
    *,
    avoid_held: bool,
    ranges: Ranges = (),
) -> Reach:
    """Return which equations at which steps have a path to one of some nodes.

    Args:
        template: The model's template.
        plan: The run; its forced nodes let nothing through, its seed is not used.
        seeds: Step -> the equations that paths end in; these count as well.
        avoid_held: Whether paths through A do not count.
        ranges: Further ends: (first step, last step, equation).
    """
    links = _Links(template, forwards=False)
    ends = _Seeds(seeds, ranges)
    walk = _Walk(plan, links, ends, avoid_held=avoid_held, forwards=False)
    # Each stretch is whole periods, so that its rows need but be turned round.
    found = [(count, rows[::-1]) for count, rows in walk.over(reversed(walk.pieces()))]
    return Reach(len(template.equations), tuple(reversed(found)))


def reachable(
    template: Template,
    plan: GraphRun,
    *,
    avoid_held: bool,
    starts: Mapping[int, Iterable[int]] | None = None,
    ranges: Ranges = (),
) -> Reach:
    """Return which equations at which steps a path from some nodes reaches.

    Args:
        template: The model's template.
        plan: The run; its forced nodes let nothing through.
        avoid_held: Whether paths through A do not count.
        starts: Step -> the equations where paths start; the plan's seed when not given.
        ranges: Further starts: (first step, last step, equation).
    """
    if starts is None:
        assert plan.seed is not None
        starts = {plan.seed[0]: (plan.seed[1],)}
    links = _Links(template, forwards=True)
    seeds = _Seeds(starts, ranges)
    walk = _Walk(plan, links, seeds, avoid_held=avoid_held, forwards=True)
    return Reach(len(template.equations), tuple(walk.over(walk.pieces())))


class _Seeds:
    """Where paths start or end, as a bit mask for each step that changes only at its edges."""

    def __init__(self, single: Mapping[int, Iterable[int]], ranges: Ranges) -> None:
        found = [(t, t, i) for t, equations in single.items() for i in set(equations)]
        changes: dict[int, list[tuple[int, int]]] = {}
        for first, last, i in {*found, *ranges}:
            changes.setdefault(first, []).append((i, 1))
            changes.setdefault(last + 1, []).append((i, -1))
        self.edges = sorted(changes)
        self._masks: list[int] = []
        counts: dict[int, int] = {}  # ranges of one equation may overlap
        mask = 0
        for t in self.edges:
            for i, more in changes[t]:
                counts[i] = counts.get(i, 0) + more
                mask = mask | 1 << i if counts[i] else mask & ~(1 << i)
            self._masks.append(mask)

    def at(self, t: int) -> int:
        """Return the mask at a step."""
        place = bisect.bisect_right(self.edges, t) - 1
        return self._masks[place] if place >= 0 else 0


class _Links:
    """Where paths go on from each equation, as bit masks by lag, at each step of a walk."""

    def __init__(self, template: Template, *, forwards: bool) -> None:
        self._width = len(template.equations)
        windows: Mapping[tuple[str, int, str], tuple[StepWindow, ...]] = {}
        if template.asked:
            from causalopt.model.edge_windows import edge_windows  # most questions ask for none

            windows = edge_windows(template)
        self._lasting: dict[int, list[int]] = {0: [0] * self._width}
        self._passing: list[tuple[int, int, int, int, float]] = []  # lag, from, to, first, last
        for child, equation in enumerate(template.equations):
            for name, lag in equation.parents:
                source, end = template.index[name], child
                if not forwards:
                    source, end = end, source
                steps = windows.get((name, lag, equation.name))
                row = self._lasting.setdefault(lag, [0] * self._width)
                if steps is None:
                    row[source] |= 1 << end
                    continue
                back = (
                    0 if forwards else lag
                )  # windows are the child's, rows going back the parent's
                for window in steps:
                    last = math.inf if window.last is None else window.last - back
                    self._passing.append((lag, source, end, window.first - back, last))

    @property
    def depth(self) -> int:
        """The largest lag."""
        return max(self._lasting)

    @property
    def edges(self) -> set[int]:
        """The steps from which on other links are there."""
        found = {first for *_, first, _ in self._passing}
        found |= {int(last) + 1 for *_, last in self._passing if last < math.inf}
        return {step for step in found if step > 0}

    def at(self, t: int) -> tuple[list[int], dict[int, list[int]]]:
        """Return the links within a step's row, and lag -> those to rows further on."""
        links = self._lasting
        if self._passing:
            links = {lag: row.copy() for lag, row in links.items()}
            for lag, source, end, first, last in self._passing:
                if first <= t <= last:
                    links[lag][source] |= 1 << end
        return links[0], {lag: row for lag, row in links.items() if lag}


class _Walk:
    """A walk over the steps, forwards along the edges or backwards against them."""

    def __init__(
        self, plan: GraphRun, links: _Links, seeds: _Seeds, *, avoid_held: bool, forwards: bool
    ) -> None:
        self._plan, self._avoid_held, self._forwards = plan, avoid_held, forwards
        self._seeds, self._links = seeds, links
        self._now, self._lagged = links.at(0)
        self._depth = links.depth

    def pieces(self) -> list[tuple[int, int]]:
        """Return ranges [t0, t1) of steps: single ones, and those that are all alike."""
        forced, held, end = self._plan.forced, self._plan.held, self._plan.steps + 1
        edges = {0, end, len(forced), *self._seeds.edges, *self._links.edges}
        for table in (forced, held):
            edges |= set((np.flatnonzero((table[1:] != table[:-1]).any(axis=1)) + 1).tolist())
        return list(itertools.pairwise(sorted(t for t in edges if t <= end)))

    def over(self, pieces: Iterable[tuple[int, int]]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield (number of steps, rows) in the order of the walk."""
        past = [0] * self._depth  # what each step passes on, the last step's at the end
        before = live = 0  # live: behind the last step that passes something on
        for t0, t1 in pieces:
            if live <= len(past) - self._depth and not self._seeds.at(t0):
                yield t1 - t0, (0,)
                continue
            self._now, self._lagged = self._links.at(t0)
            opened, rows, seen, alike = self._open(t0), list[int](), dict[tuple[int, ...], int](), 0
            left = t1 - t0
            while left:
                row = self._row(past, opened, self._seeds.at(t0))
                rows.append(row)
                past.append(row if self._forwards else row & opened)
                live = len(past) if past[-1] else live
                left -= 1
                alike, before = (alike + 1 if row == before else 0), row
                if alike > self._depth:
                    period = 1
                elif (
                    self._depth > _LONGEST_PERIOD
                    or (key := tuple(past[len(past) - self._depth :])) not in seen
                ):
                    if self._depth <= _LONGEST_PERIOD:
                        seen[key] = len(rows)
                    continue
                else:
                    period = len(rows) - seen[key]
                if left >= period:
                    whole = left // period * period
                    yield len(rows), tuple(rows)
                    yield whole, tuple(rows[len(rows) - period :])
                    left -= whole
                    rows, seen, alike = [], {}, 0
            if rows:
                yield len(rows), tuple(rows)

    def _open(self, t: int) -> int:
        """Return the equations that let paths through at a step."""
        held = self._plan.held
        closed = held[min(t, len(held) - 1)] & self._avoid_held
        if t < len(self._plan.forced):
            closed = closed | self._plan.forced[t]
        packed = np.packbits(~closed, bitorder="little")
        return int.from_bytes(packed.tobytes(), "little")

    def _row(self, past: list[int], opened: int, seeds: int) -> int:
        """Return one step's row: what is linked to earlier rows, then to itself."""
        row = 0
        for lag, links in self._lagged.items():
            for j in _bits_of(past[-lag]):
                row |= links[j]
        if self._forwards:
            row &= opened
        row |= seeds
        done = 0
        while left := row & ~done:
            bit = left & -left if self._forwards else 1 << (left.bit_length() - 1)
            done |= bit
            links_now = self._now[bit.bit_length() - 1]
            if self._forwards:
                row |= links_now & opened
            elif bit & opened:
                row |= links_now
        return row


def _bits_of(row: int) -> Iterator[int]:
    while row:
        low = row & -row
        yield low.bit_length() - 1
        row ^= low

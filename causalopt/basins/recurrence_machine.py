"""Attractors by recurrences on a grid: the finite state machine of Datseris and Wagemakers.

An orbit is followed from cell to cell. Cells are empty, visited by this orbit, part of an attractor
or part of a basin; the machine's state follows from the cell, and a counter of how often it was in
that state in a row decides. An orbit that comes back again and again to cells it has visited has
found an attractor, whose cells are then recorded; one that stays on a known attractor's cells, or
on a known basin's, belongs to it; one that stays outside the grid escapes.

Source: Datseris, Wagemakers, Effortless estimation of basins of attraction, Chaos 32, 023104 (2022)
and their package Attractors.jl (`AttractorsViaRecurrences`). One thing is decided otherwise: where
an orbit that seemed to recur meets a known attractor while its own is recorded, it had not settled
and belongs to that one; theirs is an error.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable

from causalopt.basins.state_grid import NOWHERE, OUTSIDE

ESCAPED, UNDECIDED = -1, 0


@dataclasses.dataclass(frozen=True)
class Counters:
    """How often is enough; names and numbers as in Attractors.jl.

    Attributes:
        recurrences: Looks in a row at visited cells after which an attractor is found.
        locate: Looks at an attractor, once it is found, that record its cells.
        attractor_steps: Looks in a row at an attractor's cells after which an orbit belongs to it.
        basin_steps: Looks in a row at a basin's cells, likewise.
        lost_steps: Looks in a row outside the grid after which an orbit escapes; one that is not
            finite escapes at once. Theirs is 20: excursions of Newton's method take longer.
        most: Looks at one orbit after which it is undecided.
    """

    recurrences: int = 100
    locate: int = 1000
    attractor_steps: int = 2
    basin_steps: int = 10
    lost_steps: int = 1000
    most: int = 100_000


class Phase(enum.Enum):
    """What the machine is doing."""

    SEARCH = "searches an attractor"
    FOUND = "records the cells of an attractor it found"
    ATTRACTOR = "is on the cells of a known attractor"
    BASIN = "is on the cells of a known basin"
    LOST = "is outside the grid"


class RecurrenceMachine:
    """The machine, and the cells it knows.

    Attributes:
        attractors: Cell -> the attractor it belongs to, 1, 2, ...
        basins: Cell -> the attractor whose basin it belongs to.
        count: How many attractors are known.
    """

    def __init__(self, counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self.attractors: dict[int, int] = {}
        self.basins: dict[int, int] = {}
        self.count = 0
        self._reset()

    def _reset(self) -> None:
        self._phase = Phase.SEARCH
        self._matches, self._lost, self._looks = 0, 0, 0
        self._last = 0
        self._visited: set[int] = set()
        self._own: set[int] = set()

    def follow(self, cells: Iterable[int]) -> int | None:
        """Return where an orbit belongs, by its cells; None where they do not decide yet.

        A number is an attractor, new or known; `ESCAPED` or `UNDECIDED` are none. After None the
        next call goes on with the same orbit, after any other answer it begins a new one.
        """
        for cell in cells:
            self._looks += 1
            found = self._look(cell)
            if found is None and self._looks >= self.counters.most:
                found = UNDECIDED
            if found is not None:
                self._reset()
                return found
        return None

    def forget(self, attractor: int) -> None:
        """Forget the cells of what turned out to attract nothing."""
        self.attractors = {c: label for c, label in self.attractors.items() if label != attractor}

    def adopt(self, attractor: int, other: int) -> None:
        """Count the cells of one attractor to another, which it turned out to be."""
        for cell, label in self.attractors.items():
            if label == attractor:
                self.attractors[cell] = other

    @property
    def phase(self) -> Phase:
        """What the machine is doing with the orbit it follows."""
        return self._phase

    def _look(self, cell: int) -> int | None:
        if cell == NOWHERE:
            return ESCAPED
        if self._phase is Phase.FOUND:
            return self._record(cell)
        label = self._enter(cell)
        if self._phase is Phase.LOST:
            self._lost += 1
            return ESCAPED if self._lost > self.counters.lost_steps else None
        if self._phase is Phase.SEARCH:
            self._search(cell)
            return None
        self._matches = self._matches + 1 if label == self._last else 1
        self._last = label
        steps = self.counters.attractor_steps
        if self._phase is Phase.BASIN:
            steps = self.counters.basin_steps
        return label if self._matches >= steps else None

    def _enter(self, cell: int) -> int:
        """Take the state that a cell asks for and return the attractor it tells of, 0 for none.

        Time outside the grid does not reset the count of recurrences: an attractor may reach out
        of the grid.
        """
        label = self.attractors.get(cell, 0)
        if cell == OUTSIDE:
            phase = Phase.LOST
        elif label:
            phase = Phase.ATTRACTOR
        elif cell in self.basins and cell not in self._visited:
            phase, label = Phase.BASIN, self.basins[cell]
        else:
            phase = Phase.SEARCH
        if phase is not self._phase:
            if Phase.LOST in (phase, self._phase):
                self._lost = 0
            else:
                self._matches, self._last = 0, 0
            self._phase = phase
        return label

    def _search(self, cell: int) -> None:
        if cell not in self._visited:
            self._visited.add(cell)
            self._matches = 0
            return
        self._matches += 1
        if self._matches >= self.counters.recurrences:
            self._phase, self._matches = Phase.FOUND, 0
            self._own = {cell}

    def _record(self, cell: int) -> int | None:
        """Record a cell of the attractor; it is located once looks in a row bring no new one.

        Theirs looks a given number of times; going on until nothing new comes keeps a slow spiral
        from being taken for an attractor of its own beside the point that it ends in.
        """
        known = self.attractors.get(cell, 0)
        if known:
            return known
        if cell == OUTSIDE or cell in self._own:
            self._matches += 1
        else:
            self._own.add(cell)
            # A chaotic attractor has ever more cells: past some time it is located as it is.
            is_late = self._looks > self.counters.most // 2
            self._matches = self._matches + 1 if is_late else 0
        if self._matches < self.counters.locate:
            return None
        self.count += 1
        self.attractors.update(dict.fromkeys(self._own, self.count))
        return self.count

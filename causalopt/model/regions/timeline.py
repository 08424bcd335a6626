"""One variable's nodes in a set: which elements, from which step on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from causalopt.model.regions.element_boxes import boxes_of
from causalopt.model.selectors import Window

Bools = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False)
class Timeline:
    """Masks over a variable's elements, each from one step until the next one's.

    Attributes:
        starts: The steps at which the masks begin, rising from 0, shape [piece].
        masks: Which elements are in the set, shape [piece, dim0, ...]; of a number shape [piece].
    """

    starts: NDArray[np.int64]
    masks: Bools

    @classmethod
    def constant(cls, value: bool, shape: tuple[int, ...]) -> Timeline:
        """Return all nodes of a variable, or none."""
        return cls(np.zeros(1, dtype=np.int64), np.full((1, *shape), value))

    @classmethod
    def of_windows(cls, windows: Iterable[Window], shape: tuple[int, ...]) -> Timeline:
        """Return the nodes of windows of one variable."""
        own = list(windows)
        edges = {0, *(w.first for w in own), *(w.last + 1 for w in own if w.last is not None)}
        starts = np.array(sorted(edges), dtype=np.int64)
        place = {int(start): i for i, start in enumerate(starts)}
        masks = np.zeros((len(starts), *shape), dtype=bool)
        for window in own:
            end = None if window.last is None else place[window.last + 1]
            elements = () if window.elements is None else (slice(*axis) for axis in window.elements)
            masks[(slice(place[window.first], end), *elements)] = True
        return cls(starts, masks).shortest()

    @classmethod
    def of_rows(cls, rows: Bools) -> Timeline:
        """Return what a table says step by step, shape [t, dim0, ...]; its last row lasts."""
        return cls(np.arange(len(rows), dtype=np.int64), rows).shortest()

    def shortest(self) -> Timeline:
        """Return the same with pieces joined that are alike."""
        flat = self.masks.reshape(len(self.masks), -1)
        fresh = np.concatenate([[True], (flat[1:] != flat[:-1]).any(axis=1)])
        return self if fresh.all() else Timeline(self.starts[fresh], self.masks[fresh])

    def clipped(self, last: int | None) -> Timeline:
        """Return the same without what begins after the last step."""
        inside = slice(None) if last is None else self.starts <= last
        return Timeline(self.starts[inside], self.masks[inside])

    def at(self, steps: NDArray[np.int64] | int) -> Bools:
        """Return the masks at some steps, shape [step, dim0, ...]."""
        found: Bools = self.masks[np.searchsorted(self.starts, steps, side="right") - 1]
        return found

    def combined(self, other: Timeline, operation: Callable[[Bools, Bools], Bools]) -> Timeline:
        """Return what an operation on masks makes of two, step by step."""
        starts = np.union1d(self.starts, other.starts)
        return Timeline(starts, operation(self.at(starts), other.at(starts))).shortest()

    def delayed(self) -> Timeline:
        """Return the masks of the step before; at step 0 those of step 0 itself."""
        starts = np.concatenate([self.starts[:1], self.starts[1:] + 1])
        return Timeline(starts, self.masks)

    def pieces(self, last: int | None) -> Iterator[tuple[int, int | None, Bools]]:
        """Yield (first step, last step, mask); the last piece ends with the run."""
        ends: list[int | None] = [int(start) - 1 for start in self.starts[1:]]
        yield from zip(map(int, self.starts), [*ends, last], self.masks, strict=True)

    def windows(self, variable: str) -> list[Window]:
        """Return the set as windows; what lasts to the end of the run has no last step."""
        found, open_since = [], dict[object, int]()
        for first, _, mask in self.pieces(None):
            boxes = [None] if mask.all() else boxes_of(mask)
            for box, since in [*open_since.items()]:
                if box not in boxes:
                    found.append(Window(variable, since, first - 1, box))  # type: ignore[arg-type]
                    del open_since[box]
            for box in boxes:
                open_since.setdefault(box, first)
        found += [Window(variable, since, None, box) for box, since in open_since.items()]  # type: ignore[arg-type]
        return sorted(found, key=lambda window: (window.first, window.elements or ()))

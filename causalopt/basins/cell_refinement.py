"""A box cut into cells, finer where the class of points changes.

A cell whose corners are all of one class is left as it is. Where corners differ the level set, or
the border of a doubtful class, runs through the cell: it is cut in two along every axis, and so are
its neighbours, so that a border cannot leave the fine cells between two levels unseen. A feature
that lies wholly inside a cell with equal corners is not seen: `missed_share` bounds how much there
may be, by points asked at random inside uncut cells.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from causalopt.basins.linked_cells import Labels, touching
from causalopt.engine.contract import Bools, Floats
from causalopt.errors import SizeError
from causalopt.work.progress import portion

Codes: TypeAlias = NDArray[np.int8]
Ask: TypeAlias = Callable[[Floats], tuple[Floats, Codes]]
MOST_CORNERS = 40_000_000  # of the finest grid: their classes and Op take 5 bytes each
UNKNOWN, MIXED = -1, -2


@dataclasses.dataclass(frozen=True, eq=False)
class CellTree:
    """A box cut into cells.

    Attributes:
        corners: Class of the corners of the finest cells, `UNKNOWN` where not asked, shape
            [corner...].
        op: Op there, NaN where not asked or undefined.
        cells: Which leaf each of the finest cells belongs to, shape [cell...].
        classes: The class of each leaf, `MIXED` where its corners differ, shape [leaf].
        levels: How often each leaf was halved, shape [leaf].
        depth: How often the finest cells were halved.
        asked: How many points were asked.
    """

    corners: Codes
    op: NDArray[np.float32]
    cells: NDArray[np.int32]
    classes: Codes
    levels: Codes
    depth: int
    asked: int

    @property
    def shape(self) -> tuple[int, ...]:
        """How many of the finest cells each axis has."""
        return self.cells.shape

    @property
    def shares(self) -> Floats:
        """Each leaf's share of the box's volume, shape [leaf]."""
        finest = 1.0 / self.cells.size
        shares: Floats = finest * 2.0 ** (self.cells.ndim * (self.depth - self.levels.astype(int)))
        return shares

    @functools.cached_property
    def faces(self) -> tuple[Labels, Labels]:
        """The pairs of leaves that share a face."""
        return touching(self.cells)

    def leaf_at(self, shares: Floats) -> NDArray[np.int32]:
        """Return the leaves in which points lie, given as shares of the box, [axis, point]."""
        places = [
            np.clip((share * size).astype(np.int64), 0, size - 1)
            for share, size in zip(shares, self.shape, strict=True)
        ]
        found: NDArray[np.int32] = self.cells[tuple(places)]
        return found

    @property
    def mixed(self) -> NDArray[np.intp]:
        """The leaves whose corners differ."""
        return np.flatnonzero(self.classes == MIXED)

    def places_of(self, leaves: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return where leaves begin, in finest cells, shape [axis, leaf]."""
        flat = self.cells.ravel()
        first = np.full(len(self.classes), flat.size, dtype=np.int64)
        np.minimum.at(first, flat, np.arange(flat.size))
        return np.array(np.unravel_index(first[leaves], self.shape))


def refine(ask: Ask, counts: tuple[int, ...], depth: int) -> CellTree:
    """Return a box cut into cells, the mixed ones `depth` times.

    Args:
        ask: Points as shares of the box, shape [axis, point] -> their Op and class.
        counts: Cells along each axis before any is halved.
        depth: How often mixed cells are halved.

    Raises:
        SizeError: The finest grid would have too many corners.
    """
    sizes = tuple(count << depth for count in counts)
    if int(np.prod([float(size + 1) for size in sizes])) > MOST_CORNERS:
        text = " x ".join(map(str, sizes))
        raise SizeError(
            f"the finest cells would be {text}, and their corners may be {MOST_CORNERS:,} at most: "
            "give a smaller count (--grid AXIS=LO:HI:COUNT) or a smaller depth (--depth)"
        )
    shape = tuple(size + 1 for size in sizes)
    corners, op = np.full(shape, UNKNOWN, np.int8), np.full(shape, np.nan, np.float32)
    cells, classes, levels = np.zeros(sizes, np.int32), list[Codes](), list[Codes]()
    active, asked, first = np.ones(counts, dtype=bool), 0, 0
    # The border's cells double along all its axes at each level, and their corners are the work.
    ends = [2.0 ** (max(len(shape) - 1, 1) * (level + 1)) for level in range(-1, depth + 1)]
    for level in range(depth + 1):
        with portion(*(end / ends[-1] * (end > 1.0) for end in ends[level : level + 2])):
            asked += _ask_corners(ask, active, corners, op, depth - level)
        kinds = _kinds(corners[_every(1 << (depth - level), len(shape))])
        split = active & _grown(kinds == MIXED, active) if level < depth else np.zeros_like(active)
        leaves = active & ~split
        count = int(leaves.sum())
        _number(cells, leaves, first, depth - level)
        first += count
        classes.append(kinds[leaves])
        levels.append(np.full(count, level, np.int8))
        active = _finer(split, 1)
        if not split.any():
            break
    return CellTree(
        corners, op, cells, np.concatenate(classes), np.concatenate(levels), depth, asked
    )


def _every(stride: int, axes: int) -> tuple[slice, ...]:
    return (slice(None, None, stride),) * axes


def _ask_corners(
    ask: Ask, active: Bools, corners: Codes, op: NDArray[np.float32], left: int
) -> int:
    """Ask the corners of active cells that are not known, and return how many they were."""
    wanted = np.zeros(tuple(size + 1 for size in active.shape), dtype=bool)
    for offset in itertools.product((0, 1), repeat=active.ndim):
        where = tuple(slice(o, o + n) for o, n in zip(offset, active.shape, strict=True))
        wanted[where] |= active
    places = np.flatnonzero(wanted & (corners[_every(1 << left, active.ndim)] == UNKNOWN))
    if not len(places):
        return 0
    index = np.array(np.unravel_index(places, wanted.shape)) << left
    sizes = np.array(corners.shape)[:, None] - 1
    values, codes = ask(index / sizes)
    corners[tuple(index)], op[tuple(index)] = codes, values
    return len(places)


def _kinds(corners: Codes) -> Codes:
    """Return the class of cells whose corners are of one class, else `MIXED`."""
    views = [
        corners[tuple(slice(o, n - 1 + o) for o, n in zip(offset, corners.shape, strict=True))]
        for offset in itertools.product((0, 1), repeat=corners.ndim)
    ]
    same = np.ones(views[0].shape, dtype=bool)
    for view in views[1:]:
        same &= view == views[0]
    return np.where(same, views[0], MIXED).astype(np.int8)


def _grown(mixed: Bools, active: Bools) -> Bools:
    """Return the mixed cells with all their neighbours, those at an edge or a corner too."""
    grown = mixed & active
    for axis in range(mixed.ndim):
        wide = np.moveaxis(grown.copy(), axis, 0)
        view = np.moveaxis(grown, axis, 0)
        wide[1:] |= view[:-1]
        wide[:-1] |= view[1:]
        grown = np.moveaxis(wide, 0, axis)
    return grown


def _number(cells: NDArray[np.int32], leaves: Bools, first: int, left: int) -> None:
    """Write the numbers of leaves into the finest cells that they cover."""
    numbers = np.full(leaves.shape, -1, np.int32)
    numbers[leaves] = np.arange(first, first + int(leaves.sum()))
    wide = _finer(numbers, left)
    np.copyto(cells, wide, where=wide >= 0)


def _finer(coarse: NDArray[Any], times: int) -> NDArray[Any]:
    """Return an array of cells with each halved so often along every axis."""
    for axis in range(coarse.ndim):
        coarse = np.repeat(coarse, 1 << times, axis=axis)
    return coarse

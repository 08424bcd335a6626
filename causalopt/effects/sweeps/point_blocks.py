"""Blocks of a grid: stretches of its points that settle their doubts by themselves.

How many doubtful points are run alone has a limit. It is one for each block, and blocks depend on
the grid's shape alone: a point has the same numbers however the grid is divided into chunks.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096  # points, at most, unless one row of the last axis cannot be cut
LARGEST = 2**62  # points that a number of 64 bits counts


@dataclasses.dataclass(frozen=True)
class PointBlocks:
    """The points of a grid in C order, the last axis running fastest, in stretches.

    A block is one index of some leading axes, a stretch of one axis, and all of the axes after it.

    Attributes:
        shape: The grid's.
    """

    shape: tuple[int, ...]

    @functools.cached_property
    def axis(self) -> int:
        """The axis that is cut."""
        return self._cut(BLOCK)[0]

    @functools.cached_property
    def length(self) -> int:
        """How many of that axis' values a block has, the last one in each row perhaps fewer."""
        return self._cut(BLOCK)[1]

    @property
    def inner(self) -> int:
        """How many points one value of that axis has, in the axes after it."""
        return math.prod(self.shape[self.axis + 1 :])

    @property
    def count(self) -> int:
        """How many blocks there are."""
        rows = -(-self.shape[self.axis] // self.length)
        return math.prod(self.shape[: self.axis]) * rows

    def of(self, points: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the block of each point, given by its place in C order.

        Example:
            >>> PointBlocks((3, 5000)).of(np.array([0, 4095, 4096, 5000])).tolist()
            [0, 0, 1, 2]
        """
        size = self.shape[self.axis]
        outer, place = np.divmod(points // self.inner, size)
        found: NDArray[np.int64] = outer * -(-size // self.length) + place // self.length
        return found

    def chunk(self, points: int) -> tuple[int, ...]:
        """Return the shape of chunks of about so many points, each one whole blocks.

        Example:
            >>> PointBlocks((100, 1000)).chunk(10_000), PointBlocks((10**6,)).chunk(10_000)
            ((12, 1000), (12288,))
        """
        axis, length = self._cut(points)
        if axis > self.axis:
            axis, length = self.axis, self.length
        elif axis == self.axis:
            length = min(-(-length // self.length) * self.length, self.shape[axis])
        return (1,) * axis + (length,) + self.shape[axis + 1 :]

    def free_chunk(self, points: int) -> tuple[int, ...]:
        """Return the shape of chunks of at most so many points, blocks or not.

        Example:
            >>> PointBlocks((100, 1000)).free_chunk(50), PointBlocks((100, 20)).free_chunk(50)
            ((1, 50), (2, 20))
        """
        axis, length = self._cut(points)
        return (1,) * axis + (length,) + self.shape[axis + 1 :]

    def _cut(self, points: int) -> tuple[int, int]:
        """Return the axis that stretches of at most so many points cut, and their length."""
        inner = 1
        for axis in reversed(range(1, len(self.shape))):
            if inner * self.shape[axis] > points:
                return axis, max(points // inner, 1)
            inner *= self.shape[axis]
        return 0, min(max(points // inner, 1), self.shape[0])

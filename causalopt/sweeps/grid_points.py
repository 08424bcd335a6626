"""Points of a grid by their numbers: what each quantity is at each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.sweeps.axes import Spaced, smallest_step
from causalopt.effects.sweeps.lane_doubts import sample_places
from causalopt.effects.sweeps.point_blocks import PointBlocks
from causalopt.engine.contract import Floats
from causalopt.sweeps.sweep_axes import CHOICES, SEED, SweptAxis


class GridPoints(Mapping[str, NDArray[Any]]):
    """Some points of a grid: quantity -> its value at each, shape [point].

    Args:
        axes: The grid's axes.
        places: The points' numbers in C order, ascending.
    """

    def __init__(self, axes: Sequence[SweptAxis], places: NDArray[np.int64]) -> None:
        self.axes = tuple(axes)
        self.places = places
        self._strides: dict[str, tuple[int, int, Any]] = {}
        stride = 1
        for axis in reversed(self.axes):
            for name, values in axis.quantities.items():
                self._strides[name] = (stride, len(axis), values)
            stride *= len(axis)

    def __getitem__(self, name: str) -> NDArray[Any]:
        stride, size, values = self._strides[name]
        if size == 1:
            return np.repeat(values[np.zeros(1, dtype=np.int64)], len(self.places))
        found: NDArray[Any] = values[self.places // stride % size]
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for axis in self.axes for name in axis.quantities)

    def __len__(self) -> int:
        return len(self._strides)

    @property
    def count(self) -> int:
        """How many points."""
        return len(self.places)

    @property
    def blocks(self) -> PointBlocks:
        """The grid's blocks, each of which settles its doubts by itself."""
        return PointBlocks(tuple(map(len, self.axes)))

    @property
    def numbers(self) -> list[str]:
        """The quantities that are numbers: parameters and nodes."""
        return [name for name in self if name not in (*CHOICES, SEED)]

    def samples(self) -> dict[str, Floats]:
        """Return the numbers at points spread evenly over the grid, the same for every word."""
        axes = [a for a in self.axes if not {*a.quantities} & {*CHOICES, SEED}]
        if not axes:
            return {}
        spread = GridPoints(axes, sample_places(math.prod(map(len, axes))))
        return {name: spread[name] for name in spread}

    def smallest_step(self, name: str) -> float:
        """Return the smallest step between two values of a quantity; 1 where there is but one."""
        values = self._strides[name][2]
        if isinstance(values, Spaced):
            return abs(values.high - values.low) / max(len(values) - 1, 1) or 1.0
        return smallest_step(values)

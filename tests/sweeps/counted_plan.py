"""A plan whose numbers are known by hand: point k of the grid has the value k, and its square."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.sweeps.store_layout import StoreLayout
from causalopt.sweeps.swept_measure import SweptVariable


@dataclasses.dataclass(frozen=True)
class CountedMeasure:
    statuses: tuple[str, ...] = ("ok", "diverged", "unresolved")
    drawn: str = "square"


@dataclasses.dataclass(frozen=True)
class CountedPlan:
    """Every seventh point is unresolved, with a square that counts nowhere; point 10 diverged."""

    shape: tuple[int, ...] = (10, 6)
    chunk: tuple[int, ...] = (3, 6)
    dims: tuple[str, ...] = ("R_0", "k")
    numpy: str = "2.4.6"
    text: str = "name: counted\nrule: k"
    hash: str = "0123"
    seed: int = 0
    measure: CountedMeasure = CountedMeasure()

    @property
    def coords(self) -> dict[str, Any]:
        values = [np.arange(n) / 4 for n in self.shape]
        return {
            dim: ((dim,), own, {"axis_name": dim})
            for dim, own in zip(self.dims, values, strict=True)
        }

    @property
    def variables(self) -> tuple[SweptVariable, ...]:
        return (
            SweptVariable("value", "f8", {"units": "1"}),
            SweptVariable("square", "f8", {}),
            SweptVariable("flag", "i1", {}),
            SweptVariable("status", "i1", {"long_name": "what the numbers mean"}),
        )

    @property
    def task_count(self) -> int:
        return StoreLayout.of(self).task_count

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "model": {"name": "counted", "hash": self.hash, "text": self.text},
            "measure": {"name": "counted", "seed": self.seed},
            "axes": [
                {"name": d, "count": n, "values": {d: {"first": 0.0, "last": (n - 1) / 4}}}
                for d, n in zip(self.dims, self.shape, strict=True)
            ],
            "chunk": list(self.chunk),
            "versions": {"numpy": self.numpy, "python": "3.11.7", "xarray": "2026.9"},
        }

    @property
    def whole(self) -> dict[str, NDArray[Any]]:
        """All arrays, by numpy alone."""
        number = np.arange(math.prod(self.shape), dtype=float).reshape(self.shape)
        status = np.where(number % 7 == 0, 2, 0).astype(np.int8)
        status[number == 10] = 1
        square = np.where(number % 7 == 0, 1e9, number**2)
        square[number == 10] = np.nan
        return {
            "value": number,
            "square": square,
            "flag": (number % 2).astype(np.int8),
            "status": status,
        }

    def evaluate(self, task: int) -> dict[str, NDArray[Any]]:
        first = [
            at * step
            for at, step in zip(np.unravel_index(task, self.task_grid), self.chunk, strict=True)
        ]
        cut = tuple(slice(a, a + step) for a, step in zip(first, self.chunk, strict=True))
        return {name: values[cut] for name, values in self.whole.items()}

    @property
    def task_grid(self) -> tuple[int, ...]:
        return tuple(-(-n // step) for n, step in zip(self.shape, self.chunk, strict=True))

"""Plans: a measure over axes, divided into tasks, each of which can be computed anywhere.

A plan is small, whatever its grid: points are computed where their values are asked for. Points are
numbered in C order, the last axis running fastest. A task is one chunk: so many points in a row,
a block of every array of the result.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.sweeps.point_blocks import LARGEST, PointBlocks
from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.extras import has, has_compiler
from causalopt.model.files import to_text
from causalopt.model.model import Model
from causalopt.sweeps.grid_points import GridPoints
from causalopt.sweeps.point_designs import Design
from causalopt.sweeps.sweep_axes import CHOICES, SEED, AxisValues, GridValues, SweptAxis, swept_axes
from causalopt.sweeps.swept_measure import SweptMeasure, SweptVariable

FORMAT = 1  # of stores; another number, another layout
Coordinate = tuple[tuple[str, ...], AxisValues, dict[str, str]]


@dataclasses.dataclass(frozen=True, eq=False)
class SweepPlan:
    """What is measured where, in which chunks.

    Attributes:
        model: The model, under all changes that are not swept.
        measure: What is found at each point, resolved.
        axes: The dimensions.
        chunk: The shape of one chunk: 1 along leading axes, a stretch of one, all of the others.
    """

    model: Model
    measure: SweptMeasure
    axes: tuple[SweptAxis, ...]
    chunk: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's shape."""
        return tuple(map(len, self.axes))

    @property
    def count(self) -> int:
        """How many points."""
        return math.prod(self.shape)

    @property
    def dims(self) -> tuple[str, ...]:
        """What the dimensions are called in files."""
        return tuple(axis.label for axis in self.axes)

    @property
    def coords(self) -> dict[str, Coordinate]:
        """Coordinate -> its dimensions, its values and its attributes; values may be computed."""
        return {
            axis.labels[name]: ((axis.label,), values, {"axis_name": name})
            for axis in self.axes
            for name, values in axis.quantities.items()
        }

    @property
    def variables(self) -> tuple[SweptVariable, ...]:
        """The arrays of the result."""
        return self.measure.variables

    @property
    def task_shape(self) -> tuple[int, ...]:
        """How many chunks there are along each axis."""
        return tuple(-(-size // own) for size, own in zip(self.shape, self.chunk, strict=True))

    @property
    def task_count(self) -> int:
        """How many tasks there are."""
        return math.prod(self.task_shape)

    def task_slices(self, task: int) -> tuple[slice, ...]:
        """Return the chunk of a task; tasks are numbered in C order."""
        places = np.unravel_index(task, self.task_shape)
        return tuple(
            slice(int(place) * own, min((int(place) + 1) * own, size))
            for place, own, size in zip(places, self.chunk, self.shape, strict=True)
        )

    def task_points(self, task: int) -> int:
        """Return how many points a task has."""
        return math.prod(part.stop - part.start for part in self.task_slices(task))

    def evaluate(self, task: int, workers: int | None = None) -> dict[str, NDArray[Any]]:
        """Return each variable's chunk of a task.

        Args:
            task: Its number.
            workers: Threads; one per processor when not given.
        """
        slices = self.task_slices(task)
        first = int(np.ravel_multi_index([part.start for part in slices], self.shape))
        places = np.arange(first, first + self.task_points(task), dtype=np.int64)
        found = self.measure.evaluate(self.model, self.points(places), workers=workers)
        shape = tuple(part.stop - part.start for part in slices)
        return {
            one.name: np.asarray(found[one.name], dtype=one.dtype).reshape(shape)
            for one in self.variables
        }

    def points(self, places: NDArray[np.int64]) -> GridPoints:
        """Return some points by their numbers, ascending."""
        return GridPoints(self.axes, places)

    @functools.cached_property
    def identity(self) -> dict[str, Any]:
        """All that decides the numbers and where they stand, as JSON's types."""
        return {
            "format": FORMAT,
            "model": {
                "name": self.model.name,
                "hash": self.model.fingerprint,
                "text": to_text(self.model),
            },
            "measure": {"name": self.measure.name, **self.measure.settings()},
            "axes": [axis.identity for axis in self.axes],
            "chunk": list(self.chunk),
            "versions": versions(),
        }


def versions() -> dict[str, str]:
    """Return the versions of what decides a number's last digits."""
    found = {"causalopt": version("causalopt"), "python": platform.python_version()}
    found |= {name: version(name) for name in ("numpy", "sympy")}
    found |= {name: version(name) for name in ("scipy",) if has(name)}
    found["execution"] = f"llvmlite {version('llvmlite')}" if has_compiler() else "numpy"
    return found


def plan_sweep(
    model: Model,
    grid: Mapping[str, GridValues] | Design,
    measure: SweptMeasure,
    *,
    chunk: int | None = None,
) -> SweepPlan:
    """Return the plan of a sweep, checked as far as can be done without any work.

    Args:
        model: The model, under all changes that are not swept.
        grid: Axis -> its values, as for `swept_axes`.
        measure: What is found at each point.
        chunk: About how many points a task has; those of about a second when not given.

    Raises:
        QuestionError: The grid is none, too large, or the measure cannot be asked there.
        UnknownNameError: An axis names nothing.
    """
    axes = swept_axes(grid)
    _check_names(model, axes, measure)
    shape = tuple(map(len, axes))
    count = math.prod(shape)
    if count > LARGEST:
        raise QuestionError(f"the grid has {count:.3g} points; 2^62 at most can be counted")
    if chunk is not None and (isinstance(chunk, bool) or not isinstance(chunk, int) or chunk < 1):
        raise QuestionError(f"chunk is how many points a task has, at least 1, found {chunk!r}")
    resolved = measure.resolved(model, _few_points(axes))
    size = resolved.task_points(model) if chunk is None else chunk
    blocks = PointBlocks(shape)
    cut = blocks.chunk if resolved.whole_blocks else blocks.free_chunk
    return SweepPlan(model, resolved, axes, cut(max(size, 1)))


def _check_names(model: Model, axes: Sequence[SweptAxis], measure: SweptMeasure) -> None:
    """Refuse axes that name nothing, or what the measure does not know."""
    for name in (name for axis in axes for name in axis.quantities):
        if name in measure.own_axes or name in model.parameters:
            continue
        if name in (*CHOICES, SEED):
            own = f"it takes {', '.join(measure.own_axes)}" if measure.own_axes else "it takes none"
            raise QuestionError(
                f"the axis '{name}' has no meaning for the measure '{measure.name}': of such axes "
                f"{own}, besides parameters and starting values"
            )
        if "[" not in name and name not in model.variables:
            known = [*model.parameters, *model.variables, *measure.own_axes]
            raise UnknownNameError(
                f"unknown axis '{name}' (an axis is a parameter, or a node such as R[0])"
                f"{suggestion(name, known)}"
            )
        model.node(name)


def _few_points(axes: tuple[SweptAxis, ...]) -> GridPoints:
    """Return points that show every word of every axis of words, and ends of the others."""
    places = []
    for axis in axes:
        words = any(name in CHOICES for name in axis.quantities)
        count = len(axis)
        places.append(list(range(count)) if words else sorted({0, (count - 1) // 2, count - 1}))
    longest = max(map(len, places))
    rows = set(itertools.product(*(own[:2] + own[-1:] for own in places)))
    rows |= {tuple(own[min(k, len(own) - 1)] for own in places) for k in range(longest)}
    return GridPoints(axes, np.array(sorted(_numbers(rows, axes)), dtype=np.int64))


def _numbers(rows: set[tuple[int, ...]], axes: Sequence[SweptAxis]) -> Iterator[int]:
    shape = tuple(map(len, axes))
    for row in rows:
        yield int(np.ravel_multi_index(row, shape))

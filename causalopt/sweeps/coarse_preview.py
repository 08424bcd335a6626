"""A coarse preview of a sweep: the same question at few values of each axis, within a second."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.sweeps.measure_sweep import MeasureSweep
from causalopt.sweeps.sweep_axes import CHOICES, POINT, SEED, SweptAxis
from causalopt.sweeps.sweep_plan import SweepPlan
from causalopt.work.progress import uncounted

MOST = 33  # values of an axis of numbers
_SEEDS = 5
_LEAST = 3
_SHARE = 0.5  # of the points of a task of about a second


def preview_sweep(
    plan: SweepPlan, *, most: int = MOST, workers: int | None = None
) -> MeasureSweep | None:
    """Return a sweep at evenly spread values of each axis, computed here.

    It has at most as many points as take about half a second; its points are points of the plan,
    both ends of each axis among them.

    Args:
        plan: The sweep.
        most: How many values an axis of numbers has at most; one of seeds has five, a design the
            square of it.
        workers: Threads; one per processor when not given.

    Returns:
        The coarse sweep; None where the plan is small enough to be its own preview.

    Example:
        >>> import numpy as np
        >>> from causalopt import load
        >>> from causalopt.sweeps.measures.op_measure import OpMeasure
        >>> from causalopt.sweeps.sweep_plan import plan_sweep
        >>> grid = {"k": np.linspace(0, 1, 1001), "d": np.linspace(20, 30, 1001)}
        >>> preview_sweep(plan_sweep(load("thermostat"), grid, OpMeasure(steps=9))).shape
        (33, 33)
    """
    places = coarse_places(plan, most)
    if all(len(own) == size for own, size in zip(places, plan.shape, strict=True)):
        return None
    axes = tuple(_thinned(axis, own) for axis, own in zip(plan.axes, places, strict=True))
    coarse = dataclasses.replace(plan, axes=axes, chunk=tuple(map(len, places)))
    return MeasureSweep(coarse, coarse.evaluate(0, workers), {})


def show_preview(
    show: Callable[[MeasureSweep], object], plan: SweepPlan, workers: int | None
) -> None:
    """Call a function with a preview, unless the whole is there within about two seconds."""
    if plan.count <= 2 * plan.measure.task_points(plan.model):
        return
    with uncounted():
        coarse = preview_sweep(plan, workers=workers)
    if coarse is not None:
        show(coarse)


def coarse_places(plan: SweepPlan, most: int = MOST) -> list[NDArray[np.int64]]:
    """Return which values of each axis a preview has, as their places."""
    budget = max(int(_SHARE * plan.measure.task_points(plan.model)), 1)
    counts = [_first_count(axis, most) for axis in plan.axes]
    while math.prod(counts) > budget and max(counts) > _LEAST:
        widest = counts.index(max(counts))
        counts[widest] = max(int(0.9 * counts[widest]), _LEAST)
    return [
        np.array(sorted({_nearest(k * (len(axis) - 1), count - 1) for k in range(count)}))
        for axis, count in zip(plan.axes, counts, strict=True)
    ]


def preview_text(coarse: MeasureSweep, whole: Sequence[int]) -> str:
    """Return what a preview is of, for its title: `a preview: 33 of 401 values of p, ...`.

    Args:
        coarse: The preview.
        whole: How many values each axis of the whole sweep has.
    """
    parts = [
        f"{len(axis):,} of {count:,} {_counted(axis)}"
        for axis, count in zip(coarse.plan.axes, whole, strict=True)
        if len(axis) < count
    ]
    return f"a preview: {', '.join(parts)}"


def _nearest(numerator: int, denominator: int) -> int:
    """Return a quotient's nearest whole number; 0 / 0 is 0. Floats have no places beyond 2^53."""
    return (2 * numerator + denominator) // (2 * denominator) if denominator else 0


def _counted(axis: SweptAxis) -> str:
    return "points" if axis.name not in axis.quantities else f"values of {axis.name}"


def _first_count(axis: SweptAxis, most: int) -> int:
    """Return how many values of an axis a preview has where there is time for all of them."""
    if axis.name == SEED:
        limit = _SEEDS
    elif axis.name in CHOICES:
        limit = len(axis)
    elif axis.name == POINT or axis.name not in axis.quantities:
        limit = most * most
    else:
        limit = most
    return min(len(axis), limit)


def _thinned(axis: SweptAxis, places: NDArray[np.int64]) -> SweptAxis:
    return dataclasses.replace(
        axis,
        quantities={name: np.asarray(values[places]) for name, values in axis.quantities.items()},
    )

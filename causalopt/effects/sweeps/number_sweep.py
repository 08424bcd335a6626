"""Sweeps of Op over numbers: one question asked of starting values and parameters, in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from causalopt.effects.asked import ask_at, asked_hold, asked_node, asked_target, check_delta
from causalopt.effects.sweeps.axes import axis_values, smallest_step, spread
from causalopt.effects.sweeps.one_sided_comp import comp_above
from causalopt.effects.sweeps.point_blocks import PointBlocks
from causalopt.effects.sweeps.point_lanes import prepared, run_lanes, settled
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged, one_nudge
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node
from causalopt.work.progress import begin, portion
from causalopt.worlds.interventions import Intervention

LARGEST = 1_000_000_000


def sweep_numbers(
    model: Model,
    grid: Mapping[str, ArrayLike],
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    estimate: bool = True,
    workers: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> Sweep:
    """Measure Comp(A; n, m) and Op(A; n, m) at one step, over numbers of parameters and nodes.

    The arguments are those of `causalopt.sweep`.

    Raises:
        QuestionError: The question or the grid cannot be asked of this model.
        UnknownNameError: An axis is neither a parameter nor a variable.
    """
    if delta is not None:
        check_delta(delta)
    if workers is not None and workers < 1:
        raise QuestionError(f"workers must be at least 1, found {workers}")
    if model.is_array:
        return _of_arrays(
            model,
            grid,
            nudge=nudge,
            hold=hold,
            target=target,
            last=steps if at is None else at,
            delta=delta,
            given=given,
            parameters=parameters,
            initial=initial,
            seed=seed,
            data=data,
        )
    if data is not None:
        raise QuestionError("'data' is for models with array variables, and this has none")
    asked = ask_at(
        model,
        at,
        steps=steps,
        nudge=nudge,
        hold=hold,
        target=target,
        given=given,
        parameters=parameters,
        initial=initial,
        seed=seed,
    )
    axes = {str(name): axis_values(str(name), values) for name, values in grid.items()}
    _refuse_size(axes)
    shape = tuple(len(values) for values in axes.values())
    work = prepared(asked, spread(axes), delta, estimate)
    begin(work.batch.count)
    with portion(0.0, 0.9):
        columns = run_lanes(work, workers)
    with portion(0.9, 1.0):
        left = settled(work, columns, estimate=estimate, grid=PointBlocks(shape))
    near = np.flatnonzero(columns.pop("near"))
    is_power_axis = [*axes] == [asked.node_name]
    aside = smallest_step(axes[asked.node_name]) if is_power_axis else 0.0
    columns["slopes"] = comp_above(work, columns["comp"], near[: len(near) * is_power_axis], aside)
    results: dict[str, Any] = {name: column.reshape(shape) for name, column in columns.items()}
    return Sweep(
        **vars(asked),
        axes=axes,
        delta=delta,
        **results,
        undecided=len(left),
        workers=work.threads(workers),
        execution=work.runner.execution,
    )


def _of_arrays(
    model: Model,
    grid: Mapping[str, ArrayLike],
    *,
    nudge: Nudged | None,
    hold: str | Sequence[str | Node] | None,
    target: str | None,
    last: int | None,
    delta: float | None,
    given: Sequence[Intervention],
    parameters: Mapping[str, int | float | str] | None,
    initial: Mapping[str, Any] | None,
    seed: int,
    data: Mapping[str, Any] | None,
) -> Sweep:
    """Return the sweep of a model with arrays."""
    from causalopt.effects.arrays.array_sweep import sweep_arrays  # few models have any
    from causalopt.worlds.array_world import split_initial

    if delta is not None:
        raise QuestionError(
            "a sweep of a model with arrays takes the limit delta -> 0: ask `run` for finite nudges"
        )
    numbers, arrays = split_initial(initial)
    model = model.replace(parameters=parameters, initial=numbers)
    node = asked_node(model, one_nudge(nudge))
    selection = asked_hold(model, hold, nudge=node, target=target, steps=last, given=given)
    text = asked_target(model, target)
    steps = run_length(model, last)
    model.check_nudge(node, selection, steps)
    axes = {str(name): axis_values(str(name), values) for name, values in grid.items()}
    count = math.prod(len(values) for values in axes.values())
    if not axes or count > LARGEST:
        raise QuestionError(f"a sweep has an axis and at most {LARGEST} points; this has {count}")
    columns = sweep_arrays(
        model,
        spread(axes),
        node=node,
        hold=selection,
        measured=model.target(text),
        steps=steps,
        given=given,
        data=data,
        initial=arrays,
        seed=seed,
    )
    shape = tuple(len(values) for values in axes.values())
    results: dict[str, Any] = {name: column.reshape(shape) for name, column in columns.items()}
    return Sweep(
        model=model,
        nudge=node,
        hold=selection,
        target=text,
        steps=steps,
        given=tuple(given),
        seed=seed,
        axes=axes,
        delta=None,
        **results,
        slopes=results["comp"],
        undecided=0,
        workers=1,
        execution="arrays",
    )


def _refuse_size(axes: Mapping[str, Floats]) -> None:
    """Refuse a grid without an axis, or with more points than fit."""
    if not axes:
        raise QuestionError("a sweep needs an axis: --grid R[0]=5:45:401, or grid={'R[0]': values}")
    count = math.prod(len(values) for values in axes.values())
    if count > LARGEST:
        raise QuestionError(f"the grid has {count} points; {LARGEST} at most fit one sweep")

"""Sweeps: one question asked of a grid of starting values and parameters, on threads, in memory."""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalopt.effects.asked import Asked, ask_at, asked_hold, asked_node, asked_target, check_delta
from causalopt.effects.measures import NAMES, Effect, ratios, status_codes
from causalopt.effects.reach import reachable
from causalopt.effects.sweeps.axes import (
    axis_values,
    smallest_step,
    sorted_axes,
    spread,
    trapezoid,
    varying_parameters,
    varying_starts,
)
from causalopt.effects.sweeps.lane_doubts import finite_doubts, settle, twin_of, widened
from causalopt.effects.sweeps.lanes import lane_effect
from causalopt.engine.batch import LANES, TASK, Batch, BatchResult, BatchRunner
from causalopt.engine.batch_choice import batch_runner
from causalopt.engine.contract import Floats
from causalopt.engine.linearization import linearize
from causalopt.engine.processor_count import processors
from causalopt.errors import QuestionError
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node
from causalopt.model.template import refuse_between
from causalopt.worlds.interventions import Intervention, Set
from causalopt.worlds.results import labelled, plain_number, plot

if TYPE_CHECKING:
    import matplotlib.figure
    import xarray

Progress: TypeAlias = Callable[[int], None]
_ASIDE = 1e-6  # of the grid's spacing: how far beside a kink its one-sided slope is taken
_TELL = 0.1  # seconds between reports of progress: to wake for each task costs the threads time
_WORTH = 1_000_000  # steps of lanes: less than that is done before another thread begins
LARGEST = 1_000_000_000
_FAILED = [int(np.flatnonzero(name == NAMES)[0]) for name in ("diverged", "nonfinite")]
_UNRESOLVED = int(np.flatnonzero(NAMES == "unresolved")[0])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Sweep(Asked):
    """Comp and Op over a grid, at one step: the last of the question.

    Attributes:
        axes: Axis -> its values, in the order of the dimensions.
        delta: The nudge's size, None for the limit delta -> 0.
        values: W's value of m, shape [axes...].
        total: The effect of n on m over all paths, likewise.
        direct: The effect over the paths that avoid A.
        comp: Comp, NaN where undefined.
        op: Op in nats, NaN where undefined.
        slopes: Comp as `power` integrates it: where a point lies on a kink to within rounding, the
            one for delta -> 0 from above.
        codes: The status of each point as a place in `causalopt.effects.measures.NAMES`.
        undecided: Points that were not run alone though their status calls for it: too many.
        workers: How many threads ran it.
        execution: What they ran: `llvm` or `numpy`.
    """

    axes: dict[str, Floats]
    delta: float | None
    values: Floats
    total: Floats
    direct: Floats
    comp: Floats
    op: Floats
    slopes: Floats
    codes: NDArray[np.int8]
    undecided: int
    workers: int
    execution: str

    @property
    def at(self) -> int:
        """The step measured."""
        return self.steps

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid's shape."""
        return self.codes.shape

    @property
    def status(self) -> NDArray[np.str_]:
        """What each point's numbers mean: keys of `causalopt.STATUSES`."""
        return NAMES[self.codes]

    @property
    def failed(self) -> int:
        """How many points have no finite numbers."""
        return int(np.isin(self.codes, _FAILED).sum())

    @property
    def left_out(self) -> int:
        """How many points are unresolved: their numbers count in no summary."""
        return int((self.codes == _UNRESOLVED).sum())

    @property
    def statuses(self) -> dict[str, int]:
        """How many points have each status; those that no point has are not named."""
        counts = np.bincount(self.codes.ravel(), minlength=len(NAMES)).tolist()
        return {str(name): count for name, count in zip(NAMES, counts, strict=True) if count}

    @functools.cached_property
    def power(self) -> float | None:
        """The amount of optimization: the integral of 1 - Comp over the nudged axis (trapezoid).

        Defining Optimization, Part 4. None unless the nudged node is the only axis, or where Comp
        is undefined somewhere on it. Unresolved points are left out: the trapezoid reaches from
        neighbour to neighbour, and there is none past an end of the axis that is unresolved. On a
        kink the limit delta -> 0 has two sides, and rounding decides which of them a tangent takes:
        there the integral takes the side delta > 0.
        """
        known = self.codes != _UNRESOLVED
        if list(self.axes) != [self.node_name] or not (known[0] and known[-1]):
            return None
        value = trapezoid(1.0, self.slopes[known], self.axes[self.node_name][known])
        return None if math.isnan(value) else value

    def to_dict(self, out: str | None = None) -> dict[str, Any]:
        """Return the summary as JSON's types."""
        low, high = self._range
        result: dict[str, Any] = {
            "out": out,
            "shape": list(self.shape),
            "computed": int(self.codes.size),
            "skipped": 0,
            "failed": self.failed,
            "statuses": self.statuses,
            "left_out": self.left_out,
            "op_min": plain_number(low),
            "op_max": plain_number(high),
        }
        if list(self.axes) == [self.node_name]:
            result["power"] = None if self.power is None else plain_number(self.power)
        return result

    @property
    def _range(self) -> tuple[float, float]:
        """The least and the largest Op of points that are resolved, NaN where none has one."""
        known = np.where(self.codes == _UNRESOLVED, np.nan, self.op)
        low, high = (bound.reduce(known, axis=None) for bound in (np.fmin, np.fmax))
        return float(low), float(high)

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """The result with one labelled axis per swept value, and its provenance."""
        return labelled(self)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the dataset whole: a NetCDF file for `.nc`, a Zarr store for `.zarr`.

        Raises:
            FileError: It cannot be written, or the store is there already.
        """
        from causalopt.effects.sweeps.sweep_store import write_sweep

        return write_sweep(self.dataset, path)

    def plot(self) -> matplotlib.figure.Figure:
        """Return a figure: Op and Comp over one axis, or a map of Op over two.

        Raises:
            QuestionError: The sweep has more than two axes.
        """
        return plot(self)

    def __repr__(self) -> str:
        shape = " x ".join(f"{name}: {len(values)}" for name, values in self.axes.items())
        lines = [f"{self.op_name} in {self.model.name}, {shape}, at step {self.at}"]
        low, high = self._range
        if math.isnan(low):
            lines.append(f"  Op is {'known' if self.left_out else 'defined'} at no point")
        else:
            lines.append(f"  Op from {low:.6g} to {high:.6g} nats")
        if self.power is not None:
            integral = f"the integral of 1 - Comp over {self.node_name}"
            lines.append(f"  power, {integral}: {self.power:.6g}")
        lines += [f"  {name}: {count} points" for name, count in self.statuses.items()]
        if self.left_out:
            lines.append("  unresolved points are left out of the figures above")
        if self.undecided:
            lines.append(
                f"  {self.undecided} points on a kink, with a zero along a path or with a W that "
                "rounding moves keep the status of floats alone: they were not asked one by one"
            )
        return "\n".join(lines)


def sweep(
    model: Model,
    grid: Mapping[str, ArrayLike],
    *,
    nudge: str | Node | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    delta: float | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    estimate: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> Sweep:
    """Measure Comp(A; n, m) and Op(A; n, m) at one step, over a grid.

    Args:
        model: The model; its question gives what is not given here.
        grid: Axis -> its values: a parameter such as `k`, or a node such as `R[0]`.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        at: The step measured; the last one when not given.
        delta: The nudge's size; the limit delta -> 0 when not given.
        given: Further interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        estimate: Whether rounding errors are estimated, so that a cancelled result is `unresolved`,
            and doubtful points run alone; without, a sweep takes about two thirds of the time, and
            its statuses are those of floats.
        workers: Threads; one per processor when not given.
        progress: Called with the number of points done.
        data: In a model with arrays, variable without a rule -> its values, step first. There an
            axis may also be `seed`, and n and m may have several elements.

    Raises:
        QuestionError: The question or the grid cannot be asked of this model.
        UnknownNameError: An axis is neither a parameter nor a variable.

    Example:
        >>> from causalopt import load
        >>> found = sweep(load("thermostat_saturating"), {"R[0]": np.linspace(5, 45, 401)})
        >>> round(found.power, 4)
        19.9608
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
            data=data,
            progress=progress,
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
    )
    axes = {str(name): axis_values(str(name), values) for name, values in grid.items()}
    work = _prepared(asked, axes, delta, estimate)
    threads = min(workers or processors(), len(work.tasks))
    columns = _run(work, threads, progress)
    doubtful = np.flatnonzero(columns.pop("doubtful"))
    undecided = len(doubtful)
    if estimate:
        if delta is not None:
            doubtful = finite_doubts(asked, work.batch, columns)
        undecided = settle(asked, work.batch, doubtful, columns)
    _one_sided(work, columns, [*axes] == [asked.node_name])
    shape = tuple(len(values) for values in axes.values())
    results: dict[str, Any] = {name: column.reshape(shape) for name, column in columns.items()}
    return Sweep(
        **vars(asked),
        axes=axes,
        delta=delta,
        **results,
        undecided=undecided,
        workers=threads,
        execution=work.runner.execution,
    )


def _of_arrays(
    model: Model,
    grid: Mapping[str, ArrayLike],
    *,
    nudge: str | Node | None,
    hold: str | Sequence[str | Node] | None,
    target: str | None,
    last: int | None,
    delta: float | None,
    given: Sequence[Intervention],
    parameters: Mapping[str, int | float | str] | None,
    initial: Mapping[str, Any] | None,
    data: Mapping[str, Any] | None,
    progress: Progress | None,
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
    node, selection = asked_node(model, nudge), asked_hold(model, hold)
    text = asked_target(model, target)
    steps = run_length(model, last)
    model.check_nudge(node, selection, steps)
    axes = {str(name): axis_values(str(name), values) for name, values in grid.items()}
    count = math.prod(len(values) for values in axes.values())
    if not axes or count > LARGEST:
        raise QuestionError(f"a sweep has an axis and at most {LARGEST} points; this has {count}")
    columns = sweep_arrays(
        model,
        axes,
        node=node,
        hold=selection,
        measured=model.target(text),
        steps=steps,
        given=given,
        data=data,
        initial=arrays,
        progress=progress,
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
        seed=0,
        axes=axes,
        delta=None,
        **results,
        slopes=results["comp"],
        undecided=0,
        workers=1,
        execution="arrays",
    )


@dataclasses.dataclass(frozen=True)
class _Work:
    """A sweep made ready to run."""

    model: Model
    batch: Batch
    runner: BatchRunner
    twin: BatchRunner | None
    misses: bool
    paths: tuple[bool, bool]
    tasks: list[slice]

    @property
    def is_brief(self) -> bool:
        """Whether the whole is done before another thread would begin."""
        return self.batch.count * (self.batch.plan.steps + 1) <= _WORTH


def _prepared(asked: Asked, axes: dict[str, Floats], delta: float | None, estimate: bool) -> _Work:
    model, template = asked.model, asked.model.template
    nodes, parameters = sorted_axes(model, axes)
    if not axes:
        raise QuestionError("a sweep needs an axis: --grid R[0]=5:45:401, or grid={'R[0]': values}")
    count = math.prod(len(values) for values in axes.values())
    if count > LARGEST:
        raise QuestionError(f"the grid has {count} points; {LARGEST} at most fit one sweep")
    plan = asked.plan(*(Set(node, float(axes[name][0])) for name, node in nodes.items()))
    if delta is None:
        refuse_between(model.template, asked.nudge.variable, asked.target)
    i = template.index[asked.target]
    paths = tuple(
        bool(reachable(template, plan, avoid_held=avoid).of(i)[asked.steps])
        for avoid in (False, True)
    )
    lanes = spread(axes)
    starts = {(node.t, template.index[node.variable]): lanes[name] for name, node in nodes.items()}
    varying = varying_parameters(model, {name: lanes[name] for name in parameters})
    set_nodes = {(node.t, node.variable) for node in nodes.values()}
    set_nodes |= {_place(model, item) for item in asked.given if isinstance(item, Set)}
    starts |= varying_starts(model, varying, set_nodes, asked.steps)
    places = {name: k for k, name in enumerate(template.structure.parameters)}
    batch = Batch(
        plan=plan,
        starts=starts,
        parameters={places[name]: values for name, values in varying.items()},
        keep=(asked.steps,),
        outputs=(i,),
        mode="tangents" if delta is None else "finite",
        delta=0.0 if delta is None else delta,
        estimate=estimate,
        near=delta is None and bool(linearize(template.structure).gaps),
    )
    runner = batch_runner(template.structure, batch)
    share, least = -(-count // (4 * processors())), _WORTH // (asked.steps + 1)
    size = max(LANES, min(TASK, max(share, least) // LANES * LANES))
    is_asked = delta is None and estimate
    twin, misses = twin_of(model, batch, runner) if is_asked else (None, False)
    return _Work(model, batch, runner, twin, misses, (paths[0], paths[1]), runner.tasks(size))


def _place(model: Model, item: Set) -> tuple[int, str]:
    node = model.node(item.node)
    return node.t, node.variable


def _run(work: _Work, threads: int, progress: Progress | None) -> dict[str, NDArray[Any]]:
    count = work.batch.count
    columns: dict[str, NDArray[Any]] = {
        name: np.empty(count) for name in ("values", "total", "direct", "comp", "op")
    }
    columns["codes"] = np.empty(count, dtype=np.int8)
    columns["near"] = np.zeros(count if work.batch.near else 0, dtype=bool)
    columns["doubtful"] = np.zeros(count, dtype=bool)
    left, done = collections.deque(work.tasks), list[int]()
    if sys.platform == "emscripten" or (threads == 1 and work.is_brief):
        for lanes in work.tasks:
            done.append(_task(work, columns, lanes))
            if progress is not None:
                progress(sum(done))
        return columns
    # Slow to load. This thread waits, so that an interruption is heard between tasks.
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        pending = {pool.submit(_tasks, work, columns, left, done) for _ in range(threads)}
        try:
            while pending:
                over, pending = concurrent.futures.wait(
                    pending, timeout=_TELL, return_when=concurrent.futures.FIRST_EXCEPTION
                )
                for future in over:
                    future.result()
                if progress is not None:
                    progress(sum(done))
        finally:
            left.clear()  # after an error or an interruption no thread begins another task
    return columns


def _tasks(
    work: _Work, columns: dict[str, NDArray[Any]], left: collections.deque[slice], done: list[int]
) -> None:
    """Run tasks as long as there are any left, in one of the threads."""
    while left:
        try:
            lanes = left.popleft()
        except IndexError:  # another thread took the last one
            return
        done.append(_task(work, columns, lanes))


def _task(work: _Work, columns: dict[str, NDArray[Any]], lanes: slice) -> int:
    """Run some lanes and write their results into their places."""
    kept = work.runner.run(lanes)
    effect = _effect(work, work.batch, kept, lanes)
    doubtful = effect.total.doubted | effect.direct.doubted | effect.on_kink | work.misses
    doubtful &= effect.finite
    if work.twin is not None:
        effect, asked = widened(effect, kept, work.twin.run(lanes))
        doubtful |= asked & effect.finite
    codes = status_codes(effect)
    columns["codes"][lanes] = codes
    if work.batch.near:
        columns["near"][lanes] = kept.near[0] != 0
        doubtful |= (kept.near[0] != 0) & effect.finite
    columns["doubtful"][lanes] = doubtful if work.batch.mode == "tangents" else False
    columns["comp"][lanes], columns["op"][lanes] = ratios(effect, codes)
    columns["values"][lanes] = kept.values["w"][0, 0]
    columns["total"][lanes] = effect.total.value
    columns["direct"][lanes] = effect.direct.value
    return len(codes)


def _effect(work: _Work, batch: Batch, kept: BatchResult, lanes: slice) -> Effect:
    first = lanes.start
    return lane_effect(work.model, batch, kept, 0, work.paths, first=first, decide=False)


def _one_sided(work: _Work, columns: dict[str, NDArray[Any]], is_asked: bool) -> None:
    """Find Comp for delta -> 0 from above where a point lies on a kink to within rounding."""
    columns["slopes"] = columns["comp"]
    chosen = np.flatnonzero(columns.pop("near"))
    if not len(chosen) or not is_asked:
        return
    beside = work.batch.slice(chosen)
    aside = {node: _ASIDE * smallest_step(values) for node, values in work.batch.starts.items()}
    starts = {node: values + aside[node] for node, values in beside.starts.items()}
    beside = dataclasses.replace(beside, starts=starts)
    runner = work.runner.over(beside)
    slopes = columns["comp"].copy()
    for lanes in runner.tasks():
        kept = runner.run(lanes)
        effect = lane_effect(work.model, beside, kept, 0, work.paths, first=lanes.start)
        slopes[chosen[lanes]] = ratios(effect, status_codes(effect))[0]
    columns["slopes"] = slopes

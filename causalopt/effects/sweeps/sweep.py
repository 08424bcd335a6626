"""Sweeps: one question asked of a grid of starting values and parameters, on threads, in memory."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalopt.effects.asked import Asked, ask_at, asked_hold, asked_node, asked_target, check_delta
from causalopt.effects.measures import NAMES
from causalopt.effects.sweeps.axes import axis_values, smallest_step, spread, trapezoid
from causalopt.effects.sweeps.one_sided_comp import comp_above
from causalopt.effects.sweeps.point_blocks import PointBlocks
from causalopt.effects.sweeps.point_lanes import prepared, run_lanes, settled
from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged, one_nudge
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled, labelled, nested, plain_number, plot
from causalopt.work.progress import Progress, begin, long_work, portion
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

    from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble
    from causalopt.results import Places

LARGEST = 1_000_000_000
_FAILED = [int(np.flatnonzero(name == NAMES)[0]) for name in ("diverged", "nonfinite")]
_UNRESOLVED = int(np.flatnonzero(NAMES == "unresolved")[0])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Sweep(Asked, Plotted, Tabled):
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

    def status_at(self, place: tuple[Any, ...]) -> str:
        """Return the status of one point."""
        return str(NAMES[self.codes[place]])

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

    def record(self) -> dict[str, Any]:
        """Return the summary with the grid and what was found at its points, as JSON's types."""
        points = {
            "value": self.values,
            "total": self.total,
            "direct": self.direct,
            "comp": self.comp,
            "op": self.op,
        }
        return {
            **self.to_dict(),
            "axes": {name: nested(values) for name, values in self.axes.items()},
            **{name: nested(values) for name, values in points.items()},
            "status": self.status.tolist(),
        }

    @property
    def provenance(self) -> dict[str, str]:
        """What made these numbers: model, settings and versions."""
        return self.provenance_with(
            at=str(self.at),
            delta="limit" if self.delta is None else repr(self.delta),
            seed=str(self.seed),
            power="" if self.power is None else repr(self.power),
            execution=f"{self.execution}, {self.workers} threads",
        )

    def plot(
        self,
        *,
        measure: Literal["op", "comp", "total", "direct", "w"] | None = None,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: Literal["light", "dark"] | None = None,
    ) -> Any:
        """Return a figure: lines over one axis, a map over two, a map for each slice of more.

        Args:
            measure: What is drawn: Op, Comp, the total or the direct effect, or W's value of m. Op
                by default, and Comp too over one axis.
            ax: Your own axes; as of `causalopt.results.Plotted.plot`, as are the next three.
            figsize: The figure's width and height in inches.
            panels: Names of the panels that are drawn.
            theme: "light" or "dark".
        """
        where: dict[str, Any] = {"ax": ax, "figsize": figsize, "panels": panels, "theme": theme}
        return plot(self, measure=measure, **where)

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


@overload
def sweep(
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
    seeds: None = None,
    level: None = None,
    quantiles: None = None,
    estimate: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> Sweep: ...


@overload
def sweep(
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
    seeds: int | Sequence[int],
    level: float | None = None,
    quantiles: Sequence[float] | None = None,
    estimate: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> SweepEnsemble: ...


@long_work("sweeping")
def sweep(
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
    seeds: int | Sequence[int] | None = None,
    level: float | None = None,
    quantiles: Sequence[float] | None = None,
    estimate: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
    data: Mapping[str, Any] | None = None,
) -> Sweep | SweepEnsemble:
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
        seed: Which draws the noise variables make, the same in W, X and Y and at
            every point.
        seeds: How many seeds, from `seed` on, or a list of them: the result is then an ensemble,
            with mean, quantiles and intervals over noise.
        level: Of an ensemble, the coverage of its intervals; 0.95 when not given.
        quantiles: Of an ensemble, which; 0.05, 0.25, 0.5, 0.75 and 0.95 when not given.
        estimate: Whether rounding errors are estimated, so that a cancelled result is `unresolved`,
            and doubtful points run alone; without, a sweep takes about two thirds of the time, and
            its statuses are those of floats.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in points.
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
    del progress  # long_work tells it
    if seeds is not None or level is not None or quantiles is not None:
        question: dict[str, Any] = {
            "nudge": nudge,
            "hold": hold,
            "target": target,
            "steps": steps,
            "at": at,
        }
        question |= {"delta": delta, "given": given, "parameters": parameters, "initial": initial}
        question |= {"estimate": estimate, "workers": workers, "data": data}
        return _over_noise(model, grid, question, seed, seeds, (level, quantiles))
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


def _over_noise(
    model: Model,
    grid: Mapping[str, ArrayLike],
    question: dict[str, Any],
    seed: int,
    seeds: int | Sequence[int] | None,
    said: tuple[float | None, Sequence[float] | None],
) -> SweepEnsemble:
    """Return an ensemble: a sweep for each seed."""
    from causalopt.effects.ensembles.seed_lists import ensemble_options, seed_numbers
    from causalopt.effects.ensembles.sweep_ensemble import sweep_over_noise

    options = ensemble_options(seeds, level=said[0], quantiles=said[1])
    assert seeds is not None
    if model.is_array and "seed" in grid:
        raise QuestionError("an axis is the seed already: leave seeds out, or the axis")
    return sweep_over_noise(
        lambda one: sweep(model, grid, seed=one, **question), seed_numbers(seeds, seed), **options
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

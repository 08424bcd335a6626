"""Op per unit of time along a parameter, beside what m does in the long run."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalopt.basins.op_basins import plain_model
from causalopt.basins.region_tracks import one_parameter
from causalopt.effects.asked import Asked, ask
from causalopt.effects.student_interval import student_interval
from causalopt.effects.sweeps.axes import varying_parameters, varying_starts
from causalopt.effects.sweeps.drawn_lanes import drawn_lanes
from causalopt.engine.batch import LANES, Batch, BatchResult
from causalopt.engine.batch_choice import batch_runner
from causalopt.engine.contract import Floats
from causalopt.engine.processor_count import processors
from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.reach import reachable
from causalopt.model.selectors import Node
from causalopt.results import Plotted, Tabled, labelled, plain
from causalopt.work.progress import Progress, long_work
from causalopt.work.threads import on_threads
from causalopt.worlds.interventions import Intervention, set_places

if TYPE_CHECKING:
    import xarray

_FITTED = 32  # places in a window at which the slope is fitted


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RateCurve(Asked, Plotted, Tabled):
    """Op per unit of time along a parameter.

    Attributes:
        parameter: Its name.
        values: Its values, shape [value].
        rate: How fast Op grows, in nats per unit of time (or per step, in a map), NaN where the
            status is not `ok`.
        error: Half of Student's interval at 95 % over the windows.
        orbit: What m is in the long run, shape [value, step]: its last values in a map, values
            some steps apart in a flow.
        status: `ok`; `perfect` or `only_path` where an effect became 0, `no_influence` where both
            did, `diverged` where a value is not finite.
        transient: Steps before the first window.
        windows: How many windows there are.
        unit: `nat per time unit` or `nat per step`.
    """

    parameter: str
    values: Floats
    rate: Floats
    error: Floats
    orbit: Floats
    status: NDArray[np.str_]
    transient: int
    windows: int
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as JSON's types."""
        return {
            "model": self.model.name,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            "along": self.parameter,
            "values": self.values.tolist(),
            "op_rate": plain(self.rate),
            "error": plain(self.error),
            "status": self.status.tolist(),
            "unit": self.unit,
            "steps": self.steps,
            "transient": self.transient,
            "windows": self.windows,
        }

    @functools.cached_property
    def dataset(self) -> xarray.Dataset:
        """Rate, error, status and orbit along the parameter."""
        return labelled(self)

    def __repr__(self) -> str:
        known = self.rate[np.isfinite(self.rate)]
        span = f"from {known.min():.4g} to {known.max():.4g}" if len(known) else "known nowhere"
        lines = [
            f"{self.op_name} per unit of time in {self.model.name} along {self.parameter}, "
            f"{len(self.values)} values from {self.values[0]:g} to {self.values[-1]:g}",
            f"  {span}, {self.unit}; {self.windows} windows of "
            f"{(self.steps - self.transient) // self.windows} steps after {self.transient}",
        ]
        names, counts = np.unique(self.status, return_counts=True)
        for name, count in zip(names.tolist(), counts.tolist(), strict=True):
            if name != "ok":
                lines.append(f"  {name}: {count} values")
        return "\n".join(lines)


@long_work("following rates", direct=True)
def rate_curve(
    model: Model,
    along: Mapping[str, ArrayLike],
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
    transient: int | None = None,
    windows: int = 20,
    orbit: int = 100,
    workers: int | None = None,
    progress: Progress | None = None,
) -> RateCurve:
    """Measure how fast Op(A; n, m) grows along a parameter: a bifurcation picture of Op.

    All values run side by side, one a lane. After a transient the slope of ln|direct| - ln|total|
    is fitted by least squares in windows of equal length, whose spread gives the error. Where m or
    n sees but part of the directions the rate is of those; `rates` has one value's exponents
    beside it. Of a chaotic orbit, floats follow another one of the same attractor: the rate is the
    attractor's.

    Args:
        model: The model; its question gives what is not given here.
        along: One parameter -> its values.
        nudge: The node n.
        hold: The set A.
        target: The variable m.
        steps: The last step; 20,000 when not given.
        given: Further interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        seed: Which draws the noise variables make, the same for every value.
        transient: Steps before the first window; a quarter of all when not given.
        windows: How many windows, two or more.
        orbit: How many values of m in the long run are kept.
        workers: Threads; one per processor when not given.
        progress: Called with (done, total, what), in values.

    Raises:
        QuestionError: The question cannot be asked, or there is not one parameter to follow.
        UnknownNameError: A name is not declared.

    Example:
        >>> from causalopt import load
        >>> found = rate_curve(load("thermostat"), {"k": [0.01, 0.02]}, steps=4000)
        >>> found.rate.round(6).tolist()
        [0.010153, 0.020628]
    """
    del progress  # long_work tells it
    model = plain_model(model)
    name, values = one_parameter(model, along)
    if name in model.template.fixed:
        raise QuestionError(
            f"'{name}' decides how many steps a lag is: run the model once for each"
        )
    asked = ask(
        model, nudge=nudge, hold=hold, target=target, steps=20_000 if steps is None else steps,
        given=given, parameters=parameters, initial=initial, seed=seed,
    )  # fmt: skip
    first = asked.steps // 4 if transient is None else transient
    length = (asked.steps - first) // windows if windows > 0 else 0
    if windows < 2 or length < 1 or not asked.nudge.t <= first:
        raise QuestionError(
            f"a rate takes two or more windows of a step or more after the transient and the "
            f"nudge, found {windows} in steps {first} to {asked.steps}"
        )
    # Within a window the slope is fitted: effects that turn make its two ends a matter of luck.
    inner = min(length, _FITTED)
    ends = [asked.steps - length * k for k in range(windows, 0, -1)]
    marks = [end + length * j // inner for end in ends for j in range(inner + 1)]
    apart = 1 if model.dt is None else max((asked.steps - first) // (10 * max(orbit, 1)), 1)
    looks = list(range(asked.steps, -1, -apart))[: max(orbit, 1)][::-1]
    batch = _lanes(asked, name, values, sorted({*marks, *looks}))
    results = _run(asked, batch, workers)
    where = {t: k for k, t in enumerate(batch.keep)}
    places = [where[t] for t in marks]
    rate, error, status = _rates(asked, results, places, np.array(marks[: inner + 1], float))
    seen = np.concatenate([r.values["w"][:, 0] for r in results], axis=-1)
    dt = 1.0 if model.dt is None else float(model.step_size)
    return RateCurve(
        **vars(asked),
        parameter=name,
        values=values,
        rate=rate / dt,
        error=error / dt,
        orbit=seen[[where[t] for t in looks]].T,
        status=status,
        transient=marks[0],
        windows=windows,
        unit="nat per step" if model.dt is None else "nat per time unit",
    )


def _lanes(asked: Asked, name: str, values: Floats, keep: list[int]) -> Batch:
    model, template = asked.model, asked.model.template
    varying = varying_parameters(model, {name: values})
    places = {parameter: k for k, parameter in enumerate(template.structure.parameters)}
    taken = set(set_places(model, asked.given, asked.steps))
    starts = varying_starts(model, varying, taken, asked.steps)
    return Batch(
        plan=asked.plan(),
        starts=starts,
        drawn=drawn_lanes(asked, varying, [name], starts),
        parameters={places[parameter]: column for parameter, column in varying.items()},
        keep=tuple(keep),
        outputs=(template.index[asked.target],),
        estimate=False,
    )


def _run(asked: Asked, batch: Batch, workers: int | None) -> list[BatchResult]:
    runner = batch_runner(asked.model.template.structure, batch)
    threads = workers or processors()
    size = max(LANES, -(-batch.count // (4 * threads)))
    tasks = runner.tasks(size)
    return on_threads(runner.run, tasks, threads)


def _rates(
    asked: Asked, results: list[BatchResult], marks: list[int], times: Floats
) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Return the growth of Op per step, its error and status at each value."""
    logs, finite = [], True
    for world in (0, 1):
        mantissa = np.concatenate([r.values["xy"[world]][marks, 0] for r in results], axis=-1)
        power = np.concatenate([r.exponents[marks, world] for r in results], axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs.append(np.log(np.abs(mantissa)) + power * math.log(2))
        finite = finite & np.isfinite(mantissa).all(axis=0)
    seen = np.concatenate([r.values["w"][marks, 0] for r in results], axis=-1)
    finite = finite & np.isfinite(seen).all(axis=0)
    zero = [np.isneginf(log).any(axis=0) for log in logs]
    index = asked.model.template.index[asked.target]
    free = bool(reachable(asked.model.template, asked.plan(), avoid_held=True).of(index)[-1])
    status = np.select(
        [~finite, zero[0] & zero[1], zero[0], zero[1] | (not free)],
        ["diverged", "no_influence", "perfect", "only_path"],
        "ok",
    )
    with np.errstate(invalid="ignore"):
        courses = (logs[1] - logs[0]).reshape(-1, len(times), len(status))
        apart = times - times.mean()
        slopes = np.einsum("j,wjv->vw", apart, courses) / float(apart @ apart)
    rate, low, high = student_interval(slopes)
    is_ok = status == "ok"
    return np.where(is_ok, rate, np.nan), np.where(is_ok, (high - low) / 2, np.nan), status

"""One question asked at many points, each a lane of a batch, on threads.

A point is a value of every axis: a starting value or a parameter. Points need form no grid.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.measures import NAMES, Effect, ratios, status_codes
from causalopt.effects.sweeps.axes import sorted_axes, varying_parameters, varying_starts
from causalopt.effects.sweeps.drawn_lanes import drawn_lanes
from causalopt.effects.sweeps.lane_doubts import (
    Judgement,
    beside_batch,
    judged,
    judged_finite,
    sample_places,
    settle,
    widened,
)
from causalopt.effects.sweeps.lanes import lane_effect
from causalopt.effects.sweeps.point_blocks import PointBlocks
from causalopt.engine.batch import LANES, TASK, Batch, BatchResult, BatchRunner
from causalopt.engine.batch_choice import batch_runner
from causalopt.engine.contract import Floats
from causalopt.engine.linearization import linearize
from causalopt.engine.processor_count import processors
from causalopt.model.model import Model
from causalopt.model.reach import reachable
from causalopt.model.template import refuse_between
from causalopt.work.progress import portion
from causalopt.work.threads import on_threads
from causalopt.worlds.interventions import Set, set_places

_WORTH = 1_000_000  # steps of lanes: less than that is done before another thread begins


@dataclasses.dataclass(frozen=True)
class PointLanes:
    """Points made ready to run, one a lane."""

    asked: Asked
    batch: Batch
    runner: BatchRunner
    twin: BatchRunner | None
    judgement: Judgement
    paths: tuple[bool, bool]
    tasks: list[slice]

    @property
    def model(self) -> Model:
        """The model."""
        return self.asked.model

    def threads(self, workers: int | None) -> int:
        """Return how many threads run it: one per processor where it is not said."""
        return min(workers or processors(), len(self.tasks))

    @property
    def is_brief(self) -> bool:
        """Whether the whole is done before another thread would begin."""
        return self.batch.count * (self.batch.plan.steps + 1) <= _WORTH


def prepared(
    asked: Asked,
    points: Mapping[str, Floats],
    delta: float | None,
    estimate: bool,
    judgement: Judgement | None = None,
) -> PointLanes:
    """Return lanes made ready to run, one a point.

    Args:
        asked: The question.
        points: Axis, a parameter or a starting value -> its value at each point, shape [point].
        delta: The nudge's size; None for the limit.
        estimate: Whether rounding errors are estimated.
        judgement: What samples say of the grid that the points are of; that of these points when
            not given.

    Raises:
        QuestionError: The question cannot be asked at these points.
        UnknownNameError: An axis is neither a parameter nor a variable.
    """
    model, template = asked.model, asked.model.template
    nodes, parameters = sorted_axes(model, points)
    count = len(next(iter(points.values())))
    plan = asked.plan(*(Set(node, float(points[name][0])) for name, node in nodes.items()))
    if delta is None:
        refuse_between(model.template, asked.nudge.variable, asked.target)
    i = template.index[asked.target]
    paths = tuple(
        bool(reachable(template, plan, avoid_held=avoid).of(i)[asked.steps])
        for avoid in (False, True)
    )
    starts = {
        (node.t, template.settable[node.variable]): points[name] for name, node in nodes.items()
    }
    varying = varying_parameters(model, {name: points[name] for name in parameters})
    set_nodes = {(node.t, node.variable) for node in nodes.values()}
    set_nodes |= set(set_places(model, asked.given, asked.steps))
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
        drawn=drawn_lanes(asked, varying, parameters, starts),
        near=delta is None and bool(linearize(template.structure).gaps),
    )
    runner = batch_runner(template.structure, batch)
    share, least = -(-count // (4 * processors())), _WORTH // (asked.steps + 1)
    size = max(LANES, min(TASK, max(share, least) // LANES * LANES))
    work = PointLanes(
        asked, batch, runner, None, Judgement(), (paths[0], paths[1]), runner.tasks(size)
    )
    if judgement is None and estimate:
        judgement = judgement_of(work)
    if judgement is None or not (judgement.matters or judgement.misses or judgement.differs):
        return work
    twin = batch_runner(template.structure, beside_batch(batch)) if judgement.matters else None
    return dataclasses.replace(work, judgement=judgement, twin=twin)


def judgement_of(work: PointLanes) -> Judgement:
    """Return what samples of a grid's points say of them all."""
    batch = work.batch.slice(sample_places(work.batch.count))
    runner = work.runner.over(batch)
    if batch.mode == "tangents":
        return judged(work.model, batch, runner)
    samples = dataclasses.replace(work, batch=batch, runner=runner, tasks=runner.tasks())
    return judged_finite(work.asked, batch, run_lanes(samples, 1))


def run_lanes(work: PointLanes, workers: int | None = None) -> dict[str, NDArray[Any]]:
    """Run all lanes on threads and return what they say, name -> shape [point].

    `values` of m in W, `total`, `direct`, `comp`, `op`, status `codes`, and which are `doubtful`;
    `near` says which passed a kink within rounding, where the model has any.
    """
    threads = work.threads(workers)
    count = work.batch.count
    columns: dict[str, NDArray[Any]] = {
        name: np.empty(count) for name in ("values", "total", "direct", "comp", "op")
    }
    columns["codes"] = np.empty(count, dtype=np.int8)
    columns["near"] = np.zeros(count if work.batch.near else 0, dtype=bool)
    columns["doubtful"] = np.zeros(count, dtype=bool)
    on_threads(lambda lanes: _task(work, columns, lanes), work.tasks, threads)
    return columns


def _task(work: PointLanes, columns: dict[str, NDArray[Any]], lanes: slice) -> None:
    """Run some lanes and write their results into their places."""
    with portion(0.0, 1.0 if work.twin is None else 0.6):
        kept = work.runner.run(lanes)
    effect = _effect(work, work.batch, kept, lanes)
    doubtful = effect.total.doubted | effect.direct.doubted | effect.on_kink | work.judgement.misses
    doubtful &= effect.finite
    if work.twin is not None:
        with portion(0.6, 1.0):
            twins = work.twin.run(lanes)
        effect, asked = widened(effect, kept, twins)
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


def _effect(work: PointLanes, batch: Batch, kept: BatchResult, lanes: slice) -> Effect:
    first = lanes.start
    return lane_effect(work.model, batch, kept, 0, work.paths, first=first, decide=False)


def settled(
    work: PointLanes,
    columns: dict[str, NDArray[Any]],
    *,
    estimate: bool,
    grid: PointBlocks | None = None,
    places: NDArray[np.int64] | None = None,
) -> NDArray[np.intp]:
    """Run doubtful points alone, as far as the budget goes, and return those that were left.

    Args:
        work: The lanes.
        columns: What `run_lanes` returned; written to.
        estimate: Whether rounding errors were estimated; without, no point is run alone.
        grid: The blocks of the grid that the points are of; all of them are one when not given.
        places: The place of each point in the grid, ascending, shape [point]; they are all of it
            when not given.
    """
    doubtful = np.flatnonzero(columns.pop("doubtful"))
    if not estimate:
        return doubtful
    if work.batch.mode == "finite":
        unknown = NAMES[columns["codes"]] == "unresolved"
        doubtful = np.flatnonzero(unknown | work.judgement.differs)
    if not len(doubtful):
        return doubtful
    if grid is None:
        blocks, count = np.zeros(len(doubtful), dtype=np.int64), 1
    else:
        blocks, count = grid.of(doubtful if places is None else places[doubtful]), grid.count
    return settle(work.asked, work.batch, doubtful, columns, (blocks, count))

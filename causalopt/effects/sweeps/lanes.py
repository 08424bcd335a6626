"""The effects of many worlds at one step: what a batch kept, as numerators and denominators."""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.effects.doubts.error_bounds import EPSILON
from causalopt.effects.limit import forward_effect
from causalopt.effects.measures import Effect, Part
from causalopt.engine.batch import Batch, BatchResult
from causalopt.engine.batch_choice import run_batch
from causalopt.engine.contract import Bools, Floats, Plan
from causalopt.engine.executions import run_tangents
from causalopt.model.model import Model
from causalopt.model.template import Structure

_MOST_NODES = 20_000  # node-updates of lanes run alone: some hundredths of a second


def lane_effect(
    model: Model,
    batch: Batch,
    lanes: BatchResult,
    k: int,
    paths: tuple[bool, bool],
    *,
    first: int = 0,
    decide: bool = True,
) -> Effect:
    """Return the effects of some of a batch's lanes on its first output at its k-th kept step.

    Args:
        model: The model; lanes on a kink, or with a zero along a path, are run alone if few.
        batch: The batch.
        lanes: What was kept of the lanes that were run, which stand side by side in the batch.
        k: Which kept step.
        paths: Whether the graph has a path for the total and for the direct effect.
        first: The first of those lanes.
        decide: Whether those lanes are run alone here.
    """
    part = _finite_part if batch.mode == "finite" else _tangent_part
    total, direct = (part(batch, lanes, k, world, paths[world]) for world in (0, 1))
    worlds = "wxy" if batch.mode == "finite" else "w"
    finite: Bools = np.isfinite(lanes.values["w"][k, 0])
    for world in worlds[1:]:
        finite &= np.isfinite(lanes.values[world][k, 0])
    whole = finite & np.isfinite(total.mantissa) & np.isfinite(direct.mantissa)
    held = batch.plan.held_at(batch.keep[k])[batch.outputs[0]]
    effect = Effect(
        total=total,
        direct=direct,
        held=np.full(len(finite), held),
        finite=finite,
        execution=lanes.execution,
        kinks=lanes.kink[k] >= 0,
        diverges=_diverges(model.template.structure, batch, first, ~whole),
    )
    if batch.mode == "finite" or not decide:
        return effect
    return _decided(model, batch, k, effect, first)


def _decided(model: Model, batch: Batch, k: int, effect: Effect, first: int) -> Effect:
    """Run the lanes that a batch cannot tell the truth of, alone; as they are where too many."""
    doubted = effect.total.doubted | effect.direct.doubted
    chosen = np.flatnonzero((doubted | effect.on_kink) & effect.finite).tolist()
    steps, template = batch.keep[k], model.template
    if not chosen or len(chosen) * (steps + 1) * len(template.equations) > _MOST_NODES:
        return effect
    kinks = effect.on_kink.copy()
    parts = [part.writable() for part in (effect.total, effect.direct)]
    for n in chosen:
        plan = alone(batch, first + n, steps)
        run = run_tangents(template.structure, plan)
        found = forward_effect(model, plan, run, batch.outputs[0])
        kinks[n] = found.on_kink[-1]
        for part, own in zip(parts, (found.total, found.direct), strict=True):
            part.put(n, own, -1)
    return dataclasses.replace(effect, total=parts[0], direct=parts[1], kinks=kinks)


def alone(batch: Batch, lane: int, steps: int) -> Plan:
    """Return the plan of one lane, to a step."""
    plan = batch.plan
    rows = [t + 1 for t, _ in batch.starts] + [len(table) for table in batch.drawn.values()]
    missing = max(rows, default=0) - len(plan.forced)
    pad = ((0, max(missing, 0)), (0, 0))
    forced, values, shifts = (
        np.pad(plan.forced, pad),
        np.pad(plan.values, pad),
        np.pad(plan.shifts, pad),
    )
    for node, starts in batch.starts.items():
        forced[node], values[node] = True, starts[lane]
    for i, table in batch.drawn.items():
        forced[: len(table), i], values[: len(table), i] = True, table[:, lane]
    parameters = plan.parameters.copy()
    for place, varying in batch.parameters.items():
        parameters[place] = varying[lane]
    return dataclasses.replace(
        plan, steps=steps, parameters=parameters, forced=forced, values=values, shifts=shifts
    )


def _tangent_part(batch: Batch, lanes: BatchResult, k: int, world: int, has_path: bool) -> Part:
    mantissa = lanes.values["xy"[world]][k, 0]
    error = lanes.values["pq"[world]][k, 0] if batch.estimate else None
    path = np.full(len(mantissa), has_path)
    return Part.of_tangents(mantissa, lanes.exponents[k, world], error, path)


def _finite_part(batch: Batch, lanes: BatchResult, k: int, world: int, has_path: bool) -> Part:
    w, other = lanes.values["w"][k, 0], lanes.values["xy"[world]][k, 0]
    with np.errstate(invalid="ignore", over="ignore"):
        mantissa: Floats = (other - w) / batch.delta
        error = EPSILON * np.maximum(np.abs(w), np.abs(other)) / abs(batch.delta) * has_path
    path = np.full(len(mantissa), has_path)
    return Part(mantissa, np.zeros(len(mantissa), dtype=np.int64), error, path, path)


def _diverges(structure: Structure, batch: Batch, first: int, bad: Bools) -> Bools:
    """Run the lanes that are not finite again, watching for the first node that was not."""
    found = np.ones(len(bad), dtype=bool)
    chosen = np.flatnonzero(bad)
    if len(chosen):
        again = dataclasses.replace(batch.slice(first + chosen), watch=True)
        codes = run_batch(structure, again).bad[-1]
        # No value is infinite: the tangents overflowed by themselves.
        found[chosen] = (codes < 0) | (codes % 2 == 1)
    return found

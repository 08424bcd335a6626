"""The effects of many worlds at one step: what a batch kept, as numerators and denominators."""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.effects.finite import EPSILON
from causalopt.effects.measures import Effect, Part
from causalopt.engine.contract import Bools, Floats
from causalopt.engine.machine.batch import Batch, BatchResult, BatchRunner
from causalopt.model.template import Structure


def lane_effect(
    structure: Structure,
    batch: Batch,
    lanes: BatchResult,
    k: int,
    paths: tuple[bool, bool],
    *,
    first: int = 0,
) -> Effect:
    """Return the effects of some of a batch's lanes on its first output at its k-th kept step.

    Args:
        structure: The template's rules.
        batch: The batch.
        lanes: What was kept of the lanes that were run, which stand side by side in the batch.
        k: Which kept step.
        paths: Whether the graph has a path for the total and for the direct effect.
        first: The first of those lanes.
    """
    part = _finite_part if batch.mode == "finite" else _tangent_part
    total, direct = (part(batch, lanes, k, world, paths[world]) for world in (0, 1))
    worlds = "wxy" if batch.mode == "finite" else "w"
    finite: Bools = np.isfinite(lanes.values["w"][k, 0])
    for world in worlds[1:]:
        finite &= np.isfinite(lanes.values[world][k, 0])
    whole = finite & np.isfinite(total.mantissa) & np.isfinite(direct.mantissa)
    held = batch.plan.held_at(batch.keep[k])[batch.outputs[0]]
    return Effect(
        total=total,
        direct=direct,
        held=np.full(len(finite), held),
        finite=finite,
        execution="llvm",
        kinks=lanes.kink[k] >= 0,
        diverges=_diverges(structure, batch, first, ~whole),
    )


def _tangent_part(batch: Batch, lanes: BatchResult, k: int, world: int, has_path: bool) -> Part:
    mantissa = lanes.values["xy"[world]][k, 0]
    error = lanes.values["pq"[world]][k, 0] if batch.estimate else None
    path = np.full(len(mantissa), has_path)
    return Part.of_tangents(mantissa, lanes.exponents[k, world], error, path, lanes.lost[k] != 0)


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
        runner = BatchRunner(structure, again)
        codes = runner.run(slice(0, len(chosen))).bad[-1]
        # None at all: the tangents overflowed by themselves.
        found[chosen] = (codes < 0) | (codes % 2 == 1)
    return found

"""The effects of many worlds at one step: what a batch kept, as numerators and denominators."""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.effects.effect import Effect, Part
from causalopt.effects.finite import EPSILON
from causalopt.effects.limit import UNIT_ROUNDOFF
from causalopt.engine.machine.batch import Batch, BatchResult, BatchRunner
from causalopt.engine.plan import Bools, Floats
from causalopt.model.template import Structure


@dataclasses.dataclass(frozen=True, kw_only=True)
class LaneEffect(Effect):
    """Effects at one step, one for each lane.

    Attributes:
        kinks: Which lanes met a kink up to this step.
        diverges: Which lanes' values overflowed rather than being undefined.
    """

    kinks: Bools
    diverges: Bools

    @property
    def on_kink(self) -> Bools:
        """Where a branch decided the answer, shape [lane]."""
        return self.kinks

    @property
    def is_divergence(self) -> Bools:
        """Whether what is not finite is so by overflow, shape [lane]."""
        return self.diverges


def lane_effect(
    structure: Structure,
    batch: Batch,
    lanes: BatchResult,
    k: int,
    paths: tuple[bool, bool],
    *,
    first: int = 0,
) -> LaneEffect:
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
    return LaneEffect(
        total=total,
        direct=direct,
        held=np.full(len(finite), held),
        finite=finite,
        kink=None,
        nonfinite=None,
        overflowed=False,
        execution="llvm",
        kinks=lanes.kink[k] >= 0,
        diverges=_diverges(structure, batch, first, ~whole),
    )


def _tangent_part(batch: Batch, lanes: BatchResult, k: int, world: int, has_path: bool) -> Part:
    mantissa = lanes.values["xy"[world]][k, 0]
    error = np.zeros_like(mantissa)
    if batch.estimate:
        error = lanes.values["pq"[world]][k, 0] * UNIT_ROUNDOFF
    path = np.full(len(mantissa), has_path)
    return Part(mantissa, lanes.exponents[k, world], error, path, path & (lanes.lost[k] != 0))


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

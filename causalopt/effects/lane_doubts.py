"""Points of a sweep that a batch cannot tell the truth of: they are run alone, as `run` does it.

Doubtful are zeros along a path, kinks met exactly or to within rounding, and effects that part from
those of a twin batch, whose starting values and parameters are moved by a unit in the last place. A
twin is run where W's rounding matters: where in one of eight points, spread evenly and run alone,
it moves an effect by more than a millionth. Points are asked in their order until a budget of work
is spent; those that are left keep what the batch says, and are counted.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.lanes import alone
from causalopt.effects.limit import forward_effect, read_by
from causalopt.effects.measures import Effect, ratios, status_codes
from causalopt.engine.batch import Batch, BatchResult
from causalopt.engine.contract import Bools, Floats
from causalopt.engine.executions import run_tangents
from causalopt.engine.linearization import linearize
from causalopt.model.model import Model

BUDGET = 50_000  # node-updates of points run alone: a second or two
_SAMPLES = 8
_MATTERS = 1e-6  # share of an effect
_PARTED = 2.0**-10  # share by which a twin's effect differs that is not known to be right
_UNIT = 2.0**-52


def twin_batch(model: Model, batch: Batch) -> Batch | None:
    """Return a batch beside this one, None where W's rounding does not matter."""
    structure = model.template.structure
    read = frozenset(np.flatnonzero(read_by(model, batch.outputs)).tolist())
    size = (batch.keep[-1] + 1) * len(structure.names)
    if not linearize(structure).drifting & read:
        return None
    if _SAMPLES * size > BUDGET:
        return _beside(batch)
    places = np.unique(np.linspace(0, batch.count - 1, _SAMPLES).astype(int))
    for lane in places.tolist():
        found = _asked(model, batch, lane)
        for part in (found.total, found.direct):
            if part.error[-1] > _MATTERS * abs(part.mantissa[-1]):
                return _beside(batch)
    return None


def widened(effect: Effect, lanes: BatchResult, twin: BatchResult) -> tuple[Effect, Bools]:
    """Return the effects of lanes with what a twin says of them, and which of them to run alone."""
    parts, asked = [], np.zeros(effect.held.shape, dtype=bool)
    for world, part in enumerate((effect.total, effect.direct)):
        other = twin.values["xy"[world]][0, 0]
        power = np.clip(twin.exponents[0, world] - lanes.exponents[0, world], -4000, 4000)
        with np.errstate(all="ignore"):
            apart = np.abs(np.ldexp(other, power.astype(np.int32)) - part.mantissa)
            near = apart <= _PARTED * np.abs(part.mantissa)
            far = ~near & ~(8 * apart < np.abs(part.mantissa))
        asked |= ~near & ~far
        # Past an eighth, and where it is not asked alone, the effect is not known.
        parts.append(part.widened(np.where(near, 0.0, np.inf)))
    return dataclasses.replace(effect, total=parts[0], direct=parts[1]), asked


def settle(
    model: Model, batch: Batch, doubtful: NDArray[np.intp], columns: dict[str, NDArray[Any]]
) -> int:
    """Run doubtful lanes alone, in their order, and return how many were left by the budget.

    Args:
        model: The model.
        batch: The batch.
        doubtful: Lanes.
        columns: What the batch said, by name; written to.
    """
    size = (batch.keep[-1] + 1) * len(model.template.equations)
    chosen = doubtful[: max(BUDGET // size, 1)]
    for lane in chosen.tolist():
        effect = _asked(model, batch, lane)
        codes = status_codes(effect)[-1:]
        last = _last(effect)
        comp, op = ratios(last, codes)
        columns["codes"][lane] = codes[0]
        columns["comp"][lane], columns["op"][lane] = comp[0], op[0]
        columns["total"][lane] = last.total.value[0]
        columns["direct"][lane] = last.direct.value[0]
    return len(doubtful) - len(chosen)


def _asked(model: Model, batch: Batch, lane: int) -> Effect:
    plan = alone(batch, lane, batch.keep[-1])
    run = run_tangents(model.template.structure, plan)
    return forward_effect(model, plan, run, batch.outputs[0])


def _last(effect: Effect) -> Effect:
    """Return an effect at its last step only, shape [1]."""
    parts = [
        dataclasses.replace(
            part,
            **{
                field.name: np.broadcast_to(getattr(part, field.name), part.mantissa.shape)[-1:]
                for field in dataclasses.fields(part)
            },
        )
        for part in (effect.total, effect.direct)
    ]
    return dataclasses.replace(
        effect,
        total=parts[0],
        direct=parts[1],
        held=effect.held[-1:],
        finite=effect.finite[-1:],
        kinks=effect.on_kink[-1:],
    )


def _beside(batch: Batch) -> Batch:
    """Return the batch with every starting value and parameter a unit in the last place away."""

    def moved(values: Floats) -> Floats:
        moved: Floats = values * (1 + _UNIT)
        return moved

    plan = batch.plan
    return dataclasses.replace(
        batch,
        plan=dataclasses.replace(
            plan, values=moved(plan.values), parameters=moved(plan.parameters)
        ),
        starts={node: moved(values) for node, values in batch.starts.items()},
        parameters={place: moved(values) for place, values in batch.parameters.items()},
        near=False,
    )

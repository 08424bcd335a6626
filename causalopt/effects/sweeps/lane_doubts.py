"""Points of a sweep that a batch cannot tell the truth of: they are run alone, as `run` does it.

Doubtful are zeros along a path, kinks met exactly or to within rounding, and effects that part from
those of a twin batch, whose starting values and parameters are moved by a unit in the last place. A
twin is run where W's rounding matters: where in one of 32 points, spread evenly, it moves an effect
by more than a millionth. The first and the last point are also compared with all of W moved, and
with the errors of slopes: where these part effects and the twin does not, all points are doubtful.
What twins say is judged once for a grid, from samples of all of it. Doubtful points are asked
block by block, in their order, until a block's share of a budget is spent; those that are left keep
what the batch says, and are counted. So a point's numbers depend on the grid, and not on what it is
run beside.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.doubts.cancellation import with_slopes
from causalopt.effects.doubts.drift import moved_plan
from causalopt.effects.doubts.error_bounds import UNIT
from causalopt.effects.limit import forward_effect, read_by
from causalopt.effects.measures import Effect, ratios, status_codes
from causalopt.effects.sweeps.lanes import alone
from causalopt.engine.batch import Batch, BatchResult, BatchRunner
from causalopt.engine.batch_choice import batch_runner
from causalopt.engine.contract import Bools, Execution, Floats
from causalopt.engine.executions import execution
from causalopt.engine.linearization import linearize
from causalopt.extras import has_compiler
from causalopt.model.model import Model

BUDGET = 400_000  # node-updates of points run alone: a second or two
_AT_MOST = 16  # times the budget, where doubts are few in every block
_EACH = 500  # node-updates that take as long as what a point costs besides
_SAMPLES = 32
_FINITE_SAMPLES = 8  # each has worlds and twins of its own
_MATTERS = 1e-6  # share of an effect
_PARTED = 2.0**-10  # share by which a twin's effect differs that is not known to be right
_ULP = 2.0**-52


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What samples of a grid say of all its points.

    Attributes:
        matters: Whether W's rounding moves effects, so that a twin is run.
        misses: Whether it moves them where a twin does not show it: all points are doubtful.
        differs: Whether points run alone differ from the batch, with a finite nudge: likewise.
    """

    matters: bool = False
    misses: bool = False
    differs: bool = False


def sample_places(count: int) -> NDArray[np.int64]:
    """Return which points of a grid are its samples: evenly spread, the first and the last too."""
    return _spread(count, _SAMPLES)


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many places of a grid, ascending and evenly spread."""
    places = np.linspace(0, count - 1, most).astype(np.int64)
    return places[np.diff(places, prepend=-1) > 0]  # unique, which would load numpy.ma


def judged(model: Model, batch: Batch, runner: BatchRunner) -> Judgement:
    """Return what a batch of samples says of the limit delta -> 0.

    Args:
        model: The model.
        batch: Samples of the grid, the first and the last of its points at its ends.
        runner: What runs it.
    """
    structure = model.template.structure
    read = frozenset(np.flatnonzero(read_by(model, batch.outputs)).tolist())
    is_short = 2 * (batch.keep[-1] + 1) * len(structure.names) <= BUDGET
    last = batch.count - 1
    if not linearize(structure).drifting & read:
        ends = {0, last} if is_short else set()
        misses = any(_share_alone(model, batch, k, drifts=False) > _PARTED for k in ends)
        return Judgement(misses=misses)
    beside = beside_batch(batch)
    mine = runner.run(slice(0, batch.count))
    other = batch_runner(structure, beside).run(slice(0, batch.count))
    with np.errstate(invalid="ignore"):
        share = np.max([_share(mine, other, world) for world in (0, 1)], axis=0)
    matters, misses = bool((share > _MATTERS).any()), False
    if is_short:
        for k in {0, last}:
            found = _share_alone(model, batch, k, drifts=True)
            matters |= found > _MATTERS
            misses |= found > _PARTED and not share[k] > _PARTED
    return Judgement(matters=matters, misses=misses)


def widened(effect: Effect, lanes: BatchResult, twin: BatchResult) -> tuple[Effect, Bools]:
    """Return the effects of lanes with what a twin says of them, and which of them to run alone."""
    parts, asked = [], np.zeros(effect.held.shape, dtype=bool)
    for world, part in enumerate((effect.total, effect.direct)):
        share = _share(lanes, twin, world)
        near, is_known = share <= _PARTED, 8 * share < 1
        asked |= ~near & is_known
        # Past an eighth, and where it is not asked alone, the effect is not known.
        parts.append(part.widened(np.where(near, 0.0, np.inf)))
    return dataclasses.replace(effect, total=parts[0], direct=parts[1]), asked


def _share(lanes: BatchResult, twin: BatchResult, world: int) -> Floats:
    """Return by which share of their size the last effects of two batches differ, shape [lane]."""
    mine, other = (kept.values["xy"[world]][-1, 0] for kept in (lanes, twin))
    power = np.clip(twin.exponents[-1, world] - lanes.exponents[-1, world], -4000, 4000)
    with np.errstate(all="ignore"):
        apart = np.abs(np.ldexp(other, power.astype(np.int32)) - mine)
        return np.where(apart == 0, 0.0, apart / np.abs(mine))


def _share_alone(model: Model, batch: Batch, lane: int, *, drifts: bool) -> float:
    """Return by which share all rounding, of slopes and sums and of W, moves a lane's effects."""
    template, column = model.template, batch.outputs[0]
    plan, member = alone(batch, lane, batch.keep[-1]), _member()
    run = member.run_tangents(template.structure, plan)
    twin = run
    if drifts:
        moved = moved_plan(template, plan, run.values, plan.steps, 0)
        twin = member.run_tangents(template.structure, moved)
    errors = with_slopes(template.structure, plan, run, sums=True)
    found = 0.0
    for world, (mine, other) in enumerate(((run.total, twin.total), (run.direct, twin.direct))):
        power = int(twin.exponents[-1, world] - run.exponents[-1, world])
        size = abs(float(mine[-1, column]))
        apart = abs(float(np.ldexp(other[-1, column], power)) - float(mine[-1, column]))
        apart = max(apart, UNIT * abs(float(errors[world][-1, column])))
        if np.isfinite(apart) and size:
            found = max(found, apart / size)
    return found


def judged_finite(asked: Asked, batch: Batch, columns: dict[str, NDArray[Any]]) -> Judgement:
    """Return what samples say of a finite nudge: whether points run alone differ from the batch.

    The batch knows of m's own rounding alone.

    Args:
        asked: The question.
        batch: Samples of the grid.
        columns: What the batch said, by name.
    """
    codes = columns["codes"]
    size = (batch.keep[-1] + 1) * len(asked.model.template.equations)
    count = min(_FINITE_SAMPLES, BUDGET // (_FINITE_SAMPLES * (size + _EACH)))
    for lane in _spread(batch.count, count).tolist():
        effect = _asked(asked, batch, lane)
        is_other = status_codes(effect)[-1] != codes[lane]
        for name, part in (("total", effect.total), ("direct", effect.direct)):
            mine, own = float(columns[name][lane]), float(part.value[-1])
            is_other |= abs(mine - own) > _PARTED * abs(own)
        if is_other:
            return Judgement(differs=True)
    return Judgement()


def chosen_to_settle(blocks: NDArray[np.int64], count: int, each: int) -> NDArray[np.bool_]:
    """Return which doubtful points are run alone.

    A block that can have all of its own asked by a generous share has them asked; one that cannot
    has the first of them asked, by a plain share of the budget.

    Args:
        blocks: The block of each doubtful point, ascending.
        count: How many blocks the grid has.
        each: What a point costs, in node-updates.
    """
    plain = max(BUDGET // (count * each), 1)
    generous = max(min(BUDGET, _AT_MOST * BUDGET // count) // each, plain)
    first = np.flatnonzero(np.diff(blocks, prepend=-1))
    sizes = np.diff(first, append=len(blocks))
    place = np.arange(len(blocks)) - np.repeat(first, sizes)
    allowed = np.where(sizes <= generous, sizes, plain)
    chosen: NDArray[np.bool_] = place < np.repeat(allowed, sizes)
    return chosen


def settle(
    asked: Asked,
    batch: Batch,
    doubtful: NDArray[np.intp],
    columns: dict[str, NDArray[Any]],
    blocks: tuple[NDArray[np.int64], int],
) -> NDArray[np.intp]:
    """Run doubtful lanes alone, in their order, and return those that were left by the budget.

    Args:
        asked: The question.
        batch: The batch.
        doubtful: Lanes.
        columns: What the batch said, by name; written to.
        blocks: The block of each of these lanes, and how many blocks the grid has.
    """
    size = (batch.keep[-1] + 1) * len(asked.model.template.equations)
    chosen = chosen_to_settle(*blocks, size + _EACH)
    for lane in doubtful[chosen].tolist():
        effect = _asked(asked, batch, lane)
        codes = status_codes(effect)[-1:]
        last = _last(effect)
        comp, op = ratios(last, codes)
        columns["codes"][lane] = codes[0]
        columns["comp"][lane], columns["op"][lane] = comp[0], op[0]
        columns["total"][lane] = last.total.value[0]
        columns["direct"][lane] = last.direct.value[0]
    return doubtful[~chosen]


def _member() -> Execution:
    """Return what runs points alone: many have the same step code."""
    return execution("llvm" if has_compiler() else "python")


def _asked(asked: Asked, batch: Batch, lane: int) -> Effect:
    plan = alone(batch, lane, batch.keep[-1])
    if batch.mode == "finite":
        from causalopt.effects.finite import effect_along  # most questions are of the limit

        return effect_along(asked, batch.delta, plan)
    run = _member().run_tangents(asked.model.template.structure, plan)
    return forward_effect(asked.model, plan, run, batch.outputs[0])


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


def beside_batch(batch: Batch) -> Batch:
    """Return the batch with every starting value and parameter a unit in the last place away."""

    def moved(values: Floats) -> Floats:
        moved: Floats = values * (1 + _ULP)
        return moved

    plan = batch.plan
    return dataclasses.replace(
        batch,
        plan=dataclasses.replace(
            plan, values=moved(plan.values), parameters=moved(plan.parameters)
        ),
        starts={node: moved(values) for node, values in batch.starts.items()},
        parameters={place: moved(values) for place, values in batch.parameters.items()},
        drawn={i: table * (1 + _ULP) for i, table in batch.drawn.items()},
    )

"""Op of arrays from all nodes to one, and from one to all, as a dataset.

From all n to one m takes one reverse sweep with a direction for each element of m; from one n to
all m one forward pass.
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.effects.arrays.array_kinks import value_gaps
from causalopt.effects.arrays.nudge_directions import MAX_DIRECTIONS, chosen_directions
from causalopt.effects.arrays.rounding_twins import TWINS, Disturbance
from causalopt.effects.arrays.vector_effect import norms
from causalopt.effects.measures import NAMES, Effect, Part, ratios, status_codes
from causalopt.engine.arrays.array_backward import ArrayAdjoint, adjoint_of
from causalopt.engine.arrays.array_course import Draw, Row, lookup, rows
from causalopt.engine.arrays.array_forward import ArraySeed, TangentStretches
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import KINDS, moves, single
from causalopt.engine.arrays.array_stretches import blocks
from causalopt.errors import QuestionError, SizeError
from causalopt.extras import need
from causalopt.model.model import Model, machine_memory
from causalopt.model.selectors import Node, Selection, selection_text
from causalopt.worlds.array_world import array_plan_for, element_slices
from causalopt.worlds.interventions import Intervention

if TYPE_CHECKING:
    import xarray

_NATS = {"units": "nat"}


def arrays_op_from_all(
    model: Model,
    target: Node,
    hold: Selection,
    *,
    given: Sequence[Intervention] = (),
    data: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> xarray.Dataset:
    """Measure Op(A; n, m) for every element n of every array and one m.

    Args:
        model: A model with arrays.
        target: The measured node, with its elements.
        hold: The set A.
        given: Interventions that make the baseline.
        data: Variable without a rule -> its values, step first.
        initial: Variable -> the array it starts from.
        seed: Which draws noise and initial laws make.

    Returns:
        For each array `v` the variables `op_v` (nats), `total_v`, `direct_v` (norms over m) and
        `status_v`, with the axis `t` (the nudged node's step) and its own dims.
    """
    plan, draw = array_plan_for(
        model, given, steps=target.t, hold=hold, seed=seed, data=data, initial=initial
    )
    directions, _ = chosen_directions(plan, target, None, None, seed)
    if len(directions) > MAX_DIRECTIONS:
        raise SizeError(
            f"m has {len(directions)} elements, the limit is {MAX_DIRECTIONS}: measure some of them"
        )
    names = list(plan.template.names)
    _check_memory(plan, len(directions), names)
    found = adjoint_of(plan, target.variable, directions, names, draw)
    twins = [
        adjoint_of(plan, target.variable, directions, names, draw, disturb=Disturbance(plan, k + 1))
        for k in range(TWINS)
    ]
    closed = _closed_kinks(plan, found, target.variable, draw)
    tables: dict[str, Any] = {}
    for name in names:
        paths = [target.variable in _after(plan, name, avoid) for avoid in (False, True)]
        effect = _effect_from(name, found, twins, paths, hold)
        reach = _after(plan, name, False)
        last = max((t for t, parents in closed if parents & reach), default=-1)
        kinks = np.zeros(effect.held.shape, dtype=bool)
        kinks[: last + 1] = True
        effect = dataclasses.replace(effect, kinks=kinks)
        tables |= _entries(plan, name, effect)
    attrs = {"target": model.node_text(target)}
    return _dataset(model, tables, attrs, hold)


def _closed_kinks(
    plan: ArrayPlan, found: ArrayAdjoint, target: str, draw: Draw | None
) -> list[tuple[int, frozenset[str]]]:
    """Return where W sits on a kink that m follows: (step, the variables that decide it).

    Which elements of a nudged array move it is not asked: all that reach one of these variables
    are said to be on the kink.
    """
    template = plan.template
    closed: list[tuple[int, frozenset[str]]] = []
    watched = value_gaps(template)
    if not watched:
        return closed
    past: deque[Row] = deque(maxlen=max(template.max_lag, 1))
    for t, row in enumerate(rows(plan, draw)):
        look = lookup(plan, t, row, past)
        for gap in watched:
            variable = template.by_name[gap.name]
            owner = variable.owner
            at_m = owner == target and t == plan.steps
            if plan.initial_at(variable, t) is not None:
                continue
            if at_m or found.total[owner][t].any() or found.direct[owner][t].any():
                with np.errstate(all="ignore"):
                    if single(gap.closed, look):
                        closed.append((t, gap.parents))
        past.appendleft(row)
    return closed


def _check_memory(plan: ArrayPlan, count: int, names: Sequence[str]) -> None:
    size = sum(plan.template.by_name[n].size for n in names)
    needed = 8.0 * (plan.steps + 1) * size * (2 * count * (1 + TWINS) + 6)
    if needed > machine_memory():
        raise SizeError(
            f"the derivatives by {size:,} numbers at {plan.steps + 1} steps take "
            f"{needed / 1e9:.3g} GB and this machine has {machine_memory() / 1e9:.3g} GB: "
            "measure an earlier step, or ask `run` for one node"
        )


def _after(plan: ArrayPlan, name: str, avoid: bool) -> frozenset[str]:
    """Return the variables that a nudge of one reaches, on the paths beside A or on all."""
    held = plan.held_throughout if avoid else frozenset()
    return moves(plan.template, name, 1, held - {name}).moving["direct"]


def _effect_from(
    name: str, found: ArrayAdjoint, twins: list[ArrayAdjoint], paths: list[bool], hold: Selection
) -> Effect:
    """Return the effects of a variable's elements on m, shape [t, *shape]."""
    parts = []
    for place, kind in enumerate(KINDS):
        base, exponents = getattr(found, kind)[name], found.exponents[:, place]
        others = [
            _in_units(getattr(twin, kind)[name], twin.exponents[:, place] - exponents)
            for twin in twins
        ]
        lost = np.arange(len(base)) <= found.faint[place]
        parts.append(_part(base, others, exponents, paths[place], lost))
    finite = np.isfinite(parts[0].mantissa) & np.isfinite(parts[1].mantissa)
    held = _held(hold, name, finite.shape)
    return Effect(parts[0], parts[1], held, finite, execution="arrays")


def _in_units(values: Values, powers: Values) -> Values:
    """Return a twin's derivatives with the powers of two of what it is a twin of."""
    return np.ldexp(values, powers.astype(np.int32).reshape(-1, *[1] * (values.ndim - 1)))


def _held(hold: Selection, name: str, shape: tuple[int, ...]) -> Values:
    """Return which elements of a variable are in A, shape [t, *shape]."""
    held = np.zeros(shape, dtype=bool)
    for window in hold:
        if window.variable == name:
            last = None if window.last is None else window.last + 1
            held[(slice(window.first, last), *element_slices(window.elements or ()))] = True
    return held


def _part(
    base: Values, others: list[Values], exponents: Values, has_path: bool, lost: Values
) -> Part:
    """Return the norms over directions, [t, *shape] of [t, direction, *shape].

    Args:
        base: Mantissas.
        others: Those of twins.
        exponents: Their powers of two, shape [t].
        has_path: Whether the graph has a path.
        lost: Where a zero may be one of floats alone, shape [t].
    """
    size = _over_directions(base)
    with np.errstate(all="ignore"):
        errors = np.max([np.abs(_over_directions(other - base)) for other in others], axis=0)
        moved = np.any([np.any(other != 0, axis=1) for other in others], axis=0)
    steps = (-1, *[1] * (size.ndim - 1))
    doubted = (size == 0) & (moved | (has_path & lost).reshape(steps))
    wide = np.broadcast_to(exponents.reshape(steps), size.shape)
    path = np.full(size.shape, has_path)
    return Part(size, wide, np.nan_to_num(errors, nan=np.inf), path, doubted)


def _over_directions(values: Values) -> Values:
    """Return the norm over the directions; of a single one the number itself."""
    if values.shape[1] == 1:
        return values[:, 0]
    last = np.moveaxis(values, 1, -1)
    return norms(last.reshape(-1, values.shape[1])).reshape(last.shape[:-1])


def arrays_op_to_all(
    model: Model,
    node: Node,
    hold: Selection,
    steps: int,
    *,
    given: Sequence[Intervention] = (),
    data: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> xarray.Dataset:
    """Measure Op(A; n, m) for one n and every element m of every array.

    Args:
        model: A model with arrays.
        node: The nudged node, with its elements.
        hold: The set A.
        steps: The last step.
        given: Interventions that make the baseline.
        data: Variable without a rule -> its values, step first.
        initial: Variable -> the array it starts from.
        seed: Which draws noise and initial laws make.

    Returns:
        As `arrays_op_from_all`; the axes say the measured node.
    """
    plan, draw = array_plan_for(
        model, given, steps=steps, hold=hold, seed=seed, data=data, initial=initial
    )
    directions, is_probed = chosen_directions(plan, node, None, None, seed)
    if is_probed:
        raise SizeError(
            f"n has more than {MAX_DIRECTIONS} elements: nudge some of them, or ask `run`"
        )
    array_seed = ArraySeed(node.variable, node.t, directions)
    base = _norms(plan, array_seed, draw, None)
    twins = [_norms(plan, array_seed, draw, Disturbance(plan, k + 1)) for k in range(TWINS)]
    tables: dict[str, Any] = {}
    for name in plan.template.names:
        effect = _effect_to(name, base, twins, hold)
        tables |= _entries(plan, name, effect)
    return _dataset(model, tables, {"nudge": model.node_text(node)}, hold)


@dataclasses.dataclass(frozen=True)
class _Norms:
    """Norms over directions of every variable's tangents: kind, variable -> [t, *shape]."""

    values: Mapping[tuple[str, str], Values]
    exponents: Values
    finite: Mapping[str, Values]
    moving: Mapping[str, frozenset[str]]
    faint: int | None


def _norms(
    plan: ArrayPlan, seed: ArraySeed, draw: Draw | None, disturb: Disturbance | None
) -> _Norms:
    world = TangentStretches(plan, seed, draw, disturb)
    template, count = plan.template, len(seed.directions)
    values = {
        (kind, n): np.zeros((plan.steps + 1, *template.by_name[n].shape))
        for kind in KINDS
        for n in template.names
    }
    finite = {
        n: np.ones((plan.steps + 1, *template.by_name[n].shape), bool) for n in template.names
    }
    moving = world.moves.moving
    keys = [(kind, n, 0) for kind in KINDS for n in template.names if n in moving[kind]]
    keys += [("ref", n, 0) for n in template.names]
    for first, block in blocks(world, keys):
        part = slice(first, world.t)
        for (kind, n, _), found in block.items():
            if kind == "ref":
                finite[n][part] = np.isfinite(found)
            else:
                many = found[:, None] if count == 1 else found
                values[kind, n][part] = _over_directions(many)
    return _Norms(values, world.exponents, finite, moving, world.faint)


def _effect_to(name: str, base: _Norms, twins: list[_Norms], hold: Selection) -> Effect:
    """Return the effects of n on a variable's elements, shape [t, *shape]."""
    parts = []
    for place, kind in enumerate(KINDS):
        own, exponents = base.values[kind, name][:, None], base.exponents[:, place]
        others = [
            _in_units(twin.values[kind, name][:, None], twin.exponents[:, place] - exponents)
            for twin in twins
        ]
        lost = np.arange(len(own)) >= (len(own) if base.faint is None else base.faint)
        parts.append(_part(own, others, exponents, name in base.moving[kind], lost))
    held = _held(hold, name, parts[0].mantissa.shape)
    return Effect(parts[0], parts[1], held, base.finite[name], execution="arrays")


def _entries(plan: ArrayPlan, name: str, effect: Effect) -> dict[str, tuple[Any, ...]]:
    codes = status_codes(effect)
    _, op = ratios(effect, codes)
    dims = ("t", *dim_names(plan, name))
    status = np.where(codes >= 0, NAMES[codes].astype(object), "")
    return {
        f"op_{name}": (dims, np.where(effect.held, math.nan, op), _NATS),
        f"total_{name}": (dims, effect.total.value),
        f"direct_{name}": (dims, effect.direct.value),
        f"status_{name}": (dims, status),
    }


def dim_names(plan: ArrayPlan, name: str) -> list[str]:
    """Return what an array's axes are called in a dataset: each once, and none without a name."""
    found: list[str] = []
    for i, dim in enumerate(plan.template.by_name[name].dims):
        text = dim or f"{name}_dim{i}"
        found.append(text if text not in found else f"{text}_{i}")
    return found


def _dataset(
    model: Model, tables: dict[str, Any], attrs: dict[str, str], hold: Selection
) -> xarray.Dataset:
    need("xarray")
    import xarray

    if not tables:
        raise QuestionError("the model has no variables")
    return xarray.Dataset(
        tables,
        attrs={
            "model": model.name,
            "hold": selection_text(hold, model.named_shapes),
            **attrs,
            "execution": "arrays",
        },
    )

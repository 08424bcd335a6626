"""Sweeps of models with arrays: a chunk of points is one run whose arrays have an axis of lanes."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.effects.arrays.array_doubts import first_unbounded
from causalopt.effects.arrays.array_kinks import watched_lanes
from causalopt.effects.arrays.nudge_directions import chosen_directions
from causalopt.effects.arrays.rounding_twins import TWINS, Disturbance
from causalopt.effects.arrays.vector_effect import norms
from causalopt.effects.measures import Effect, Part, ratios, status_codes
from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_forward import ArraySeed, tangents_of
from causalopt.engine.arrays.array_lanes import lane_plan
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection
from causalopt.work.progress import begin, portion
from causalopt.worlds.array_world import array_plan_for, element_slices
from causalopt.worlds.interventions import Intervention, Set

_CHUNK = 1 << 21  # numbers that one step of a chunk has, tangents included
_FAR_BELOW = 2.0**-400  # of the largest: what is smaller may have lost digits on the way
Point = dict[str, float]


def sweep_arrays(
    model: Model,
    points: Mapping[str, Values],
    *,
    node: Node,
    hold: Selection,
    measured: Node,
    steps: int,
    given: Sequence[Intervention] = (),
    data: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> dict[str, Values]:
    """Return what a sweep says of each point, in the order of the grid.

    Args:
        model: A model with arrays.
        points: A parameter, a node such as `x[0, site=2]`, or `seed` -> its value at each point.
        node: The nudged node n.
        hold: The set A.
        measured: The measured variable and its elements.
        steps: The measured step.
        given: Interventions that make the baseline.
        data: Variable without a rule -> its values, step first.
        initial: Variable -> the array it starts from.
        seed: Which draws are made, where no axis says it.

    Returns:
        `values` (W's m, by its norm), `total`, `direct` (norms), `comp`, `op`, `codes`: shape
        [point] each.
    """
    rows = [
        dict(zip(points, values, strict=True))
        for values in zip(*(v.tolist() for v in points.values()), strict=True)
    ]
    swept = frozenset(name for name in points if name in model.parameters)
    nodes = _nodes(model, points)
    columns: dict[str, list[Values]] = {
        name: [] for name in ("values", "total", "direct", "comp", "op", "codes")
    }
    begin(len(rows))
    done = 0
    for chunk in _chunks(rows, model, node):
        plans, draws = [], []
        for point in chunk:
            moves = [Set(nodes[name], point[name]) for name in nodes]
            plan, draw = array_plan_for(
                model,
                [*moves, *given],
                steps=steps,
                hold=hold,
                seed=int(point.get("seed", seed)),
                data=data,
                initial=initial,
                parameters={name: point[name] for name in swept},
            )
            plans.append(plan)
            draws.append(draw)
        with portion(done / len(rows), (done + len(chunk)) / len(rows)):
            found = _apart(_with_starts(plans, nodes), draws, node, measured)
        for name, values in found.items():
            columns[name].append(values)
        done += len(chunk)
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def _nodes(model: Model, names: Iterable[str]) -> dict[str, Node]:
    """Return the axes that are nodes.

    Raises:
        UnknownNameError: One is neither a parameter nor a node nor `seed`.
    """
    found = {}
    for name in names:
        if name in model.parameters or name == "seed":
            continue
        try:
            found[name] = model.node(name)
        except UnknownNameError:
            known = {*model.parameters, *model.variables, "seed"}
            raise UnknownNameError(
                f"the axis '{name}' is neither a parameter nor a node{suggestion(name, known)}"
            ) from None
    return found


def _chunks(points: list[Point], model: Model, node: Node) -> Iterator[list[Point]]:
    numbers = model.arrays.numbers
    size = model.arrays.by_name[node.variable].size
    count = max(1, _CHUNK // max(1, numbers * (1 + 2 * min(size, 64))))
    for start in range(0, len(points), count):
        yield points[start : start + count]


def _with_starts(plans: list[ArrayPlan], nodes: Mapping[str, Node]) -> list[ArrayPlan]:
    """Return plans in which the swept nodes are initial values, which differ between lanes."""
    found = []
    for plan in plans:
        forces, initial = dict(plan.forces), {k: list(v) for k, v in plan.initial.items()}
        for node in nodes.values():
            starts = initial.get(node.variable, [])
            if node.t >= len(starts):
                raise QuestionError(
                    f"an axis of a model with arrays is an initial value, and "
                    f"'{node.variable}[{node.t}]' follows a rule"
                )
            force = forces.pop((node.t, node.variable), None)
            if force is not None:
                starts[node.t] = np.asarray(force.over(starts[node.t]))
        found.append(dataclasses.replace(plan, forces=forces, initial=initial))
    return found


def _apart(
    plans: list[ArrayPlan], draws: list[Draw | None], node: Node, measured: Node
) -> dict[str, Values]:
    """Return what a chunk gives; lanes that the largest leave no digits are run without those.

    The lanes of one run share a power of two.
    """
    found, lost = _chunk(plans, draws, node, measured)
    whole = len(lost) == len(plans) > 1
    for lanes in np.array_split(lost, 2) if whole else [lost][: len(lost) < len(plans)]:
        if len(lanes):
            again = _apart([plans[i] for i in lanes], [draws[i] for i in lanes], node, measured)
            for name, values in again.items():
                found[name][lanes] = values
    return found


def _lost(parts: list[Part]) -> Values:
    """Return the lanes that must be run without the largest, or without those not finite."""
    lost = np.zeros(parts[0].mantissa.shape, dtype=bool)
    for part in parts:
        if not part.has_path.any():
            continue
        finite, size = np.isfinite(part.mantissa), np.abs(part.mantissa)
        if finite.all():
            lost |= size < _FAR_BELOW * size.max()
        else:
            lost |= finite
    return np.flatnonzero(lost)


def _chunk(
    plans: list[ArrayPlan], draws: list[Draw | None], node: Node, measured: Node
) -> tuple[dict[str, Values], Values]:
    """Return what a run of lanes gives, and the lanes that it leaves no digits."""
    directions, _ = chosen_directions(plans[0], node, None, None, 0)
    count = len(plans)
    plan, draw = lane_plan(plans, draws, (node.variable, measured.variable))
    lanes = np.repeat(directions[:, None], count, axis=1)
    seed = ArraySeed(node.variable, node.t, lanes)
    watch = functools.partial(watched_lanes, target=measured.variable)
    base = tangents_of(plan, seed, measured.variable, (), draw, watch=watch)
    twins = [
        tangents_of(plan, seed, measured.variable, (), draw, disturb=Disturbance(plan, k + 1))
        for k in range(TWINS)
    ]
    where: tuple[slice, ...] = (slice(None), slice(None))
    if measured.elements is not None:
        where = (*where, *element_slices(measured.elements))
    parts = []
    for place, kind in enumerate(("total", "direct")):
        own = getattr(base, kind)[-1][where]
        shift = [int(t.exponents[-1, place] - base.exponents[-1, place]) for t in twins]
        others = [
            np.ldexp(getattr(t, kind)[-1][where], s) for t, s in zip(twins, shift, strict=True)
        ]
        parts.append(_part(own, others, int(base.exponents[-1, place]), base.reached[place]))
    if any((part.has_path & (part.mantissa == 0)).any() for part in parts):
        # Only numpy sees where tangents come near the smallest floats.
        seen = tangents_of(plan, seed, measured.variable, (), draw, execution="numpy")
        if seen.faint is not None:
            parts = [part.doubting(part.has_path & (part.mantissa == 0)) for part in parts]
    w = base.values[measured.variable][-1][where[1:]].reshape(count, -1)
    finite = np.all(np.isfinite(w), axis=1)
    for part in parts:
        finite &= np.isfinite(part.mantissa)
    diverges = np.array(
        [not f and first_unbounded(p, d)[1] for f, p, d in zip(finite, plans, draws, strict=True)]
    )
    effect = Effect(
        total=parts[0],
        direct=parts[1],
        held=np.full(count, _is_held(plan, measured)),
        finite=finite,
        kinks=np.any(base.watched.reshape(-1, count), axis=0),
        diverges=diverges,
        execution=base.execution,
    )
    codes = status_codes(effect)
    comp, op = ratios(effect, codes)
    values = w[:, 0] if w.shape[1] == 1 else np.sqrt(np.sum(w * w, axis=1))
    found = {
        "values": values,
        "total": effect.total.value,
        "direct": effect.direct.value,
        "comp": comp,
        "op": op,
        "codes": codes,
    }
    return found, _lost(parts)


def _is_held(plan: ArrayPlan, measured: Node) -> bool:
    return any(
        h.name == measured.variable and h.mask is None and h.holds_at(plan.steps) for h in plan.held
    )


def _part(own: Values, others: list[Values], exponent: int, has_path: bool) -> Part:
    """Return norms over directions and elements, one a lane."""

    def norm(values: Values) -> Values:
        moved = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
        return moved[:, 0] if moved.shape[1] == 1 else norms(moved)

    size = norm(own)
    with np.errstate(all="ignore"):
        errors = np.max([np.abs(norm(other - own)) for other in others], axis=0)
    moved = np.any([norm(other) != 0 for other in others], axis=0)
    full = np.full(size.shape, exponent, dtype=np.int64)
    path = np.full(size.shape, has_path)
    doubted = (size == 0) & moved
    return Part(size, full, np.nan_to_num(errors, nan=math.inf), path, doubted)

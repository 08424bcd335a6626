"""Op from all nodes to one, from one to all, and between many: labelled arrays.

From all n to one m takes one reverse sweep (two worlds side by side); from one n to all m one
forward pass; a matrix takes the fewer of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray
from numpy.typing import NDArray

from causalopt.effects.asked import asked_hold
from causalopt.effects.effect import Part
from causalopt.effects.integers import refuse_between
from causalopt.effects.lanes import LaneEffect
from causalopt.effects.limit import UNIT_ROUNDOFF
from causalopt.effects.measures import NAMES, ratios, status_codes
from causalopt.effects.reach import reachable, reaching
from causalopt.engine.adjoint import Adjoint, run_adjoint
from causalopt.engine.executions import run_tangents
from causalopt.engine.linearization import linearize
from causalopt.engine.plan import Bools, Floats, Plan
from causalopt.errors import QuestionError
from causalopt.model.length import run_length
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, selection_text
from causalopt.worlds.interventions import Intervention, plan_for

LARGEST = 4_000_000
# What a source after its target has.
_ABSENT = {
    "total": 0.0,
    "direct": 0.0,
    "log_total": -np.inf,
    "log_direct": -np.inf,
    "comp": np.nan,
    "op": np.nan,
}


def op_from_all(
    model: Model,
    target: str | Node,
    *,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
) -> xarray.Dataset:
    """Measure Op(A; n, m) for every node n and one m, by one reverse sweep.

    Args:
        model: The model.
        target: The measured node m such as `R[100]`, or a variable, at its last step.
        hold: The set A; the model's own when not given.
        steps: The last step, when `target` is a variable.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.

    Returns:
        `total`, `direct`, `log_total`, `log_direct`, `comp`, `op` (nats) and `status`, with axes
        `variable` and `t` (the nudged node's step). Nodes of A that reach m have the status `held`:
        the nudge is made in B; so have all where m is in A. The attribute `execution` says what ran
        it.

    Raises:
        QuestionError: The question cannot be asked of this model.

    Example:
        >>> from causalopt import load
        >>> found = op_from_all(load("thermostat"), "R[100]")
        >>> found.op.sel(variable="R", t=0).round(6).item()
        1.005085
    """
    model = model.replace(parameters=parameters, initial=initial)
    node = _target(model, target, steps)
    selection = asked_hold(model, hold)
    plan = plan_for(model, tuple(given), steps=node.t, hold=selection)
    template = model.template
    for name in template.names:
        refuse_between(model, name, node.variable)
    place = template.index[node.variable]
    found = run_adjoint(template.structure, plan, place)
    columns = [template.index[name] for name in template.names]
    paths = [
        reaching(template, plan, {node.t: (place,)}, avoid_held=avoid)[:, columns]
        for avoid in (False, True)
    ]
    on_kink = _touching(model, plan, found.closed)[:, columns]
    held = plan.held[np.minimum(np.arange(node.t + 1), len(plan.held) - 1)][:, columns]
    held = held | plan.held_at(node.t)[place]
    return _dataset(
        model,
        _adjoint_effect(found, columns, paths, held, on_kink),
        ("t", "variable"),
        {"t": np.arange(node.t + 1), "variable": list(template.names)},
        {"target": model.node_text(node), "execution": found.execution},
        selection,
    )


def op_to_all(
    model: Model,
    nudge: str | Node,
    *,
    hold: str | Sequence[str | Node] | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
) -> xarray.Dataset:
    """Measure Op(A; n, m) for one n and every node m, by one forward pass.

    Args:
        model: The model.
        nudge: The nudged node n.
        hold: The set A; the model's own when not given.
        steps: The last step.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.

    Returns:
        As `op_from_all`; the axes say the measured node.

    Example:
        >>> from causalopt import load
        >>> found = op_to_all(load("thermostat"), "R[0]", steps=100)
        >>> found.op.sel(variable="R", t=100).round(6).item()
        1.005085
    """
    model = model.replace(parameters=parameters, initial=initial)
    node, selection = model.node(nudge), asked_hold(model, hold)
    last = run_length(model, steps)
    model.check_nudge(node, selection, last)
    plan = plan_for(model, tuple(given), steps=last, hold=selection, seed=node)
    for name in model.template.names:
        refuse_between(model, node.variable, name)
    effect, execution = _forward_effect(model, plan)
    names = list(model.template.names)
    return _dataset(
        model,
        effect,
        ("t", "variable"),
        {"t": np.arange(last + 1), "variable": names},
        {"nudge": model.node_text(node), "execution": execution},
        selection,
    )


def op_matrix(
    model: Model,
    *,
    sources: Sequence[str | Node],
    targets: Sequence[str | Node],
    hold: str | Sequence[str | Node] | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
) -> xarray.Dataset:
    """Measure Op(A; n, m) between nodes: every source n, every target m.

    Args:
        model: The model.
        sources: Nodes n, such as `["R[0]", "R[5]"]`.
        targets: Nodes m.
        hold: The set A.
        given: Interventions that make the baseline.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.

    Returns:
        As `op_from_all`, with axes `source` and `target`. A source in A has the status `held`, one
        after its target `no_influence`; the direction of the sweep changes nothing.

    Example:
        >>> from causalopt import load
        >>> op_matrix(load("thermostat"), sources=["R[0]"], targets=["R[10]"]).op.round(6).values
        array([[0.091277]])
    """
    model = model.replace(parameters=parameters, initial=initial)
    if not sources or not targets:
        raise QuestionError("a matrix needs at least one source and one target")
    if len(sources) * len(targets) > LARGEST:
        raise QuestionError(f"a matrix has at most {LARGEST} entries: ask for fewer nodes")
    selection = asked_hold(model, hold)
    rows = [model.node(node) for node in sources]
    columns = [model.node(node) for node in targets]
    backwards = len(set(columns)) < len(set(rows))
    shape, last = (len(rows), len(columns)), max(node.t for node in columns)
    tables: dict[str, NDArray[Any]] = {name: np.full(shape, fill) for name, fill in _ABSENT.items()}
    tables["status"] = np.full(shape, "no_influence", dtype=object)
    execution: dict[str, None] = {}
    in_a = [k for k, node in enumerate(rows) if any(node in window for window in selection)]
    for k, node in enumerate(columns if backwards else rows):
        if backwards:
            found = op_from_all(model, node, hold=hold, given=given)
            others = [(r, n) for r, n in enumerate(rows) if n.t <= node.t]
        elif k in in_a or node.t > last:
            continue
        else:
            found = op_to_all(model, node, hold=hold, steps=last, given=given)
            others = list(enumerate(columns))
        execution[found.attrs["execution"]] = None
        places = [model.template.names.index(other.variable) for _, other in others]
        steps = [other.t for _, other in others]
        at = [index for index, _ in others]
        for name, table in tables.items():
            line = table[:, k] if backwards else table[k]
            line[at] = found[name].to_numpy()[steps, places]
    for name, table in tables.items():
        table[in_a] = "held" if name == "status" else np.nan
    units = {"log_total": "nat", "log_direct": "nat", "op": "nat"}
    return xarray.Dataset(
        {
            name: (("source", "target"), table, {"units": units[name]} if name in units else {})
            for name, table in tables.items()
        },
        coords={
            "source": [model.node_text(n) for n in rows],
            "target": [model.node_text(n) for n in columns],
        },
        attrs={
            "model": model.name,
            "hold": selection_text(selection),
            "execution": ", ".join(execution),
        },
    )


def _target(model: Model, target: str | Node, steps: int | None) -> Node:
    if isinstance(target, str) and "[" not in target:
        last = run_length(model, steps)
        return model.node((target, last)) if not model.is_static else model.node(target)
    return model.node(target)


def _forward_effect(model: Model, plan: Plan) -> tuple[LaneEffect, str]:
    template = model.template
    run = run_tangents(template.structure, plan)
    columns = [template.index[name] for name in template.names]
    steps = np.arange(plan.steps + 1)
    parts = []
    for world, (mantissa, error) in enumerate(
        ((run.total, run.total_error), (run.direct, run.direct_error))
    ):
        path = reachable(template, plan, avoid_held=world == 1)[:, columns]
        parts.append(_part(mantissa[:, columns], error[:, columns], run.exponents[:, world], path))
    held = plan.held[np.minimum(steps, len(plan.held) - 1)][:, columns]
    on_kink = np.zeros(held.shape, dtype=bool)
    if run.kink is not None:
        on_kink[run.kink :] = True
    finite = np.isfinite(run.values[:, columns])
    effect = _effect(parts, held, finite, on_kink, np.isnan(run.values).any())
    return effect, run.execution


def _adjoint_effect(
    found: Adjoint, columns: list[int], paths: list[Bools], held: Bools, on_kink: Bools
) -> LaneEffect:
    parts = [
        _part(
            found.total[:, columns], found.total_error[:, columns], found.exponents[:, 0], paths[0]
        ),
        _part(
            found.direct[:, columns],
            found.direct_error[:, columns],
            found.exponents[:, 1],
            paths[1],
        ),
    ]
    finite = np.full(held.shape, np.isfinite(found.values) and not found.nonfinite)
    return _effect(parts, held, finite, on_kink, bool(np.isnan(found.values)))


def _part(mantissa: Floats, error: Floats, exponents: NDArray[np.int64], path: Bools) -> Part:
    spread = np.broadcast_to(exponents[:, None], mantissa.shape)
    none = np.zeros(mantissa.shape, dtype=bool)
    return Part(mantissa, spread, error * UNIT_ROUNDOFF, path, none)


def _effect(
    parts: list[Part], held: Bools, finite: Bools, on_kink: Bools, undefined: bool | np.bool_
) -> LaneEffect:
    return LaneEffect(
        total=parts[0],
        direct=parts[1],
        held=held,
        finite=finite,
        kink=None,
        nonfinite=None,
        overflowed=False,
        kinks=on_kink,
        diverges=np.full(held.shape, not undefined),
    )


def _touching(model: Model, plan: Plan, closed: NDArray[np.intp]) -> Bools:
    """Return which nodes have a path to a kink that W sits on, shape [t, equation]."""
    seeds: dict[int, set[int]] = {}
    gaps = linearize(model.template.structure).moving_gaps
    for t, number in closed.tolist():
        gap = gaps[number]
        if t < len(plan.forced) and plan.forced[t, gap.child]:
            continue
        for slope in gap.slopes:
            if slope.lag <= t:
                seeds.setdefault(t - slope.lag, set()).add(slope.parent)
    return reaching(model.template, plan, seeds, avoid_held=False)


def _dataset(
    model: Model,
    effect: LaneEffect,
    dims: tuple[str, ...],
    coordinates: dict[str, object],
    attrs: dict[str, str],
    hold: Selection,
) -> xarray.Dataset:
    codes = status_codes(effect)
    comp, op = ratios(effect, codes)
    held = effect.held
    comp, op = np.where(held, np.nan, comp), np.where(held, np.nan, op)
    return xarray.Dataset(
        {
            "total": (dims, effect.total.value),
            "direct": (dims, effect.direct.value),
            "log_total": (dims, effect.total.log, {"units": "nat"}),
            "log_direct": (dims, effect.direct.log, {"units": "nat"}),
            "comp": (dims, comp),
            "op": (dims, op, {"units": "nat"}),
            "status": (dims, NAMES[codes].astype(object)),
        },
        coords=coordinates,
        attrs={"model": model.name, "hold": selection_text(hold), **attrs},
    )

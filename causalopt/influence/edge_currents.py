"""The current along every edge: (du/dn)(dv/du)(dm/dv), an integrator's stages contracted away."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.measures import Part
from causalopt.engine.contract import Bools, Floats
from causalopt.engine.executions import run_values
from causalopt.engine.linearization import Partial, linearize
from causalopt.influence.node_currents import NodeCurrents
from causalopt.model.template import Template

Edge = tuple[str, str, int]


@dataclasses.dataclass(frozen=True, eq=False)
class EdgeCurrents:
    """What goes along the edges between variables that lie between n and m.

    Row t of an array is for the edges that end at step t; they begin `lag` steps before.

    Attributes:
        edges: (parent, child, lag) each.
        slope: dv/du, shape [t, edge]; 0 where the child takes a given value.
        current: Shape [t, edge].
        on_kink: Where a branch decided it, shape [t, edge].
        finite: Where its values are finite, shape [t, edge].
    """

    edges: tuple[Edge, ...]
    slope: Floats
    current: Part
    on_kink: Bools
    finite: Bools


def edge_currents(template: Template, nodes: NodeCurrents) -> EdgeCurrents:
    """Return the currents along edges.

    A child's own error holds what its slopes' rounding does to it; of an edge's current it is a
    bound.

    Args:
        template: The model's template.
        nodes: The currents through nodes.
    """
    slopes = declared_slopes(template, nodes)
    edges, rows = tuple(slopes), nodes.plan.steps + 1
    place = {name: k for k, name in enumerate(nodes.names)}
    children = [place[child] for _, child, _ in edges]
    slope = np.stack(list(slopes.values()), axis=1) if edges else np.zeros((rows, 0))
    forward, backward = nodes.forward.total, nodes.backward.total

    def at_parents(values: NDArray[Any]) -> NDArray[Any]:
        """Return each edge's parent's entry, `lag` rows before; 0 or False before the first."""
        found = np.zeros((rows, len(edges)), dtype=values.dtype)
        whole = np.broadcast_to(values, (rows, len(nodes.names)))
        for e, (parent, _, lag) in enumerate(edges):
            found[lag:, e] = whole[: rows - lag, place[parent]]
        return found

    def at_children(values: NDArray[Any]) -> NDArray[Any]:
        whole: NDArray[Any] = np.broadcast_to(values, (rows, len(nodes.names)))[:, children]
        return whole

    current = _product(
        forward.each(at_parents), slope, backward.each(at_children), forward.each(at_children)
    )
    on_kink = at_parents(nodes.on_kink) | at_children(nodes.on_kink)
    finite = at_parents(nodes.finite) & at_children(nodes.finite)
    return EdgeCurrents(
        edges, slope, current, on_kink & current.has_path, finite | ~current.has_path
    )


def _product(into: Part, slope: Floats, out: Part, carried: Part) -> Part:
    """Return into * slope * out, with the error that the child's tangent carries and out's."""
    (f, f_power), (s, s_power), (b, b_power) = map(np.frexp, (into.mantissa, slope, out.mantissa))
    dead = (slope == 0) | ((into.mantissa == 0) & ~into.doubts_zero)
    dead |= (out.mantissa == 0) & ~out.doubts_zero
    power = f_power + s_power + b_power
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        found = f * s * b
        shift = carried.exponent - into.exponent - f_power - s_power
        shift = np.clip(shift, -1100, 1100).astype(np.int32)
        own = np.abs(b) * np.ldexp(np.abs(carried.error), shift)
        error = np.abs(f * s) * np.ldexp(np.abs(out.error), -b_power) + own
    path = into.has_path & out.has_path & (slope != 0)
    return Part(
        np.where(dead, 0.0, found),
        into.exponent + out.exponent + power,
        np.where(dead, 0.0, error),
        path,
        path & ~dead,
    )


def declared_slopes(template: Template, nodes: NodeCurrents) -> dict[Edge, Floats]:
    """Return edge -> dv/du along it at each step, shape [t], 0 where the child is given.

    Only edges between the variables of `nodes`; sums over all ways through the stages of a step.
    """
    structure, plan = template.structure, nodes.plan
    partials = linearize(structure).partials
    baseline = dataclasses.replace(plan, seed=None)
    local = run_values(structure, baseline, tuple(p.term for p in partials)).extras
    rows = min(len(plan.forced), plan.steps + 1)
    local[:rows][plan.forced[:rows][:, [p.child for p in partials]]] = 0.0
    owners = [equation.owner for equation in template.equations]
    stages = {i for i, name in enumerate(structure.names) if owners[i] != name}
    inner = [(k, p) for k, p in enumerate(partials) if p.parent in stages and not p.lag]
    first: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for k, partial in enumerate(partials):
        first.setdefault((partial.parent, partial.lag), []).append((partial.child, k))
    place = {i: k for k, i in enumerate(nodes.columns)}
    found: list[tuple[tuple[int, int, int], Floats]] = []
    for (parent, lag), children in first.items():
        if parent not in place:
            continue
        moved = {child: local[:, k] for child, k in children}
        if not stages.isdisjoint(moved):
            _go_through(inner, local, moved)
        found += [
            ((place[child], place[parent], lag), slope)
            for child, slope in moved.items()
            if child in place
        ]
    found.sort(key=lambda pair: pair[0])
    return {(nodes.names[p], nodes.names[c], lag): slope for (c, p, lag), slope in found}


def _go_through(inner: list[tuple[int, Partial]], local: Floats, moved: dict[int, Floats]) -> None:
    """Carry derivatives on through the stages of one step, in the order of the equations."""
    for k, partial in inner:
        if partial.parent in moved:
            with np.errstate(invalid="ignore", over="ignore"):
                slope = local[:, k] * moved[partial.parent]
            before = moved.get(partial.child)
            moved[partial.child] = slope if before is None else before + slope

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
_CACHED = 2**15  # entries of a block
_SMALL = 2.0**-300  # three such factors and their errors stay within the range of floats
_NONE = np.zeros((), dtype=np.int32)


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
    bound. Steps are taken a block at a time, so that what is passing stays in the cache.

    Args:
        template: The model's template.
        nodes: The currents through nodes.
    """
    slopes = declared_slopes(template, nodes)
    edges, rows = tuple(slopes), nodes.plan.steps + 1
    slope = np.stack(list(slopes.values())) if edges else np.zeros((0, rows))
    ends = _Ends(nodes, edges)
    kinds = (np.float64, np.int64, np.float64, np.bool_, np.bool_)
    whole: list[NDArray[Any]] = [np.empty((len(edges), rows), dtype=kind) for kind in kinds]
    on_kink, finite = (np.empty((len(edges), rows), dtype=bool) for _ in range(2))
    size = max(1, _CACHED // max(len(edges), 1))
    for first in range(0, rows, size):
        block = slice(first, min(first + size, rows))
        into, out, carried = (
            ends.parents(nodes.forward.total, block),
            ends.children(nodes.backward.total, block),
            ends.children(nodes.forward.total, block),
        )
        found = _product(into, slope[:, block], out, carried)
        for array, field in zip(whole, dataclasses.fields(Part), strict=True):
            array[:, block] = getattr(found, field.name)
        kink = ends.at_parents(nodes.on_kink, block) | ends.at_children(nodes.on_kink, block)
        on_kink[:, block] = kink & found.has_path
        is_known = ends.at_parents(nodes.finite, block) & ends.at_children(nodes.finite, block)
        finite[:, block] = is_known | ~found.has_path
    current = Part(*(array.T for array in whole))
    return EdgeCurrents(edges, slope.T, current, on_kink.T, finite.T)


class _Ends:
    """What is known of the ends of edges, a block of steps at a time: shape [edge, t]."""

    def __init__(self, nodes: NodeCurrents, edges: tuple[Edge, ...]) -> None:
        place = {name: k for k, name in enumerate(nodes.names)}
        self._shape = (nodes.plan.steps + 1, len(nodes.names))
        self._children = np.array([place[child] for _, child, _ in edges], dtype=np.intp)
        by_lag: dict[int, list[tuple[int, int]]] = {}
        for e, (parent, _, lag) in enumerate(edges):
            by_lag.setdefault(lag, []).append((e, place[parent]))
        self._parents = [(lag, *np.array(pairs).T) for lag, pairs in by_lag.items()]

    def at_children(self, values: NDArray[Any], block: slice) -> NDArray[Any]:
        """Return each edge's child's entry."""
        found: NDArray[Any] = np.broadcast_to(values, self._shape)[block].T[self._children]
        return found

    def at_parents(self, values: NDArray[Any], block: slice) -> NDArray[Any]:
        """Return each edge's parent's entry, `lag` rows before; 0 or False before the first."""
        whole = np.broadcast_to(values, self._shape)
        found = np.zeros((len(self._children), block.stop - block.start), dtype=values.dtype)
        for lag, edges, parents in self._parents:
            first, after = max(block.start - lag, 0), max(block.stop - lag, 0)
            found[edges, first + lag - block.start :] = whole[first:after].T[parents]
        return found

    def children(self, part: Part, block: slice) -> Part:
        return part.each(lambda values: self.at_children(values, block))

    def parents(self, part: Part, block: slice) -> Part:
        return part.each(lambda values: self.at_parents(values, block))


def _product(into: Part, slope: Floats, out: Part, carried: Part) -> Part:
    """Return into * slope * out, with the error that the child's tangent carries and out's."""
    dead = (slope == 0) | ((into.mantissa == 0) & ~into.doubts_zero)
    dead |= (out.mantissa == 0) & ~out.doubts_zero
    (f, f_power), (s, s_power), (b, b_power) = (
        _tame(values) for values in (into.mantissa, slope, out.mantissa)
    )
    shift = carried.exponent - into.exponent - f_power - s_power
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        slid = f * s
        error = np.abs(slid) * _moved(np.abs(out.error), -b_power)
        error += np.abs(b) * _moved(np.abs(carried.error), shift)
        found = slid * b
    path = into.has_path & out.has_path & (slope != 0)
    if dead.any():
        found, error = np.where(dead, 0.0, found), np.where(dead, 0.0, error)
    power = into.exponent + out.exponent + (f_power + s_power + b_power)
    return Part(found, power, error, path, path & ~dead)


def _tame(values: Floats) -> tuple[Floats, NDArray[Any]]:
    """Return values whose product of three keeps its range, and the powers of two taken out.

    Nothing is taken out where all of them are of a moderate size: to split them takes longer than
    all the rest.
    """
    size = np.abs(values)
    low, high = np.min(size, where=size > 0, initial=1.0), np.max(size, initial=1.0)
    if low > _SMALL and high < 1 / _SMALL:
        return values, _NONE
    mantissa, power = np.frexp(values)
    return mantissa, power


def _moved(values: Floats, power: NDArray[Any]) -> Floats:
    """Return values times powers of two."""
    if not power.any():
        return values
    found: Floats = np.ldexp(values, np.clip(power, -1100, 1100).astype(np.int32))
    return found


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

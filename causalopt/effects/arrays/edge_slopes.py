"""The derivative of one node by another along the edge between them: weights as they act in W."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_plan import Values
from causalopt.engine.arrays.array_step import ArrayStep
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.tensors.building import expanded, given
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tangent import tangents
from causalopt.tensors.tensor import Tensor, inputs, postorder
from causalopt.tensors.tensor_algebra import ZERO
from causalopt.tensors.tensor_source import compiled

_MOST_NUMBERS = 30_000_000  # that working out a slope may take
Edge = tuple[str, str, int]


def edge_slope(
    template: ArrayTemplate, edge: Edge, look: Callable[[tuple[Any, ...]], Any]
) -> Values | None:
    """Return the derivative of a child by a parent along their edge at one step of W.

    An edge runs through the stages of an integrator, and through no declared variable.

    Args:
        template: The variables.
        edge: Parent, child, and how many steps the parent lies before the child.
        look: Gives the step's inputs in W by their keys.

    Returns:
        Shape [element of the child, element of the parent]; None where working it out would take
        too much memory.
    """
    size, shape = template.by_name[edge[0]].size, template.by_name[edge[0]].shape
    slope = pushed_along(template, edge, np.eye(size).reshape(size, *shape), look)
    return None if slope is None else np.ascontiguousarray(slope.reshape(size, -1).T)


def pushed_along(
    template: ArrayTemplate, edge: Edge, directions: Values, look: Callable[[tuple[Any, ...]], Any]
) -> Values | None:
    """Return a child's derivatives along directions of a parent, through their edge alone.

    Args:
        template: The variables.
        edge: Parent, child, and how many steps the parent lies before the child.
        directions: Shape [direction, *shape of the parent].
        look: Gives the step's inputs in W by their keys.

    Returns:
        Shape [direction, *shape of the child]; None where it would take too much memory.
    """
    step = _pushing(template, edge, len(directions))
    if step is None:
        return None
    taken = [directions if key[0] == "edge" else look(key) for key in step.arguments]
    (found,) = step.function(*taken)
    return np.asarray(found, dtype=float)


@functools.lru_cache(maxsize=256)
def _pushing(template: ArrayTemplate, edge: Edge, count: int) -> ArrayStep | None:
    """Return what takes directions of a parent to those of its child, None for too much work."""
    parent, child, lag = edge
    start = given("edge", parent, lag, shape=(count, *template.by_name[parent].shape))
    moved: dict[tuple[str, int], Tensor] = {(parent, lag): start}
    for variable in template.variables:
        is_stage = variable.name != variable.owner
        if variable.rule is None or not (is_stage or variable.name == child):
            continue
        slope = _slope(variable, moved, count)
        if slope is not None and sum(tensor.size for tensor in postorder(slope)) > _MOST_NUMBERS:
            return None
        if variable.name == child:
            root = expanded(ZERO if slope is None else slope, (count, *variable.shape))
            arguments = inputs(root)
            return ArrayStep(
                compiled([root], arguments), tuple(x.payload for x in arguments), (("edge",),)
            )
        if slope is not None:
            moved[variable.name, 0] = expanded(slope, (count, *variable.shape))
    raise AssertionError(f"'{child}' has no rule")


def _slope(
    variable: ArrayVariable, moved: Mapping[tuple[str, int], Tensor], count: int
) -> Tensor | None:
    """Return a rule's derivatives along the directions of what is moved, [direction, *shape]."""
    assert variable.rule is not None
    seeds: dict[Tensor, Tensor] = {}
    for leaf in inputs(variable.rule):
        if leaf.payload[0] == "ref" and leaf.payload[1:3] in moved:
            seeds[leaf] = given("moved", *leaf.payload[1:3], shape=leaf.shape)
    (slope,) = tangents([variable.rule], seeds) if seeds else (None,)
    if slope is None:
        return None
    wide = {seed: moved[leaf.payload[1], leaf.payload[2]] for leaf, seed in seeds.items()}
    return lifted([slope], wide, count)[0]

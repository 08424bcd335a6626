"""The derivative of one node by another along the edge between them: weights as they act in W."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_plan import Values
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.tensors.building import given
from causalopt.tensors.folding import evaluate
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tangent import tangents
from causalopt.tensors.tensor import Tensor, inputs, postorder

_MOST_NUMBERS = 30_000_000  # that working out a slope may take


def edge_slope(
    template: ArrayTemplate, edge: tuple[str, str, int], look: Callable[[tuple[Any, ...]], Any]
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
    parent, child, lag = edge
    size, shape = template.by_name[parent].size, template.by_name[parent].shape
    moved: dict[tuple[str, int], Values] = {(parent, lag): np.eye(size).reshape(size, *shape)}
    for variable in template.variables:
        is_stage = variable.name != variable.owner
        if variable.rule is None or not (is_stage or variable.name == child):
            continue
        many = _slope(variable, moved, size)
        if many is None:
            slope = np.zeros((size, *variable.shape))
        elif sum(tensor.size for tensor in postorder(many)) > _MOST_NUMBERS:
            return None
        else:
            slope = _value(many, moved, look).reshape(size, *variable.shape)
        if variable.name == child:
            return np.ascontiguousarray(slope.reshape(size, -1).T)
        if many is not None:
            moved[variable.name, 0] = slope
    raise AssertionError(f"'{child}' has no rule")


def _slope(
    variable: ArrayVariable, moved: Mapping[tuple[str, int], Values], count: int
) -> Tensor | None:
    """Return a rule's derivatives along the directions of what is moved, [direction, *shape]."""
    assert variable.rule is not None
    seeds: dict[Tensor, Tensor] = {}
    for leaf in inputs(variable.rule):
        if leaf.payload[0] == "ref" and leaf.payload[1:3] in moved:
            seeds[leaf] = given("edge", *leaf.payload[1:3], shape=leaf.shape)
    (slope,) = tangents([variable.rule], seeds) if seeds else (None,)
    if slope is None:
        return None
    wide = {s: given(*s.payload, shape=(count, *s.shape)) for s in seeds.values()}
    return lifted([slope], wide, count)[0]


def _value(
    many: Tensor, moved: Mapping[tuple[str, int], Values], look: Callable[[tuple[Any, ...]], Any]
) -> Values:
    def value(key: tuple[Any, ...]) -> Any:
        return moved[key[1], key[2]] if key[0] == "edge" else look(key)

    return np.array(np.broadcast_to(evaluate([many], value)[0], many.shape))

"""Lifting: a graph over one point becomes one over many, by a leading axis.

What depends on an input that has the axis gets it; all else stays as it is and is computed once.
Directions of a tangent, lanes of a sweep and random starts are such axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from causalopt.language.operations import OPERATIONS
from causalopt.tensors.building import (
    const,
    einsum,
    elementwise,
    expanded,
    first_largest,
    hardmax,
    joined,
    largest,
    literal,
    onehot,
    part,
    permuted,
    placed,
    put,
    reshaped,
    still,
    taken,
    total,
)
from causalopt.tensors.tensor import Tensor, postorder


def lifted(roots: Iterable[Tensor], inputs: Mapping[Tensor, Tensor], count: int) -> list[Tensor]:
    """Return tensors over many points.

    Args:
        roots: The tensors.
        inputs: Input -> the same with a leading axis.
        count: The length of that axis.

    Returns:
        One a root, with the axis where it depends on one of the inputs.
    """
    roots = list(roots)
    done: dict[Tensor, tuple[Tensor, bool]] = {}
    for tensor in postorder(*roots):
        if tensor in inputs:
            done[tensor] = inputs[tensor], True
        elif not any(done[arg][1] for arg in tensor.args):
            done[tensor] = tensor, False
        else:
            args = [done[arg] for arg in tensor.args]
            rule = _elementwise if tensor.op in OPERATIONS else _STRUCTURAL[tensor.op]
            done[tensor] = rule(tensor, args, count), True
    return [done[root][0] for root in roots]


Lifted = tuple[Tensor, bool]


def _elementwise(tensor: Tensor, args: list[Lifted], count: int) -> Tensor:
    rank = len(tensor.shape)
    same = []
    for x, has_axis in args:
        if has_axis and len(x.shape) == 1 and rank:
            same.append(reshaped(x, (count,) + (1,) * rank))
        else:
            same.append(x)
    return elementwise(tensor.op, *same, payload=tensor.payload)


def _einsum(tensor: Tensor, args: list[Lifted], _: int) -> Tensor:
    indices, result = tensor.payload
    new = 1 + max((i for axes in indices for i in axes), default=0)
    raised = tuple(
        (new, *axes) if has_axis else axes
        for axes, (__, has_axis) in zip(indices, args, strict=True)
    )
    return einsum(raised, (new, *result), *(x for x, __ in args))


def _concat(tensor: Tensor, args: list[Lifted], count: int) -> Tensor:
    parts = [x if has_axis else expanded(x, (count, *x.shape)) for x, has_axis in args]
    return joined(parts, tensor.payload + 1)


def _take(tensor: Tensor, args: list[Lifted], count: int) -> Tensor:
    (x, moving), (index, index_moves) = args
    axis = tensor.payload
    if not index_moves:
        return taken(x, index, axis + 1)
    if not moving:
        found = taken(x, index, axis)
        order = (axis, *(i for i in range(len(found.shape)) if i != axis))
        return permuted(found, order)
    size, rank = x.shape[axis + 1], len(tensor.args[1].shape)
    chosen = onehot(index, size)
    lane, place = 100, 101
    index_axes = tuple(range(50, 50 + rank))
    own = tuple(range(len(x.shape) - 1))
    before, after = own[:axis], own[axis + 1 :]
    found = einsum(
        ((lane, *before, place, *after), (lane, *index_axes, place)),
        (lane, *before, *index_axes, *after),
        x,
        chosen,
    )
    nowhere = literal(np.array(math.nan))
    shape = (count, *(1 for _ in before), *tensor.args[1].shape, *(1 for _ in after))
    is_place = reshaped(total(chosen, (len(chosen.shape) - 1,)), shape)
    return elementwise("where", elementwise("lt", const(0), is_place), found, nowhere)


def _put(tensor: Tensor, args: list[Lifted], _: int) -> Tensor:
    (x, moving), (index, index_moves) = args
    axis, size = tensor.payload, tensor.shape[tensor.payload]
    if not index_moves:
        return put(x, index, axis + 1, size)
    rank = len(tensor.args[1].shape)
    chosen = onehot(index, size)
    lane, place = 100, 101
    index_axes = tuple(range(50, 50 + rank))
    own = tuple(range(len(tensor.args[0].shape)))
    before, after = own[:axis], own[axis + rank :]
    x_axes = (*((lane,) if moving else ()), *before, *index_axes, *after)
    return einsum((x_axes, (lane, *index_axes, place)), (lane, *before, place, *after), x, chosen)


Rule = Callable[[Tensor, list[Lifted], int], Tensor]


def _only(make: Callable[[Tensor, Tensor, int], Tensor]) -> Rule:
    """Return the rule of an operation of one argument."""
    return lambda tensor, args, count: make(tensor, args[0][0], count)


def _later(axes: Iterable[int]) -> tuple[int, ...]:
    return tuple(axis + 1 for axis in axes)


_STRUCTURAL: dict[str, Rule] = {
    "sum": _only(lambda u, x, _: total(x, _later(u.payload))),
    "amax": _only(lambda u, x, _: largest(x, _later(u.payload))),
    "argmax": _only(lambda u, x, _: first_largest(x, u.payload + 1)),
    "hardmax": _only(lambda u, x, _: hardmax(x, u.payload + 1)),
    "einsum": _einsum,
    "permute": _only(lambda u, x, _: permuted(x, (0, *_later(u.payload)))),
    "still": lambda _, args, __: still(args[0][0]),
    "reshape": _only(lambda u, x, n: reshaped(x, (n, *u.shape))),
    "expand": _only(lambda u, x, n: _expand(u, x, n)),
    "slice": _only(lambda u, x, n: part(x, ((0, n, 1), *u.payload))),
    "place": _only(lambda u, x, n: placed(x, ((0, n, 1), *u.payload), (n, *u.shape))),
    "concat": _concat,
    "take": _take,
    "put": _put,
    "onehot": _only(lambda u, x, _: onehot(x, u.shape[-1])),
}


def _expand(tensor: Tensor, x: Tensor, count: int) -> Tensor:
    rank = len(tensor.shape)
    inner = (1,) * (rank - (len(x.shape) - 1)) + x.shape[1:]
    return expanded(reshaped(x, (count, *inner)), (count, *tensor.shape))

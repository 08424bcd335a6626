"""Cotangents: the derivative of a number by tensors below it, as further tensors.

Reverse accumulation, made of the same operations as what it differentiates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from causalopt.language.operations import BRANCHES, OPERATIONS
from causalopt.tensors import tensor_algebra as algebra
from causalopt.tensors.building import (
    along,
    einsum,
    elementwise,
    expanded,
    literal,
    part,
    permuted,
    placed,
    put,
    ranked,
    reshaped,
    taken,
    total,
)
from causalopt.tensors.tangent import amax_choice
from causalopt.tensors.tensor import Tensor, postorder

Cotangents = dict[Tensor, Tensor]
_FLAT = frozenset({"argmax", "hardmax", "onehot", "still"})


def cotangents(
    seeds: Mapping[Tensor, Tensor], wanted: Iterable[Tensor]
) -> dict[Tensor, Tensor | None]:
    """Return the derivatives by tensors of what has given derivatives by some above them.

    Args:
        seeds: Tensor -> the derivative by it, of its shape.
        wanted: By which tensors.

    Returns:
        Wanted tensor -> the derivative by it, of its shape; None where it is zero whatever the
        numbers. A wanted tensor's own derivative includes what comes to it by way of others.
    """
    sought = set(wanted)
    order = list(postorder(*seeds))
    above = _above(order, sought)
    found: Cotangents = dict(seeds)
    chosen: set[Tensor] = set()  # what lies in a branch, where 0 times a slope may be NaN
    for tensor in reversed(order):
        seed = found.get(tensor)
        if seed is None or not tensor.args or tensor.op in _FLAT:
            continue
        if not any(arg in above for arg in tensor.args):
            continue
        structural = _STRUCTURAL.get(tensor.op)
        if structural is not None:
            parts = structural(tensor, seed)
        else:
            parts = _elementwise(tensor, seed, in_branch=tensor in chosen)
        if tensor in chosen or tensor.op in BRANCHES:
            chosen.update(tensor.args)
        for arg, contribution in zip(tensor.args, parts, strict=False):
            if contribution is not None and arg in above:
                before = found.get(arg)
                found[arg] = contribution if before is None else algebra.add(before, contribution)
    return {tensor: found.get(tensor) for tensor in sought}


def _above(order: list[Tensor], sought: set[Tensor]) -> set[Tensor]:
    """Return the tensors that depend on what is sought, itself included."""
    found: set[Tensor] = set()
    for tensor in order:
        if tensor in sought or any(arg in found for arg in tensor.args):
            found.add(tensor)
    return found


def _gathered(contribution: Tensor, arg: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return a contribution summed over the axes along which an argument was repeated."""
    rank = len(shape)
    if not arg.shape:
        return total(expanded(_ranked(contribution, rank), shape))
    axes = tuple(i for i, size in enumerate(arg.shape) if size == 1 != shape[i])
    if not axes:
        return expanded(_ranked(contribution, rank), shape)
    spread = expanded(_ranked(contribution, rank), shape)
    return reshaped(total(spread, axes), arg.shape)


def _ranked(x: Tensor, rank: int) -> Tensor:
    return ranked(x, rank) if x.shape else x


def _elementwise(tensor: Tensor, seed: Tensor, *, in_branch: bool) -> list[Tensor | None]:
    operation = OPERATIONS[tensor.op]
    if operation.choice is not None:
        condition, *_ = operation.choice(algebra, tensor, *tensor.args)
        then = algebra.where(condition, seed, algebra.ZERO)
        other = algebra.where(condition, algebra.ZERO, seed)
        parts: list[Tensor | None] = [
            _gathered(x, arg, tensor.shape)
            for x, arg in zip((then, other), tensor.args[-2:], strict=True)
        ]
        return [None] * (len(tensor.args) - 2) + parts
    if operation.slopes is None or operation.kind != "number":
        return [None] * len(tensor.args)
    slopes = operation.slopes(algebra, tensor, *tensor.args)
    return [
        None
        if slope is algebra.ZERO
        else _gathered(_times(seed, slope, in_branch=in_branch), arg, tensor.shape)
        for slope, arg in zip(slopes, tensor.args, strict=True)
    ]


def _times(seed: Tensor, slope: Tensor, *, in_branch: bool) -> Tensor:
    """Return seed * slope; where the branch is not taken 0, whatever the slope is there."""
    product = algebra.mul(seed, slope)
    if not in_branch or slope.op == "const":
        return product
    untaken = elementwise("eq", seed, algebra.ZERO)
    return algebra.where(untaken, algebra.ZERO, product)


def _einsum(tensor: Tensor, seed: Tensor) -> list[Tensor | None]:
    indices, result = tensor.payload
    return [_einsum_part(tensor, seed, i, indices, result) for i in range(len(tensor.args))]


def _einsum_part(
    tensor: Tensor,
    seed: Tensor,
    i: int,
    indices: tuple[tuple[int, ...], ...],
    result: tuple[int, ...],
) -> Tensor:
    """Return what a contraction gives one argument: the seed contracted with all others.

    Indices that the argument alone has were summed over: there the derivative is repeated; one that
    it has twice means its diagonal.
    """
    arg, own = tensor.args[i], indices[i]
    others = [indices[j] for j in range(len(indices)) if j != i]
    factors = [tensor.args[j] for j in range(len(indices)) if j != i]
    there = {index for axes in (result, *others) for index in axes}
    distinct = tuple(dict.fromkeys(own))
    kept = tuple(index for index in distinct if index in there)
    contribution = einsum((result, *others), kept, seed, *factors)
    sizes = dict(zip(own, arg.shape, strict=True))
    shape = tuple(sizes[index] if index in kept else 1 for index in distinct)
    contribution = expanded(
        reshaped(contribution, shape), tuple(sizes[index] for index in distinct)
    )
    if len(distinct) == len(own):
        return contribution
    return _on_diagonal(contribution, distinct, own, sizes)


def _on_diagonal(
    x: Tensor, distinct: tuple[int, ...], own: tuple[int, ...], sizes: dict[int, int]
) -> Tensor:
    """Return zeros of an argument's shape with x where its equal indices are equal."""
    fresh, extra = [], []
    seen: set[int] = set()
    following = max(own) + 1
    for index in own:
        if index in seen:
            fresh.append(following)
            extra.append((index, following))
            following += 1
        else:
            fresh.append(index)
            seen.add(index)
    units = [literal(np.eye(sizes[index])) for index, _ in extra]
    return einsum((distinct, *extra), tuple(fresh), x, *units)


def _sum(tensor: Tensor, seed: Tensor) -> list[Tensor | None]:
    (x,) = tensor.args
    shape = tuple(1 if axis in tensor.payload else size for axis, size in enumerate(x.shape))
    return [expanded(reshaped(seed, shape), x.shape)]


def _amax(tensor: Tensor, seed: Tensor) -> list[Tensor | None]:
    (spread,) = _sum(tensor, seed)
    assert spread is not None
    chosen = elementwise("lt", algebra.ZERO, amax_choice(tensor))
    return [algebra.where(chosen, spread, algebra.ZERO)]


def _expand(tensor: Tensor, seed: Tensor) -> list[Tensor | None]:
    (x,) = tensor.args
    axes = tuple(i for i, size in enumerate(x.shape) if size == 1 != tensor.shape[i])
    return [reshaped(total(seed, axes), x.shape)]


def _concat(tensor: Tensor, seed: Tensor) -> list[Tensor | None]:
    axis, start, parts = tensor.payload, 0, []
    for arg in tensor.args:
        parts.append(along(seed, axis, start, start + arg.shape[axis]))
        start += arg.shape[axis]
    return [*parts]


def _permute(tensor: Tensor, seed: Tensor) -> list[Tensor | None]:
    order = tensor.payload
    return [permuted(seed, tuple(order.index(axis) for axis in range(len(order))))]


def _take(tensor: Tensor, seed: Tensor) -> list[Tensor | None]:
    x, index = tensor.args
    return [put(seed, index, tensor.payload, x.shape[tensor.payload]), None]


_STRUCTURAL: dict[str, Callable[[Tensor, Tensor], list[Tensor | None]]] = {
    "sum": _sum,
    "amax": _amax,
    "einsum": _einsum,
    "permute": _permute,
    "reshape": lambda u, s: [reshaped(s, u.args[0].shape)],
    "expand": _expand,
    "slice": lambda u, s: [placed(s, u.payload, u.args[0].shape)],
    "place": lambda u, s: [part(s, u.payload)],
    "concat": _concat,
    "take": _take,
    "put": lambda u, s: [taken(s, u.args[1], u.payload), None],
}

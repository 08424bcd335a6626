"""Tangents: the derivative of a tensor along given derivatives of its inputs, as a further tensor.

A branch contributes by selection, never by multiplication with 0 or 1: what is not taken may be
infinite and leaves no trace. None is a derivative that is zero whatever the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from causalopt.language.operations import COMPARISONS, LOGIC, OPERATIONS
from causalopt.tensors import tensor_algebra as algebra
from causalopt.tensors.building import (
    const,
    einsum,
    elementwise,
    expanded,
    full,
    hardmax,
    joined,
    largest,
    part,
    permuted,
    placed,
    put,
    ranked,
    reshaped,
    taken,
    total,
)
from causalopt.tensors.tensor import Tensor, postorder

Tangent = Tensor | None
# These have no slope where they have one at all.
_FLAT = frozenset({"argmax", "hardmax", "onehot", "still"})
_LOW = const(-(10**300))  # below any tangent: these are kept within 2**200


def tangents(roots: Iterable[Tensor], seeds: Mapping[Tensor, Tensor]) -> list[Tangent]:
    """Return the derivatives of tensors along given ones.

    Args:
        roots: The tensors.
        seeds: Tensor -> its derivative, of the same shape; all other leaves have none.

    Returns:
        One a root, of its shape; None where it is zero whatever the numbers.
    """
    roots = list(roots)
    found: dict[Tensor, Tangent] = {}
    for tensor in postorder(*roots):
        seed = seeds.get(tensor)
        if seed is not None or not tensor.args:
            found[tensor] = seed
            continue
        moving = [found[arg] for arg in tensor.args]
        if all(m is None for m in moving) or tensor.op in _FLAT:
            found[tensor] = None
        else:
            structural = _STRUCTURAL.get(tensor.op)
            found[tensor] = (
                structural(tensor, moving) if structural else _elementwise(tensor, moving, found)
            )
    return [found[root] for root in roots]


def whole(tangent: Tangent, shape: tuple[int, ...]) -> Tensor:
    """Return a derivative of a shape; zeros for None."""
    return full(shape, 0) if tangent is None else expanded(tangent, shape)


def _elementwise(tensor: Tensor, moving: list[Tangent], found: Mapping[Tensor, Tangent]) -> Tangent:
    operation = OPERATIONS[tensor.op]
    if operation.choice is not None:
        return _branch(tensor, moving, found)
    if tensor.op == "abs":
        (x,), (moved,) = tensor.args, moving
        assert moved is not None
        beside = algebra.mul(elementwise("sign", x), moved)
        at_zero = elementwise("eq", x, algebra.ZERO)
        bent = algebra.where(at_zero, elementwise("abs", moved), beside)
        return expanded(_full_rank(bent, tensor), tensor.shape)
    if operation.slopes is None or operation.kind != "number":
        return None
    slopes = operation.slopes(algebra, tensor, *tensor.args)
    result = algebra.ZERO
    for slope, tangent in zip(slopes, moving, strict=True):
        if tangent is not None:
            result = algebra.add(result, algebra.mul(slope, tangent))
    return None if result is algebra.ZERO else expanded(_full_rank(result, tensor), tensor.shape)


def _branch(tensor: Tensor, moving: list[Tangent], found: Mapping[Tensor, Tangent]) -> Tangent:
    """Return the tangent of a choice: where it hangs in the balance, the side that it moves to.

    The nudge is a positive one, so that at a kink this is the derivative on that side.
    """
    then, other = (algebra.ZERO if m is None else m for m in moving[-2:])
    if then is algebra.ZERO and other is algebra.ZERO:
        return None
    a, b = tensor.args[-2:]
    if tensor.op == "where":
        result = algebra.where(_after(tensor.args[0], found), then, other)
    else:
        choice = OPERATIONS[tensor.op].choice
        assert choice is not None
        condition, *_ = choice(algebra, tensor, a, b)
        beside = algebra.where(condition, then, other)
        result = algebra.where(elementwise("eq", a, b), elementwise(tensor.op, then, other), beside)
    return expanded(_full_rank(result, tensor), tensor.shape)


def _after(condition: Tensor, found: Mapping[Tensor, Tangent]) -> Tensor:
    """Return a condition as it is after a small positive nudge."""
    if condition.op in LOGIC:
        args = [_after(arg, found) for arg in condition.args]
        same = all(new is old for new, old in zip(args, condition.args, strict=True))
        return condition if same else elementwise(condition.op, *args)
    moved = [found.get(arg) for arg in condition.args]
    if condition.op not in COMPARISONS or all(m is None for m in moved):
        return condition
    left, right = (algebra.ZERO if m is None else m for m in moved)
    equal = elementwise("eq", *condition.args)
    tied = elementwise("and", equal, elementwise(condition.op, left, right))
    if condition.op == "eq":
        return tied
    if condition.op == "ne":
        return elementwise("or", condition, elementwise("ne", left, right))
    return elementwise("or", elementwise("lt", *condition.args), tied)


def _full_rank(x: Tensor, like: Tensor) -> Tensor:
    return ranked(x, len(like.shape)) if x.shape else x


def _sum_of(parts: Iterable[Tangent]) -> Tangent:
    result = algebra.ZERO
    for part_ in parts:
        if part_ is not None:
            result = algebra.add(result, part_)
    return None if result is algebra.ZERO else result


def _einsum(tensor: Tensor, moving: list[Tangent]) -> Tangent:
    indices, result = tensor.payload
    return _sum_of(
        None
        if m is None
        else einsum(indices, result, *(*tensor.args[:i], m, *tensor.args[i + 1 :]))
        for i, m in enumerate(moving)
    )


def amax_choice(tensor: Tensor) -> Tensor:
    """Return 1 at the first largest over an amax's axes, 0 elsewhere, in its argument's shape."""
    (x,) = tensor.args
    axes = tensor.payload
    rest = tuple(axis for axis in range(len(x.shape)) if axis not in axes)
    order = (*rest, *axes)
    moved = permuted(x, order)
    lead = moved.shape[: len(rest)]
    flat = reshaped(moved, (*lead, math.prod(moved.shape[len(rest) :])))
    back = tuple(order.index(axis) for axis in range(len(order)))
    return permuted(reshaped(hardmax(flat, len(rest)), moved.shape), back)


def _amax(tensor: Tensor, moving: list[Tangent]) -> Tangent:
    (moved,), (x,) = moving, tensor.args
    assert moved is not None
    shape = tuple(1 if axis in tensor.payload else n for axis, n in enumerate(x.shape))
    is_largest = elementwise("eq", x, reshaped(tensor, shape))
    # Of several that are largest the one that moves up most is so after a positive nudge.
    return largest(algebra.where(is_largest, moved, _LOW), tensor.payload)


def _concat(tensor: Tensor, moving: list[Tangent]) -> Tangent:
    parts = [whole(m, arg.shape) for m, arg in zip(moving, tensor.args, strict=True)]
    return joined(parts, tensor.payload)


def _first(make: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, list[Tangent]], Tangent]:
    """Return the rule of what is linear in its first argument and has no slope in others."""

    def rule(tensor: Tensor, moving: list[Tangent]) -> Tangent:
        return None if moving[0] is None else make(tensor, moving[0])

    return rule


_STRUCTURAL: dict[str, Callable[[Tensor, list[Tangent]], Tangent]] = {
    "sum": _first(lambda u, m: total(m, u.payload)),
    "amax": _amax,
    "einsum": _einsum,
    "permute": _first(lambda u, m: permuted(m, u.payload)),
    "reshape": _first(lambda u, m: reshaped(m, u.shape)),
    "expand": _first(lambda u, m: expanded(m, u.shape)),
    "slice": _first(lambda u, m: part(m, u.payload)),
    "place": _first(lambda u, m: placed(m, u.payload, u.shape)),
    "concat": _concat,
    "take": _first(lambda u, m: taken(m, u.args[1], u.payload)),
    "put": _first(lambda u, m: put(m, u.args[1], u.payload, u.shape[u.payload])),
}

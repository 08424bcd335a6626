"""Constructors of tensors: shapes checked, derivatives' zeros and ones left out.

`elementwise` builds what a user wrote, as it was written; `algebra` simplifies and is what
derivatives are built with.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from fractions import Fraction

import numpy as np

from causalopt.tensors.tensor import Literal, Shape, Tensor

Slices = tuple[tuple[int, int, int], ...]
Indices = tuple[tuple[int, ...], ...]


class ShapeError(Exception):
    """Shapes that do not fit; the reader says where."""


def const(value: Fraction | int) -> Tensor:
    """Return a number."""
    return Tensor.of("const", payload=Fraction(value), shape=())


def literal(values: np.ndarray) -> Tensor:
    """Return an array that is part of a rule."""
    found = Literal(np.asarray(values, dtype=float))
    return Tensor.of("literal", payload=found, shape=found.values.shape)


def given(*key: Hashable, shape: Shape = ()) -> Tensor:
    """Return an input."""
    return Tensor.of("input", payload=key, shape=shape)


def ref(variable: str, lag: int, shape: Shape = ()) -> Tensor:
    """Return the value of a variable `lag` steps ago."""
    return given("ref", variable, lag, shape=shape)


def full(shape: Shape, value: Fraction | int) -> Tensor:
    """Return an array of equal numbers."""
    return expanded(const(value), shape)


def joint_shape(*shapes: Shape) -> Shape:
    """Return the shape that shapes join to, aligned from the right.

    Raises:
        ShapeError: Two sizes differ, and neither is 1.
    """
    try:
        return tuple(np.broadcast_shapes(*shapes))
    except ValueError:
        text = " and ".join(str(list(shape)) for shape in shapes)
        raise ShapeError(f"shapes {text} do not join") from None


def elementwise(op: str, *args: Tensor, payload: Hashable = None) -> Tensor:
    """Return an operation of `language.operations` on every element, shapes joined as numpy's.

    Arguments have the rank of the result, or none: missing axes are added.
    """
    shape = joint_shape(*(arg.shape for arg in args))
    rank = len(shape)
    same = [ranked(arg, rank) if arg.shape else arg for arg in args]
    return Tensor.of(op, *same, payload=payload, shape=shape)


def ranked(x: Tensor, rank: int) -> Tensor:
    """Return an array with axes of size 1 before its own, so that it has so many."""
    return reshaped(x, (1,) * (rank - len(x.shape)) + x.shape)


def reshaped(x: Tensor, shape: Shape) -> Tensor:
    """Return an array's elements, row-major, in another shape.

    Raises:
        ShapeError: It has another number of elements.
    """
    if x.shape == shape:
        return x
    if math.prod(shape) != x.size:
        raise ShapeError(f"{x.size} elements do not fill the shape {list(shape)}")
    return reshaped(x.args[0], shape) if x.op == "reshape" else Tensor.of("reshape", x, shape=shape)


def expanded(x: Tensor, shape: Shape) -> Tensor:
    """Return an array repeated along its axes of size 1, and along new ones before them."""
    if x.shape == shape:
        return x
    joint = joint_shape(x.shape, shape)
    if joint != shape:
        raise ShapeError(f"the shape {list(x.shape)} does not stretch to {list(shape)}")
    return Tensor.of("expand", ranked(x, len(shape)), shape=shape)


def total(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """Return the sum over axes, all of them when not given."""
    chosen = tuple(range(len(x.shape))) if axes is None else tuple(sorted(axes))
    if not chosen:
        return x
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in chosen)
    return Tensor.of("sum", x, payload=chosen, shape=shape)


def largest(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """Return the largest over axes, all of them when not given."""
    chosen = tuple(range(len(x.shape))) if axes is None else tuple(sorted(axes))
    if not chosen:
        return x
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in chosen)
    return Tensor.of("amax", x, payload=chosen, shape=shape)


def still(x: Tensor) -> Tensor:
    """Return an array without derivative, for what a result does not depend on but for rounding."""
    return Tensor.of("still", x, shape=x.shape)


def first_largest(x: Tensor, axis: int) -> Tensor:
    """Return where along an axis the first largest is, as a number without slope."""
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    return Tensor.of("argmax", x, payload=axis, shape=shape)


def hardmax(x: Tensor, axis: int) -> Tensor:
    """Return 1 at the first largest along an axis and 0 elsewhere, without slope."""
    return Tensor.of("hardmax", x, payload=axis, shape=x.shape)


def einsum(indices: Indices, result: tuple[int, ...], *args: Tensor) -> Tensor:
    """Return a sum of products over indices that the result does not have.

    Args:
        indices: The indices of each argument's axes; an argument may have one twice.
        result: The indices of the result's axes, all different.
        args: The arguments.

    Raises:
        ShapeError: An index has two sizes, or stands in the result alone or twice.
    """
    sizes: dict[int, int] = {}
    for axes, arg in zip(indices, args, strict=True):
        if len(axes) != len(arg.shape):
            raise ShapeError(f"{len(axes)} indices for an array of {len(arg.shape)} dims")
        for index, size in zip(axes, arg.shape, strict=True):
            if sizes.setdefault(index, size) != size:
                raise ShapeError(f"sizes {sizes[index]} and {size} do not fit")
    if len(set(result)) < len(result) or not set(result) <= sizes.keys():
        raise ShapeError("the result's indices must be different ones of the arguments'")
    shape = tuple(sizes[index] for index in result)
    if len(args) == 1 and len(set(indices[0])) == len(indices[0]) == len(result):
        return permuted(args[0], tuple(indices[0].index(index) for index in result))
    numbers = {index: i for i, index in enumerate(dict.fromkeys(i for ix in indices for i in ix))}
    plain = tuple(tuple(numbers[i] for i in axes) for axes in indices)
    payload = (plain, tuple(numbers[i] for i in result))
    return Tensor.of("einsum", *args, payload=payload, shape=shape)


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return numpy's matmul: the last axis of a with the last but one, or only, axis of b.

    Raises:
        ShapeError: The sizes differ, or one is a number.
    """
    if not a.shape or not b.shape:
        raise ShapeError("'@' multiplies arrays: write * for a number")
    inner = b.shape[-2] if len(b.shape) > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ShapeError(f"sizes {a.shape[-1]} and {inner} do not fit")
    rank = max(len(a.shape), len(b.shape), 2) - 2
    batch_a, batch_b = max(len(a.shape) - 2, 0), max(len(b.shape) - 2, 0)
    if batch_a and batch_b and a.shape[:-2] != b.shape[:-2]:
        shape = joint_shape(a.shape[:-2], b.shape[:-2])
        a, b = expanded(a, (*shape, *a.shape[-2:])), expanded(b, (*shape, *b.shape[-2:]))
        batch_a = batch_b = len(shape)
    row, middle, column = 100, 101, 102
    own_a = (row, middle) if len(a.shape) > 1 else (middle,)
    own_b = (middle, column) if len(b.shape) > 1 else (middle,)
    outer = tuple(range(rank))
    kept = ((row,) if len(own_a) > 1 else ()) + ((column,) if len(own_b) > 1 else ())
    lead_a, lead_b = outer[rank - batch_a :], outer[rank - batch_b :]
    return einsum(((*lead_a, *own_a), (*lead_b, *own_b)), (*outer, *kept), a, b)


def permuted(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return an array with its axes in another order."""
    if axes == tuple(range(len(axes))):
        return x
    if x.op == "permute":
        return permuted(x.args[0], tuple(x.payload[axis] for axis in axes))
    return Tensor.of("permute", x, payload=axes, shape=tuple(x.shape[axis] for axis in axes))


def part(x: Tensor, slices: Slices) -> Tensor:
    """Return a slice, (start, stop, step) of each axis with a step of 1 or more."""
    shape = tuple(len(range(*axis)) for axis in slices)
    if shape == x.shape:
        return x
    return Tensor.of("slice", x, payload=slices, shape=shape)


def along(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """Return the elements from start to stop along one axis."""
    axes = [(0, size, 1) for size in x.shape]
    axes[axis] = (start, stop, 1)
    return part(x, tuple(axes))


def placed(x: Tensor, slices: Slices, shape: Shape) -> Tensor:
    """Return zeros of a shape with an array in a slice of them."""
    return x if x.shape == shape else Tensor.of("place", x, payload=slices, shape=shape)


def joined(parts: Sequence[Tensor], axis: int) -> Tensor:
    """Return arrays one after another along an axis.

    Raises:
        ShapeError: Their other axes differ.
    """
    others = {p.shape[:axis] + p.shape[axis + 1 :] for p in parts}
    if len(others) > 1:
        raise ShapeError("the parts differ in a dim other than the one they are joined along")
    if len(parts) == 1:
        return parts[0]
    size = sum(p.shape[axis] for p in parts)
    shape = (*parts[0].shape[:axis], size, *parts[0].shape[axis + 1 :])
    return Tensor.of("concat", *parts, payload=axis, shape=shape)


def stacked(parts: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Return arrays of one shape along a new axis."""
    return joined([reshaped(p, (*p.shape[:axis], 1, *p.shape[axis:])) for p in parts], axis)


def taken(x: Tensor, index: Tensor, axis: int) -> Tensor:
    """Return an array's elements at an index along an axis; the index's axes take its place."""
    shape = x.shape[:axis] + index.shape + x.shape[axis + 1 :]
    return Tensor.of("take", x, index, payload=axis, shape=shape)


def put(x: Tensor, index: Tensor, axis: int, size: int) -> Tensor:
    """Return zeros with an array's elements added at an index along an axis of some size."""
    rest = axis + len(index.shape)
    shape = (*x.shape[:axis], size, *x.shape[rest:])
    return Tensor.of("put", x, index, payload=axis, shape=shape)


def onehot(index: Tensor, size: int) -> Tensor:
    """Return 1 at the index along a new last axis, 0 elsewhere."""
    return Tensor.of("onehot", index, shape=(*index.shape, size))


def rolled(x: Tensor, by: int, axis: int) -> Tensor:
    """Return y[i] = x[i - by] along an axis that is a ring."""
    size = x.shape[axis]
    cut = (size - by) % size
    if not cut:
        return x
    return joined([along(x, axis, cut, size), along(x, axis, 0, cut)], axis)


def shifted(x: Tensor, by: int, axis: int) -> Tensor:
    """Return y[i] = x[i - by] along an axis, zeros coming in."""
    size = x.shape[axis]
    kept = max(size - abs(by), 0)
    if kept == size:
        return x
    if not kept:
        return full(x.shape, 0)
    start = max(-by, 0)
    axes = [(0, other, 1) for other in x.shape]
    axes[axis] = (max(by, 0), max(by, 0) + kept, 1)
    return placed(along(x, axis, start, start + kept), tuple(axes), x.shape)


def windows(x: Tensor, axis: int, width: int) -> Tensor:
    """Return the windows of a width along an axis; the places in the window are a new last axis.

    Raises:
        ShapeError: The window is wider than the axis.
    """
    count = x.shape[axis] - width + 1
    if count < 1:
        raise ShapeError(f"a window of {width} is wider than the dim, {x.shape[axis]}")
    shown = [along(x, axis, place, place + count) for place in range(width)]
    return stacked(shown, len(x.shape))


def reversed_along(x: Tensor, axis: int) -> Tensor:
    """Return an array in opposite order along an axis."""
    index = literal(np.arange(x.shape[axis] - 1.0, -1.0, -1.0))
    return taken(x, index, axis)


def convolved(x: Tensor, kernel: Tensor, axis: int) -> Tensor:
    """Return numpy's convolution of the same length, zeros beyond the ends, along an axis.

    Raises:
        ShapeError: The kernel has no single dim, or is longer than the axis.
    """
    if len(kernel.shape) != 1:
        raise ShapeError("a kernel has one dim")
    width, size = kernel.shape[0], x.shape[axis]
    if width > size:
        raise ShapeError(f"the kernel's {width} is more than the dim's {size}")
    before = width // 2  # numpy's: out[i] = sum of k[j] x[i + (width - 1)//2 - j]
    lead = (*x.shape[:axis], size + width - 1, *x.shape[axis + 1 :])
    axes = [(0, other, 1) for other in x.shape]
    axes[axis] = (before, before + size, 1)
    shown = windows(placed(x, tuple(axes), lead), axis, width)
    rank = len(x.shape)
    places = tuple(range(rank))
    flipped = reversed_along(kernel, 0)
    return einsum(((*places, rank), (rank,)), places, shown, flipped)

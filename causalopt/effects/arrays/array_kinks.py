"""Where W sits on a kink that the nudge moves: a branch, a relu at 0, equal largest elements."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from fractions import Fraction

from causalopt.engine.arrays.array_step import KINDS, Moves, reached
from causalopt.language.operations import OPERATIONS
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.tensors import tensor_algebra as algebra
from causalopt.tensors.building import const, elementwise, given, largest, reshaped, total
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tangent import amax_choice, tangents
from causalopt.tensors.tensor import Tensor, inputs

_NEAR = 4 * 2.0**-53


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayGap:
    """A kink of one variable's rule.

    Attributes:
        name: The variable.
        op: The operation that bends or jumps.
        closed: Made of values and tangents of a step, 1 where W is on the kink to within rounding
            and the nudge moves it, else 0, elementwise.
    """

    name: str
    op: str
    closed: Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class ValueGap:
    """A kink of one variable's rule, whatever is nudged.

    Attributes:
        name: The variable.
        parents: The variables by which it is decided where W sits.
        closed: Made of values of a step: whether W is on the kink to within rounding somewhere.
    """

    name: str
    parents: frozenset[str]
    closed: Tensor


@functools.lru_cache(maxsize=16)
def value_gaps(template: ArrayTemplate) -> tuple[ValueGap, ...]:
    """Return all kinks of a template that some variable decides."""
    return tuple(_value_gaps(template))


def _value_gaps(template: ArrayTemplate) -> Iterator[ValueGap]:
    for variable in template.variables:
        for tensor in _moving_parts(variable.rule) if variable.rule is not None else ():
            pair = _pair(tensor)
            if pair is None:
                continue
            decided = [leaf.payload for leaf in inputs(pair[0]) if leaf.payload[0] == "ref"]
            if decided:
                is_near = elementwise("where", _near(*pair), algebra.ONE, algebra.ZERO)
                parents = frozenset(name for _, name, _ in decided)
                yield ValueGap(variable.name, parents, largest(is_near))


def _near(gap: Tensor, scale: Tensor) -> Tensor:
    near = elementwise("mul", const(Fraction(_NEAR)), scale)
    return elementwise("le", elementwise("abs", gap), near)


def _closed(gap: Tensor, scale: Tensor, slopes: list[Tensor]) -> Tensor:
    is_near = _near(gap, scale)
    found: Tensor | None = None
    for slope in slopes:
        moved = elementwise("and", is_near, elementwise("ne", slope, algebra.ZERO))
        found = moved if found is None else elementwise("or", found, moved)
    assert found is not None
    return elementwise("where", found, algebra.ONE, algebra.ZERO)


@functools.lru_cache(maxsize=16)
def gaps(moves: Moves, target: str) -> tuple[ArrayGap, ...]:
    """Return the kinks on the way from a nudged variable to a measured one."""
    return tuple(_gaps(moves, target))


def _gaps(moves: Moves, target: str) -> Iterator[ArrayGap]:
    for variable in moves.template.variables:
        name = variable.name
        if variable.rule is None or name not in moves.moving["total"]:
            continue
        if target not in reached(moves.template, name, frozenset()):
            continue
        for tensor in _moving_parts(variable.rule):
            pair = _pair(tensor)
            if pair is None:
                continue
            gap, scale = pair
            slopes = [s for kind in KINDS if (s := _slope(gap, kind, moves)) is not None]
            if slopes:
                yield ArrayGap(name, tensor.op, _closed(gap, scale, slopes))


def _moving_parts(rule: Tensor) -> Iterator[Tensor]:
    """Yield what a rule is made of once, but for what stands still in it."""
    seen, stack = {rule}, [rule]
    while stack:
        tensor = stack.pop()
        yield tensor
        if tensor.op != "still":
            for arg in tensor.args:
                if arg not in seen:
                    seen.add(arg)
                    stack.append(arg)


def _pair(tensor: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return what is 0 where a tensor bends or jumps, and the size it is to be compared with."""
    if tensor.op in {"amax", "argmax", "hardmax"}:
        return _runner_up(tensor)
    if tensor.op in {"take", "put", "onehot"}:
        index = tensor.args[-1]  # whole numbers only are places, so that one that moves jumps
        return elementwise("sub", index, elementwise("floor", index)), algebra.ZERO
    operation = OPERATIONS.get(tensor.op)
    if operation is None or operation.kink is None:
        return None
    if operation.kink == "equal":
        a, b = tensor.args
        sizes = elementwise("add", elementwise("abs", a), elementwise("abs", b))
        return elementwise("sub", a, b), sizes
    (x,) = tensor.args
    if operation.kink == "zero":
        return x, algebra.ZERO
    return elementwise("sub", x, tensor), elementwise("abs", x)


def _runner_up(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """Return each element's distance to the largest, 1 at the largest itself."""
    (x,) = tensor.args
    axes = tensor.payload if tensor.op == "amax" else (tensor.payload,)
    top = largest(x, axes)
    shape = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    chosen = amax_choice(top)
    peak = reshaped(top, shape)
    gap = elementwise("add", elementwise("sub", peak, x), chosen)
    return gap, elementwise("abs", x)


def _slope(gap: Tensor, kind: str, moves: Moves) -> Tensor | None:
    """Return the tangent of a gap, with the axis of directions summed over by size."""
    seeds = {
        leaf: given(kind, *leaf.payload[1:], shape=leaf.shape)
        for leaf in inputs(gap)
        if leaf.payload[0] == "ref" and leaf.payload[1] in moves.moving[kind]
    }
    (slope,) = tangents([gap], seeds)
    if slope is None or moves.count == 1:
        return slope
    wide = {s: given(*s.payload, shape=(moves.count, *s.shape)) for s in seeds.values()}
    (many,) = lifted([slope], wide, moves.count)
    if many.shape == slope.shape:
        return many
    return total(elementwise("abs", many), (0,))


def watched(moves: Moves, target: str) -> tuple[tuple[str, Tensor], ...]:
    """Return what tells of each kink on the way to a measured variable that W is on it somewhere.

    With it, whose rule has the kink.
    """
    return tuple((gap.name, largest(gap.closed)) for gap in gaps(moves, target))


def watched_lanes(moves: Moves, target: str) -> tuple[tuple[str, Tensor], ...]:
    """Return the same for a template of lanes: what tells in which of them W is on the kink."""
    return tuple(
        (gap.name, largest(gap.closed, range(1, len(gap.closed.shape))))
        for gap in gaps(moves, target)
    )

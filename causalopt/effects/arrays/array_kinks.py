"""Where W sits on a kink that the nudge moves: a branch, a relu at 0, equal largest elements."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_course import Row
from causalopt.engine.arrays.array_plan import Values
from causalopt.engine.arrays.array_step import KINDS, Moves, reached
from causalopt.language.operations import OPERATIONS
from causalopt.tensors.building import elementwise, given, total
from causalopt.tensors.lifting import lifted
from causalopt.tensors.tangent import amax_choice, tangents
from causalopt.tensors.tensor import Tensor, inputs, postorder
from causalopt.tensors.tensor_source import Compiled, compiled

_NEAR = 4 * 2.0**-53


class ArrayGap:
    """What is 0 on one kink of one variable's rule, and how the nudge moves it."""

    def __init__(
        self, name: str, op: str, gap: Tensor, scale: Tensor, slopes: list[Tensor]
    ) -> None:
        self.name, self.op = name, op
        self._inputs = inputs(gap, scale, *slopes)
        self._function: Compiled = compiled([gap, scale, *slopes], self._inputs)
        self.keys = [leaf.payload for leaf in self._inputs]

    def closed(self, values: list[Any]) -> Values:
        """Return where the gap is 0 to within rounding and the nudge moves it, elementwise."""
        gap, scale, *slopes = self._function(*values)
        closed = np.abs(gap) <= _NEAR * scale
        moved = np.zeros(np.shape(closed), dtype=bool)
        if np.any(closed):
            for slope in slopes:
                moved = moved | (closed & (slope != 0))
        return np.asarray(moved)


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
        for tensor in postorder(variable.rule):
            pair = _pair(tensor)
            if pair is None:
                continue
            gap, scale = pair
            slopes = [s for kind in KINDS if (s := _slope(gap, kind, moves)) is not None]
            if slopes:
                yield ArrayGap(name, tensor.op, gap, scale, slopes)


def _pair(tensor: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return what is 0 where a tensor bends or jumps, and the size it is to be compared with."""
    if tensor.op in {"amax", "argmax", "hardmax"}:
        return _runner_up(tensor)
    operation = OPERATIONS.get(tensor.op)
    if operation is None or operation.kink is None:
        return None
    if operation.kink == "equal":
        a, b = tensor.args
        sizes = elementwise("add", elementwise("abs", a), elementwise("abs", b))
        return elementwise("sub", a, b), sizes
    (x,) = tensor.args
    if operation.kink == "zero":
        return x, elementwise("mul", elementwise("abs", x), x)
    return elementwise("sub", x, tensor), elementwise("abs", x)


def _runner_up(tensor: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return each element's distance to the largest, 1 at the largest itself."""
    if tensor.op != "amax":
        return None
    (x,) = tensor.args
    chosen = amax_choice(tensor)
    shape = tuple(1 if axis in tensor.payload else n for axis, n in enumerate(x.shape))
    from causalopt.tensors.building import reshaped

    peak = reshaped(tensor, shape)
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


def first_closed(found: tuple[ArrayGap, ...], look: Any, row: Row) -> ArrayGap | None:
    """Return the first kink that W sits on at a step."""
    for gap in found:
        if gap.closed([row[key] if key in row else look(key) for key in gap.keys]).any():
            return gap
    return None

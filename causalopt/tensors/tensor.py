"""The tensor: one operation on arrays, hash-consed so that equal sub-expressions are one object.

Leaves are constants, literal arrays and inputs; an input's key is `("ref", variable, lag)`,
`("param", name)`, `("t",)` or whatever a transformation adds. Every other tensor applies an
operation of `language.operations`, elementwise, or one of `STRUCTURAL` to tensors. Shapes are plain
numbers here; what their dims are called is known to the reader of rules alone.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from causalopt.language.operations import COMPARISONS, LOGIC

Shape: TypeAlias = tuple[int, ...]
Key: TypeAlias = tuple[Hashable, ...]

LEAVES = frozenset({"const", "literal", "input"})
STRUCTURAL = frozenset(
    {
        "sum",  # over axes, which go; payload: the axes
        "amax",  # the largest over axes, which go; payload: the axes
        "argmax",  # where along an axis, which goes, the first largest is; payload: the axis
        "hardmax",  # 1 at the first largest along an axis, else 0; payload: the axis
        "einsum",  # payload: the indices of each argument and of the result
        "permute",  # payload: the axes in their new order
        "reshape",
        "still",  # the argument, as a number that does not move: it has no derivative
        "expand",  # axes of size 1 repeated
        "slice",  # payload: (start, stop, step) of each axis
        "place",  # zeros with the argument in a slice; payload: likewise
        "concat",  # payload: the axis
        "take",  # (x, index): payload: the axis of x whose place the index's axes take
        "put",  # (x, index): zeros with x added at the index; payload: the axis
        "onehot",  # (index): 1 at the index along a new last axis
        "grad",  # (loss, input): a place for the derivative, until rules are resolved
    }
)


class Literal:
    """An array that is part of a rule; equal arrays are one literal."""

    __slots__ = ("_key", "values")

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.ascontiguousarray(values, dtype=float)
        self.values.flags.writeable = False
        self._key = (self.values.shape, self.values.tobytes())

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self._key == other._key


class Tensor:
    """One node of the graph; make it with the functions of `building`.

    Attributes:
        op: A leaf's kind or an operation's name.
        args: The tensors it applies to.
        payload: What else the operation needs, a constant's value, or an input's key.
        shape: The shape of its value.
    """

    __slots__ = ("__weakref__", "args", "op", "payload", "shape")

    op: str
    args: tuple[Tensor, ...]
    payload: Any
    shape: Shape

    _table: ClassVar[weakref.WeakValueDictionary[Key, Tensor]] = weakref.WeakValueDictionary()

    @classmethod
    def of(cls, op: str, *args: Tensor, payload: Hashable = None, shape: Shape) -> Tensor:
        """Return the node for this operation; no simplification is made."""
        key = (op, payload, shape, *map(id, args))
        found = cls._table.get(key)
        if found is None:
            found = object.__new__(cls)
            found.op, found.args, found.payload, found.shape = op, args, payload, shape
            cls._table[key] = found
        return found

    @property
    def size(self) -> int:
        """How many numbers its value has."""
        return math.prod(self.shape)

    @property
    def is_truth(self) -> bool:
        """Whether its values are truth values rather than numbers."""
        return self.op in COMPARISONS or self.op in LOGIC

    @property
    def is_leaf(self) -> bool:
        """Whether it applies no operation."""
        return self.op in LEAVES

    def __repr__(self) -> str:
        inner = ", ".join(repr(arg) for arg in self.args) if len(self.args) < 4 else "..."
        parts = [str(self.payload)] * (self.payload is not None) + [inner] * bool(inner)
        return f"{self.op}({', '.join(parts)}){list(self.shape)}"


def postorder(*roots: Tensor) -> Iterator[Tensor]:
    """Yield every distinct tensor below the roots once, arguments before what uses them."""
    seen: set[Tensor] = set()
    stack: list[tuple[Tensor, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        tensor, entered = stack.pop()
        if entered:
            yield tensor
        elif tensor not in seen:
            seen.add(tensor)
            stack.append((tensor, True))
            stack += [(arg, False) for arg in reversed(tensor.args)]


def inputs(*roots: Tensor) -> list[Tensor]:
    """Return the distinct inputs below the roots, in order of first use."""
    return [tensor for tensor in postorder(*roots) if tensor.op == "input"]


def rebuilt(
    roots: Iterable[Tensor],
    values: Mapping[Tensor, Tensor],
    make: Callable[[Tensor, tuple[Tensor, ...]], Tensor] | None = None,
) -> list[Tensor]:
    """Return tensors with some of those below exchanged.

    Args:
        roots: The tensors.
        values: What stands in place of a tensor.
        make: Makes an operation anew of its new arguments; the same operation when not given.
    """
    roots = list(roots)
    done: dict[Tensor, Tensor] = {}
    for tensor in postorder(*roots):
        if tensor in values:
            done[tensor] = values[tensor]
            continue
        args = tuple(done[arg] for arg in tensor.args)
        if all(new is old for new, old in zip(args, tensor.args, strict=True)):
            done[tensor] = tensor
        elif make is not None:
            done[tensor] = make(tensor, args)
        else:
            done[tensor] = Tensor.of(tensor.op, *args, payload=tensor.payload, shape=tensor.shape)
    return [done[root] for root in roots]

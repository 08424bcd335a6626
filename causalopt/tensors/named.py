"""Tensors whose dims have names: what joins, and how shapes are told to users.

A dim has the name of a declared size, and then that size, or none. Names are compared even where
sizes coincide: adding a layer to another of the same size is an error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from causalopt.tensors.building import ShapeError
from causalopt.tensors.tensor import Tensor

Dims = tuple[str | None, ...]


@dataclasses.dataclass(frozen=True)
class Named:
    """A tensor, and the names of its dims; None for a dim that has none."""

    tensor: Tensor
    dims: Dims

    @property
    def shown(self) -> str:
        """Its shape by names, and by sizes where there are none, such as `[hidden, 3]`."""
        pairs = zip(self.dims, self.tensor.shape, strict=True)
        return f"[{', '.join(str(size) if name is None else name for name, size in pairs)}]"

    @property
    def described(self) -> str:
        """What it is, for messages: `a number`, or `an array [hidden, pixel]`."""
        return f"an array {self.shown}" if self.dims else "a number"

    def dim(self, axis: int) -> tuple[str | None, int]:
        """Return the name and the size of a dim."""
        return self.dims[axis], self.tensor.shape[axis]


def met(a: tuple[str | None, int], b: tuple[str | None, int]) -> None:
    """Refuse two dims that must be the same and are not.

    Raises:
        ShapeError: Their names differ, or one has no name and the sizes differ.
    """
    if a[0] is not None and b[0] is not None and a[0] != b[0]:
        raise ShapeError(f"{a[0]} is not {b[0]}")
    if a[1] != b[1]:
        raise ShapeError(f"{_sized(*a)} is not {_sized(*b)}")


def _sized(name: str | None, size: int) -> str:
    return str(size) if name is None else f"{name} ({size})"


def joint_dims(*shown: Sequence[tuple[str | None, int]]) -> Dims:
    """Return the names of the dims that arrays join to, aligned from the right.

    Args:
        shown: The names and sizes of the dims of each array.

    Raises:
        ShapeError: Two names differ, or two sizes of which none is 1.
    """
    rank = max(map(len, shown), default=0)
    result: list[str | None] = []
    for place in range(rank, 0, -1):
        name, size = None, 1
        for dims in shown:
            if len(dims) < place:
                continue
            other, count = dims[-place]
            both_named = name is not None and other is not None
            if both_named or (size != 1 and count != 1):
                met((name, size), (other, count))
            if size == count:
                name = name or other
            elif size == 1:
                name, size = other, count
        result.append(name)
    return tuple(result)


def dims_of(value: Named) -> list[tuple[str | None, int]]:
    """Return the names and sizes of an array's dims."""
    return list(zip(value.dims, value.tensor.shape, strict=True))

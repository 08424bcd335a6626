"""What each operation does to arrays, and the values of a graph by it: one look-up a node.

The source that runs every step is written by `tensor_source`; this is for values that are needed
once, and what that source is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from causalopt.language.operations import OPERATIONS, bound
from causalopt.language.term import rounded
from causalopt.tensors.tensor import Tensor, postorder


def evaluate(roots: Sequence[Tensor], leaf: Callable[[tuple[Any, ...]], Any]) -> list[Any]:
    """Return the values of tensors, each shared one computed once.

    Args:
        roots: The tensors.
        leaf: Gives the array of each input, by its key.

    Example:
        >>> from causalopt.tensors.building import einsum, given
        >>> x = given("x", shape=(2,))
        >>> evaluate([einsum(((0,), (0,)), (), x, x)], lambda _: np.array([3.0, 4.0]))
        [np.float64(25.0)]
    """
    values: dict[Tensor, Any] = {}
    with np.errstate(all="ignore"):
        for tensor in postorder(*roots):
            if tensor.op == "input":
                values[tensor] = leaf(tensor.payload)
            else:
                values[tensor] = apply(np, tensor, [values[arg] for arg in tensor.args])
    return [values[root] for root in roots]


def apply(module: Any, tensor: Tensor, args: list[Any]) -> Any:
    """Return an operation's value, by numpy or a module with its functions."""
    if tensor.op == "const":
        return np.float64(rounded(tensor.payload))
    if tensor.op == "literal":
        return module.asarray(tensor.payload.values)
    structural = _STRUCTURAL.get(tensor.op)
    if structural is not None:
        return structural(module, tensor, *args)
    function = bound(OPERATIONS[tensor.op].arrays, module)
    return function(*args) if tensor.payload is None else function(*args, tensor.payload)


def letters(payload: tuple[Any, Any]) -> str:
    """Return the indices of an einsum as numpy writes them."""
    indices, result = payload
    texts = ["".join(chr(97 + i) for i in axes) for axes in (*indices, result)]
    return ",".join(texts[:-1]) + "->" + texts[-1]


def _einsum(module: Any, tensor: Tensor, *args: Any) -> Any:
    return module.einsum(letters(tensor.payload), *args, optimize=len(args) > 2)


def _slices(tensor: Tensor) -> tuple[slice, ...]:
    return tuple(slice(*axis) for axis in tensor.payload)


def _place(module: Any, tensor: Tensor, x: Any) -> Any:
    zeros = module.zeros(tensor.shape)
    if module is np:
        zeros[_slices(tensor)] = x
        return zeros
    return zeros.at[_slices(tensor)].set(x)


def _put(module: Any, tensor: Tensor, x: Any, index: Any) -> Any:
    axis = tensor.payload
    whole, is_place = _places(module, index, tensor.shape[axis])
    if is_place is not None:
        after = len(tensor.shape) - axis - 1
        x = module.where(is_place.reshape(is_place.shape + (1,) * after), x, 0.0)
    places = (slice(None),) * axis + (whole,)
    zeros = module.zeros(tensor.shape)
    if module is np:
        np.add.at(zeros, places, x)
        return zeros
    return zeros.at[places].add(x)


def _hardmax(module: Any, tensor: Tensor, x: Any) -> Any:
    axis = tensor.payload
    first = module.expand_dims(module.argmax(x, axis=axis), axis)
    shape = [1] * len(tensor.shape)
    shape[axis] = tensor.shape[axis]
    return 1.0 * (module.arange(tensor.shape[axis]).reshape(shape) == first)


def _take(module: Any, tensor: Tensor, x: Any, index: Any) -> Any:
    size = tensor.args[0].shape[tensor.payload]
    places, is_place = _places(module, index, size)
    found = module.take(x, places, axis=tensor.payload)
    if is_place is None:
        return found
    after = len(tensor.args[0].shape) - tensor.payload - 1
    return module.where(is_place.reshape(is_place.shape + (1,) * after), found, np.nan)


def _places(module: Any, index: Any, size: int) -> tuple[Any, Any]:
    """Return an index as whole numbers, and which of them are places; None where all are.

    What is no whole number from 0 up to the size is no place: it is taken as not a number.
    """
    values = module.asarray(index)
    is_place = (values == module.floor(values)) & (values >= 0) & (values < size)
    if module is np and is_place.all():
        return values.astype(int), None
    return module.where(is_place, values, 0).astype(int), is_place


def _onehot(module: Any, tensor: Tensor, index: Any) -> Any:
    places = module.arange(tensor.shape[-1])
    return 1.0 * (module.asarray(index)[..., None] == places)


_STRUCTURAL: dict[str, Callable[..., Any]] = {
    "sum": lambda m, u, x: m.sum(x, axis=u.payload),
    "amax": lambda m, u, x: m.max(x, axis=u.payload),
    "argmax": lambda m, u, x: 1.0 * m.argmax(x, axis=u.payload),
    "hardmax": _hardmax,
    "einsum": _einsum,
    "permute": lambda m, u, x: m.transpose(x, u.payload),
    "still": lambda *args: args[-1],
    "reshape": lambda m, u, x: m.reshape(x, u.shape),
    "expand": lambda m, u, x: m.broadcast_to(x, u.shape),
    "slice": lambda _, u, x: x[_slices(u)],
    "place": _place,
    "concat": lambda m, u, *parts: m.concatenate(parts, axis=u.payload),
    "take": _take,
    "put": _put,
    "onehot": _onehot,
}

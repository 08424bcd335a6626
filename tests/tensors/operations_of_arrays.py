"""Every operation of the array graph once or more, in shapes that join, for tests to go through."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from causalopt.tensors import building as b
from causalopt.tensors.tensor import Tensor

X = b.given("x", shape=(4,))
W = b.given("W", shape=(3, 4))
C = b.given("c", shape=())
T = b.given("T", shape=(2, 3, 4))
K = b.given("k", shape=(3,))
INPUTS = (X, W, C, T, K)


def _exp(x: Tensor) -> Tensor:
    return b.elementwise("exp", x)


EXPRESSIONS: Mapping[str, Tensor] = {
    "matrix times vector": b.matmul(W, X),
    "vector times matrix": b.matmul(K, W),
    "outer": b.einsum(((0,), (1,)), (0, 1), b.matmul(W, X), X),
    "elementwise": b.elementwise("mul", b.elementwise("tanh", W), X),
    "sum": b.total(b.elementwise("mul", T, W), (0, 2)),
    "sum of all": b.total(b.elementwise("sin", T)),
    "batched product": b.matmul(T, b.permuted(T, (0, 2, 1))),
    "largest": b.largest(b.elementwise("mul", T, W), (0, 2)),
    "maximum": b.elementwise("max", W, C),
    "minimum": b.elementwise("min", W, X),
    "absolute": b.elementwise("abs", T),
    "contraction over two": b.einsum(((0, 1, 2), (1, 2)), (0,), T, W),
    "contraction into four": b.einsum(((0, 1, 2), (1, 3)), (2, 0, 3), T, W),
    "three factors": b.einsum(((0, 1, 2), (1, 2), (2,)), (0, 1), T, W, X),
    "an index alone": b.einsum(((0, 1, 2), (1, 3)), (0, 3), T, W),
    "diagonal": b.einsum(((0, 0),), (0,), b.matmul(W, b.permuted(W, (1, 0)))),
    "trace": b.einsum(((0, 0),), (), b.matmul(W, b.permuted(W, (1, 0)))),
    "elementwise by indices": b.einsum(((0, 1), (0, 1)), (1, 0), W, W),
    "roll": b.rolled(T, 1, 2),
    "shift": b.shifted(T, -2, 2),
    "convolution": b.convolved(T, K, 2),
    "windows": b.windows(T, 2, 2),
    "quotient": b.elementwise("div", W, b.elementwise("add", _exp(C), b.const(3))),
    "power": b.elementwise("ipow", W, payload=3),
    "choice": b.elementwise("where", b.elementwise("lt", X, W), X, C),
    "take": b.taken(T, b.literal(np.array([2.0, 0.0, 2.0])), 1),
    "take one": b.taken(T, b.const(1), 1),
    "put": b.put(W, b.literal(np.array([3.0, 0.0, 3.0])), 0, 5),
    "concat": b.joined([T, b.elementwise("neg", T)], 1),
    "stack": b.stacked([W, b.elementwise("mul", W, W)], 1),
    "slice": b.part(T, ((0, 2, 1), (0, 3, 2), (1, 3, 1))),
    "reshape": b.reshaped(b.elementwise("mul", T, T), (4, 6)),
    "expand": b.expanded(b.reshaped(K, (3, 1)), (2, 3, 4)),
    "onehot": b.elementwise("mul", b.onehot(b.first_largest(W, 1), 4), W),
    "hardmax": b.elementwise("mul", b.hardmax(W, 0), W),
    "softmax": b.elementwise(
        "div", _exp(W), b.expanded(b.reshaped(b.total(_exp(W), (1,)), (3, 1)), (3, 4))
    ),
}


def values(rng: np.random.Generator) -> dict[tuple[object, ...], np.ndarray]:
    """Return an array for each input, by its key."""
    return {x.payload: rng.normal(size=x.shape) for x in INPUTS}

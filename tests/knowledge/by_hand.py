"""The network of the posts trained by numpy, written from the formulas of backpropagation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from causalopt import ImageSet

Arrays = list[np.ndarray]


def sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "softplus": (lambda z: np.logaddexp(0, z), sigmoid),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "linear": (lambda z: z, np.ones_like),
}


def deltas(
    theta: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray, activation: str, output: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return hidden activations, outputs, and the errors of hidden and output layers.

    The output "softmax" has cross-entropy as its loss, the others half the squared error.
    """
    W1, b1, W2, b2 = theta
    (f, df), (g, dg) = ACTIVATIONS[activation], ACTIVATIONS.get(output, ACTIVATIONS["linear"])
    z = W1 @ x + b1
    h = f(z)
    o = g(W2 @ h + b2)
    if output == "softmax":
        top = np.exp(o - o.max()) / np.exp(o - o.max()).sum() - y
    else:
        top = (o - y) * dg(W2 @ h + b2)
    return h, o, df(z) * (W2.T @ top), top


def trained(
    start: Sequence[np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    rate: float,
    activation: str = "softplus",
    output: str = "softplus",
) -> tuple[Arrays, np.ndarray]:
    """Return W1, b1, W2, b2 after every image but the last, and the changes of W1 by each."""
    theta = [np.array(layer) for layer in start]
    changes = []
    for t in range(len(x) - 1):
        h, _, low, top = deltas(theta, x[t], y[t], activation, output)
        before = theta[0].copy()
        theta[0] -= rate * np.outer(low, x[t])
        theta[1] -= rate * low
        theta[2] -= rate * np.outer(top, h)
        theta[3] -= rate * top
        changes.append(theta[0] - before)
    return theta, np.array(changes)


def small_images(count: int = 12, shape: tuple[int, int] = (4, 4), seed: int = 0) -> ImageSet:
    """Return random images of 1, 7, 6 and 8, whose first column is never lit."""
    random = np.random.default_rng(seed)
    images = random.uniform(size=(4 * count, *shape))
    images[:, :, 0] = 0
    labels = random.permutation(np.repeat([1, 7, 6, 8], count))
    return ImageSet(images.reshape(len(labels), -1), labels, shape, "random numbers")

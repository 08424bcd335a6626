"""Adam: updates by moving averages of gradients and of their squares, for several networks at once.

Source: Kingma and Ba (2015), Adam: a method for stochastic optimization, algorithm 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from causalopt.engine.arrays.array_plan import Values

_FIRST, _SECOND, _SMALL = 0.9, 0.999, 1e-8  # the article's


@dataclasses.dataclass
class Adam:
    """The state of Adam; arrays have the networks' axis first.

    Attributes:
        rate: The learning rate.
        clip: The largest norm of one network's gradient.
    """

    rate: float
    clip: float

    def __post_init__(self) -> None:
        self._updates = 0
        self._first: dict[str, Values] = {}
        self._second: dict[str, Values] = {}

    def updated(
        self, weights: Mapping[str, Values], gradients: Mapping[str, Values]
    ) -> dict[str, Values]:
        """Return the weights after one update."""
        norm = norms(gradients)
        with np.errstate(divide="ignore"):
            shorter = np.minimum(1.0, self.clip / norm)
        self._updates += 1
        found = {}
        for name, values in weights.items():
            gradient = gradients[name] * shorter.reshape(-1, *[1] * (values.ndim - 1))
            first = self._first.get(name, np.zeros_like(gradient))
            second = self._second.get(name, np.zeros_like(gradient))
            self._first[name] = first = _FIRST * first + (1 - _FIRST) * gradient
            self._second[name] = second = _SECOND * second + (1 - _SECOND) * gradient**2
            mean = first / (1 - _FIRST**self._updates)
            square = second / (1 - _SECOND**self._updates)
            found[name] = values - self.rate * mean / (np.sqrt(square) + _SMALL)
        return found


def norms(gradients: Mapping[str, Values]) -> Values:
    """Return the norm of each network's gradient over all weights, shape [network]."""
    flat = np.concatenate([g.reshape(len(g), -1) for g in gradients.values()], axis=1)
    size = np.max(np.abs(flat), axis=1, initial=0.0)
    # Of what is measured in its largest part no square overflows.
    with np.errstate(invalid="ignore"):
        parts = np.sum((flat / np.where(size == 0, 1.0, size)[:, None]) ** 2, axis=1)
    norm: Values = size * np.sqrt(parts)
    return norm

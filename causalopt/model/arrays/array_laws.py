"""The laws that noises and initial values of arrays draw from, and what their arguments must be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from causalopt.tensors.building import elementwise
from causalopt.tensors.folding import evaluate
from causalopt.tensors.named import Named
from causalopt.tensors.tensor import Tensor, inputs

_WANTED = {
    "normal": "a standard deviation is at least 0, found",
    "uniform": "uniform's ends are in order, low <= high, found high - low =",
    "bernoulli": "bernoulli's probability is in [0, 1], found",
}


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayLaw:
    """One law that is drawn from, by the number that must lie in a range.

    Attributes:
        kind: `normal`, `uniform` or `bernoulli`.
        number: A standard deviation, high - low, or a probability.
        t: Of an initial value the step it is for.
    """

    kind: str
    number: Tensor
    t: int = 0

    @classmethod
    def of(cls, kind: str, arguments: Sequence[Named], t: int) -> ArrayLaw:
        """Return a law by the arguments that it is called with."""
        if kind == "uniform":
            low, high = (argument.tensor for argument in arguments)
            return cls(kind, elementwise("sub", high, low), t)
        return cls(kind, arguments[-1].tensor, t)

    @property
    def reads(self) -> frozenset[str]:
        """What the number depends on: `param`, `draw`."""
        return frozenset(str(leaf.payload[0]) for leaf in inputs(self.number))

    def fault(self, leaf: Callable[[tuple[Any, ...]], Any]) -> str | None:
        """Return what is wrong with the law; None when nothing is.

        Args:
            leaf: Gives parameters and draws, by their keys.
        """
        found = np.atleast_1d(np.asarray(evaluate([self.number], leaf)[0], dtype=float))
        most = 1.0 if self.kind == "bernoulli" else np.finfo(float).max
        wrong = found[~((found >= 0) & (found <= most))]
        return f"{_WANTED[self.kind]} {wrong[0]:g}" if wrong.size else None

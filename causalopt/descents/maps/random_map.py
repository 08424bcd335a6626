"""The random map: one step of a chain that picks one of finitely many maps at random.

Stochastic gradient descent is one: `W -> F_k(W) = W - T g_k(W)` with probability `p_k`. Every
member of `causalopt.descents.escape` (operator, ensemble, diffusion, exact) reads this record and
nothing else, so they answer the same question about the same chain.

States are arrays with axes (coordinate, point); a one-parameter model has one coordinate.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.language.term import Term

Array = NDArray[np.float64]
Map = Callable[[Array], Array]


@dataclasses.dataclass(frozen=True)
class StepTerms:
    """The terms a random map was made from, for executions other than numpy's.

    Args:
        slots: The state's `(variable, lag)` pairs.
        roots: New values of the slots, axes (outcome, slot).
        parameters: The model's constants.
    """

    slots: tuple[tuple[str, int], ...]
    roots: tuple[tuple[Term, ...], ...]
    parameters: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class RandomMap:
    """A state moves by `maps[k]` with probability `probabilities[k]`, afresh each step.

    Args:
        maps: Functions from states to states, axes (coordinate, point) in and out.
        probabilities: One a map; they sum to 1.
        dimension: How many coordinates a state has.
        names: The coordinates' names, for messages and axes.
        source: The terms behind the maps, when they come from a model.
        factors: The laws of independent noise variables whose joint outcomes the maps are, the
            last one changing fastest; by default one variable.

    Example:
        >>> halves = RandomMap((lambda w: w / 2, lambda w: w / 2 + 1), (0.5, 0.5))
        >>> halves.drift(np.array([[1.0]]))
        array([[0.]])
    """

    maps: tuple[Map, ...]
    probabilities: tuple[float, ...]
    dimension: int = 1
    names: tuple[str, ...] = ("W",)
    source: StepTerms | None = None
    factors: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.maps or len(self.maps) != len(self.probabilities):
            raise QuestionError(
                f"a random map needs one probability a map: {len(self.maps)} maps and "
                f"{len(self.probabilities)} probabilities came"
            )
        if min(self.probabilities) < 0 or abs(math.fsum(self.probabilities) - 1) > 1e-12:
            raise QuestionError(
                "the probabilities of a random map are not negative and sum to 1; "
                f"{self.probabilities} came"
            )
        if self.dimension < 1 or len(self.names) != self.dimension:
            raise QuestionError(
                f"{self.dimension} coordinates need as many names; {self.names} came"
            )

    def images(self, states: Array) -> Array:
        """Return every map's value at every state, axes (map, coordinate, point)."""
        return np.stack([np.asarray(image(states), dtype=float) for image in self.maps])

    def drift(self, states: Array) -> Array:
        """Return the mean move of one step, `-T G(W)` for SGD; axes (coordinate, point)."""
        moves = self.images(states) - states
        return np.asarray(np.einsum("k,kcp->cp", np.asarray(self.probabilities), moves))

    def covariance(self, states: Array) -> Array:
        """Return the covariance of one step's move, `T^2 S^2(W)` for SGD.

        Axes (coordinate, coordinate, point), in squared units of the state a step.
        """
        weights = np.asarray(self.probabilities)
        moves = self.images(states) - states
        moves = moves - np.einsum("k,kcp->cp", weights, moves)
        covariance: Array = np.einsum("k,kcp,kdp->cdp", weights, moves, moves)
        return covariance


def as_points(values: float | Array) -> Array:
    """Return numbers of a one-coordinate state as an array with axes (coordinate, point).

    Example:
        >>> as_points(2.0).shape
        (1, 1)
    """
    return np.atleast_1d(np.asarray(values, dtype=float))[np.newaxis]

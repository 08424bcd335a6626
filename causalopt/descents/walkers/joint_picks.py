"""Picks of several noise variables at once: each on its own site, as a single run draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.worlds.streams import Picks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.descents.maps.random_map import RandomMap


class JointPicks:
    """Outcomes of independent noise variables, counted with the last one changing fastest.

    Args:
        factors: One law a variable.
        seed: The run's seed, 0 to 2^64 - 1; variable number i draws on site i.

    Example:
        >>> joint = JointPicks(((0.5, 0.5), (0.5, 0.25, 0.25)), seed=3)
        >>> joint.start(np.arange(4, dtype=np.uint64))
        >>> bool(np.all(joint.at(0) < 6))
        True
    """

    def __init__(self, factors: tuple[tuple[float, ...], ...], *, seed: int) -> None:
        self._sizes = [len(law) for law in factors]
        self._picks = [Picks(law, seed=seed, site=site) for site, law in enumerate(factors)]

    def start(self, walkers: NDArray[np.uint64]) -> None:
        """Name the walkers that the next picks are for, axis (walker,)."""
        for picks in self._picks:
            picks.start(walkers)

    def keep(self, lanes: NDArray[np.bool_] | NDArray[np.intp]) -> None:
        """Drop all other walkers."""
        for picks in self._picks:
            picks.keep(lanes)

    def at(self, step: int) -> NDArray[Any]:
        """Return each walker's joint outcome at a step, axis (walker,)."""
        joint = self._picks[0].at(step).astype(np.int64)
        for size, picks in zip(self._sizes[1:], self._picks[1:], strict=True):
            joint = joint * size + picks.at(step)
        return joint


def picks_of(chain: RandomMap, seed: int) -> Picks | JointPicks:
    """Return what a chain's walkers draw from: one site for each of its noise variables."""
    if len(chain.factors) > 1:
        return JointPicks(chain.factors, seed=seed)
    return Picks(chain.probabilities, seed=seed)

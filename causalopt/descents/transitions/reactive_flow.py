"""Reactive density, current and rate: how walkers go that come from one set and reach the other.

On a step i -> j goes, per step, `f_ij = pi_i q-_i P_ij q+_j` of reactive walkers. Between the sets
as many arrive as leave, so any surface between them is crossed, net, by the same flux k. The share
of time for which the origin was visited last is pi(q-), and `pi(q-) / k` the mean number of steps
of a passage.

Source: as in `committors`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.transitions.state_sets import DESTINATION, ORIGIN
from causalopt.extras import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.descents.maps.random_map import Array
    from causalopt.descents.transitions.committors import Committors


@dataclasses.dataclass(frozen=True)
class ReactiveFlow:
    """What transition path theory says of a chain on finitely many states.

    Args:
        density: pi q- q+, axis (state,): how often a walker is there on its way.
        current: f, sparse, axes (from, to), reactive walkers a step.
        flux: k, how many leave the origin on their way, a step.
        arriving: The same as they enter the destination; equal but for rounding.
        share: pi(q-), the share of time for which the origin was visited last.
    """

    density: Array
    current: Any
    flux: float
    arriving: float
    share: float

    @property
    def mean_passage(self) -> float:
        """Mean number of steps of a passage, pi(q-) / k; infinite where there is none."""
        return self.share / self.flux if self.flux > 0 else float("inf")

    def through(self, states: NDArray[np.bool_]) -> float:
        """Return the net flux out of a set of states, axis (state,)."""
        inside = np.asarray(states, dtype=float)
        out = float(inside @ (self.current @ (1 - inside)))
        back = float((1 - inside) @ (self.current @ inside))
        return out - back

    def effective(self) -> Any:
        """Return the effective current max(f_ij - f_ji, 0), sparse, axes (from, to)."""
        net = (self.current - self.current.T).tocsr()
        return net.maximum(0)

    def divergence(self) -> Array:
        """Return what leaves each state less what arrives there, axis (state,)."""
        ones = np.ones(self.current.shape[0])
        return np.asarray(self.current @ ones - self.current.T @ ones)

    def vectors(self, points: Array) -> Array:
        """Return the net reactive move at every state, axes (coordinate, state).

        Half the net current of each step times its length, at both its ends; units: of the state,
        times walkers a step.

        Args:
            points: Where the states are, axes (coordinate, state).
        """
        net = (self.current - self.current.T).tocoo()
        source, target = net.coords
        size = self.current.shape[0]
        return np.stack(
            [np.bincount(source, net.data * (x[target] - x[source]) / 2, size) for x in points]
        )


def reactive_flow(matrix: Any, labels: NDArray[np.int8], found: Committors) -> ReactiveFlow:
    """Return density, current and flux of the walkers that go from origin to destination.

    Args:
        matrix: Sparse, axes (from, to); rows sum to 1.
        labels: 1 in the origin, 2 in the destination, 0 between; axis (state,).
        found: Both committors of that chain.

    Example:
        >>> from scipy import sparse
        >>> from causalopt.descents.transitions.committors import solve_committors
        >>> walk = sparse.csr_array(np.array([[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0.0]]))
        >>> labels = np.array([1, 0, 2], dtype=np.int8)
        >>> both = solve_committors(walk, labels, np.array([0.25, 0.5, 0.25]))
        >>> flow = reactive_flow(walk, labels, both)
        >>> flow.flux, flow.mean_passage
        (0.125, 4.0)
    """
    need("scipy")
    from scipy import sparse

    current = sparse.csr_array(
        sparse.diags_array(found.came) @ matrix @ sparse.diags_array(found.forward)
    )
    origin, destination = (labels == label for label in (ORIGIN, DESTINATION))
    return ReactiveFlow(
        density=found.came * found.forward,
        current=current,
        flux=float(np.sum(current @ np.ones(len(labels)), where=origin)),
        arriving=float(np.sum(current.T @ np.ones(len(labels)), where=destination)),
        share=float(found.came.sum()),
    )

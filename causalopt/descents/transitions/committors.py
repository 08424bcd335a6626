"""Committors of a Markov chain: which of two sets comes first, ahead and looking back.

Forward: the probability of reaching the destination before the origin. Backward: the probability
that, of the two, the origin was visited last; it belongs to the time-reversed chain
`P~_ij = pi_j P_ji / pi_i`, and is solved for as `pi q-`, without dividing by pi.

Source: Metzner, Schütte, Vanden-Eijnden, Transition path theory for Markov jump processes
(2009); in discrete time, Helfmann, Ribera Borrell, Schütte, Koltai (2020).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.transitions.sparse_solver import SparseSolver
from causalopt.descents.transitions.state_sets import BETWEEN, DESTINATION, ORIGIN
from causalopt.errors import QuestionError
from causalopt.extras import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.descents.maps.random_map import Array


@dataclasses.dataclass(frozen=True)
class Committors:
    """Both committors of a chain and the law they are taken under.

    Args:
        forward: q+, axis (state,): 1 in the destination, 0 in the origin.
        came: pi q-, axis (state,): how often a walker is at the state and came from the origin.
        law: pi, the stationary law, axis (state,).
    """

    forward: Array
    came: Array
    law: Array

    @property
    def backward(self) -> Array:
        """q-, axis (state,): 0 in the destination; NaN where the stationary law has no mass."""
        return np.divide(
            self.came, self.law, out=np.full_like(self.law, np.nan), where=self.law > 0
        )


def long_run_law(matrix: Any, *, direct: bool | None = None) -> Array:
    """Return the law that one step leaves unchanged, axis (state,).

    One state's weight is set to 1 and the others are its visits between returns:
    `v (I - P) = P_pivot` on the others, a sum of positive terms.

    Args:
        matrix: Sparse, axes (from, to); rows sum to 1.
        direct: Whether to factorise; by default up to 4000 states.

    Raises:
        QuestionError: There are several closed sets of states: where a walker ends depends on
            where it starts.

    Example:
        >>> from scipy import sparse
        >>> long_run_law(sparse.csr_array(np.array([[0.9, 0.1], [0.3, 0.7]]))).round(12)
        array([0.75, 0.25])
    """
    members = _closed_classes(matrix)
    if len(members) > 1:
        raise QuestionError(
            f"the chain has {len(members)} closed sets of states, so where a walker is in the long "
            "run depends on where it starts; ask with --restart"
        )
    inner = matrix[members[0]][:, members[0]]
    size = len(members[0])
    if size == 1:
        found = np.ones(1)
    else:
        visited = np.full(size, 1.0 / size)
        for _ in range(64):
            visited = inner.T @ visited
        pivot = int(np.argmax(visited))
        others = np.delete(np.arange(size), pivot)
        rest = inner[others][:, others]
        onward = inner[[pivot]].toarray()[0, others]
        visits = SparseSolver(rest, direct=direct).solve(onward, transposed=True)
        found = np.insert(visits, pivot, 1.0)
        found = np.maximum(found, 0.0)
    law = np.zeros(matrix.shape[0])
    law[members[0]] = found / found.sum()
    return law


def _closed_classes(matrix: Any) -> list[NDArray[np.int64]]:
    """Return the sets of states that lead to each other and to no others."""
    need("scipy")
    from scipy.sparse import csgraph

    count, member = csgraph.connected_components(matrix, connection="strong")
    entries = matrix.tocoo()
    is_open = np.zeros(count, dtype=bool)
    crossing = member[entries.coords[0]] != member[entries.coords[1]]
    is_open[member[entries.coords[0][crossing]]] = True
    return [np.flatnonzero(member == number) for number in np.flatnonzero(~is_open)]


def restarted(
    matrix: Any, labels: NDArray[np.int8], start: Array, *, direct: bool | None = None
) -> tuple[Any, Array]:
    """Return the chain whose walkers begin anew one step after they arrive, and its law.

    Args:
        matrix: Sparse, axes (from, to); rows sum to 1.
        labels: The sets, axis (state,).
        start: The law they begin anew with, axis (state,).
        direct: As for `long_run_law`.

    Raises:
        QuestionError: Some walkers never arrive, or so rarely that floats do not hold it.
    """
    need("scipy")
    from scipy import sparse

    arrive = labels == DESTINATION
    live = reaching(matrix, arrive)
    visited = reaching(matrix.T.tocsr(), start > 0, stop=arrive)
    if np.any(visited & ~live):
        raise QuestionError(
            "some walkers never arrive: from states that they reach no way leads to the "
            "destination, so the mean passage is infinite"
        )
    others = np.flatnonzero(live & ~arrive)
    inner = matrix[others][:, others]
    visits = SparseSolver(inner, direct=direct).solve(start[others], transposed=True)
    law = np.zeros(len(labels))
    law[others] = np.maximum(visits, 0.0)
    arrivals = matrix.T @ law
    law[arrive] = arrivals[arrive]
    if not 0 < law[arrive].sum() < np.inf or not np.isfinite(law.sum()):
        raise QuestionError(
            "the passage is so rare that floats hold none of it: ask for the least action, whose "
            "exponential it is"
        )
    keep = sparse.diags_array((~arrive).astype(float))
    begin = sparse.csr_array(arrive.astype(float)[:, np.newaxis]) @ sparse.csr_array(
        start[np.newaxis]
    )
    return sparse.csr_array(keep @ matrix + begin), law / law.sum()


def reaching(matrix: Any, targets: Any, *, stop: Any = None) -> NDArray[np.bool_]:
    """Return from which states a way of any length leads to the targets, axis (state,).

    Args:
        matrix: Sparse, axes (from, to).
        targets: True where, axis (state,).
        stop: States that a way may enter but not go through; for the transposed matrix, states
            reached but not left.
    """
    found = np.array(targets, dtype=bool)
    front, pattern = found.copy(), (matrix != 0).astype(np.float64).tocsr()
    while front.any():
        open_front = front if stop is None else front & ~stop
        front = (pattern @ open_front.astype(float) > 0) & ~found
        found |= front
    return found


def solve_committors(
    matrix: Any, labels: NDArray[np.int8], law: Array, *, direct: bool | None = None
) -> Committors:
    """Return both committors.

    Forward `q_C = P_CC q_C + P_CD 1`; backward, with m = pi q-, `m_C = m_C P_CC + pi_O P_OC`: one
    factorisation serves both. A state from which neither set can be reached has q+ = 0.

    Args:
        matrix: Sparse, axes (from, to); rows sum to 1.
        labels: 1 in the origin, 2 in the destination, 0 between; axis (state,).
        law: The stationary law, axis (state,).
        direct: As for `long_run_law`.

    Example:
        >>> from scipy import sparse
        >>> walk = sparse.csr_array(np.array([[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0.0]]))
        >>> labels = np.array([1, 0, 2], dtype=np.int8)
        >>> found = solve_committors(walk, labels, np.array([0.25, 0.5, 0.25]))
        >>> found.forward.tolist(), found.backward.tolist()
        ([0.0, 0.5, 1.0], [1.0, 0.5, 0.0])
    """
    between = (labels == BETWEEN) & reaching(matrix, labels != BETWEEN)
    place = np.flatnonzero(between)
    forward = (labels == DESTINATION).astype(float)
    came = np.where(labels == ORIGIN, law, 0.0)
    if len(place):
        inner = matrix[place][:, place]
        solver = SparseSolver(inner, direct=direct)
        ahead = matrix @ forward
        behind = matrix.T @ came
        forward[place] = np.clip(solver.solve(ahead[place]), 0.0, 1.0)
        came[place] = np.maximum(solver.solve(behind[place], transposed=True), 0.0)
    return Committors(forward, np.minimum(came, law), law)

"""What a chain does in the long run: its stationary law, escape rate and mean time to escape.

All are read from sparse linear algebra on the transfer operator, none from simulation. Rates come
from the flux of the quasi-stationary law, `rate = sum_i nu_i a_i`, a sum of positive terms: the
textbook `1 - lambda` would lose every digit once the rate falls below 1e-16.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.errors import QuestionError
from causalopt.extras import need

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array
    from causalopt.descents.transfer.operator import Operator


@dataclasses.dataclass(frozen=True)
class EscapeRate:
    """How fast a chain held inside a region leaves it.

    Args:
        rate: Probability of leaving in one step, once the start is forgotten.
        law: The quasi-stationary law, axis (state,), zero outside the region.
        status: `ok`, or `unresolved` when the iteration did not settle.
    """

    rate: float
    law: Array
    status: str


def stationary_law(operator: Operator, *, tolerance: float = 1e-10) -> tuple[Array, str]:
    """Return the law one step leaves unchanged, axis (state,), and a status.

    Solves `pi (M - I) = 0, sum pi = 1` by one sparse factorisation. The law is unique when all
    states lead to one closed class; `unresolved` is returned when the residual says otherwise, and
    `leaves` when part of the mass must end outside the grid.

    Args:
        operator: The transfer operator.
        tolerance: Largest residual of one step that counts as unchanged.

    Returns:
        The law, and `ok`, `leaves` or `unresolved`.
    """
    need("scipy")
    from scipy import sparse
    from scipy.sparse import linalg

    last = operator.size - 1
    inner = operator.matrix[:last, :last].tocsc()
    leaves = bool(operator.matrix[:last, [last]].toarray().max() > 0)
    # One state's balance is replaced by the normalisation: the most visited one keeps it stable.
    pivot = int(np.argmax(_visits(operator)))
    balance = (sparse.eye_array(last) - inner).T.tolil()
    balance[pivot, :] = np.ones(last)
    right = np.zeros(last)
    right[pivot] = 1.0
    law = linalg.spsolve(balance.tocsc(), right)
    full = np.append(law, 0.0)
    settled = np.abs(inner.T @ law - law).max() <= tolerance and law.min() > -tolerance
    if leaves:
        return full, "leaves"
    return np.clip(full, 0.0, None), "ok" if settled else "unresolved"


def _visits(operator: Operator) -> Array:
    """Return where a uniform law is after 64 steps: enough to find a well-visited state."""
    last = operator.size - 1
    law = np.append(np.full(last, 1.0 / last), 0.0)
    return operator.push(law, steps=64)[:last]


def escape_rate(operator: Operator, inside: Any, *, tolerance: float = 1e-12) -> EscapeRate:
    """Return the rate at which the chain, still inside, leaves the region.

    The quasi-stationary law nu is the leading left eigenvector of M restricted to `inside`.

    Args:
        operator: The transfer operator.
        inside: True for the states of the region, axis (state,).
        tolerance: Relative residual at which the eigenvector counts as found.

    Returns:
        The rate a step, the law, and a status.

    Raises:
        QuestionError: The region is empty or everything.
    """
    need("scipy")
    from scipy.sparse import linalg

    states = np.flatnonzero(inside)
    if not 0 < len(states) < operator.size:
        raise QuestionError("the region of an escape rate has some states inside and some outside")
    block = operator.matrix[states][:, states].tocsc()
    leave = np.asarray(operator.matrix[states][:, np.flatnonzero(~np.asarray(inside))].sum(axis=1))
    start = np.full(len(states), 1.0 / len(states))
    law, settled = start, False
    turned = block.T.tocsr()
    solver = linalg.splu((_identity(len(states)) * (1 + 1e-9) - turned).tocsc())
    for _ in range(200):
        moved = solver.solve(law)
        moved = np.clip(moved, 0.0, None) / np.clip(moved, 0.0, None).sum()
        settled = float(np.abs(moved - law).sum()) < tolerance
        law = moved
        if settled:
            break
    full = np.zeros(operator.size)
    full[states] = law
    return EscapeRate(float(law @ leave.ravel()), full, "ok" if settled else "unresolved")


def mean_steps(operator: Operator, inside: Any) -> Array:
    """Return the expected number of steps until the region is left, axis (state,).

    Solves `(I - M_inside) tau = 1`. Means above 1e13 are returned as infinity: there the
    factorisation has no digit left.
    """
    need("scipy")
    from scipy.sparse import linalg

    states = np.flatnonzero(inside)
    block = operator.matrix[states][:, states]
    times = linalg.spsolve((_identity(len(states)) - block).tocsc(), np.ones(len(states)))
    full = np.zeros(operator.size)
    full[states] = np.where((times > 0) & (times < 1e13), times, np.inf)
    return full


def _identity(size: int) -> Any:
    need("scipy")
    from scipy import sparse

    return sparse.eye_array(size, format="csc")

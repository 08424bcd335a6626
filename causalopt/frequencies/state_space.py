"""A transfer system as a state space, its poles and its zeros.

The state is what is read of earlier steps: s(t + 1) = F s(t) + B u(t), y(t) = C s(t) + D u(t).
Poles are the eigenvalues of F, taken part by part of its strongly connected states: an integrator
beside a loop stays exactly at 1, and a chain of delays at 0, where eigenvalues of the whole would
be smeared. Zeros are the eigenvalues of the zero dynamics, in which u keeps y at 0 (Isidori,
Nonlinear Control Systems, 1995, ch. 4): of F - B C F^(r-1) / h_r on the states that C, C F, ...
do not see, h_r being the first impulse response that is not 0.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, Literal

import networkx as nx
import numpy as np
import scipy.linalg

from causalopt.engine.contract import Floats
from causalopt.errors import SizeError
from causalopt.frequencies.transfer_system import Complexes, TransferSystem

MOST_STATES = 1_200
_EPS = 2.0**-52
_CANCELLED = 2.0**-26  # a pole and a zero so near each other, of their size, are one factor
_WIDEST = 1e-5  # what an eigenvalue's size is doubted by at most

Stability = Literal["stable", "marginal", "unstable"]


@dataclasses.dataclass(frozen=True)
class PolesZeros:
    """Poles and zeros of a transfer function.

    Attributes:
        poles: Eigenvalues that n excites and m reads along the graph, the largest first.
        doubts: What each one's size may be wrong by.
        zeros: The finite zeros, the largest first.
        delay: Steps until n is first seen in m; None where it never is.
        lead: The impulse response then.
    """

    poles: Complexes
    doubts: Floats
    zeros: Complexes
    delay: int | None
    lead: float

    @functools.cached_property
    def lasting(self) -> tuple[Complexes, Floats]:
        """The poles that no zero cancels, with their doubts."""
        mask = cancelled(self.poles, self.zeros)
        return self.poles[~mask], self.doubts[~mask]

    def stability(self, shared: Complexes | None = None) -> Stability:
        """Return whether what a nudge leaves dies away.

        Args:
            shared: Poles that do not count.
        """
        poles, doubts = self.lasting
        if shared is not None:
            mask = cancelled(poles, shared)
            poles, doubts = poles[~mask], doubts[~mask]
        sizes = np.abs(poles)
        if (sizes - doubts > 1).any():
            return "unstable"
        return "marginal" if (sizes + doubts >= 1).any() else "stable"


def spectrum(system: TransferSystem) -> PolesZeros:
    """Return a system's poles and zeros.

    Raises:
        SizeError: It has more states than eigenvalues are sought of.
    """
    none = np.zeros(0, dtype=complex)
    if not system.has_path:
        return PolesZeros(none, np.zeros(0), none, None, 0.0)
    f, b, c, d = realisation(system)
    poles, doubts = _poles(f)
    delay, lead, seen = _delay(f, b, c, d)
    zeros = none if delay is None else _zeros(f, b, lead, seen)
    order = np.lexsort((poles.imag, -np.abs(poles)))
    return PolesZeros(poles[order], doubts[order], zeros, delay, lead)


def cancelled(some: Complexes, others: Complexes) -> np.ndarray:
    """Return which of some numbers have a partner among others, each of which is taken once."""
    free = list(others)
    mask = np.zeros(len(some), dtype=bool)
    for k, one in enumerate(some):
        distances = [abs(one - other) for other in free]
        if distances and min(distances) <= _CANCELLED * max(1.0, abs(one)):
            mask[k] = True
            free.pop(int(np.argmin(distances)))
    return mask


def realisation(system: TransferSystem) -> tuple[Floats, Floats, Floats, float]:
    """Return F, B, C and D, on the states that n reaches and m reads.

    Raises:
        SizeError: There are too many states.
    """
    depth: dict[int, int] = {}
    for row in system.rows:
        for parent, lag in row:
            depth[parent] = max(depth.get(parent, 0), lag)
    slots = {
        (i, lag): k
        for k, (i, lag) in enumerate(
            (i, lag) for i in sorted(depth) for lag in range(1, depth[i] + 1)
        )
    }
    if len(slots) > MOST_STATES:
        raise SizeError(
            f"the loop remembers {len(slots)} values, and poles are sought of at most "
            f"{MOST_STATES}: ask a shorter dead time, or a coarser dt"
        )
    now, before = np.zeros((system.size, system.size)), np.zeros((system.size, len(slots)))
    for i, row in enumerate(system.rows):
        for (parent, lag), slope in row.items():
            if lag:
                before[i, slots[parent, lag]] += slope
            else:
                now[i, parent] += slope
    solved = np.linalg.solve(
        np.eye(system.size) - now, np.column_stack([before, system.source_vector])
    )
    f, b = np.zeros((len(slots), len(slots))), np.zeros(len(slots))
    for (i, lag), k in slots.items():
        if lag == 1:
            f[k], b[k] = solved[i, :-1], solved[i, -1]
        else:
            f[k, slots[i, lag - 1]] = 1.0
    read = system.sink_vector @ solved
    keep = _minimal(f, b, read[:-1])
    return f[np.ix_(keep, keep)], b[keep], read[:-1][keep], float(read[-1])


def _minimal(f: Floats, b: Floats, c: Floats) -> list[int]:
    """Return the states on paths of the graph from the nudge to what is measured."""
    graph = _graph(f)
    graph.add_edges_from((-1, int(k)) for k in np.flatnonzero(b))
    graph.add_edges_from((int(k), -2) for k in np.flatnonzero(c))
    if -1 not in graph or -2 not in graph:
        return []
    return sorted((nx.descendants(graph, -1) & nx.ancestors(graph, -2)) - {-1, -2})


def _graph(f: Floats) -> nx.DiGraph[Any]:
    """Return which state each one is made of, arrows from the earlier."""
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_nodes_from(range(len(f)))
    graph.add_edges_from((int(parent), int(child)) for child, parent in np.argwhere(f))
    return graph


def _poles(f: Floats) -> tuple[Complexes, Floats]:
    graph = _graph(f)
    values: list[complex] = []
    doubts: list[float] = []
    for part in nx.strongly_connected_components(graph):
        places = sorted(part)
        if len(places) == 1:
            values.append(complex(f[places[0], places[0]]))
            doubts.append(0.0)
            continue
        block = f[np.ix_(places, places)]
        eigen: tuple[Any, ...] = scipy.linalg.eig(block, left=True, right=True)
        found, left, right = eigen
        overlap = np.abs((left.conj() * right).sum(axis=0))
        scale = len(places) * _EPS * float(np.linalg.norm(block))
        with np.errstate(divide="ignore"):
            doubt = np.minimum(_WIDEST, 4 * scale / overlap)
        doubts += doubt.tolist()
        values += np.where(np.abs(found) <= doubt, 0.0, found).tolist()  # a value kept twice
    return np.array(values, dtype=complex), np.array(doubts)


def _delay(f: Floats, b: Floats, c: Floats, d: float) -> tuple[int | None, float, Floats]:
    """Return the first step at which the nudge is seen, the response, and C, C F, ... before it.

    A response within rounding of 0 beside what it is a sum of counts as 0.
    """
    seen: list[Floats] = []
    if d != 0:
        return 0, d, c[None, :]
    row, size = c, np.abs(c)
    for delay in range(1, len(f) + 1):
        seen.append(row)
        response = float(row @ b)
        if abs(response) > 8 * len(f) * _EPS * float(size @ np.abs(b)):
            seen.append(row @ f)
            return delay, response, np.array(seen)
        row, size = row @ f, size @ np.abs(f)
    return None, 0.0, np.zeros((0, len(f)))


def _zeros(f: Floats, b: Floats, lead: float, seen: Floats) -> Complexes:
    """Return the eigenvalues of the zero dynamics; the last row of `seen` is what u must undo."""
    if not len(f):
        return np.zeros(0, dtype=complex)
    driven = f - np.outer(b, seen[-1]) / lead
    hidden = _complement(seen[:-1], len(f))
    if not hidden.shape[1]:
        return np.zeros(0, dtype=complex)
    values, _ = _poles(_cleaned(hidden.T @ driven @ hidden))
    return values[np.lexsort((values.imag, -np.abs(values)))]


def _complement(rows: Floats, size: int) -> Floats:
    """Return an orthonormal basis of what some rows do not see, shape [state, direction]."""
    if not len(rows):
        return np.eye(size)
    scaled = rows / np.abs(rows).max(axis=1, keepdims=True)
    basis: Floats = scipy.linalg.qr(scaled.T, mode="full")[0][:, len(rows) :]
    return basis


def _cleaned(matrix: Floats) -> Floats:
    """Set to 0 what a change of basis left by rounding."""
    return np.where(np.abs(matrix) <= 8 * len(matrix) * _EPS * np.abs(matrix).max(), 0.0, matrix)

"""The transfer function from n to m: (I - sum of C_lag z^-lag) x = b solved at every frequency.

Equations without memory are written into those that read them; what remains are the equations read
in later steps, n and m, so that a lag costs nothing and the stages of a method are no unknowns. At
z = e^(i omega) the system is solved by LU with partial pivoting, and its transpose for the error:
with x the solution, a that of the transpose and r the residual, |a|' (|r| + gamma (|M| |x| + |b|))
bounds what rounding did to a'b = G (Higham, Accuracy and Stability, 2002, ch. 7).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from causalopt.engine.contract import Floats
from causalopt.frequencies.linear_step import LinearStep, StepSlope

Complexes = NDArray[np.complex128]
_EPS = 2.0**-52
_Number = TypeVar("_Number", float, Fraction)
_CHUNK = 2_000_000  # numbers of matrices that are made at once
# (equation, lag) -> slope: a rule in terms of the equations that stay.
Row = dict[tuple[int, int], float]
ExactRow = dict[tuple[int, int], Fraction]


@dataclasses.dataclass(frozen=True)
class Gains:
    """A transfer function at some frequencies.

    Attributes:
        value: Shape [frequency]; infinite at a pole.
        error: A bound on what rounding did to it, likewise.
    """

    value: Complexes
    error: Floats


class TransferSystem:
    """One world's equations between n and m.

    Args:
        step: The model's step as a linear map.
        avoid: Whether the equations of A carry nothing: Y in place of X.

    Attributes:
        size: How many equations stay.
        rows: Their rules, each of which reads equations that stay.
        errors: What rounding may have done to the slopes, likewise.
        sources: The equations that are nudged, by place.
        sinks: Those measured, whose mean is the answer.
    """

    def __init__(self, step: LinearStep, *, avoid: bool) -> None:
        self._step, self._avoid = step, avoid
        links = [k for k in step.links if not (avoid and step.held[k.child])]
        stays = {k.parent for k in links if k.lag} | set(step.inputs) | set(step.outputs)
        rows, errors = _substituted(links, stays)
        kept = _on_paths(rows, step, stays)
        place = {name: k for k, name in enumerate(kept)}
        self.kept = tuple(kept)
        self.size = len(kept)
        self.rows = [_within(rows.get(name, {}), place) for name in kept]
        self.errors = [_within(errors.get(name, {}), place) for name in kept]
        self.sources = tuple(place[i] for i in step.inputs if i in place)
        self.sinks = tuple(place[i] for i in step.outputs if i in place)
        self._outputs = len(step.outputs)

    @property
    def has_path(self) -> bool:
        """Whether n reaches m at all."""
        return bool(self.sources and self.sinks)

    @functools.cached_property
    def source_vector(self) -> Floats:
        """What the nudge adds to each equation, shape [equation]."""
        vector = np.zeros(self.size)
        vector[list(self.sources)] = 1.0
        return vector

    @functools.cached_property
    def sink_vector(self) -> Floats:
        """What m reads of each, shape [equation]."""
        vector = np.zeros(self.size)
        vector[list(self.sinks)] = 1.0 / self._outputs
        return vector

    def exact_rows(self) -> list[ExactRow]:
        """Return the rules in rationals; a slope that is not known as one is that of its float."""
        links = [k for k in self._step.links if not (self._avoid and self._step.held[k.child])]
        found: dict[int, ExactRow] = {}
        stays = {k.parent for k in links if k.lag}
        stays |= set(self._step.inputs) | set(self._step.outputs)
        for link in links:
            row = found.setdefault(link.child, {})
            slope = Fraction(link.slope) if link.exact is None else link.exact
            if link.lag or link.parent in stays:
                key = link.parent, link.lag
                row[key] = row.get(key, Fraction(0)) + slope
            else:
                for key, inner in found.get(link.parent, {}).items():
                    row[key] = row.get(key, Fraction(0)) + slope * inner
        place = {name: k for k, name in enumerate(self.kept)}
        return [_within(found.get(name, {}), place) for name in self.kept]

    def gains(self, omega: Floats) -> Gains:
        """Return G(e^(i omega)) with bounds of its rounding errors.

        Args:
            omega: Radians per step, shape [frequency].
        """
        value = np.zeros(len(omega), dtype=complex)
        error = np.zeros(len(omega))
        if self.has_path:
            length = max(1, _CHUNK // self.size**2)
            for start in range(0, len(omega), length):
                part = slice(start, start + length)
                value[part], error[part] = self._solve(omega[part])
        return Gains(value, error)

    def matrices(self, omega: Floats) -> Complexes:
        """Return I - sum of C_lag z^-lag, shape [frequency, equation, equation]."""
        children, parents, lags, slopes, _ = self._table
        entries = slopes @ powers_of(omega[None, :], lags[:, None])
        found = np.zeros((len(omega), self.size, self.size), dtype=complex)
        found[:, np.arange(self.size), np.arange(self.size)] = 1.0
        found[:, children, parents] -= entries.T
        return found

    def _solve(self, omega: Floats) -> tuple[Complexes, Floats]:
        matrix = self.matrices(omega)
        source, sink = self.source_vector[:, None], self.sink_vector[:, None]
        try:
            x = np.linalg.solve(matrix, np.broadcast_to(source, (len(omega), self.size, 1)))
            a = np.linalg.solve(
                matrix.transpose(0, 2, 1), np.broadcast_to(sink, (len(omega), self.size, 1))
            )
        except np.linalg.LinAlgError:
            if len(omega) == 1:
                return np.array([complex(np.inf, 0.0)]), np.array([np.inf])
            parts = [self._solve(one) for one in np.split(omega, len(omega))]
            values, errors = zip(*parts, strict=True)
            return np.concatenate(values), np.concatenate(errors)
        with np.errstate(over="ignore", invalid="ignore"):
            residual = np.abs(source - matrix @ x)
            sizes = np.abs(matrix)
            gamma = (2 * self.size + 8) * _EPS
            spread = gamma * (sizes @ np.abs(x) + np.abs(source)) + self._table[4] @ np.abs(x)
            error = (np.abs(a) * (residual + spread)).sum(axis=(1, 2))
            value: Complexes = (self.sink_vector[None, :] * x[..., 0]).sum(axis=1)
        return value, 2.0 * error

    @functools.cached_property
    def _table(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats, sparse.csr_array, Floats]:
        """Children, parents, lags, slopes [pair, lag], and errors [equation, equation]."""
        pairs: dict[tuple[int, int], int] = {}
        lags = sorted({lag for row in self.rows for _, lag in row}) or [0]
        column = {lag: k for k, lag in enumerate(lags)}
        entries = [
            (pairs.setdefault((child, parent), len(pairs)), column[lag], slope)
            for child, row in enumerate(self.rows)
            for (parent, lag), slope in row.items()
        ]
        errors = np.zeros((self.size, self.size))
        for child, row in enumerate(self.rows):
            for (parent, lag), slope in row.items():
                # z^-lag is as exact as omega * lag is.
                turned = _EPS * (2 + 4 * lag) * abs(slope)
                errors[child, parent] += self.errors[child][parent, lag] + turned
        places, columns, slopes = zip(*entries, strict=True) if entries else ((), (), ())
        table = sparse.csr_array(
            (np.array(slopes, dtype=float), (np.array(places, int), np.array(columns, int))),
            shape=(len(pairs), len(lags)),
        )
        return (
            np.array([child for child, _ in pairs], dtype=np.intp),
            np.array([parent for _, parent in pairs], dtype=np.intp),
            np.array(lags, dtype=float),
            table,
            errors,
        )


def powers_of(omega: Floats, lags: Floats | int) -> Complexes:
    """Return z^-lag at z = e^(i omega); at 0 and pi, where z is 1 and -1, exactly."""
    powers: Complexes = np.exp(-1j * omega * lags)
    signs = np.where(np.asarray(lags) % 2 == 0, 1.0, -1.0)
    return np.where(omega == 0, 1.0, np.where(omega == np.pi, signs, powers))


def _substituted(links: list[StepSlope], stays: set[int]) -> tuple[dict[int, Row], dict[int, Row]]:
    """Return every equation in terms of those that stay, with bounds of the rounding errors."""
    rows: dict[int, Row] = {}
    errors: dict[int, Row] = {}
    for link in links:
        row, error = rows.setdefault(link.child, {}), errors.setdefault(link.child, {})
        if link.lag or link.parent in stays:
            terms = {(link.parent, link.lag): 1.0}
            inner = {}
        else:
            terms, inner = rows.get(link.parent, {}), errors.get(link.parent, {})
        for key, slope in terms.items():
            product = link.slope * slope
            total = row.get(key, 0.0) + product
            row[key] = total
            rounding = _EPS * (2 * abs(product) + abs(total))
            error[key] = error.get(key, 0.0) + abs(link.slope) * inner.get(key, 0.0) + rounding
    return rows, errors


def _on_paths(rows: Mapping[int, Row], step: LinearStep, stays: set[int]) -> list[int]:
    """Return the equations that stay and lie between n and m, in order; none where no path is."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from((*step.inputs, *step.outputs))
    graph.add_edges_from((parent, child) for child in stays for parent, _ in rows.get(child, {}))
    down = set(step.inputs).union(*(nx.descendants(graph, i) for i in step.inputs))
    up = set(step.outputs).union(*(nx.ancestors(graph, i) for i in step.outputs))
    return sorted(down & up)


def _within(
    row: Mapping[tuple[int, int], _Number], place: Mapping[int, int]
) -> dict[tuple[int, int], _Number]:
    """Return a rule with places for equations, those without one left out."""
    return {(place[parent], lag): v for (parent, lag), v in row.items() if parent in place}

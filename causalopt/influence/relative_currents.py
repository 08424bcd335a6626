"""Currents on one scale: over the total effect, or where that is 0 over the largest of them."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causalopt.effects.asked import Asked
from causalopt.effects.measures import NAMES, STATUSES, Part
from causalopt.engine.contract import Bools, Floats
from causalopt.influence.edge_currents import Edge
from causalopt.influence.influence import Currents
from causalopt.influence.node_currents import shares

if TYPE_CHECKING:
    from causalopt.influence.array_currents import ArrayCurrents

OF_TOTAL = "of the total effect"
OF_LARGEST = "of the largest current"
DOUBTED = ("unresolved", "kink")
CODES = {name: code for code, name in enumerate(STATUSES)}
_TELLING = 0.01  # of an array's current: a status of less of it is not told
# From what says least to what is worst: of several statuses the last is told.
GRAVE = ("ok", "held", "perfect", "only_path", "kink", "unresolved", "nonfinite", "diverged")


def times(unit: str) -> str:
    """Return a unit after a number that it is multiplied by.

    Example:
        >>> times(OF_TOTAL)
        '× the total effect'
    """
    return unit.replace("of ", "× ", 1)


def sign_words(unit: str) -> tuple[str, str]:
    """Return what positive and negative currents in a unit do, in words.

    Example:
        >>> sign_words(OF_TOTAL), sign_words(OF_LARGEST)
        (('with the total effect', 'against it'), ('positive', 'negative'))
    """
    return (
        ("with the total effect", "against it")
        if OF_TOTAL[3:] in unit
        else ("positive", "negative")
    )


@dataclasses.dataclass(frozen=True, eq=False)
class RelativeCurrents:
    """Currents of one question on one scale; of an array the sums over its elements.

    Attributes:
        asked: The question.
        unit: What they are divided by: `OF_TOTAL`, or `OF_LARGEST` where n moves m in no way.
        effect: The total effect in words.
        variables: The declared variables.
        between: Those on a way from n to m.
        nodes: Shape [t, variable]; NaN where a value is not finite.
        node_codes: What each means as places in `STATUSES`, shape [t, variable].
        edge_names: (parent, child, lag) each.
        edges: Shape [t of the child, edge].
        edge_codes: Shape [t, edge].
        status: What the total effect means.
    """

    asked: Asked
    unit: str
    effect: str
    variables: tuple[str, ...]
    between: tuple[str, ...]
    nodes: Floats
    node_codes: NDArray[np.int8]
    edge_names: tuple[Edge, ...]
    edges: Floats
    edge_codes: NDArray[np.int8]
    status: str

    @property
    def times(self) -> str:
        """What a number of such a current is a multiple of, in words."""
        return times(self.unit)

    @property
    def target(self) -> str:
        """The variable that is measured; of an array's elements the array."""
        return self.asked.model.target(self.asked.target).variable

    def gravest(self, t: int) -> str:
        """Return the gravest status of a step's currents."""
        present = {str(name) for name in NAMES[self.node_codes[t]]}
        return next((name for name in reversed(GRAVE) if name in present), "no_influence")

    @property
    def doubts(self) -> Bools:
        """Where rounding or a branch decided an edge's current, shape [t, edge]."""
        found: Bools = np.isin(self.edge_codes, [CODES[name] for name in DOUBTED])
        return found

    @property
    def carried(self) -> Floats:
        """What each variable carries over from step t to later ones, shape [t, variable].

        The sum of its edges over the cut between t and t + 1; for edges of one step it is the
        variable's own current. It sums to 1 over variables from n to m; at the last step m has it.
        """
        rows = len(self.nodes)
        whole = np.zeros(self.nodes.shape)
        for e, (parent, _, lag) in enumerate(self.edge_names):
            k = self.variables.index(parent)
            # An edge that ends so soon that it would begin before the run carries nothing.
            for later in range(1, lag + 1):
                whole[: rows - later, k] += self.edges[later:, e]
        m = self.variables.index(self.target)
        whole[-1, m] += self.nodes[-1, m]
        return whole


def relative_currents(found: Currents | ArrayCurrents) -> RelativeCurrents:
    """Return currents on one scale.

    Args:
        found: The currents.
    """
    if not isinstance(found, Currents):
        return _of_arrays(found)
    unit, nodes, edges = OF_TOTAL, found.share, found.edge_share
    if found.nodes.total.mantissa == 0:
        unit, (nodes, edges) = OF_LARGEST, _of_largest(found)
    return RelativeCurrents(
        asked=found,
        unit=unit,
        effect=f"total effect {number_text(_sign(found.nodes.total), found.log_total)}",
        variables=found.variables,
        between=found.nodes.names,
        nodes=nodes,
        node_codes=found.status_codes,
        edge_names=found.edges.edges,
        edges=edges,
        edge_codes=found.edge_status_codes,
        status=found.total_status,
    )


def _of_arrays(found: ArrayCurrents) -> RelativeCurrents:
    variables, rows = tuple(found.share), found.steps + 1
    nodes = np.stack([v.reshape(rows, -1).sum(axis=1) for v in found.share.values()], axis=1)
    codes = np.full(nodes.shape, CODES["no_influence"], dtype=np.int8)
    for k, name in enumerate(variables):
        own, size = found.status[name].reshape(rows, -1), np.abs(found.share[name])
        size = size.reshape(rows, -1)
        least = _TELLING * size.sum(axis=1)
        for kind in GRAVE:
            weight = np.where(own == kind, size, 0.0).sum(axis=1)
            codes[(weight > least) | np.isnan(weight), k] = CODES[kind]
    edges = found.edge_share
    edge_codes = np.where(edges == 0, CODES["no_influence"], CODES[found.total_status])
    known = math.isfinite(found.log_total)
    return RelativeCurrents(
        asked=found,
        unit=OF_TOTAL,
        effect=f"size of the total effect {number_text(1, found.log_total)}",
        variables=variables,
        between=tuple(found.names),
        nodes=nodes if known else np.zeros(nodes.shape),
        node_codes=codes,
        edge_names=found.edges,
        edges=edges if known else np.zeros(edges.shape),
        edge_codes=edge_codes.astype(np.int8),
        status=found.total_status,
    )


def _of_largest(found: Currents) -> tuple[Floats, Floats]:
    """Return the currents through nodes and along edges over the largest of them."""
    current, edges = found.nodes.current, found.edges.current
    largest = _largest(current)
    nodes = np.zeros(found.share.shape)
    if largest is None:
        return nodes, np.zeros(edges.mantissa.shape)
    columns = [found.variables.index(name) for name in found.nodes.names]
    nodes[:, columns] = shares(current, largest)
    return nodes, shares(edges, largest)


def _sign(part: Part) -> int:
    return -1 if part.mantissa < 0 else 1


def _largest(part: Part) -> Part | None:
    """Return the size of the largest finite entry, None for none."""
    log = np.where(np.isfinite(part.log), part.log, -np.inf)
    if log.max(initial=-np.inf) == -np.inf:
        return None
    place = np.unravel_index(int(log.argmax()), log.shape)
    found = part.each(lambda values: np.broadcast_to(values, log.shape)[place])
    return dataclasses.replace(found, mantissa=np.abs(found.mantissa))


@dataclasses.dataclass(frozen=True, eq=False)
class FoldedCurrents:
    """Currents summed over time: the unrolled graph laid onto the template.

    Opposite signs are summed apart, so that they do not hide each other: `positive` + `negative`
    is the sum of the currents, `positive` - `negative` that of their sizes.

    Attributes:
        unit: What the currents are divided by; see `RelativeCurrents`.
        steps: How many steps lead from n to m; a model without time has 1.
        variables: The declared variables.
        edges: (parent, child, lag) each.
        positive: Sums over time of what goes along edges with the total effect, shape [edge].
        negative: And of what goes against it, at most 0.
        doubted: How much of `positive` - `negative` rounding or a branch decided, shape [edge].
        undefined: At how many steps an edge's current is not finite; they are left out.
        node_positive: Sums over time of what goes through variables, shape [variable].
        node_negative: Likewise.
    """

    unit: str
    steps: int
    variables: tuple[str, ...]
    edges: tuple[Edge, ...]
    positive: Floats
    negative: Floats
    doubted: Floats
    undefined: Floats
    node_positive: Floats
    node_negative: Floats

    @property
    def times(self) -> str:
        """What a number of such a current is a multiple of, in words."""
        return times(self.unit)


def folded_currents(found: Currents | ArrayCurrents) -> FoldedCurrents:
    """Return the sums over time of the currents along edges and through variables.

    Args:
        found: The currents.

    Example:
        >>> from causalopt import currents, load
        >>> folded = folded_currents(currents(load("thermostat"), steps=3))
        >>> for edge, gain, loss in zip(folded.edges, folded.positive, folded.negative):
        ...     print(*edge, gain.round(4), loss.round(4))
        R T 1 0.0 -0.0204
        T R 1 0.0 -0.0204
        R R 1 3.0408 0.0
    """
    return folded(relative_currents(found))


def folded(relative: RelativeCurrents) -> FoldedCurrents:
    """Return the sums over time of currents on one scale."""
    edges = np.where(np.isfinite(relative.edges), relative.edges, 0.0)
    nodes = np.where(np.isfinite(relative.nodes), relative.nodes, 0.0)
    return FoldedCurrents(
        unit=relative.unit,
        steps=max(relative.asked.steps - relative.asked.nudge.t, 1),
        variables=relative.variables,
        edges=relative.edge_names,
        positive=np.maximum(edges, 0.0).sum(axis=0),
        negative=np.minimum(edges, 0.0).sum(axis=0),
        doubted=(np.abs(edges) * relative.doubts).sum(axis=0),
        undefined=(~np.isfinite(relative.edges)).sum(axis=0),
        node_positive=np.maximum(nodes, 0.0).sum(axis=0),
        node_negative=np.minimum(nodes, 0.0).sum(axis=0),
    )


def number_text(sign: int, log: float) -> str:
    """Return a number that is known by its logarithm; it may be beyond the range of floats.

    Example:
        >>> number_text(-1, math.log(0.25)), number_text(1, -1000.0), number_text(1, -math.inf)
        ('-0.25', '5.076e-435', '0')
    """
    if math.isnan(log) or log == math.inf:
        return "?"
    if log == -math.inf:
        return "0"
    mark = "-" if sign < 0 else ""
    if abs(log) < 700:
        return f"{mark}{math.exp(log):.4g}"
    power = log / math.log(10)
    whole = math.floor(power)
    mantissa = 10 ** (power - whole)
    if round(mantissa, 3) >= 10:
        mantissa, whole = mantissa / 10, whole + 1
    return f"{mark}{mantissa:.3f}e{whole:+d}"

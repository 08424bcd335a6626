"""Currents on one scale: over the total effect, or where that is 0 over the largest of them."""

from __future__ import annotations

import dataclasses

import numpy as np

from causalopt.effects.measures import Part
from causalopt.engine.contract import Bools, Floats
from causalopt.influence.edge_currents import Edge
from causalopt.influence.influence import Currents
from causalopt.influence.node_currents import shares

OF_TOTAL = "of the total effect"
OF_LARGEST = "of the largest current"
DOUBTED = ("unresolved", "kink")


def times(unit: str) -> str:
    """Return a unit after a number that it is multiplied by.

    Example:
        >>> times(OF_TOTAL)
        '× the total effect'
    """
    return unit.replace("of ", "× ", 1)


@dataclasses.dataclass(frozen=True, eq=False)
class RelativeCurrents:
    """Currents of one question on one scale.

    Attributes:
        unit: What they are divided by: `OF_TOTAL`, or `OF_LARGEST` where n moves m in no way.
        nodes: Shape [t, variable]; NaN where a value is not finite.
        edges: Shape [t of the child, edge].
        doubts: Where rounding or a branch decided an edge's current, shape [t, edge].
        found: The currents.
    """

    unit: str
    nodes: Floats
    edges: Floats
    doubts: Bools
    found: Currents

    @property
    def times(self) -> str:
        """What a number of such a current is a multiple of, in words."""
        return times(self.unit)

    @property
    def carried(self) -> Floats:
        """What each variable carries over from step t to later ones, shape [t, variable].

        The sum of its edges over the cut between t and t + 1; for edges of one step it is the
        variable's own current. It sums to 1 over variables from n to m; at the last step m has it.
        """
        rows = len(self.nodes)
        whole = np.zeros(self.nodes.shape)
        for e, (parent, _, lag) in enumerate(self.found.edges.edges):
            k = self.found.variables.index(parent)
            for later in range(1, lag + 1):
                whole[: rows - later, k] += self.edges[later:, e]
                # An edge that ends so soon would have begun before the run: it carries nothing.
        m = self.found.variables.index(self.found.target)
        whole[-1, m] += self.nodes[-1, m]
        return whole


def relative_currents(found: Currents) -> RelativeCurrents:
    """Return currents on one scale.

    Args:
        found: The currents.
    """
    doubts = np.isin(found.edge_status, DOUBTED)
    if found.nodes.total.mantissa != 0:
        return RelativeCurrents(OF_TOTAL, found.share, found.edge_share, doubts, found)
    current, edges = found.nodes.current, found.edges.current
    largest = _largest(current)
    if largest is None:
        nothing = np.zeros(found.share.shape), np.zeros(edges.mantissa.shape)
        return RelativeCurrents(OF_LARGEST, *nothing, doubts, found)
    nodes = np.zeros(found.share.shape)
    columns = [found.variables.index(name) for name in found.nodes.names]
    nodes[:, columns] = shares(current, largest)
    return RelativeCurrents(OF_LARGEST, nodes, shares(edges, largest), doubts, found)


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


def folded_currents(found: Currents) -> FoldedCurrents:
    """Return the sums over time of the currents along edges and through variables.

    Args:
        found: The currents.

    Example:
        >>> from causalopt import currents, load
        >>> folded = folded_currents(currents(load("thermostat"), steps=3))
        >>> for edge, gain, loss in zip(folded.edges, folded.positive, folded.negative):
        ...     print(*edge, gain.round(4), loss.round(4))
        R T 1 0.0 -0.0206
        T R 1 0.0 -0.0206
        R R 1 3.0412 0.0
    """
    relative = relative_currents(found)
    edges = np.where(np.isfinite(relative.edges), relative.edges, 0.0)
    nodes = np.where(np.isfinite(relative.nodes), relative.nodes, 0.0)
    return FoldedCurrents(
        unit=relative.unit,
        steps=max(found.steps - found.nudge.t, 1),
        variables=found.variables,
        edges=found.edges.edges,
        positive=np.maximum(edges, 0.0).sum(axis=0),
        negative=np.minimum(edges, 0.0).sum(axis=0),
        doubted=(np.abs(edges) * relative.doubts).sum(axis=0),
        undefined=(~np.isfinite(relative.edges)).sum(axis=0),
        node_positive=np.maximum(nodes, 0.0).sum(axis=0),
        node_negative=np.minimum(nodes, 0.0).sum(axis=0),
    )

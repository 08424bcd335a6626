"""The transfer operator of a chain whose states are divided: no mass is shared across an edge.

Linear weights share a move's mass between the corners of its cell. Where an edge of a set runs
through the cell, a walker that stands inside would be counted partly as outside; so corners of
another set than the image's own get nothing, and the others share its mass. What is added is an
error of first order in the cells at the edge. Edges at right angles to an axis have nodes on both
sides, and add none.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.transfer.grid import spread_nodes
from causalopt.descents.transfer.operator import cell_corners
from causalopt.descents.transitions.state_sets import BETWEEN, DESTINATION, ORIGIN
from causalopt.errors import QuestionError
from causalopt.extras import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from causalopt.descents.maps.random_map import Array, RandomMap
    from causalopt.descents.transfer.grid import Box
    from causalopt.descents.transitions.state_sets import Division

HEAD_POINTS = 4096
LEAK = 1e-6


@dataclasses.dataclass(frozen=True)
class DividedOperator:
    """A Markov matrix on the nodes of a grid, and which node lies in which set.

    Args:
        chain: The random map.
        division: The sets.
        axes: One increasing array of nodes a coordinate; nodes run in C order over the axes.
        matrix: Axes (from, to); rows sum to 1.
        labels: 1 in the origin, 2 in the destination, 0 between; axis (node,).
        exits: Where a walker that leaves the grid from a node goes, axes (coordinate, node); NaN
            where none does. In the matrix it is put back on the border.
        leak: With what chance one does, axis (node,).
    """

    chain: RandomMap
    division: Division
    axes: tuple[Array, ...]
    matrix: Any
    labels: NDArray[np.int8]
    exits: Array
    leak: Array

    def points(self) -> Array:
        """Return the nodes, axes (coordinate, node)."""
        return grid_points(self.axes)

    def place(self, points: Array, weights: Array) -> Array:
        """Return the law of weighted points on the nodes, axis (node,).

        Args:
            points: axes (coordinate, point).
            weights: axis (point,).
        """
        corners, shares, _ = shared_corners(self.axes, points, self.division, self.labels)
        law = np.zeros(len(self.labels))
        np.add.at(law, corners.ravel(), (shares * weights).ravel())
        return law

    def expect(self, values: Array, point: tuple[float, ...]) -> float:
        """Return what a function on the nodes is worth at a point between the sets.

        The first steps are taken exactly, all sequences of picks; those that reach a set stop
        there. `values` must be harmonic between the sets, as committors are.
        """
        points, weights = np.array(point, dtype=float)[:, np.newaxis], np.ones(1)
        total = 0.0
        while True:
            free = self.division.labels(points) == BETWEEN
            total += float(values @ self.place(points[:, ~free], weights[~free]))
            points, weights = points[:, free], weights[free]
            if points.shape[1] * len(self.chain.maps) > HEAD_POINTS or not len(weights):
                return total + float(values @ self.place(points, weights))
            if len(self.chain.maps) == 1:
                return total + float(values @ self.place(points, weights))
            points = np.concatenate(list(self.chain.images(points)), axis=1)
            weights = np.outer(self.chain.probabilities, weights).ravel()


def grid_points(axes: tuple[Array, ...]) -> Array:
    """Return the nodes spanned by axes, axes (coordinate, node)."""
    return np.stack([line.ravel() for line in np.meshgrid(*axes, indexing="ij")])


def divided_axes(
    chain: RandomMap, division: Division, box: Box, count: int, start: tuple[float, ...]
) -> tuple[Array, ...]:
    """Return about `count` nodes an axis, a close pair round every edge at right angles to it."""
    low, high = np.array(box.low), np.array(box.high)
    axes = []
    for axis in range(chain.dimension):
        through = [start[axis]]
        slit = 1e-9 * (high[axis] - low[axis])
        for edge in division.straight_edges(low, high, axis):
            through += [edge - slit, edge + slit]
        axes.append(spread_nodes(chain, box, count, axis=axis, through=tuple(through)))
    return tuple(axes)


def divided_operator(
    chain: RandomMap, division: Division, axes: tuple[Array, ...], *, is_final: bool
) -> DividedOperator:
    """Return the chain's operator on a grid, divided by two sets.

    Args:
        chain: The random map.
        division: The sets.
        axes: One increasing array of nodes a coordinate.
        is_final: Whether what becomes of walkers in the destination does not matter: then they
            may leave the grid, and arrive outside it.

    Raises:
        QuestionError: A set holds no node, or the update overflows.
    """
    need("scipy")
    from scipy import sparse

    points = grid_points(axes)
    labels = division.labels(points)
    _check_sets(division, labels, axes, chain.names)
    images = chain.images(points)
    if not np.all(np.isfinite(images)):
        raise QuestionError(
            "the update overflows on the grid; a smaller T or a narrower --span keeps it finite"
        )
    count, home = len(labels), int(np.flatnonzero(labels == DESTINATION)[0])
    matters = labels != DESTINATION if is_final else np.ones(count, dtype=bool)
    exits, leak = np.full(points.shape, np.nan), np.zeros(count)
    rows, columns, values = [], [], []
    for image, chance in zip(images, chain.probabilities, strict=True):
        corners, shares, inside = shared_corners(axes, image, division, labels)
        arrived = ~inside & (division.labels(image) == DESTINATION) if is_final else ~inside & False
        gone = ~inside & ~arrived & matters
        exits[:, gone] = image[:, gone]
        leak[gone] += chance
        corners = np.where(arrived, home, corners)
        rows.append(np.tile(np.arange(count), len(corners)))
        columns.append(corners.ravel())
        values.append((shares * chance).ravel())
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    matrix = sparse.csr_array(entries, shape=(count, count))
    matrix.eliminate_zeros()
    return DividedOperator(chain, division, axes, matrix, labels, exits, leak)


def shared_corners(
    axes: tuple[Array, ...], points: Array, division: Division, labels: NDArray[np.int8]
) -> tuple[NDArray[np.int64], Array, NDArray[np.bool_]]:
    """Return the corners round each point, their shares, and whether it is inside the grid.

    Corners of another set than the point's own have no share, unless there are no others.
    Axes: (corner, point), (corner, point), (point,).
    """
    corners, weights, inside = cell_corners(axes, points)
    own = np.where(labels[corners] == division.labels(points), weights, 0.0)
    whole = own.sum(axis=0)
    alone = whole > 0
    shares = np.where(alone, own / np.where(alone, whole, 1.0), weights)
    return corners, shares, inside


def _check_sets(
    division: Division, labels: NDArray[np.int8], axes: tuple[Array, ...], names: tuple[str, ...]
) -> None:
    span = " and ".join(
        f"{name} from {line[0]:.6g} to {line[-1]:.6g}"
        for name, line in zip(names, axes, strict=True)
    )
    for label, found in ((ORIGIN, division.origin), (DESTINATION, division.destination)):
        if not np.any(labels == label):
            raise QuestionError(
                f"'{found.text}' holds no node of the grid, which covers {span}, as far as walkers "
                "get from the start; ask for another set, or name a --span that reaches it"
            )
    if not np.any(labels == BETWEEN):
        raise QuestionError(
            f"no node of the grid lies between '{division.origin.text}' and "
            f"'{division.destination.text}': leave room between the sets"
        )


def check_exits(operator: DividedOperator, law: Array, flux: float) -> None:
    """Refuse a grid that more walkers leave than a millionth of those that pass.

    Args:
        operator: The chain on the grid.
        law: How often a walker is at each node, axis (node,).
        flux: How many pass, a step.

    Raises:
        QuestionError: More do.
    """
    lost = law * operator.leak
    if lost.sum() > LEAK * flux:
        worst = int(np.argmax(lost))
        places = operator.points()[:, worst], operator.exits[:, worst]
        told = [", ".join(f"{value:.6g}" for value in place) for place in places]
        raise QuestionError(
            f"walkers leave the grid: from {', '.join(operator.chain.names)} = {told[0]} one goes "
            f"to {told[1]}; {lost.sum():.2g} a step leave, {flux:.2g} pass: widen --span"
        )

"""The transfer operator of a random map on a grid: laws pushed forwards, functions pulled back.

Node i moves by map k to a point inside some cell; its mass is shared between that cell's corners by
linear (in several dimensions multilinear) weights. The matrix M has M[i, j] = probability of going
from node i to node j. Mass is kept exactly, positivity is kept, and so is the mean of every move;
what is added is a variance of at most h^2/4 a step, the discretisation error that refinement
measures. Moves that leave the grid go to one extra state, `outside`, the last one: mass that leaves
is never lost, it is counted.

Source: Ulam, A Collection of Mathematical Problems (1960); here with hat functions in place of
indicators, so that a move shorter than a cell is still resolved on average.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.errors import QuestionError
from causalopt.extras import need

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from causalopt.descents.maps.random_map import Array, RandomMap


@dataclasses.dataclass(frozen=True)
class Operator:
    """A Markov matrix on grid nodes and one state outside.

    Args:
        axes: One increasing array of nodes a coordinate; nodes run in C order over the axes.
        matrix: Rows sum to 1; axes (from, to), the last state is `outside`, and absorbs.
    """

    axes: tuple[Array, ...]
    matrix: csr_array[Any]

    @property
    def size(self) -> int:
        """How many states, `outside` among them."""
        return int(self.matrix.shape[0])

    def points(self) -> Array:
        """Return the nodes, axes (coordinate, node)."""
        return np.stack([line.ravel() for line in np.meshgrid(*self.axes, indexing="ij")])

    def place(self, points: Array, weights: Array | None = None) -> Array:
        """Return the law of weighted points on the grid, axis (state,).

        Args:
            points: axes (coordinate, point).
            weights: axis (point,), summing to 1; equal ones by default.

        Returns:
            The mass at each node, the mass outside the grid last.
        """
        law = np.zeros(self.size)
        shares = np.full(points.shape[1], 1.0 / points.shape[1]) if weights is None else weights
        corners, parts, inside = cell_corners(self.axes, np.asarray(points, dtype=float))
        for corner, part in zip(corners, parts, strict=True):
            np.add.at(law, corner[inside], (part * shares)[inside])
        law[-1] = shares[~inside].sum()
        return law

    def push(self, law: Array, *, steps: int = 1) -> Array:
        """Return the law `steps` later, axis (state,); its sum is kept."""
        turned = self.matrix.T.tocsr()
        for _ in range(steps):
            law = turned @ law
        return law

    def pull(self, values: Array, *, steps: int = 1) -> Array:
        """Return the expectation of `values` at the state `steps` later, axis (state,)."""
        for _ in range(steps):
            values = self.matrix @ values
        return values


def transfer_operator(chain: RandomMap, axes: tuple[Array, ...]) -> Operator:
    """Return the chain's transfer operator on the grid spanned by `axes`.

    Args:
        chain: The random map.
        axes: One increasing array of nodes for each coordinate.

    Returns:
        The operator; mass that leaves the grid is in its last state.

    Raises:
        QuestionError: Another number of axes than coordinates, or an update that overflows.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> line = transfer_operator(walk, (np.arange(-4.0, 5.0),))
        >>> line.push(line.place(np.array([[0.0]])), steps=2)[[2, 4, 6]]
        array([0.25, 0.5 , 0.25])
    """
    need("scipy")
    from scipy import sparse

    if len(axes) != chain.dimension:
        raise QuestionError(
            f"the chain has {chain.dimension} coordinates ({', '.join(chain.names)}); "
            f"a grid with {len(axes)} axes came"
        )
    points = np.stack([line.ravel() for line in np.meshgrid(*axes, indexing="ij")])
    images = chain.images(points)
    if not np.all(np.isfinite(images)):
        raise QuestionError(
            "the update overflows on the grid; a smaller T or narrower bounds keep it finite"
        )
    count = points.shape[1]
    rows, columns, values = [], [], []
    for image, probability in zip(images, chain.probabilities, strict=True):
        corners, weights, inside = cell_corners(axes, image)
        kept = np.where(inside, weights, 0.0) * probability
        rows.append(np.tile(np.arange(count), len(corners)))
        columns.append(corners.ravel())
        values.append(kept.ravel())
        gone = np.flatnonzero(~inside)
        rows.append(gone)
        columns.append(np.full(len(gone), count))
        values.append(np.full(len(gone), probability))
    rows.append(np.array([count]))
    columns.append(np.array([count]))
    values.append(np.array([1.0]))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    matrix = sparse.csr_array(entries, shape=(count + 1, count + 1))
    matrix.eliminate_zeros()
    return Operator(axes, matrix)


def cell_corners(axes: tuple[Array, ...], images: Array) -> tuple[Any, Array, Any]:
    """Return the cell corners around each image, their weights, and whether it is inside.

    Axes: corners and weights (corner, point), inside (point,).
    """
    corners = np.zeros((1, images.shape[1]), dtype=np.int64)
    weights = np.ones((1, images.shape[1]))
    inside = np.ones(images.shape[1], dtype=bool)
    for nodes, value in zip(axes, images, strict=True):
        # Images of the end nodes may overshoot by rounding alone.
        slack = 1e-9 * (nodes[-1] - nodes[0])
        inside &= (value >= nodes[0] - slack) & (value <= nodes[-1] + slack)
        clipped = np.clip(value, nodes[0], nodes[-1])
        cell = np.clip(np.searchsorted(nodes, clipped, side="right") - 1, 0, len(nodes) - 2)
        share = (clipped - nodes[cell]) / (nodes[cell + 1] - nodes[cell])
        left, right = corners * len(nodes) + cell, corners * len(nodes) + cell + 1
        corners = np.concatenate([left, right])
        weights = np.concatenate([weights * (1.0 - share), weights * share])
    return corners, weights, inside


def absorb(operator: Operator, states: NDArray[np.bool_]) -> Operator:
    """Return the operator in which `states` (True where, axis (state,)) are never left."""
    need("scipy")
    from scipy import sparse

    keep = sparse.diags_array((~states).astype(float))
    stay = sparse.diags_array(states.astype(float))
    return Operator(operator.axes, sparse.csr_array(keep @ operator.matrix + stay))

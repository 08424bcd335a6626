"""What hangs together: connected components of a graph of cells, by union-find on arrays.

Every cell takes the smallest label among its neighbours' roots, and roots are found by halving
paths, until nothing changes: the rounds grow as the logarithm of the longest chain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


def linked(count: int, pairs: tuple[Labels, Labels]) -> Labels:
    """Return each cell's component, named by its smallest cell, shape [cell].

    Args:
        count: How many cells.
        pairs: Neighbours, two arrays of one length.

    Example:
        >>> linked(5, (np.array([0, 3]), np.array([1, 4]))).tolist()
        [0, 0, 2, 3, 3]
    """
    roots = np.arange(count)
    first, second = pairs
    while len(first):
        left, right = roots[first], roots[second]
        low = np.minimum(left, right)
        np.minimum.at(roots, left, low)
        np.minimum.at(roots, right, low)
        while True:
            above = roots[roots]
            if np.array_equal(above, roots):
                break
            roots = above
        is_open = roots[first] != roots[second]
        first, second = first[is_open], second[is_open]
    return roots


def touching(cells: NDArray[np.int32]) -> tuple[Labels, Labels]:
    """Return the pairs of different cells that share a face, each pair once.

    Args:
        cells: The cell of each place of a grid, any number of axes.
    """
    count = int(cells.max()) + 1
    keys = []
    for axis in range(cells.ndim):
        before = np.moveaxis(cells, axis, 0)[:-1].ravel()
        after = np.moveaxis(cells, axis, 0)[1:].ravel()
        differ = before != after
        a, b = before[differ].astype(np.int64), after[differ].astype(np.int64)
        keys.append(np.minimum(a, b) * count + np.maximum(a, b))
    joined = np.concatenate(keys)
    if count < cells.size:  # else each pair has one face, and is there once
        joined.sort()
        joined = joined[np.flatnonzero(np.diff(joined, prepend=-1))]
    return joined // count, joined % count

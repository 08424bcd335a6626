"""Sets of elements of an array as ranges along its dims."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from causalopt.model.selectors import Elements


def boxes_of(mask: NDArray[np.bool_]) -> list[Elements]:
    """Return ranges (start, stop) along each dim that together are a set of elements.

    No element lies in two of them. Slices along the first dim that are alike make one range.

    Args:
        mask: Which elements are in the set, shape [dim0, dim1, ...].

    Example:
        >>> boxes_of(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=bool))
        [((0, 2), (0, 2)), ((2, 3), (2, 3))]
    """
    if mask.ndim == 0:
        return [()] if mask else []
    if not mask.any():
        return []
    rows = mask.reshape(len(mask), -1)
    edges = [0, *(np.flatnonzero((rows[1:] != rows[:-1]).any(axis=1)) + 1).tolist(), len(rows)]
    return [
        ((start, stop), *inner)
        for start, stop in itertools.pairwise(edges)
        for inner in boxes_of(mask[start])
    ]

"""How much of each mixed cell lies above the level, and which region a mixed cell belongs to."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from causalopt.basins.cell_refinement import MIXED, CellTree
from causalopt.basins.linked_cells import Labels, linked
from causalopt.basins.point_classes import ABOVE, BELOW
from causalopt.engine.contract import Bools, Floats

_POINTS = {1: 256, 2: 8, 3: 4}  # along each axis of a cell, at which Op is interpolated
_MOST = 50.0  # nats from the level: infinite Op counts as this
_TOGETHER = 1 << 15  # cells


def mixed_corners(tree: CellTree, mixed: NDArray[np.intp]) -> tuple[Floats, NDArray[np.int8]]:
    """Return Op and class at the corners of leaves, each of shape [corner, leaf].

    Corners come as the binary digits of their number, the first axis' digit in front.
    """
    places = tree.places_of(mixed)
    size = 1 << (tree.depth - tree.levels[mixed].astype(np.int64))
    ops, codes = [], []
    for offset in itertools.product((0, 1), repeat=len(tree.shape)):
        where = tuple(place + o * size for place, o in zip(places, offset, strict=True))
        ops.append(tree.op[where].astype(float))
        codes.append(tree.corners[where])
    return np.array(ops), np.array(codes)


def share_above(op: Floats, codes: NDArray[np.int8], level: float) -> Floats:
    """Return the share of cells in which Op, interpolated between corners, is above the level.

    Between corners Op is multilinear: where it is smooth, the share's error falls as the square of
    the cell's size. A cell with a corner in another class counts its corners.

    Args:
        op: Shape [corner, cell].
        codes: Classes, likewise.
        level: The level.
    """
    axes = len(op).bit_length() - 1
    shares: Floats = (codes == ABOVE).mean(axis=0)
    plain = np.flatnonzero(((codes == ABOVE) | (codes == BELOW)).all(axis=0))
    count = _POINTS[axes]
    middles = (np.arange(count) + 0.5) / count
    one = np.stack([1 - middles, middles])  # weights of both ends
    weights = one
    for _ in range(axes - 1):
        weights = np.einsum("ap,bq->abpq", weights, one)
        weights = weights.reshape(len(weights) * 2, -1)
    for first in range(0, len(plain), _TOGETHER):
        some = plain[first : first + _TOGETHER]
        heights = np.clip(op[:, some] - level, -_MOST, _MOST)
        shares[some] = (weights.T @ heights > 0).mean(axis=0)
    return shares


def regions_of(tree: CellTree, may_be: Bools) -> tuple[Labels, Labels, Labels]:
    """Return what hangs together, by leaf: closed regions, open ones, and who is next to whom.

    Args:
        tree: The cells.
        may_be: Leaves that have a corner above the level, shape [leaf].

    Returns:
        For each leaf the number of its region, 1 for the largest, 0 for none: of leaves that lie
        above wholly; of leaves that may, where -1 stands for those that touch no region; and, for
        leaves that lie above or may, the region they are nearest to by steps across faces, 0 for
        none.
    """
    inside = tree.classes == ABOVE
    first, second = tree.faces
    count, shares = len(inside), tree.shares
    closed = _numbered(_joined(count, first, second, inside), inside, shares)
    every = inside | may_be
    open_roots = _joined(count, first, second, every)
    has_region = np.zeros(count, dtype=bool)
    has_region[open_roots[inside]] = True
    real = every & has_region[open_roots]
    opened = _numbered(open_roots, real, shares)
    opened[every & ~real] = -1
    return closed, opened, _nearest(closed, every, first, second)


def _joined(count: int, first: Labels, second: Labels, chosen: Bools) -> Labels:
    both = chosen[first] & chosen[second]
    return linked(count, (first[both], second[both]))


def _numbered(roots: Labels, chosen: Bools, shares: Floats) -> Labels:
    """Return 1, 2, ... for the chosen leaves' components, the largest first; 0 for others."""
    sizes = np.bincount(roots[chosen], weights=shares[chosen], minlength=len(roots))
    found = np.flatnonzero(sizes)
    order = found[np.argsort(-sizes[found], kind="stable")]
    numbers = np.zeros(len(roots), dtype=np.int64)
    numbers[order] = np.arange(1, len(order) + 1)
    return np.where(chosen, numbers[roots], 0)


def _nearest(closed: Labels, every: Bools, first: Labels, second: Labels) -> Labels:
    """Spread the numbers of regions over leaves that may belong to them, step by step."""
    near = closed.copy()
    open_pair = every[first] & every[second] & ((near[first] == 0) | (near[second] == 0))
    sides = (first[open_pair], second[open_pair])
    source, goal = np.concatenate(sides), np.concatenate(sides[::-1])
    while True:
        left = near[goal] == 0
        source, goal = source[left], goal[left]
        known = near[source] > 0
        if not known.any():
            return near
        # Where two regions meet the larger one, of the smaller number, is written last.
        labels, places = near[source[known]], goal[known]
        order = np.argsort(-labels, kind="stable")
        near[places[order]] = labels[order]


def may_be_above(tree: CellTree, mixed: NDArray[np.intp], codes: NDArray[np.int8]) -> Bools:
    """Return which leaves are mixed and have a corner above, shape [leaf]."""
    found = np.zeros(len(tree.classes), dtype=bool)
    found[mixed[(codes == ABOVE).any(axis=0)]] = True
    assert (tree.classes[found] == MIXED).all()
    return found

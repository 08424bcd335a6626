"""Grids for a random map: how far they must reach, and where they must be fine.

A grid reaches as far as the chain can go (the hull of all images) and puts its nodes by
equidistribution: half of them evenly, half in proportion to the square root of the maps'
curvature, which is where linear interpolation errs (error = h^2 F''/8).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array, RandomMap

PROBES = {1: 2049, 2: 97}
GROWTH_LIMIT = 1e6
PATIENCE = 5000
LEAP = 8
SLACK = 1e-6


@dataclasses.dataclass(frozen=True)
class Box:
    """The box the chain can visit; `closed` when no image of it falls outside.

    Args:
        low: Lower ends, one a coordinate.
        high: Upper ends.
        closed: Whether the chain stays in the box for all the steps asked for.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    closed: bool

    def widened(self, share: float) -> Box:
        """Return the box with this share of its width added at every end."""
        pads = [share * (top - bottom) for bottom, top in zip(self.low, self.high, strict=True)]
        low = tuple(bottom - pad for bottom, pad in zip(self.low, pads, strict=True))
        high = tuple(top + pad for top, pad in zip(self.high, pads, strict=True))
        return Box(low, high, self.closed)


def reach(chain: RandomMap, low: Array, high: Array, *, steps: int) -> Box:
    """Return the box a chain can reach from the box `[low, high]` within `steps`.

    The hull grows by the images of probes; it stops once it maps into itself, after `steps`
    growths, or once it is a million times its first size (an unstable chain).

    Args:
        chain: The random map, of one or two coordinates.
        low: Lower ends of the starting box, axis (coordinate,).
        high: Upper ends.
        steps: How many steps the chain takes.

    Raises:
        QuestionError: The maps overflow in the box, or the chain has more than two coordinates.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> half = RandomMap((lambda w: w / 2,), (1.0,))
        >>> reach(half, np.array([0.0]), np.array([1.0]), steps=10)
        Box(low=(0.0,), high=(1.0,), closed=True)
    """
    if chain.dimension not in PROBES:
        raise QuestionError(
            f"grids serve one or two coordinates; this chain has {chain.dimension} "
            f"({', '.join(chain.names)}): ask walkers, as causalopt escape --method ensemble does"
        )
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    limit = GROWTH_LIMIT * max(float(np.max(high - low)), 1.0)
    growths = [np.zeros((2, len(low)))] * 3
    for count in range(min(steps, PATIENCE)):
        with np.errstate(over="ignore", invalid="ignore"):
            images = chain.images(_probes(low, high))
        if not np.all(np.isfinite(images)):
            raise QuestionError(
                f"the update overflows between {low} and {high}; "
                "a smaller T or narrower bounds keep it finite"
            )
        lower = np.minimum(low, images.min(axis=(0, 2)))
        upper = np.maximum(high, images.max(axis=(0, 2)))
        slack = SLACK * (high - low)
        closed = bool(np.all(lower >= low - slack) and np.all(upper <= high + slack))
        growths = [*growths[1:], np.stack([low - lower, upper - high])]
        low, high = lower, upper
        if closed:
            return _box(low, high, closed=True)
        if float(np.max(high - low)) > limit:
            return _box(low, high, closed=False)
        if count % LEAP == LEAP - 1:
            ahead = _remaining(growths, steps - count)
            low, high = low - ahead[0], high + ahead[1]
    return _box(low, high, closed=steps <= PATIENCE)


def _remaining(growths: list[Array], steps: int) -> Array:
    """Return how far geometric growth still goes: a slow approach to a fixed point is leapt over.

    Only growth whose ratio is steady is extrapolated; one that speeds up, or has only begun to slow
    down (a free walk, the middle of a slope), is left to its own steps.
    """
    first, second, third = growths
    started = (first > 0) & (second > 0)
    before = np.divide(second, first, out=np.ones_like(first), where=started)
    ratio = np.divide(third, second, out=np.ones_like(first), where=started)
    steady = (np.abs(ratio - before) < 0.02 * (1 - ratio)) & (ratio > 0)
    steady &= ratio < 1 - 1 / max(steps, 2)
    return np.where(steady, third * ratio / np.where(steady, 1 - ratio, 1.0), 0.0)


def _box(low: Array, high: Array, *, closed: bool) -> Box:
    flat = np.where(high > low, 0.0, 1.0)
    return Box(tuple((low - flat).tolist()), tuple((high + flat).tolist()), closed)


def _probes(low: Array, high: Array) -> Array:
    count = PROBES[len(low)]
    lines = [np.linspace(bottom, top, count) for bottom, top in zip(low, high, strict=True)]
    return np.stack([line.ravel() for line in np.meshgrid(*lines, indexing="ij")])


def spread_nodes(
    chain: RandomMap, box: Box, count: int, *, axis: int = 0, through: tuple[float, ...] = ()
) -> Array:
    """Return about `count` increasing nodes along one axis, dense where the maps curve.

    Args:
        chain: The random map.
        box: Where the grid lies.
        count: How many nodes.
        axis: Which coordinate they are for.
        through: Points that must be nodes, such as the start and the level to be passed.

    Returns:
        Nodes, axis (node,), in units of the state.

    Raises:
        QuestionError: The box is empty or `count` is below 8.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> line = RandomMap((lambda w: w / 2,), (1.0,))
        >>> spread_nodes(line, Box((0.0,), (1.0,), True), 9)[4]
        np.float64(0.5)
    """
    low, high = box.low[axis], box.high[axis]
    if not low < high or count < 8:
        raise QuestionError(
            f"a grid needs low < high and at least 8 nodes; [{low}, {high}] with {count} came"
        )
    lines = [np.linspace(bottom, top, 33) for bottom, top in zip(box.low, box.high, strict=True)]
    lines[axis] = probes = np.linspace(low, high, PROBES[1])
    points = np.stack([line.ravel() for line in np.meshgrid(*lines, indexing="ij")])
    shape = (len(chain.maps), chain.dimension, *(len(line) for line in lines))
    bends = np.abs(np.diff(chain.images(points).reshape(shape), n=2, axis=2 + axis))
    bend = bends.max(axis=tuple(number for number in range(bends.ndim) if number != 2 + axis))
    return _passing_through(_equidistributed(probes, bend, count), through)


def _equidistributed(probes: Array, bend: Array, count: int) -> Array:
    """Return nodes of equal integral of `1 + sqrt(bend)`, both parts of equal weight."""
    density = np.sqrt(np.concatenate([bend[:1], bend, bend[-1:]]))
    total = float(np.trapezoid(density, probes))
    flat = 1.0 / float(probes[-1] - probes[0])
    density = 0.5 * flat + 0.5 * density / total if total > 1e-6 else np.full(len(probes), flat)
    # Neighbouring widths must differ little, or a scheme on them falls to first order.
    density = np.convolve(np.pad(density, 8, mode="edge"), np.full(17, 1 / 17), mode="valid")
    filled = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.asarray(np.interp(np.linspace(0, filled[-1], count), filled, probes))


def _passing_through(nodes: Array, through: tuple[float, ...]) -> Array:
    """Move the nearest inner node onto each point, so that no cell becomes a sliver.

    Two points that share their nearest node get a node each: the second is inserted.
    """
    fixed: set[float] = set()
    for point in through:
        if not nodes[0] < point < nodes[-1]:
            continue
        nearest = int(np.argmin(np.abs(nodes[1:-1] - point))) + 1
        if float(nodes[nearest]) in fixed:
            nodes = np.unique(np.append(nodes, point))
        else:
            nodes[nearest] = point
        fixed.add(point)
    return nodes

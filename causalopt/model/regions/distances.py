"""Cones and tubes: elements of arrays within a distance of a centre that moves.

The distance of two elements is the largest of their distances along the dims, so that a ball is a
box. Dims are known by name: a centre in `x` with a dim `cell` has a place in every array that has
that dim, and what has none of its dims is in no cone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np

from causalopt.errors import QuestionError
from causalopt.model.regions.spacetime import Spacetime
from causalopt.model.regions.timeline import Bools, Timeline
from causalopt.model.selectors import Node

_LARGEST = 1 << 28  # elements of all masks together


@dataclasses.dataclass(frozen=True)
class Centre:
    """An element of an array at one step, as a place along named dims.

    Attributes:
        variable: The array.
        t: The step.
        place: Dim -> the element; a dim without a name is (variable, axis).
    """

    variable: str
    t: int
    place: tuple[tuple[object, int], ...]

    @classmethod
    def of(cls, space: Spacetime, node: Node) -> Centre:
        """Return a node's place."""
        ranges = node.elements or ()
        dims = _dims(space, node.variable)
        return cls(
            node.variable,
            node.t,
            tuple((dim, start) for dim, (start, _) in zip(dims, ranges, strict=True)),
        )


def cone(
    space: Spacetime, centre: Centre, speed: Fraction, *, past: bool, ring: bool
) -> dict[str, Timeline]:
    """Return the elements that something with at most a speed reaches from a centre.

    Args:
        space: The nodes of the run.
        centre: The tip.
        speed: Elements a step, not negative.
        past: Whether the cone opens to earlier steps: what may reach the centre.
        ring: Whether the dims close on themselves.
    """
    radii = [(centre.t, 0)]
    size = max((n for name in space.names for n in space.shape(name)), default=1)
    for radius in range(1, size if speed else 1):
        wait = math.ceil(radius / speed)
        if wait > centre.t if past else space.steps is not None and centre.t + wait > space.steps:
            break
        radii.append((centre.t - wait if past else centre.t + wait, radius))
    place = dict(centre.place)

    def masks(shape: tuple[int, ...], dims: tuple[object, ...]) -> Iterable[tuple[int, Bools]]:
        if not past:
            # Of several radii that begin at one step the largest counts.
            return [(t, _ball(shape, dims, place, r, ring)) for t, r in dict(radii).items()]
        starts = [*(t + 1 for t, _ in radii[1:]), 0]
        found = [
            (start, _ball(shape, dims, place, r, ring))
            for start, (_, r) in zip(starts, radii, strict=True)
        ]
        # Of several radii that end at one step the smallest counts.
        ended = {**dict(reversed(found)), centre.t + 1: np.zeros(shape, dtype=bool)}
        return [*ended.items()]

    return _timelines(space, masks, len(radii) + 1, place)


def tube(
    space: Spacetime, start: Centre, end: Centre, distance: int, *, ring: bool
) -> dict[str, Timeline]:
    """Return the elements within a distance of a centre that moves at one speed, step by step.

    The centre is rounded to the nearest element, halves up; on a ring it goes the shorter way.

    Args:
        space: The nodes of the run.
        start: Where the centre is first.
        end: Where it is last.
        distance: In elements.
        ring: Whether the dims close on themselves.
    """
    length = end.t - start.t
    sizes = {d: n for name in space.names for d, n in zip(*_sized(space, name), strict=True)}
    ways = {}
    for (dim, a), (_, b) in zip(start.place, end.place, strict=True):
        way = b - a
        if ring and 2 * abs(way) > sizes[dim]:
            way -= int(math.copysign(sizes[dim], way))
        ways[dim] = (a, way)

    def masks(shape: tuple[int, ...], dims: tuple[object, ...]) -> Iterable[tuple[int, Bools]]:
        nothing = np.zeros(shape, dtype=bool)
        found = [] if start.t == 0 else [(0, nothing)]
        for t in range(start.t, end.t + 1):
            gone = Fraction(t - start.t, length or 1)
            place = {d: math.floor(a + way * gone + Fraction(1, 2)) for d, (a, way) in ways.items()}
            if ring:
                place = {d: i % sizes[d] for d, i in place.items()}
            found.append((t, _ball(shape, dims, place, distance, ring)))
        return [*found, (end.t + 1, nothing)]

    return _timelines(space, masks, length + 3, dict(start.place))


def _timelines(
    space: Spacetime,
    masks: Callable[[tuple[int, ...], tuple[object, ...]], Iterable[tuple[int, Bools]]],
    pieces: int,
    place: dict[object, int],
) -> dict[str, Timeline]:
    chosen = [name for name in space.names if {*_dims(space, name)} & {*place}]
    needed = pieces * sum(math.prod(space.shape(name)) for name in chosen)
    if needed > _LARGEST:
        raise QuestionError(
            f"a cone or a tube of {pieces} different steps over all elements is {needed:.3g} "
            "places, more than fits: take fewer steps"
        )
    found = {}
    for name in chosen:
        starts, values = zip(*masks(space.shape(name), _dims(space, name)), strict=True)
        if starts[0]:
            starts, values = (0, *starts), (np.zeros_like(values[0]), *values)
        line = Timeline(np.array(starts, dtype=np.int64), np.stack(values))
        found[name] = line.shortest()
    return found


def _ball(
    shape: tuple[int, ...],
    dims: tuple[object, ...],
    place: dict[object, int],
    radius: int,
    ring: bool,
) -> Bools:
    """Return the elements within a radius of a place, along the dims that it has."""
    mask = np.ones(shape, dtype=bool)
    for axis, (dim, size) in enumerate(zip(dims, shape, strict=True)):
        if dim in place:
            apart = np.abs(np.arange(size) - place[dim])
            apart = np.minimum(apart, size - apart) if ring else apart
            mask &= (apart <= radius).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return mask


def _dims(space: Spacetime, variable: str) -> tuple[object, ...]:
    return _sized(space, variable)[0]


def _sized(space: Spacetime, variable: str) -> tuple[tuple[object, ...], tuple[int, ...]]:
    """Return an array's dims and their sizes; a dim that has no name of its own is no other's."""
    names, sizes = space.shapes.get(variable, ((), ()))
    known = tuple(
        name if name is not None and names.count(name) == 1 else (variable, axis)
        for axis, name in enumerate(names)
    )
    return known, sizes

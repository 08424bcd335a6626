"""Growth of tangents along a run: by QR for a frame of directions, and its slope with an error.

The QR method of Benettin et al. (1980). A direction whose image is lost in the rounding of the
step's own products has died: the map is rank-deficient there, and the direction grows by -inf.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from causalopt.engine.contract import Floats

BATCHES = 10
_SUSPECT = 1e-8  # growth in a step, to 1 or to the largest: below it, it may be rounding
_ROUNDINGS = 64  # how many roundings an image may be made of, for each direction

Maps = Iterable[Callable[[Floats], Floats]]


def growth(
    maps: Maps, frame: Floats, burn: int, noise: Callable[[int, Floats], Floats]
) -> tuple[Floats, Floats]:
    """Return log growth per step by QR, [step, direction], and the frame before the last step.

    A direction that dies grows by -inf at all steps, and is 0 in the frame. The `burn` first steps
    only turn the frame into the directions that grow.

    Args:
        maps: What carries a frame over each step.
        frame: The directions at the start, shape [slot, direction].
        burn: How many steps are not counted.
        noise: The sizes of the products that make up the images of directions at a step, shape
            [slot, direction]: an image is known to some roundings of these.
    """
    alive = np.arange(frame.shape[1])
    logs: list[Floats] = []
    dead: list[int] = []
    width = frame.shape[1]
    frame = np.linalg.qr(frame)[0]
    before = frame, alive
    for t, carry in enumerate(maps):
        before = frame, alive
        turned, upper = np.linalg.qr(carry(frame))
        sizes = np.abs(np.diagonal(upper))
        if t >= burn:
            suspect = sizes <= _SUSPECT * max(1.0, sizes.max(initial=0.0))
            if suspect.any():
                lost = suspect & _is_rounding(turned, sizes, noise(t, frame))
                dead += alive[lost].tolist()
                alive, turned, sizes = alive[~lost], turned[:, ~lost], sizes[~lost]
            row = np.full(width, -math.inf)
            row[alive] = np.log(sizes)
            logs.append(row)
        frame = turned
    table = np.array(logs).reshape(-1, width)
    table[:, dead] = -math.inf
    final = np.zeros((len(frame), width))
    final[:, before[1]] = before[0]
    return table, final


def _is_rounding(turned: Floats, sizes: Floats, products: Floats) -> np.ndarray:
    """Return which new directions are no larger than the rounding of what they are made of."""
    earlier = np.abs(turned)
    bound = products.copy()
    for k in range(1, turned.shape[1]):
        bound[:, k] += earlier[:, :k] @ (earlier[:, :k].T @ products[:, k])
    limit = _ROUNDINGS * turned.shape[1] * 2.0**-53 * bound
    found: np.ndarray = (earlier * sizes <= limit).all(axis=0)
    return found


def slope(logs: Floats) -> Floats:
    """Return the least-squares slope of accumulated growth over the steps, along the first axis.

    It is a mean of the growth per step with weights that fall to the ends, where the size of a
    tangent happens to be large or small.

    Example:
        >>> float(slope(np.array([1.0, 1.0, 1.0])))
        1.0
    """
    count = len(logs)
    j = np.arange(1, count + 1)
    weights = j * (count + 1 - j) / (count * (count + 1) * (count + 2) / 6)
    return np.tensordot(weights, logs, 1)


def slope_error(logs: Floats) -> Floats:
    """Return the standard error of `slope`: from those of 10 and of 20 batches, the larger.

    Batches must outlast the memory of the growth. If they do, both errors agree; if they do not,
    the longer batches have the larger error when growth clusters, the shorter when it alternates.
    """
    errors = []
    for count in (BATCHES, 2 * BATCHES):
        if count <= len(logs):
            batches = np.array([slope(part) for part in np.array_split(logs, count)])
            with np.errstate(invalid="ignore"):
                errors.append(batches.std(axis=0, ddof=1) / math.sqrt(count))
    found: Floats = np.max(errors, axis=0)
    return found

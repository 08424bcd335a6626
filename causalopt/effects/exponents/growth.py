"""Growth of tangents along a run: by QR for a frame of directions, and its slope with an error.

The QR method of Benettin et al. (1980). A direction whose image is lost in the rounding of the
step's own products has died: the map is rank-deficient there, and the direction grows by -inf.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from causalopt.effects.exponents.carried_maps import CarriedMaps
from causalopt.engine.contract import Floats
from causalopt.engine.executions import growth_for

BATCHES = 10
SUSPECT = 1e-8  # growth in a step, to 1 or to the largest: below it, it may be rounding
_ROUNDINGS = 64  # how many roundings an image may be made of, for each direction


def growth(maps: Iterable[CarriedMaps], frame: Floats, burn: int) -> tuple[Floats, Floats]:
    """Return log growth per step by QR, [step, direction], and the frame before the last step.

    A direction that dies grows by -inf at all steps, and is 0 in the frame.

    Args:
        maps: What carries a frame over the steps, one stretch of them after another.
        frame: The directions at the start, shape [slot, direction].
        burn: How many first steps only turn the frame into the directions that grow.
    """
    alive = np.arange(frame.shape[1])
    width = frame.shape[1]
    final = np.zeros((len(frame), width))
    frame, done = np.linalg.qr(frame)[0], 0
    logs = []
    for part in maps:
        count = len(part.slopes)
        table = np.full((count, width), -math.inf)
        t = 0
        while t < count:
            is_counted = done + t >= burn  # before it, a direction that vanishes has not died
            high = count - 1 if is_counted else min(count - 1, burn - done)
            frame, reached, sizes = _grown(part, frame, t, high, SUSPECT if is_counted else -1.0)
            with np.errstate(divide="ignore"):
                table[t:reached, alive] = np.log(sizes)
            t = reached
            if t == count - 1:
                final[:] = 0.0
                final[:, alive] = frame
            frame, sizes, lost = _looked_into(part, frame, t, is_counted=done + t >= burn)
            alive = alive[~lost]
            with np.errstate(divide="ignore"):
                table[t, alive] = np.log(sizes)
            t += 1
        logs.append(table)
        done += count
    counted = np.concatenate(logs)[burn:]
    counted[:, np.setdiff1d(np.arange(width), alive)] = -math.inf
    return counted, final


def _grown(
    maps: CarriedMaps, frame: Floats, low: int, high: int, least: float
) -> tuple[Floats, int, Floats]:
    """Go on while no step must be looked into; return the frame, the step reached and growths."""
    carrier = growth_for(maps.products, frame, len(maps.slopes) - low)
    if carrier is None or low == high:
        return frame, low, np.zeros((0, frame.shape[1]))
    reached, sizes = carrier.grow(maps.slopes, low, high, least=least)
    # Where directions that vanish are replaced, they need not be at right angles.
    return carrier.state.copy() if least > 0 else np.linalg.qr(carrier.state)[0], reached, sizes


def _looked_into(
    maps: CarriedMaps, frame: Floats, t: int, *, is_counted: bool
) -> tuple[Floats, Floats, np.ndarray]:
    """Return the frame after one step, its growth, and which directions have died in it."""
    turned, upper = np.linalg.qr(maps.carry(t, frame))
    sizes = np.abs(np.diagonal(upper))
    lost = np.zeros(len(sizes), dtype=bool)
    suspect = sizes <= SUSPECT * max(1.0, sizes.max(initial=0.0))
    if is_counted and suspect.any():
        lost = suspect & _is_rounding(turned, sizes, maps.noise(t, frame))
    return turned[:, ~lost], sizes[~lost], lost


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
    # Not by BLAS: threads for a sum of this size take ten times as long as the sum.
    found: Floats = np.einsum("t,t...->...", weights, logs)
    return found


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

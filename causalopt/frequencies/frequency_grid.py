"""Frequencies at which a response is drawn: logarithmic, and finer where it moves.

A notch or a resonance is as narrow as a pole or a zero is near the unit circle. Their angles are
points of the grid, with points on both sides at the distance of the circle; then intervals are
halved until Comp turns and grows by little in each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.frequencies.transfer_system import Complexes

COUNT = 200
MOST = 3_000
_LARGEST_MOVE = 0.15  # of ln Comp, its phase in radians, between two points
_ROUNDS = 14
_SLOWEST = 1e-8
_BELOW = 0.03  # where the grid begins, of the slowest rate there is


def default_grid(roots: Complexes, comp: Callable[[Floats], Complexes]) -> Floats:
    """Return frequencies up to the Nyquist frequency, radians per step.

    Args:
        roots: Poles and zeros.
        comp: What is drawn, as a function of frequency.
    """
    lowest = _lowest(roots)
    grid = np.geomspace(lowest, np.pi, COUNT)
    grid[-1] = np.pi
    grid = np.unique(np.concatenate([grid, special_angles(roots, lowest)]))
    return refined(grid, comp)


def special_angles(roots: Complexes, lowest: float) -> Floats:
    """Return the angles of roots near the unit circle, and points on both sides of them."""
    near = roots[(np.abs(roots) > 0.5) & (np.abs(roots) < 2)]
    angles, widths = np.abs(np.angle(near)), np.abs(1 - np.abs(near))
    around = [angles + k * widths for k in (-3, -1, -0.3, 0, 0.3, 1, 3)]
    found = np.concatenate(around) if around else np.zeros(0)
    return found[(found > lowest) & (found < np.pi)]


def refined(grid: Floats, comp: Callable[[Floats], Complexes]) -> Floats:
    """Return a grid with intervals halved where the function moves much, up to 3,000 points."""
    values = comp(grid)
    for _ in range(_ROUNDS):
        with np.errstate(all="ignore"):
            steps = values[1:] / values[:-1]
            moves = np.abs(np.log(np.abs(steps))) + np.abs(np.angle(steps))
        wide = np.flatnonzero((moves > _LARGEST_MOVE) & (grid[1:] > grid[:-1] * (1 + 1e-9)))
        if not len(wide) or len(grid) + len(wide) > MOST:
            break
        middles = np.sqrt(grid[wide] * grid[wide + 1])
        grid = np.insert(grid, wide + 1, middles)
        values = np.insert(values, wide + 1, comp(middles))
    return grid


def _lowest(roots: Complexes) -> float:
    """Return where a grid begins: below the slowest rate of a pole or zero, ln z per step."""
    with np.errstate(divide="ignore"):
        rates = np.abs(np.log(roots[np.abs(roots) > 0]))
    rates = rates[rates > _SLOWEST]
    slowest = float(rates.min()) if len(rates) else 1.0
    return min(max(_BELOW * slowest, _SLOWEST), 0.01)

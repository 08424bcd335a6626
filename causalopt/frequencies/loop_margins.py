"""Margins of a loop closed through A: with Comp = 1 / (1 + L), L = 1 / Comp - 1 is its gain.

The gain margin is the factor by which A's gain may grow (or shrink) until the loop is on the brink
of instability, at a phase crossover, where L is negative; the phase margin is the lag that it
bears, at a gain crossover, where |L| = 1; the delay margin is that lag as time (Astrom & Murray,
Feedback Systems, 2008, ch. 9). 1 / M_s, the peak of |Comp|, is the distance of L from -1.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from causalopt.engine.contract import Floats
from causalopt.frequencies.transfer_system import Complexes

HALF_POWER = math.sqrt(0.5)
_EXACT = 1e-13  # of a frequency
_LARGE = 1e300
_INFINITE = 1e12  # |L| from which 1 / L is Comp's rounding: an integrator at frequency 0
Curve = Callable[[Floats], Complexes]


@dataclasses.dataclass(frozen=True)
class Crossover:
    """A frequency at which L crosses the unit circle, or the negative axis.

    Attributes:
        omega: Radians per step.
        margin: At a gain crossover pi + arg L, radians in (-pi, pi]; at a phase crossover 1/|L|.
    """

    omega: float
    margin: float


@dataclasses.dataclass(frozen=True)
class LoopMargins:
    """How far a loop is from instability, and how it treats disturbances. None: there is none.

    Attributes:
        gain_crossovers: Where |L| = 1, with the phase margin of each.
        phase_crossovers: Where L is negative, with the gain margin of each.
        gain_margin: The smallest factor above 1 at a phase crossover; infinite for none.
        gain_reduction: The largest below 1; 0 for none.
        phase_margin: That of smallest size at a gain crossover, radians; infinite for none.
        delay_margin: The shortest delay that brings L at a gain crossover to -1, steps; infinite
            for none.
        peak: M_s, the largest |Comp|; infinite with a pole on the unit circle.
        peak_omega: Where, radians per step.
        bandwidth: Below which |Comp| is under sqrt(1/2), -3 dB; None where it is above from the
            lowest frequency on, and pi where it stays below.
    """

    gain_crossovers: tuple[Crossover, ...]
    phase_crossovers: tuple[Crossover, ...]
    gain_margin: float
    gain_reduction: float
    phase_margin: float
    delay_margin: float
    peak: float
    peak_omega: float
    bandwidth: float | None


def loop_margins(grid: Floats, comp: Curve) -> LoopMargins:
    """Return the margins of a loop.

    Args:
        grid: Frequencies so dense that no crossing lies between two of them unseen.
        comp: Comp as a function of frequency.
    """

    def loop(omega: Floats) -> Complexes:
        with np.errstate(all="ignore"):
            found: Complexes = 1.0 / comp(omega) - 1.0
        return found

    gain = _gain_crossovers(grid, loop)
    phase = _phase_crossovers(grid, loop)
    above = [c.margin for c in phase if c.margin > 1]
    below = [c.margin for c in phase if c.margin < 1]
    delays = [(c.margin % (2 * math.pi)) / c.omega for c in gain if c.omega > 0]
    peak, place = _peak(np.concatenate([[0.0], grid[grid > 0]]), comp)
    return LoopMargins(
        gain,
        phase,
        min(above, default=math.inf),
        max(below, default=0.0),
        min((c.margin for c in gain), key=abs, default=math.inf),
        min(delays, default=math.inf),
        peak,
        place,
        _bandwidth(grid, comp),
    )


def _gain_crossovers(grid: Floats, loop: Curve) -> tuple[Crossover, ...]:
    def height(omega: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return _finite(np.log(np.abs(loop(omega))))

    found = []
    for omega in sign_changes(grid, height):
        turned = math.pi + float(np.angle(loop(np.array([omega]))[0]))
        found.append(Crossover(omega, math.remainder(turned, 2 * math.pi)))
    return tuple(c for c in found if math.isfinite(c.margin))


def _phase_crossovers(grid: Floats, loop: Curve) -> tuple[Crossover, ...]:
    def side(omega: Floats) -> Floats:
        values = loop(omega)
        with np.errstate(all="ignore"):
            return _finite(values.imag / np.abs(values))

    inner = grid[(grid > 0) & (grid < math.pi)]
    places = [0.0, *sign_changes(inner, side), math.pi]  # at both ends L is real
    values = loop(np.array(places))
    return tuple(
        Crossover(omega, 1 / abs(value))
        for omega, value in zip(places, values, strict=True)
        if value.real < 0 and abs(value) < _INFINITE and abs(value.imag) < 1e-6 * abs(value)
    )


def sign_changes(grid: Floats, function: Callable[[Floats], Floats]) -> list[float]:
    """Return where a function changes its sign between neighbours of a grid."""
    values = function(grid)

    def at(omega: float) -> float:
        return float(function(np.array([omega]))[0])

    found = grid[values == 0].tolist()
    signs = np.sign(values)
    for k in np.flatnonzero(signs[:-1] * signs[1:] < 0):
        found.append(float(brentq(at, grid[k], grid[k + 1], xtol=_EXACT * grid[k])))
    return sorted(found)


def _finite(values: Floats) -> Floats:
    """Return values that a search for roots can take: 0 where there is none."""
    found: Floats = np.clip(np.nan_to_num(values, nan=0.0), -_LARGE, _LARGE)
    return found


def even_frequencies(grid: Floats, comp: Curve) -> list[float]:
    """Return where |Comp| is 1, so that A neither removes nor adds; radians per step."""

    def height(omega: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return _finite(np.log(np.abs(comp(omega))))

    return sign_changes(grid, height)


def _peak(grid: Floats, comp: Curve) -> tuple[float, float]:
    sizes = np.abs(comp(grid))
    sizes[np.isnan(sizes)] = -1.0
    best = int(np.argmax(sizes))
    if math.isinf(sizes[best]):
        return math.inf, float(grid[best])
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]

    def depth(omega: float) -> float:
        return -float(np.abs(comp(np.array([omega]))[0]))

    found = minimize_scalar(
        depth, bounds=(float(low), float(high)), method="bounded", options={"xatol": 1e-10 * high}
    )
    if -found.fun > sizes[best]:
        return float(-found.fun), float(found.x)
    return float(sizes[best]), float(grid[best])


def _bandwidth(grid: Floats, comp: Curve) -> float | None:
    def height(omega: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return _finite(np.log(np.abs(comp(omega))) - math.log(HALF_POWER))

    if not height(grid[:1])[0] < 0:
        return None
    return next(iter(sign_changes(grid, height)), math.pi)

"""Fokker-Planck on a line: the diffusion picture of a random map, positive and mass-keeping.

Per unit of time (one step) the chain drifts by b = -T G(W) and spreads by 2 D = T^2 S^2(W). In the
convention alpha the current is `J = b P - D^alpha (D^(1 - alpha) P)'`, that is
`J = (b - (1 - alpha) D') P - D P'`, and `dP/dt = -J'`. alpha = 0 (Ito) is the limit of this update
rule; 1/2 is the author's 'heat capacity' argument (Stratonovich); 1 is Fick's law.

Space: finite volumes with Chang-Cooper (Scharfetter-Gummel) fluxes, exact for a constant-current
cell, upwind where D vanishes, which is what the author's scheme lacked. Time: implicit Euler
(first order, positive for every step length) or Crank-Nicolson (second order; positive only for
short steps: a step that would turn negative is taken by implicit Euler instead and counted. No
linear scheme of second order is positive for all step lengths: Bolley and Crouzeix, 1978).

Source: SGD Understood through Probability Current; Chang and Cooper, J. Comput. Phys. 6 (1970).
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np

from causalopt.descents.diffusions.end_state import check_convention
from causalopt.descents.maps.random_map import Array, RandomMap, as_points
from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.work.progress import tick

Scheme = Literal["implicit", "crank-nicolson"]


@dataclasses.dataclass(frozen=True)
class Diffusion:
    """Rates of mass between neighbouring cells; walls at both ends, or a sink at the right one.

    Args:
        edges: Cell edges, increasing, axis (edge,).
        right: Rate from each cell to its right neighbour, axis (inner face,).
        left: Rate back, axis (inner face,).
        leak: Rate out of the last cell into a sink; 0 for a wall.
    """

    edges: Array
    right: Array
    left: Array
    leak: float = 0.0

    @property
    def centres(self) -> Array:
        """Cell centres, axis (cell,)."""
        return np.asarray((self.edges[1:] + self.edges[:-1]) / 2)

    @property
    def widths(self) -> Array:
        """Cell widths, axis (cell,)."""
        return np.diff(self.edges)

    def place(self, point: float) -> Array:
        """Return unit mass at a point, shared between two cells so that its mean is the point."""
        centres = self.centres
        cell = int(np.clip(np.searchsorted(centres, point) - 1, 0, len(centres) - 2))
        share = float(np.clip((point - centres[cell]) / (centres[cell + 1] - centres[cell]), 0, 1))
        mass = np.zeros(len(centres))
        mass[cell], mass[cell + 1] = 1 - share, share
        return mass

    def current(self, mass: Array) -> Array:
        """Return the probability current through each inner face, per step, axis (inner face,)."""
        return np.asarray(self.right * mass[:-1] - self.left * mass[1:])


@dataclasses.dataclass(frozen=True)
class Spreading:
    """Cell masses observed over time.

    Args:
        times: Observation times in steps, axis (time,).
        mass: axes (time, cell); never negative.
        replaced: How many Crank-Nicolson steps implicit Euler took over to stay positive.
        restored: What rounding took from the mass or gave it, summed over all steps.
    """

    times: Array
    mass: Array
    replaced: int
    restored: float


def diffusion(
    chain: RandomMap, edges: Array, *, alpha: float = 0.0, sink: bool = False
) -> Diffusion:
    """Return the discrete Fokker-Planck operator of a chain.

    Args:
        chain: The random map, of one coordinate.
        edges: Cell edges, axis (edge,), in units of the state.
        alpha: 0 (Ito), 1/2 (Stratonovich) or 1 (Fick).
        sink: Whether the right end absorbs; otherwise both ends are walls.

    Raises:
        QuestionError: alpha out of range, or drift and spread that are not finite.

    Example:
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> line = diffusion(walk, np.arange(0.0, 4.0))
        >>> line.right, line.left
        (array([0.5, 0.5]), array([0.5, 0.5]))
    """
    check_convention(alpha)
    centres = (edges[1:] + edges[:-1]) / 2
    # The sink is an end face of its own, half a cell away.
    faces = edges[1:] if sink else edges[1:-1]
    beyond = np.append(centres, edges[-1]) if sink else centres
    drift = chain.drift(as_points(faces))[0]
    spread = chain.covariance(as_points(faces))[0, 0] / 2
    nodes = chain.covariance(as_points(beyond))[0, 0] / 2
    if not (np.isfinite(drift).all() and np.isfinite(nodes).all()):
        raise QuestionError(
            "drift or spread overflow on the grid; narrower bounds keep them finite"
        )
    gaps = np.diff(beyond)
    slope = np.diff(nodes) / gaps
    widths = np.diff(edges)
    forward, backward = chang_cooper(drift - (1 - alpha) * slope, spread, gaps)
    inner = len(centres) - 1
    right, left = forward[:inner] / widths[:-1], backward[:inner] / widths[1:]
    leak = float(forward[inner] / widths[-1]) if sink else 0.0
    return Diffusion(edges, right, left, leak)


def chang_cooper(drift: Array, spread: Array, gaps: Array) -> tuple[Array, Array]:
    """Return the exponentially fitted weights of a face's flux `f P_left - b P_right`.

    With the cell Peclet number q = drift gap / spread: `b = (spread/gap) |q| / (e^|q| - 1)` for a
    drift to the right, and `f = b + drift`; mirrored for a drift to the left. Without spread this
    is upwinding.

    Args:
        drift: Velocity at the faces, axis (face,).
        spread: D at the faces, axis (face,), none negative.
        gaps: Distance between the two centres, axis (face,).

    Example:
        >>> chang_cooper(np.array([2.0, 0.0]), np.array([0.0, 1.0]), np.array([1.0, 0.5]))
        (array([2., 2.]), array([0., 2.]))
    """
    carried = np.abs(drift) * gaps
    # Past a Peclet number of 700 the exponential is out of range and the flux is upwind anyway.
    peclet = carried / np.maximum(np.maximum(spread, carried / 700), np.finfo(float).tiny)
    fitted = np.where(peclet > 1e-12, peclet / np.expm1(np.maximum(peclet, 1e-12)), 1.0)
    against = spread / gaps * fitted
    return against + np.maximum(drift, 0.0), against + np.maximum(-drift, 0.0)


def evolve(
    line: Diffusion,
    mass: Array,
    times: Array,
    *,
    step: float = 1.0,
    scheme: Scheme = "crank-nicolson",
) -> Spreading:
    """Follow cell masses through time.

    Args:
        line: The discrete operator.
        mass: First cell masses, axis (cell,), none negative.
        times: Increasing times, in steps of the chain, at which to look.
        step: Longest time step.
        scheme: `crank-nicolson` (second order) or `implicit` (first order).

    Raises:
        QuestionError: A step or times that are not positive and increasing, or an unknown scheme.

    Example:
        >>> walk = RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5))
        >>> line = diffusion(walk, np.linspace(-50, 50, 401))
        >>> flow = evolve(line, line.place(0.0), np.array([100.0]))
        >>> bool(abs(flow.mass[0].sum() - 1) < 1e-12 and flow.mass.min() >= 0)
        True
    """
    times = _checked(times, step, scheme)
    masses, now, replaced = np.empty((len(times), len(mass))), 0.0, 0
    whole, restored = mass.sum(), 0.0
    steppers: dict[float, _Stepper] = {}
    # Rannacher start-up, two half steps of implicit Euler: a point start excites modes that
    # Crank-Nicolson barely damps.
    fresh = scheme == "crank-nicolson"
    for place, time in enumerate(times):
        count = int(np.ceil((time - now) / step - 1e-9))
        for k in range(count):
            tick(now + (time - now) * k / count, times[-1])
            length = (time - now) / count
            if length not in steppers:
                steppers[length] = _Stepper(line, length)
            stepper = steppers[length]
            if scheme == "implicit":
                mass = stepper.implicit(mass)
            elif fresh:
                mass, fresh = stepper.halves(mass), False
            else:
                mass, kept = stepper.crank_nicolson(mass)
                replaced += not kept
            if not line.leak:
                # A solve rounds by about 1e-16 of the mass, always the same way; left alone that
                # sums up over 1e4 steps. Walls keep all of it, so it is put back in proportion.
                left = mass.sum()
                restored += abs(whole - left)
                mass = mass * (whole / left)
        masses[place], now = mass, float(time)
    return Spreading(times, masses, replaced, float(restored))


def _checked(times: Array, step: float, scheme: str) -> Array:
    times = np.asarray(times, dtype=float)
    if not step > 0 or times.min() < 0 or np.any(np.diff(times) <= 0):
        raise QuestionError(
            f"times increase from 0 on and the step is positive; {times} with step {step} came"
        )
    if scheme not in ("implicit", "crank-nicolson"):
        raise QuestionError(f"a scheme is 'implicit' or 'crank-nicolson'; {scheme!r} came")
    return times


class _Stepper:
    """Factored tridiagonal solves for one step length."""

    def __init__(self, line: Diffusion, length: float) -> None:
        outflow = np.append(line.right, line.leak) + np.append(0.0, line.left)
        self.line, self.length, self.outflow = line, length, outflow
        self.full = self._factor(length)
        self.half = self._factor(length / 2)

    def _factor(self, length: float) -> Any:
        """Return LU factors found without a subtraction, so that mass is kept to rounding.

        With column sums e (1, more at a sink) the pivots obey `p_i = e'_i + r_i` and
        `e'_(i+1) = e_(i+1) + l_i e'_i / p_i`, sums of positive terms (Grassmann, Taksar, Heyman).
        """
        right, left = length * self.line.right, length * self.line.left
        excess = np.ones(len(right) + 1)
        excess[-1] += length * self.line.leak
        pivots = []
        carried = float(excess[0])
        for own, out, back in zip(excess[1:].tolist(), right.tolist(), left.tolist(), strict=True):
            pivots.append(carried + out)
            carried = own + back * carried / pivots[-1]
        pivots.append(carried)
        diagonal = np.array(pivots)
        order = np.arange(1, len(diagonal) + 1, dtype=np.int32)
        return -right / diagonal[:-1], diagonal, -left, np.zeros(len(right) - 1), order

    def _solve(self, factors: Any, mass: Array) -> Array:
        need("scipy")
        from scipy.linalg import lapack

        return np.asarray(lapack.dgttrs(*factors, mass)[0])

    def implicit(self, mass: Array) -> Array:
        return self._solve(self.full, mass)

    def halves(self, mass: Array) -> Array:
        return self._solve(self.half, self._solve(self.half, mass))

    def crank_nicolson(self, mass: Array) -> tuple[Array, bool]:
        """Return the mass one step on, and whether Crank-Nicolson itself took the step.

        Written as implicit Euler to the middle, then twice as far: `2 m(h/2) - m`, the same
        numbers as the textbook form, without its large terms that cancel.
        """
        middle = self._solve(self.half, mass)
        moved = 2 * middle - mass
        if moved.min() < 0:
            return self._solve(self.half, middle), False
        return moved, True

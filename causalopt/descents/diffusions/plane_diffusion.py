"""Fokker-Planck in the plane: matrix S^2, and the current that does not vanish at rest.

Two parameters W, drift b = -T G, spread D = T^2 S^2 / 2 with S^2 a matrix. In convention alpha the
current is `J = b P - D grad P - (1 - alpha) (div D) P`. It may circulate for ever: for linear
gradients G = H W and constant S^2 the end state has `J = 0` only if H and S^2 commute.

Mass jumps along integer directions with rates that are never negative (see `stencil`), so implicit
Euler keeps P >= 0 and mass for every step length; drift is exponentially fitted along the axes.
Where S^2 is singular (two datapoints give rank one) the smaller eigenvalue is raised to `floor`
times the larger, which bounds how far a jump reaches; that is the only spread added.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.diffusions.end_state import check_convention
from causalopt.descents.diffusions.fokker_planck import chang_cooper
from causalopt.descents.diffusions.stencil import positive_directions
from causalopt.errors import QuestionError
from causalopt.extras import need

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array, RandomMap


@dataclasses.dataclass(frozen=True)
class PlaneDiffusion:
    """Rates of mass between the nodes of an even grid in the plane; no mass crosses its border.

    Args:
        axes: Two arrays of evenly spaced nodes; states run in C order over them.
        rates: Sparse, axes (from, to), per step; the diagonal makes every row sum to 0.
        jumps: The rates link by link: (from, to, rate, direction in units of the state), axes
            (link,), (link,), (link,), (coordinate, link).
    """

    axes: tuple[Array, Array]
    rates: Any
    jumps: tuple[Any, Any, Array, Array]

    @property
    def shape(self) -> tuple[int, int]:
        """Nodes along each axis."""
        return len(self.axes[0]), len(self.axes[1])

    def place(self, point: tuple[float, float]) -> Array:
        """Return unit mass at the node nearest to a point, axis (state,)."""
        mass = np.zeros(self.shape)
        nearest = [
            int(np.argmin(np.abs(axis - at))) for axis, at in zip(self.axes, point, strict=True)
        ]
        mass[nearest[0], nearest[1]] = 1.0
        return mass.ravel()

    def current(self, mass: Array) -> Array:
        """Return the probability current J at every node, axes (coordinate, first, second).

        Units: mass per step and per length across; each link's net flow is shared by its ends.
        """
        source, target, rate, direction = self.jumps
        area = float(np.prod([axis[1] - axis[0] for axis in self.axes]))
        flows = direction * (rate * mass[source]) / (2 * area)
        size = len(mass)
        out = [np.bincount(source, flow, size) + np.bincount(target, flow, size) for flow in flows]
        return np.stack([line.reshape(self.shape) for line in out])


def plane_diffusion(
    chain: RandomMap, axes: tuple[Array, Array], *, alpha: float = 0.0, floor: float = 0.01
) -> PlaneDiffusion:
    """Return the discrete Fokker-Planck operator of a chain with two coordinates.

    Args:
        chain: The random map.
        axes: Evenly spaced nodes along each coordinate.
        alpha: 0 (Ito), 1/2 or 1 (Fick): how much of div D is added to the drift.
        floor: Least ratio of D's eigenvalues, in units of cells.

    Raises:
        QuestionError: Not two coordinates, uneven axes, or alpha or floor out of range.
    """
    check_convention(alpha)
    steps = np.array([axis[1] - axis[0] for axis in axes])
    even = all(np.allclose(np.diff(axis), axis[1] - axis[0]) for axis in axes)
    if chain.dimension != 2 or len(axes) != 2 or not even or not 0 < floor <= 1:
        raise QuestionError(
            "the plane's diffusion needs a chain of two coordinates, two evenly spaced axes and a "
            f"floor in (0, 1]; {chain.dimension} coordinates and floor {floor} came"
        )
    points = np.stack([line.ravel() for line in np.meshgrid(*axes, indexing="ij")])
    spread = chain.covariance(points) / 2
    drift = chain.drift(points) + alpha * _divergence(spread, axes)
    scaled = _raised(spread / steps[:, np.newaxis, np.newaxis] / steps[:, np.newaxis], floor)
    directions, weights = positive_directions(scaled)
    return _assembled(axes, directions, weights, drift / steps[:, np.newaxis], steps)


def _divergence(spread: Array, axes: tuple[Array, Array]) -> Array:
    """Return div D, axes (coordinate, point), by central differences."""
    shape = (2, 2, len(axes[0]), len(axes[1]))
    table = spread.reshape(shape)
    parts = [np.gradient(table[:, other], axes[other], axis=1 + other) for other in (0, 1)]
    return np.asarray(parts[0] + parts[1]).reshape(2, -1)


def _raised(matrices: Array, floor: float) -> Array:
    """Return the matrices with both eigenvalues at least `floor` times the larger one."""
    trace = matrices[0, 0] + matrices[1, 1]
    apart = np.hypot(matrices[0, 0] - matrices[1, 1], 2 * matrices[0, 1])
    least, most = (trace - apart) / 2, (trace + apart) / 2
    missing = np.maximum(floor * most - least, 0.0) + 1e-300
    return np.asarray(matrices + np.eye(2)[:, :, np.newaxis] * missing)


def _assembled(
    axes: tuple[Array, Array], directions: Any, weights: Array, drift: Array, steps: Array
) -> PlaneDiffusion:
    """Turn directions, weights and drift (in cells a step) into links and a sparse matrix."""
    weights = weights.copy()
    links: list[tuple[Any, Array]] = []
    for axis in (0, 1):
        unit = np.zeros((2, 1), dtype=np.int64)
        unit[axis] = 1
        along = (np.abs(directions) == unit).all(axis=1)
        own = np.where(along, weights, 0.0).sum(axis=0)
        weights = np.where(along, 0.0, weights)
        # Exponential fitting: the mean move is the drift, exactly, and no rate is negative.
        ahead, back = chang_cooper(drift[axis], own, np.ones_like(own))
        links += [(np.broadcast_to(unit, drift.shape), ahead), (-unit + 0 * directions[0], back)]
    for direction, weight in zip(directions, weights, strict=True):
        links += [(direction, weight), (-direction, weight)]
    return _linked(axes, links, steps)


def _linked(axes: tuple[Array, Array], links: Any, steps: Array) -> PlaneDiffusion:
    need("scipy")
    from scipy import sparse

    shape = (len(axes[0]), len(axes[1]))
    places = np.indices(shape).reshape(2, -1)
    parts: list[tuple[Any, ...]] = []
    for direction, rate in links:
        ends = places + direction
        inside = (ends >= 0).all(axis=0) & (ends[0] < shape[0]) & (ends[1] < shape[1]) & (rate > 0)
        source = places[0] * shape[1] + places[1]
        target = ends[0] * shape[1] + ends[1]
        move = (direction * steps[:, np.newaxis])[:, inside]
        parts.append((source[inside], target[inside], rate[inside], move))
    source, target, rate = (np.concatenate(column) for column in list(zip(*parts, strict=True))[:3])
    moves = np.concatenate([part[3] for part in parts], axis=1)
    size = shape[0] * shape[1]
    off = sparse.csr_array((rate, (source, target)), shape=(size, size))
    rates = off - sparse.diags_array(np.asarray(off.sum(axis=1)).ravel())
    return PlaneDiffusion(axes, sparse.csr_array(rates), (source, target, rate, moves))


def evolve_plane(plane: PlaneDiffusion, mass: Array, times: Array, *, step: float = 1.0) -> Array:
    """Follow mass through time by implicit Euler; axes (time, state) of the result.

    Args:
        plane: The rates.
        mass: First mass, axis (state,).
        times: Increasing times in steps of the chain.
        step: Longest time step.

    Returns:
        Mass at each time, never negative.

    Raises:
        QuestionError: Times that do not increase, or a step that is not positive.
    """
    need("scipy")
    from scipy import sparse
    from scipy.sparse import linalg

    times = np.asarray(times, dtype=float)
    if not step > 0 or times.min() < 0 or np.any(np.diff(times) <= 0):
        raise QuestionError(
            f"times increase from 0 on and the step is positive; {times} with step {step} came"
        )
    turned, whole = plane.rates.T.tocsc(), mass.sum()
    identity = sparse.eye_array(len(mass), format="csc")
    solvers: dict[float, Any] = {}
    masses, now = [], 0.0
    for time in times:
        count = int(np.ceil((time - now) / step - 1e-9))
        for _ in range(count):
            length = (time - now) / count
            if length not in solvers:
                solvers[length] = linalg.splu((identity - length * turned).tocsc())
            mass = np.maximum(solvers[length].solve(mass), 0.0)
            mass = mass * (whole / mass.sum())
        masses.append(mass)
        now = float(time)
    return np.stack(masses)


def plane_stationary(plane: PlaneDiffusion) -> Array:
    """Return the end state, axis (state,): mass that sums to 1 and no longer changes."""
    need("scipy")
    from scipy import sparse
    from scipy.sparse import linalg

    turned = plane.rates.T.tolil()
    size = turned.shape[0]
    pivot = int(np.argmax(evolve_plane(plane, np.full(size, 1 / size), np.array([1e4]), step=1e4)))
    turned[pivot, :] = np.ones(size)
    right = np.zeros(size)
    right[pivot] = 1.0
    mass = np.clip(linalg.spsolve(sparse.csc_array(turned), right), 0.0, None)
    return np.asarray(mass / mass.sum())

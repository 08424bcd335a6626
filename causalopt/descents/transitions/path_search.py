"""The path of least cost between two states, by damped Newton steps on all its places at once.

A path's cost is a sum over neighbours, so its Hessian is a band: differences of the exact gradient
along 3 d directions give all of it, where d is the number of coordinates. Steps are damped until
the band factorises and the cost falls (Levenberg 1944, Marquardt 1963).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.transitions.step_costs import slow_cost, slow_steps, step_cost
from causalopt.extras import need

if TYPE_CHECKING:
    from collections.abc import Callable

    from causalopt.descents.maps.random_map import Array
    from causalopt.descents.transitions.step_costs import StepLaw

    Action = Callable[[Array], tuple[float, Array]]

ROUNDS = 100
SETTLED, IN_A_ROW = 1e-6, 3
DIFFERENCE = 1e-5
LEAST_DAMPING, MOST_DAMPING = 1e-10, 1e8


@dataclasses.dataclass(frozen=True)
class CostedPath:
    """A path and what it costs.

    Args:
        places: axes (coordinate, place), the ends among them.
        costs: Each step's cost in nats, axis (step,).
        theta: The derivative of each cost by its step, axes (coordinate, step).
        settled: Whether no damped step made it cheaper.
    """

    places: Array
    costs: Array
    theta: Array
    settled: bool

    @property
    def action(self) -> float:
        """The sum of the costs, in nats."""
        return float(self.costs.sum())


def cheapest_steps(law: StepLaw, places: Array) -> CostedPath:
    """Return the cheapest path of as many steps, from a first one, axes (coordinate, place).

    The sum of `L(x_t, x_(t+1) - x_t)` is least; its ends stay.
    """
    first, last = places[:, :1], places[:, -1:]

    def action(inner: Array) -> tuple[float, Array]:
        path = np.concatenate([first, inner, last], axis=1)
        cost = step_cost(law, path[:, :-1], np.diff(path))
        slope = cost.theta[:, :-1] - cost.theta[:, 1:] + cost.slope[:, 1:]
        return float(cost.value.sum()), slope

    inner, settled = _descended(action, places[:, 1:-1])
    path = np.concatenate([first, inner, last], axis=1)
    cost = step_cost(law, path[:, :-1], np.diff(path))
    return CostedPath(path, cost.value, cost.theta, settled)


def cheapest_curve(law: StepLaw, places: Array) -> CostedPath:
    """Return the cheapest curve for slow moves, from a first one, axes (coordinate, place).

    Each segment costs `max theta dx` over K <= 0 at its middle. Places move at right angles to the
    curve, and are spread evenly along it after every round: along it, nothing is gained or lost.

    Source: Heymann and Vanden-Eijnden, The geometric minimum action method (2008).
    """
    settled = len(places) == 1
    path = _spread_evenly(places)
    for _ in range(ROUNDS):
        if settled:
            break
        normals = _normals(path)
        before = _curve_cost(law, path)[0]
        if not np.isfinite(before):
            break

        def action(
            offsets: Array, path: Array = path, normals: Array = normals
        ) -> tuple[float, Array]:
            moved = path.copy()
            moved[:, 1:-1] += np.einsum("cnp,np->cp", normals, offsets)
            value, slope = _curve_cost(law, moved)
            return value, np.einsum("cnp,cp->np", normals, slope)

        start = np.zeros(normals.shape[1:])
        offsets, _ = _descended(action, start, rounds=6)
        path = path.copy()
        path[:, 1:-1] += np.einsum("cnp,np->cp", normals, offsets)
        gained = before - _curve_cost(law, path)[0]
        path = _spread_evenly(path)
        settled = gained <= 1e-8 * (1e-6 + before)
    cost = slow_cost(law, (path[:, 1:] + path[:, :-1]) / 2, np.diff(path))
    return CostedPath(path, cost.value, cost.theta, settled)


def paced(law: StepLaw, curve: CostedPath, count: int) -> Array:
    """Return a path of so many steps along a curve, as fast as is cheapest for slow moves.

    Steps that are left over wait at the start; too few are taken faster.
    """
    middles = (curve.places[:, 1:] + curve.places[:, :-1]) / 2
    needed = slow_steps(law, middles, np.diff(curve.places), curve.theta)
    # No segment has more than all steps: at a fixed point it would have them all.
    clock = np.append(0.0, np.cumsum(np.minimum(needed, count / 4)))
    times = np.linspace(clock[-1] - max(float(count), clock[-1]), clock[-1], count + 1)
    return np.stack([np.interp(times, clock, line) for line in curve.places])


def _curve_cost(law: StepLaw, path: Array) -> tuple[float, Array]:
    """Return a curve's cost and its derivative by the inner places."""
    cost = slow_cost(law, (path[:, 1:] + path[:, :-1]) / 2, np.diff(path))
    ahead = cost.slope / 2 + cost.theta
    back = cost.slope / 2 - cost.theta
    return float(cost.value.sum()), ahead[:, :-1] + back[:, 1:]


def _normals(path: Array) -> Array:
    """Return unit vectors at right angles to the curve, axes (coordinate, which, inner place)."""
    along = path[:, 2:] - path[:, :-2]
    frames = np.linalg.svd(along.T[:, :, np.newaxis])[0]  # first column along, the others across
    return np.moveaxis(frames[:, :, 1:], 0, -1)


def _spread_evenly(path: Array) -> Array:
    """Return as many places at equal distances along the same curve."""
    lengths = np.append(0.0, np.cumsum(np.sqrt((np.diff(path) ** 2).sum(axis=0))))
    even = np.linspace(0, lengths[-1], path.shape[1])
    return np.stack([np.interp(even, lengths, line) for line in path])


def _descended(action: Action, inner: Array, *, rounds: int = ROUNDS) -> tuple[Array, bool]:
    """Return the places at which the cost is least, and whether the search has settled."""
    if inner.size == 0:
        return inner, True
    value, slope = action(inner)
    if not np.isfinite(value):
        return inner, False
    damping, quiet = 1e-3, 0
    for _ in range(rounds):
        found, damping = _improved(action, inner, (value, slope), damping)
        if found is None:
            return inner, True
        gained = value - found[0]
        value, slope, inner = found
        damping = max(damping / 16, LEAST_DAMPING)
        quiet = quiet + 1 if gained <= SETTLED * (1e-6 + value) else 0
        if quiet == IN_A_ROW:
            return inner, True
    return inner, False


def _improved(
    action: Action, inner: Array, now: tuple[float, Array], damping: float
) -> tuple[tuple[float, Array, Array] | None, float]:
    """Return value, slope and places after a step that costs no more, None if there is none."""
    band = _band(action, inner)
    while damping <= MOST_DAMPING:
        ahead = _damped_step(band, now[1], damping)
        if ahead is not None:
            value, slope = action(inner + ahead)
            if value <= now[0]:
                return (value, slope, inner + ahead), damping
        damping = max(damping * 8, LEAST_DAMPING)
    return None, damping


def _band(action: Action, inner: Array) -> Array:
    """Return the Hessian in scipy's lower band form, by differences of the gradient.

    Unknowns run place by place; a place touches its two neighbours, so every third may be moved at
    once.
    """
    d, count = inner.shape
    width = 2 * d
    band = np.zeros((width, d * count))
    step = DIFFERENCE * max(float(np.ptp(inner)), 1e-6)
    for first in range(min(3, count)):
        for axis in range(d):
            shift = np.zeros_like(inner)
            shift[axis, first::3] = step
            change = (action(inner + shift)[1] - action(inner - shift)[1]) / (2 * step)
            for place in range(first, count, 3):
                column = place * d + axis
                rows = change[:, place : place + 2].T.ravel()
                reach = rows[axis:]
                band[: len(reach), column] = reach
    return band


def _damped_step(band: Array, slope: Array, damping: float) -> Array | None:
    """Return the step of a damped Hessian, None where that is not positive definite."""
    need("scipy")
    from scipy.linalg import LinAlgError, solveh_banded

    if not np.all(np.isfinite(band)):
        return None
    damped = band.copy()
    size = np.abs(band[0])
    with np.errstate(over="ignore"):
        damped[0] += damping * (size + 1e-3 * size.max())
    if not np.all(np.isfinite(damped[0])):
        return None
    try:
        flat = solveh_banded(damped, -slope.T.ravel(), lower=True)
    except LinAlgError:
        return None
    return np.asarray(flat.reshape(slope.T.shape).T)

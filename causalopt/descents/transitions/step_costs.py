"""What an unlikely step costs: the Legendre transform of the log moment generating function.

A step moves x by `m_k(x) + G_k(x) xi` with probability p_k, xi standard normal (either may be
missing). With `K(x, theta) = log sum_k p_k exp(theta m_k + theta Q_k theta / 2)`, Q = G G^T, the
mean of n such draws is v with probability `exp(-n L(x, v))`, `L = max theta v - K`. A slow move of
many steps costs per length `max theta v` over K <= 0, which is the same for any number of draws.

Source: Cramér (1938); Freidlin and Wentzell, Random Perturbations of Dynamical Systems (1984),
chapter 5; Dembo and Zeitouni, Large Deviations Techniques and Applications (1998).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array

ROUNDS = 200
HALVINGS = 60
TOLERANCE = 1e-12
RIDGE = 1e-15
MOST_STEPS = 1e12


@dataclasses.dataclass(frozen=True)
class StepMoves:
    """One step's moves at some points, and how they change from point to point.

    Args:
        mean: m_k, axes (outcome, coordinate, point).
        slopes: dm_k/dx, axes (outcome, coordinate, by coordinate, point).
        spread: Q_k, axes (outcome, coordinate, coordinate, point).
        spread_slopes: dQ_k/dx, axes (outcome, coordinate, coordinate, by coordinate, point).
    """

    mean: Array
    slopes: Array
    spread: Array
    spread_slopes: Array


@dataclasses.dataclass(frozen=True)
class StepLaw:
    """The law of one step.

    Args:
        moves: From states, axes (coordinate, point), to the moves there.
        probabilities: One an outcome.
        names: The coordinates.
    """

    moves: Callable[[Array], StepMoves]
    probabilities: tuple[float, ...]
    names: tuple[str, ...]

    @property
    def dimension(self) -> int:
        """How many coordinates a state has."""
        return len(self.names)


@dataclasses.dataclass(frozen=True)
class Cumulant:
    """K and its derivatives by theta.

    Args:
        value: axis (point,).
        slope: The tilted mean move, axes (coordinate, point).
        bend: The tilted covariance, axes (coordinate, coordinate, point).
        weights: The tilted probabilities, axes (outcome, point).
    """

    value: Array
    slope: Array
    bend: Array
    weights: Array


def cumulant(law: StepLaw, moves: StepMoves, theta: Array) -> Cumulant:
    """Return the log moment generating function of one step at theta, axes (coordinate, point)."""
    turned = np.einsum("kcdp,dp->kcp", moves.spread, theta)
    exponents = np.einsum("kcp,cp->kp", moves.mean + turned / 2, theta)
    exponents = exponents + np.log(np.asarray(law.probabilities))[:, np.newaxis]
    top = exponents.max(axis=0)
    weights = np.exp(exponents - top)
    whole = weights.sum(axis=0)
    weights = weights / whole
    tilted = moves.mean + turned
    slope = np.einsum("kp,kcp->cp", weights, tilted)
    apart = tilted - slope
    bend = np.einsum("kp,kcdp->cdp", weights, moves.spread)
    bend = bend + np.einsum("kp,kcp,kdp->cdp", weights, apart, apart)
    return Cumulant(top + np.log(whole), slope, bend, weights)


def cumulant_slope(moves: StepMoves, theta: Array, weights: Array) -> Array:
    """Return dK/dx at theta, axes (coordinate, point)."""
    by_mean = np.einsum("kcdp,cp->kdp", moves.slopes, theta)
    by_spread = np.einsum("kcedp,cp,ep->kdp", moves.spread_slopes, theta, theta) / 2
    slope: Array = np.einsum("kp,kdp->dp", weights, by_mean + by_spread)
    return slope


@dataclasses.dataclass(frozen=True)
class Cost:
    """The cost of moves, and how it changes.

    Args:
        value: In nats, axis (point,); infinite where no draws make that move.
        theta: Its derivative by the move, axes (coordinate, point).
        slope: Its derivative by the place, axes (coordinate, point).
    """

    value: Array
    theta: Array
    slope: Array


def step_cost(law: StepLaw, states: Array, steps: Array, theta: Array | None = None) -> Cost:
    """Return L(x, v), what it costs a draw that one step is v.

    Newton's method on the concave `theta v - K`, with backtracking, at all points at once.

    Args:
        law: The law of one step.
        states: x, axes (coordinate, point).
        steps: v, axes (coordinate, point).
        theta: Where to begin.

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> from causalopt.descents.transitions.step_laws import law_of_map
        >>> coin = law_of_map(RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5)))
        >>> cost = step_cost(coin, np.zeros((1, 1)), np.array([[0.5]]))
        >>> entropy = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
        >>> bool(np.isclose(cost.value[0], entropy))
        True
    """
    moves = law.moves(states)
    theta = np.zeros_like(steps) if theta is None else theta.copy()
    found = cumulant(law, moves, theta)
    value = (theta * steps).sum(axis=0) - found.value
    # The rarest outcome alone costs this much: what costs more is out of reach.
    finite = not moves.spread.any()
    most = -np.log(min(law.probabilities)) * (1 + 1e-9) if finite else np.inf
    done = np.zeros(steps.shape[1], dtype=bool)
    for _ in range(ROUNDS):
        gap = steps - found.slope
        ahead = _solved(found.bend, gap)
        gain = (gap * ahead).sum(axis=0)
        done = gain <= TOLERANCE * (1 + np.abs(value))
        beyond = value > most
        if np.all(done | beyond):
            break
        theta, value = _backtracked(law, moves, (theta, ahead, gain), steps, value)
        found = cumulant(law, moves, theta)
    slope = -cumulant_slope(moves, theta, found.weights)
    # A move that no mean of draws makes is climbed after for ever.
    reached = done & (value <= most)
    return Cost(np.where(reached, np.maximum(value, 0.0), np.inf), theta, slope)


def _backtracked(
    law: StepLaw, moves: StepMoves, step: tuple[Array, Array, Array], steps: Array, value: Array
) -> tuple[Array, Array]:
    """Return theta and its value after Newton's step, halved at each point until it gains."""
    theta, ahead, gain = step
    share = np.ones(len(value))
    for _ in range(HALVINGS):
        tried = theta + share * ahead
        with np.errstate(over="ignore", invalid="ignore"):
            reached = (tried * steps).sum(axis=0) - cumulant(law, moves, tried).value
        worse = ~(reached >= value + 1e-4 * share * gain - 1e-15 * (1 + np.abs(value)))
        if not worse.any():
            break
        share = np.where(worse, share / 2, share)
    return tried, np.asarray(reached)


def slow_cost(law: StepLaw, states: Array, moves_by: Array) -> Cost:
    """Return what it costs to move along v in many small steps: max theta v over K(x, theta) <= 0.

    Sequential quadratic programming from theta = 0: each round puts K's parabola in its place, an
    ellipsoid of which the farthest point along v is known.

    Args:
        law: The law of one step.
        states: x, axes (coordinate, point).
        moves_by: v, axes (coordinate, point).

    Example:
        >>> from causalopt.descents.maps.random_map import RandomMap
        >>> from causalopt.descents.transitions.step_laws import law_of_map
        >>> coin = law_of_map(RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.75, 0.25)))
        >>> cost = slow_cost(coin, np.zeros((1, 1)), np.ones((1, 1)))
        >>> bool(np.isclose(cost.value[0], np.log(3)))
        True
    """
    moves = law.moves(states)
    theta = np.zeros_like(moves_by)
    found = cumulant(law, moves, theta)
    done = np.zeros(moves_by.shape[1], dtype=bool)
    for _ in range(ROUNDS):
        back, along = _solved(found.bend, found.slope), _solved(found.bend, moves_by)
        radius = (found.slope * back).sum(axis=0) - 2 * found.value
        length = (moves_by * along).sum(axis=0)
        reach = np.sqrt(np.maximum(radius, 0) / np.where(length > 0, length, 1.0))
        change = reach * along - back
        size = np.abs(change).max(axis=0) / (1e-3 / _scale(found) + np.abs(theta).max(axis=0))
        done = size <= 1e-9
        if done.all():
            break
        # No round goes further than e-folds of the tilted weights allow the parabola to be true.
        far = np.sqrt(np.maximum(np.einsum("cp,cdp,dp->p", change, found.bend, change), 0.0))
        theta = theta + change * np.minimum(1.0, 3.0 / np.maximum(far, 1e-300))
        found = cumulant(law, moves, theta)
    # Where no draws go that way theta grows for ever: infinite, and of no slope.
    theta = np.where(done, theta, 0.0)
    found = cumulant(law, moves, theta)
    value = np.maximum((theta * moves_by).sum(axis=0), 0.0)
    slope = -_steps_needed(found, moves_by) * cumulant_slope(moves, theta, found.weights)
    return Cost(np.where(done, value, np.inf), theta, slope)


def slow_steps(law: StepLaw, states: Array, moves_by: Array, theta: Array) -> Array:
    """Return how many steps the cheapest slow move takes, axis (point,); theta is `slow_cost`'s."""
    return _steps_needed(cumulant(law, law.moves(states), theta), moves_by)


def _steps_needed(found: Cumulant, moves_by: Array) -> Array:
    pace = (moves_by * found.slope).sum(axis=0)
    length = (moves_by * moves_by).sum(axis=0)
    # Where nothing moves, at a fixed point, the steps are without number.
    count: Array = np.minimum(length / np.maximum(pace, length / MOST_STEPS + 1e-300), MOST_STEPS)
    return count


def _scale(found: Cumulant) -> Array:
    """Return the size of a typical move, axis (point,): what makes theta a number."""
    size: Array = np.sqrt(np.einsum("ccp->p", found.bend)) + 1e-300
    return size


def _solved(bend: Array, right: Array) -> Array:
    """Solve one small symmetric system a point, axes (coordinate, point)."""
    size = len(right)
    matrices = np.moveaxis(bend, -1, 0)
    trace = np.einsum("pcc->p", matrices)
    ridge = (RIDGE * trace + 1e-300)[:, np.newaxis, np.newaxis] * np.eye(size)
    found: Array = np.linalg.solve(matrices + ridge, right.T[..., np.newaxis])[..., 0].T
    return found


def check_spread(law: StepLaw, state: Array) -> None:
    """Refuse a law whose draws span fewer directions than there are coordinates.

    Raises:
        QuestionError: They do, at that state, axis (coordinate,).
    """
    moves = law.moves(state[:, np.newaxis])
    bend = cumulant(law, moves, np.zeros((law.dimension, 1))).bend[:, :, 0]
    scale = np.sqrt(np.maximum(np.diag(bend), 0))
    if not scale.all():
        rank = int(np.count_nonzero(scale))
    else:
        rank = int(np.linalg.matrix_rank(bend / np.outer(scale, scale), tol=1e-10))
    if rank < law.dimension:
        place = ", ".join(f"{n} = {v:g}" for n, v in zip(law.names, state, strict=True))
        raise QuestionError(
            f"the draws of one step at {place} move walkers in {rank} of {law.dimension} "
            "directions, so most ends are out of reach: a least action needs noise in all; "
            "start elsewhere or declare more noise"
        )

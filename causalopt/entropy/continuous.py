"""Optimizing strength of continuous laws: polygons and Gaussians exactly, the rest by samples.

The surgery is the same, replace A by an independent replica's. The entropies are differential, so
each depends on the coordinates, but their differences do not: for an invertible map

    adjusted = E_{P'} ln |det J| - E_P ln |det J|,

zero for every invertible linear map, whatever the law. That is why Part 2's variance measure 'is
always zero' for its thermostat.

Source: "Defining Optimization in a Deeper Way", Part 2, section "The Continuous Thermostat".
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from causalopt.entropy.entropies import Entropies
from causalopt.entropy.information import Unit, per_nat
from causalopt.extras import need
from causalopt.laws import gaussian, planar
from causalopt.laws.gaussian import GaussianLaw
from causalopt.laws.planar import AffineMap, PlanarLaw
from causalopt.worlds.replacement import replace

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SampledEntropies(Entropies):
    """Entropies estimated from samples; `error` is the standard error of the adjusted strength."""

    error: float


def planar_strength(
    law: PlanarLaw, affine_map: AffineMap, *, A: int, unit: Unit = "bit"
) -> Entropies:
    """Return the optimizing strength of one step of a piecewise-affine map of the plane, exactly.

    Args:
        law: P_t.
        affine_map: The step. In several pieces it can move P'_t exactly only where P'_t is
            piecewise uniform, as it is for boxes.
        A: The coordinate replaced, 0 or 1.
        unit: Bits or nats.

    Raises:
        QuestionError: The map flattens the plane, or P'_t slopes and the map has several pieces.

    Example:
        >>> k = 0.3
        >>> turn = planar.AffinePiece(np.array([[1.0, -k], [1.0, 0.0]]), np.zeros(2))
        >>> now = planar.step(planar.uniform_box((0.0, 0.0), (1.0, 1.0)), [turn])
        >>> round(planar_strength(now, [turn], A=1, unit="nat").optimizing_strength, 7)
        1.3539728
    """
    P_next = planar.step(law, affine_map)
    P_decoupled: planar.ProductDensity = replace(law, [A], law)
    later: PlanarLaw | planar.ProductDensity
    if len(affine_map) == 1 and not affine_map[0].within:
        later = planar.moved(P_decoupled, affine_map[0])
    else:
        later = planar.step(planar.rectangles(P_decoupled), affine_map)
    values = [found.entropy() for found in (law, P_decoupled, P_next, later)]
    return _entropies(values, unit)


def gaussian_strength(
    law: GaussianLaw,
    matrix: Array,
    *,
    A: Iterable[str],
    noise: Array | None = None,
    unit: Unit = "bit",
) -> Entropies:
    """Return the optimizing strength of one step of a linear map of a Gaussian, exactly.

    Args:
        law: P_t.
        matrix: The step, x -> matrix x + noise.
        A: The variables replaced.
        noise: Covariance of Gaussian noise added each step.
        unit: Bits or nats.
    """
    worlds = _four_gaussians(law, matrix, tuple(A), noise)
    return _entropies([world.entropy() for world in worlds], unit)


def variance_strength(
    law: GaussianLaw,
    matrix: Array,
    *,
    A: Iterable[str],
    noise: Array | None = None,
    total: bool = False,
) -> Entropies:
    """Return the same differences with ln V in the entropy's place, V a variance.

    Args:
        law: P_t.
        matrix: The step.
        A: The variables replaced.
        noise: Covariance of Gaussian noise added each step.
        total: V is the sum of variances; by default the determinant, twice the entropy up to a
            constant.

    Returns:
        Logarithms of variances in nats: Part 2's log(V[P_t+1]) and so on.
    """
    worlds = _four_gaussians(law, matrix, tuple(A), noise)
    size = [w.total_variance() if total else w.generalized_variance() for w in worlds]
    return _entropies([math.log(value) for value in size], "nat")


def sampled_strength(
    points: Array,
    replica: Array,
    step: Callable[[Array], Array],
    *,
    A: list[int],
    neighbours: int = 4,
    unit: Unit = "bit",
) -> SampledEntropies:
    """Return the optimizing strength of one step, estimated from samples.

    Args:
        points: Draws of the world at t, shape (draws, dimensions).
        replica: Draws of an independent replica at t, of the same shape.
        step: Moves draws one step on.
        A: The columns replaced.
        neighbours: Of the entropy estimator.
        unit: Bits or nats.
    """
    need("scipy", "entropy from samples")
    from causalopt.laws.samples import sampled_entropy  # scipy is slow to load

    world = replace(points, A, replica)
    courses = (points, world, step(points), step(world))
    found = [sampled_entropy(course, neighbours=neighbours) for course in courses]
    error = math.hypot(*(estimate.error for estimate in found)) * per_nat(unit)
    base = _entropies([estimate.value for estimate in found], unit)
    return SampledEntropies(**dataclasses.asdict(base), error=error)


def _four_gaussians(
    law: GaussianLaw, matrix: Array, A: tuple[str, ...], noise: Array | None
) -> tuple[GaussianLaw, GaussianLaw, GaussianLaw, GaussianLaw]:
    P_decoupled: GaussianLaw = replace(law, A, law)
    P_next = gaussian.step(law, matrix, noise=noise)
    later = gaussian.step(P_decoupled, matrix, noise=noise)
    return law, P_decoupled, P_next, later


def _entropies(nats: list[float], unit: Unit) -> Entropies:
    S, S_decoupled, S_next, later = (value * per_nat(unit) for value in nats)
    return Entropies(unit=unit, S=S, S_decoupled=S_decoupled, S_next=S_next, S_next_decoupled=later)

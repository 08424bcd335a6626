"""Differential entropy from samples, with its error, where no law is known in closed form.

The estimator of Kozachenko and Leonenko: with e_i the distance from sample i to its k-th nearest
neighbour in d dimensions,

    H = mean of [d ln e_i] + ln V_d + psi(N) - psi(k).

Its error is the standard error of the mean of the bracketed terms. What the error does not hold is
the bias, which falls as N^(-2/d) where the density is smooth and as N^(-1/d) at a sharp edge.

Sources: L. Kozachenko, N. Leonenko, Probl. Inf. Transm. 23, 1987; A. Kraskov, H. Stoegbauer,
P. Grassberger, Phys. Rev. E 69, 2004.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree
from scipy.special import digamma, gammaln

from causalopt.errors import QuestionError

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A value and its standard error, in nats."""

    value: float
    error: float


def sampled_entropy(points: Array, *, neighbours: int = 4) -> Estimate:
    """Return the differential entropy of the law that points were drawn from, in nats.

    Args:
        points: Independent draws, shape (draws, dimensions).
        neighbours: k; more lowers the scatter and raises the bias.

    Raises:
        QuestionError: Too few points, or points that repeat (the law then has atoms).

    Example:
        >>> draws = np.random.default_rng(1).uniform(size=(4000, 1))
        >>> estimate = sampled_entropy(draws)
        >>> abs(estimate.value) < 4 * estimate.error
        True
    """
    count, dimensions = points.shape
    if count <= neighbours or neighbours < 1:
        raise QuestionError(
            f"an estimate from {neighbours} neighbours needs more points than that, got {count}"
        )
    distances, _ = KDTree(points).query(points, k=neighbours + 1)
    reach = np.asarray(distances)[:, neighbours]
    if (reach == 0.0).any():
        raise QuestionError(
            "points repeat, so the law has atoms and no differential entropy; bin it, or ask the "
            "discrete measure"
        )
    ball = dimensions / 2.0 * math.log(math.pi) - float(gammaln(dimensions / 2.0 + 1.0))
    terms = dimensions * np.log(reach)
    constant = ball + float(digamma(count)) - float(digamma(neighbours))
    return Estimate(float(terms.mean()) + constant, float(terms.std(ddof=1)) / math.sqrt(count))

"""Gaussian laws through affine maps with Gaussian noise, exactly."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.worlds.replacement import replace

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianLaw:
    """A normal law over named variables.

    Args:
        names: The variables.
        mean: Shape (variables,).
        covariance: Shape (variables, variables), positive definite.

    Raises:
        QuestionError: Shapes differ or the covariance is not symmetric positive definite.

    Example:
        >>> law = GaussianLaw(("x",), np.zeros(1), np.eye(1))
        >>> round(law.entropy(), 6)  # ln(2 pi e) / 2
        1.418939
    """

    names: tuple[str, ...]
    mean: Array
    covariance: Array

    def __post_init__(self) -> None:
        size = len(self.names)
        if self.mean.shape != (size,) or self.covariance.shape != (size, size):
            raise QuestionError(
                f"{size} variables need a mean of shape {(size,)} and a covariance of shape "
                f"{(size, size)}, got {self.mean.shape} and {self.covariance.shape}"
            )
        sign, _ = np.linalg.slogdet(self.covariance) if size else (1.0, 0.0)
        symmetric = np.allclose(self.covariance, self.covariance.T, rtol=1e-9, atol=0.0)
        if sign <= 0 or not symmetric or (size and np.linalg.eigvalsh(self.covariance)[0] <= 0):
            raise QuestionError(
                "the covariance must be symmetric and positive definite; a singular law has "
                "differential entropy minus infinity, so add noise to what is certain"
            )

    def entropy(self) -> float:
        """Return (1/2) ln det(2 pi e covariance), in nats."""
        _, logdet = np.linalg.slogdet(self.covariance)
        return (len(self.names) * math.log(2.0 * math.pi * math.e) + float(logdet)) / 2.0

    def marginal(self, names: Iterable[str]) -> GaussianLaw:
        """Return the law of some of the variables, in the order given."""
        chosen = tuple(names)
        at = [self._place(name) for name in chosen]
        return GaussianLaw(chosen, self.mean[at], self.covariance[np.ix_(at, at)])

    def generalized_variance(self) -> float:
        """Return det(covariance), whose half logarithm is the entropy up to a constant."""
        return float(np.linalg.det(self.covariance))

    def total_variance(self) -> float:
        """Return trace(covariance), the sum of the variables' variances."""
        return float(np.trace(self.covariance))

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise UnknownNameError(
                f"no variable {name!r} in this law{suggestion(name, self.names)}"
            )
        return self.names.index(name)


def step(
    law: GaussianLaw, matrix: Array, *, shift: Array | None = None, noise: Array | None = None
) -> GaussianLaw:
    """Return the law of matrix x + shift + w, w normal with mean zero and covariance `noise`.

    Args:
        law: The law of x.
        matrix: Shape (variables, variables).
        shift: Shape (variables,); zero by default.
        noise: Shape (variables, variables); none by default.
    """
    mean = matrix @ law.mean + (0.0 if shift is None else shift)
    covariance = matrix @ law.covariance @ matrix.T
    return GaussianLaw(law.names, mean, covariance + (0.0 if noise is None else noise))


@replace.register
def _replace_variables(x: GaussianLaw, nodes: Iterable[str], source: GaussianLaw) -> GaussianLaw:
    """Return the law in which the covariance between what is taken and what is kept is zero."""
    chosen = set(nodes)
    taken = np.array([name in chosen for name in x.names])
    theirs = source.marginal(x.names)
    x.marginal(chosen)
    mean = np.where(taken, theirs.mean, x.mean)
    inside, outside = np.outer(taken, taken), np.outer(~taken, ~taken)
    covariance = np.where(inside, theirs.covariance, np.where(outside, x.covariance, 0.0))
    return GaussianLaw(x.names, mean, covariance)

"""Escape against T: one member's answers, and how far the diffusion is from the chain."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.escape.by_diffusion import escape_by_diffusion
from causalopt.descents.escape.by_operator import escape_by_operator
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from causalopt.descents.escape.answer import Answer
    from causalopt.descents.escape.escape import Escape
    from causalopt.descents.random_map import Array, RandomMap


@dataclasses.dataclass(frozen=True)
class DiffusionBias:
    """How far the diffusion's answer is from the operator's.

    Args:
        temperatures: T, axis (T,).
        operator: Probabilities, axes (T, within).
        diffusion: Probabilities, axes (T, within).
        resolution: What both members' own errors add up to, axes (T, within).
    """

    temperatures: Array
    operator: Array
    diffusion: Array
    resolution: Array

    @property
    def difference(self) -> Array:
        """Diffusion minus operator, axes (T, within)."""
        return np.asarray(self.diffusion - self.operator)


def escape_curve(
    member: Callable[[RandomMap, Escape], Answer],
    chain_at: Callable[[float], RandomMap],
    temperatures: Sequence[float],
    question: Escape,
) -> list[Answer]:
    """Return a member's answer at each T.

    Args:
        member: Such as `escape_by_operator`.
        chain_at: The random map at a given T.
        temperatures: Values of T, all positive.
        question: What is asked at each.

    Returns:
        One answer for each T.

    Raises:
        QuestionError: No T, or one that is not positive.
    """
    if not len(temperatures) or min(temperatures) <= 0:
        raise QuestionError(f"T is positive at every point; {list(temperatures)} came")
    return [member(chain_at(float(temperature)), question) for temperature in temperatures]


def diffusion_error(
    chain_at: Callable[[float], RandomMap],
    temperatures: Sequence[float],
    question: Escape,
    *,
    alpha: float = 0.0,
) -> DiffusionBias:
    """Return how far the diffusion is from the chain it stands for, against T.

    Args:
        chain_at: The random map at a given T.
        temperatures: Values of T.
        question: What is asked at each.
        alpha: The diffusion's convention.

    Returns:
        Both answers and what their own errors leave open.
    """

    def diffuse(chain: RandomMap, asked: Escape) -> Answer:
        return escape_by_diffusion(chain, asked, alpha=alpha)

    exact = escape_curve(escape_by_operator, chain_at, temperatures, question)
    diffused = escape_curve(diffuse, chain_at, temperatures, question)
    return DiffusionBias(
        np.asarray(temperatures, dtype=float),
        np.array([answer.probability for answer in exact]),
        np.array([answer.probability for answer in diffused]),
        np.array([answer.error for answer in exact]) + [answer.error for answer in diffused],
    )

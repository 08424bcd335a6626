"""Finite noise: what a model draws each step, as values and probabilities."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.model.model import Model


def noise_outcomes(model: Model) -> dict[str, list[tuple[Fraction, float]]]:
    """Return noise variable -> its values and their probabilities.

    Args:
        model: A model whose noise variables take finitely many numbers.

    Returns:
        Empty for a model without noise.

    Raises:
        QuestionError: A noise variable takes words, or a continuum of values.

    Example:
        >>> from causalopt.model.files import load
        >>> noise_outcomes(load("sgd_pit"))["pick"]
        [(Fraction(0, 1), 0.5), (Fraction(1, 1), 0.5)]
    """
    outcomes: dict[str, list[tuple[Fraction, float]]] = {}
    for name, variable in model.variables.items():
        if variable.noise is None:
            continue
        law = model.finite.noises.get(name)
        if law is None:
            raise QuestionError(
                f"the noise '{name}' is {variable.noise}: a random map needs finitely many values, "
                "such as bernoulli(1/2) or {0: 1/3, 1: 2/3}"
            )
        words = [label for label in law if isinstance(label, str)]
        if words:
            raise QuestionError(
                f"the noise '{name}' draws the word '{words[0]}'; a random map needs numbers: "
                "write 0, 1, ... for its labels"
            )
        outcomes[name] = [(Fraction(label), float(share)) for label, share in law.items()]
    return outcomes

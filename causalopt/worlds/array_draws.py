"""What arrays draw: noise afresh at each step, and initial laws once.

Each element is a walker of its own in the counter-based streams, so that draws are functions of
(seed, element, step, variable) alone and W, X and Y share them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_plan import Values
from causalopt.errors import QuestionError
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.tensors.folding import evaluate
from causalopt.worlds.normal_quantile import normal_quantile
from causalopt.worlds.streams import uniforms

_INITIAL = 1 << 32  # sites of initial laws lie beyond those of noises


def noise_draws(template: ArrayTemplate, parameters: Mapping[str, float], seed: int) -> Draw | None:
    """Return what gives the noises' values at a step; None for a model without noise."""
    noisy = [v for v in template.variables if v.noise is not None]
    order = [name for name in template.names if template.by_name[name].noise is not None]
    check_seed(seed)
    if not noisy:
        return None

    def draw(t: int) -> Mapping[str, Values]:
        return {v.name: _value(v, t, seed, order.index(v.name), parameters, v.noise) for v in noisy}

    return draw


def check_seed(seed: int) -> None:
    """Refuse a seed out of range.

    Raises:
        QuestionError: It is.
    """
    if not 0 <= seed < 1 << 64:
        raise QuestionError(f"a seed is an integer from 0 to 2^64 - 1, found {seed}")


def initial_values(
    variable: ArrayVariable, site: int, parameters: Mapping[str, float], seed: int
) -> list[Values]:
    """Return what a variable starts with, one array a step.

    Raises:
        QuestionError: A value is not finite.
    """
    found = []
    for t, tensor in enumerate(variable.initial):
        value = _value(variable, t, seed, _INITIAL + site, parameters, tensor)
        if not np.isfinite(value).all():
            raise QuestionError(f"the initial value of '{variable.owner}' is not finite")
        found.append(np.array(np.broadcast_to(value, variable.shape), dtype=float))
    return found


def _value(
    variable: ArrayVariable,
    t: int,
    seed: int,
    site: int,
    parameters: Mapping[str, float],
    tensor: object,
) -> Values:
    def leaf(key: tuple[object, ...]) -> object:
        if key[0] == "param":
            return parameters[str(key[1])]
        if key[0] == "t":
            return float(t)
        elements = np.arange(max(variable.size, 1), dtype=np.uint64)
        draws = uniforms(seed, elements, t, site).reshape(variable.shape)
        # Half a unit of the draws' resolution keeps 0 away from minus infinity.
        return normal_quantile(draws + 2.0**-54) if key[1] == "normal" else draws

    value: Values = np.asarray(evaluate([tensor], leaf)[0], dtype=float)  # type: ignore[list-item]
    return value

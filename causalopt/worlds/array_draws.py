"""What arrays draw: noise afresh at each step, and initial laws once.

Each element is a walker of its own in the counter-based streams, so that draws are functions of
(seed, element, step, variable) alone and W, X and Y share them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from causalopt.engine.arrays.array_course import Draw
from causalopt.engine.arrays.array_plan import Values
from causalopt.errors import QuestionError
from causalopt.model.arrays.array_laws import ArrayLaw
from causalopt.model.arrays.array_template import ArrayTemplate, ArrayVariable
from causalopt.tensors.folding import evaluate
from causalopt.worlds.normal_quantile import normal_quantile
from causalopt.worlds.streams import Words, uniform_rows, uniforms

_INITIAL = 1 << 32  # sites of initial laws lie beyond those of noises
_AHEAD = 1 << 14  # numbers that a noise draws at one go


def noise_draws(template: ArrayTemplate, parameters: Mapping[str, float], seed: int) -> Draw | None:
    """Return what gives the noises' values at a step; None for a model without noise.

    Raises:
        QuestionError: A law cannot be; that of a noise whose law is drawn is seen at its step.
    """
    noisy = [v for v in template.variables if v.noise is not None]
    order = [name for name in template.names if template.by_name[name].noise is not None]
    check_seed(seed)
    if not noisy:
        return None
    within = {v.name: [law for law in v.laws if "draw" in law.reads] for v in noisy}

    ahead = {v.name: _Ahead(v, seed, order.index(v.name)) for v in noisy}
    for v in noisy:
        fixed = [law for law in v.laws if law not in within[v.name]]
        _check_laws(v, fixed, parameters, ahead[v.name].at, 0)

    def draw(t: int) -> Mapping[str, Values]:
        for v in noisy:
            _check_laws(v, within[v.name], parameters, ahead[v.name].at, t)
        return {v.name: _value(v.noise, t, parameters, ahead[v.name].at) for v in noisy}

    return draw


class _Ahead:
    """Draws of one noise, made for many steps at one go: a call costs more than a number."""

    def __init__(self, variable: ArrayVariable, seed: int, site: int) -> None:
        self._shape, self._seed, self._site = variable.shape, seed, site
        self._elements = _elements(variable)
        self._count = max(_AHEAD // len(self._elements) // 2, 1) * 2
        self._rows: dict[str, Values] = {}
        self._start = -1

    def at(self, t: int, law: str) -> Values:
        """Return a step's draws of a law, of the variable's shape."""
        start = t - t % self._count
        if start != self._start:
            self._start, self._rows = start, {}
        if law not in self._rows:
            draws = uniform_rows(self._seed, self._elements, start, self._count, self._site)
            self._rows[law] = _of_law(draws, law)
            self._rows[law].setflags(write=False)  # two runs of a step share them
        drawn: Values = self._rows[law][t - start].reshape(self._shape)
        return drawn


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
        QuestionError: A value is not finite, or its law cannot be.
    """
    found = []
    for t, tensor in enumerate(variable.initial):

        def at(t: int, law: str) -> Values:
            draws = uniforms(seed, _elements(variable), t, _INITIAL + site)
            return _of_law(draws.reshape(variable.shape), law)

        _check_laws(variable, [law for law in variable.laws if law.t == t], parameters, at, t)
        value = _value(tensor, t, parameters, at)
        if not np.isfinite(value).all():
            raise QuestionError(f"the initial value of '{variable.owner}' is not finite")
        found.append(np.array(np.broadcast_to(value, variable.shape), dtype=float))
    return found


def _elements(variable: ArrayVariable) -> Words:
    return np.arange(max(variable.size, 1), dtype=np.uint64)


def _of_law(draws: Values, law: str) -> Values:
    # Half a unit of the draws' resolution keeps 0 away from minus infinity.
    return normal_quantile(draws + 2.0**-54) if law == "normal" else draws


def _value(
    tensor: object, t: int, parameters: Mapping[str, float], at: Callable[[int, str], Values]
) -> Values:
    leaf = _leaf(t, parameters, at)
    value: Values = np.asarray(evaluate([tensor], leaf)[0], dtype=float)  # type: ignore[list-item]
    return value


def _leaf(
    t: int, parameters: Mapping[str, float], at: Callable[[int, str], Values]
) -> Callable[[tuple[object, ...]], object]:
    """Return what gives parameters, the step and draws, by their keys."""

    def leaf(key: tuple[object, ...]) -> object:
        if key[0] == "param":
            return parameters[str(key[1])]
        if key[0] == "t":
            return float(t)
        return at(t, str(key[1]))

    return leaf


def _check_laws(
    variable: ArrayVariable,
    laws: Iterable[ArrayLaw],
    parameters: Mapping[str, float],
    at: Callable[[int, str], Values],
    t: int,
) -> None:
    """Refuse laws that cannot be, such as one with a negative standard deviation."""
    for law in laws:
        fault = law.fault(_leaf(t, parameters, at))
        if fault is not None:
            raise QuestionError(f"'{variable.owner}': {fault}")

"""Random vector autoregressions as model files, for packages that fit them to series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from causalopt import Model


def stable_coefficients(rng: np.random.Generator, size: int, lags: int) -> np.ndarray:
    """Return coefficients [lag, of, on] of a process whose roots lie within 0.9."""
    coefficients = rng.normal(size=(lags, size, size)) * (rng.random((lags, size, size)) < 0.6)
    companion = np.zeros((size * lags, size * lags))
    companion[:size] = np.concatenate(list(coefficients), axis=1)
    companion[size:, :-size] = np.eye(size * (lags - 1))
    radius = max(abs(np.linalg.eigvals(companion)))
    if radius > 0.9:
        coefficients *= (0.9 / radius) ** np.arange(1, lags + 1)[:, None, None]
    return coefficients


def series(rng: np.random.Generator, coefficients: np.ndarray, length: int) -> np.ndarray:
    """Return a realisation with correlated normal noise, shape [t, variable]."""
    lags, size, _ = coefficients.shape
    mixing = np.eye(size) + 0.3 * rng.normal(size=(size, size))
    found = np.zeros((length + 50, size))
    for t in range(lags, length + 50):
        past = sum(coefficients[k] @ found[t - 1 - k] for k in range(lags))
        found[t] = past + mixing @ rng.normal(size=size)
    return found[50:]


def linear_model(
    coefficients: np.ndarray, held: Sequence[int], same_step: np.ndarray | None = None
) -> Model:
    """Return y[t] = same_step y[t] + sum of coefficients[k] y[t-1-k], with these rows as A.

    The values at the first steps are 1; in a linear model no effect depends on them.
    """
    lags, size, _ = coefficients.shape
    names = [f"y{i}" for i in range(size)]
    variables = {}
    for i, name in enumerate(names):
        terms = [
            f"({float(coefficients[k, i, j])!r})*{names[j]}[t-{k + 1}]"
            for k in range(lags)
            for j in range(size)
            if coefficients[k, i, j] != 0
        ]
        if same_step is not None:
            terms += [
                f"({float(same_step[i, j])!r})*{names[j]}[t]"
                for j in range(size)
                if same_step[i, j] != 0
            ]
        variables[name] = {"rule": " + ".join(terms) or "0", "initial": [1] * lags}
    return Model(name="series", variables=variables, partition={"A": [names[i] for i in held]})

"""What a model's noise variables draw along one run.

Draws are functions of (seed, step, which noise) alone, so W, X and Y share them: a nudge changes
what follows from it and not the weather. An independent replica is a world of another seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from causalopt.engine.contract import Floats
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.worlds.normal_quantile import normal_quantile
from causalopt.worlds.streams import Picks, sequence, sequences, uniform_rows


def draw_noise(model: Model, steps: int, *, seed: int = 0) -> dict[str, Floats]:
    """Return noise variable -> its values at t = 0..steps; empty for a model without noise.

    Args:
        model: The model.
        steps: The last step.
        seed: 0 to 2^64 - 1; the draws are those of walker 0 of an ensemble with this seed.

    Raises:
        QuestionError: The seed is out of range, or a noise draws words.

    Example:
        >>> from causalopt.model.files import load
        >>> draw_noise(load("sgd_pit"), 4)["pick"].tolist()
        [1.0, 0.0, 1.0, 0.0, 0.0]
    """
    names = [name for name, variable in model.variables.items() if variable.noise is not None]
    if not 0 <= seed < 1 << 64:
        raise QuestionError(f"a seed is an integer from 0 to 2^64 - 1, found {seed}")
    if not names:
        return {}
    return {name: _draws(model, name, steps, seed, site) for site, name in enumerate(names)}


def draw_seeds(model: Model, steps: int, seeds: Sequence[int]) -> dict[str, Floats]:
    """Return noise variable -> its values at t = 0..steps under several seeds, shape [t, seed].

    Args:
        model: The model.
        steps: The last step.
        seeds: 0 to 2^64 - 1 each; column k is what `draw_noise` returns for the k-th.

    Raises:
        QuestionError: A noise draws words.

    Example:
        >>> from causalopt.model.files import load
        >>> draw_seeds(load("sgd_pit"), 4, [9, 0])["pick"][:, 1].tolist()
        [1.0, 0.0, 1.0, 0.0, 0.0]
    """
    names = [name for name, variable in model.variables.items() if variable.noise is not None]
    keys, found = np.array(seeds, dtype=np.uint64), {}
    for site, name in enumerate(names):
        if name not in model.finite.noises:
            kind, numbers = model.finite.densities[name]
            draws = sequences(keys, 0, steps, site)
            found[name] = draws if kind == "uniform" else _normal(draws, *numbers)
            continue
        table = np.empty((steps + 1, len(seeds)))
        for k, seed in enumerate(seeds):
            table[:, k] = _draws(model, name, steps, seed, site)
        found[name] = table
    return found


def draw_walkers(
    model: Model, steps: int, walkers: NDArray[np.uint64], *, seed: int = 0
) -> dict[str, Floats]:
    """Return noise variable -> its values at t = 0..steps for some walkers, shape [t, walker].

    Args:
        model: The model.
        steps: The last step.
        walkers: Their numbers; walker 0 draws what `draw_noise` returns.
        seed: 0 to 2^64 - 1.

    Raises:
        QuestionError: The seed is out of range, or a noise draws words.

    Example:
        >>> from causalopt.model.files import load
        >>> two = np.arange(2, dtype=np.uint64)
        >>> draw_walkers(load("sgd_pit"), 4, two)["pick"][:, 0].tolist()
        [1.0, 0.0, 1.0, 0.0, 0.0]
    """
    if not 0 <= seed < 1 << 64:
        raise QuestionError(f"a seed is an integer from 0 to 2^64 - 1, found {seed}")
    names = [name for name, variable in model.variables.items() if variable.noise is not None]
    found = {}
    for site, name in enumerate(names):
        if name not in model.finite.noises:
            kind, numbers = model.finite.densities[name]
            draws = uniform_rows(seed, walkers, 0, steps + 1, site)
            found[name] = draws if kind == "uniform" else _normal(draws, *numbers)
            continue
        values, shares = _outcomes(model, name)
        picks = Picks(shares, seed=seed, site=site)
        picks.start(walkers)
        found[name] = values[np.stack([picks.at(t) for t in range(steps + 1)])]
    return found


def _draws(model: Model, name: str, steps: int, seed: int, site: int) -> Floats:
    if name not in model.finite.noises:
        kind, numbers = model.finite.densities[name]
        draws = sequence(seed, 0, steps, site)
        return draws if kind == "uniform" else _normal(draws, *numbers)
    values, shares = _outcomes(model, name)
    chosen: Floats = values[Picks(shares, seed=seed, site=site).sequence(0, steps)]
    return chosen


def _outcomes(model: Model, name: str) -> tuple[Floats, list[float]]:
    """Return the numbers that a noise draws, and their probabilities."""
    law = model.finite.noises[name]
    words = [label for label in law if isinstance(label, str)]
    if words:
        raise QuestionError(
            f"the noise '{name}' draws the word '{words[0]}', and a run follows numbers: write "
            "0, 1, ... for its labels, or ask `causalopt entropy` for the law"
        )
    return np.array([float(label) for label in law]), [float(share) for share in law.values()]


def _normal(draws: Floats, mean: float, deviation: float) -> Floats:
    """Return normal numbers by the inverse of their distribution function."""
    # Half a unit of the draws' resolution keeps 0 away from minus infinity.
    values: Floats = mean + deviation * normal_quantile(draws + 2.0**-54)
    return values

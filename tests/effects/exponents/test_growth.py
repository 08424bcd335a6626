from __future__ import annotations

import numpy as np
import pytest

from causalopt import load, rates
from causalopt.effects.exponents.growth import slope, slope_error


def covered(samples: np.ndarray, truth: float) -> tuple[float, float]:
    """Return how often one and two standard errors hold the truth, for samples [step, run]."""
    gaps, errors = np.abs(slope(samples) - truth), slope_error(samples)
    return float(np.mean(gaps <= errors)), float(np.mean(gaps <= 2 * errors))


def test_the_slope_is_that_of_least_squares() -> None:
    logs = np.random.default_rng(1).standard_normal(37)
    sizes = np.concatenate([[0], np.cumsum(logs)])
    assert slope(logs) == pytest.approx(np.polyfit(range(38), sizes, 1)[0], rel=1e-10)


@pytest.mark.parametrize("memory", [0.0, 0.9, -0.6])
def test_stated_errors_cover_when_growth_has_a_memory(memory: float) -> None:
    rng = np.random.default_rng(2)
    samples = np.zeros((2000, 1000))
    for t in range(1, 2000):
        samples[t] = memory * samples[t - 1] + rng.standard_normal(1000)
    one, two = covered(samples[200:], 0.0)
    assert 0.6 < one < 0.8
    assert 0.92 < two < 0.99


def test_stated_errors_cover_when_the_size_of_a_tangent_swings() -> None:
    """A random walk of growth, seen through a size that swings by far more a batch."""
    rng = np.random.default_rng(3)
    phases = rng.uniform(0, 2 * np.pi, 1000)
    swing = 3 * np.sin(0.5 * np.arange(4001)[:, np.newaxis] + phases)
    samples = np.diff(swing, axis=0) + 0.1 * rng.standard_normal((4000, 1000))
    one, two = covered(samples, 0.0)
    assert 0.6 < one < 0.85
    assert 0.92 < two < 1.0


@pytest.mark.slow
def test_stated_errors_cover_the_rate_of_the_lorenz_system() -> None:
    rng = np.random.default_rng(7)
    starts = rng.normal(size=(40, 3)) * 8 + [0, 0, 25]
    runs = [
        rates(load("lorenz"), initial=dict(zip("abc", start.tolist(), strict=True)))
        for start in starts
    ]
    values, errors = np.array([(run.op_rate, run.error) for run in runs]).T
    gaps = np.abs(values - values.mean())
    assert 0.6 < np.mean(gaps <= errors) < 0.95
    assert np.mean(gaps <= 2 * errors) >= 0.92

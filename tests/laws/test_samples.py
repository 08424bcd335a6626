from __future__ import annotations

import math

import numpy as np
import pytest

from causalopt.errors import QuestionError
from causalopt.laws.samples import sampled_entropy


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_normal_samples_have_the_normal_entropy_within_the_error(dimensions: int) -> None:
    draws = np.random.default_rng(7).normal(size=(4000, dimensions))
    estimate = sampled_entropy(draws)
    expected = dimensions / 2 * math.log(2 * math.pi * math.e)
    assert abs(estimate.value - expected) < 4 * estimate.error
    assert estimate.error < 0.05 * dimensions


def test_the_error_is_the_scatter_over_repetitions() -> None:
    estimates = [
        sampled_entropy(np.random.default_rng(seed).normal(size=(500, 2))) for seed in range(60)
    ]
    scatter = np.std([e.value for e in estimates], ddof=1)
    claimed = np.mean([e.error for e in estimates])
    assert 0.6 < scatter / claimed < 1.6


def test_scaling_adds_its_logarithm_exactly() -> None:
    draws = np.random.default_rng(3).normal(size=(800, 2))
    gain = sampled_entropy(10.0 * draws).value - sampled_entropy(draws).value
    assert gain == pytest.approx(2 * math.log(10.0), abs=1e-9)


def test_samples_without_a_density_are_refused() -> None:
    with pytest.raises(QuestionError, match="points repeat"):
        sampled_entropy(np.zeros((100, 1)))
    with pytest.raises(QuestionError, match="needs more points"):
        sampled_entropy(np.zeros((3, 1)))

"""Quantiles and their intervals by order statistics: numpy, scipy, and all samples there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binom, t

from causalopt.effects.ensembles.order_statistics import interval_places, middle, quantile_places
from causalopt.effects.student_interval import student_quantile


@pytest.mark.parametrize("p", [0.05, 0.25, 0.5, 0.75, 0.9, 0.95])
def test_a_quantile_is_numpy_s_averaged_inverse(p: float) -> None:
    for count in (1, 2, 3, 4, 7, 20, 99, 100, 101):
        values = np.sort(np.random.default_rng(count).normal(size=count))
        low, high = quantile_places(count, p)
        own = middle(values[[low]], values[[high]])[0]
        assert own == pytest.approx(np.quantile(values, p, method="averaged_inverted_cdf"))


def test_midway_to_an_infinity_is_that_infinity() -> None:
    low = np.array([1.0, -np.inf, -np.inf, np.inf, 2.0])
    high = np.array([np.inf, 1.0, np.inf, np.inf, 4.0])
    assert np.array_equal(middle(low, high)[[0, 1, 3, 4]], [np.inf, -np.inf, np.inf, 3.0])
    assert np.isnan(middle(low, high)[2])


@pytest.mark.parametrize("p", [0.05, 0.3, 0.5, 0.95])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_an_interval_is_the_narrowest_that_leaves_half_of_the_rest_on_each_side(
    p: float, level: float
) -> None:
    side = (1 - level) / 2
    for count in (2, 5, 6, 20, 59, 100, 1000):
        low, high = interval_places(count, p, level)
        # The quantile lies below value number `low` (from 0) where at most `low` values do.
        assert low is None or binom.cdf(low, count, p) <= side
        assert binom.cdf((-1 if low is None else low) + 1, count, p) > side - 1e-12
        assert high is None or binom.sf(high, count, p) <= side
        assert binom.sf((count if high is None else high) - 1, count, p) > side - 1e-12


def test_coverage_over_all_samples_of_a_uniform_law_on_ten_values() -> None:
    """Five draws from ten equally likely values: an exact enumeration of 10^5 samples."""
    low, high = interval_places(5, 0.5, 0.8)
    assert (low, high) == (0, 4)
    quantile = 4.5  # of 0 ... 9: half of them lie below
    samples = np.sort(np.array(list(itertools.product(range(10), repeat=5))), axis=1)
    covered = (samples[:, low] <= quantile) & (quantile <= samples[:, high])
    assert covered.mean() == pytest.approx(1 - 2 / 2**5)
    assert covered.mean() >= 0.8


@pytest.mark.parametrize("degrees", [1, 2, 9, 58, 99, 10_000, 1_000_000])
def test_student_s_quantile_holds_for_many_degrees_too(degrees: int) -> None:
    for p in (0.8, 0.975, 0.9995):
        assert student_quantile(p, degrees) == pytest.approx(t.ppf(p, degrees), rel=1e-9)

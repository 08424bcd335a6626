"""Quantiles of the normal law are those of scipy and of mpmath."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from causalopt.worlds.normal_quantile import normal_quantile


def test_quantiles_are_scipys_to_a_few_units_of_the_last_place() -> None:
    from scipy.special import ndtri  # not in the core, where the other tests run

    draw = np.random.default_rng(5)
    small = 10.0 ** -draw.uniform(0, 307, 20_000)
    p = np.concatenate([draw.random(50_000), small, 1 - small[small > 1e-16]])
    np.testing.assert_allclose(normal_quantile(p), ndtri(p), rtol=2e-15)


@pytest.mark.parametrize("p", [1e-300, 1e-20, 0.02, 0.135, 0.136, 0.4, 0.75, 0.864, 0.865, 0.999])
def test_quantiles_are_the_inverse_of_the_distribution_function(p: float) -> None:
    found = float(normal_quantile(p))
    with mpmath.workdps(40):
        above = mpmath.ncdf(mpmath.mpf(found)) - mpmath.mpf(p)
        error = abs(above / mpmath.npdf(found) / found)
    assert error < 4e-15


def test_the_ends_are_infinite_and_shapes_stay() -> None:
    found = normal_quantile([[0.0, 0.5], [1.0, np.nan]])
    np.testing.assert_array_equal(found, [[-np.inf, 0.0], [np.inf, np.nan]])

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from causalopt.errors import QuestionError, UnknownNameError
from causalopt.laws.gaussian import GaussianLaw, step
from causalopt.worlds.replacement import replace

NAMES = ("a", "b", "c")


def random_law(seed: int) -> GaussianLaw:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, 3))
    return GaussianLaw(NAMES, rng.normal(size=3), root @ root.T + 0.1 * np.eye(3))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_entropy_is_that_of_scipys_normal(seed: int) -> None:
    law = random_law(seed)
    other = stats.multivariate_normal(law.mean, law.covariance)
    assert law.entropy() == pytest.approx(other.entropy(), rel=1e-10)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_replacing_cuts_the_covariance_and_adds_the_mutual_information(seed: int) -> None:
    law = random_law(seed)
    apart = replace(law, ["a"], law)
    assert apart.covariance[0, 1:].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(apart.covariance[1:, 1:], law.covariance[1:, 1:])
    gain = law.marginal(["a"]).entropy() + law.marginal(["b", "c"]).entropy() - law.entropy()
    assert apart.entropy() - law.entropy() == pytest.approx(gain, abs=1e-10)
    assert gain >= -1e-12


def test_two_correlated_normals_have_their_textbook_information() -> None:
    rho = 0.6
    law = GaussianLaw(("a", "b"), np.zeros(2), np.array([[1.0, rho], [rho, 1.0]]))
    gain = replace(law, ["b"], law).entropy() - law.entropy()
    assert gain == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-12)


def test_steps_move_mean_and_covariance_with_noise() -> None:
    law = random_law(1)
    matrix, noise = np.diag([1.0, 2.0, 3.0]), np.eye(3)
    moved = step(law, matrix, shift=np.ones(3), noise=noise)
    np.testing.assert_allclose(moved.mean, matrix @ law.mean + 1.0)
    np.testing.assert_allclose(moved.covariance, matrix @ law.covariance @ matrix + noise)
    assert moved.total_variance() == pytest.approx(np.trace(moved.covariance))


def test_laws_without_a_density_are_refused() -> None:
    with pytest.raises(QuestionError, match="positive definite"):
        GaussianLaw(("a", "b"), np.zeros(2), np.ones((2, 2)))
    with pytest.raises(QuestionError, match="mean of shape"):
        GaussianLaw(("a",), np.zeros(2), np.eye(2))
    with pytest.raises(UnknownNameError, match="no variable 'd'"):
        random_law(0).marginal(["d"])

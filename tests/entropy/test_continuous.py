from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.entropy.continuous import (
    gaussian_strength,
    planar_strength,
    sampled_strength,
    variance_strength,
)
from causalopt.laws.gaussian import GaussianLaw
from causalopt.laws.gaussian import step as gaussian_step
from causalopt.laws.planar import AffinePiece, step, uniform_box

EPS = 0.1


def turn(k: float) -> np.ndarray:
    """Part 2's step in (R, T): (R - k T, R)."""
    return np.array([[1.0, -k], [1.0, 0.0]])


@pytest.mark.parametrize("k", [0.1, 0.3, 1.0])
def test_part_2_uniform_closed_form(k: float) -> None:
    piece = AffinePiece(turn(k), np.zeros(2))
    now = step(uniform_box((0.0, 0.0), (EPS, EPS)), [piece])
    found = planar_strength(now, [piece], A=1, unit="nat")
    expected = k / 2 - math.log(k)
    assert found.optimizing_strength == pytest.approx(expected, abs=1e-11)
    assert found.mutual_information == pytest.approx(expected, abs=1e-11)
    assert found.S_next == pytest.approx(math.log(EPS**2 * k**2), abs=1e-11)


@pytest.mark.parametrize("k", [0.3, 1.0, 3.0])
def test_part_2_gaussian_closed_form(k: float) -> None:
    start = GaussianLaw(("R", "T"), np.zeros(2), EPS**2 * np.eye(2))
    now = gaussian_step(start, turn(k))
    found = gaussian_strength(now, turn(k), A=["T"], unit="nat")
    assert found.optimizing_strength == pytest.approx(
        0.5 * math.log((1 + k * k) / (k * k)), abs=1e-11
    )
    assert found.adjusted == pytest.approx(0.0, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_adjusted_variance_is_always_zero_for_linear_maps_and_only_for_the_determinant(
    seed: int,
) -> None:
    """The author's 'always zero' is the determinant's; the sum of variances is another measure."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2, 2))
    law = GaussianLaw(("R", "T"), np.zeros(2), root @ root.T + 0.1 * np.eye(2))
    matrix = rng.normal(size=(2, 2)) + 2 * np.eye(2)
    found = variance_strength(law, matrix, A=["T"])
    twice = gaussian_strength(law, matrix, A=["T"], unit="nat")
    assert found.adjusted == pytest.approx(0.0, abs=1e-9)
    assert found.optimizing_strength == pytest.approx(2 * twice.optimizing_strength, abs=1e-9)
    total = variance_strength(law, matrix, A=["T"], total=True)
    assert total.mutual_information == pytest.approx(0.0, abs=1e-12)  # a trace sees no correlation


def test_noise_makes_adjusted_negative_for_a_linear_gaussian() -> None:
    """Noise fills in what correlation had emptied: the gap closes as the noise grows."""
    law = GaussianLaw(("R", "T"), np.zeros(2), np.array([[1.0, 0.9], [0.9, 1.0]]))
    gaps = [
        gaussian_strength(law, turn(0.5), A=["T"], noise=s * np.eye(2)).adjusted
        for s in (0.0, 0.1, 1.0)
    ]
    assert gaps[0] == pytest.approx(0.0, abs=1e-12)
    assert gaps[2] < gaps[1] < 0.0


def test_a_folding_map_of_a_correlated_law_is_worked_out_by_hand() -> None:
    """P on two diagonal quarters; x -> |x - 1/2| folds them on each other only if decorrelated.

    P: density 2 on [0,1/2]x[0,1/2] and [1/2,1]x[1/2,1], S = -ln 2. Folding x sends both to
    x in [0,1/2] with y apart: density 2 on half the square, S = -ln 2. P' is uniform, S = 0, and
    folds two to one: density 2 there too. So Omega = 0 and adjusted = -ln 2.
    """
    from causalopt.laws.planar import PlanarLaw
    from causalopt.laws.polygons import box

    law = PlanarLaw(((box((0, 0), (0.5, 0.5)), 2.0), (box((0.5, 0.5), (1, 1)), 2.0)))
    fold = [
        AffinePiece(np.diag([-1.0, 1.0]), np.array([0.5, 0.0]), (((1.0, 0.0), 0.5),)),
        AffinePiece(np.eye(2), np.array([-0.5, 0.0]), (((-1.0, 0.0), -0.5),)),
    ]
    found = planar_strength(law, fold, A=1)
    assert found.mutual_information == pytest.approx(1.0)
    assert found.optimizing_strength == pytest.approx(0.0, abs=1e-12)
    assert found.adjusted == pytest.approx(-1.0)


def test_samples_agree_with_the_exact_gaussian_within_their_error() -> None:
    k, rng = 0.5, np.random.default_rng(11)
    draw = EPS * rng.normal(size=(2, 8000, 2))
    world, replica = draw[0] @ turn(k).T, draw[1] @ turn(k).T
    found = sampled_strength(world, replica, lambda x: x @ turn(k).T, A=[1], unit="nat")
    expected = 0.5 * math.log((1 + k * k) / (k * k))
    assert abs(found.optimizing_strength - expected) < 4 * found.error
    assert abs(found.adjusted) < 4 * found.error
    assert found.error < 0.05

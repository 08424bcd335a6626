"""Closed forms: runs, counted sequences, moments."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt.descents.maps.enumeration import count_escapes
from causalopt.descents.maps.success_runs import run_probability, steps_of_one_map
from causalopt.errors import QuestionError
from tests.descents.chains import PIT_EDGE, PIT_START, linear, ornstein, pit, swirl
from tests.descents.moments import Moments, affine_maps, stationary_moments, step_moments


@given(run=st.integers(1, 5), draws=st.integers(0, 11))
def test_run_probability_is_the_share_of_sequences_with_a_run(run, draws):
    sequences = itertools.product("01", repeat=draws)
    hits = sum("1" * run in "".join(sequence) for sequence in sequences)
    assert run_probability(run, draws) == Fraction(hits, 2**draws)


def test_the_81_percent_of_post_1_is_a_run_probability():
    assert float(run_probability(5, 100)) == pytest.approx(0.8101096, abs=5e-8)


def test_five_steps_on_the_first_datapoint_lead_out_of_the_pit():
    first = pit(0.05).maps[0]
    assert steps_of_one_map(first, PIT_START, PIT_EDGE) == 5
    state = np.array([[PIT_START]])
    for _ in range(5):
        state = first(state)
    assert state[0, 0] == pytest.approx(1.2002456, abs=5e-8)


def test_the_double_pit_needs_six_steps():
    assert steps_of_one_map(pit(0.05).maps[0], 1.0018434, 1.2149223) == 6


@settings(max_examples=20, deadline=None)
@given(T=st.floats(0.01, 0.08), within=st.integers(1, 12))
def test_counting_with_a_bound_is_counting_all(T, within):
    points = np.array([[PIT_START]])
    for _ in range(within):
        points = np.concatenate([image(points) for image in pit(T).maps], axis=1)
    expected = (points > PIT_EDGE).mean()
    found = count_escapes(pit(T), PIT_START, PIT_EDGE, within, bounds=(0.0, 3.5))
    assert found == pytest.approx(expected, rel=1e-12, abs=0)


def test_a_common_event_is_too_much_to_count():
    with pytest.raises(QuestionError, match="too common to count"):
        count_escapes(pit(0.02), PIT_START, PIT_EDGE, 60, bounds=(0.5, 3.0), limit=1000)


def test_stationary_moments_are_where_the_steps_lead():
    for chain, mean, variance in ((linear(), 2.0, 2 / 37), (ornstein(), 0.0, 0.0131579)):
        maps = affine_maps(chain)
        moments = Moments(np.array([0.3]), np.array([[0.5]]))
        for _ in range(400):
            moments = step_moments(maps, moments)
        law = stationary_moments(maps)
        assert law.mean[0] == pytest.approx(mean, abs=1e-9)
        assert law.covariance[0, 0] == pytest.approx(variance, abs=5e-8)
        assert moments.mean == pytest.approx(law.mean, abs=1e-9)
        assert moments.covariance == pytest.approx(law.covariance, abs=1e-9)


def test_moments_of_a_step_are_those_of_all_its_outcomes():
    chain, _, _ = swirl(0.3)
    points = np.random.default_rng(4).normal(size=(2, 500))
    before = Moments(points.mean(axis=1), np.cov(points, bias=True))
    after = step_moments(affine_maps(chain), before)
    cloud = np.concatenate(list(chain.images(points)), axis=1)
    assert after.mean == pytest.approx(cloud.mean(axis=1), abs=1e-12)
    assert after.covariance == pytest.approx(np.cov(cloud, bias=True), abs=1e-12)


def test_curved_gradients_have_no_closed_moments():
    with pytest.raises(QuestionError, match="linear in the state"):
        affine_maps(pit(0.02))


def test_an_unstable_chain_has_no_stationary_variance():
    with pytest.raises(QuestionError, match="take a smaller T"):
        stationary_moments(affine_maps(linear(2.0)))

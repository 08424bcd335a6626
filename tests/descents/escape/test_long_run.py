"""Steps to escape, their theory, the winning basin, and laws over time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.descents.escape.basins import compare_basins
from causalopt.descents.escape.evolution import (
    evolve_by_diffusion,
    evolve_by_ensemble,
    evolve_by_operator,
    normal_points,
)
from causalopt.descents.escape.quasi_potential import climbing_cost, quasi_potential
from causalopt.descents.escape.steps_to_escape import fit_log_line, steps_to_escape
from causalopt.descents.maps.random_map import RandomMap
from causalopt.descents.walkers.first_passage import first_passage
from causalopt.errors import QuestionError
from tests.descents.chains import PIT_EDGE, PIT_START, basins, linear, pit, walk
from tests.descents.moments import Moments, affine_maps, step_moments

PIT_MINIMUM = 1.0074533


def test_mean_steps_are_the_walkers_mean():
    times = steps_to_escape(pit, [0.02, 0.03], start=PIT_START, beyond=PIT_EDGE)
    for T, mean in zip(times.temperatures, times.mean, strict=True):
        start = np.full((1, 20_000), PIT_START)
        steps = first_passage(pit(T), start, lambda W: W[0] > PIT_EDGE, limit=5000, seed=6)
        assert steps.min() > 0
        assert mean == pytest.approx(steps.mean(), abs=4 * steps.std() / np.sqrt(20_000))


def test_log_steps_approach_the_quasi_potential_at_small_temperature():
    # log(mean) - V/T grows more slowly than V/T: its slope in 1/T tends to V.
    times = steps_to_escape(
        pit, [0.005, 0.006, 0.008], start=PIT_START, beyond=PIT_EDGE, foot=PIT_MINIMUM
    )
    inverse, logs = 1 / times.temperatures, np.log(times.mean)
    V = times.barrier * times.temperatures
    assert np.ptp(V) < 1e-12
    slope = (logs[0] - logs[1]) / (inverse[0] - inverse[1])
    assert slope == pytest.approx(V[0], rel=0.06)
    assert np.all(np.abs(logs / times.barrier - 1) < 0.2)


def test_the_log_linear_region_of_post_1_is_there():
    T = np.linspace(0.0125, 0.0175, 6)
    times = steps_to_escape(pit, T, start=PIT_START, beyond=PIT_EDGE)
    line = fit_log_line(T, times.mean)
    assert line.slope < -500
    assert line.r_squared > 0.97
    assert fit_log_line(1 / T, times.mean).r_squared > line.r_squared


@given(up=st.floats(0.05, 0.45), stride=st.floats(0.01, 3))
def test_the_climbing_cost_is_cramers_root(up, stride):
    chain = RandomMap((lambda W: W - stride, lambda W: W + stride), (1 - up, up))
    cost = climbing_cost(chain, np.zeros(1))[0]
    assert cost == pytest.approx(np.log((1 - up) / up) / stride, rel=1e-9)


def test_climbing_is_free_downhill_and_impossible_without_a_map_that_climbs():
    assert climbing_cost(walk(), np.zeros(1))[0] == 0
    sinking = RandomMap((lambda W: W - 1.0, lambda W: W - 2.0), (0.5, 0.5))
    assert climbing_cost(sinking, np.zeros(1))[0] == np.inf
    assert climbing_cost(sinking, np.zeros(1), side=-1)[0] == 0


def test_a_climb_needs_two_ends():
    with pytest.raises(QuestionError, match="a start and a level that differ"):
        quasi_potential(walk(), 1.0, 1.0)


def test_a_line_needs_three_points():
    with pytest.raises(QuestionError, match="three points or more"):
        fit_log_line(np.array([1.0, 2.0]), np.array([3.0, 4.0]))


def test_equal_basins_share_equally():
    found = compare_basins(basins(0.2), 0.0)
    assert found.status == "ok"
    assert found.left == pytest.approx(0.5, abs=1e-4)
    assert found.leave_left == pytest.approx(found.leave_right, rel=1e-3)


def test_the_wide_basin_wins_and_its_barrier_is_four_times_as_high():
    chain = basins(0.2, widths=(0.5, 1.0))
    found = compare_basins(chain, 0.0)
    assert found.right > 0.99
    narrow, wide = quasi_potential(chain, -2.5, 0.0), quasi_potential(chain, 2.5, 0.0)
    # Post 2: G / S^2 doubles and so does the way, when width doubles: 4, but for the far tails.
    assert wide / narrow == pytest.approx(4, rel=0.1)


def test_depth_does_not_help_when_its_noise_grows_with_it():
    found = compare_basins(basins(0.2, widths=(0.5, 1.0), depths=(2.0, 1.0)), 0.0)
    assert found.right > 0.99


def test_less_gradient_variance_wins():
    found = compare_basins(basins(0.2, noises=(1.3, 1.6)), 0.0)
    assert found.left > 0.9
    assert found.leave_right > 10 * found.leave_left


def test_shares_balance_the_crossings():
    # Up to a factor: some of those that cross the barrier turn back at once.
    found = compare_basins(basins(0.15, widths=(0.9, 1.0)), 0.0)
    assert found.leave_left / found.leave_right > 5
    balance = found.left * found.leave_left / (found.right * found.leave_right)
    assert 0.5 < balance < 2


def test_all_pictures_of_the_linear_validation_keep_the_exact_mean():
    points = normal_points(1.0, 0.1, 200)
    times = np.array([1, 5, 20])
    maps = affine_maps(linear())
    moments = Moments(np.array([points.mean()]), np.array([[points.var()]]))
    exact = []
    for step in range(1, 21):
        moments = step_moments(maps, moments)
        if step in times:
            exact.append((moments.mean[0], np.sqrt(moments.covariance[0, 0])))
    mean, deviation = np.transpose(exact)
    operator = evolve_by_operator(linear(), points, times)
    assert operator.mean == pytest.approx(mean, abs=1e-9)
    assert operator.deviation == pytest.approx(deviation, abs=1e-4)
    ensemble = evolve_by_ensemble(linear(), points, times, copies=200, seed=2)
    assert ensemble.mean == pytest.approx(mean, abs=5e-3)
    assert ensemble.deviation == pytest.approx(deviation, abs=5e-3)
    # The diffusion's mean decays by e^-T a step, the chain's by 1 - T: T = 0.5 is far from small.
    diffusion = evolve_by_diffusion(linear(), points, times, step=1 / 64)
    expected = 2 + (points.mean() - 2) * np.exp(-0.5 * times)
    assert diffusion.mean == pytest.approx(expected, abs=2e-3)


def test_times_that_are_not_whole_steps_are_refused():
    with pytest.raises(QuestionError, match="whole numbers of steps"):
        evolve_by_operator(linear(), np.ones(1), np.array([0.5]))

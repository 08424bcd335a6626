"""Two basins over width, depth and noise: laws, walkers, and where the action agrees."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import brentq

from causalopt import basin_diagram, load
from causalopt.descents.chain import chain_of
from causalopt.descents.escape.quasi_potential import quasi_potential
from causalopt.descents.transitions.basin_diagram import BasinDiagram
from causalopt.descents.walkers.ensemble import run_ensemble
from causalopt.errors import QuestionError

MODEL = load("sgd_basins")


@pytest.fixture(scope="module")
def widths_and_noises() -> BasinDiagram:
    grid = {"width_left": [0.8, 1.0, 1.2], "noise_left": [1.0, 1.3, 1.7]}
    return basin_diagram(MODEL, grid, barrier=0, parameters={"T": 0.3})


def test_width_wins_against_equal_noise_and_quiet_against_equal_width(widths_and_noises):
    found = widths_and_noises
    assert found.winner[:, 1].tolist()[::2] == ["right", "left"]
    assert found.winner[1].tolist()[::2] == ["left", "right"]
    # Neither decides alone: quiet and narrow wins, loud and wide does not.
    assert found.winner[0, 0] == "left"
    assert found.winner[2, 2] == "right"
    assert found.right[1, 1] == pytest.approx(0.5, abs=1e-3)


def test_swapped_basins_swap_the_shares(widths_and_noises):
    grid = {"width_right": [0.8, 1.0, 1.2], "noise_right": [1.0, 1.3, 1.7]}
    swapped = basin_diagram(MODEL, grid, barrier=0, parameters={"T": 0.3, "width_left": 1})
    mine = widths_and_noises
    assert swapped.right == pytest.approx(1 - mine.right, abs=5e-3)
    assert swapped.climb_right == pytest.approx(mine.climb_left, rel=1e-6)
    assert swapped.leave_right == pytest.approx(mine.leave_left, rel=2e-2)


def test_shares_are_those_of_walkers(widths_and_noises):
    changed = {"T": 0.3, "width_left": 1.2, "noise_left": 1.7}
    chain = chain_of(MODEL.replace(parameters=changed)).step
    # From both sides, so that what is left of the start would show.
    start = np.repeat([[-2.5, 2.5]], 2000, axis=1)
    times = np.arange(20_000, 40_001, 1000)
    states = run_ensemble(chain, start, times, seed=3, workers=2).states[:, 0]
    shares = (states > 0).mean(axis=0)
    error = shares.std() / np.sqrt(len(shares))
    found = widths_and_noises
    assert abs(shares.mean() - found.right[2, 2]) < 3 * error + found.right_error[2, 2]
    assert error < 0.01


def test_climbs_begin_at_the_mean_move_s_own_zero(widths_and_noises):
    changed = {"T": 0.3, "width_left": 0.8, "noise_left": 1.7}
    chain = chain_of(MODEL.replace(parameters=changed)).step
    foot = brentq(lambda w: chain.drift(np.array([[w]]))[0, 0], -2.8, -2.2)
    exact = quasi_potential(chain, foot, 0.0)
    assert widths_and_noises.climb_left[0, 2] == pytest.approx(exact, rel=1e-4)


def test_the_action_agrees_but_for_the_neighbours_of_the_line(widths_and_noises):
    found = widths_and_noises
    far = np.abs(found.right - 0.5) > 0.25
    assert far.sum() >= 5
    assert found.agrees[far].all()


def test_twice_the_width_is_four_times_the_climb_and_twice_the_depth_half():
    grid = {"width_left": [0.5, 1.0], "depth_left": [1.0, 2.0]}
    found = basin_diagram(MODEL, grid, barrier=0)
    assert found.climb_right[0, 0] / found.climb_left[0, 0] == pytest.approx(4, rel=0.1)
    # G grows as the depth, S^2 as its square: G / S^2 halves.
    assert found.climb_left[0, 1] / found.climb_left[0, 0] == pytest.approx(0.5, rel=0.15)


def test_a_side_without_a_minimum_is_said_to_be():
    found = basin_diagram(MODEL, {"depth_left": [0.0, 1.0]}, barrier=0)
    assert found.status.tolist() == ["one_basin", "ok"]
    assert np.isnan(found.climb_left[0])
    assert found.winner_by_action[0] == "neither"


def test_a_law_without_digits_names_no_winner_in_good_faith():
    found = basin_diagram(MODEL, {"T": [0.02, 0.3]}, barrier=0, parameters={"width_left": 0.9})
    assert found.status.tolist() == ["unresolved", "ok"]


def test_dataset_json_and_text_say_the_same(widths_and_noises):
    found = widths_and_noises
    data = found.dataset
    assert data.right.dims == ("width_left", "noise_left")
    assert str(data.winner.sel(width_left=0.8, noise_left=1.7).values) == "right"
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["shape"] == [3, 3]
    assert told["right"] == found.right.ravel().tolist()
    assert "9 of 9 points ok" in repr(found)
    wins = int((found.winner == "right").sum())
    assert f"the right one wins at {wins}" in repr(found)


def test_diagrams_are_drawn_over_one_and_two_parameters(widths_and_noises):
    figure = widths_and_noises.plot()
    assert figure.axes[0].get_xlabel() == "width_left"
    assert figure.axes[0].get_ylabel() == "noise_left"
    line = basin_diagram(MODEL, {"T": [0.2, 0.3, 0.4]}, barrier=0)
    assert line.plot().axes[1].get_yscale() == "log"
    assert line.plot().axes[0].get_xlabel() == "T"


def test_three_parameters_can_be_computed_and_not_drawn():
    one = {"T": [0.3], "width_left": [0.9], "depth_left": [1.0]}
    found = basin_diagram(MODEL, one, barrier=0)
    assert found.right.shape == (1, 1, 1)
    with pytest.raises(QuestionError, match="one or two parameters can be drawn"):
        found.plot()


@pytest.mark.parametrize(
    ("name", "grid", "message"),
    [
        ("sgd_basins", {}, "over one or more parameters"),
        ("sgd_basins", {"T": []}, "over one or more parameters"),
        ("sgd_basins", {"T": np.linspace(0.1, 1, 10_001)}, "at most 10000 points"),
        ("sgd_swirl", {"T": [0.1]}, "need one coordinate; this chain has 2"),
    ],
)
def test_a_diagram_that_cannot_be_made(name, grid, message):
    with pytest.raises(QuestionError, match=message):
        basin_diagram(load(name), grid, barrier=0)

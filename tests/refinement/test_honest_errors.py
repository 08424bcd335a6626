"""The stated error covers the true one: on random models with a power that is known otherwise."""

from __future__ import annotations

import numpy as np
import pytest

import causalopt
from tests.refinement.random_models import DEAR, KINDS, outcomes


@pytest.mark.parametrize("kind", KINDS)
def test_the_stated_error_covers_the_true_one(kind: str) -> None:
    rows = np.array(list(outcomes(kind, 3 if kind in DEAR else 12, (120, 400))))
    _, apart, stated = rows.T
    missed = int((apart > stated).sum())
    assert missed <= len(rows) // 12, rows[apart > stated]


def test_the_stated_error_falls_as_points_are_added() -> None:
    rows = np.array(list(outcomes("smooth feedback", 8, (100, 400, 1600))))
    medians = [np.median(rows[rows[:, 0] == most, 2]) for most in (100, 400, 1600)]
    assert medians[1] < medians[0] / 8
    assert medians[2] < medians[1] / 8


def test_power_reaches_5e_4_with_a_quarter_of_a_grid_s_points() -> None:
    """Part 4's thermostat, over ranges that are not aligned with the places where Comp jumps.

    The room's start lies outside of the band's reach at both ends, where power is 2 p (t - dt).
    """
    model, truth = causalopt.load("thermostat_saturating"), 2 * (10 - 0.02)
    draw = np.random.default_rng(0)
    ranges = [(5 + draw.uniform(-4, 4), 45 + draw.uniform(-4, 4)) for _ in range(20)]
    found = [
        causalopt.refine(model, {"R[0]": ends}, tolerance=5e-4, estimate=False) for ends in ranges
    ]
    assert all(each.reached for each in found)
    assert max(abs(each.power - truth) for each in found) <= 5e-4
    mean = sum(each.points for each in found) / len(found)
    grids = [
        causalopt.sweep(model, {"R[0]": np.linspace(*ends, 4 * round(mean))}, estimate=False)
        for ends in ranges
    ]
    powers = [grid.power for grid in grids]
    outside = [power for power in powers if power is None or abs(power - truth) > 5e-4]
    assert mean < 800
    assert len(outside) >= 2  # four times the points, and a grid is still too coarse for some


def test_what_no_point_shows_is_in_the_error_where_w_tells_of_it() -> None:
    """x -> x - 0.8 sin(1.2 x), 60 times: Comp is 0 all but at the borders of basins."""
    from tests.refinement.known_cases import of_rule

    model = of_rule("R[t-1] + T[t]", held="-0.8*sin(1.2*R[t-1])", steps=60)
    found = causalopt.refine(model, {"R[0]": (5.0, 30.0)}, points=200)
    x = np.array([5.0, 30.0])
    for _ in range(60):
        x = x - 0.8 * np.sin(1.2 * x)
    truth = 25.0 - (x[1] - x[0])
    assert found.power > truth + 1.0  # the points do not see where all of the change is
    assert abs(found.power - truth) <= found.error

"""Basins and the rate of Op along a parameter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from causalopt import (
    Model,
    QuestionError,
    UnknownNameError,
    attraction_along,
    basins_along,
    load,
    rate_curve,
    rates,
)
from causalopt.basins.region_tracks import matched
from tests.basins.shapes import splitting

VALUES = np.array([0.0, 1.0, 2.0])


def events(present: list, links: list) -> list[tuple]:
    found = matched(present, links, VALUES[: len(present)])[1]
    return [(event.kind, event.before, event.tracks) for event in found]


class TestMatching:
    def test_regions_that_overlap_go_on(self) -> None:
        tracks, told = matched([[1, 2], [1, 2]], [{(1, 2): 5.0, (2, 1): 3.0}], VALUES[:2])
        assert tracks == ({1: 1, 2: 2}, {1: 2, 2: 1})
        assert told == ()

    def test_one_comes_and_one_goes(self) -> None:
        assert events([[1, 2], [1, 2]], [{(1, 1): 5.0}]) == [
            ("vanishes", 0.0, (2,)),
            ("appears", 0.0, (3,)),
        ]

    def test_the_larger_part_goes_on_of_a_split_and_of_a_merger(self) -> None:
        split = {(1, 1): 2.0, (1, 2): 5.0}
        tracks, told = matched([[1], [1, 2]], [split], VALUES[:2])
        assert tracks[1] == {1: 2, 2: 1}
        assert [(e.kind, e.tracks) for e in told] == [("splits", (1, 2))]
        merger = {(1, 1): 2.0, (2, 1): 5.0}
        tracks, told = matched([[1, 2], [1]], [merger], VALUES[:2])
        assert tracks[1] == {1: 2}
        assert [(e.kind, e.tracks) for e in told] == [("merges", (2, 1))]

    def test_a_track_that_is_gone_is_not_given_again(self) -> None:
        tracks, _ = matched([[1], [], [1]], [{}, {}], VALUES)
        assert tracks == ({1: 1}, {}, {1: 2})


def test_an_interval_splits_where_its_formula_says() -> None:
    """Op > 0 for p - 1 < x^2 < p + 1: none below p = -1, two intervals above p = 1."""
    values = [-1.5, -0.5, 0.5, 0.9, 1.1, 2.0]
    found = basins_along(splitting(), {"p": values}, {"x[0]": (-1.97, 1.83)})
    assert [(e.kind, e.before, e.after) for e in found.events] == [
        ("appears", -1.5, -0.5),
        ("splits", 0.9, 1.1),
    ]
    exact = [
        math.nan,
        *(2 * math.sqrt(p + 1) for p in values[1:4]),
        *(math.sqrt(p + 1) - math.sqrt(p - 1) for p in values[4:]),
    ]
    tables = found.measures
    track = found.events[0].tracks[0] - 1
    assert tables["measure"][:, track] == pytest.approx(exact, rel=1e-4, nan_ok=True)
    for k in range(1, 6):
        assert tables["low"][k, track] <= exact[k] <= tables["high"][k, track]
    assert found.count == 2


def test_two_intervals_merge_the_other_way_round() -> None:
    found = basins_along(splitting(), {"p": [1.1, 0.9]}, {"x[0]": (-1.97, 1.83)})
    assert [event.kind for event in found.events] == ["merges"]


def test_small_regions_are_not_followed() -> None:
    over, value = {"x[0]": (-1.97, 1.83)}, {"p": [2.0]}
    kept = basins_along(splitting(), value, over)
    assert kept.count == 2
    assert basins_along(splitting(), value, over, least=0.5).count == 0


def test_lorenz_origin_splits_into_two_equilibria_at_rho_1() -> None:
    model = load("lorenz").replace(method="rk4", dt=0.02)
    over = {"a[0]": (-20.0, 20.0)}
    found = attraction_along(model, {"rho": [0.5, 0.9, 1.5, 5, 12, 20]}, over, depth=1)
    assert [(e.kind, e.before, e.after) for e in found.events] == [("splits", 0.9, 1.5)]
    for k, rho in enumerate(found.values):
        places = sorted(a.centre["a"] for a in found.found[k].attractors)
        root = math.sqrt(8 / 3 * (rho - 1)) if rho > 1 else 0.0
        exact = [-root, root] if rho > 1 else [0.0]
        assert places == pytest.approx(exact, abs=1e-6)
    # A track keeps its side.
    for track in (1, 2):
        signs = {
            np.sign(each.attractors[label - 1].centre["a"])
            for each, row in zip(found.found[2:], found.tracks[2:], strict=True)
            for label, t in row.items()
            if t == track
        }
        assert len(signs) == 1


def test_tracks_are_labelled_and_told() -> None:
    found = basins_along(splitting(), {"p": [0.9, 1.1]}, {"x[0]": (-1.97, 1.83)})
    assert found.dataset.measure.sizes == {"p": 2, "track": 2}
    told = found.to_dict()
    assert told["events"][0]["kind"] == "splits"
    assert told["found"][1]["regions"][0]["label"] == 1
    assert "between 0.9 and 1.1: 1 splits with 2" in repr(found)


@pytest.mark.parametrize(
    ("along", "kind", "message"),
    [
        ({"q": [1, 2]}, UnknownNameError, "no parameter"),
        ({"p": [1], "x": [2]}, QuestionError, "one parameter"),
        ({}, QuestionError, "one parameter"),
        ({"p": []}, QuestionError, "one or more values"),
        ({"p": [math.nan]}, QuestionError, "finite"),
    ],
)
def test_what_is_no_parameter_is_told(along: dict, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        basins_along(splitting(), along, {"x[0]": (-1, 1)})


def test_the_thermostat_s_rate_is_that_of_its_roots() -> None:
    """u_t = u_{t-1} - k u_{t-2}: -ln of the larger root's size, sqrt(k) beyond k = 1/4."""
    values = np.array([0.01, 0.02, 0.1, 0.2, 0.3, 0.4])
    found = rate_curve(load("thermostat"), {"k": values}, steps=6000)
    root = (1 + np.sqrt(1 - 4 * values + 0j)) / 2
    exact = -np.log(np.abs(root))
    assert (np.abs(found.rate - exact) <= found.error + 1e-9).all()
    assert found.rate == pytest.approx(exact, rel=1e-3)
    assert found.unit == "nat per step"
    assert set(found.status.tolist()) == {"ok"}


def lorenz_rate(rho: float, dt: float) -> float:
    """Return the rate at the equilibrium that rho has: of Euler's map there, A = {a}."""
    a = math.sqrt(8 / 3 * (rho - 1)) if rho > 1 else 0.0
    c = max(rho - 1, 0)
    whole = np.array([[-10, 10, 0], [rho - c, -1, -a], [a, a, -8 / 3]])
    held = whole[1:, 1:]

    def growth(matrix: np.ndarray) -> float:
        return float(np.log(np.abs(1 + dt * np.linalg.eigvals(matrix))).max()) / dt

    return growth(held) - growth(whole)


def test_lorenz_rate_below_chaos_is_that_of_its_equilibria() -> None:
    values = np.array([0.5, 0.8, 1.7, 3.0, 6.0, 10.0, 13.0])
    found = rate_curve(load("lorenz"), {"rho": values}, steps=40_000)
    exact = [lorenz_rate(rho, 0.01) for rho in values]
    assert (np.abs(found.rate - exact) <= 1.5 * found.error + 1e-6).all()
    assert found.rate == pytest.approx(exact, abs=0.02)


def test_the_rate_of_chaos_is_that_of_rates() -> None:
    model = load("lorenz")
    found = rate_curve(model, {"rho": [28.0, 35.0]}, steps=100_000)
    for k, rho in enumerate((28.0, 35.0)):
        told = rates(model, parameters={"rho": rho}, steps=100_000)
        assert abs(found.rate[k] - told.op_rate) < 3 * (found.error[k] + told.error)
    assert found.unit == "nat per time unit"


def test_the_orbit_is_the_bifurcation_picture_of_the_map() -> None:
    model = Model(
        name="logistic",
        parameters={"r": 3.2},
        variables={
            "u": {"rule": "x[t-1]/10", "initial": 0.05},
            "x": {"rule": "r*x[t-1]*(1 - x[t-1]) + 0*u[t]", "initial": 0.3},
        },
        partition={"A": ["u"], "B": ["x"]},
        question={"nudge": "x[0]", "hold": "A", "target": "x", "steps": 10},
    )
    found = rate_curve(model, {"r": [2.8, 3.2]}, steps=4000, orbit=64)
    assert found.orbit.shape == (2, 64)
    assert found.orbit[0] == pytest.approx(np.full(64, 1 - 1 / 2.8))
    root = math.sqrt((3.2 - 3) * (3.2 + 1))
    ends = {round((4.2 - root) / 6.4, 9), round((4.2 + root) / 6.4, 9)}
    assert set(found.orbit[1].round(9).tolist()) == ends
    # A only watches: Op does not grow.
    assert found.rate == pytest.approx([0, 0], abs=1e-9)


def test_effects_that_vanish_and_values_that_grow_have_a_status_of_their_own() -> None:
    perfect = rate_curve(load("thermostat"), {"k": [1.0, 0.1]}, steps=600, transient=99, windows=2)
    assert perfect.status.tolist() == ["perfect", "ok"]
    assert math.isnan(perfect.rate[0])
    assert "perfect: 1 values" in repr(perfect)
    only = rate_curve(load("thermostat"), {"k": [0.1]}, target="T", steps=600)
    assert only.status.tolist() == ["only_path"]
    growing = rate_curve(load("thermostat"), {"k": [-3.0, 0.1]}, steps=6000)
    assert growing.status.tolist() == ["diverged", "ok"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"windows": 1}, "two or more windows"),
        ({"windows": 50, "steps": 20}, "two or more windows"),
        ({"transient": 600, "steps": 500}, "two or more windows"),
        ({"hold": "R"}, "the nudge is made in B"),
    ],
)
def test_wrong_rates_are_told(arguments: dict, message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        rate_curve(load("thermostat"), {"k": [0.1]}, **{"steps": 500} | arguments)


def test_the_curve_is_labelled() -> None:
    found = rate_curve(load("thermostat"), {"k": [0.1, 0.2]}, steps=500)
    data = found.dataset
    assert data.op_rate.sizes == {"k": 2}
    assert data.op_rate.attrs["units"] == "nat per step"
    assert found.to_dict()["op_rate"] == found.rate.tolist()


def test_the_rate_falls_by_a_jump_where_the_orbit_enters_chaos() -> None:
    model = load("lorenz").replace(method="rk4")
    found = rate_curve(model, {"rho": [23.0, 25.0]})
    assert found.rate[0] == pytest.approx(-1.77, abs=0.06)  # of the equilibrium's two Jacobians
    assert found.rate[1] + found.error[1] < -2.3
    assert np.ptp(found.orbit[0]) < 1e-3 < 20 < np.ptp(found.orbit[1])

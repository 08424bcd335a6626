"""Attractors and their basins: the machine state by state, closed forms, and other integrations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from causalopt import (
    Counters,
    Model,
    QuestionError,
    UnknownNameError,
    attraction_basins,
    load,
    world,
)
from causalopt.basins.orbit_lanes import OrbitLanes
from causalopt.basins.recurrence_machine import ESCAPED, UNDECIDED, Phase, RecurrenceMachine
from causalopt.basins.state_grid import NOWHERE, OUTSIDE, StateGrid

FEW = Counters(recurrences=3, locate=5, attractor_steps=2, basin_steps=4, lost_steps=3, most=60)


def cubic(**more: object) -> Model:
    return Model(
        name="cubic",
        variables={"x": {"flow": "x - x**3", "initial": 1}},
        dt=0.05,
        method="rk4",
        **more,
    )


def logistic(r: float) -> Model:
    return Model(
        name="logistic",
        parameters={"r": r},
        variables={"x": {"rule": "r*x[t-1]*(1 - x[t-1])", "initial": 0.3}},
    )


def newton() -> Model:
    """z - (z^3 - 1) / (3 z^2), in two real variables."""
    size = "(3*(x[t-1]**2 + y[t-1]**2)**2)"
    return Model(
        name="newton",
        variables={
            "x": {"rule": f"2*x[t-1]/3 + (x[t-1]**2 - y[t-1]**2)/{size}", "initial": 1},
            "y": {"rule": f"2*y[t-1]/3 - 2*x[t-1]*y[t-1]/{size}", "initial": 1},
        },
    )


class TestTheMachine:
    def test_finds_an_attractor_by_recurrences_and_records_its_cells(self) -> None:
        machine = RecurrenceMachine(FEW)
        # Three visited cells in a row; then five looks without a new cell.
        assert machine.follow([10, 11, 7, 8, 7, 8]) is None
        assert machine.phase is Phase.SEARCH
        assert machine.follow([7]) is None
        assert machine.phase is Phase.FOUND
        assert machine.follow([8, 7, 8, 7, 8]) is None
        assert machine.follow([7]) == 1
        assert machine.attractors == {7: 1, 8: 1}
        assert machine.phase is Phase.SEARCH

    def test_an_empty_cell_between_takes_the_count_of_recurrences_to_zero(self) -> None:
        machine = RecurrenceMachine(FEW)
        assert machine.follow([1, 2, 1, 2, 3, 1, 2]) is None
        assert machine.phase is Phase.SEARCH
        assert machine.follow([1]) is None
        assert machine.phase is Phase.FOUND

    def test_new_cells_lengthen_the_recording(self) -> None:
        machine = RecurrenceMachine(FEW)
        assert machine.follow([1] * 4 + [1, 1, 1, 1, 2, 2, 2, 2, 2]) is None
        assert machine.follow([2]) == 1
        assert machine.attractors == {1: 1, 2: 1}

    def test_an_orbit_on_known_cells_belongs_there_after_two_looks_in_a_row(self) -> None:
        machine = RecurrenceMachine(FEW)
        machine.attractors = {5: 1, 6: 2}
        machine.count = 2
        assert machine.follow([3, 5, 4, 6, 5]) is None
        assert machine.phase is Phase.ATTRACTOR
        assert machine.follow([5]) == 1
        assert machine.follow([6, 6]) == 2

    def test_an_orbit_in_a_known_basin_belongs_there_after_four_looks(self) -> None:
        machine = RecurrenceMachine(FEW)
        machine.basins = {1: 3, 2: 3, 4: 7}
        assert machine.follow([1, 2, 1, 4]) is None
        assert machine.phase is Phase.BASIN
        assert machine.follow([1, 2, 1]) is None
        assert machine.follow([2]) == 3

    def test_an_orbit_outside_escapes_and_one_without_a_value_at_once(self) -> None:
        machine = RecurrenceMachine(FEW)
        assert machine.follow([1, OUTSIDE, OUTSIDE, OUTSIDE, 2]) is None
        assert machine.follow([OUTSIDE] * 3) is None
        assert machine.phase is Phase.LOST
        assert machine.follow([OUTSIDE]) == ESCAPED
        assert machine.follow([1, NOWHERE]) == ESCAPED

    def test_time_outside_leaves_the_count_of_recurrences(self) -> None:
        machine = RecurrenceMachine(FEW)
        assert machine.follow([1, 1, 1, OUTSIDE, 1]) is None
        assert machine.phase is Phase.FOUND

    def test_one_that_never_recurs_is_undecided(self) -> None:
        machine = RecurrenceMachine(FEW)
        assert machine.follow(range(59)) is None
        assert machine.follow([59]) == UNDECIDED

    def test_one_that_had_not_settled_belongs_where_it_settles(self) -> None:
        machine = RecurrenceMachine(FEW)
        machine.attractors, machine.count = {9: 1}, 1
        assert machine.follow([4] * 6 + [9]) == 1
        assert machine.attractors == {9: 1}

    def test_cells_are_forgotten_and_adopted(self) -> None:
        machine = RecurrenceMachine(FEW)
        machine.attractors = {1: 1, 2: 2, 3: 2}
        machine.adopt(1, 2)
        assert machine.attractors == {1: 2, 2: 2, 3: 2}
        machine.forget(2)
        assert machine.attractors == {}


class TestOrbits:
    @pytest.mark.parametrize("method", ["euler", "rk4"])
    def test_go_on_as_a_run_does(self, method: str) -> None:
        model = load("lorenz").replace(method=method)
        orbits = OrbitLanes(model)
        states = orbits.start({"a[0]": np.array([1.0, -3.0])})
        told = world(model, steps=60, initial={"a": -3})
        rows = []
        for steps, stride in ((10, 1), (5, 4), (3, 10)):
            some, states = orbits.advance(states, steps, stride)
            rows.append(some)
        seen = [*range(1, 11), *range(14, 31, 4), 40, 50, 60]
        for k, name in enumerate("abc"):
            found = np.concatenate(rows)[:, k, 1]
            np.testing.assert_array_equal(found, np.asarray(told[name])[seen])
        np.testing.assert_array_equal(orbits.now(states)[:, 1], rows[-1][-1, :, 1])

    def test_carry_lags_and_variables_that_follow_at_once(self) -> None:
        model = Model(
            name="henon",
            variables={
                "x": {"rule": "1 - 1.4*x[t-1]**2 + 0.3*y[t-1]", "initial": [0.1, 0.2, 0.3]},
                "y": {"rule": "x[t-1] + 0.01*s[t-1]", "initial": [0.05]},
                "s": {"rule": "x[t] + y[t]"},
            },
        )
        orbits = OrbitLanes(model)
        states = orbits.start({"x[1]": np.array([0.2, -0.1])})
        told = np.asarray(world(model, steps=40)["x"])
        rows = []
        for steps in (7, 4, 20):
            some, states = orbits.advance(states, steps)
            rows.append(some)
        np.testing.assert_array_equal(np.concatenate(rows)[:, 0, 0], told[3 : 3 + 31])

    def test_lanes_do_not_depend_on_threads_or_on_each_other(self) -> None:
        starts = {"a[0]": np.linspace(-9, 9, 500)}
        found = []
        for workers in (1, 3):
            orbits = OrbitLanes(load("lorenz"), workers)
            found.append(orbits.advance(orbits.start(starts), 500)[0])
        np.testing.assert_array_equal(*found)


def test_the_cubic_flow_has_two_attractors_and_the_border_at_0() -> None:
    found = attraction_basins(cubic(), {"x[0]": (-2.0, 1.0)})
    one, two = found.attractors
    assert (one.kind, two.kind) == ("fixed point", "fixed point")
    assert (one.centre["x"], two.centre["x"]) == pytest.approx((-1, 1), abs=1e-12)
    for basin, exact in ((one, 2.0), (two, 1.0)):
        assert basin.low <= exact <= basin.high
        assert basin.high - basin.low < 1e-3
    assert found.escaped == (0.0, 0.0, 0.0)


def test_what_starts_on_an_unstable_point_is_undecided() -> None:
    found = attraction_basins(cubic(), {"x[0]": (-2.0, 2.0)})
    assert found.labels_of({"x[0]": np.array([0.0, 1e-9, -1e-9])}).tolist() in (
        [0, 1, 2],
        [0, 2, 1],
    )
    assert len(found.attractors) == 2
    assert 0 < found.undecided[2] < 1e-3


@pytest.mark.parametrize("dt", [0.02, 0.2])
def test_the_stable_cycles_of_the_logistic_map_are_found(dt: float) -> None:
    r = 3.2 + dt
    found = attraction_basins(logistic(r), {"x[0]": (0.01, 0.985)}, counts=16, depth=0)
    (cycle,) = found.attractors
    assert cycle.kind == "period 2"
    # The points of the 2-cycle: [r + 1 +- sqrt((r - 3)(r + 1))] / (2 r)
    root = math.sqrt((r - 3) * (r + 1))
    ends = ((r + 1 - root) / (2 * r), (r + 1 + root) / (2 * r))
    assert cycle.extent["x"] == pytest.approx(ends, abs=1e-9)


def test_orbits_that_escape_first_do_not_stretch_the_search() -> None:
    # Below 0 and above 1 orbits escape; 0 and 1 end on the unstable point 0.
    found = attraction_basins(logistic(3.2), {"x[0]": (-0.5, 1.5)})
    (cycle,) = found.attractors
    assert (cycle.kind, len(found.attractors)) == ("period 2", 1)
    assert cycle.low <= 1.0 <= found.undecided[2] + cycle.high
    assert found.escaped[0] <= 1.0 <= found.escaped[2]
    assert found.labels_of({"x[0]": np.array([-0.25, 0.0, 0.25, 1.0])}).tolist() == [-1, 0, 1, 0]


def test_a_window_of_period_3_and_chaos_are_told_apart() -> None:
    (cycle,) = attraction_basins(logistic(3.83), {"x[0]": (0.1, 0.9)}, counts=8, depth=0).attractors
    assert cycle.kind == "period 3"
    (chaos,) = attraction_basins(logistic(3.9), {"x[0]": (0.1, 0.9)}, counts=8, depth=0).attractors
    assert chaos.kind == "aperiodic"


def test_squares_escape_beyond_1() -> None:
    model = Model(name="square", variables={"x": {"rule": "x[t-1]**2", "initial": 0.5}})
    found = attraction_basins(model, {"x[0]": (-1.7, 2.2)})
    (zero,) = found.attractors
    assert zero.centre["x"] == 0.0
    assert zero.low <= 2.0 <= zero.high
    assert found.escaped[0] <= 1.9 <= found.escaped[2]
    assert found.labels_of({"x[0]": np.array([-1.5, -0.99, 0.99, 1.5])}).tolist() == [-1, 1, 1, -1]


def test_a_gradient_flow_s_basins_end_at_its_separatrix() -> None:
    """u = x + y falls into one of two wells, v = x - y into a bowl: the border is u = 0."""
    model = Model(
        name="gradient",
        variables={
            "x": {"flow": "((x + y) - (x + y)**3 - (x - y))/2", "initial": 0.5},
            "y": {"flow": "((x + y) - (x + y)**3 + (x - y))/2", "initial": 0.5},
        },
        dt=0.05,
        method="rk4",
    )
    found = attraction_basins(model, {"x[0]": (-1.0, 2.0), "y[0]": (-1.0, 1.5)})
    one, two = found.attractors
    assert tuple(one.centre.values()) == pytest.approx((0.5, 0.5), abs=1e-9)
    assert tuple(two.centre.values()) == pytest.approx((-0.5, -0.5), abs=1e-9)
    # Below y = -x the box holds a triangle from (-1, -1) with legs of 2.
    below = 2.0
    assert two.low <= below <= two.high
    assert two.measure == pytest.approx(below, rel=0.01)
    assert one.low <= 7.5 - below <= one.high
    rng = np.random.default_rng(0)
    points = {"x[0]": rng.uniform(-1, 2, 200), "y[0]": rng.uniform(-1, 1.5, 200)}
    side = np.where(points["x[0]"] + points["y[0]"] > 0, 1, 2)
    np.testing.assert_array_equal(found.labels_of(points), side)


def test_newton_s_method_has_three_basins_and_their_symmetry() -> None:
    found = attraction_basins(newton(), {"x[0]": (-1.5, 1.5), "y[0]": (-1.3, 1.3)}, depth=1)
    roots = [np.exp(2j * np.pi * k / 3) for k in range(3)]
    centres = [complex(*a.centre.values()) for a in found.attractors]
    assert len(centres) == 3
    nearest = [int(np.argmin([abs(c - root) for root in roots])) for c in centres]
    assert sorted(nearest) == [0, 1, 2]
    assert all(abs(c - roots[k]) < 1e-9 for c, k in zip(centres, nearest, strict=True))
    rng = np.random.default_rng(1)
    z = rng.uniform(-1.5, 1.5, 400) + 1j * rng.uniform(-1.3, 1.3, 400)
    ends = z.copy()
    for _ in range(300):
        ends = ends - (ends**3 - 1) / (3 * ends**2)
    exact = np.array([int(np.argmin([abs(e - root) for root in roots])) for e in ends])
    labels = found.labels_of({"x[0]": z.real, "y[0]": z.imag})
    np.testing.assert_array_equal([nearest[k - 1] for k in labels], exact)
    # A turn by a third of a circle takes each basin into the next.
    turned = z * roots[1]
    again = found.labels_of({"x[0]": turned.real, "y[0]": turned.imag})
    moved = np.array([nearest[k - 1] for k in again])
    assert np.mean(moved == (exact + 1) % 3) > 0.99


@pytest.mark.parametrize(("rho", "count"), [(0.8, 1), (10, 2), (28, 1)])
def test_lorenz_attractors_are_its_equilibria_or_chaos(rho: float, count: int) -> None:
    model = load("lorenz").replace(parameters={"rho": rho}, method="rk4", dt=0.02)
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    found = attraction_basins(model, over, counts=16, depth=1)
    assert len(found.attractors) == count
    if rho == 28:
        assert found.attractors[0].kind == "aperiodic"
        assert found.attractors[0].extent["c"][1] > 30
        return
    assert all(a.kind == "fixed point" for a in found.attractors)
    root = math.sqrt(8 / 3 * (rho - 1)) if rho > 1 else 0.0
    for a in found.attractors:
        assert abs(a.centre["a"]) == pytest.approx(root, abs=1e-6)
        assert a.centre["b"] == pytest.approx(a.centre["a"], abs=1e-6)
        assert a.centre["c"] == pytest.approx(max(rho - 1, 0), abs=1e-6)
    if count == 2:
        one, two = found.attractors
        assert one.centre["a"] == pytest.approx(-two.centre["a"])
        # (a, b, c) -> (-a, -b, c) takes one basin into the other.
        assert (one.low, one.high) == pytest.approx((two.low, two.high))


def test_three_attractors_live_beside_each_other_below_the_hopf_point() -> None:
    """For 24.06 < rho < 24.74 Lorenz has chaos and two stable equilibria at once."""
    model = load("lorenz").replace(parameters={"rho": 24.4}, method="rk4", dt=0.02)
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    found = attraction_basins(model, over, counts=8, depth=0)
    kinds = sorted(a.kind for a in found.attractors)
    assert kinds == ["aperiodic", "fixed point", "fixed point"]
    assert {round(abs(a.centre["a"]), 4) for a in found.attractors if a.kind != "aperiodic"} == {
        round(math.sqrt(8 / 3 * 23.4), 4)
    }


def pendulum() -> tuple[Model, list[tuple[float, float]]]:
    """A pendulum over three magnets: pulled to the middle, damped, drawn by each magnet."""
    magnets = [(math.cos(a), math.sin(a)) for a in (math.pi / 2, math.pi * 7 / 6, math.pi * 11 / 6)]
    pulls = []
    for axis in (0, 1):
        name = "xy"[axis]
        terms = [
            f"({m[axis]:.15g} - {name})/((x - {m[0]:.15g})**2 + (y - {m[1]:.15g})**2 + 0.09)**1.5"
            for m in magnets
        ]
        pulls.append(" + ".join(terms))
    model = Model(
        name="magnetic_pendulum",
        variables={
            "x": {"flow": "p", "initial": 0},
            "y": {"flow": "q", "initial": 0},
            "p": {"flow": f"{pulls[0]} - 0.5*x - 0.2*p", "initial": 0},
            "q": {"flow": f"{pulls[1]} - 0.5*y - 0.2*q", "initial": 0},
        },
        dt=0.02,
        method="rk4",
    )
    return model, magnets


def test_a_magnetic_pendulum_ends_where_another_integration_says() -> None:
    model, magnets = pendulum()
    found = attraction_basins(model, {"x[0]": (-1.6, 1.6), "y[0]": (-1.5, 1.5)}, counts=6, depth=0)
    assert len(found.attractors) == 3
    centres = np.array([(a.centre["x"], a.centre["y"]) for a in found.attractors])
    x, y = (
        grid.ravel() for grid in np.meshgrid(np.linspace(-1.6, 1.6, 6), np.linspace(-1.4, 1.5, 6))
    )

    def speed(s: np.ndarray) -> np.ndarray:
        pull = sum(
            (np.array(m)[:, None] - s[:2])
            / (((np.array(m)[:, None] - s[:2]) ** 2).sum(0) + 0.09) ** 1.5
            for m in magnets
        )
        return np.concatenate([s[2:], pull - 0.5 * s[:2] - 0.2 * s[2:]])

    s, h = np.stack([x, y, 0 * x, 0 * x]), 0.02
    for _ in range(6000):
        k1 = speed(s)
        k2 = speed(s + h / 2 * k1)
        k3 = speed(s + h / 2 * k2)
        k4 = speed(s + h * k3)
        s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    exact = np.argmin(((s[:2].T[:, None] - centres[None]) ** 2).sum(2), axis=1) + 1
    np.testing.assert_array_equal(found.labels_of({"x[0]": x, "y[0]": y}), exact)


def test_a_range_that_is_given_is_the_grid_s() -> None:
    found = attraction_basins(
        cubic(), {"x[0]": (-2, 2)}, within={"x": (-3, 3)}, cells=301, stride=2, depth=0
    )
    assert found.grid.ranges == {"x": (-3.0, 3.0)}
    assert (found.grid.counts, found.stride) == ((301,), 2)
    assert len(found.attractors) == 2
    # What lies outside for long escapes, though it would settle.
    outside = attraction_basins(cubic(), {"x[0]": (-2, 2)}, within={"x": (0.5, 3)}, depth=0)
    assert [a.centre["x"] for a in outside.attractors] == pytest.approx([1.0])
    assert outside.escaped[1] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("model", "arguments", "kind", "message"),
    [
        (load("sgd_pit"), {}, QuestionError, "has noise"),
        (cubic(), {"over": {"y[0]": (0, 1)}}, UnknownNameError, "unknown"),
        (cubic(), {"within": {"q": (0, 1)}}, UnknownNameError, "no variable of the state"),
        (cubic(), {"within": {"x": (1, 0)}}, QuestionError, "the lower one first"),
        (cubic(), {"within": {"x": 3}}, QuestionError, "takes a range"),
        (cubic(), {"cells": 1}, QuestionError, "2 or more cells"),
        (cubic(), {"stride": 0}, QuestionError, "at least 1 step"),
        (
            Model(name="clock", variables={"x": {"rule": "x[t-1]/2 + t", "initial": 0}}),
            {},
            QuestionError,
            "reads its clock",
        ),
    ],
)
def test_what_is_no_map_of_its_state_is_told(
    model: Model, arguments: dict, kind: type, message: str
) -> None:
    name = "W[0]" if model.name == "sgd_pit" else "x[0]"
    with pytest.raises(kind, match=message):
        attraction_basins(model, **{"over": {name: (0.0, 1.0)}} | arguments)


def test_a_static_model_has_no_orbits() -> None:
    model = Model(name="still", variables={"x": {"rule": "1"}, "y": {"rule": "2*x"}})
    with pytest.raises(QuestionError, match="has no time"):
        OrbitLanes(model)


def test_the_dataset_holds_basins_and_attractors() -> None:
    found = attraction_basins(cubic(), {"x[0]": (-2.0, 1.0)}, depth=2)
    data = found.dataset
    assert data.basin.sizes == {"x_0": 256}
    assert set(np.unique(data.basin)) == {0, 1, 2}
    assert data.centre.sel(label=1, variable="x") == pytest.approx(-1)
    told = found.to_dict()
    assert [a["label"] for a in told["attractors"]] == [1, 2]
    assert sum(a["measure"] for a in told["attractors"]) + told["undecided"][1] == pytest.approx(3)


def test_labels_do_not_depend_on_the_points_beside() -> None:
    found = attraction_basins(cubic(), {"x[0]": (-2.0, 1.0)}, depth=0)
    points = np.linspace(-1.9, 0.9, 29)
    together = found.labels_of({"x[0]": points}).tolist()
    assert together == [int(found.labels_of({"x[0]": np.array([x])})[0]) for x in points]


def test_cells_of_the_state_are_numbered_row_by_row() -> None:
    grid = StateGrid(("x", "y"), np.array([-1.0, 0.0]), np.array([1.0, 3.0]), (4, 6))
    rng = np.random.default_rng(4)
    inside = np.array([rng.uniform(-1, 1, 50), rng.uniform(0, 3, 50)])
    places = (((inside[0] + 1) / 0.5).astype(int), (inside[1] / 0.5).astype(int))
    np.testing.assert_array_equal(grid.cell(inside), np.ravel_multi_index(places, (4, 6)))
    edges = np.array([[-1.0, 1.0, 1.0, -1.1, 1.0, np.nan], [0.0, 3.0, 0.0, 1.0, 3.1, 1.0]])
    assert grid.cell(edges).tolist() == [0, 23, 18, OUTSIDE, OUTSIDE, NOWHERE]
    np.testing.assert_array_equal(grid.cell(np.stack([edges, edges])), [grid.cell(edges)] * 2)


def test_the_cells_of_a_chaotic_transient_are_no_attractor_s() -> None:
    """At rho = 23 chaos passes: by symmetry each equilibrium has half of the plane."""
    model = load("lorenz").replace(parameters={"rho": 23}, method="rk4", dt=0.02)
    over = {"a[0]": (-20, 20), "b[0]": (-25, 25)}
    # Powers of two: mirrored starts are mirrored to the bit, and so are their orbits.
    one, two = attraction_basins(model, over, counts=32, depth=0).attractors
    assert (one.low, one.measure, one.high) == pytest.approx((two.low, two.measure, two.high))


def test_what_is_found_twice_is_one_attractor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without patience the machine follows every slow orbit, and finds the same point anew."""
    monkeypatch.setattr("causalopt.basins.attraction_basins._PATIENCE", 1)
    slow = Model(name="slow", variables={"x": {"rule": "0.9995*x[t-1]", "initial": 1}})
    found = attraction_basins(slow, {"x[0]": (-1.0, 1.2)}, counts=6, depth=0, cells=51)
    (point,) = found.attractors
    assert point.centre["x"] == pytest.approx(0, abs=1e-6)
    assert point.measure == pytest.approx(2.2)

"""Least actions: against closed forms, dynamic programming, and the chain's own mean passages."""

from __future__ import annotations

import json
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import minimize

from causalopt import least_action, load, parse_model
from causalopt.cli import main
from causalopt.descents.chain import chain_of
from causalopt.descents.escape.quasi_potential import quasi_potential
from causalopt.descents.maps.random_map import RandomMap
from causalopt.descents.transfer.grid import Box
from causalopt.descents.transitions.divided_operator import divided_axes, divided_operator
from causalopt.descents.transitions.grid_search import GridSearch
from causalopt.descents.transitions.path_search import cheapest_curve
from causalopt.descents.transitions.state_sets import Division, StateSet
from causalopt.descents.transitions.step_costs import (
    cumulant,
    cumulant_slope,
    slow_cost,
    slow_steps,
    step_cost,
)
from causalopt.descents.transitions.step_laws import law_of_map, law_of_model
from causalopt.descents.transitions.transition_paths import solve_level
from causalopt.errors import QuestionError
from tests.descents.chains import swirl

FOOT, TOP = 1.0074533, 1.1743102  # of the pit's mean loss
PIT = load("sgd_pit")

LINEAR = """
name: linear
variables:
  e: {noise: "normal(0.1, 0.3)"}
  f: {noise: "normal(0, 0.2)"}
  x: {rule: "0.7*x[t-1] + 0.2*y[t-1] + e[t] - 0.1", initial: 0}
  y: {rule: "-0.3*x[t-1] + 0.6*y[t-1] + f[t] + 0.5*(e[t] - 0.1)", initial: 0}
"""
A = np.array([[0.7, 0.2], [-0.3, 0.6]])
G = np.array([[0.3, 0.0], [0.15, 0.2]])

DOUBLE_WELL = """
name: double_well
parameters: {T: 0.01, heat: 0.02}
functions:
  V(x, y): "(x**2 - 1)**2/4 + (y + x**2 - 1)**2"
  V_by_y(y, x): "V(x, y)"
variables:
  e: {noise: "normal(0, 1)"}
  f: {noise: "normal(0, 1)"}
  x: {rule: "x[t-1] - T*diff(V, x[t-1], y[t-1]) + sqrt(2*T*heat)*e[t]", initial: -1}
  y: {rule: "y[t-1] - T*diff(V_by_y, y[t-1], x[t-1]) + sqrt(2*T*heat)*f[t]", initial: 0}
"""


@given(p=st.floats(0.05, 0.95), share=st.floats(0.02, 0.98))
def test_the_cost_of_a_coin_is_the_relative_entropy(p, share):
    coin = law_of_map(RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (1 - p, p)))
    cost = step_cost(coin, np.zeros((1, 1)), np.array([[2 * share - 1]]))
    exact = share * np.log(share / p) + (1 - share) * np.log((1 - share) / (1 - p))
    assert cost.value[0] == pytest.approx(exact, rel=1e-7, abs=1e-11)
    tilt = np.log(share * (1 - p) / ((1 - share) * p)) / 2
    assert cost.theta[0, 0] == pytest.approx(tilt, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("share", [1.2, -3.0])
def test_a_step_that_no_mean_of_draws_makes_costs_without_end(share):
    coin = law_of_map(RandomMap((lambda w: w - 1.0, lambda w: w + 1.0), (0.5, 0.5)))
    assert step_cost(coin, np.zeros((1, 1)), np.array([[share]])).value[0] == np.inf


def points(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.4, 0.4, (2, count))


def test_costs_are_what_a_search_over_theta_finds():
    law = law_of_map(swirl()[0])
    x, v = points(6) / 4, points(6, 1) / 20
    cost, slow = step_cost(law, x, v), slow_cost(law, x, v)
    for i in range(6):
        moves = law.moves(x[:, i : i + 1])

        def k(theta, moves=moves):
            return float(cumulant(law, moves, theta[:, np.newaxis]).value[0])

        found = minimize(lambda t, i=i, k=k: k(t) - t @ v[:, i], np.zeros(2), tol=1e-10)
        assert cost.value[i] == pytest.approx(-found.fun, abs=1e-7)
        bound = {"type": "ineq", "fun": lambda t, k=k: -k(t)}
        found = minimize(
            lambda t, i=i: -t @ v[:, i], slow.theta[:, i] * 0.9, constraints=bound, tol=1e-12
        )
        assert slow.value[i] == pytest.approx(-found.fun, rel=1e-5, abs=1e-7)


def test_slow_moves_cost_the_least_that_so_many_steps_do():
    law = law_of_map(swirl()[0])
    x, v = points(5), points(5, 2) / 100
    slow = slow_cost(law, x, v)
    counts = slow_steps(law, x, v, slow.theta)
    at = [n * step_cost(law, x, v / n).value for n in (counts * 0.9, counts, counts * 1.1)]
    assert at[1] == pytest.approx(slow.value, rel=1e-6, abs=1e-9)
    assert np.all(at[0] >= at[1] - 1e-12)
    assert np.all(at[2] >= at[1] - 1e-12)


@pytest.mark.parametrize("cost_of", [step_cost, slow_cost])
@pytest.mark.parametrize("name", ["sgd_swirl", "double_well"])
def test_the_derivatives_of_costs_are_those_of_differences(cost_of, name):
    law = law_of_model(load(name) if name == "sgd_swirl" else parse_model(DOUBLE_WELL))
    x, v, h = points(8) / 4, points(8, 1) / 20, 1e-5
    cost = cost_of(law, x, v)
    for axis in range(2):
        shift = np.zeros((2, 1))
        shift[axis] = h
        by_place = (cost_of(law, x + shift, v).value - cost_of(law, x - shift, v).value) / (2 * h)
        by_move = (cost_of(law, x, v + shift).value - cost_of(law, x, v - shift).value) / (2 * h)
        scale = np.abs(cost.value).max()
        assert cost.slope[axis] == pytest.approx(by_place, rel=1e-4, abs=1e-5 * scale)
        assert cost.theta[axis] == pytest.approx(by_move, rel=1e-4, abs=1e-5 * scale)


def test_normal_noise_that_depends_on_the_state_is_read_with_its_slopes():
    text = """
name: geometric
parameters: {k: 0.5}
variables:
  e: {noise: "normal(0, 2)"}
  pick: {noise: {0: 1/4, 1: 3/4}}
  x: {rule: "k*x[t-1] + (1 + x[t-1]**2)*e[t] + pick[t]", initial: 1}
"""
    law = law_of_model(parse_model(text))
    moves = law.moves(np.array([[0.0, 3.0]]))
    assert law.probabilities == (0.25, 0.75)
    assert moves.mean[:, 0].tolist() == [[0.0, -1.5], [1.0, -0.5]]
    assert moves.slopes[0, 0, 0].tolist() == [-0.5, -0.5]
    assert moves.spread[1, 0, 0].tolist() == [4.0, 400.0]  # (1 + x^2)^2 4
    assert moves.spread_slopes[0, 0, 0, 0].tolist() == [0.0, 4 * 2 * 10 * 6.0]


def test_a_model_and_its_map_have_the_same_law_of_steps():
    model = load("sgd_swirl")
    x = points(5)
    exact, differences = law_of_model(model).moves(x), law_of_map(chain_of(model).step).moves(x)
    assert exact.mean == pytest.approx(differences.mean)
    assert exact.slopes == pytest.approx(differences.slopes, abs=1e-8)


@pytest.mark.parametrize("steps", [1, 2, 5, 12])
def test_a_linear_map_s_action_is_the_quadratic_form_of_its_covariance(steps):
    end = np.array([1.0, -0.7])
    covariance = sum(
        np.linalg.matrix_power(A, k) @ G @ G.T @ np.linalg.matrix_power(A, k).T
        for k in range(steps)
    )
    found = least_action(parse_model(LINEAR), end={"x": 1.0, "y": -0.7}, steps=steps)
    assert found.action == pytest.approx(end @ np.linalg.solve(covariance, end) / 2, rel=1e-9)
    assert found.status == "ok"
    assert found.error == 0


def test_its_quasi_potential_solves_the_lyapunov_equation():
    end = np.array([1.0, -0.7])
    covariance = solve_discrete_lyapunov(A, G @ G.T)
    found = least_action(parse_model(LINEAR), end={"x": 1.0, "y": -0.7})
    exact = end @ np.linalg.solve(covariance, end) / 2
    assert abs(found.action - exact) <= found.error + 1e-9 * exact
    assert found.error < 1e-3


def test_a_gradient_system_climbs_twice_its_potential_over_the_heat():
    # Noise of variance 2 T heat beside a drift of -T V': the action is (V(saddle) - V(min)) / heat.
    model, exact = parse_model(DOUBLE_WELL), 0.25 / 0.02
    slow = least_action(model, end={"x": 0, "y": 1}, limit="rate")
    assert slow.action == pytest.approx(exact, rel=2e-3)
    assert slow.status == "ok"
    # The exact map of T = 0.01 differs by O(T).
    whole = least_action(model, end={"x": 0, "y": 1})
    assert whole.action == pytest.approx(exact, rel=2e-2)
    assert abs(whole.action - exact) > 1e-4 * exact
    # Uphill the path is the way down, turned round: no straight line, nor the valley's floor.
    step = -0.001 * np.array([1.0, 0.0])
    x = np.array([0.0, 1.0]) + step
    way = [x]
    for _ in range(20_000):
        y = x[1] + x[0] ** 2 - 1
        x = x - 0.002 * np.array([x[0] * (x[0] ** 2 - 1) + 4 * x[0] * y, 2 * y])
        way.append(x)
    down = np.array(way)
    for place in slow.places.T[10:-10:20]:
        assert np.min(np.hypot(*(down - place).T)) < 0.02
    straight = np.abs(slow.places[1] - (slow.places[0] + 1))
    assert straight.max() > 0.1


@pytest.mark.parametrize("T", [0.02, 0.005])
def test_in_one_coordinate_small_steps_cost_the_quasi_potential(T):
    found = least_action(
        PIT, end={"W": TOP}, limit="rate", parameters={"T": T}, initial={"W": FOOT}
    )
    chain = chain_of(PIT.replace(parameters={"T": T})).step
    exact = quasi_potential(chain, FOOT, TOP)
    assert abs(found.action - exact) <= 2 * found.error
    assert found.error < 2e-3 * exact


def test_the_exact_map_s_action_tends_to_it_as_steps_become_small():
    ratios = []
    for T in (0.01, 0.005, 0.0025):
        asked = {"end": {"W": TOP}, "parameters": {"T": T}, "initial": {"W": FOOT}}
        exact = quasi_potential(chain_of(PIT.replace(parameters={"T": T})).step, FOOT, TOP)
        ratios.append(least_action(PIT, **asked).action / exact)
    assert abs(ratios[2] - 1) < 2e-3
    assert abs(ratios[0] - 1) < 2e-2


def by_dynamic_programming(law, foot, top, low, count):
    """The quasi-potential on a grid, V(y) = min over x of V(x) + L(x, y - x), over all paths."""
    grid = np.unique(np.append(np.linspace(low, top, count), foot))
    x, y = np.meshgrid(grid, grid, indexing="ij")
    cost = step_cost(law, x.ravel()[np.newaxis], (y - x).ravel()[np.newaxis]).value
    cost = cost.reshape(x.shape)
    least = np.where(grid == foot, 0.0, np.inf)
    while True:
        better = np.minimum(least, (least[:, np.newaxis] + cost).min(axis=0))
        if np.array_equal(better, least):
            return float(least[-1])
        least = better


def averaged(chain: RandomMap, draws: int) -> RandomMap:
    """The chain whose steps average some draws of a coin."""
    maps = tuple(
        (lambda w, s=k / draws: (1 - s) * chain.maps[0](w) + s * chain.maps[1](w))
        for k in range(draws + 1)
    )
    return RandomMap(maps, tuple(comb(draws, k) / 2**draws for k in range(draws + 1)))


def test_long_steps_leave_the_pit_by_a_swing_not_by_a_climb():
    # At T = 0.02 a swing to the pit's left side pays: far less than the slow climb costs.
    found = least_action(PIT, end={"W": TOP}, initial={"W": FOOT})
    law = law_of_model(PIT)
    assert found.places.min() < FOOT - 0.05
    climb = quasi_potential(chain_of(PIT).step, FOOT, TOP)
    assert found.action < 0.5 * climb
    coarse, fine = (by_dynamic_programming(law, FOOT, TOP, 0.85, n) for n in (250, 500))
    # A grid only takes ways away, so its least cost is above, and comes down.
    assert found.action <= fine <= coarse + 1e-9
    assert found.action == pytest.approx(fine, rel=0.02)


def test_between_two_learning_rates_the_way_out_changes():
    # The swing takes over at T = 0.0127: the search finds it where the climb is a dear local least.
    T = 0.015
    asked = {"end": {"W": TOP}, "initial": {"W": FOOT}, "parameters": {"T": T}}
    found = least_action(PIT, **asked)
    law = law_of_model(PIT.replace(parameters={"T": T}))
    assert found.action == pytest.approx(
        by_dynamic_programming(law, FOOT, TOP, 0.85, 300), rel=0.01
    )
    assert found.places.min() < FOOT - 0.03
    climb = least_action(PIT, **asked, limit="rate")
    assert found.action < 0.85 * climb.action


def test_a_grid_finds_the_cheapest_of_all_paths_on_it():
    law = law_of_model(PIT)
    grid = GridSearch(law, FOOT, TOP)
    for count in (20, 60):
        path = grid.path(count)
        assert path.shape == (1, count + 1)
        assert (path[0, 0], path[0, -1]) == (FOOT, TOP)
    cost = step_cost(law, path[:, :-1], np.diff(path)).value.sum()
    assert cost == pytest.approx(by_dynamic_programming(law, FOOT, TOP, 0.85, 500), rel=0.03)
    assert grid.path(3) is None  # out of reach
    assert np.array_equal(grid.path(60), path)


def test_log_passage_times_grow_with_the_draws_at_the_action_s_rate():
    found = least_action(PIT, end={"W": TOP}, initial={"W": FOOT})
    division = Division(
        StateSet("pit", lambda w: w[0] < 1.05), StateSet("out", lambda w: w[0] > TOP)
    )
    logs = {}
    for draws in (8, 14, 20):
        chain = averaged(chain_of(PIT).step, draws)
        axes = divided_axes(chain, division, Box((0.8,), (2.1,), True), 2000, (FOOT,))
        operator = divided_operator(chain, division, axes, is_final=True)
        logs[draws] = np.log(solve_level(operator, (FOOT,), restart=True).scalars[3])
    slopes = (logs[14] - logs[8]) / 6, (logs[20] - logs[14]) / 6
    # From above: the factor before the exponential grows with a power of the draws.
    assert slopes[0] > slopes[1] > found.action
    assert slopes[1] == pytest.approx(found.action, rel=0.04)


def test_a_path_obeys_hamilton_s_equations_of_the_map():
    found = least_action(
        load("sgd_swirl"), end={"u": 0.6, "v": 0.3}, steps=30, initial={"u": 0, "v": 0}
    )
    law, places, theta = law_of_model(load("sgd_swirl")), found.places, found.path.theta
    moves = law.moves(places[:, :-1])
    tilted = cumulant(law, moves, theta)
    assert tilted.slope == pytest.approx(np.diff(places), abs=1e-6)
    # theta_(t-1) = theta_t + dK/dx, with K of the moves.
    back = theta[:, 1:] + cumulant_slope(moves, theta, tilted.weights)[:, 1:]
    assert theta[:, :-1] == pytest.approx(back, abs=1e-3 * np.abs(theta).max())
    assert found.action == pytest.approx(found.path.costs.sum())
    assert places[:, 0].tolist() == [0, 0]
    assert places[:, -1].tolist() == [0.6, 0.3]


def test_more_steps_never_cost_more_from_a_fixed_point():
    actions = [
        least_action(
            load("sgd_swirl"), end={"u": 0.6, "v": 0.3}, steps=n, initial={"u": 0, "v": 0}
        ).action
        for n in (8, 16, 32, 64)
    ]
    assert actions == sorted(actions, reverse=True)


def test_curves_of_a_linear_law_do_not_depend_on_where_the_search_begins():
    law = law_of_model(load("sgd_swirl"))
    ends = np.zeros(2), np.array([0.6, 0.3])
    share = np.linspace(0, 1, 65)
    line = np.outer(ends[1], share)
    bent = line + np.outer([0.1, -0.2], np.sin(np.pi * share))
    first, second = cheapest_curve(law, line), cheapest_curve(law, bent)
    assert first.action == pytest.approx(second.action, rel=1e-4)
    # Post: a Gaussian law of covariance S has action z S^-1 z / 2, in the limit of small steps.
    model = load("sgd_swirl").replace(parameters={"T": 0.002})
    _, hessian, gradients = swirl()
    decay, spread = -0.002 * hessian, 0.002**2 * gradients
    from scipy.linalg import solve_continuous_lyapunov

    covariance = solve_continuous_lyapunov(decay, -spread)
    near = np.array([0.02, 0.01])  # so near that the four draws are as good as normal
    found = cheapest_curve(law_of_model(model), np.outer(near, share))
    assert found.action == pytest.approx(near @ np.linalg.solve(covariance, near) / 2, rel=5e-3)


class TestWhatHasNoAction:
    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ({"end": {"u": 1}}, "v came without: add --end v=V"),
            ({"end": {"u": 1, "w": 1}}, "--end names 'w', which is no coordinate"),
            ({"end": {"u": np.inf, "v": 1}}, "finite numbers"),
            ({"end": {"u": 0.5, "v": 0.5}}, "the start is the end"),
            ({"end": {"u": 1, "v": 1}, "limit": "heat"}, "--limit is one of noise, rate"),
            ({"end": {"u": 1, "v": 1}, "limit": "rate", "steps": 3}, "goes with --limit noise"),
            ({"end": {"u": 1, "v": 1}, "steps": 0}, "--steps is a positive number"),
            ({"end": {"u": 90, "v": 1}}, "no draws lead along a straight line to the end"),
            ({"end": {"u": 90, "v": 1}, "limit": "rate"}, "no draws lead there"),
            ({"end": {"u": 1.5, "v": 0}, "steps": 1}, "in 1 steps: the moves of a step"),
        ],
    )
    def test_a_question_that_cannot_be_asked(self, asked, message):
        with pytest.raises(QuestionError) as caught:
            least_action(load("sgd_swirl"), **asked)
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("noise", "rule", "message"),
        [
            ("uniform", "x[t-1]/2 + e[t]", "the noise 'e' is uniform"),
            ("normal(0, 1)", "x[t-1]/2 + e[t]**2", "does not enter its rule linearly"),
            ("normal(0, 1)", "x[t-1]/2 + t*e[t]", "depends on the time"),
            ("normal(0, 1)", "x[t-1]/2 + 0*e[t]", "in 0 of 1 directions"),
        ],
    )
    def test_a_noise_without_one(self, noise, rule, message):
        text = f"""
name: other
variables:
  e: {{noise: "{noise}"}}
  x: {{rule: "{rule}", initial: 0}}
"""
        with pytest.raises(QuestionError, match=message):
            least_action(parse_model(text), end={"x": 1})

    def test_a_model_without_noise(self):
        with pytest.raises(QuestionError, match="no noise, so no step is unlikely"):
            least_action(load("thermostat"), end={"T": 1, "R": 1})

    def test_noise_in_one_of_two_directions(self):
        text = LINEAR.replace("+ f[t]", "+ 0*f[t]")
        with pytest.raises(QuestionError, match="in 1 of 2 directions"):
            least_action(parse_model(text), end={"x": 1, "y": 1})


def test_the_command_prints_the_action_and_draws_the_path(capsys, tmp_path):
    file = tmp_path / "path.png"
    words = ["action", "sgd_swirl", "--end", "u=0.6", "--end", "v=0.3", "--initial", "u=0"]
    words += ["--initial", "v=0", "--limit", "rate"]
    assert main([*words, "--plot", str(file)]) == 0
    assert "nats a draw, many small steps, 128 segments (ok)" in capsys.readouterr().out
    assert file.read_bytes()[:4] == b"\x89PNG"
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    same = least_action(
        load("sgd_swirl"), end={"u": 0.6, "v": 0.3}, limit="rate", initial={"u": 0, "v": 0}
    )
    assert found["action"] == same.action
    assert found["path"]["u"] == same.places[0].tolist()
    assert main(["action", "sgd_swirl", "--end", "u:1"]) == 2
    assert "--end takes VAR=V" in capsys.readouterr().err


def test_figures_and_datasets_hold_the_path():
    one = least_action(PIT, end={"W": 1.1}, initial={"W": FOOT}, steps=40)
    figure = one.plot()
    assert np.array_equal(figure.axes[0].get_lines()[0].get_ydata(), one.places[0])
    assert figure.axes[1].get_lines()[0].get_ydata()[-1] == pytest.approx(one.action)
    data = one.dataset
    assert data.place.sel(coordinate="W").values.tolist() == one.places[0].tolist()
    assert float(data.cost.sum()) == pytest.approx(float(data.action))
    assert data.attrs["limit"] == "noise"
    two = least_action(parse_model(LINEAR), end={"x": 1, "y": 0}, steps=4).plot()
    assert two.axes[0].get_ylabel() == "y"

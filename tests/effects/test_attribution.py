"""Shapley values: games with known answers, sets counted one by one, and the sum that is exact."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from causalopt import Model, QuestionError, load, run, shapley, world
from causalopt.effects.arrays.pooled_op import coalition_ops
from causalopt.effects.shapley_values import Values, exact_values, sampled_values
from causalopt.engine.arrays.array_coalitions import Coalitions
from causalopt.worlds.array_world import held_arrays
from causalopt.worlds.unrolled import unrolled
from tests.training.loops import jacobians_by_hand, regulated


def airport(members: Values) -> Values:
    """Return the cost of the longest runway that a set needs: 1, 2, ..., n for the players."""
    return np.max(members * np.arange(1, members.shape[1] + 1), axis=1)


def test_the_airport_game_is_shared_as_its_formula_says() -> None:
    """Littlechild and Owen (1973): each stretch is shared by those who need it."""
    shares = np.cumsum(1 / np.arange(6, 0, -1))
    np.testing.assert_allclose(exact_values(airport, 6), shares, rtol=1e-13)


def test_random_orders_come_near_the_formula_within_their_errors_and_sum_exactly() -> None:
    shares = np.cumsum(1 / np.arange(6, 0, -1))
    found, errors = sampled_values(airport, 6, 4000, seed=1)
    assert np.sum(found) == pytest.approx(6, abs=1e-12)
    assert (np.abs(found - shares) < 4 * errors).all()
    assert (errors < 0.05).all()
    assert (errors > 0).all()


def test_the_stated_error_is_the_spread_over_seeds() -> None:
    values, errors = zip(
        *(sampled_values(airport, 5, 50, seed) for seed in range(200)), strict=True
    )
    np.testing.assert_allclose(np.std(values, axis=0), np.mean(errors, axis=0), rtol=0.2)


def ops_by_hand(start: Values, w: Values, g: Values, steps: int) -> dict[tuple[int, ...], float]:
    found = {}
    for count in range(4):
        for units in itertools.combinations(range(3), count):
            held = np.isin(np.arange(3), units)
            total, direct = jacobians_by_hand(start, w, g, steps, held)
            found[units] = math.log(np.linalg.norm(direct) / np.linalg.norm(total))
    return found


def test_units_share_what_numpy_counts_by_hand() -> None:
    rng = np.random.default_rng(5)
    start, w, g = rng.normal(size=2), rng.normal(size=(3, 2)), 0.4 * rng.normal(size=(2, 3))
    worth = ops_by_hand(start, w, g, 6)
    found = shapley(regulated(), initial={"x": start, "W": w, "G": g})
    for unit in range(3):
        others = [u for u in range(3) if u != unit]
        share = 0.0
        for count in range(3):
            weight = math.factorial(count) * math.factorial(2 - count) / 6
            for units in itertools.combinations(others, count):
                share += weight * (worth[tuple(sorted((*units, unit)))] - worth[units])
        assert found.values[unit] == pytest.approx(share, abs=1e-12)
    assert found.parts == ("h[unit=0]", "h[unit=1]", "h[unit=2]")
    assert found.joint == pytest.approx(worth[0, 1, 2], abs=1e-12)
    assert found.permutations is None
    assert not found.errors.any()


def test_op_is_no_sum_of_single_units() -> None:
    """What the shares are for: neither singles nor leaving one out add up to the joint Op."""
    rng = np.random.default_rng(5)
    start, w, g = rng.normal(size=2), rng.normal(size=(3, 2)), 0.4 * rng.normal(size=(2, 3))
    worth = ops_by_hand(start, w, g, 6)
    singles = sum(worth[unit,] for unit in range(3))
    left_out = sum(worth[0, 1, 2] - worth[a, b] for a, b in ((0, 1), (0, 2), (1, 2)))
    assert abs(singles - worth[0, 1, 2]) > 0.05
    assert abs(left_out - worth[0, 1, 2]) > 0.05


@pytest.mark.parametrize("starts", [1, 5])
def test_shares_sum_to_the_joint_op_whatever_the_number_of_orders(starts: int) -> None:
    found = shapley(load("cart_pole"), at=30, permutations=3, starts=starts)
    assert np.sum(found.values) == pytest.approx(found.joint, abs=1e-10)
    if starts == 1:
        assert found.joint == pytest.approx(run(load("cart_pole"), steps=30).op[30], abs=1e-10)


def test_windows_and_slices_are_parts_too() -> None:
    model = load("cart_pole")
    parts = ["h[t<=9, unit=0:8]", "h[t<=9, unit=8:16]", "h[t>=10]"]
    found = shapley(model, at=30, parts=parts)
    worth = {
        frozenset(held): float(run(model, hold=[parts[i] for i in held], steps=30).op[30])
        for count in (1, 2, 3)
        for held in itertools.combinations(range(3), count)
    } | {frozenset(): 0.0}
    for part in range(3):
        others = [p for p in range(3) if p != part]
        pairs = [(frozenset(), 1 / 3), (frozenset(others), 1 / 3)]
        pairs += [(frozenset([other]), 1 / 6) for other in others]
        share = sum(weight * (worth[held | {part}] - worth[held]) for held, weight in pairs)
        assert found.values[part] == pytest.approx(share, abs=1e-10)


def test_the_parts_of_a_held_slice_are_its_elements_at_its_steps() -> None:
    model = load("cart_pole")
    found = shapley(model, hold="h[t<=9, unit=3:6]", at=30)
    assert found.parts == ("h[t<=9, unit=3]", "h[t<=9, unit=4]", "h[t<=9, unit=5]")
    assert found.joint == pytest.approx(run(model, hold="h[t<=9, unit=3:6]", steps=30).op[30])


def test_variables_of_a_model_of_numbers_share_by_the_same_rule() -> None:
    model = load("lorenz")
    worth = {
        held: float(run(model, nudge="b[0]", hold=held, target="b", steps=80).op[80])
        for held in ("a", "c", "a, c")
    }
    found = shapley(model, nudge="b[0]", hold="a, c", target="b", at=80)
    half = (worth["a, c"] + worth["a"] - worth["c"]) / 2
    np.testing.assert_allclose(found.values, [half, worth["a, c"] - half], atol=1e-12)


def test_a_static_model_of_numbers_has_one_step() -> None:
    rules = {"x": {"initial": 1}, "a": {"rule": "-x/2"}, "b": {"rule": "x/4"}}
    model = Model(name="s", variables={**rules, "y": {"rule": "x + a + b"}})
    found = shapley(model, nudge="x", hold="a, b", target="y")
    # Comp: of {} 1, of {a} .75/1.25, of {b} .75/.5, of both .75.
    a, b, both = -math.log(0.75 / 1.25), -math.log(0.75 / 0.5), -math.log(0.75)
    np.testing.assert_allclose(found.values, [(a + both - b) / 2, (b + both - a) / 2], atol=1e-14)


def test_carriers_and_their_number() -> None:
    found = shapley(load("cart_pole"), at=30, permutations=5)
    carriers = found.carriers(0.5)
    assert sum(found.values[found.parts.index(part)] for part in carriers) >= 0.5 * found.joint or (
        found.joint < 0
    )
    assert 1 <= found.effective <= 16
    told = found.to_dict()
    assert told["parts"][3] == "h[unit=3]"
    assert len(told["shapley"]) == len(told["errors"]) == 16
    assert "+-" in repr(found)
    assert "5 random orders" in repr(found)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"hold": "h[unit=3]", "parts": ["h[unit=3]"]}, "A has 1 part, and there is nothing"),
        ({"permutations": 1}, "permutations is a whole number from 2 up, found 1"),
        ({"starts": 0}, "starts is a whole number from 1 up, found 0"),
        ({"parts": ["h", "theta"]}, "the nudged node theta\\[0\\] is in the held set"),
        ({"hold": "h, omega", "at": 20}, "Op of {.*omega.*} is .*only finite Ops can be shared"),
    ],
)
def test_what_cannot_be_shared_is_refused(asked: dict[str, object], message: str) -> None:
    """With the pole's speed held it never moves on: theta keeps its nudge; held theta cuts all."""
    if "omega" in str(asked):
        asked = {"parts": ["h", "omega", "v"], "at": 20, "target": "omega"}
    with pytest.raises(QuestionError, match=message):
        shapley(load("cart_pole"), **asked)  # type: ignore[arg-type]


def test_a_model_of_numbers_has_one_start() -> None:
    with pytest.raises(QuestionError, match="starts are of models with arrays"):
        shapley(load("lorenz"), nudge="b[0]", hold="a, c", target="b", at=3, starts=2)


def test_weights_that_nobody_gave_are_the_seed_s_in_every_start() -> None:
    model = regulated()
    weights = {name: world(model, steps=1, seed=3)[name][0] for name in ("W", "G")}
    given = shapley(model, starts=4, seed=3, initial=weights)
    np.testing.assert_allclose(shapley(model, starts=4, seed=3).values, given.values, atol=1e-13)


def test_growth_beyond_floats_is_shared() -> None:
    """Alone x doubles, with both parts it is halved, 1,500 times; with a part it grows by 1.25."""
    rules = {
        "x": {"shape": [1], "rule": "2*x[t-1] + a[t-1] + b[t-1]", "initial": 1},
        "a": {"shape": [1], "rule": "-3*x[t]/4"},
        "b": {"shape": [1], "rule": "-3*x[t]/4"},
    }
    model = Model(name="halved", variables=rules)
    found = shapley(model, nudge="x[0]", hold="a, b", target="x", at=1500)
    assert found.joint == pytest.approx(1500 * math.log(4), rel=1e-12)
    np.testing.assert_allclose(found.values, 750 * math.log(4), rtol=1e-12)


def test_sets_that_are_no_power_of_two_have_an_op_each() -> None:
    model = regulated()
    runs = unrolled(model.arrays, (), steps=6, networks=1, batch=1)
    plan, draw = runs.drawn({}, [0])
    members = np.array([[True, False], [False, True], [True, True]])
    sets = Coalitions(
        [held_arrays(model.arrays, model.selection(f"h[unit={i}]")) for i in (0, 1)], members
    )
    found = coalition_ops(runs, plan, draw, model.node("x[0]"), model.target("x"), sets)
    held = ["h[unit=0]", "h[unit=1]", "h[unit=0:2]"]
    assert found.shape == (3, 1)
    alone = [run(model, hold=text).op[6] for text in held]
    np.testing.assert_allclose(found[:, 0], alone, atol=1e-12)

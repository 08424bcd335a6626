"""How often a division wins: against a division from each start, and exact binomial intervals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import Model, QuestionError, divide, division_stability, load
from causalopt.optimizers.binomial_interval import binomial_interval, binomial_tail
from causalopt.optimizers.starting_points import starting_points
from tests.core import run_core
from tests.strategies import templates


@settings(max_examples=25)
@given(templates(), st.sampled_from(["node", "edge"]), st.integers(0, 50))
def test_the_winners_are_those_of_a_division_from_each_start(
    model: Model, price: str, seed: int
) -> None:
    found = division_stability(model, starts=6, seed=seed, price=price)
    points = starting_points(model, 6, seed=seed)
    for k in range(6):
        initial = {name: rows[:, k].tolist() for name, rows in points.values.items()}
        own = divide(model, price=price, initial=initial)
        if set(own.statuses) - {"ok", "only_path", "perfect", "no_influence"}:
            continue  # statuses of lanes are those of floats, which leave more open
        if found.unsure[0, k]:
            continue
        worth = own.best.op - own.cost * own.best.size
        if not found.winners[0][k]:
            assert worth == pytest.approx(0.0, abs=1e-7)
            continue
        assert found.op[0, k] == pytest.approx(own.best.op, rel=1e-7, abs=1e-9)
        assert {frozenset(s) for s in found.winners[0][k]} >= {
            frozenset(s.hold) for s in own.best.splits
        } - {frozenset()}


def test_a_thermostat_that_saturates_wins_near_its_goal_alone() -> None:
    """The room moves by p dt a step at most, so that from farther than p t it is never reached."""
    question = {"steps": 500, "starts": 60, "window": 1}
    far = division_stability(load("thermostat_saturating"), within={"R": (40, 60)}, **question)
    assert [w for w, _ in far.divisions] == [()]
    near = division_stability(load("thermostat_saturating"), within={"R": (24.5, 25.5)}, **question)
    assert [w for w, _ in near.divisions] == [(("T",),)]
    assert near.members["T"].share == 1.0


def test_several_nudges_share_one_family_of_sets() -> None:
    found = division_stability(load("pid_loop"), nudges=["room[0]", "room[50]"], starts=4)
    assert found.op.shape == (3, 4)
    assert found.nudges == ("outside[0]", "room[0]", "room[50]")
    ((winners, share),) = found.divisions
    assert winners == (("error",), ("pid",), ("heater",))
    assert (share.count, share.of) == (12, 12)
    inner = division_stability(load("pid_loop"), nudges=["integral[3]"], starts=4)
    assert "integral" not in inner.listed.core


def test_cases_in_which_n_does_not_reach_m_are_told_apart() -> None:
    """Whether the switch is on is decided by its law: off, n reaches nothing."""
    model = Model(
        name="m",
        variables={
            "on": {"domain": [0, 1], "rule": "on[t-1]", "initial": {0: "1/2", 1: "1/2"}},
            "n": {"rule": "n[t-1]", "initial": 1, "kind": "integer"},
            "a": {"rule": "9*on[t-1]*n[t-1]", "initial": 0, "kind": "integer"},
            "m": {"rule": "10*on[t-1]*n[t-1] - a[t]", "initial": 0, "kind": "integer"},
        },
    )
    question = {"nudge": "n[0]", "target": "m", "steps": 4, "delta": 1, "among": ["a"]}
    found = division_stability(model, starts=40, **question)
    on = starting_points(model, 40).values["on"][0] == 1
    assert found.reached[0].tolist() == on.tolist()
    assert found.count == on.sum() > 0
    assert [w for w, _ in found.divisions] == [(("a",),)]
    assert found.op[0, on] == pytest.approx(math.log(10))
    assert "does not reach m" in repr(found)


def test_of_perfect_sets_the_smaller_wins() -> None:
    """{a} and {a, b} both leave nothing; b alone changes nothing."""
    whole = {"kind": "integer"}
    model = Model(
        name="m",
        variables={
            "n": {"rule": "n[t-1]", "initial": 1, **whole},
            "a": {"rule": "n[t-1]", "initial": 0, **whole},
            "b": {"rule": "0*n[t-1]", "initial": 0, **whole},
            "m": {"rule": "n[t-1] - a[t] + b[t]", "initial": 0, **whole},
        },
    )
    found = division_stability(model, nudge="n[0]", target="m", steps=5, delta=1, starts=3)
    assert [w for w, _ in found.divisions] == [(("a",),)]
    assert np.isposinf(found.op).all()


def test_an_interval_is_clopper_and_pearson_s() -> None:
    for count, of in [(0, 7), (3, 10), (32, 32), (1, 1), (40, 200)]:
        own = scipy.stats.binomtest(count, of).proportion_ci(method="exact")
        found = binomial_interval(count, of)
        assert (found.low, found.high) == pytest.approx((own.low, own.high), abs=1e-11)
        tail = scipy.stats.binom.sf(count - 1, of, 0.3)
        assert binomial_tail(count, of, 0.3) == pytest.approx(tail, rel=1e-10)
    assert math.isnan(binomial_interval(0, 0).share)


def test_the_core_alone_divides_and_tests() -> None:
    code = (
        "from causalopt import detect_optimizer, division_stability, load\n"
        "print(detect_optimizer(load('thermostat'), starts=3).answer)\n"
        "print(division_stability(load('pid_loop'), starts=3).divisions[0][1])"
    )
    done = run_core(code)
    assert done.stdout.split("\n")[:2] == ["optimizer", "3 of 3 [0.29, 1.00]"], done.stderr


def test_the_dataset_and_json() -> None:
    found = division_stability(load("thermostat"), steps=99, starts=5)
    assert found.dataset.frequency.sel(variable="T").item() == 1.0
    assert found.dataset.winner.values.tolist() == [["T"] * 5]
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["divisions"][0]["sets"] == [["T"]]
    assert told["divisions"][0]["high"] == 1.0
    np.testing.assert_allclose(found.op, found.op[0, 0], rtol=1e-9)  # a linear system has one Op


def test_one_start_is_no_draw() -> None:
    with pytest.raises(QuestionError, match="at least 2"):
        division_stability(load("thermostat"), starts=1)


def test_further_nudges_are_a_list() -> None:
    with pytest.raises(QuestionError, match=r"nudges takes a list, found 'T\[0\]'"):
        division_stability(load("thermostat"), nudges="T[0]")

"""Op per unit time of linear maps that change with time, their exponents known beforehand."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from causalopt import Model, rates
from causalopt.effects.exponents.followed import Followed
from causalopt.effects.exponents.world_growth import world_growth


def turning(
    fast: float, slow: float, turn: float, nudge: str, target: str, *, phase: float = 0.0
) -> Model:
    """Return Q_t diag(fast, slow) Q_t-1' in coordinates that turn by an angle a step.

    Without a phase x is the fast direction at t = 0 and y the slow one. The held z, fed by nothing,
    makes a question of it; what is asked is the total effect's own growth.
    """
    now, before = f"({turn}*t + {phase})", f"({turn}*(t - 1) + {phase})"
    c, s, C, S = f"cos{now}", f"sin{now}", f"cos{before}", f"sin{before}"
    xx, xy = f"({fast}*{c}*{C} + {slow}*{s}*{S})", f"({fast}*{c}*{S} - {slow}*{s}*{C})"
    yx, yy = f"({fast}*{s}*{C} - {slow}*{c}*{S})", f"({fast}*{s}*{S} + {slow}*{c}*{C})"
    variables: dict[str, Any] = {
        "x": {"rule": f"{xx}*x[t-1] + {xy}*y[t-1]", "initial": 0},
        "y": {"rule": f"{yx}*x[t-1] + {yy}*y[t-1]", "initial": 0},
        "fastest": {"rule": f"{c}*x[t] + {s}*y[t]"},
        "slowest": {"rule": f"{c}*y[t] - {s}*x[t]"},
        "z": {"rule": "z[t-1]/2", "initial": 1},
    }
    question = {"nudge": nudge, "target": target, "hold": "z"}
    return Model(name="turning", variables=variables, question=question)


def growth_of_total(model: Model, steps: int) -> tuple[float, str, tuple[str, ...]]:
    """Return the growth of m's tangent by n: with z held, which nothing feeds, Op's rate is 0."""
    kept: list[Any] = []

    def noted(*args: Any) -> Any:
        kept.append(world_growth(*args))
        return kept[-1]

    patch = pytest.MonkeyPatch()
    patch.setattr("causalopt.effects.exponents.rates.world_growth", noted)
    try:
        found = rates(model, steps=steps)
    finally:
        patch.undo()
    return float(np.mean(kept[0].asked)), found.status, found.silent


@pytest.mark.parametrize("target", ["x", "y", "fastest"])
def test_a_slower_direction_that_turns_is_not_called_ok(target: str) -> None:
    """n excites exactly the direction that shrinks; rounding grows past it."""
    growth, status, silent = growth_of_total(turning(1.5, 0.5, 0.7, "y[0]", target), 1000)
    assert (status, math.isnan(growth)) == ("unresolved", True)
    assert "n's tangent turns in slower directions, and rounding outgrows it in" in silent[0]


def test_and_the_mirror_of_it_neither() -> None:
    """m observes exactly the part of n's tangent that shrinks."""
    growth, status, silent = growth_of_total(turning(1.5, 0.5, 0.7, "x[0]", "slowest"), 1000)
    assert (status, math.isnan(growth)) == ("unresolved", True)
    assert silent[0].startswith("m observes but rounding of n's tangent")


@pytest.mark.parametrize(("nudge", "target", "rate"), [("x[0]", "x", 1.5), ("x[0]", "y", 1.5)])
def test_the_faster_direction_is_ok(nudge: str, target: str, rate: float) -> None:
    growth, status, _ = growth_of_total(turning(1.5, 0.5, 0.7, nudge, target), 1000)
    assert status == "ok"
    assert growth == pytest.approx(math.log(rate), abs=5e-3)


@pytest.mark.parametrize(("nudge", "rate"), [("x[0]", 1.5), ("y[0]", 0.5)])
def test_directions_that_stay_are_told_apart_by_rank(nudge: str, rate: float) -> None:
    model = turning(1.5, 0.5, 0, nudge, nudge[0])
    growth, status, _ = growth_of_total(model, 1000)
    assert (status, growth) == ("ok", pytest.approx(math.log(rate), rel=1e-9))


@pytest.mark.parametrize(("fast", "slow"), [(1.002, 1.0), (0.999, 0.996)])
def test_a_slower_direction_within_the_run_s_resolution_has_its_own_rate(
    fast: float, slow: float
) -> None:
    """Over 5,500 steps rounding grows by less than e**17 beside it: its own rate is measured."""
    model = turning(fast, slow, 0.7, "y[0]", "y")
    growth, status, _ = growth_of_total(model, 5000)
    assert status == "ok"
    assert growth == pytest.approx(math.log(slow), abs=2e-4)


def test_what_m_gets_of_a_tangent_may_fall_without_being_lost() -> None:
    """x excites both directions, and m reads the slower one: its share falls by 1/500 a step."""
    model = turning(1.002, 1.0, 0.7, "x[0]", "slowest", phase=0.5)
    growth, status, _ = growth_of_total(model, 5000)
    assert status == "ok"
    assert growth == pytest.approx(0, abs=2e-5)


def shares(gets: np.ndarray) -> Followed:
    return Followed(None, gets, np.zeros_like(gets))


def test_a_share_that_but_wobbles_does_not_fall() -> None:
    wobble = np.random.default_rng(0).normal(size=1000)
    falling = wobble - 0.01 * np.arange(1000)
    assert shares(falling).drifts
    assert not shares(wobble).drifts
    assert not shares(np.full(1000, -math.inf)).drifts
    assert shares(np.full(1000, -math.inf)).is_lost
    assert not shares(np.where(np.arange(1000) % 2, wobble, -math.inf)).is_lost


def triangular(seed: int) -> tuple[Model, float]:
    """Return a product of random triangular matrices in other coordinates, and its rate of Op.

    (x, a)' = P D P^-1 with P = [[1, 0], [1, 1]] and D = [[d1, d1 - e], [0, d2]]: exponents E log d1
    and E log d2 with a, and E log e of x alone, since the entry of x by x is d1 - (d1 - e) = e.
    """
    draw = random.Random(seed)
    means = [round(draw.uniform(-0.3, 0.3), 3) for _ in range(3)]
    spread = [round(draw.uniform(0.1, 0.8), 3) for _ in range(3)]
    d1, d2, e = (
        f"exp({m} + {s}*(u{k}[t] - 0.5))"
        for k, (m, s) in enumerate(zip(means, spread, strict=True))
    )
    variables = {
        **{f"u{k}": {"noise": "uniform"} for k in range(3)},
        "x": {"rule": f"{e}*x[t-1] + ({d1} - {e})*a[t-1]", "initial": 0},
        "a": {"rule": f"({e} - {d2})*x[t-1] + ({d1} - {e} + {d2})*a[t-1]", "initial": 0},
    }
    question = {"nudge": "x[0]", "target": "x"}
    model = Model(name="triangular", variables=variables, partition={"A": ["a"]}, question=question)
    return model, means[2] - max(means[:2])


def test_stated_errors_cover_known_rates_as_often_as_they_should() -> None:
    """Of 40 models one error holds two in three, two hold nineteen in twenty, or so: a binomial."""
    off = []
    for seed in range(40):
        model, rate = triangular(seed)
        found = rates(model, steps=600, seed=seed)
        assert found.status == "ok"
        off.append(abs(found.op_rate - rate) / found.error)
    one, two = (sum(x <= k for x in off) for k in (1, 2))
    assert 20 <= one <= 35, one
    assert two >= 34, two


def test_the_error_walks_with_the_fastest_direction() -> None:
    """A tangent in the fastest direction stays known; its error is some roundings."""
    growth, status, silent = growth_of_total(turning(1.5, 0.5, 0.7, "x[0]", "fastest"), 4000)
    assert status == "ok"
    assert growth == pytest.approx(math.log(1.5), rel=1e-9)
    assert not any("rounding" in text for text in silent)


def test_in_a_large_model_turning_directions_are_seen_too() -> None:
    """70 memories more on the way, which take what x gives and give nothing that lasts."""
    for nudge, status in (("x[0]", "ok"), ("y[0]", "unresolved")):
        small = turning(1.5, 0.5, 0.7, nudge, "x")
        chain = {
            f"w{i}": {"rule": f"{f'w{i - 1}' if i else 'x'}[t-1]", "initial": 0} for i in range(70)
        }
        variables = {**small.variables, **chain, "m": {"rule": "x[t] + 0.1*w69[t]"}}
        question = {"nudge": nudge, "target": "m", "hold": "z"}
        model = Model(name="large", variables=variables, question=question)
        assert growth_of_total(model, 400)[1] == status

from __future__ import annotations

import math

import numpy as np
import pytest

from causalopt import Model, QuestionError, load, run, world
from causalopt.worlds.noise import draw_noise, draw_seeds, draw_walkers


def noisy(noise: object) -> Model:
    variables = {
        "n": {"noise": noise},
        "a": {"rule": "x[t-1]", "initial": 0},
        "x": {"rule": "0.5*x[t-1] - 0.25*a[t-1] + n[t]", "initial": 0},
    }
    question = {"nudge": "x[0]", "target": "x", "steps": 4000}
    return Model(name="noisy", variables=variables, partition={"A": "a"}, question=question)


def test_a_runs_draws_are_those_of_the_ensembles_first_walker() -> None:
    from causalopt.worlds.streams import Picks

    for shares in ([0.5, 0.5], [0.25, 0.75], [0.3, 0.7]):
        law = {str(i): share for i, share in enumerate(shares)}
        model = noisy({int(k): v for k, v in law.items()})
        picks = Picks(shares, seed=11)
        picks.start(np.arange(3, dtype=np.uint64))
        expected = [int(picks.at(t)[0]) for t in range(300)]
        assert draw_noise(model, 299, seed=11)["n"].tolist() == expected


@pytest.mark.parametrize(
    ("noise", "mean", "variance"),
    [
        ("uniform", 0.5, 1 / 12),
        ("normal(3, 2)", 3, 4),
        ("bernoulli(1/4)", 0.25, 3 / 16),
        ({0: "1/2", 5: "1/2"}, 2.5, 6.25),
    ],
)
def test_noise_has_its_declared_moments(noise: object, mean: float, variance: float) -> None:
    draws = draw_noise(noisy(noise), 40_000, seed=3)["n"]
    error = 5 * math.sqrt(variance / len(draws))
    assert draws.mean() == pytest.approx(mean, abs=error)
    assert draws.var() == pytest.approx(variance, rel=0.05)
    assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 5 / math.sqrt(len(draws))


def test_all_worlds_share_their_noise() -> None:
    found = run(noisy("normal(0, 1)"), delta=0.5, steps=50, seed=2)
    assert found.X is not None
    assert found.Y is not None
    np.testing.assert_array_equal(found.X["n"], found.W["n"])
    np.testing.assert_array_equal(found.Y["n"], found.W["n"])


def test_noise_leaves_the_op_of_a_linear_model_alone() -> None:
    loud, other = (run(noisy("normal(0, 100)"), steps=60, seed=s) for s in (0, 1))
    assert (loud.W["x"] != other.W["x"])[1:].all()
    np.testing.assert_allclose(loud.op, other.op, rtol=1e-12)


def test_a_replica_is_a_world_of_another_seed() -> None:
    model = noisy("uniform")
    one, two = world(model, steps=2000, seed=0)["x"], world(model, steps=2000, seed=1)["x"]
    assert abs(np.corrcoef(one[100:], two[100:])[0, 1]) < 0.1


def test_two_noises_are_independent() -> None:
    variables = {"n": {"noise": "uniform"}, "m": {"noise": "uniform"}, "x": {"rule": "n[t] + m[t]"}}
    draws = draw_noise(Model(name="two", variables=variables), 5000)
    assert abs(np.corrcoef(draws["n"], draws["m"])[0, 1]) < 0.05


def test_sgd_runs_along_its_noise() -> None:
    model = load("sgd_pit")
    found = run(model, steps=100, seed=5)
    assert set(found.W["pick"]) == {0, 1}
    np.testing.assert_array_equal(found.W["W"][1:], found.W["W"][:-1] - 0.02 * found.W["g"][:-1])


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(QuestionError, match="a seed is an integer"):
        run(noisy("uniform"), seed=seed)


def test_words_cannot_be_run() -> None:
    variables = {
        "n": {"noise": {"heads": "1/2", "tails": "1/2"}},
        "x": {"rule": "x[t-1]", "initial": 0},
    }
    with pytest.raises(QuestionError, match="draws the word 'heads'"):
        world(Model(name="coin", variables=variables), steps=3)


@pytest.mark.parametrize(
    "noise", ["uniform", "normal(3, 2)", "bernoulli(1/4)", {0: "1/3", 5: "2/3"}]
)
def test_walkers_draw_at_their_own_places_and_the_first_as_a_run_does(noise: object) -> None:
    model = noisy(noise)
    whole = draw_walkers(model, 41, np.arange(50, dtype=np.uint64), seed=4)["n"]
    assert whole.shape == (42, 50)
    assert (whole[:, 0] == draw_noise(model, 41, seed=4)["n"]).all()
    some = draw_walkers(model, 9, np.arange(20, 30, dtype=np.uint64), seed=4)["n"]
    assert (some == whole[:10, 20:30]).all()
    pairs = np.corrcoef(draw_walkers(model, 3000, np.arange(2, dtype=np.uint64))["n"].T)
    assert abs(pairs[0, 1]) < 5 / math.sqrt(3001)
    with pytest.raises(QuestionError, match="a seed is an integer from 0"):
        draw_walkers(model, 3, np.arange(2, dtype=np.uint64), seed=-1)


@pytest.mark.parametrize(
    "noise", ["uniform", "normal(3, 2)", "bernoulli(1/4)", {0: "1/3", 5: "2/3"}]
)
def test_several_seeds_draw_side_by_side_what_each_draws_alone(noise: object) -> None:
    model, seeds = noisy(noise), [0, 5, 2**64 - 1, 2**63, 17]
    for steps in (0, 1, 8, 41):
        whole = draw_seeds(model, steps, seeds)["n"]
        for k, seed in enumerate(seeds):
            assert (whole[:, k] == draw_noise(model, steps, seed=seed)["n"]).all()

"""Training: Adam as its article has it, seeds that do not touch each other, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from causalopt import FileError, Model, ModelError, QuestionError, gradient, load, run, train
from causalopt.model.files import parse_model
from causalopt.training.adam import Adam, norms
from tests.training.loops import regulated


def test_adam_does_what_its_article_says() -> None:
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(6, 2, 3))  # two networks
    optimizer, weights = Adam(rate=0.1, clip=1e9), {"w": np.zeros((2, 3))}
    first, second, by_hand = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))
    for t, g in enumerate(gradients, start=1):
        weights = optimizer.updated(weights, {"w": g})
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        by_hand -= 0.1 * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(weights["w"], by_hand, rtol=1e-13)


def test_a_gradient_is_clipped_by_its_norm_over_all_weights_of_one_network() -> None:
    optimizer = Adam(rate=1.0, clip=1.0)
    given = {"a": np.array([[3.0], [0.3]]), "b": np.array([[4.0], [0.4]])}
    optimizer.updated({"a": np.zeros((2, 1)), "b": np.zeros((2, 1))}, given)
    # 3 and 4 have the norm 5, .3 and .4 are short enough.
    np.testing.assert_allclose(optimizer._first["a"], 0.1 * np.array([[0.6], [0.3]]), rtol=1e-14)
    np.testing.assert_allclose(optimizer._first["b"], 0.1 * np.array([[0.8], [0.4]]), rtol=1e-14)


def test_the_first_update_goes_against_the_sign_of_the_gradient() -> None:
    model = regulated()
    found = train(model, updates=1, rate=0.01, seeds=[3])
    draws = 3 + (1 << 32)
    slope = gradient(model, initial=found.network(0), seed=draws)
    for name in ("W", "G"):
        moved = found.weights[name][1, 0] - found.weights[name][0, 0]
        np.testing.assert_allclose(moved, -0.01 * np.sign(slope[name]), rtol=1e-4)


def test_networks_trained_together_are_those_trained_alone() -> None:
    model = regulated()
    together = train(model, seeds=[2, 7, 11])
    for place, seed in enumerate((2, 7, 11)):
        alone = train(model, seeds=[seed])
        for name in ("W", "G"):
            np.testing.assert_allclose(
                together.weights[name][:, place], alone.weights[name][:, 0], atol=1e-12
            )
        np.testing.assert_allclose(together.loss[:, place], alone.loss[:, 0], rtol=1e-11)


def test_update_0_is_the_network_that_run_starts_from() -> None:
    model = regulated()
    found = train(model, seeds=[4], updates=1)
    given = run(model, initial=found.network(0), seed=4)
    np.testing.assert_array_equal(given.op, run(model, seed=4).op)


def test_training_brings_the_loss_down_and_says_so() -> None:
    found = train(regulated(), seeds=3, updates=60)
    assert (found.loss[-10:].mean(axis=0) < 0.3 * found.loss[:10].mean(axis=0)).all()
    assert found.updates == 60
    assert found.norms.shape == (60, 3)
    assert found.performance is None
    assert "3 networks of 'regulated', 60 updates" in repr(found)


def test_every_update_has_starts_of_its_own() -> None:
    still = train(regulated(), seeds=2, updates=5, rate=1e-300)
    assert len(np.unique(still.loss)) == still.loss.size


def test_given_weights_are_where_training_starts() -> None:
    start = np.full((3, 2), 0.25)
    found = train(regulated(), seeds=2, updates=2, initial={"W": start})
    np.testing.assert_array_equal(found.weights["W"][0], [start, start])
    assert not np.array_equal(found.weights["W"][1, 0], found.weights["W"][1, 1])


def test_a_given_start_is_every_run_s() -> None:
    """With one start for all, the batch is one run over and over."""
    start = np.array([0.5, -0.5])
    wide = train(regulated(), updates=3, batch=6, initial={"x": start})
    single = train(regulated(), updates=3, batch=1, initial={"x": start})
    np.testing.assert_allclose(wide.loss, single.loss, rtol=1e-12)


@pytest.mark.slow
def test_the_cart_pole_is_balanced_by_every_seed() -> None:
    model = load("cart_pole")
    found = train(model, seeds=5)
    assert found.performance is not None
    assert (found.performance[-20:] == 1).all()
    for seed in range(5):
        last = run(model, initial=found.network(seed=seed), seed=17)
        assert last.op[100] > 8
        assert last.status[100] == "ok"
        # The pole alone, by the formula for a small lean; starts lean by up to 0.1.
        assert np.log(last.direct[100]) == pytest.approx(6.951, abs=0.05)


def test_weights_are_written_whole(tmp_path: Path) -> None:
    found = train(regulated(), seeds=2, updates=2)
    found.to_npz(tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz") as kept:
        np.testing.assert_array_equal(kept["W"], found.weights["W"])
        assert kept["seeds"].tolist() == [0, 1]
    with pytest.raises(FileError, match="cannot write"):
        found.to_npz(tmp_path / "nowhere" / "w.npz")


@pytest.mark.parametrize("seeds", [0, [], [1, 1], [-1], [1 << 32]])
def test_wrong_seeds_are_refused(seeds: object) -> None:
    with pytest.raises(QuestionError, match="seeds is how many networks"):
        train(regulated(), seeds=seeds)  # type: ignore[arg-type]


def test_the_norm_of_large_numbers_does_not_overflow() -> None:
    given = {"a": np.array([[3e200], [0.0]]), "b": np.array([[4e200], [0.0]])}
    np.testing.assert_allclose(norms(given), [5e200, 0], rtol=1e-14)


def test_a_training_that_blows_up_says_when() -> None:
    wild = regulated()
    wild = wild.replace(initial={"x": "uniform(1, 1.1)*1.5e308"})
    with pytest.raises(QuestionError, match="the gradient of seed 0 is not finite at update 0"):
        train(wild)


def test_what_was_not_trained_is_not_given() -> None:
    found = train(regulated(), seeds=[1], updates=1)
    with pytest.raises(QuestionError, match="update must lie between 0 and 1, found 2"):
        found.network(2)
    with pytest.raises(QuestionError, match="seed 0 was not trained"):
        found.network(seed=0)


FILE = """name: m
sizes: {n: 2}
variables:
  w: {shape: [n], rule: "w[t-1]", initial: 1}
  cost: {rule: "sum(w[t])"}
training: {loss: cost, by: [w]}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("loss: cost", "loss: w", 6, "the loss is a number"),
        ("by: [w]", "by: [v]", 6, "unknown variable 'v'"),
        ("by: [w]", "by: [w], rate: 0", 6, "input should be greater than 0"),
        ("by: [w]", "by: [w], speed: 1", 6, "unknown key 'speed'"),
        ("by: [w]", "by: [cost]", 6, "needs one initial value"),
    ],
)
def test_a_wrong_training_is_an_error_with_its_place(
    old: str, new: str, line: int, message: str
) -> None:
    with pytest.raises(ModelError, match=message) as error:
        parse_model(FILE.replace(old, new), name="m.yaml")
    assert error.value.location.line == line


def test_a_model_of_numbers_is_not_trained() -> None:
    with pytest.raises(ModelError, match="a model with arrays is trained"):
        Model(
            name="m",
            variables={"w": {"rule": "w[t-1]", "initial": 1}},
            training={"loss": "w", "by": ["w"]},
        )


def test_what_a_model_is_trained_for_does_not_change_its_numbers() -> None:
    assert regulated().fingerprint == regulated(training=None).fingerprint

"""Gradients through a run: against finite differences, the chain rule by hand, and forward mode."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import CausaloptError, Model, QuestionError, gradient, load, run, world
from causalopt.engine.arrays import array_backward
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.worlds.unrolled import unrolled
from tests.training.loops import cost_by_hand, regulated


def weights_of(template: ArrayTemplate, seed: int) -> dict[str, np.ndarray]:
    runs = unrolled(template, ("W", "G"), steps=1, networks=1, batch=1)
    return {name: values[0] for name, values in runs.first([seed]).items()}


def test_the_gradient_is_the_finite_difference_of_a_loss_by_hand() -> None:
    model, steps, size = regulated(), 6, 1e-6
    start = np.array([0.4, -0.7])
    weights = weights_of(model.arrays, 3)
    given = {"x": start, **weights}
    found = gradient(model, initial=given, steps=steps)
    for name in ("W", "G"):
        for place in np.ndindex(weights[name].shape):
            moved = []
            for sign in (1, -1):
                shifted = {n: v.copy() for n, v in weights.items()}
                shifted[name][place] += sign * size
                moved.append(cost_by_hand(start, shifted["W"], shifted["G"], steps))
            slope = (moved[0] - moved[1]) / (2 * size)
            assert found[name][place] == pytest.approx(slope, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", ["cart_pole", "cart_pole_recurrent", "lorenz_controlled"])
def test_reverse_is_forward_through_a_shipped_model(name: str) -> None:
    model, steps = load(name), 60
    found = gradient(model, steps=steps, seed=4, batch=1)
    scale = max(float(np.abs(values).max()) for values in found.values())
    for weight, values in found.items():
        forward = run(
            model, nudge=f"{weight}[0]", hold=(), target="cost", steps=steps, seed=4
        ).total[steps]
        np.testing.assert_allclose(np.reshape(forward, values.shape), values, atol=1e-12 * scale)


def test_the_gradient_of_a_batch_is_the_mean_of_its_runs() -> None:
    model, weights = regulated(), weights_of(regulated().arrays, 0)
    runs = unrolled(model.arrays, ("W", "G"), steps=6, networks=1, batch=4)
    plan, _ = runs.drawn({n: v[None] for n, v in weights.items()}, [9])
    starts = plan.initial["x"][0][0]
    each = [gradient(model, initial={"x": start, **weights}) for start in starts]
    whole = gradient(model, initial=weights, seed=9, batch=4)
    for name in ("W", "G"):
        np.testing.assert_allclose(
            whole[name], np.mean([e[name] for e in each], axis=0), rtol=1e-13
        )


def test_the_first_start_of_a_batch_is_that_of_a_run_with_its_seed() -> None:
    model = regulated()
    runs = unrolled(model.arrays, ("W", "G"), steps=6, networks=2, batch=4)
    plan, _ = runs.drawn(runs.first([5, 6]), [5, 6])
    for network, seed in enumerate((5, 6)):
        np.testing.assert_array_equal(
            plan.initial["x"][0][network, 0], world(model, steps=1, seed=seed)["x"][0]
        )
        np.testing.assert_array_equal(
            plan.initial["W"][0][network], world(model, steps=1, seed=seed)["W"][0]
        )


def test_noise_differs_from_run_to_run_and_the_gradient_knows_it() -> None:
    rules = {
        "w": {"shape": [1], "rule": "w[t-1]", "initial": 2},
        "e": {"noise": "normal(0, 1)"},
        "y": {"rule": "w[t][0]*e[t]"},
        "cost": {"rule": "cost[t-1] + y[t]**2", "initial": 0},
    }
    model = Model(name="noisy", variables=rules)
    runs = unrolled(model.arrays, ("w",), steps=3, networks=1, batch=400)
    _plan, draw = runs.drawn(runs.first([0]), [0])
    noise = np.array([draw(t)["e"][0] for t in range(4)])
    assert np.unique(noise).size == noise.size
    found = gradient(model, loss="cost", by=["w"], steps=3, batch=400)["w"]
    # cost leaves t = 0 out: d/dw of w^2 (e1^2 + e2^2 + e3^2).
    assert found[0] == pytest.approx(4 * np.mean(np.sum(noise[1:] ** 2, axis=0)), rel=1e-13)


def test_data_is_the_same_in_every_run() -> None:
    rules = {
        "w": {"shape": [2], "rule": "w[t-1]", "initial": "normal(0, 1)"},
        "s": {"shape": [2]},
        "k": {"rule": "k[t-1]", "initial": "uniform(1, 2)"},
        "cost": {"rule": "cost[t-1] + k[t]*sum(w[t]*s[t])", "initial": 0},
    }
    model = Model(name="streamed", variables=rules)
    data = np.array([[1.0, 2.0], [3.0, 5.0], [7.0, 11.0]])
    runs = unrolled(model.arrays, ("w",), steps=2, networks=1, batch=3, data={"s": data})
    plan, _ = runs.drawn(runs.first([1]), [1])
    factor = plan.initial["k"][0][0].mean()
    found = gradient(model, loss="cost", by=["w"], steps=2, seed=1, batch=3, data={"s": data})
    np.testing.assert_allclose(found["w"], factor * data[1:].sum(axis=0), rtol=1e-14)


def test_a_loss_that_does_not_depend_on_a_weight_has_no_slope_by_it() -> None:
    found = gradient(regulated(), loss="low", by=["W"], steps=3)
    assert not found["W"].any()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"loss": "x"}, "'x' has the shape \\[2\\], and the loss is a number"),
        ({"loss": "costs"}, "unknown variable 'costs'; did you mean 'cost'"),
        ({"by": ["V"]}, "unknown variable 'V'"),
        ({"by": ["h"]}, "'h' is trained, so it needs one initial value, and has 0"),
        ({"by": ["cost"]}, "'cost' is the loss"),
        ({"by": []}, "name the weights"),
        ({"batch": 0}, "batch: Input should be greater than or equal to 1"),
    ],
)
def test_wrong_words_are_refused(said: dict[str, object], message: str) -> None:
    with pytest.raises(CausaloptError, match=message):
        gradient(regulated(), **said)  # type: ignore[arg-type]


def test_a_model_that_does_not_say_what_for_is_refused() -> None:
    with pytest.raises(QuestionError, match="what is 'regulated' trained for"):
        gradient(regulated(training=None))


def test_powers_of_two_are_put_back_into_a_large_gradient() -> None:
    rules = {"x": {"shape": [2], "rule": "2*x[t-1]", "initial": [1e-9, 2]}}
    model = Model(name="doubling", variables={**rules, "cost": {"rule": "sum(x[t]*x[t])"}})
    found = gradient(model, loss="cost", by=["x"], steps=400)["x"]
    np.testing.assert_allclose(found, 2.0**801 * np.array([1e-9, 2]), rtol=1e-12)


@pytest.mark.parametrize("steps", [1, 24, 25, 30])
def test_a_run_that_does_not_fit_into_memory_is_run_again_in_pieces(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load("cart_pole_recurrent")
    whole = gradient(model, steps=steps, batch=3)
    monkeypatch.setattr(array_backward, "_KEPT_BYTES", 0)
    pieces = gradient(model, steps=steps, batch=3)
    for name, values in whole.items():
        np.testing.assert_array_equal(pieces[name], values)

"""G, S^2 and Op of descents, against the posts' systems written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import load, run
from causalopt.descents.landscape import landscape
from causalopt.descents.noisy_op import noisy_op, op_map
from causalopt.descents.sgd import sgd_model
from causalopt.errors import QuestionError
from tests.descents.chains import pit_gradient, swirl, well_gradient

POINTS = np.linspace(0.6, 2.4, 37)[np.newaxis]


def test_mean_and_variance_are_those_of_the_two_gradients():
    found = landscape(load("sgd_pit"))
    both = np.stack([well_gradient(POINTS[0]), pit_gradient(POINTS[0])])
    assert found.evaluate(found.mean[0], POINTS) == pytest.approx(both.mean(axis=0), abs=1e-12)
    spread = found.evaluate(found.covariance[0][0], POINTS)
    assert spread == pytest.approx(both.var(axis=0), abs=1e-12)
    assert spread.min() >= 0


def test_slopes_are_the_difference_quotients():
    found = landscape(load("sgd_pit"))
    for term in (found.mean[0], found.covariance[0][0]):
        h = 1e-6
        ahead, back = found.evaluate(term, POINTS + h), found.evaluate(term, POINTS - h)
        slope = found.evaluate(found.slope(term, "W"), POINTS)
        assert slope == pytest.approx((ahead - back) / (2 * h), abs=2e-5)


def test_the_linear_landscape_is_the_corrected_one():
    found = landscape(load("sgd_linear"))
    W = POINTS[0]
    assert found.evaluate(found.mean[0], POINTS) == pytest.approx(W - 2, abs=1e-12)
    assert found.evaluate(found.covariance[0][0], POINTS) == pytest.approx(0.04 * W**2, abs=1e-12)


def test_two_parameters_have_a_matrix():
    found = landscape(load("sgd_swirl"))
    _, H, Q = swirl()
    points = np.random.default_rng(3).normal(size=(2, 9))
    mean = np.stack([found.evaluate(term, points) for term in found.mean])
    assert mean == pytest.approx(H @ points, abs=1e-12)
    matrix = [[found.evaluate(term, points)[0] for term in row] for row in found.covariance]
    assert np.array(matrix) == pytest.approx(Q, abs=1e-12)


def test_momentum_does_not_change_the_landscape():
    losses = {"a": "(W - 1)**2", "b": "(W + 1)**2"}
    found = landscape(sgd_model(losses, momentum=0.9))
    assert found.names == ("W",)
    assert found.evaluate(found.mean[0], POINTS) == pytest.approx(2 * POINTS[0], abs=1e-12)


def test_a_model_without_gradient_nodes_has_no_landscape():
    with pytest.raises(QuestionError, match="own step"):
        landscape(load("lorenz"))


def test_without_noise_op_is_that_of_the_run():
    well = load("sgd_well")
    found = noisy_op(well, steps=60, starts=0.0)
    expected = run(well, steps=60)
    assert found.op[:, 0] == pytest.approx(expected.op, abs=1e-12)
    assert found.states[:, 0] == pytest.approx(expected.W["W"], abs=1e-12)


def test_descent_amplifies_in_the_tail_and_compresses_in_the_bowl():
    found = noisy_op(load("sgd_well"), steps=60, starts=0.0)
    slopes = np.diff(found.op[:, 0])
    assert np.all(slopes[:3] < 0)
    # At the bottom the slope is -ln|1 - 2T|, L'' = 2.
    assert slopes[-1] == pytest.approx(-np.log(1 - 2 * 0.2), abs=1e-6)


def test_under_noise_comp_is_the_product_of_the_drawn_slopes():
    linear = load("sgd_linear")
    found = noisy_op(linear, steps=30, starts=np.ones(400), seed=4)
    # Slopes are 1 - T a with a = 1.2 or 0.8, so Op counts how often each was drawn.
    steps = np.diff(found.op, axis=0)
    expected = -np.log(np.abs(1 - 0.5 * np.array([1.2, 0.8])))
    assert np.abs(steps[..., np.newaxis] - expected).min(axis=-1).max() < 1e-12
    mean = 30 * expected.mean()
    assert found.mean[-1] == pytest.approx(mean, abs=5 * found.standard_error[-1])
    assert np.all(found.sign == 1)


def test_op_does_not_overflow():
    found = noisy_op(load("sgd_pit").replace(parameters={"T": 0.0101}), steps=5000, starts=1.0037)
    assert np.isfinite(found.op).all()


def test_momentum_has_an_op_too():
    losses = {"bowl": "W**2/2"}
    model = sgd_model(losses, T=0.1, start=1.0, momentum=0.5)
    found = noisy_op(model, steps=20, starts=1.0)
    assert found.op[:, 0] == pytest.approx(run(model, steps=20).op, abs=1e-10)


def test_the_op_map_is_one_op_a_point():
    well = load("sgd_well")
    starts, temperatures = np.array([0.0, 1.8]), [0.2, 0.5]
    found = op_map(well, starts, temperatures, steps=10, walkers=1)
    for row, T in enumerate(temperatures):
        for column, start in enumerate(starts):
            one = well.replace(parameters={"T": T}, initial={"W": float(start)})
            op = run(one, steps=10).op[-1]
            assert found[row, column] == pytest.approx(op, abs=1e-10, nan_ok=True)

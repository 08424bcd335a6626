"""The family of descents: what it writes is an ordinary model, and the right one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt import load, parse_model, run
from causalopt import to_text as model_text
from causalopt.descents.chain import chain_of
from causalopt.descents.sgd import Descent, batches, sgd_model
from causalopt.errors import ModelError, QuestionError, UnknownNameError
from tests.descents.chains import pit, pit_gradient, well_gradient
from tests.descents.moments import affine_maps, stationary_moments

PIT = {"l_0": "-exp(-(W - 2)**2)", "l_1": "-exp(-(W - 2)**2) - exp(-100*(W - 1)**2)"}
POINTS = np.linspace(0.5, 2.5, 101)[np.newaxis]


def test_the_family_writes_the_pit():
    found = chain_of(sgd_model(PIT, T=0.03)).step
    assert found.images(POINTS) == pytest.approx(pit(0.03).images(POINTS), abs=1e-13)


def test_what_it_writes_can_be_written_to_a_file_and_read_again():
    written = sgd_model(PIT, T=0.03, batch=2, momentum=0.5)
    again = parse_model(model_text(written))
    assert again.fingerprint == written.fingerprint


def test_full_batch_descends_the_mean_loss():
    full = sgd_model(PIT, T=0.05, batch=2, replacement=False)
    assert "pick" not in full.variables
    W = run(full, steps=400).W["W"]
    mean = 0.0
    for step in range(401):
        assert W[step] == pytest.approx(mean, abs=1e-9)
        mean -= 0.05 * (well_gradient(mean) + pit_gradient(mean)) / 2
    # It enters the pit at step 85, leaves it again, and ends at 2: FACTS, not the post's figure.
    assert np.argmax(W > 1.0) in range(80, 95)
    assert W[-1] == pytest.approx(2, abs=1e-6)


def test_full_batch_is_trapped_below_two_over_the_curvature():
    for T, trapped in ((0.02, True), (0.021, False)):
        full = sgd_model(PIT, T=T, start=1.0074, batch=2, replacement=False)
        W = run(full, steps=4000).W["W"]
        assert bool(np.ptp(W[-8:]) < 1e-6 and abs(W[-1] - 1.0074533) < 1e-5) == trapped


@given(count=st.integers(1, 5), batch=st.integers(1, 4))
def test_minibatches_with_replacement_are_all_draws(count, batch):
    found = batches(count, Descent(batch=batch))
    assert sum(share for _, share in found) == 1
    for drawn, share in found:
        ways = sum(tuple(sorted(draw)) == drawn for draw in np.ndindex(*(count,) * batch))
        assert share == Fraction(ways, count**batch)


def test_without_replacement_no_datapoint_comes_twice():
    found = batches(4, Descent(batch=2, replacement=False))
    assert len(found) == 6
    assert all(len(set(drawn)) == 2 and share == Fraction(1, 6) for drawn, share in found)


@pytest.mark.parametrize("replacement", [True, False])
def test_larger_minibatches_divide_the_variance(replacement):
    losses = {f"l_{c}": f"(W - {c})**2/2" for c in (0, 1, 3, 8)}
    spread = np.var([0, 1, 3, 8])
    chain = chain_of(sgd_model(losses, T=0.1, batch=2, replacement=replacement))
    expected = 0.01 * spread / 2 * (1 if replacement else 2 / 3)
    assert chain.step.covariance(np.zeros((1, 1)))[0, 0, 0] == pytest.approx(expected)


def test_momentum_adds_a_velocity():
    chain = chain_of(sgd_model({"bowl": "W**2/2"}, T=0.1, start=1.0, momentum=0.9))
    assert set(chain.step.names) == {"W", "v_W"}
    state = np.array(chain.start)[:, np.newaxis]
    W, v = 1.0, 0.0
    place = chain.step.names.index("W")
    for _ in range(50):
        v = 0.9 * v + W
        W = W - 0.1 * v
        state = chain.step.maps[0](state)
        assert state[place, 0] == pytest.approx(W, abs=1e-12)


def test_inner_steps_are_small_steps_on_the_same_datapoint():
    found = chain_of(sgd_model(PIT, T=0.3, inner=4)).step
    assert found.names == ("W",)
    for image, gradient in zip(found.maps, (well_gradient, pit_gradient), strict=True):
        W = POINTS.copy()
        for _ in range(4):
            W = W - 0.3 / 4 * gradient(W)
        assert image(POINTS) == pytest.approx(W, abs=1e-12)


def test_two_parameters_have_a_gradient_node_each():
    written = sgd_model(
        {"one": "u**2*v + v", "two": "u*v**2"}, learned=("u", "v"), T=0.1, start={"v": 2.0}
    )
    assert written.A == ("g_u", "g_v")
    points = np.array([[0.5, -1.0], [2.0, 3.0]])
    u, v = points
    images = chain_of(written).step.images(points)
    assert images[0] == pytest.approx(np.stack([u - 0.1 * 2 * u * v, v - 0.1 * (u**2 + 1)]))
    assert images[1] == pytest.approx(np.stack([u - 0.1 * v**2, v - 0.1 * 2 * u * v]))


def test_the_shipped_linear_model_settles_where_the_closed_form_says():
    law = stationary_moments(affine_maps(chain_of(load("sgd_linear")).step))
    assert (law.mean[0], law.covariance[0, 0]) == pytest.approx((2, 2 / 37))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"T": 0}, "positive number; 0 came"),
        ({"T": -0.1}, "positive number"),
        ({"T": float("inf")}, "positive number"),
        ({"batch": 0}, "1 or more datapoints"),
        ({"batch": 3, "replacement": False}, "at most 2"),
        ({"inner": 0}, "inner steps are 1 or more"),
        ({"momentum": 1.0}, r"momentum is in \[0, 1\)"),
        ({"batch": 1000}, "too many to write out"),
    ],
)
def test_senseless_descents_are_refused(options, message):
    with pytest.raises(QuestionError, match=message):
        sgd_model(PIT, **options)


def test_descent_without_losses_is_refused():
    with pytest.raises(QuestionError, match="at least one loss"):
        sgd_model({})


def test_an_unknown_parameter_in_the_start_is_named():
    with pytest.raises(UnknownNameError, match="'Z', which is no parameter"):
        sgd_model(PIT, start={"Z": 1.0})


def test_an_unknown_name_in_a_loss_is_an_error_of_the_model():
    with pytest.raises(ModelError, match="Q"):
        sgd_model({"one": "(W - Q)**2"})

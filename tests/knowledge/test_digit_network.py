"""The training run as a model is the training run by hand."""

from __future__ import annotations

import numpy as np
import pytest

from causalopt import QuestionError, UnknownNameError, load, run, world
from causalopt.knowledge.digit_network import LAYERS, NetworkSetting, digit_network
from causalopt.knowledge.digit_phases import digit_phases, streams
from causalopt.knowledge.forks import shared_past
from tests.knowledge.by_hand import small_images, trained

CASES = [
    (NetworkSetting("softplus", "squared", 0.1, 5), "softplus"),
    (NetworkSetting("relu", "squared", 0.1, 5), "linear"),
    (NetworkSetting("sigmoid", "squared", 0.3, 5), "sigmoid"),
    (NetworkSetting("tanh", "squared", 0.1, 5), "tanh"),
    (NetworkSetting("softplus", "cross-entropy", 0.1, 5), "softmax"),
    (NetworkSetting("tanh", "cross-entropy", 0.1, 5), "softmax"),
]


@pytest.mark.parametrize(("setting", "output"), CASES)
def test_weights_and_tallies_are_those_of_a_loop_by_hand(
    setting: NetworkSetting, output: str
) -> None:
    phases = digit_phases(small_images(), 3)
    data = streams(phases.first)
    counted = len(data["x"]) // 2
    model = digit_network(setting, 16, counted)
    past = shared_past(model, data, seed=7)
    zero = {name: values[:1] for name, values in data.items()}
    start = [shared_past(model, zero, seed=7).last(name) for name in LAYERS]
    theta, changes = trained(start, data["x"], data["y"], setting.rate, setting.activation, output)
    for name, layer in zip(LAYERS, theta, strict=True):
        np.testing.assert_allclose(past.last(name), layer, rtol=0, atol=1e-12)
    late = np.arange(len(changes)) >= counted
    for name, column in (("aW1", 0), ("bW1", 1)):
        mine = late & (data["y"][:-1, column] == 1)
        assert mine.any()
        expected = np.abs(changes[mine]).sum(axis=0)
        np.testing.assert_allclose(past.last(name), expected, rtol=0, atol=1e-12)


def test_the_post_s_network_trained_by_the_public_world_is_the_loop_by_hand() -> None:
    random = np.random.default_rng(1)
    x = random.uniform(1 / 256, 1, (30, 784))
    y = np.eye(2)[random.integers(0, 2, 30)]
    model = load("knowledge_localization")
    found = world(model, steps=29, data={"x": x, "y": y}, keep=list(LAYERS), seed=4)
    start = [found[name][0] for name in LAYERS]
    theta, _ = trained(start, x, y, 0.01)
    for name, layer in zip(LAYERS, theta, strict=True):
        np.testing.assert_allclose(found[name][29], layer, rtol=0, atol=1e-12)
    assert start[0].std() == pytest.approx(np.sqrt(2 / 784), rel=0.02)
    assert start[2].std() == pytest.approx(np.sqrt(2 / 100), rel=0.2)


def test_without_images_a_run_says_where_they_come_from() -> None:
    with pytest.raises(QuestionError, match=r"give data=\{'x': array\} .*`causalopt data mnist"):
        run(load("knowledge_localization"))


@pytest.mark.parametrize(
    ("words", "hint"), [(("softplos",), "softplus"), (("relu", "square"), "squared")]
)
def test_a_misspelt_setting_is_refused(words: tuple[str, ...], hint: str) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean '{hint}'"):
        NetworkSetting(*words)


def test_phases_are_balanced_and_hold_every_image_once() -> None:
    images = small_images(count=10)
    phases = digit_phases(images, 0)
    assert phases.first.counts == {1: 5, 6: 5, 7: 5, 8: 5}
    both = np.concatenate([phases.first.images, phases.rest.images])
    assert sorted(map(tuple, both)) == sorted(map(tuple, images.images))
    assert not np.array_equal(digit_phases(images, 1).first.images, phases.first.images)
    shown = streams(phases.first)
    assert shown["x"].min() == 1 / 256
    assert shown["x"].max() <= 1
    assert (shown["y"][:, 0] == np.isin(phases.first.labels, [1, 7])).all()


def test_too_few_images_are_refused() -> None:
    with pytest.raises(QuestionError, match="each of 1, 7, 6 and 8 needs 2 images or more"):
        digit_phases(small_images(count=1), 0)

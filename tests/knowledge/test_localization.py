from __future__ import annotations

import numpy as np
import pytest

from causalopt.knowledge.digit_network import LAYERS, NetworkSetting, digit_network
from causalopt.knowledge.digit_phases import digit_phases, future, streams
from causalopt.knowledge.forks import shared_past
from causalopt.knowledge.localization import Localization, localize, share
from causalopt.knowledge.profile_correlations import (
    correlation,
    correlation_given,
    correlations_of_pixels,
    within_pixels,
)
from tests.knowledge.by_hand import deltas, small_images, trained

RATE = 0.2


@pytest.fixture(scope="module")
def found() -> Localization:
    return localize(digit_phases(small_images(count=25), 1), NetworkSetting(rate=RATE, hidden=6), 9)


def test_both_shares_are_those_of_five_trainings_by_hand(found: Localization) -> None:
    phases = digit_phases(small_images(count=25), 1)
    data = streams(phases.first)
    first = {name: values[:1] for name, values in data.items()}
    model = digit_network(NetworkSetting(rate=RATE, hidden=6), 16, phases.half)
    start = [shared_past(model, first, seed=9).last(name) for name in LAYERS]
    ends = []
    for labels in ([1, 6, 8], [7, 6, 8], [6, 1, 7], [8, 1, 7]):
        after = future(phases, labels)
        x, y = (np.concatenate([data[name], after[name]]) for name in ("x", "y"))
        ends.append(trained(start, x, y, RATE)[0])
    c, d = (np.abs(ends[i][0] - ends[i + 1][0]) for i in (0, 2))
    np.testing.assert_allclose(found.weight_differences, c / (c + d), atol=1e-9)
    _, changes = trained(start, data["x"], data["y"], RATE)
    sums = [
        np.abs(changes[phases.half :][data["y"][phases.half : -1, k] == 1]).sum(axis=0)
        for k in (0, 1)
    ]
    np.testing.assert_allclose(found.weight_updates, sums[0] / sum(sums), atol=1e-12)


def test_accuracy_counts_images_before_they_are_learned_from(found: Localization) -> None:
    phases = digit_phases(small_images(count=25), 1)
    data = streams(phases.first)
    model = digit_network(NetworkSetting(rate=RATE, hidden=6), 16, phases.half)
    first = {name: values[:1] for name, values in data.items()}
    start = [shared_past(model, first, seed=9).last(name) for name in LAYERS]
    right = []
    for t in range(phases.half, len(data["x"])):
        theta, _ = trained(start, data["x"][: t + 1], data["y"][: t + 1], RATE)
        _, o, _, _ = deltas(theta, data["x"][t], data["y"][t], "softplus", "softplus")
        right.append(o.argmax() == data["y"][t].argmax())
    assert found.accuracy == pytest.approx(np.mean(right))


def test_a_never_lit_pixel_s_correlation_is_that_of_the_biases(found: Localization) -> None:
    assert found.never_lit.sum() == 4
    np.testing.assert_allclose(found.heat_map[found.never_lit], found.biases, atol=1e-9)
    assert np.abs(found.heat_map[~found.never_lit] - found.biases).min() > 1e-4
    dark = found.weight_updates[:, found.never_lit]
    np.testing.assert_allclose(dark, np.tile(found.bias_updates, (4, 1)).T, atol=1e-12)


def test_correlations_are_numpy_s() -> None:
    random = np.random.default_rng(0)
    control = random.normal(size=7)
    x = random.normal(size=(50, 7)) + control
    y = random.normal(size=(50, 7)) + 2 * control + 0.3 * x
    assert correlation(x, y) == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    # The partial correlation by the textbook's formula in the three plain ones.
    z = np.tile(control, (50, 1)).ravel()
    xy, xz, yz = (np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in ((x, y), (x, z), (y, z)))
    partial = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    assert correlation_given(control, x, y) == pytest.approx(partial)
    by_pixel = [np.corrcoef(x[:, p], y[:, p])[0, 1] for p in range(7)]
    np.testing.assert_allclose(correlations_of_pixels(x, y), by_pixel, atol=1e-14)
    dummies = np.tile(np.eye(7), (50, 1))
    left = [
        v.ravel() - dummies @ np.linalg.lstsq(dummies, v.ravel(), rcond=None)[0] for v in (x, y)
    ]
    assert within_pixels(x, y) == pytest.approx(np.corrcoef(*left)[0, 1])


def test_entries_without_a_value_are_left_out() -> None:
    x = np.array([[0.0, 1.0], [1.0, np.nan], [2.0, 5.0], [4.0, 2.0]])
    y = np.array([[1.0, np.nan], [2.0, 0.0], [0.0, 7.0], [5.0, 1.0]])
    told = np.isfinite(x) & np.isfinite(y)
    assert correlation(x, y) == pytest.approx(np.corrcoef(x[told], y[told])[0, 1])
    expected = [np.corrcoef(x[told[:, p], p], y[told[:, p], p])[0, 1] for p in (0, 1)]
    np.testing.assert_allclose(correlations_of_pixels(x, y), expected)
    assert np.isnan(correlation(np.ones(3), np.arange(3.0)))
    assert np.isnan(share(np.zeros(1), np.zeros(1))[0])

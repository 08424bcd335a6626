"""What tests the hypotheses, against numpy by hand and against what is known beforehand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from causalopt import QuestionError
from causalopt.knowledge.data_influence import data_influence
from causalopt.knowledge.digit_network import LAYERS, NetworkSetting, digit_network
from causalopt.knowledge.digit_phases import digit_phases, streams
from causalopt.knowledge.forks import shared_past
from causalopt.knowledge.locality import (
    CHANGES,
    changed_images,
    locality,
    participation_ratio,
    patch,
)
from causalopt.knowledge.seed_intervals import interval, over_seeds
from causalopt.knowledge.start_influence import start_influence
from causalopt.knowledge.unit_matching import cross_correlations, matched, trained_units
from tests.knowledge.by_hand import deltas, small_images, trained

SETTING = NetworkSetting(rate=0.3, hidden=5)
SEED = 6


@pytest.fixture(scope="module")
def phases():
    return digit_phases(small_images(count=20), 2)


@pytest.fixture(scope="module")
def start(phases) -> list[np.ndarray]:
    first = {name: values[:1] for name, values in streams(phases.first).items()}
    past = shared_past(digit_network(SETTING, 16, 0), first, seed=SEED)
    return [past.last(name) for name in LAYERS]


def test_a_participation_ratio_is_a_share_of_places() -> None:
    assert participation_ratio(np.eye(1, 8)) == 1 / 8
    assert participation_ratio(np.full((3, 4), 0.7)) == pytest.approx(1)
    normal = np.random.default_rng(0).standard_normal(200_000)
    assert participation_ratio(normal**2) == pytest.approx(1 / 3, abs=0.01)
    assert math.isnan(participation_ratio(np.zeros(3)))


def test_changes_of_the_data_have_equal_sizes_and_touch_what_they_say(phases) -> None:
    x, labels = streams(phases.first)["x"], phases.first.labels
    changes = {name: v - x for name, v in changed_images(phases.first, SEED).items()}
    assert tuple(changes) == CHANGES
    norms = {name: np.sort(np.linalg.norm(v, axis=1)) for name, v in changes.items()}
    for name in CHANGES:
        np.testing.assert_allclose(norms[name], norms[CHANGES[0]], atol=1e-12)
        touched = np.abs(changes[name]).max(axis=1) > 0
        assert touched.sum() == (labels == 1).sum()
        assert name.endswith("anywhere") or (labels[touched] == 1).all()
        off = np.abs(changes[name][:, ~patch(phases.first.shape)]).max()
        assert (off > 1e-12) == name.startswith("noise")


def test_changes_of_parameters_are_those_of_trainings_by_hand(phases, start) -> None:
    found = locality(phases, SETTING, SEED)
    data = streams(phases.first)
    end, _ = trained(start, data["x"], data["y"], SETTING.rate)
    for name, x in changed_images(phases.first, SEED).items():
        other, _ = trained(start, x, data["y"], SETTING.rate)
        change = [a - b for a, b in zip(other, end, strict=True)]
        size = math.sqrt(sum((layer**2).sum() for layer in change))
        assert found[name].size == pytest.approx(size, rel=1e-9)
        units = (change[0] ** 2).sum(axis=1) + change[1] ** 2
        assert found[name].units == pytest.approx(units.sum() ** 2 / (5 * (units**2).sum()))
        weights = change[0] ** 2
        assert found[name].weights == pytest.approx(weights.sum() ** 2 / (80 * (weights**2).sum()))


def test_the_adjoint_through_training_is_what_finite_changes_of_images_make(phases, start) -> None:
    steps = 25
    found = data_influence(phases, SETTING, SEED, steps=steps, units=2)
    data = {name: values[: steps + 1] for name, values in streams(phases.first).items()}

    def end(x: np.ndarray) -> tuple[np.ndarray, float]:
        theta, _ = trained(start, x, data["y"], SETTING.rate)
        _, o, _, _ = deltas(theta, x[-1], data["y"][-1], "softplus", "softplus")
        return theta[1][:2], float(o[0] - o[1])

    for t in (0, 11, steps - 1):
        slopes = []
        for pixel in range(16):
            moved = [data["x"].copy() for _ in (0, 1)]
            moved[0][t, pixel] += 1e-6
            moved[1][t, pixel] -= 1e-6
            (bias, output), (bias_low, output_low) = map(end, moved)
            slopes.append([*(bias - bias_low) / 2e-6, (output - output_low) / 2e-6])
        norms = np.linalg.norm(slopes, axis=0)
        np.testing.assert_allclose(found.bias_influence[t], norms[:2], rtol=1e-6)
        assert found.influence[t] == pytest.approx(norms[2], rel=1e-6)


def test_update_sizes_are_those_of_a_loop_by_hand(phases, start) -> None:
    steps = 25
    found = data_influence(phases, SETTING, SEED, steps=steps, units=2)
    data = streams(phases.first)
    for t in (0, 9, steps - 1):
        before, after = (
            trained(start, data["x"][:n], data["y"][:n], SETTING.rate)[0] for n in (t + 1, t + 2)
        )
        change = [a - b for a, b in zip(after, before, strict=True)]
        np.testing.assert_allclose(found.bias_updates[t], np.abs(change[1][:2]), atol=1e-12)
        size = math.sqrt(sum((layer**2).sum() for layer in change))
        assert found.updates[t] == pytest.approx(size, rel=1e-9)


def test_comp_of_the_start_is_the_ratio_of_finite_worlds(phases, start) -> None:
    window = 6
    found = start_influence(phases, SETTING, SEED, steps=12, window=window, directions=2)
    data = streams(phases.first)
    nudges = np.random.default_rng([SEED, 2]).standard_normal((2, 5, 16))
    total, direct, moved = np.zeros(12), np.zeros(12), np.zeros(12)
    for nudge in nudges:
        for t in range(12):
            x, y = data["x"][: t + 1], data["y"][: t + 1]
            base, _ = trained(start, x, y, SETTING.rate)
            other, _ = trained([start[0] + 1e-6 * nudge, *start[1:]], x, y, SETTING.rate)
            held = [base[0] + 1e-6 * nudge, *base[1:]]
            w, full, beside = (
                deltas(theta, x[-1], y[-1], "softplus", "softplus")[1]
                for theta in (base, other, held)
            )
            total[t] += ((full - w) ** 2).sum()
            direct[t] += ((beside - w) ** 2).sum()
            moved[t] += ((other[0] - base[0]) ** 2).sum() / 1e-12
    outputs = np.sqrt(total.reshape(2, window).sum(1) / direct.reshape(2, window).sum(1))
    np.testing.assert_allclose(found.outputs, outputs, rtol=1e-4)
    np.testing.assert_allclose(
        found.weights, np.sqrt(moved[[5, 11]] / (nudges**2).sum()), rtol=1e-4
    )
    np.testing.assert_array_equal(found.steps, [5, 11])


def test_a_network_s_units_are_matched_to_themselves_in_another_order(phases) -> None:
    one = trained_units(phases, SETTING, SEED)
    order = np.array([3, 0, 4, 2, 1])
    other = dataclasses.replace(
        one,
        profiles=one.profiles[:, order],
        activations=(one.activations[0][:, order], one.activations[1][:, order]),
        tuning=one.tuning[order],
        knowledge=one.knowledge[order],
    )
    found = matched(one, other)
    np.testing.assert_array_equal(found.partners, order)
    assert found.likeness == pytest.approx(1)
    assert found.tuning == pytest.approx(1)
    assert found.knowledge == pytest.approx(1)
    assert found.chance < 0.9
    np.testing.assert_allclose(one.profiles.sum(axis=1), 1)


def test_cross_correlations_are_numpy_s() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 30, 3))
    b[:, 1] = 2.0
    found = cross_correlations(a, b)
    assert found[2, 0] == pytest.approx(np.corrcoef(a[:, 2], b[:, 0])[0, 1])
    np.testing.assert_array_equal(found[:, 1], 0)


def test_intervals_are_student_s() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(0).normal(size=20)
    found = interval(values)
    low, high = scipy_stats.t.interval(
        0.95, 19, loc=values.mean(), scale=values.std(ddof=1) / math.sqrt(20)
    )
    assert (found.low, found.high) == pytest.approx((low, high))
    assert interval([*values, math.nan]) == found
    with pytest.raises(QuestionError, match="two seeds or more; 1 gave a number"):
        interval([1.0, math.nan])


def test_seeds_are_asked_in_their_order_on_any_number_of_processes() -> None:
    assert over_seeds(math.sqrt, [4, 9, 16], workers=2) == [2, 3, 4]  # type: ignore[arg-type]
    assert over_seeds(math.sqrt, [4], workers=2) == [2]  # type: ignore[arg-type]

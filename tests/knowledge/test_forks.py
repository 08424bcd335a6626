from __future__ import annotations

import numpy as np
import pytest

from causalopt import Model, QuestionError, Set, UnknownNameError, world
from causalopt.knowledge.digit_network import LAYERS, NetworkSetting, digit_network
from causalopt.knowledge.digit_phases import FUTURES, digit_phases, future, streams
from causalopt.knowledge.forks import ancestors, shared_past
from tests.knowledge.by_hand import small_images

SETTING = NetworkSetting(rate=0.1, hidden=4)
LAGGED = Model(
    name="lagged",
    variables={
        "u": {"shape": [2]},
        "e": {"shape": [2], "noise": "normal(0, 1)"},
        "x": {
            "shape": [2],
            "rule": "x[t-1]/2 + x[t-2]/4 + u[t] + e[t]",
            "initial": [[1, 2], [3, 4]],
        },
    },
)


def test_a_future_is_the_world_whose_streams_are_joined() -> None:
    phases = digit_phases(small_images(), 0)
    model = digit_network(SETTING, 16, phases.half)
    past = shared_past(model, streams(phases.first), seed=5, wanted=LAYERS)
    for labels in FUTURES:
        after = future(phases, labels)
        joined = {k: np.concatenate([v, after[k]]) for k, v in streams(phases.first).items()}
        steps = len(joined["x"]) - 1
        whole = world(model, steps=steps, data=joined, seed=5, keep=list(LAYERS))
        found = past.future(after, LAYERS)
        for name in LAYERS:
            np.testing.assert_array_equal(found[name], whole[name][steps])


def test_a_future_is_an_intervention_on_the_data() -> None:
    phases = digit_phases(small_images(), 0)
    model = digit_network(SETTING, 16, phases.half)
    first, after = streams(phases.first), streams(phases.rest)
    steps = len(first["x"]) + 2
    given = {k: np.concatenate([v, v])[: steps + 1] for k, v in first.items()}
    sets = [
        Set(f"{name}[{len(first['x']) + t}]", after[name][t]) for name in after for t in range(3)
    ]
    other = world(model, *sets, steps=steps, data=given, seed=5, keep=list(LAYERS))
    found = shared_past(model, first, seed=5).future({k: v[:3] for k, v in after.items()}, LAYERS)
    for name in LAYERS:
        np.testing.assert_array_equal(found[name], other[name][steps])


def test_longer_lags_and_noise_go_on_as_they_would_have() -> None:
    u = np.random.default_rng(0).normal(size=(9, 2))
    past = shared_past(LAGGED, {"u": u[:6]}, seed=2, keep=["x"])
    whole = world(LAGGED, steps=8, data={"u": u}, seed=2)
    np.testing.assert_array_equal(past.courses["x"], whole["x"][:6])
    np.testing.assert_array_equal(past.future({"u": u[6:]}, ["x"])["x"], whole["x"][8])


def test_only_ancestors_are_run() -> None:
    template = ancestors(digit_network(SETTING, 16, 4).arrays, LAYERS)
    assert not {"aW1", "bW1", "a_seen"} & set(template.by_name)
    assert {"x", "y", "h", "dW1"} <= set(template.by_name)


def test_streams_of_unequal_length_and_unknown_names_are_refused() -> None:
    model = digit_network(SETTING, 16, 4)
    x, y = np.full((3, 16), 0.5), np.eye(2)[[0, 1, 0]]
    with pytest.raises(QuestionError, match="their lengths are x: 3, y: 2"):
        shared_past(model, {"x": x, "y": y[:2]})
    with pytest.raises(QuestionError, match="their lengths are none"):
        shared_past(model, {})
    with pytest.raises(UnknownNameError, match="unknown variable 'w1'"):
        shared_past(model, {"x": x, "y": y}, wanted=["w1"])
    past = shared_past(model, {"x": x, "y": y}, wanted=LAYERS)
    with pytest.raises(UnknownNameError, match="'aW1' was not run"):
        past.last("aW1")
    with pytest.raises(QuestionError, match="'y' has no rule"):
        past.future({"x": x})

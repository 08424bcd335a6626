"""A sweep of arrays is its points, one run each."""

from __future__ import annotations

import numpy as np
import pytest

import causalopt
from causalopt import Model
from tests.effects.arrays.models_of_arrays import LATTICE, MEMORY, TRAINING


@pytest.mark.parametrize(
    ("model", "grid", "question"),
    [
        (
            TRAINING,
            {"lr": [0.01, 0.05, 0.2], "seed": [0, 1]},
            {"nudge": "b1[0]", "hold": "W2", "target": "o", "steps": 12},
        ),
        (
            LATTICE,
            {"x[0, site=1]": [0.5, 1.0, 2.0], "F": [2.0, 6.0]},
            {"nudge": "x[0, site=2]", "hold": "c[site=1:4]", "target": "x[site=4]", "steps": 20},
        ),
        (
            MEMORY,
            {"seed": [0, 3, 4]},
            {"nudge": "h[1, unit=1]", "hold": "h[4<=t<9, unit=2]", "target": "top", "steps": 14},
        ),
    ],
)
def test_each_point_is_its_own_run(model, grid, question) -> None:
    found = causalopt.sweep(model, grid, **question)
    for place in np.ndindex(*found.shape):
        point = {name: values[i] for (name, values), i in zip(grid.items(), place, strict=True)}
        seed = int(point.pop("seed", 0))
        given = [causalopt.Set(n, v) for n, v in point.items() if "[" in n]
        parameters = {n: v for n, v in point.items() if "[" not in n}
        run = causalopt.run(model, given=given, parameters=parameters, seed=seed, **question)
        assert found.op[place] == pytest.approx(run.op[-1], abs=1e-11)
        assert found.comp[place] == pytest.approx(run.comp[-1], rel=1e-10)
        assert found.status[place] == run.status[-1]
        assert found.total[place] == pytest.approx(run.effect.total.value[-1], rel=1e-10)


def test_noise_is_each_seeds_own() -> None:
    model = Model(
        name="noisy",
        sizes={"slot": 2},
        variables={
            "z": {"shape": ["slot"], "noise": "normal(0, 1)"},
            "x": {"shape": ["slot"], "rule": "tanh(x[t-1] + u[t-1] + z[t])", "initial": 0},
            "u": {"shape": ["slot"], "rule": "-tanh(x[t])/2"},
        },
        question={"nudge": "x[0]", "hold": "u", "target": "x", "steps": 9},
    )
    found = causalopt.sweep(model, {"seed": [0, 1, 2]})
    for seed in range(3):
        assert found.op[seed] == pytest.approx(causalopt.run(model, seed=seed).op[-1], abs=1e-12)
    assert len(set(found.op.tolist())) == 3


def test_kinks_and_zeros_are_told_by_lane() -> None:
    model = Model(
        name="bent",
        variables={
            "n": {"shape": [2], "rule": "n[t-1]", "initial": 0.5},
            "a": {"shape": [2], "rule": "-n[t]"},
            "m": {"shape": [2], "rule": "relu(n[t] - edge) + a[t]"},
        },
        parameters={"edge": 0.0},
        question={"nudge": "n[0]", "hold": "a", "target": "m", "steps": 1},
    )
    found = causalopt.sweep(model, {"edge": [0.0, 0.5, 1.0]})
    assert found.status.tolist() == ["perfect", "kink", "ok"] or found.status[1] == "kink"
    assert found.status[0] == "perfect"
    assert found.status[2] == "only_path"


def test_an_unknown_axis_is_told() -> None:
    with pytest.raises(causalopt.UnknownNameError, match="neither a parameter nor a node"):
        causalopt.sweep(TRAINING, {"rate": [1.0]}, nudge="b1[0]", hold="W2", target="o", steps=2)


def test_lanes_that_grow_apart_beyond_floats_keep_their_digits() -> None:
    """x grows by k alone and by k/2 with A: Op is N ln 2 for all k, X and Y span 2^16000."""
    model = Model(
        name="apart",
        parameters={"k": 0.5},
        variables={
            "x": {"shape": [2], "rule": "k*x[t-1] + u[t-1]", "initial": 0},
            "u": {"shape": [2], "rule": "-k*x[t]/2"},
        },
        question={"nudge": "x[0]", "hold": "u", "target": "x", "steps": 3000},
    )
    for nudge, target in (("x[0]", "x"), ("x[0, dim0=1]", "x[dim0=1]")):
        found = causalopt.sweep(
            model, {"k": [0.1, -0.5, 3.0, 7.0, 0.0]}, nudge=nudge, target=target
        )
        alone = causalopt.run(model, nudge=nudge, target=target, parameters={"k": 0.0})
        assert found.status.tolist() == ["ok"] * 4 + [alone.status[-1]]
        np.testing.assert_allclose(found.op[:4], 3000 * np.log(2), rtol=1e-12)


def test_a_lane_that_diverges_leaves_the_others_alone() -> None:
    model = Model(
        name="blown",
        parameters={"k": 0.5},
        variables={
            "x": {"shape": [2], "rule": "x[t-1] - k*x[t-1]**3 + u[t-1]", "initial": 1},
            "u": {"shape": [2], "rule": "-x[t]/2"},
        },
        question={"nudge": "x[0]", "hold": "u", "target": "x", "steps": 60},
    )
    values = [-1.0, 0.1, 0.2]
    found = causalopt.sweep(model, {"k": values})
    for i, k in enumerate(values):
        alone = causalopt.run(model, parameters={"k": k})
        assert found.status[i] == alone.status[-1]
        if i:
            assert found.op[i] == pytest.approx(alone.op[-1], abs=1e-11)
    assert found.status[1:].tolist() == ["ok", "ok"]
    assert found.status[0] == "diverged"


def test_the_nudged_node_may_be_a_streams() -> None:
    model = Model(
        name="streamed",
        parameters={"k": 0.5},
        variables={
            "s": {"shape": [2]},
            "x": {"shape": [2], "rule": "k*x[t-1] + s[t] + u[t-1]", "initial": 0},
            "u": {"shape": [2], "rule": "-x[t]/4"},
        },
        question={"nudge": "s[3]", "hold": "u", "target": "x", "steps": 8},
    )
    data = {"s": np.ones((9, 2))}
    found = causalopt.sweep(model, {"k": [0.3, 0.9]}, data=data)
    for i, k in enumerate((0.3, 0.9)):
        assert found.op[i] == pytest.approx(-5 * np.log((k - 0.25) / k), abs=1e-12)

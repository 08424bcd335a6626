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

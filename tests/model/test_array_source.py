"""Arrays beside a model's file, and arrays in memory that are written with it."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt.errors import FileError, ModelError
from causalopt.model.array_source import ArraySource
from causalopt.model.files import read_model, write_model
from causalopt.model.model import Model

W = np.arange(6.0).reshape(2, 3)
DECLARED: dict[str, Any] = {
    "name": "net",
    "sizes": {"a": 2, "b": 3},
    "variables": {
        "W": {"shape": ["a", "b"], "values": "#W"},
        "x": {"shape": ["b"], "initial": [1, 2, 4]},
        "h": {"shape": ["a"], "rule": "W @ x"},
    },
}


def made(values: np.ndarray = W) -> Model:
    return Model(ArraySource(arrays={"W": values}), **DECLARED)


def h(model: Model) -> list[float]:
    return list(np.asarray(causalopt.world(model)["h"]))


@pytest.mark.parametrize("ending", ["yaml", "toml", "json"])
def test_arrays_in_memory_are_written_beside_the_model(ending: str, tmp_path: Path) -> None:
    model = made()
    assert h(model) == list(W @ [1, 2, 4])
    write_model(model, tmp_path / f"net.{ending}")
    assert sorted(f.name for f in tmp_path.iterdir()) == sorted([f"net.{ending}", "net.npz"])
    again = read_model(tmp_path / f"net.{ending}")
    assert h(again) == h(model)
    assert again.variables["W"].values == "net.npz#W"
    assert again.fingerprint == model.fingerprint != made(W + 1).fingerprint


def test_files_are_found_beside_the_model_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "weights").mkdir()
    np.savez(tmp_path / "weights" / "w.npz", W=W)
    text = str(DECLARED).replace("#W", "../weights/w.npz#W")
    (tmp_path / "models" / "net.yaml").write_text(text)
    monkeypatch.chdir(tmp_path / "weights")
    model = read_model("../models/net.yaml")
    assert h(model.replace(initial={"x": (1, 0, 0)})) == [0, 3]
    write_model(model, tmp_path / "moved.yaml")
    assert read_model(tmp_path / "moved.yaml").variables["W"].values == "weights/w.npz#W"
    os.chdir("/")
    assert h(read_model(tmp_path / "moved.yaml")) == h(model)


def test_an_array_that_is_not_there_is_an_error_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"values: '#W' is an array in memory, and none"):
        Model(**DECLARED)
    with pytest.raises(ModelError, match=r"did you mean 'W2'"):
        Model(ArraySource(arrays={"W2": W}), **DECLARED)
    bad = W.copy()
    bad[1, 0] = np.nan
    with pytest.raises(ModelError, match=r"'#W' is nan at \[1, 0\]"):
        made(bad)
    (tmp_path / "net.yaml").write_text(str(DECLARED))
    with pytest.raises(ModelError, match=r"net.yaml:1:\d+: '#W' is an array in memory"):
        read_model(tmp_path / "net.yaml")


def test_a_model_with_arrays_is_copied_compared_and_replaced() -> None:
    model = made()
    assert model == made()
    assert model != made(W + 1)
    assert h(copy.deepcopy(model)) == h(pickle.loads(pickle.dumps(model))) == h(model)
    assert h(model.replace(initial={"W": "1"})) == [7, 7]


def test_a_model_and_its_arrays_are_written_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(made(), tmp_path / "net.yaml")
    replace = os.replace

    def failing(source: str, target: Path) -> None:
        if Path(target).suffix == ".yaml" and "before" not in str(source):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(FileError, match="No space left"):
        write_model(made(W + 1), tmp_path / "net.yaml")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["net.npz", "net.yaml"]
    assert h(read_model(tmp_path / "net.yaml")) == h(made())

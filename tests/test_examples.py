"""The examples' own parts, without the packages that they read from."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import causalopt

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "trained_policies"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("pendulum", FOLDER / "inverted_pendulum.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("policy_source", None)


def test_a_policys_source_is_parsed_and_not_run(example: ModuleType, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    text = f"""
import os
os.mkdir({str(trap)!r})
w = np.array([[+0.5, -1], [2, 3]])
computed = np.array([f(1)])
run = np.array(__import__("os").mkdir({str(trap)!r}))
class Policy:
    def __init__(self):
        self.bias = np.array([1, 2])
"""
    found = example.arrays_in(text)
    assert {name: values.tolist() for name, values in found.items()} == {
        "w": [[0.5, -1], [2, 3]],
        "bias": [1, 2],
    }
    assert not trap.exists()


def test_the_cart_and_pole_obey_their_equations_of_motion(example: ModuleType) -> None:
    random = np.random.default_rng(0)
    shapes = {"dense1": (5, 64), "dense2": (64, 32), "final": (32, 1)}
    weights = {f"weights_{n}_w": random.normal(size=s) / 8 for n, s in shapes.items()}
    weights |= {f"weights_{n}_b": random.normal(size=s[1]) / 8 for n, s in shapes.items()}
    world = causalopt.world(example.pendulum(weights, 0.3), steps=60)
    force, theta, omega, acceleration, v = (
        np.asarray(world[name]) for name in ("force", "theta", "omega", "acceleration", "v")
    )
    p, a, step = example.PLANT, acceleration[1:], example.STEP
    before, turn = theta[:-1], np.diff(omega) / step
    pull = p["pole"] * p["l"]
    inertia = p["inertia"] + p["pole"] * p["l"] ** 2
    sideways = (p["cart"] + p["pole"]) * a + pull * np.cos(before) * turn
    sideways -= pull * omega[:-1] ** 2 * np.sin(before)
    np.testing.assert_allclose(sideways, force[:-1], rtol=1e-9, atol=1e-9)
    turning = inertia * turn + pull * a * np.cos(before)
    np.testing.assert_allclose(turning, pull * p["gravity"] * np.sin(before), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.diff(v), step * a, atol=1e-12)
    seen = np.stack([np.asarray(world["x"]), v, np.cos(theta), np.sin(theta), omega], axis=1)
    h = np.maximum(seen @ weights["weights_dense1_w"] + weights["weights_dense1_b"], 0)
    h = np.maximum(h @ weights["weights_dense2_w"] + weights["weights_dense2_b"], 0)
    wanted = (h @ weights["weights_final_w"] + weights["weights_final_b"])[:, 0]
    np.testing.assert_allclose(force, 100 * np.clip(wanted, -1, 1), rtol=1e-9, atol=1e-9)

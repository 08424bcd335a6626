"""Arrays from files: what is read, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import causalopt
from causalopt import ModelError

MODEL = """\
name: stored
sizes: {row: 2, column: 3}
variables:
  W: {shape: [row, column], values: "net.npz#W", rule: "W[t-1]*2"}
  x: {shape: [column], data: "stream.npy"}
  y: {shape: [row], rule: "W[t] @ x[t]"}
"""
W = np.arange(6.0).reshape(2, 3)
X = np.arange(12.0).reshape(4, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.yaml").write_text(MODEL)
    np.savez(tmp_path / "net.npz", W=W, other=np.zeros(2))
    np.save(tmp_path / "stream.npy", X)
    return tmp_path


def test_weights_and_streams_lie_beside_the_model(folder: Path) -> None:
    world = causalopt.world(causalopt.load(folder / "m.yaml"), steps=3)
    for t in range(4):
        np.testing.assert_array_equal(world["y"][t], 2.0**t * W @ X[t])


def test_the_fingerprint_knows_the_numbers_and_not_the_place(folder: Path, tmp_path: Path) -> None:
    first = causalopt.load(folder / "m.yaml").fingerprint
    elsewhere = tmp_path / "copy"
    elsewhere.mkdir()
    for name in ("m.yaml", "net.npz", "stream.npy"):
        (elsewhere / name).write_bytes((folder / name).read_bytes())
    assert causalopt.load(elsewhere / "m.yaml").fingerprint == first
    np.savez(folder / "net.npz", W=W + 1e-12)
    assert causalopt.load(folder / "m.yaml").fingerprint != first


def claim(file: Path, shape: tuple[int, ...]) -> None:
    """Write a file whose header claims more numbers than it has."""
    with open(file, "wb") as stream:
        header = {"descr": "<f8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)


class Evil:
    """Would run code where it is unpickled."""

    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "net.npz").unlink(), "there is no file"),
        (lambda f: (f / "net.npz").write_bytes(b"PK\x03\x04 no zip"), "damaged"),
        (lambda f: (f / "net.npz").write_bytes((f / "net.npz").read_bytes()[:200]), "damaged"),
        (lambda f: np.savez(f / "net.npz", V=W), "has no array 'W'"),
        (lambda f: np.savez(f / "net.npz", W=W.T), r"has the shape \[3, 2\]"),
        (lambda f: np.savez(f / "net.npz", W=W / 0), "finite"),
        (lambda f: np.savez(f / "net.npz", W=np.full((2, 3), "a")), "real numbers"),
        (lambda f: np.savez(f / "net.npz", W=W + 1j), "real numbers"),
        (lambda f: np.savez(f / "net.npz", W=np.array([Evil()] * 6)), "Python objects|damaged"),
        (lambda f: np.save(f / "stream.npy", X[:, :2]), "the step first"),
        (lambda f: np.save(f / "stream.npy", X[0]), "the step first"),
        (lambda f: (f / "stream.npy").write_bytes(b""), "damaged"),
        (lambda f: claim(f / "stream.npy", (10**12, 3)), "3,000,000,000,000 numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero|invalid value")
def test_a_spoilt_file_is_told_with_its_place(folder: Path, spoil, words: str) -> None:
    spoil(folder)
    with pytest.raises(ModelError, match=words) as caught:
        causalopt.load(folder / "m.yaml")
    assert caught.value.location.line in {4, 5}
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sizes": {"row": -1}}, "whole number from 1"),
        ({"sizes": {"row": "2*hidden"}}, "unknown"),
        ({"sizes": {"row": 10**12}}, "whole number from 1"),
        ({"sizes": {"row": 20_000, "column": 20_000}}, "elements, the limit is"),
        ({"sizes": {"W": 2}}, "declared under"),
        ({"sizes": {"softmax": 2}}, "word of the language"),
    ],
)
def test_a_wrong_size_is_told(change, words: str) -> None:
    sizes = {"row": 2, "column": 3, **change["sizes"]}
    with pytest.raises(ModelError, match=words):
        causalopt.Model(
            name="sized", sizes=sizes, variables={"W": {"shape": ["row", "column"], "initial": 0}}
        )


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ({"shape": ["row"], "rule": "1", "noise": "uniform"}, "rule and noise"),
        ({"shape": ["row"], "noise": "uniform", "initial": 0}, "drop the initial"),
        ({"shape": ["row"], "domain": [0, 1], "initial": 0}, "labels"),
        ({"shape": ["row"], "initial": [1, 2, 3]}, r"has the shape \[3\]"),
        ({"shape": ["row"], "initial": [[1, 2], [3]]}, "differ in length"),
        ({"shape": ["row"], "initial": {"a": 1}}, "needs labels"),
        ({"shape": ["row"], "flow": "-v", "initial": 1}, "'dt' is missing"),
        ({"shape": ["row"], "rule": "v[t-2]", "initial": 1}, "2 initial values"),
        ({"shape": ["row"], "rule": "v[t] + 1"}, "in a circle"),
        ({"shape": ["row"], "rule": "u[t-1]", "initial": 1}, "row is not column|has the shape"),
    ],
)
def test_a_wrong_variable_is_told(variable, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        causalopt.Model(
            name="wrong",
            sizes={"row": 2, "column": 3},
            variables={"v": variable, "u": {"shape": ["column"], "rule": "u[t-1]", "initial": 0}},
        )

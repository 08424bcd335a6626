"""Damaged, huge and malicious files: one message with its place, nothing written, no code run."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from causalopt.cli import main
from causalopt.errors import FileError, QuestionError
from causalopt.importers.network_builder import NetworkError
from causalopt.importers.onnx_translation import from_onnx
from causalopt.model.files import read_model, write_together
from tests.importers.onnx_graphs import forward, graph, imported

WEIGHT = np.arange(6.0).reshape(2, 3) - 2.5


def dense(**weights: np.ndarray) -> onnx.ModelProto:
    node = helper.make_node("Gemm", ["x", "fc.weight"], ["y"], name="/fc/Gemm", transB=1)
    return graph([node], {"x": (1, 3)}, ["y"], {"fc.weight": WEIGHT, **weights})


def written(folder: Path, content: bytes | onnx.ModelProto, name: str = "net.onnx") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    return file


def refused(folder: Path, file: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """Return what the command says of a file that it refuses, having written nothing."""
    before = sorted(os.listdir(folder))
    assert main(["import", str(file), "--out", str(folder / "model.yaml"), *more]) == 2
    assert sorted(os.listdir(folder)) == before
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off(
    share: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = dense().SerializeToString()
    file = written(tmp_path, whole[: int(share * len(whole))])
    assert f"{file}: " in refused(tmp_path, file, capsys)


def mixed() -> onnx.ModelProto:
    """Return a graph with a recurrent layer, and with operators whose settings are inputs."""
    nodes = [
        helper.make_node("GRU", ["x", "w", "r", "b"], ["h"], "gru", hidden_size=2),
        helper.make_node("Squeeze", ["h", "one"], ["k"]),
        helper.make_node("Transpose", ["k"], ["l"], perm=[0, 1, 2]),
        helper.make_node("Pad", ["l", "pads"], ["p"]),
        helper.make_node("Slice", ["p", "one", "three", "two"], ["s"]),
        helper.make_node("Split", ["s"], ["a", "c"], axis=2, num_outputs=2),
        helper.make_node("Concat", ["a", "c", "s"], ["q"], axis=2),
        helper.make_node("Softmax", ["q"], ["y"], axis=-1),
    ]
    weights = {
        "w": np.ones((1, 6, 3)),
        "r": np.ones((1, 6, 2)),
        "b": np.ones((1, 12)),
        "one": np.array([1]),
        "two": np.array([2]),
        "three": np.array([3]),
        "pads": np.array([0, 0, 1, 0, 0, 1]),
    }
    return graph(nodes, {"x": ("t", 1, 3)}, ["y"], weights)


@pytest.mark.parametrize("made", [dense, mixed])
def test_a_file_with_any_byte_changed_is_read_or_refused(
    made: Callable[[], onnx.ModelProto], tmp_path: Path
) -> None:
    whole = made().SerializeToString()
    from_onnx(written(tmp_path, whole))
    changed = np.random.default_rng(0)
    for place in range(0, len(whole), 1 + len(whole) // 600):
        content = bytearray(whole)
        content[place] = (content[place] + changed.integers(1, 256)) % 256
        file = written(tmp_path, bytes(content))
        try:
            from_onnx(file)
        except (FileError, NetworkError, QuestionError) as error:
            assert error.message  # noqa: PT017 - what is asked is that nothing else is raised


class _Trap:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.path,)


def test_a_pickle_is_not_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trap = pickle.dumps(_Trap(str(tmp_path / "sprung")))
    assert "a pickle" in refused(tmp_path, written(tmp_path, trap), capsys)
    arrays = np.empty(1, dtype=object)
    arrays[0] = _Trap(str(tmp_path / "sprung"))
    np.save(tmp_path / "x.npy", arrays, allow_pickle=True)
    good = written(tmp_path, dense())
    assert "Python objects" in refused(tmp_path, good, capsys, "--example", str(tmp_path / "x.npy"))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04rest", "torch.save"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"no protobuf at all", "no ONNX file"),
        (b"\x08\x07", "no graph"),
    ],
)
def test_other_files(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(tmp_path, written(tmp_path, content), capsys)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite(
    value: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = WEIGHT.copy()
    bad[1, 2] = value
    said = refused(tmp_path, written(tmp_path, dense(**{"fc.weight": bad})), capsys)
    assert f"'fc.weight' is {value} at [1, 2]" in said


def external(location: str, **entries: str) -> onnx.ModelProto:
    proto = dense()
    (tensor,) = proto.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return proto


def test_external_weights_in_the_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"12345678" + WEIGHT.tobytes())
    file = written(tmp_path, external("w.bin", offset="8", length="48"))
    x = np.array([[1.0, -2.0, 0.5]])
    model = from_onnx(file, example=x)
    np.testing.assert_allclose(forward(model), WEIGHT @ x[0], rtol=1e-15)


@pytest.mark.parametrize(
    ("location", "entries", "message"),
    [
        ("../secret.bin", {}, "outside the folder"),
        ("/etc/hostname", {}, "outside the folder"),
        ("link.bin", {}, "outside the folder"),
        ("", {}, "outside the folder"),
        ("none.bin", {}, "not there"),
        ("short.bin", {}, "damaged"),
        ("w.bin", {"length": "8"}, "damaged"),
        ("w.bin", {"length": "-1"}, "damaged"),
        ("w.bin", {"offset": "-8"}, "damaged"),
        ("w.bin", {"offset": "999"}, "damaged"),
        ("w.bin", {"offset": "x"}, "damaged"),
    ],
)
def test_external_weights_elsewhere_or_damaged(
    location: str,
    entries: dict[str, str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "nets"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(WEIGHT.tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "short.bin").write_bytes(WEIGHT.tobytes()[:-1])
    (folder / "w.bin").write_bytes(WEIGHT.tobytes())
    said = refused(folder, written(folder, external(location, **entries)), capsys)
    assert message in said
    assert "'fc.weight'" in said


@pytest.mark.parametrize(
    "dims", [[10**6, 10**6], [2**62, 4], [-1, 3], [2, 4]], ids=["huge", "overflow", "-1", "short"]
)
def test_a_shape_that_its_data_do_not_fill(
    dims: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proto = dense()
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend(dims)
    assert f"{tmp_path}/net.onnx: " in refused(tmp_path, written(tmp_path, proto), capsys)


def test_external_weights_that_would_be_huge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.bin").write_bytes(b"")
    proto = external("w.bin")
    proto.graph.initializer[0].dims[:] = [10**6, 10**6]
    said = refused(tmp_path, written(tmp_path, proto), capsys)
    assert "weight 'fc.weight' has the shape [1000000, 1000000]: at most 268,435,456" in said


@pytest.mark.parametrize("op", ["ConstantOfShape", "Expand", "Tile", "Range"])
def test_a_constant_that_would_be_huge(op: str) -> None:
    big = np.array([10**6, 10**6], dtype=np.int64)
    one = np.ones((1, 1))
    many: dict[str, dict[str, np.ndarray]] = {
        "ConstantOfShape": {"a": big},
        "Expand": {"a": one, "b": big},
        "Tile": {"a": one, "b": big},
        "Range": {"a": np.array(0), "b": np.array(10**12), "c": np.array(1)},
    }
    inputs = many[op]
    nodes = [
        helper.make_node(op, list(inputs), ["big"], name="bomb"),
        helper.make_node("ReduceSum", ["big"], ["sum"]),
        helper.make_node("Mul", ["x", "sum"], ["y"]),
    ]
    with pytest.raises(NetworkError, match=r"node 'bomb'.*the limit is"):
        imported(graph(nodes, {"x": (1, 3)}, ["y"], inputs))


def test_an_operator_that_is_not_known_is_named_with_its_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = helper.make_node("Det", ["x"], ["y"], name="/head/Det")
    said = refused(tmp_path, written(tmp_path, graph([node], {"x": (1, 3, 3)}, ["y"])), capsys)
    assert "node '/head/Det' (Det): the operator 'Det' is not known: cut the graph" in said
    custom = helper.make_node("Magic", ["x"], ["y"], name="m", domain="com.acme")
    proto = graph([custom], {"x": (1, 3)}, ["y"])
    proto.opset_import.append(helper.make_opsetid("com.acme", 1))
    said = refused(tmp_path, written(tmp_path, proto), capsys)
    assert "node 'm' (com.acme.Magic): operators of 'com.acme' are not known" in said


def test_a_branch_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = helper.make_tensor_value_info("z", TensorProto.DOUBLE, [])
    branch = helper.make_graph([helper.make_node("Neg", ["x"], ["z"])], "branch", [], [value])
    both = {"then_branch": branch, "else_branch": branch}
    node = helper.make_node("If", ["c"], ["y"], name="choice", **both)
    condition = helper.make_node("Cast", ["x"], ["c"], to=9)
    proto = graph([condition, node], {"x": (1, 1)}, ["y"])
    said = refused(tmp_path, written(tmp_path, proto), capsys)
    assert "node 'choice' (If): the operator 'If' is not known: export it for one kind" in said


def test_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proto = dense()
    proto.graph.initializer.append(numpy_helper.from_array(np.array(["a", "b"]), "words"))
    assert "weight 'words' is text" in refused(tmp_path, written(tmp_path, proto), capsys)


def test_files_that_are_there_stay_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, dense())
    out = tmp_path / "model.yaml"
    for name in ("model.yaml", "model.npz"):
        (tmp_path / name).write_text("mine")
        assert "say --force" in refused(tmp_path, file, capsys)
        assert (tmp_path / name).read_text() == "mine"
        assert main(["import", str(file), "--out", str(out), "--force"]) == 0
        assert read_model(out).question.target == "y"
        out.unlink()
        (tmp_path / "model.npz").unlink()
        capsys.readouterr()


def test_files_are_written_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"old")
    replace = os.replace

    def failing(source: str, target: str | Path) -> None:
        if Path(target) == second and ".before" not in str(source):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(FileError, match=r"cannot write .*b': No space left"):
        write_together({first: b"new", second: b"new"})
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {"a": b"old"}
    second.write_bytes(b"old too")
    with pytest.raises(FileError):
        write_together({first: b"new", second: b"new"})
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {"a": b"old", "b": b"old too"}
    monkeypatch.undo()
    write_together({first: b"new", second: b"newer"})
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {"a": b"new", "b": b"newer"}

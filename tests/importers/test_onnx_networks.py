"""Whole ONNX files: names, dims, steps, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import causalopt
from causalopt.cli import main
from causalopt.errors import QuestionError
from causalopt.importers.network_builder import NetworkError
from causalopt.importers.onnx_translation import from_onnx
from tests.importers.onnx_graphs import Array, forward, graph, imported, reference

RNG = np.random.default_rng(1)


def normal(*shape: int) -> Array:
    return RNG.normal(size=shape)


def perceptron(batch: int | str = "batch") -> tuple[onnx.ModelProto, dict[str, Array]]:
    weights = {"fc1.weight": normal(5, 4), "fc1.bias": normal(5), "fc2.weight": normal(2, 5)}
    nodes = [
        helper.make_node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["a"], "/fc1/Gemm", transB=1),
        helper.make_node("Tanh", ["a"], ["b"], "/act/Tanh"),
        helper.make_node("Gemm", ["b", "fc2.weight"], ["logits"], "/fc2/Gemm", transB=1),
    ]
    return graph(nodes, {"x": (batch, 4)}, ["logits"], weights), weights


@pytest.mark.parametrize("batch", ["batch", 1])
def test_layers_keep_their_dotted_names_and_dims_are_called_after_them(batch: int | str) -> None:
    model = imported(perceptron(batch)[0])
    assert dict(model.arrays.sizes) == {"feature": 4, "fc1_unit": 5, "fc2_unit": 2}
    assert model.variables["fc1"].rule == "fc1_weight @ x + fc1_bias"
    assert model.variables["logits"].rule == "fc2_weight @ act"
    assert model.variable("fc1.weight") == "fc1_weight"
    assert model.variable("fc2") == "logits"
    assert model.node("fc2.weight[fc1_unit=3]").elements == ((0, 2), (3, 4))
    assert {w.variable for w in model.selection("fc1.*")} == {"fc1", "fc1_weight", "fc1_bias"}
    assert (model.question.nudge, model.question.target) == ("x", "logits")


def test_the_effect_of_an_input_through_some_units_is_the_weights_product() -> None:
    proto, w = perceptron()
    x = normal(1, 4)
    model = imported(proto, {"x": x})
    run = causalopt.run(model, nudge="x[feature=1]", hold="act[fc1_unit=0:2]", target="fc2")
    slopes = 1 - np.tanh(w["fc1.weight"] @ x[0] + w["fc1.bias"]) ** 2
    through = w["fc2.weight"] * (slopes * w["fc1.weight"][:, 1])
    expected = [np.linalg.norm(through.sum(1)), np.linalg.norm(through[:, 2:].sum(1))]
    assert float(run.op[-1]) == pytest.approx(-np.log(expected[0] / expected[1]), rel=1e-12)


def test_weights_in_float32_are_taken_to_the_bit() -> None:
    w = normal(3, 4).astype(np.float32)
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)
    proto = graph([node], {"x": (1, 4)}, ["y"], {"w": w}, kind=TensorProto.FLOAT)
    x = normal(1, 4).astype(np.float32)
    found = forward(imported(proto, {"x": x}))
    np.testing.assert_allclose(found, w.astype(float) @ x[0].astype(float), rtol=1e-15)
    np.testing.assert_allclose(found, reference(proto, {"x": x})[0], rtol=1e-5)


def test_a_sum_of_two_layers_makes_their_dims_one() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "/up/MatMul"),
        helper.make_node("Add", ["h", "x"], ["y"], "/Add"),
    ]
    model = imported(graph(nodes, {"x": (1, 4)}, ["y"], {"w": normal(4, 4)}))
    assert dict(model.arrays.sizes) == {"feature": 4}
    assert model.variables["w"].shape == ("feature", "feature")


def test_the_array_that_leaves_a_module_is_called_as_the_module() -> None:
    names = ["/block/norm/Neg", "/block/fc/Gemm", "/block/fc/Relu", "/block/Add", "/head/inner/Exp"]
    ops = ["Neg", "Tanh", "Relu", "Sigmoid", "Exp"]
    values = ["x", "a", "b", "c", "d", "y"]
    nodes = [
        helper.make_node(op, [values[i]], [values[i + 1]], name)
        for i, (op, name) in enumerate(zip(ops, names, strict=True))
    ]
    model = imported(graph(nodes, {"x": (1, 4)}, ["y"]))
    labels = {v.label or n for n, v in model.variables.items()}
    assert labels == {"x", "block.norm", "block.fc.Gemm", "block.fc", "block", "head.inner", "head"}


def test_an_open_size_must_be_given() -> None:
    node = helper.make_node("ReduceSum", ["x", "axis"], ["y"], keepdims=0)
    proto = graph([node], {"x": ("n", "position", 4)}, ["y"], {"axis": np.array([1])})
    with pytest.raises(QuestionError, match=r"left open as 'position'.*--size position=8"):
        imported(proto)
    x = normal(1, 3, 4)
    np.testing.assert_allclose(forward(imported(proto, {"x": x})), x[0].sum(0), rtol=1e-14)


def test_a_batch_of_several_examples_is_an_ordinary_dim_but_not_for_convolutions() -> None:
    proto, w = perceptron(3)
    x = normal(3, 4)
    found = forward(imported(proto, {"x": x}))
    hidden = np.tanh(x @ w["fc1.weight"].T + w["fc1.bias"])
    np.testing.assert_allclose(found, hidden @ w["fc2.weight"].T, rtol=1e-13)
    node = helper.make_node("Conv", ["x", "w"], ["y"], "c")
    with pytest.raises(NetworkError, match=r"'c' .*export with a batch of 1"):
        imported(graph([node], {"x": (3, 2, 5, 5)}, ["y"], {"w": normal(1, 2, 2, 2)}))


def test_a_mask_of_minus_infinity_is_a_large_number_and_is_said() -> None:
    mask = np.where(np.tri(3, dtype=bool), 0, -np.inf)
    nodes = [
        helper.make_node("Add", ["x", "mask"], ["a"]),
        helper.make_node("Softmax", ["a"], ["y"]),
    ]
    proto = graph(nodes, {"x": (1, 3, 3)}, ["y"], {"mask": mask})
    x = normal(1, 3, 3)
    model = imported(proto, {"x": x})
    np.testing.assert_allclose(forward(model), reference(proto, {"x": x})[0], rtol=1e-14)
    assert model.description == "-inf in 'mask' is written -1e+300, whose exponential is 0 too"
    mask[0, 1] = np.inf
    with pytest.raises(NetworkError, match=r"'mask' is inf at \[0, 1\]"):
        imported(graph(nodes, {"x": (1, 3, 3)}, ["y"], {"mask": mask}))


def test_an_attribute_in_float32_is_the_decimal_that_was_meant() -> None:
    node = helper.make_node("LayerNormalization", ["x", "g"], ["y"], epsilon=1e-3)
    assert node.attribute[0].f != 1e-3
    model = imported(graph([node], {"x": (1, 3)}, ["y"], {"g": np.ones(3)}))
    assert "+ 0.001)" in (model.variables["y"].rule or "")


def test_an_order_of_dims_is_one() -> None:
    node = helper.make_node("Transpose", ["x"], ["y"], "turn", perm=[0, 1, 1])
    with pytest.raises(NetworkError, match=r"node 'turn' .*: \[0, 1, 1\] is no order of 3 dims"):
        imported(graph([node], {"x": (1, 3, 4)}, ["y"]))


# Recurrent layers, unrolled by hand


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def by_hand(op: str, x: Array, w: Array, r: Array, b: Array, *, after: bool) -> Array:
    """Return the states [step, unit] by ONNX's own equations and order of gates."""
    unit = r.shape[1]
    wb, rb = np.split(b, 2)
    h, c, out = np.zeros(unit), np.zeros(unit), []
    for row in x:
        now, past = w @ row + wb, r @ h + rb
        n, p = now.reshape(-1, unit), past.reshape(-1, unit)
        if op == "RNN":
            h = np.tanh(now + past)
        elif op == "LSTM":
            i, o, f = sigmoid(n[:3] + p[:3])
            c = f * c + i * np.tanh(n[3] + p[3])
            h = o * np.tanh(c)
        else:
            z, q = sigmoid(n[:2] + p[:2])
            inner = q * p[2] if after else r[2 * unit :] @ (q * h) + rb[2 * unit :]
            h = (1 - z) * np.tanh(n[2] + inner) + z * h
        out.append(h)
    return np.array(out)


@pytest.mark.parametrize("layout", ["steps first", "batch first"])
@pytest.mark.parametrize(
    ("op", "after"), [("RNN", True), ("LSTM", True), ("GRU", True), ("GRU", False)]
)
def test_a_recurrent_layer_is_a_model_with_time(op: str, after: bool, layout: str) -> None:
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[op]
    w, r, b = normal(gates * 2, 3), normal(gates * 2, 2), normal(gates * 4)
    attributes: dict[str, Any] = {"hidden_size": 2}
    attributes |= {"linear_before_reset": int(after)} if op == "GRU" else {}
    head, series = normal(2, 1), "s" if layout == "batch first" else "x"
    nodes = [
        helper.make_node("Transpose", ["x"], ["s"], perm=[1, 0, 2]),
        helper.make_node(op, [series, "w", "r", "b"], ["h"], **attributes),
        helper.make_node("Squeeze", ["h", "one"], ["k"]),
        helper.make_node("MatMul", ["k", "head"], ["y"], "/head/MatMul"),
    ]
    nodes = nodes if layout == "batch first" else nodes[1:]
    weights = {"w": w[None], "r": r[None], "b": b[None], "one": np.array([1]), "head": head}
    shape: tuple[int | str, ...] = ("n", "t", 3) if layout == "batch first" else ("t", "n", 3)
    x = normal(6, 3)
    example = x[None] if layout == "batch first" else x[:, None]
    model = imported(graph(nodes, {"x": shape}, ["y"], weights), {"x": example})
    assert not model.is_static
    stream = model.arrays.by_name["x"].stream
    assert stream is not None
    np.testing.assert_array_equal(stream, [[0, 0, 0], *x])
    found = np.asarray(causalopt.world(model, steps=6)["y"])
    expected = by_hand(op, x, w, r, b, after=after) @ head
    np.testing.assert_allclose(found[1:], expected, rtol=1e-12)


def test_steps_are_not_mixed_and_not_read_backwards() -> None:
    weights = {"w": normal(1, 2, 3), "r": normal(1, 2, 2), "axes": np.array([0])}
    layer = helper.make_node("RNN", ["x", "w", "r"], ["h"], "rnn", hidden_size=2)
    total = helper.make_node("ReduceSum", ["h", "axes"], ["y"], "total")
    with pytest.raises(NetworkError, match=r"'total' .*a rule speaks of one step"):
        imported(graph([layer, total], {"x": ("t", "n", 3)}, ["y"], weights))
    early = helper.make_node("Gather", ["h", "first"], ["y"], "early", axis=0)
    first = {**weights, "first": np.array(2)}
    with pytest.raises(NetworkError, match=r"'early' .*only the last can be taken"):
        imported(graph([layer, early], {"x": (5, 1, 3)}, ["y"], first))
    more: dict[str, Any] = {"direction": "reverse", "hidden_size": 2}
    back = helper.make_node("RNN", ["x", "w", "r"], ["y"], "rnn", **more)
    with pytest.raises(NetworkError, match=r"'rnn' .*a rule reads the past alone"):
        imported(graph([back], {"x": ("t", "n", 3)}, ["y"], weights))


# The command


def test_the_command_writes_a_model_and_its_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proto, w = perceptron()
    onnx.save(proto, tmp_path / "net.onnx")
    x = normal(1, 4)
    np.save(tmp_path / "x.npy", x)
    words = ["import", str(tmp_path / "net.onnx"), "--out", str(tmp_path / "m.yaml"), "--json"]
    assert main([*words, "--example", str(tmp_path / "x.npy")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["inputs"] == {"x": [4]}
    assert said["numbers"] == 20 + 5 + 10
    assert (said["target"], said["model"]) == ("logits", "net")
    stored = np.load(tmp_path / "m.npz", allow_pickle=False)
    np.testing.assert_array_equal(stored["fc1_weight"], w["fc1.weight"])
    model = causalopt.read_model(tmp_path / "m.yaml")
    hidden = np.tanh(w["fc1.weight"] @ x[0] + w["fc1.bias"])
    np.testing.assert_allclose(forward(model), w["fc2.weight"] @ hidden, rtol=1e-13)
    assert model.fingerprint == from_onnx(tmp_path / "net.onnx", example=x).fingerprint


def test_the_command_reads_an_example_for_each_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = helper.make_node("Mul", ["a", "b"], ["y"])
    onnx.save(graph([node], {"a": (1, 3), "b": (1, 3)}, ["y"]), tmp_path / "net.onnx")
    np.savez(tmp_path / "x.npz", a=np.ones((1, 3)), b=np.full((1, 3), 2.0))
    words = ["import", str(tmp_path / "net.onnx"), "--out", str(tmp_path / "m.yaml")]
    assert main([*words, "--example", str(tmp_path / "x.npz")]) == 0
    assert "output y" in capsys.readouterr().out
    np.testing.assert_array_equal(forward(causalopt.read_model(tmp_path / "m.yaml")), [2, 2, 2])
    assert main([*words, "--force", "--size", "position"]) == 2
    assert "--size takes NAME=N" in capsys.readouterr().err


def test_the_last_states_of_an_lstm_are_outputs_too() -> None:
    w, r, b = normal(8, 3), normal(8, 2), normal(16)
    start = normal(1, 1, 2), normal(1, 1, 2)
    nodes = [
        helper.make_node(
            "LSTM", ["x", "w", "r", "b", "", "h0", "c0"], ["h", "last", "cell"], hidden_size=2
        ),
        helper.make_node("Concat", ["last", "cell"], ["y"], axis=2),
    ]
    weights = {"w": w[None], "r": r[None], "b": b[None], "h0": start[0], "c0": start[1]}
    x = normal(5, 1, 3)
    model = imported(graph(nodes, {"x": ("t", "n", 3)}, ["y"], weights), {"x": x})
    found = np.asarray(causalopt.world(model, steps=5)["y"])[-1].reshape(-1)
    h, c = start[0][0, 0], start[1][0, 0]
    for row in x[:, 0]:
        i, o, f, g = (w @ row + r @ h + b[:8] + b[8:]).reshape(4, 2)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    np.testing.assert_allclose(found, [*h, *c], rtol=1e-12)

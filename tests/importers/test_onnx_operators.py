"""Each operator against onnx's own reference evaluator, in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from onnx import helper

from causalopt.importers.onnx_operators import OPERATORS
from tests.importers.onnx_graphs import Array, forward, graph, imported, reference

ALL = sorted(OPERATORS)
RNG = np.random.default_rng(0)
IMAGE = (1, 4, 6, 5)


def whole(*values: int) -> Array:
    return np.array(values, dtype=np.int64)


def normal(*shape: int) -> Array:
    return RNG.normal(size=shape)


# operator -> cases: shape of x, attributes, further inputs (weights by place; None left out)
Case = tuple[tuple[int, ...], dict[str, Any], list[Array | None]]
UNARIES = [
    *("Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "HardSwish", "Identity", "Mish", "Neg", "Relu"),
    *("Reciprocal", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Tanh"),
]
REDUCTIONS = [
    *("ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"),
    "ReduceSumSquare",
]
UNARY: Case = ((1, 3, 4), {}, [])
CASES: dict[str, list[Case]] = {
    **{name: [UNARY] for name in UNARIES},
    "Add": [
        ((1, 3, 4), {}, [normal(4)]),
        ((1, 3), {}, [normal(5, 3)]),
        ((1, 3, 4), {}, [normal(1, 3, 1)]),
    ],
    "Sub": [((1, 3, 4), {}, [normal(3, 4)]), ((1, 3, 4), {}, [np.array(-2.5)])],
    "Mul": [((1, 3, 4), {}, [normal(1, 1, 4)])],
    "Div": [((1, 3, 4), {}, [normal(3, 1) + 4])],
    "Pow": [((1, 3), {}, [np.array(2.0)]), ((1, 3), {}, [np.array(3, dtype=np.int64)])],
    "Mod": [((1, 3), {"fmod": 0}, [np.array(0.7)])],
    "Max": [((1, 3), {}, [normal(3), normal(1, 3)])],
    "Min": [((1, 3), {}, [normal(3)])],
    "Sum": [((1, 3), {}, [normal(3), normal(3)])],
    "PRelu": [((1, 3, 4), {}, [normal(3, 1)])],
    "Elu": [((1, 9), {"alpha": 0.5}, []), ((1, 9), {}, [])],
    "Celu": [((1, 9), {"alpha": 0.5}, [])],
    "Selu": [((1, 9), {}, []), ((1, 9), {"alpha": 2.0, "gamma": 1.5}, [])],
    "LeakyRelu": [((1, 9), {"alpha": 0.25}, [])],
    "HardSigmoid": [((1, 9), {"alpha": 0.5, "beta": 0.25}, [])],
    "Gelu": [((1, 9), {}, []), ((1, 9), {"approximate": "tanh"}, [])],
    "Clip": [
        ((1, 9), {}, [np.array(-0.5), np.array(0.25)]),
        ((1, 9), {}, [None, np.array(0.25)]),
        ((1, 9), {}, [np.array(0.0)]),
    ],
    "Cast": [((1, 9), {"to": 11}, []), ((1, 9), {"to": 7}, []), ((1, 9), {"to": 9}, [])],
    "CastLike": [((1, 9), {}, [np.array(0.0)])],
    "Dropout": [((1, 9), {}, [])],
    "MatMul": [
        ((1, 3), {}, [normal(3, 4)]),
        ((1, 2, 3), {}, [normal(3, 4)]),
        ((1, 2, 3), {}, [normal(1, 3, 4)]),
        ((1, 2, 5, 3), {}, [normal(2, 3, 4)]),
        ((1, 3), {}, [normal(3)]),
        ((1, 3), {}, [normal(2, 3, 4)]),
    ],
    "Gemm": [
        ((1, 3), {"transB": 1}, [normal(4, 3), normal(4)]),
        ((1, 3), {"alpha": 0.5, "beta": 2.0}, [normal(3, 4), normal(1, 4)]),
        ((1, 3), {}, [normal(3, 4)]),
        ((2, 3), {"transA": 1}, [normal(2, 4), normal(4)]),
        ((2, 3), {"transB": 1}, [normal(4, 3), normal(2, 1)]),
    ],
    "Einsum": [
        ((1, 3, 4), {"equation": "bij,jk->bik"}, [normal(4, 5)]),
        ((1, 3, 4), {"equation": "bij,ij->b"}, [normal(3, 4)]),
    ],
    "Conv": [
        (IMAGE, {}, [normal(3, 4, 3, 2), normal(3)]),
        (IMAGE, {"pads": [1, 0, 2, 1], "strides": [2, 1]}, [normal(3, 4, 3, 2)]),
        (
            IMAGE,
            {"dilations": [2, 1], "group": 2, "strides": [1, 3]},
            [normal(6, 2, 2, 2), normal(6)],
        ),
        (IMAGE, {"group": 4, "pads": [1, 1, 1, 1]}, [normal(4, 1, 3, 3), normal(4)]),
        (IMAGE, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, [normal(2, 4, 3, 2)]),
        (IMAGE, {"auto_pad": "SAME_LOWER", "strides": [2, 2]}, [normal(2, 4, 3, 2)]),
        ((1, 3, 8), {"strides": [2], "pads": [1, 2]}, [normal(2, 3, 3), normal(2)]),
        ((1, 2, 4, 4, 4), {"pads": [1, 0, 0, 1, 0, 0]}, [normal(2, 2, 3, 2, 2)]),
    ],
    "MaxPool": [
        (IMAGE, {"kernel_shape": [2, 2], "strides": [2, 2]}, []),
        (IMAGE, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 1]}, []),
        (IMAGE, {"kernel_shape": [2, 2], "dilations": [2, 1]}, []),
        (IMAGE, {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, []),
        ((1, 2, 7), {"kernel_shape": [3], "strides": [2]}, []),
    ],
    "AveragePool": [
        (IMAGE, {"kernel_shape": [2, 3], "strides": [2, 1]}, []),
        (IMAGE, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, []),
        (IMAGE, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, []),
        (IMAGE, {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, []),
        ((1, 2, 7), {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}, []),
    ],
    "GlobalAveragePool": [(IMAGE, {}, [])],
    "GlobalMaxPool": [(IMAGE, {}, [])],
    **{
        name: [
            ((1, 3, 4), {"keepdims": 0}, [whole(2)]),
            ((1, 3, 4), {"keepdims": 1}, [whole(-2)]),
            ((1, 3, 4), {}, []),
            ((1, 3, 4), {"keepdims": 0}, [whole(0, 1)]),
            ((1, 3, 4), {"keepdims": 1}, [whole(0)]),
        ]
        for name in REDUCTIONS
    },
    "Softmax": [((1, 3, 4), {}, []), ((1, 3, 4), {"axis": 1}, [])],
    "LogSoftmax": [((1, 3, 4), {}, []), ((1, 3, 4), {"axis": 1}, []), ((1, 4), {}, [])],
    "LayerNormalization": [
        ((1, 3, 4), {"epsilon": 0.0078125}, [normal(4), normal(4)]),
        ((1, 3, 4), {"axis": 1, "epsilon": 0.0078125}, [normal(3, 4), normal(3, 4)]),
        ((1, 4), {"epsilon": 0.5}, [normal(4)]),
    ],
    "BatchNormalization": [
        (IMAGE, {"epsilon": 0.0078125}, [normal(4), normal(4), normal(4), normal(4) ** 2]),
        ((1, 3), {"epsilon": 0.5}, [normal(3), normal(3), normal(3), normal(3) ** 2]),
    ],
    "InstanceNormalization": [(IMAGE, {"epsilon": 0.0078125}, [normal(4), normal(4)])],
    "Flatten": [(IMAGE, {}, []), ((2, 3, 4), {"axis": 2}, []), ((2, 3, 4), {"axis": 0}, [])],
    "Reshape": [
        (IMAGE, {}, [whole(1, -1)]),
        (IMAGE, {}, [whole(0, 2, 2, 30)]),
        (IMAGE, {}, [whole(4, 30)]),
        (IMAGE, {}, [whole(-1)]),
        ((1, 6), {}, [whole(1, 2, 3)]),
        ((1, 6, 4), {}, [whole(1, 1, 6, 2, 2)]),
        ((1, 6, 4), {}, [whole(4, 6)]),
    ],
    "Transpose": [
        ((1, 3, 4), {"perm": [0, 2, 1]}, []),
        ((1, 3, 4), {}, []),
        ((1, 3, 4, 5), {"perm": [2, 0, 3, 1]}, []),
    ],
    "Squeeze": [((1, 3, 1, 4), {}, [whole(2)]), ((1, 3, 1, 4), {}, [])],
    "Unsqueeze": [((1, 3, 4), {}, [whole(0, 3)])],
    "Concat": [
        ((1, 3, 4), {"axis": 1}, [normal(1, 2, 4)]),
        ((1, 3, 4), {"axis": -1}, [normal(1, 3, 4)]),
        ((1, 3), {"axis": 1}, [normal(1, 1)]),
    ],
    "Split": [
        ((1, 3, 5), {"axis": 2}, [whole(2, 3)]),
        ((1, 3, 6), {"axis": 2, "num_outputs": 2}, []),
        ((1, 3, 5), {"axis": 2, "num_outputs": 2}, []),
    ],
    "Slice": [
        ((1, 6, 5), {}, [whole(1), whole(-1), whole(1)]),
        ((1, 6, 5), {}, [whole(0, 1), whole(9, 4), whole(1, 2), whole(2, 1)]),
        ((1, 6), {}, [whole(0, 2), whole(1, 100)]),
    ],
    "Gather": [
        ((1, 6, 5), {"axis": 1}, [np.array(2)]),
        ((1, 6, 5), {"axis": 1}, [whole(-1)]),
        ((1, 6, 5), {"axis": 2}, [np.array([[0, 2], [4, -1]])]),
        ((1, 6, 5), {"axis": 0}, [np.array(0)]),
        ((1, 6, 5), {"axis": 1}, [np.array([[3]])]),
    ],
    "Expand": [((1, 3, 1), {}, [whole(1, 3, 4)]), ((1, 3), {}, [whole(2, 1, 3)])],
    "Pad": [
        ((1, 3, 4), {}, [whole(0, 1, 0, 0, 2, 3)]),
        ((1, 3, 4), {}, [whole(1, 2), np.array(-1.5), whole(-1)]),
    ],
    **{
        name: [((1, 6), {}, [np.array(0.1)])]
        for name in ["Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"]
    },
}
SINGLE = {"Erf", "Gelu", "HardSwish"}  # the reference computes these in float32
POSITIVE = {"Log", "Sqrt", "ReduceLogSum"}
CASES |= {
    "Log": [UNARY],
    "Sqrt": [UNARY],
    "ReduceLogSum": [((1, 3, 4), {"keepdims": 0}, [whole(1)])],
}
ELSEWHERE = {
    *("And", "Or", "Not", "Where", "Shape", "Size", "Constant"),  # below, in graphs of their own
    *("RNN", "GRU", "LSTM"),  # with torch
    "RMSNormalization",
}


def test_every_operator_has_a_case() -> None:
    assert set(CASES) | ELSEWHERE == set(OPERATORS)


@pytest.mark.parametrize(
    ("op", "number"), [(op, i) for op, cases in CASES.items() for i in range(len(cases))]
)
def test_an_operator_gives_what_the_reference_gives(op: str, number: int) -> None:
    shape, attributes, more = CASES[op][number]
    x = np.random.default_rng(number).normal(size=shape)
    x = np.abs(x) + 0.1 if op in POSITIVE else x
    weights = {f"w{i}": w for i, w in enumerate(more) if w is not None}
    names = ["x", *("" if w is None else f"w{i}" for i, w in enumerate(more))]
    outputs = ["y", "z"] if op == "Split" else ["y"]
    node = helper.make_node(op, names, outputs, name="it", **attributes)
    proto = graph([node], {"x": shape}, outputs, weights)
    expected = reference(proto, {"x": x})
    model = imported(proto, {"x": x})
    assert model.question.target is not None
    found = forward(model)
    assert [n for n in found.shape if n > 1] == [n for n in expected.shape if n > 1]
    rtol = 1e-6 if op in SINGLE else 1e-12
    wanted = np.asarray(expected, float).reshape(found.shape)
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_erf_and_hard_swish_are_exact(approximate: str) -> None:
    x = np.linspace(-4, 4, 17)[None]
    tanh = x[0] * (1 + np.tanh(np.sqrt(2 / np.pi) * (x[0] + 0.044715 * x[0] ** 3))) / 2
    erf = np.array([math.erf(v) for v in x[0]])
    exact = x[0] * np.array([math.erfc(-v / math.sqrt(2)) for v in x[0]]) / 2
    swish = x[0] * np.clip(x[0] / 6 + 0.5, 0, 1)
    gelu = helper.make_node("Gelu", ["x"], ["y"], approximate=approximate)
    for node, expected in (
        (gelu, tanh if approximate == "tanh" else exact),
        (helper.make_node("Erf", ["x"], ["y"]), erf),
        (helper.make_node("HardSwish", ["x"], ["y"]), swish),
    ):
        found = forward(imported(graph([node], {"x": (1, 17)}, ["y"]), {"x": x}))
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pads_of_two_widths_go_before_and_after(op: str) -> None:
    # The reference evaluator puts all of a side's padding before.
    x = normal(*IMAGE)
    node = helper.make_node(op, ["x"], ["y"], kernel_shape=[3, 2], pads=[1, 0, 1, 1])
    found = forward(imported(graph([node], {"x": IMAGE}, ["y"]), {"x": x}))
    rows = [slice(max(0, i - 1), i + 2) for i in range(6)]
    columns = [slice(j, j + 2) for j in range(5)]
    take = np.max if op == "MaxPool" else np.mean
    expected = [[[take(c[r, s]) for s in columns] for r in rows] for c in x[0]]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("op", ["And", "Or"])
def test_conditions_join(op: str) -> None:
    nodes = [
        helper.make_node("Greater", ["x", "low"], ["a"]),
        helper.make_node("Less", ["x", "high"], ["b"]),
        helper.make_node(op, ["a", "b"], ["c"]),
        helper.make_node("Not", ["c"], ["d"]),
        helper.make_node("Where", ["d", "x", "high"], ["y"]),
    ]
    x = np.linspace(-1, 1, 9)[None]
    weights = {"low": np.array(-0.4), "high": np.array(0.4)}
    proto = graph(nodes, {"x": (1, 9)}, ["y"], weights)
    np.testing.assert_array_equal(forward(imported(proto, {"x": x})), reference(proto, {"x": x})[0])


def test_shapes_are_folded() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Constant", [], ["two"], value_int=2),
        helper.make_node("Gather", ["s", "two"], ["n"]),
        helper.make_node("Size", ["x"], ["size"]),
        helper.make_node("Div", ["size", "n"], ["m"]),
        helper.make_node("Constant", [], ["zero"], value_ints=[0]),
        helper.make_node("Unsqueeze", ["n", "zero"], ["n1"]),
        helper.make_node("Unsqueeze", ["m", "zero"], ["m1"]),
        helper.make_node("Concat", ["n1", "m1"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["r"]),
        helper.make_node("Cast", ["n"], ["f"], to=11),
        helper.make_node("Div", ["r", "f"], ["y"]),
    ]
    x = normal(1, 3, 4)
    proto = graph(nodes, {"x": (1, 3, 4)}, ["y"])
    model = imported(proto, {"x": x})
    assert set(model.variables) == {"x", "r", "y"}
    np.testing.assert_allclose(forward(model), x.reshape(4, 3) / 4, rtol=1e-15)


def test_an_output_that_only_moves_dims_of_one_element_is_a_variable_of_its_own() -> None:
    node = helper.make_node("Unsqueeze", ["x", "place"], ["y"])
    proto = graph([node], {"x": (1, 3)}, ["y"], {"place": whole(2)})
    x = normal(1, 3)
    np.testing.assert_array_equal(forward(imported(proto, {"x": x})), x.reshape(3, 1))

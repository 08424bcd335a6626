"""Small ONNX graphs in float64, and what onnx's own reference makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import causalopt
from causalopt.importers.onnx_file import read_onnx_bytes
from causalopt.importers.onnx_translation import translated
from causalopt.model.model import Model

Array = np.ndarray[Any, Any]


def graph(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int | str, ...]],
    outputs: list[str],
    weights: dict[str, Array] | None = None,
    *,
    opset: int = 20,
    kind: int = TensorProto.DOUBLE,
) -> onnx.ModelProto:
    """Return a model proto with inputs of given sizes."""
    return helper.make_model(
        helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info(n, kind, list(s)) for n, s in inputs.items()],
            [helper.make_tensor_value_info(n, kind, []) for n in outputs],
            [numpy_helper.from_array(np.asarray(v), n) for n, v in (weights or {}).items()],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=10,
    )


def imported(proto: onnx.ModelProto, examples: dict[str, Array] | None = None) -> Model:
    """Return the model of a proto."""
    content = proto.SerializeToString()
    found = read_onnx_bytes(content, file=None)
    return translated(found, examples=examples, texts={"name": "net"})


def forward(model: Model) -> Array:
    """Return the output that a static model computes of its own example."""
    assert model.question.target is not None
    return np.asarray(causalopt.world(model)[model.question.target])


def reference(proto: onnx.ModelProto, examples: dict[str, Array]) -> Array:
    """Return the first output by onnx's reference evaluator."""
    found: Array = ReferenceEvaluator(proto).run(None, examples)[0]
    return found

"""ONNX's RNN, GRU and LSTM: a series of inputs as the steps of the model."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.importers.network_builder import Axes, Kind, NetworkAxis, NetworkBuilder, Signal
from causalopt.importers.onnx_call import AxisNeededError, OnnxCall
from causalopt.importers.recurrent_cells import CellWeights, recurrent_layer

_ACTIVATIONS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
_GATES = {"RNN": "h", "GRU": "zrn", "LSTM": "iofg"}


def recurrent(call: OnnxCall) -> tuple[Signal, ...]:
    """Return the states, [step, 1, batch, unit], and those of the last step, [1, batch, unit].

    Raises:
        AxisNeededError: It is not known yet which dims are the steps and the batch.
        NetworkError: It reads backwards, or has settings that no rule here has.
    """
    net, x = call.net, call.input(0)
    batch_first = bool(call.get("layout", 0))
    kind = _checked(call)
    first, second = x.axes[:2]
    step, batch = (second, first) if batch_first else (first, second)
    wanted: tuple[tuple[NetworkAxis, Kind], ...] = ((step, "step"), (batch, "batch"))
    for axis, needed in wanted:
        if axis.root.kind != needed:
            raise AxisNeededError(axis.root, needed)
    lengths = call.whole(4, None, None)
    if lengths is not None and lengths != [step.size]:
        raise call.error("lengths of series: give one series of the whole length")
    inner = Signal((step, batch, x.axes[-1]), x.text, x.constant, x.label)
    found = recurrent_layer(net, inner, _weights(call, kind), call.label)
    unit, one = found.plain[0], NetworkAxis(1)
    last = (batch, one, unit) if batch_first else (one, batch, unit)
    outputs = [
        _shaped(net, found, (batch, step, one, unit) if batch_first else (step, one, batch, unit)),
        _shaped(net, found, last),
    ]
    if call.node.op == "LSTM":
        outputs.append(_shaped(net, net.find(f"{call.label}.c", found.axes), last))
    return tuple(outputs[: len(call.node.outputs)])


def _checked(call: OnnxCall) -> str:
    """Return the activation of states, after settings that are not known were refused."""
    op = call.node.op
    if call.get("direction", "forward") != "forward":
        raise call.error("it reads the series backwards, and a rule reads the past alone")
    kinds = [str(kind) for kind in call.get("activations", _ACTIVATIONS[op])]
    if kinds != _ACTIVATIONS[op] and (op, kinds) != ("RNN", ["Relu"]):
        raise call.error(f"activations {kinds}: only {_ACTIVATIONS[op]} are known")
    if call.get("clip", None) or call.get("input_forget", 0):
        raise call.error("clip and input_forget are not known")
    peepholes = call.numbers(7, None, None)
    if peepholes is not None and np.any(peepholes):
        raise call.error("peepholes are not known")
    return kinds[-1].lower()


def _weights(call: OnnxCall, kind: str) -> CellWeights:
    net, op = call.net, call.node.op
    matrices = [call.numbers(1, None), call.numbers(2, None)]
    inputs, states = (
        net.constant(m[0], f"{call.scope}.{w}") for m, w in zip(matrices, "WR", strict=True)
    )
    bias = call.numbers(3, None, None)
    halves = [None, None] if bias is None else np.split(np.asarray(bias)[0], 2)
    biases = [
        None if half is None else net.constant(half, f"{call.scope}.{w}")
        for half, w in zip(halves, ("Wb", "Rb"), strict=True)
    ]
    start = {}
    for letter, place in (("h", 5), ("c", 6)):
        given = call.numbers(place, None, None)
        if given is not None:
            start[letter] = np.asarray(given, dtype=float).reshape(-1)
            if start[letter].size != states.sizes[-1]:
                raise call.error("one series: a start for one is expected")
    cell: Any = f"rnn_{kind}" if op == "RNN" else op.lower()
    resets_after = bool(call.get("linear_before_reset", 0))
    more = (biases[0], biases[1], resets_after, start)
    return CellWeights(cell, _GATES[op], inputs, states, *more)


def _shaped(net: NetworkBuilder, x: Signal, axes: Axes) -> Signal:
    """Return states under the dims that ONNX gives them, some of one element."""
    plain = [axis for axis in axes if axis.is_plain]
    return Signal(axes, net.reshaped(x.text, plain), base=x)

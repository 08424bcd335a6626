"""ONNX's operators, one function each, in terms of a network's own operations."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from causalopt.importers import activations, normalizations, products, rearrangements
from causalopt.importers.activations import number
from causalopt.importers.network_builder import NetworkAxis, Signal
from causalopt.importers.onnx_call import OnnxCall
from causalopt.importers.onnx_recurrent import recurrent
from causalopt.importers.sliding_windows import Sliding, convolution, pooled

Operator = Callable[[OnnxCall], Signal | tuple[Signal, ...]]


def _activation(kind: str, **defaults: float) -> Operator:
    def operator(call: OnnxCall) -> Signal:
        numbers = {key: float(call.get(key, value)) for key, value in defaults.items()}
        return activations.activation(call.net, kind, call.input(0), call.label, call.name, numbers)

    return operator


def _joined(template: str) -> Operator:
    def operator(call: OnnxCall) -> Signal:
        signals = [call.input(i) for i in range(template.count("{"))]
        return activations.joined(call.net, template, signals, call.label, call.name)

    return operator


def _in_turn(sign: str) -> Operator:
    def operator(call: OnnxCall) -> Signal:
        signals = [call.input(i) for i in range(len(call.inputs))]
        return activations.in_turn(call.net, sign, signals, call.label, call.name)

    return operator


def _gelu(call: OnnxCall) -> Signal:
    kind = "gelu_tanh" if call.get("approximate", "none") == "tanh" else "gelu"
    return activations.activation(call.net, kind, call.input(0), call.label, call.name)


def _prelu(call: OnnxCall) -> Signal:
    return activations.joined(
        call.net,
        "where({0} > 0, {0}, {1}*{0})",
        [call.input(0), call.input(1)],
        call.label,
        call.name,
    )


def _clip(call: OnnxCall) -> Signal:
    text = call.net.read(call.input(0))
    for place, key, word in ((1, "min", "max"), (2, "max", "min")):
        bound = call.numbers(place, key, None)
        if bound is not None and np.isfinite(bound).all():
            text = f"{word}({text}, {number(float(np.asarray(bound).reshape(())))})"
    return call.net.variable(call.label, call.input(0).axes, text, name=call.name)


def _mod(call: OnnxCall) -> Signal:
    if call.get("fmod", 0):
        raise call.error("fmod: only the remainder with the divisor's sign is known")
    return activations.joined(
        call.net, "{0} - {1}*floor({0}/{1})", [call.input(0), call.input(1)], call.label, call.name
    )


def _same(call: OnnxCall) -> Signal:
    return call.input(0)


def _dropout(call: OnnxCall) -> Signal:
    training = call.maybe(2)
    if training is not None and (training.constant is None or training.constant.any()):
        raise call.error("it is in training mode, and what it drops is random: export in eval mode")
    return call.input(0)


def _cast(call: OnnxCall) -> Signal:
    x, to = call.input(0), int(call.get("to"))
    floats, bools = {1, 10, 11, 16}, {9}
    if to in floats:
        if x.constant is not None and x.constant.dtype.kind != "f":
            return dataclasses.replace(x, constant=x.constant.astype(float))
        return x
    if to in bools:
        return activations.joined(call.net, "where({0} != 0, 1, 0)", [x], call.label, call.name)
    return activations.joined(call.net, "sign({0})*floor(abs({0}))", [x], call.label, call.name)


def _own_weight(call: OnnxCall, weight: Signal, *, turned: bool) -> Signal:
    """Return a weight that the exporter computed and gave no name, called after its layer."""
    if weight.constant is None or not weight.label.startswith("onnx."):
        return weight
    return dataclasses.replace(weight, label=f"{call.scope}.weight" + ".T" * turned)


def _matmul(call: OnnxCall) -> Signal:
    b = _own_weight(call, call.input(1), turned=True)
    if b.constant is not None:
        (b.turned.axes[0] if b.turned is not None else b.axes[-1]).suggest(f"{call.scope}_unit")
    return products.matrix_product(call.net, call.input(0), b, call.label, call.name)


def _gemm(call: OnnxCall) -> Signal:
    turned = bool(call.get("transB", 0))
    a, b = call.input(0), _own_weight(call, call.input(1), turned=not turned)
    if len(a.axes) != 2 or len(b.axes) != 2:
        raise call.error("Gemm multiplies matrices")
    if call.get("transA", 0):
        a = rearrangements.transposed(call.net, a, None, f"{call.label}.turned")
    b.axes[0 if turned else 1].suggest(f"{call.scope}_unit")
    factors = float(call.get("alpha", 1.0)), float(call.get("beta", 1.0))
    return products.dense(
        call.net, a, b, call.maybe(2), call.label, name=call.name, turned=turned, factors=factors
    )


def _einsum(call: OnnxCall) -> Signal:
    signals = [call.input(i) for i in range(len(call.inputs))]
    return products.by_indices(call.net, call.get("equation"), signals, call.label, call.name)


def _sliding(call: OnnxCall, taps: Sequence[int]) -> Sliding:
    count = len(taps)
    strides = [int(v) for v in call.get("strides", [1] * count)]
    dilations = [int(v) for v in call.get("dilations", [1] * count)]
    pads = [int(v) for v in call.get("pads", [0] * 2 * count)]
    auto = call.get("auto_pad", "NOTSET")
    if auto.startswith("SAME"):
        sizes = call.input(0).sizes[2:]
        pads = [0] * 2 * count
        for i, size in enumerate(sizes):
            width = (taps[i] - 1) * dilations[i] + 1
            total = max(0, (-(-size // strides[i]) - 1) * strides[i] + width - size)
            small = total // 2
            front = small if auto == "SAME_UPPER" else total - small
            pads[i], pads[count + i] = front, total - front
    if min(pads) < 0:
        raise call.error("pads below 0 cut elements off: cut them by a Slice")
    pairs = tuple(zip(pads[:count], pads[count:], strict=True))
    rounds_up = bool(call.get("ceil_mode", 0))
    return Sliding(tuple(taps), tuple(strides), pairs, tuple(dilations), rounds_up)


def _conv(call: OnnxCall) -> Signal:
    weight = call.input(1)
    if len(call.input(0).axes) != len(weight.axes):
        raise call.error("the weight and the input differ in their number of dims")
    sliding = _sliding(call, weight.sizes[2:])
    return convolution(
        call.net,
        call.input(0),
        weight,
        call.maybe(2),
        sliding,
        call.scope,
        name=call.name,
        groups=int(call.get("group", 1)),
    )


def _pool(kind: str) -> Operator:
    def operator(call: OnnxCall) -> Signal:
        if len(call.node.outputs) > 1 and call.node.outputs[1]:
            raise call.error("the places of the largest are asked for, and only values are known")
        sliding = _sliding(call, [int(v) for v in call.get("kernel_shape")])
        counts = bool(call.get("count_include_pad", 0))
        return pooled(
            call.net, kind, call.input(0), sliding, call.label, name=call.name, counts_pads=counts
        )

    return operator


def _global_pool(kind: str) -> Operator:
    def operator(call: OnnxCall) -> Signal:
        x = call.input(0)
        places = range(2, len(x.axes))
        return normalizations.reduced(call.net, kind, x, list(places), call.label, name=call.name)

    return operator


def _reduce(kind: str) -> Operator:
    def operator(call: OnnxCall) -> Signal:
        x = call.input(0)
        places = call.whole(1, "axes", None)
        if places is None:
            places = [] if call.get("noop_with_empty_axes", 0) else list(range(len(x.axes)))
        keeps = bool(call.get("keepdims", 1))
        return normalizations.reduced(
            call.net, kind, x, places, call.label, name=call.name, keeps=keeps
        )

    return operator


def _softmax(log: bool) -> Operator:
    def operator(call: OnnxCall) -> Signal:
        x = call.input(0)
        place = int(call.get("axis", -1 if call.opset >= 13 else 1)) % len(x.axes)
        if call.opset < 13 and place != len(x.axes) - 1:
            raise call.error("softmax over several dims (opset below 13): export with opset 13 on")
        return normalizations.softmax(call.net, x, place, call.label, name=call.name, log=log)

    return operator


def _layer_norm(centred: bool) -> Operator:
    def operator(call: OnnxCall) -> Signal:
        return normalizations.layer_normalization(
            call.net,
            call.input(0),
            call.maybe(1),
            call.maybe(2),
            int(call.get("axis", -1)),
            float(call.get("epsilon", 1e-5)),
            call.label,
            name=call.name,
            centred=centred,
        )

    return operator


def _batch_norm(call: OnnxCall) -> Signal:
    if call.get("training_mode", 0) or len([o for o in call.node.outputs if o]) > 1:
        raise call.error("it is in training mode: export in eval mode")
    scale, bias, mean, variance = (call.input(i) for i in range(1, 5))
    return normalizations.batch_normalization(
        call.net,
        call.input(0),
        scale,
        bias,
        mean,
        variance,
        float(call.get("epsilon", 1e-5)),
        call.label,
        name=call.name,
    )


def _instance_norm(call: OnnxCall) -> Signal:
    x = call.input(0)
    return normalizations.group_normalization(
        call.net,
        x,
        x.axes[1].size,
        call.input(1),
        call.input(2),
        float(call.get("epsilon", 1e-5)),
        call.label,
        name=call.name,
    )


def _flatten(call: OnnxCall) -> Signal:
    return rearrangements.flattened(
        call.net, call.input(0), int(call.get("axis", 1)), call.label, call.name
    )


def _reshape(call: OnnxCall) -> Signal:
    x = call.input(0)
    sizes = call.whole(1, "shape")
    assert sizes is not None
    if not call.get("allowzero", 0):
        sizes = [x.sizes[i] if s == 0 and i < len(x.sizes) else s for i, s in enumerate(sizes)]
    if sizes.count(-1) == 1:
        rest = math.prod(s for s in sizes if s != -1)
        sizes = [math.prod(x.sizes) // rest if s == -1 and rest else s for s in sizes]
    if any(s < 0 for s in sizes):
        raise call.error(f"{sizes} is no shape")
    return rearrangements.as_shape(call.net, x, sizes, call.label, call.name, hint=call.scope)


def _transpose(call: OnnxCall) -> Signal:
    return rearrangements.transposed(
        call.net, call.input(0), call.get("perm", None), call.label, call.name
    )


def _squeeze(call: OnnxCall) -> Signal:
    places = call.whole(1, "axes", None)
    return rearrangements.squeezed(call.net, call.input(0), places, call.label, call.name)


def _unsqueeze(call: OnnxCall) -> Signal:
    places = call.whole(1, "axes")
    assert places is not None
    return rearrangements.unsqueezed(call.net, call.input(0), places, call.label, call.name)


def _concat(call: OnnxCall) -> Signal:
    signals = [call.input(i) for i in range(len(call.inputs))]
    if len(signals) == 1:
        return signals[0]
    return rearrangements.concatenated(
        call.net, signals, int(call.get("axis")), call.label, call.name
    )


def _split(call: OnnxCall) -> tuple[Signal, ...]:
    x = call.input(0)
    place = int(call.get("axis", 0)) % len(x.axes)
    count, size = len(call.node.outputs), x.axes[place].size
    sizes = call.whole(1, "split", None)
    if sizes is None:
        each = -(-size // count)
        sizes = [min(each, size - i * each) for i in range(count)]
    if sum(sizes) != size or len(sizes) != count:
        raise call.error(f"{size} elements do not split into {sizes}")
    starts = np.cumsum([0, *sizes])
    return tuple(
        rearrangements.part(
            call.net,
            x,
            {place: range(int(a), int(b))},
            f"{call.label}.{i}" if count > 1 else call.label,
        )
        for i, (a, b) in enumerate(itertools.pairwise(starts))
    )


def _slice(call: OnnxCall) -> Signal:
    x = call.input(0)
    starts, ends = call.whole(1, "starts"), call.whole(2, "ends")
    assert starts is not None
    assert ends is not None
    places = call.whole(3, "axes", None) or list(range(len(starts)))
    steps = call.whole(4, None, None) or [1] * len(starts)
    cuts: dict[int, range | int] = {}
    for place, start, end, step in zip(places, starts, ends, steps, strict=True):
        cuts[place % len(x.axes)] = range(*slice(start, end, step).indices(x.sizes[place]))
    return rearrangements.part(call.net, x, cuts, call.label, call.name)


def _gather(call: OnnxCall) -> Signal:
    x, place = call.input(0), int(call.get("axis", 0))
    if x.constant is not None:  # an embedding
        x.axes[place].suggest(f"{call.scope}_entry")
        x.axes[-1].suggest(f"{call.scope}_unit")
    return rearrangements.gathered(call.net, x, call.input(1), place, call.label, call.name)


def _expand(call: OnnxCall) -> Signal:
    sizes = call.whole(1, None)
    assert sizes is not None
    shape = tuple(NetworkAxis(size) for size in sizes)
    texts, axes = call.net.aligned(call.input(0), Signal(shape, "1"))
    plain = [axis for axis in axes if axis.is_plain]
    if [a.root for a in plain] == [a.root for a in call.input(0).plain]:
        return dataclasses.replace(call.input(0), axes=axes)
    rule = f"{texts[0]}*ones({', '.join(call.net.new_dims(plain))})"
    return call.net.variable(call.label, axes, rule, name=call.name)


def _pad(call: OnnxCall) -> Signal:
    x = call.input(0)
    if call.get("mode", "constant") != "constant":
        raise call.error(f"mode '{call.get('mode')}': only constant padding is known")
    pads = call.whole(1, "pads")
    assert pads is not None
    places = call.whole(3, None, None) or list(range(len(x.axes)))
    places = [p % len(x.axes) for p in places]
    fill = float(np.asarray(call.numbers(2, "value", 0.0)).reshape(()))
    if min(pads) < 0:
        raise call.error("pads below 0 cut elements off: cut them by a Slice")
    ends = {p: (pads[i], pads[len(places) + i]) for i, p in enumerate(places)}
    text, axes = rearrangements.padded(call.net, x, ends, fill)
    return call.net.variable(call.label, axes, text, name=call.name)


def _shape(call: OnnxCall) -> Signal:
    sizes = call.input(0).sizes
    cut = slice(call.get("start", 0), call.get("end", None))
    return call.net.constant(np.array(sizes[cut], dtype=np.int64), call.label)


def _size(call: OnnxCall) -> Signal:
    return call.net.constant(np.array(math.prod(call.input(0).sizes), dtype=np.int64), call.label)


def _constant(call: OnnxCall) -> Signal:
    for key in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if key in call.node.attributes and call.node.attributes[key] is not None:
            return call.net.constant(np.asarray(call.node.attributes[key]), call.label)
    raise call.error("a constant that is no array of numbers")


OPERATORS: dict[str, Operator] = {
    "Abs": _activation("abs"),
    "Add": _joined("{0} + {1}"),
    "And": _joined("where({0} > 0 and {1} > 0, 1, 0)"),
    "AveragePool": _pool("mean"),
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "CastLike": _same,
    "Ceil": _activation("ceil"),
    "Celu": _activation("celu", alpha=1.0),
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "Conv": _conv,
    "Cos": _activation("cos"),
    "Div": _joined("{0}/{1}"),
    "Dropout": _dropout,
    "Einsum": _einsum,
    "Elu": _activation("elu", alpha=1.0),
    "Equal": _joined("where({0} == {1}, 1, 0)"),
    "Erf": _activation("erf"),
    "Exp": _activation("exp"),
    "Expand": _expand,
    "Flatten": _flatten,
    "Floor": _activation("floor"),
    "GRU": recurrent,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_pool("mean"),
    "GlobalMaxPool": _global_pool("max"),
    "Greater": _joined("where({0} > {1}, 1, 0)"),
    "GreaterOrEqual": _joined("where({0} >= {1}, 1, 0)"),
    "HardSigmoid": _activation("hard_sigmoid", alpha=0.2, beta=0.5),
    "HardSwish": _activation("hard_swish"),
    "Identity": _same,
    "InstanceNormalization": _instance_norm,
    "LSTM": recurrent,
    "LayerNormalization": _layer_norm(True),
    "LeakyRelu": _activation("leaky_relu", alpha=0.01),
    "Less": _joined("where({0} < {1}, 1, 0)"),
    "LessOrEqual": _joined("where({0} <= {1}, 1, 0)"),
    "Log": _activation("log"),
    "LogSoftmax": _softmax(True),
    "MatMul": _matmul,
    "Max": _in_turn("max"),
    "MaxPool": _pool("max"),
    "Min": _in_turn("min"),
    "Mish": _activation("mish"),
    "Mod": _mod,
    "Mul": _joined("{0}*{1}"),
    "Neg": _activation("neg"),
    "Not": _activation("not"),
    "Or": _joined("where({0} > 0 or {1} > 0, 1, 0)"),
    "PRelu": _prelu,
    "Pad": _pad,
    "Pow": _joined("{0}**{1}"),
    "RMSNormalization": _layer_norm(False),
    "RNN": recurrent,
    "Reciprocal": _activation("reciprocal"),
    "ReduceL1": _reduce("norm1"),
    "ReduceL2": _reduce("norm2"),
    "ReduceLogSum": _reduce("log_sum"),
    "ReduceMax": _reduce("max"),
    "ReduceMean": _reduce("mean"),
    "ReduceMin": _reduce("min"),
    "ReduceSum": _reduce("sum"),
    "ReduceSumSquare": _reduce("square_sum"),
    "Relu": _activation("relu"),
    "Reshape": _reshape,
    "Selu": _activation("selu", alpha=1.67326319217681884765625, gamma=1.05070102214813232421875),
    "Shape": _shape,
    "Sigmoid": _activation("sigmoid"),
    "Sign": _activation("sign"),
    "Sin": _activation("sin"),
    "Size": _size,
    "Slice": _slice,
    "Softmax": _softmax(False),
    "Softplus": _activation("softplus", beta=1.0),
    "Softsign": _activation("softsign"),
    "Split": _split,
    "Sqrt": _activation("sqrt"),
    "Squeeze": _squeeze,
    "Sub": _joined("{0} - {1}"),
    "Sum": _in_turn("+"),
    "Tanh": _activation("tanh"),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _joined("where({0} > 0, {1}, {2})"),
}

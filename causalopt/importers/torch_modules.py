"""Modules of torch as models: chains of layers and recurrent layers by their weights.

Other modules are exported to ONNX by torch itself. torch is not needed to import this file: modules
are known by the names of their classes.
"""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from causalopt.errors import QuestionError
from causalopt.extras import need
from causalopt.importers.activations import activation
from causalopt.importers.network_builder import NetworkAxis, NetworkBuilder, NetworkError, Signal
from causalopt.importers.normalizations import (
    batch_normalization,
    group_normalization,
    layer_normalization,
    softmax,
)
from causalopt.importers.onnx_file import read_onnx_bytes
from causalopt.importers.onnx_translation import translated
from causalopt.importers.products import dense
from causalopt.importers.rearrangements import as_shape, flattened
from causalopt.importers.recurrent_cells import CellWeights, recurrent_layer
from causalopt.importers.sliding_windows import Sliding, convolution, pooled
from causalopt.model.model import Model

Layer = Callable[[NetworkBuilder, Any, Signal, str], Signal]
_RECURRENT = {"RNN": "h", "GRU": "rzn", "LSTM": "ifgo"}


def from_torch(module: Any, example: Any = None, *, name: str | None = None) -> Model:
    """Return a module of torch, in inference, as a model with its weights as variables.

    Layers keep their dotted names as labels: `net.0`, `net.0.weight`. Numbers are float64: of a
    module in float32 the weights are the same to the bit, and what is computed from them is more
    accurate.

    Args:
        module: A torch.nn.Module. A Sequential, or a layer that may stand in one, is read layer by
            layer, an RNN, GRU or LSTM by its weights; others are exported to ONNX by torch.
        example: An input as the module is called with, the batch of 1 included; x starts from it.
            It may be left out where the first layer says how many inputs there are.
        name: The model's name; the class's when not given.

    Raises:
        NetworkError: A layer or an operation is not known; the message names it.
        QuestionError: An example is needed.
        MissingPackageError: torch or onnx is needed and not installed.

    Example:
        >>> import torch  # doctest: +SKIP
        >>> net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh())  # doctest: +SKIP
        >>> from_torch(net).variables["layer_1"].rule  # doctest: +SKIP
        'tanh(layer_0)'
    """
    kind = type(module).__name__
    texts = {"name": name or kind, "source": f"torch module {kind}"}
    if not _is_torch(module):
        raise QuestionError(
            f"expected a torch.nn.Module, found {kind}; for scikit-learn there is from_sklearn"
        )
    if kind in _RECURRENT:
        return _recurrent(module, example, texts)
    if _is_chain(module):
        return _chain(module, example, texts)
    if example is None:
        raise QuestionError(
            f"{kind} is no chain of known layers and is exported by torch, which calls it once: "
            "give an example, from_torch(module, example)"
        )
    return _exported(module, example, texts)


def _is_torch(module: Any) -> bool:
    return any(
        c.__name__ == "Module" and c.__module__.startswith("torch.") for c in type(module).__mro__
    )


def _own(module: Any) -> str:
    """Return the name of a torch layer's class; none of a class of the user's."""
    cls = type(module)
    return cls.__name__ if cls.__module__.startswith("torch.") else ""


def _is_chain(module: Any) -> bool:
    if _own(module) == "Sequential":
        return all(_is_chain(child) for child in module.children())
    return _own(module) in LAYERS


def numbers_of(tensor: Any) -> np.ndarray:
    """Return a tensor's numbers in float64."""
    array: np.ndarray = tensor.detach().cpu().double().numpy()
    return array


# Chains of layers


def _chain(module: Any, example: Any, texts: dict[str, str]) -> Model:
    net = NetworkBuilder()
    values = None if example is None else numbers_of(example)
    if values is None:
        sizes: Sequence[int] = [_input_size(module)]
    else:
        if values.ndim < 2 or values.shape[0] != 1:
            raise QuestionError(
                f"the example has the shape {list(values.shape)}: one example in a batch of 1, "
                "[1, ...], is expected"
            )
        values, sizes = values[0], values.shape[1:]
    axes = tuple(NetworkAxis(size) for size in sizes)
    if len(axes) == 1:
        axes[0].suggest("feature")
    x = net.given("x", (NetworkAxis(1, kind="batch"), *axes), values)
    out = _through(net, module, x, "")
    return net.model([out], **texts)


def _input_size(module: Any) -> int:
    """Return how many inputs the first layer with weights says it has."""
    for layer in module.modules():
        kind = _own(layer)
        if kind in {"Linear", "BatchNorm1d"}:
            return int(layer.in_features if kind == "Linear" else layer.num_features)
        if kind.startswith(("Conv", "BatchNorm", "Group", "Max", "Avg", "Adaptive", "Flatten")):
            break
    raise QuestionError(
        "the layers do not say which shape their input has: give an example, "
        "from_torch(module, example)"
    )


def _through(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    """Return what a layer, or a chain of them, makes of its input."""
    if _own(module) == "Sequential":
        for key, child in module.named_children():
            x = _through(net, child, x, f"{label}.{key}" if label else key)
        return x
    label = label or type(module).__name__.lower()
    try:
        return LAYERS[_own(module)](net, module, x, label)
    except NetworkError as error:
        raise NetworkError(f"layer '{label}' ({type(module).__name__}): {error.message}") from None


def _weight(net: NetworkBuilder, module: Any, key: str, label: str) -> Signal | None:
    tensor = getattr(module, key, None)
    if tensor is None:
        return None
    return net.constant(numbers_of(tensor), f"{label}.{key}" if label else key)


def _needed(net: NetworkBuilder, module: Any, key: str, label: str) -> Signal:
    found = _weight(net, module, key, label)
    if found is None:
        raise net.error(f"the layer has no {key} that training left")
    return found


def _linear(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    weight = _needed(net, module, "weight", label)
    return dense(net, x, weight, _weight(net, module, "bias", label), label)


def _each(value: Any, count: int) -> tuple[int, ...]:
    return (
        tuple(int(v) for v in value) if isinstance(value, tuple | list) else (int(value),) * count
    )


def _spaces(module: Any) -> int:
    return int(type(module).__name__[-2])


def _conv(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    count = _spaces(module)
    if module.padding_mode != "zeros":
        raise net.error(f"padding_mode '{module.padding_mode}': only zeros are known")
    dilations = _each(module.dilation, count)
    taps = _each(module.kernel_size, count)
    if module.padding == "same":
        total = [d * (k - 1) for d, k in zip(dilations, taps, strict=True)]
        pads = tuple((w // 2, w - w // 2) for w in total)
    else:
        sides = (0,) * count if module.padding == "valid" else _each(module.padding, count)
        pads = tuple((p, p) for p in sides)
    sliding = Sliding(taps, _each(module.stride, count), pads, dilations)
    weight = _needed(net, module, "weight", label)
    bias = _weight(net, module, "bias", label)
    return convolution(net, x, weight, bias, sliding, label, groups=module.groups)


def _pool(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    count = _spaces(module)
    kind = "max" if "Max" in type(module).__name__ else "mean"
    if getattr(module, "return_indices", False) or getattr(module, "divisor_override", None):
        raise net.error("return_indices and divisor_override are not known")
    sliding = Sliding(
        _each(module.kernel_size, count),
        _each(module.stride, count),
        tuple((p, p) for p in _each(module.padding, count)),
        _each(getattr(module, "dilation", 1), count),
        bool(module.ceil_mode),
    )
    counts = bool(getattr(module, "count_include_pad", False))
    return pooled(net, kind, x, sliding, label, counts_pads=counts)


def _adaptive(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    count = _spaces(module)
    wanted = (
        module.output_size
        if isinstance(module.output_size, tuple)
        else (module.output_size,) * count
    )
    sizes = x.sizes[2:]
    made = [size if want is None else int(want) for want, size in zip(wanted, sizes, strict=True)]
    if any(size % want for size, want in zip(sizes, made, strict=True)):
        raise net.error(f"{list(sizes)} places do not divide into {made} windows of equal width")
    taps = tuple(size // want for size, want in zip(sizes, made, strict=True))
    sliding = Sliding(taps, taps, ((0, 0),) * count, (1,) * count)
    kind = "max" if "Max" in type(module).__name__ else "mean"
    return pooled(net, kind, x, sliding, label)


def _batch_norm(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    return batch_normalization(
        net,
        x,
        _weight(net, module, "weight", label),
        _weight(net, module, "bias", label),
        _needed(net, module, "running_mean", label),
        _needed(net, module, "running_var", label),
        module.eps,
        label,
    )


def _layer_norm(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    weight, bias = (_weight(net, module, key, label) for key in ("weight", "bias"))
    eps = module.eps
    centred = _own(module) == "LayerNorm"
    if eps is None:
        raise net.error("eps is not given, and torch then takes float32's or float64's: say eps")
    place = -len(module.normalized_shape)
    return layer_normalization(net, x, weight, bias, place, eps, label, centred=centred)


def _group_norm(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    weight, bias = (_weight(net, module, key, label) for key in ("weight", "bias"))
    return group_normalization(net, x, module.num_groups, weight, bias, module.eps, label)


def _soft(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    place = module.dim if module.dim is not None else (0 if len(x.axes) in (0, 1, 3) else 1)
    sign = -1.0 if _own(module) == "Softmin" else 1.0
    if sign < 0:
        x = activation(net, "neg", x, f"{label}.sign")
    return softmax(net, x, place, label, log=_own(module) == "LogSoftmax")


def _prelu(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    slope = _needed(net, module, "weight", label)
    text = net.read(x)
    if slope.is_number:
        return net.variable(label, x.axes, f"where({text} > 0, {text}, {net.read(slope)}*{text})")
    slope.axes[0].join(x.axes[1])
    ones = [NetworkAxis(1) for _ in x.axes[2:]]
    by = net.reshaped(net.read(slope), (x.axes[1], *ones)) if ones else net.read(slope)
    return net.variable(label, x.axes, f"where({text} > 0, {text}, {by}*{text})")


def _softplus(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    # torch takes x itself above a threshold, 20: there softplus differs from x by 2e-9 at most.
    text, beta = net.read(x), float(module.beta)
    smooth = f"softplus({text})" if beta == 1 else f"softplus({beta!r}*{text})/{beta!r}"
    threshold = float(module.threshold) / beta
    return net.variable(label, x.axes, f"where({text} > {threshold!r}, {text}, {smooth})")


def _same(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:  # noqa: ARG001
    return x


def _flatten(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    if module.start_dim != 1 or module.end_dim not in (-1, len(x.axes) - 1):
        raise net.error("only Flatten from dim 1 to the last is known")
    return flattened(net, x, 1, label)


def _unflatten(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    if module.dim not in (1, -1) or len(x.axes) != 2:
        raise net.error("only Unflatten of dim 1 of two is known")
    return as_shape(net, x, [1, *module.unflattened_size], label)


def _act(kind: str, **fields: str) -> Layer:
    def layer(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
        numbers = {key: float(getattr(module, field)) for key, field in fields.items()}
        return activation(net, kind, x, label, numbers=numbers)

    return layer


def _gelu(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:
    kind = "gelu_tanh" if module.approximate == "tanh" else "gelu"
    return activation(net, kind, x, label)


SELU = {"alpha": 1.6732632423543772848170429916717, "gamma": 1.0507009873554804934193349852946}


def _selu(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:  # noqa: ARG001
    return activation(net, "selu", x, label, numbers=SELU)


def _hard_sigmoid(net: NetworkBuilder, module: Any, x: Signal, label: str) -> Signal:  # noqa: ARG001
    return activation(net, "hard_sigmoid", x, label, numbers={"alpha": 1 / 6, "beta": 0.5})


LAYERS: dict[str, Layer] = {
    "Linear": _linear,
    **dict.fromkeys(("Conv1d", "Conv2d"), _conv),
    **dict.fromkeys(("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d"), _pool),
    **dict.fromkeys(
        ("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d"),
        _adaptive,
    ),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d"), _batch_norm),
    **dict.fromkeys(("LayerNorm", "RMSNorm"), _layer_norm),
    "GroupNorm": _group_norm,
    **dict.fromkeys(("Softmax", "Softmin", "LogSoftmax"), _soft),
    **dict.fromkeys(("Identity", "Dropout", "Dropout1d", "Dropout2d", "AlphaDropout"), _same),
    "Flatten": _flatten,
    "Unflatten": _unflatten,
    "ReLU": _act("relu"),
    "ReLU6": _act("hard_tanh", low="min_val", high="max_val"),
    "Hardtanh": _act("hard_tanh", low="min_val", high="max_val"),
    "Sigmoid": _act("sigmoid"),
    "Tanh": _act("tanh"),
    "GELU": _gelu,
    "SiLU": _act("silu"),
    "Mish": _act("mish"),
    "Softsign": _act("softsign"),
    "Softplus": _softplus,
    "LeakyReLU": _act("leaky_relu", alpha="negative_slope"),
    "PReLU": _prelu,
    "ELU": _act("elu", alpha="alpha"),
    "CELU": _act("celu", alpha="alpha"),
    "SELU": _selu,
    "LogSigmoid": _act("log_sigmoid"),
    "Tanhshrink": _act("tanh_shrink"),
    "Hardsigmoid": _hard_sigmoid,
    "Hardswish": _act("hard_swish"),
}


# Recurrent layers


def _recurrent(module: Any, example: Any, texts: dict[str, str]) -> Model:
    kind = _own(module)
    if not kind:
        raise QuestionError("a class derived from a recurrent layer: give an example to export it")
    for key, plain in (("bidirectional", False), ("proj_size", 0)):
        if getattr(module, key, plain) != plain:
            raise NetworkError(f"{kind} with {key}: a rule reads the past, and one state a layer")
    net = NetworkBuilder(has_steps=True)
    values = None if example is None else _series(module, numbers_of(example))
    axes = (NetworkAxis(1, kind="step"), NetworkAxis(int(module.input_size), "feature"))
    x = net.given("x", axes, values)
    cell: Any = kind.lower() if kind != "RNN" else f"rnn_{module.nonlinearity}"
    for layer in range(module.num_layers):
        weights = [
            _weight(net, module, f"{key}_l{layer}", "")
            for key in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        inputs, states = weights[:2]
        assert inputs is not None
        assert states is not None
        known = CellWeights(cell, _RECURRENT[kind], inputs, states, weights[2], weights[3])
        x = recurrent_layer(net, x, known, f"{kind.lower()}_l{layer}")
    return net.model([x], **texts)


def _series(module: Any, values: np.ndarray) -> np.ndarray:
    """Return an example as a stream: step 0 is before the first input, and read by nothing."""
    if values.ndim == 3:
        batch = 0 if module.batch_first else 1
        if values.shape[batch] != 1:
            raise QuestionError(f"the example has {values.shape[batch]} series: give one")
        values = values.take(0, axis=batch)
    if values.ndim != 2 or values.shape[1] != module.input_size:
        raise QuestionError(
            f"the example has the shape {list(values.shape)}, [step, {module.input_size}] is "
            "expected"
        )
    return np.concatenate([np.zeros((1, values.shape[1])), values])


# Others


def _exported(module: Any, example: Any, texts: dict[str, str]) -> Model:
    """Return a module by way of torch's own export to ONNX, in float64 and for inference."""
    need("onnx", "a module that is no chain of layers")
    import torch

    inputs = example if isinstance(example, tuple) else (example,)
    inputs = tuple(v.detach().double() if v.is_floating_point() else v for v in inputs)
    own = copy.deepcopy(module).double().eval()
    names = ["x"] if len(inputs) == 1 else [f"x{i}" for i in range(len(inputs))]
    usual, reason = torch.get_default_dtype(), ""
    # Numbers that forward writes, and masks that it makes, are of the default type; torch cannot
    # export fused attention where that is float64.
    for default in (torch.float64, torch.float32):
        stream = io.BytesIO()
        try:
            torch.set_default_dtype(default)
            _export(torch, own, inputs, stream, names)
            break
        except Exception as error:  # of torch, which raises many kinds
            reason = reason or (str(error).strip().splitlines() or ["no reason given"])[0]
        finally:
            torch.set_default_dtype(usual)
    else:
        raise NetworkError(f"torch cannot export {type(module).__name__} to ONNX: {reason}")
    graph = read_onnx_bytes(stream.getvalue(), file=None)
    return translated(graph, examples=[numbers_of(v) for v in inputs], texts=texts)


def _export(
    torch: Any, module: Any, inputs: tuple[Any, ...], stream: io.BytesIO, names: list[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            stream,
            dynamo=False,
            do_constant_folding=False,
            opset_version=20,
            input_names=names,
        )

"""An ONNX graph as a model: nodes in turn, constants folded, dims and labels settled."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from causalopt.errors import ModelError, QuestionError, suggestion
from causalopt.extras import need
from causalopt.importers.network_builder import (
    Kind,
    NetworkAxis,
    NetworkBuilder,
    NetworkError,
    Signal,
)
from causalopt.importers.onnx_call import AxisNeededError, OnnxCall
from causalopt.importers.onnx_file import OnnxGraph, OnnxInput, OnnxNode, read_onnx
from causalopt.importers.onnx_operators import OPERATORS
from causalopt.model.model import Model

MAX_FOLDED = 1 << 24  # numbers of an array that is computed while importing
# What follows from constants is computed at once, by onnx's own reference; these grow no further
# than their arguments, or are held against the limit first.
_FOLDED = {
    *("Abs", "Add", "And", "Cast", "Ceil", "Clip", "Concat", "ConstantOfShape", "Cos", "CumSum"),
    *("Div", "Equal", "Erf", "Exp", "Expand", "Floor", "Gather", "Greater", "GreaterOrEqual"),
    *("Identity", "Less", "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "NonZero"),
    *("Not", "Or", "Pow", "Range", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceMin"),
    *("ReduceProd", "ReduceSum", "Relu", "Round", "ScatterND", "Sigmoid", "Sign", "Sin", "Slice"),
    *("Softmax", "Split", "Sqrt", "Sub", "Tanh", "Tile", "Trilu", "Where"),
}
_UNFIT = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)
_RECURRENT = {"RNN", "GRU", "LSTM"}
_ADVICE = {
    "If": "export it for one kind of input, so that nothing is left to decide",
    "Loop": "a loop over steps is a model with time: import the cell and write [t-1] yourself",
    "Scan": "a loop over steps is a model with time: import the cell and write [t-1] yourself",
    "RandomNormal": "noise is a variable of its own: import the part before it",
    "ConvTranspose": "cut the graph before it, or write it with windows and einsum",
    "Resize": "cut the graph before it",
    "QuantizeLinear": "import the network before it was quantized",
    "DequantizeLinear": "import the network before it was quantized",
}


def translated(
    graph: OnnxGraph,
    *,
    examples: Sequence[np.ndarray[Any, Any]] | Mapping[str, np.ndarray[Any, Any]] | None = None,
    sizes: Mapping[str, int] | None = None,
    texts: Mapping[str, str],
) -> Model:
    """Return the model that an ONNX graph stands for.

    The first dim of an input is a batch, and dropped, where its size is 1 or left open; the dim of
    steps that a recurrent layer runs over is the model's t.

    Args:
        graph: The graph.
        examples: What the inputs start from, in their order or by name, batch included.
        sizes: The sizes of dims that the graph names and leaves open.
        texts: The model's name, source, ...

    Raises:
        NetworkError: An operator, or a use of it, is not known; the message names the node.
        QuestionError: A size or an example is missing or wrong.
    """
    kinds: dict[tuple[int, int], Kind] = {}
    modules: _Modules | None = None
    given = _by_name(graph, examples)
    is_draft = any(graph.nodes[number].op in _RECURRENT for number in _needed(graph))
    for _ in range(2 * sum(len(i.sizes) for i in graph.inputs) + 4):
        attempt = _Translation(graph, kinds, modules, given, sizes or {}, is_draft=is_draft)
        try:
            outputs = attempt.outputs()
        except AxisNeededError as needed:
            kinds[attempt.place_of(needed)] = needed.kind
            continue
        if is_draft or modules is None:
            is_draft, modules = False, _modules(graph, attempt)
            continue
        notes = {"description": "\n".join(dict.fromkeys(attempt.net.notes))}
        try:
            return attempt.net.model(outputs, **notes, **texts)
        except ModelError as error:
            raise attempt.net.error(f"its arrays do not fit together: {error}") from error
    raise attempt.net.error("which dims are steps and batch cannot be told")


def _by_name(graph: OnnxGraph, examples: Any) -> dict[str, np.ndarray[Any, Any]]:
    if examples is None:
        return {}
    names = [value.name for value in graph.inputs]
    if not isinstance(examples, Mapping):
        if len(examples) != len(names):
            raise QuestionError(f"{len(examples)} examples for {len(names)} inputs")
        return dict(zip(names, examples, strict=True))
    for name in examples:
        if name not in names:
            raise QuestionError(f"there is no input '{name}'{suggestion(name, names)}")
    return dict(examples)


def from_onnx(
    path: str | os.PathLike[str],
    *,
    example: np.ndarray[Any, Any] | Mapping[str, np.ndarray[Any, Any]] | None = None,
    sizes: Mapping[str, int] | None = None,
    name: str | None = None,
) -> Model:
    """Return the network of an ONNX file as a model, its weights as variables.

    One example at a time: a first dim of size 1, or left open, is a batch and dropped. Of an RNN,
    GRU or LSTM the dim of steps is the model's t, and the input at t = 1 the first. Labels are the
    file's names with dots, and a module's output is called as the module is: `blocks.0.attn`.

    Args:
        path: The file; weights may be in other files in its folder.
        example: What the input starts from, batch included, or input -> array.
        sizes: The sizes of dims that the file leaves open.
        name: The model's name; the file's when not given.

    Raises:
        FileError: The file cannot be read, is no ONNX file or is damaged.
        NetworkError: An operator, or a use of it, is not known; the message names the node.
        QuestionError: A size or an example is missing or wrong.
        MissingPackageError: onnx is not installed.

    Example:
        >>> import onnx, tempfile
        >>> x, y = (onnx.helper.make_tensor_value_info(n, 11, [1, 3]) for n in "xy")
        >>> tanh = onnx.helper.make_node("Tanh", ["x"], ["y"])
        >>> net = onnx.helper.make_model(onnx.helper.make_graph([tanh], "net", [x], [y]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     onnx.save(net, f"{folder}/net.onnx")
        ...     from_onnx(f"{folder}/net.onnx").variables["y"].rule
        'tanh(x)'
    """
    need("onnx")
    file = Path(path)
    graph = read_onnx(file)
    examples: Any = example
    if example is not None and not isinstance(example, Mapping):
        examples = [np.asarray(example)]
    source = f"{file.name}, opset {graph.opset}" + (f", {graph.producer}" if graph.producer else "")
    texts = {"name": name or file.stem, "source": source}
    return translated(graph, examples=examples, sizes=sizes, texts=texts)


class _Translation:
    """One attempt, with what is known so far of dims and labels.

    A draft is to find which dims are the steps and the batch: open sizes are 1 in it.
    """

    def __init__(
        self,
        graph: OnnxGraph,
        kinds: Mapping[tuple[int, int], Kind],
        modules: _Modules | None,
        examples: Mapping[str, np.ndarray[Any, Any]],
        sizes: Mapping[str, int],
        *,
        is_draft: bool,
    ) -> None:
        self.is_draft = is_draft
        self.graph, self.kinds = graph, kinds
        self.modules = modules or _Modules({}, {})
        self.examples, self.sizes = examples, sizes
        self.net = NetworkBuilder(has_steps="step" in kinds.values(), file=graph.file)
        self.axes: dict[tuple[int, int], NetworkAxis] = {}
        self.made: dict[int, Signal] = {}
        self._values: dict[str, Signal] = {}

    def outputs(self) -> list[Signal]:
        """Translate what the outputs need, and return them."""
        for number, value in enumerate(self.graph.inputs):
            self._values[value.name] = self._input(number, value)
        for name, array in self.graph.weights.items():
            self._values[name] = self.net.constant(array, _tidy(name))
        for number in _needed(self.graph):
            self._run(number, self.graph.nodes[number])
        found = [self._value(name, "an output") for name in self.graph.outputs]
        if all(signal.constant is not None for signal in found):
            raise self.net.error("the outputs do not depend on the inputs")
        return [signal for signal in found if signal.constant is None]

    def place_of(self, needed: AxisNeededError) -> tuple[int, int]:
        """Return the input's dim that a node's turned out to be."""
        for place, axis in self.axes.items():
            if axis.root is needed.axis and self.kinds.get(place) != needed.kind:
                return place
        raise self.net.error(
            "a recurrent layer runs over steps that are no dim of an input: give it the input's "
            "steps, or import the recurrent layer alone"
        )

    def _input(self, number: int, value: OnnxInput) -> Signal:
        example = None if self.is_draft else self.examples.get(value.name)
        if example is not None and example.ndim != len(value.sizes):
            raise QuestionError(
                f"the example of '{value.name}' has the shape {list(example.shape)}, and the input "
                f"{list(value.sizes)}"
            )
        axes = []
        for place, size in enumerate(value.sizes):
            axis = self._axis(number, place, size, value, example)
            self.axes[number, place] = axis
            axes.append(axis)
        plain = [axis for axis in axes if axis.is_plain]
        label = _tidy(value.name) or "x"
        words = {1: ("feature",), 2: ("position", "feature")}.get(len(plain), ())
        words = ("position",) if value.is_integer and len(plain) == 1 else words
        for axis, word in zip(plain, words, strict=False):
            axis.suggest(word if len(self.graph.inputs) == 1 else f"{label}_{word}")
        values = None if example is None else self._example(example, axes, value)
        return self.net.given(label, tuple(axes), values, is_integer=value.is_integer)

    def _axis(
        self,
        number: int,
        place: int,
        size: int | str,
        value: OnnxInput,
        example: np.ndarray[Any, Any] | None,
    ) -> NetworkAxis:
        kind = self.kinds.get((number, place))
        hint = None if isinstance(size, int) or re.fullmatch(r"dim\d+", size) else size
        wide = len(value.sizes) > 1
        if kind is None:
            is_batch = place == 0 and wide and size in (1, size if isinstance(size, str) else 1)
            kind = "batch" if is_batch and size not in self.sizes else "plain"
        if isinstance(size, str) and size in self.sizes:
            size = self.sizes[size]
        elif isinstance(size, str) and example is not None:
            size = int(example.shape[place])
        if self.is_draft and isinstance(size, str):
            return NetworkAxis(1, None, kind)
        if kind != "plain":
            known = size if isinstance(size, int) else 1
            if kind == "batch" and known != 1:
                raise self.net.error(
                    f"the batch of '{value.name}' has {known} examples, and a model is of one: "
                    "export with a batch of 1"
                )
            return NetworkAxis(known, None, kind)
        if isinstance(size, str):
            raise QuestionError(
                f"dim {place} of the input '{value.name}' is left open as '{size}': give its size, "
                f"as in --size {size}=8"
            )
        return NetworkAxis(size, hint)

    def _example(
        self, example: np.ndarray[Any, Any], axes: Sequence[NetworkAxis], value: OnnxInput
    ) -> np.ndarray[Any, Any]:
        steps = [i for i, axis in enumerate(axes) if axis.kind == "step"]
        fits = all(
            axis.kind == "step" or axis.size == size
            for axis, size in zip(axes, example.shape, strict=True)
        )
        if not fits:
            raise QuestionError(
                f"the example of '{value.name}' has the shape {list(example.shape)}, and the input "
                f"{[axis.size for axis in axes]}"
            )
        found = np.asarray(example, dtype=float)
        if steps:
            found = np.moveaxis(found, steps[0], 0)
            inner = [axis.size for axis in axes if axis.is_plain]
            found = found.reshape(len(found), *inner)
            return np.concatenate([np.zeros((1, *inner)), found])
        return found.reshape([axis.size for axis in axes if axis.is_plain])

    def _value(self, name: str, what: str) -> Signal:
        if name not in self._values:
            raise self.net.error(f"{what} '{name}' comes from no node")
        return self._values[name]

    def _run(self, number: int, node: OnnxNode) -> None:
        inputs = tuple(self._value(n, "an input") if n else None for n in node.inputs)
        label = self.modules.labels.get(number) or node_label(node)
        parent = (_scopes(node) or [""])[-1]
        name = next((o for o in node.outputs if o in self.graph.outputs), None)
        if name is not None and not re.fullmatch(r"[A-Za-z]\w*", name):
            name = None
        call = OnnxCall(self.net, node, inputs, label, name, parent or label, self.graph.opset)
        try:
            found = self._applied(call)
        except NetworkError as error:
            raise NetworkError(f"{node.shown}: {error.message}", error.location) from None
        except _UNFIT as error:  # a damaged node, of which no operator foresees all
            reason = str(error) or type(error).__name__
            raise self.net.error(
                f"{node.shown}: its inputs or attributes are not those of the operator: {reason}"
            ) from error
        for scope in self.modules.outer.get(number, ()):
            found = (self._again(found[0], scope), *found[1:])
        for place, output in enumerate(node.outputs):
            if output and place < len(found):
                self._values[output] = found[place]
        before = {s.text for s in inputs if s is not None}
        if found and found[0].text not in before and self.net.declares(found[0]):
            self.made[number] = found[0]

    def varies(self, name: str) -> bool:
        """Whether an array depends on an input: exporters share constants between modules."""
        return name in self._values and self._values[name].constant is None

    def given_by(self, number: int) -> Signal | None:
        """Return the variable that a node's first output is, perhaps in another shape."""
        found = self._values.get(self.graph.nodes[number].outputs[0])
        return None if found is None else found.base or found

    def _again(self, signal: Signal, label: str) -> Signal:
        """Return an array as a variable of its own, under a module's label."""
        origin = signal.base or signal
        own = self.net.variable(label, origin.axes, self.net.read(origin))
        if signal.base is None:
            return own
        return dataclasses.replace(signal, text=self.net.reshaped(own.text, signal.plain), base=own)

    def _applied(self, call: OnnxCall) -> tuple[Signal, ...]:
        node = call.node
        if node.domain:
            raise call.error(
                f"operators of '{node.domain}' are not known: export with ONNX's own operators"
            )
        constant = [s for s in call.inputs if s is not None]
        moves = node.op in {"Cast", "Identity"} and constant[0].constant is not None
        is_folded = node.op in _FOLDED and all(s.constant is not None for s in constant)
        if is_folded and not (moves and _is_float(constant[0])):
            return self._folded(call)
        if node.op not in OPERATORS:
            advice = _ADVICE.get(node.op, "cut the graph before it, or write its rule by hand")
            raise call.error(f"the operator '{node.op}' is not known: {advice}")
        if node.op == "Identity" and constant[0].constant is not None:
            own = _tidy(node.outputs[0])
            return (self.net.constant(constant[0].constant.copy(), own),)
        found = OPERATORS[node.op](call)
        return found if isinstance(found, tuple) else (found,)

    def _folded(self, call: OnnxCall) -> tuple[Signal, ...]:
        need("onnx")
        from onnx import TensorProto, helper, numpy_helper
        from onnx.reference import ReferenceEvaluator

        node, arrays = call.node, [s.constant for s in call.inputs if s is not None]
        self._check_size(call, [a for a in arrays if a is not None])
        names = [name for name in node.inputs if name]
        feeds = dict(zip(names, arrays, strict=True))
        attributes = {
            key: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
            for key, value in node.attributes.items()
            if value is not None
        }
        proto = helper.make_node(node.op, node.inputs, node.outputs, **attributes)
        untyped = [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in names]
        outputs = [
            helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in node.outputs
        ]
        model = helper.make_model(
            helper.make_graph([proto], "constant", untyped, outputs),
            opset_imports=[helper.make_opsetid("", self.graph.opset)],
        )
        try:
            with np.errstate(all="ignore"):
                found = ReferenceEvaluator(model).run(None, feeds)
        except Exception as error:  # of the reference: what it says depends on the operator
            reason = " ".join(str(error).split())[:200]
            raise call.error(f"its constant cannot be computed: {reason}") from None
        return tuple(self.net.constant(np.asarray(value), call.label) for value in found)

    def _check_size(self, call: OnnxCall, arrays: Sequence[np.ndarray[Any, Any]]) -> None:
        """Refuse a constant that would be huge, before it is made."""
        op = call.node.op
        try:
            if op in {"ConstantOfShape"}:
                size = math.prod(int(v) for v in arrays[0].reshape(-1))
            elif op == "Expand":
                wanted = tuple(int(v) for v in arrays[1].reshape(-1))
                size = math.prod(np.broadcast_shapes(arrays[0].shape, wanted))
            elif op == "Tile":
                size = arrays[0].size * math.prod(int(v) for v in arrays[1].reshape(-1))
            elif op == "Range":
                start, stop, step = (float(a.reshape(())) for a in arrays)
                size = int(abs((stop - start) / step)) + 1
            elif op in {"Gather"}:
                place = call.get("axis", 0) % arrays[0].ndim
                size = arrays[1].size * arrays[0].size // max(1, arrays[0].shape[place])
            elif op in {"Concat", "Slice", "Split", "ScatterND"} or op.startswith("Reduce"):
                size = sum(a.size for a in arrays)
            elif len(arrays) > 1:
                size = math.prod(np.broadcast_shapes(*(a.shape for a in arrays)))
            else:
                size = arrays[0].size * max(1, arrays[0].ndim if op == "NonZero" else 1)
        except (ValueError, ZeroDivisionError, OverflowError, IndexError):
            raise call.error("its constants do not fit together") from None
        if size > max(MAX_FOLDED, 2 * max(a.size for a in arrays)) or size < 0:
            raise call.error(
                f"its constant would have {size:,} numbers, the limit is {MAX_FOLDED:,}"
            )


def _is_float(signal: Signal) -> bool:
    return signal.constant is not None and signal.constant.dtype.kind == "f"


def _needed(graph: OnnxGraph) -> list[int]:
    """Return the nodes that outputs depend on, in the order of the graph."""
    wanted = set(graph.outputs)
    found = []
    for number in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[number]
        if wanted & set(node.outputs):
            wanted |= set(node.inputs)
            found.append(number)
    return found[::-1]


def _tidy(name: str) -> str:
    """Return a name with dots between its parts, as labels are written."""
    return re.sub(r"\.{2,}", ".", re.sub(r"[^\w.\-]+", ".", name)).strip(".-")


def node_label(node: OnnxNode) -> str:
    """Return a node's label: modules and operator, with dots.

    Example:
        >>> node_label(OnnxNode("Gemm", "", "/mlp/mlp.0/Gemm", (), ("y",), {}))
        'mlp.0.Gemm'
    """
    return _tidy(".".join(_path(node))) or node.op


def _path(node: OnnxNode) -> list[str]:
    """Return the parts of a node's name: modules from the outside in, and the operator.

    `mlp/mlp.0/Gemm` is how torch writes the layer `0` of `mlp`: [`mlp`, `0`, `Gemm`].
    """
    path: list[str] = []
    before = ""
    for part in filter(None, (node.name or node.outputs[0]).split("/")):
        path.append(part.removeprefix(before + ".") if before else part)
        before = part
    return path


@dataclasses.dataclass(frozen=True)
class _Modules:
    """How the arrays that modules give are called.

    Attributes:
        labels: Node -> its label; the module's where the node is the module's own and gives its
            output.
        outer: Node -> the modules further out whose output it gives, from the inside out.
    """

    labels: Mapping[int, str]
    outer: Mapping[int, Sequence[str]]


def _modules(graph: OnnxGraph, attempt: _Translation) -> _Modules:
    """Return which node gives each module's output: the only one that is read outside of it."""
    scopes = {number: _scopes(graph.nodes[number]) for number in _needed(graph)}
    readers: dict[str, set[int]] = {}
    for number in scopes:
        for name in graph.nodes[number].inputs:
            readers.setdefault(name, set()).add(number)
    exits: dict[str, set[int]] = {}
    for number, own in scopes.items():
        for name in filter(attempt.varies, graph.nodes[number].outputs):
            for scope in own:
                inside = all(scope in scopes[reader] for reader in readers.get(name, ()))
                if name in graph.outputs or not inside:
                    exits.setdefault(scope, set()).add(number)
    labels = {number: node_label(graph.nodes[number]) for number in attempt.made}
    makers = {signal.text: number for number, signal in attempt.made.items()}
    outer: dict[int, list[str]] = {}
    for scope, numbers in sorted(exits.items(), key=lambda pair: -pair[0].count(".")):
        given = attempt.given_by(min(numbers)) if len(numbers) == 1 else None
        maker = makers.get(given.text) if given is not None else None
        if maker is None or scope not in scopes[maker]:
            continue
        if scopes[maker][-1] == scope and labels[maker] == node_label(graph.nodes[maker]):
            labels[maker] = scope
        else:
            outer.setdefault(min(numbers), []).append(scope)
    return _Modules(labels, outer)


def _scopes(node: OnnxNode) -> list[str]:
    """Return the modules that a node is in, from the outside in."""
    path = _path(node)[:-1]
    return [_tidy(".".join(path[: depth + 1])) for depth in range(len(path))]

"""ONNX files read as what they are: a list of nodes and arrays of numbers. No code runs."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from causalopt.errors import CausaloptError, FileError, Location
from causalopt.extras import need
from causalopt.importers.network_builder import NetworkError

MAX_BYTES = (1 << 31) - 1  # protobuf's own limit
MAX_NUMBERS = 1 << 28


@dataclasses.dataclass(frozen=True)
class OnnxNode:
    """One node: an operator on named arrays."""

    op: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    @property
    def shown(self) -> str:
        """What messages call it."""
        op = f"{self.domain}.{self.op}" if self.domain else self.op
        return f"node '{self.name or self.outputs[0]}' ({op})"


@dataclasses.dataclass(frozen=True)
class OnnxInput:
    """One input: its name, its sizes (a name for an open one), whether it is whole numbers."""

    name: str
    sizes: tuple[int | str, ...]
    is_integer: bool


@dataclasses.dataclass(frozen=True)
class OnnxGraph:
    """The graph of a file, its weights in memory."""

    nodes: tuple[OnnxNode, ...]
    inputs: tuple[OnnxInput, ...]
    outputs: tuple[str, ...]
    weights: dict[str, np.ndarray[Any, Any]]
    opset: int
    producer: str
    file: str | None


def read_onnx(path: str | os.PathLike[str]) -> OnnxGraph:
    """Return the graph of an ONNX file.

    Raises:
        FileError: It cannot be read, is no ONNX file or is damaged.
        NetworkError: It has what no model could have, such as text.
        MissingPackageError: onnx is not installed.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise FileError(
                f"{size / 1e9:.3g} GB in one file, the limit is {MAX_BYTES / 1e9:.3g} GB: export "
                "with its weights as external data",
                Location(str(file)),
            )
        content = file.read_bytes()
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"cannot read '{file}': {error.strerror}") from None
    return read_onnx_bytes(content, file=file)


def read_onnx_bytes(content: bytes, *, file: Path | None) -> OnnxGraph:
    """Return the graph that an ONNX file's bytes hold."""
    _refuse_others(content, file)
    need("onnx", "an ONNX file")
    import onnx

    place = Location(str(file)) if file else Location()
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(content)
    except Exception:  # protobuf's DecodeError, which has no types
        raise FileError("this is no ONNX file, or it is damaged or cut off", place) from None
    if not proto.graph.node and not proto.graph.output:
        raise FileError("this is no ONNX file, or it is damaged: it has no graph", place)
    return _Reader(onnx, proto, file, place).graph()


def _refuse_others(content: bytes, file: Path | None) -> None:
    """Refuse files of other kinds that go under this name."""
    place = Location(str(file)) if file else Location()
    kinds = {
        b"\x80": "a pickle",
        b"PK": "a zip file, such as torch.save writes",
        b"\x89HDF": "an HDF5 file",
    }
    for start, kind in kinds.items():
        if content.startswith(start):
            raise FileError(
                f"this is {kind}, not ONNX, and loading it could run code: load it yourself with "
                "what wrote it and call causalopt.from_torch(module, example)",
                place,
            )
    if not content:
        raise FileError("the file is empty", place)


class _Reader:
    def __init__(self, onnx: Any, proto: Any, file: Path | None, place: Location) -> None:
        self.onnx, self.proto, self.file, self.place = onnx, proto, file, place

    def graph(self) -> OnnxGraph:
        self._check()
        graph = self.proto.graph
        if graph.sparse_initializer:
            raise self._error("it has sparse weights: write them densely")
        self._check_names(graph)
        weights = {t.name: self.array(t, f"weight '{t.name}'") for t in graph.initializer}
        total = sum(values.size for values in weights.values())
        if total > MAX_NUMBERS:
            raise self._error(f"{total:,} weights, the limit is {MAX_NUMBERS:,}")
        opsets = {entry.domain: entry.version for entry in self.proto.opset_import}
        return OnnxGraph(
            tuple(self._node(node) for node in graph.node),
            tuple(self._input(value) for value in graph.input if value.name not in weights),
            tuple(value.name for value in graph.output),
            weights,
            int(opsets.get("", opsets.get("ai.onnx", 1))),
            " ".join(filter(None, [self.proto.producer_name, self.proto.producer_version])),
            str(self.file) if self.file else None,
        )

    def _check_names(self, graph: Any) -> None:
        """Refuse names that are no text: of these protobuf gives the bytes."""
        names = [value.name for value in (*graph.initializer, *graph.input, *graph.output)]
        names += [self.proto.producer_name, self.proto.producer_version]
        names += [dim.dim_param for v in graph.input for dim in v.type.tensor_type.shape.dim]
        for node in graph.node:
            names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        for name in names:
            if not isinstance(name, str):
                raise FileError(f"it is damaged: {name!r} is a name and no text", self.place)

    def _error(self, message: str) -> NetworkError:
        return NetworkError(message, self.place)

    def _check(self) -> None:
        external = any(self._is_external(t) for t in self.proto.graph.initializer)
        try:
            if self.proto.functions:
                self.proto = self.onnx.inliner.inline_local_functions(self.proto)
            if not external:
                self.onnx.checker.check_model(self.proto)
        except Exception as error:  # the checker raises many kinds
            reason = " ".join(str(error).split())
            raise FileError(f"the graph is not valid ONNX: {reason[:300]}", self.place) from None

    @staticmethod
    def _is_external(tensor: Any) -> bool:
        return bool(tensor.data_location == 1 or tensor.external_data)

    def array(self, tensor: Any, what: str) -> np.ndarray[Any, Any]:
        """Return a tensor's numbers, after its size was held against what there is."""
        shape = tuple(tensor.dims)
        if any(size < 0 for size in shape) or math.prod(shape) > MAX_NUMBERS:
            raise self._error(
                f"{what} has the shape {list(shape)}: at most {MAX_NUMBERS:,} numbers are read"
            )
        if tensor.data_type == self.onnx.TensorProto.STRING:
            raise self._error(f"{what} is text, and a model has numbers")
        try:
            dtype = self.onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
            if self._is_external(tensor):
                values = self._external(tensor, what, np.dtype(dtype)).reshape(shape)
            else:
                values = self.onnx.numpy_helper.to_array(tensor)
        except CausaloptError:
            raise
        except Exception:  # of onnx or numpy: which one depends on what is damaged
            raise FileError(
                f"{what} is damaged: its data do not fill the shape {list(shape)}", self.place
            ) from None
        if values.dtype.kind not in "biuf":
            values = values.astype(np.float64)
        if values.shape != shape:
            raise FileError(f"{what} is damaged: {values.shape} is not {shape}", self.place)
        return values

    def _external(self, tensor: Any, what: str, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """Return the numbers of a file beside this one, of no other."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        if self.file is None:
            raise self._error(f"{what} is in another file, and this graph has none beside it")
        folder = self.file.parent.resolve()
        target = (folder / location).resolve()
        inside = location and not Path(location).is_absolute() and folder in target.parents
        if not inside:
            raise self._error(
                f"{what} is in '{location}', outside the folder of the ONNX file: only files in "
                "that folder are read"
            )
        try:
            offset = int(entries.get("offset", 0))
            length = int(entries.get("length", dtype.itemsize * math.prod(tensor.dims)))
            if not target.is_file():
                raise FileError(f"{what} is in '{location}', which is not there", self.place)
            if offset < 0 or length != dtype.itemsize * math.prod(tensor.dims):
                raise ValueError
            with target.open("rb") as stream:
                stream.seek(offset)
                content = stream.read(length)
        except OSError as error:
            if isinstance(error, FileError):
                raise
            raise FileError(f"cannot read '{target}': {error.strerror}", self.place) from None
        return np.frombuffer(content, dtype=dtype.newbyteorder("<"))

    def _node(self, node: Any) -> OnnxNode:
        domain = "" if node.domain == "ai.onnx" else node.domain
        made = OnnxNode(node.op_type, domain, node.name, tuple(node.input), tuple(node.output), {})
        for attribute in node.attribute:
            made.attributes[attribute.name] = self._attribute(attribute, made)
        return made

    def _attribute(self, attribute: Any, node: OnnxNode) -> Any:
        kinds = self.onnx.AttributeProto
        what = f"'{attribute.name}' of {node.shown}"
        if attribute.type == kinds.TENSOR:
            return self.array(attribute.t, what)
        if attribute.type in (kinds.INT, kinds.FLOAT, kinds.INTS, kinds.FLOATS):
            value = self.onnx.helper.get_attribute_value(attribute)
            return [_meant(v) for v in value] if isinstance(value, Iterable) else _meant(value)
        if attribute.type == kinds.STRING:
            return attribute.s.decode("utf-8", "replace")
        if attribute.type == kinds.STRINGS:
            return [text.decode("utf-8", "replace") for text in attribute.strings]
        return None  # graphs within graphs, types: what has them is refused by its operator

    def _input(self, value: Any) -> OnnxInput:
        kind = value.type.tensor_type
        if not value.type.HasField("tensor_type"):
            raise self._error(f"the input '{value.name}' is no array")
        if kind.elem_type == self.onnx.TensorProto.STRING:
            raise self._error(f"the input '{value.name}' is text, and a model has numbers")
        sizes: list[int | str] = []
        for place, dim in enumerate(kind.shape.dim):
            known = dim.HasField("dim_value") and dim.dim_value > 0
            sizes.append(int(dim.dim_value) if known else str(dim.dim_param or f"dim{place}"))
        types = self.onnx.TensorProto
        whole = kind.elem_type in {
            *(types.INT8, types.INT16, types.INT32, types.INT64),
            *(types.UINT8, types.UINT16, types.UINT32, types.UINT64),
        }
        return OnnxInput(value.name, tuple(sizes), whole)


def _meant(value: Any) -> Any:
    """Return a number of an attribute, which ONNX keeps in float32, as the decimal that was meant.

    1e-5 is kept as 9.99999974737875e-06; the shortest decimal that is kept so is 1e-05 again.
    """
    return float(str(np.float32(value))) if isinstance(value, float) else value

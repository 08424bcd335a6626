"""One ONNX node at work: its inputs, attributes and names, as operators read them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from causalopt.importers.network_builder import (
    Kind,
    NetworkAxis,
    NetworkBuilder,
    NetworkError,
    Signal,
)
from causalopt.importers.onnx_file import OnnxNode

_REQUIRED = object()


class AxisNeededError(Exception):
    """A dim turns out to be the steps, or the batch: the translation begins again and knows it."""

    def __init__(self, axis: NetworkAxis, kind: Kind) -> None:
        super().__init__(kind)
        self.axis, self.kind = axis, kind


@dataclasses.dataclass(frozen=True)
class OnnxCall:
    """One node at work: its inputs as signals, its attributes, and how its output is called."""

    net: NetworkBuilder
    node: OnnxNode
    inputs: tuple[Signal | None, ...]
    label: str
    name: str | None
    scope: str
    opset: int

    def error(self, message: str) -> NetworkError:
        """Return an error about this node."""
        return self.net.error(message)

    def get(self, key: str, default: Any = _REQUIRED) -> Any:
        """Return an attribute."""
        value = self.node.attributes.get(key, default)
        if value is _REQUIRED or (value is None and default is _REQUIRED):
            raise self.error(f"the attribute '{key}' is missing")
        return value

    def maybe(self, place: int) -> Signal | None:
        """Return an input, None where it is left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    def input(self, place: int) -> Signal:
        """Return an input that must be there."""
        found = self.maybe(place)
        if found is None:
            raise self.error(f"input {place} is missing")
        return found

    def numbers(self, place: int, key: str | None, default: Any = _REQUIRED) -> Any:
        """Return an array that must not depend on the network's input, or an attribute."""
        signal = self.maybe(place)
        if signal is None:
            if key is not None and key in self.node.attributes:
                return np.asarray(self.node.attributes[key])
            if default is _REQUIRED:
                raise self.error(f"input {place} is missing")
            return default
        if signal.constant is None:
            raise self.error(
                f"input {place} depends on the network's input, and shapes, places and settings "
                "are to be constants: export with fixed shapes"
            )
        return signal.constant

    def whole(self, place: int, key: str | None, default: Any = _REQUIRED) -> list[int] | None:
        """Return whole numbers, as `numbers`."""
        found = self.numbers(place, key, default)
        return None if found is None else [int(v) for v in np.asarray(found).reshape(-1)]

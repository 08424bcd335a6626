"""A network on its way to a model: variables, rules and weights, with dims named at the end.

Every importer speaks to a `NetworkBuilder`. It collects one variable for each operation, and the
weights that operations read. Two arrays that are added, or multiplied along a dim, have that dim in
common: the builder joins them, so that in the model it has one name.

A batch is one example and its dim is dropped. The dim of steps of a recurrent network is dropped
too: rules then stand for one step, and read `v[t]` in place of `v`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from causalopt.errors import CausaloptError, Location
from causalopt.language.scope import reserved
from causalopt.model.array_source import ArraySource
from causalopt.model.model import Model
from causalopt.tensors.tensor_scope import tensor_function_names

Kind = Literal["plain", "batch", "step"]
MASKED = -1e300  # what -inf in a mask becomes: its exponential is 0 too
_TOKEN = re.compile("\x01([vlda])(\\d+)(?::([\\d,]*))?\x02")


class NetworkError(CausaloptError, ValueError):
    """A network that this language has no words for; the message names the place and a way out."""


class NetworkAxis:
    """A dim that arrays of a network may share.

    Attributes:
        size: How many elements it has; of steps of unknown number 1.
        hint: What it might be called.
        kind: Whether arrays have it (`plain`), or it is a batch of one or the steps, and dropped.
    """

    _numbers = itertools.count()

    def __init__(self, size: int, hint: str | None = None, kind: Kind = "plain") -> None:
        self.size, self.hint, self.kind = size, hint, kind
        self.number = next(self._numbers)
        self._same: NetworkAxis | None = None

    @property
    def root(self) -> NetworkAxis:
        """The dim that this one was found to be."""
        found = self
        while found._same is not None:
            found = found._same
        return found

    @property
    def is_plain(self) -> bool:
        """Whether arrays of the model have it."""
        return self.kind == "plain"

    def join(self, other: NetworkAxis) -> None:
        """Let two dims be one; the older keeps its name."""
        first, second = sorted((self.root, other.root), key=lambda axis: axis.number)
        if first is not second:
            second._same = first
            first.hint = first.hint or second.hint

    def suggest(self, name: str) -> None:
        """Say what the dim might be called, where nothing is said yet."""
        self.root.hint = self.root.hint or name


Axes = tuple[NetworkAxis, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Signal:
    """An array of the network: what an operation gives, an input, or a weight.

    Attributes:
        axes: All its dims, in the network's own order, batch and steps included.
        text: How rules of the model read it; empty for a constant that no rule read yet.
        constant: The numbers, of a weight or of what follows from weights alone.
        label: What the network calls it.
        turned: Of a matrix that is another one transposed, that other one.
        base: Of an array that is another one with dims of one element, that other one.
    """

    axes: Axes
    text: str = ""
    constant: np.ndarray[Any, Any] | None = None
    label: str = ""
    turned: Signal | None = None
    base: Signal | None = None

    @property
    def plain(self) -> Axes:
        """The dims that the model's array has."""
        return tuple(axis for axis in self.axes if axis.is_plain)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of all dims."""
        return tuple(axis.size for axis in self.axes)

    @property
    def is_number(self) -> bool:
        """Whether it is a constant of one number."""
        return self.constant is not None and self.constant.size == 1


@dataclasses.dataclass
class _Declared:
    name: str
    label: str
    axes: Axes
    rule: str | None = None
    weights: str | None = None
    initial: float | None = None
    is_integer: bool = False


class NetworkBuilder:
    """Collects a model's variables and weights.

    Args:
        has_steps: Whether the network is recurrent: rules then speak of steps.
        file: The file it comes from, for messages.
    """

    def __init__(self, *, has_steps: bool = False, file: str | None = None) -> None:
        self.has_steps, self.file = has_steps, file
        self.weights: dict[str, np.ndarray[Any, Any]] = {}
        self.notes: list[str] = []
        self._declared: list[_Declared] = []
        # By the array's identity; the array is kept with it, so that no other takes its place.
        self._weight_signals: dict[int, tuple[Any, Signal]] = {}
        self._axes: dict[int, NetworkAxis] = {}
        self._taken: set[str] = set(reserved() | tensor_function_names())
        self._labels: set[str] = set()
        self._inputs: list[str] = []
        self._reserved: dict[str, str] = {}

    def error(self, message: str) -> NetworkError:
        """Return an error that names the network's file."""
        return NetworkError(message, Location(self.file) if self.file else None)

    # Names

    def claim(self, wanted: str) -> str:
        """Return a name that rules can read and nothing else has yet."""
        name = re.sub(r"_*\W+_*", "_", wanted, flags=re.ASCII).strip("_") or "node"
        name = f"layer_{name}" if name[0].isdigit() else name
        for end in itertools.chain([""], (f"_{n}" for n in itertools.count(2))):
            if name + end not in self._taken:
                self._taken.add(name + end)
                return name + end
        raise AssertionError

    def reserve(self, label: str) -> str:
        """Return the name that the variable of a label will have, for rules that come before it."""
        if label not in self._reserved:
            self._reserved[label] = self.claim(label)
        return self._reserved[label]

    def _label(self, wanted: str) -> str:
        for end in itertools.chain([""], (f"_{n}" for n in itertools.count(2))):
            if wanted + end not in self._labels:
                self._labels.add(wanted + end)
                return wanted + end
        raise AssertionError

    # Texts: tokens that become names when all is known

    def new_dims(self, axes: Iterable[NetworkAxis]) -> list[str]:
        """Return dims as reshape, zeros, ... take them: a name, or a size."""
        return [self._token("d", axis) for axis in axes]

    def place(self, axes: Axes, index: int) -> str:
        """Return the word for one dim of an array that has these: its name, or dim0, dim1, ..."""
        numbers = ",".join(str(self._number(axis)) for axis in axes)
        return f"\x01a{index}:{numbers}\x02"

    def _number(self, axis: NetworkAxis) -> int:
        self._axes[axis.number] = axis
        return axis.number

    def _token(self, kind: str, axis: NetworkAxis) -> str:
        return f"\x01{kind}{self._number(axis)}\x02"

    def read(self, signal: Signal, *, masks: bool = False) -> str:
        """Return how a rule reads an array: a variable, or the number it is.

        Args:
            signal: The array.
            masks: Whether it may be a mask, in which -inf is the most negative number here.
        """
        if signal.text:
            return signal.text
        assert signal.constant is not None
        if signal.is_number:
            return self._literal(float(signal.constant.reshape(())), signal, masks)
        if signal.turned is not None:
            return f"transpose({self.read(signal.turned)})"
        key = id(signal.constant)
        if key not in self._weight_signals:
            values = self._finite(signal.constant, signal, masks)
            found = self.weight(signal.label, values, signal.axes)
            self._weight_signals[key] = signal.constant, found
        _, known = self._weight_signals[key]
        for mine, first in zip(signal.axes, known.axes, strict=True):
            mine.join(first)
        return known.text

    def _literal(self, value: float, signal: Signal, masks: bool) -> str:
        value = float(self._finite(np.array(value), signal, masks))
        text = repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
        return f"({text})" if value < 0 else text

    def _finite(
        self, values: np.ndarray[Any, Any], signal: Signal, masks: bool
    ) -> np.ndarray[Any, Any]:
        masked = np.isneginf(values)
        if masks and masked.any():
            self.notes.append(
                f"-inf in '{signal.label or 'a mask'}' is written {MASKED:g}, whose exponential is "
                "0 too"
            )
            values = np.where(masked, MASKED, values.astype(float))
        if not np.isfinite(values).all():
            place = np.argwhere(~np.isfinite(values))[0].tolist()
            raise self.error(
                f"'{signal.label}' is {values[tuple(place)]} at {place}: finite numbers are "
                "expected"
            )
        return values

    # Declarations

    def weight(self, label: str, values: np.ndarray[Any, Any], axes: Axes | None = None) -> Signal:
        """Declare a weight: an array that a file has.

        Raises:
            NetworkError: Its numbers are not finite.
        """
        if not np.isfinite(values).all():
            place = np.argwhere(~np.isfinite(values))[0].tolist()
            raise self.error(
                f"the weight '{label}' is {values[tuple(place)]} at {place}: finite numbers are "
                "expected"
            )
        axes = axes or tuple(NetworkAxis(size) for size in values.shape)
        name = self.claim(label or "weight")
        self.weights[name] = np.asarray(values, dtype=float)
        rule = self._reference(name, lag=1) if self.has_steps else None
        self._declared.append(_Declared(name, self._label(label or name), axes, rule, name))
        return Signal(axes, self._reference(name), label=label)

    def given(
        self,
        label: str,
        axes: Axes,
        values: np.ndarray[Any, Any] | None = None,
        *,
        is_integer: bool = False,
    ) -> Signal:
        """Declare an input; `values` are those that it starts from."""
        name = self.claim(label)
        plain = tuple(axis for axis in axes if axis.is_plain)
        if values is not None:
            self.weights[name] = np.asarray(values, dtype=float)
        stored = name if values is not None else None
        declared = _Declared(name, self._label(label), plain, None, stored, None, is_integer)
        self._declared.append(declared)
        if not is_integer:
            self._inputs.append(name)
        return Signal(axes, self._reference(name), label=label)

    def variable(
        self,
        label: str,
        axes: Axes,
        rule: str,
        *,
        name: str | None = None,
        initial: np.ndarray[Any, Any] | float | None = None,
    ) -> Signal:
        """Declare what an operation gives.

        Args:
            label: What the network calls it.
            axes: Its dims, batch and steps included.
            rule: The text of its rule.
            name: What the model calls it, where the label is not to say so.
            initial: Of a state its value before the first step.
        """
        own = self._reserved.pop(label, "") or self.claim(name or label)
        plain = tuple(axis for axis in axes if axis.is_plain)
        made = _Declared(own, self._label(label), plain, rule)
        if isinstance(initial, np.ndarray) and initial.any():
            self.weights[own], made.weights = np.asarray(initial, dtype=float), own
        elif initial is not None:
            made.initial = 0.0 if isinstance(initial, np.ndarray) else initial
        self._declared.append(made)
        return Signal(axes, self._reference(own), label=label)

    def _reference(self, name: str, lag: int = 0) -> str:
        if not self.has_steps:
            return name
        return f"{name}[t-{lag}]" if lag else f"{name}[t]"

    def declares(self, signal: Signal) -> bool:
        """Whether an array is a variable, not what a rule writes out in another shape."""
        return any(self._reference(d.name) == signal.text for d in self._declared)

    def find(self, label: str, axes: Axes) -> Signal:
        """Return a variable that was declared under a label, with these dims."""
        declared = next(d for d in self._declared if d.label == label)
        return Signal(axes, self._reference(declared.name), label=label)

    def constant(self, values: Any, label: str = "") -> Signal:
        """Return an array of numbers, declared only when a rule reads it."""
        array = np.asarray(values)
        return Signal(tuple(NetworkAxis(size) for size in array.shape), "", array, label)

    # What operations are made of

    def aligned(self, *signals: Signal) -> tuple[list[str], Axes]:
        """Return texts whose arrays join element by element as the signals do, and the dims."""
        rank = max(len(signal.axes) for signal in signals)
        axes: list[NetworkAxis] = []
        for place in range(rank, 0, -1):
            found = [s.axes[-place].root for s in signals if len(s.axes) >= place]
            axes.append(self.joint(found))
        return [self._fitted(signal, tuple(axes)) for signal in signals], tuple(axes)

    def joint(self, found: Sequence[NetworkAxis]) -> NetworkAxis:
        """Return the dim that dims of several arrays join to, as numpy joins them.

        Raises:
            NetworkError: They have other sizes, of which none is 1.
        """
        large = [axis for axis in found if axis.size != 1 or not axis.is_plain]
        plain = [axis for axis in large if axis.is_plain]
        if not large:
            return found[0]
        sizes = {axis.size for axis in large if axis.size != 1}
        if len(sizes) > 1:
            raise self.error(f"arrays of {sorted(sizes)} elements along a dim do not join")
        if plain and any(axis.kind == "step" for axis in large):
            raise self.error("an array that differs from step to step is no part of a rule")
        chosen = plain or large
        for axis in chosen[1:]:
            chosen[0].join(axis)
        return chosen[0].root

    def _fitted(self, signal: Signal, axes: Axes) -> str:
        """Return an array's text, in a shape that joins with others to these dims."""
        text = self.read(signal, masks=True)
        if signal.is_number:
            return text
        own = axes[len(axes) - len(signal.axes) :]
        wanted = [mine for mine, joint in zip(signal.axes, own, strict=True) if joint.is_plain]
        wanted = [axis if axis.is_plain else NetworkAxis(1) for axis in wanted]
        while wanted and wanted[0].size == 1 and len(wanted) > len(signal.plain):
            wanted.pop(0)
        if [a.size for a in wanted] == [a.size for a in signal.plain]:
            return text
        return self.reshaped(text, wanted)

    def reshaped(self, text: str, axes: Iterable[NetworkAxis]) -> str:
        """Return the text of an array in another shape."""
        return f"reshape({', '.join([text, *self.new_dims(axes)])})"

    # The model

    def declaration(
        self, outputs: Sequence[Signal], **texts: Any
    ) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
        """Return the model's declaration and its arrays, all names settled.

        Args:
            outputs: The network's outputs; the first is the target of the model's question.
            texts: Further keys: name, title, source, description.
        """
        outputs = [s if self.declares(s) else self._own(s) for s in outputs]
        names = self._names()
        variables = {d.name: self._declare(d, names) for d in self._declared}
        sizes = {
            name: self._axes[number].size
            for number, name in names.items()
            if self._axes[number].root.number == number
        }
        target = outputs[0].text.removesuffix("[t]")
        question = {"target": target}
        if self._inputs:
            question["nudge"] = self._inputs[0] + ("[1]" if self.has_steps else "")
        data = {**texts, "sizes": sizes, "variables": variables, "question": question}
        return {key: value for key, value in data.items() if value}, self.weights

    def _own(self, signal: Signal) -> Signal:
        """Return an output as a variable of its own."""
        return self.variable("output", signal.axes, self.read(signal))

    def model(self, outputs: Sequence[Signal], **texts: Any) -> Model:
        """Return the network as a model."""
        data, weights = self.declaration(outputs, **texts)
        return Model(ArraySource(arrays=weights), **data)

    def _names(self) -> dict[int, str]:
        """Return what each named dim is called; dims of one element have no name."""
        written, self._axes = self._axes, {}
        for declared in self._declared:
            for axis in declared.axes:
                self._number(axis)
        self._axes |= written
        names: dict[int, str] = {}
        for root in dict.fromkeys(axis.root for axis in list(self._axes.values())):
            self._number(root)
            if root.size > 1 and root.is_plain and root.hint:
                names[root.number] = self.claim(root.hint)
        return {
            number: names[axis.root.number]
            for number, axis in self._axes.items()
            if axis.root.number in names
        }

    def _declare(self, declared: _Declared, names: Mapping[int, str]) -> dict[str, Any]:
        shape: list[int | str] = [names.get(a.number, a.size) for a in declared.axes]
        stream = self.has_steps and declared.rule is None
        found: dict[str, Any] = {
            "shape": shape or None,
            "rule": self._settled(declared.rule, names) if declared.rule is not None else None,
            "label": declared.label if declared.label != declared.name else None,
            "initial": declared.initial,
        }
        if declared.weights is not None:
            found["data" if stream else "values"] = f"#{declared.weights}"
        if declared.is_integer:
            found["kind"] = "integer"
        return {key: value for key, value in found.items() if value is not None}

    def _settled(self, text: str, names: Mapping[int, str]) -> str:
        """Return a text with every dim by its name."""

        def word(match: re.Match[str]) -> str:
            kind, number = match[1], int(match[2])
            if kind == "d":
                return names.get(number, str(self._axes[number].size))
            numbers = [int(n) for n in match[3].split(",")]
            called = [names.get(n) for n in numbers]
            name = called[number]
            return name if name is not None and called.count(name) == 1 else f"dim{number}"

        return _TOKEN.sub(word, text)


def product(axes: Iterable[NetworkAxis]) -> int:
    """Return how many elements an array of these dims has."""
    return math.prod(axis.size for axis in axes)

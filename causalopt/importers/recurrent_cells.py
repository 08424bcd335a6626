"""Recurrent layers by their weights: a step of the network is a step of the model.

At t = 0 a model has the states before the first step, and step t reads the input at t, from 1 on.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np

from causalopt.importers.network_builder import NetworkAxis, NetworkBuilder, Signal

Cell = Literal["rnn_tanh", "rnn_relu", "gru", "lstm"]


@dataclasses.dataclass(frozen=True)
class CellWeights:
    """The weights of one recurrent layer, gates in the order of `gates`.

    Attributes:
        cell: Which cell.
        gates: A letter a gate: `ifgo` is torch's LSTM, `iofg` ONNX's; `rzn` torch's GRU, `zrn`
            ONNX's; `h` of a plain one.
        inputs: [gates*unit, in].
        states: [gates*unit, unit].
        input_bias: [gates*unit].
        state_bias: [gates*unit].
        resets_after: Of a GRU whether the reset gate multiplies the product, bias and all.
        start: The states before the first step, by their letter (h, c), each [unit].
    """

    cell: Cell
    gates: str
    inputs: Signal
    states: Signal
    input_bias: Signal | None = None
    state_bias: Signal | None = None
    resets_after: bool = True
    start: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)


def recurrent_layer(net: NetworkBuilder, x: Signal, weights: CellWeights, label: str) -> Signal:
    """Return the states h of a recurrent layer at step t, [..., unit].

    Args:
        net: The network, with steps.
        x: Its input at step t, [..., in], with a batch at most beside.
        weights: Its weights.
        label: What the network calls it; gates are `label.i`, `label.f`, ...
    """
    if len(x.plain) != 1:
        raise net.error(f"a recurrent layer reads one dim a step, found {len(x.plain)}")
    count = weights.states.axes[1].size
    if weights.states.sizes != (len(weights.gates) * count, count):
        raise net.error(
            f"the weight of states has the shape {list(weights.states.sizes)}, expected "
            f"{[len(weights.gates) * count, count]}"
        )
    if weights.inputs.sizes != (len(weights.gates) * count, x.plain[0].size):
        raise net.error(
            f"the weight of inputs has the shape {list(weights.inputs.sizes)}, expected "
            f"{[len(weights.gates) * count, x.plain[0].size]}"
        )
    return _Layer(net, x, weights, label, NetworkAxis(count, f"{label}_unit")).output()


class _Layer:
    """The variables of one layer."""

    def __init__(
        self, net: NetworkBuilder, x: Signal, weights: CellWeights, label: str, unit: NetworkAxis
    ) -> None:
        self.net, self.weights, self.label, self.unit = net, weights, label, unit
        self.axes = (*x.axes[:-1], unit)
        weights.inputs.axes[1].join(x.axes[-1])
        weights.states.axes[1].join(unit)
        if len(weights.gates) == 1:
            weights.states.axes[0].join(unit)
        self.rows = weights.states.axes[0]
        self.rows.suggest(f"{label}_gate")
        self.rows.join(weights.inputs.axes[0])
        for bias in (weights.input_bias, weights.state_bias):
            if bias is not None:
                self.rows.join(bias.axes[0])
        self.from_input = self._sum(weights.inputs, net.read(x), weights.input_bias)

    def _sum(self, matrix: Signal, text: str, bias: Signal | None) -> str:
        found = f"{self.net.read(matrix)} @ {text}"
        return found if bias is None else f"{found} + {self.net.read(bias)}"

    def output(self) -> Signal:
        """Declare the gates and states, and return h."""
        cell = self.weights.cell
        if cell == "gru":
            return self._gru()
        return self._lstm() if cell == "lstm" else self._plain("tanh" if "tanh" in cell else "relu")

    def _before(self, label: str) -> str:
        """Return how a rule reads a state one step earlier, before it is declared."""
        return f"{self.net.reserve(label)}[t-1]"

    def _rows(self, text: str, gate: str) -> str:
        place, size = self.weights.gates.index(gate), self.unit.size
        return f"{text}[{place * size}:{(place + 1) * size}]"

    def _gates_variable(self, name: str, rule: str) -> Signal:
        return self.net.variable(
            f"{self.label}.{name}", (*self.axes[:-1], self.rows), rule, initial=0.0
        )

    def _start(self, letter: str) -> np.ndarray:
        return np.asarray(self.weights.start.get(letter, np.zeros(self.unit.size)), dtype=float)

    def _plain(self, function: str) -> Signal:
        weights = self.weights
        past = self._sum(weights.states, self._before(self.label), weights.state_bias)
        rule = f"{function}({self.from_input} + {past})"
        return self.net.variable(self.label, self.axes, rule, initial=self._start("h"))

    def _lstm(self) -> Signal:
        net, weights, label = self.net, self.weights, self.label
        past = self._sum(weights.states, self._before(label), weights.state_bias)
        gates = self._gates_variable("gates", f"{self.from_input} + {past}")
        gate = {
            letter: net.variable(
                f"{label}.{letter}",
                self.axes,
                f"{'tanh' if letter == 'g' else 'sigmoid'}({self._rows(gates.text, letter)})",
            )
            for letter in "ifgo"
        }
        rule = f"{gate['f'].text}*{self._before(f'{label}.c')} + {gate['i'].text}*{gate['g'].text}"
        cell = net.variable(f"{label}.c", self.axes, rule, initial=self._start("c"))
        rule = f"{gate['o'].text}*tanh({cell.text})"
        return net.variable(label, self.axes, rule, initial=self._start("h"))

    def _gru(self) -> Signal:
        net, weights, label = self.net, self.weights, self.label
        h = self._before(label)
        now = self._gates_variable("from_input", self.from_input)
        past_rule = self._sum(weights.states, h, weights.state_bias)
        past = self._gates_variable("from_state", past_rule)
        gate = {
            letter: net.variable(
                f"{label}.{letter}",
                self.axes,
                f"sigmoid({self._rows(now.text, letter)} + {self._rows(past.text, letter)})",
            )
            for letter in "rz"
        }
        new = self._rows(past.text, "n")
        if weights.resets_after:
            rule = f"tanh({self._rows(now.text, 'n')} + {gate['r'].text}*{new})"
        else:
            matrix = f"{self._rows(net.read(weights.states), 'n')} @ ({gate['r'].text}*{h})"
            bias = weights.state_bias
            more = f" + {self._rows(net.read(bias), 'n')}" if bias is not None else ""
            rule = f"tanh({self._rows(now.text, 'n')} + {matrix}{more})"
        n = net.variable(f"{label}.n", self.axes, rule, initial=0.0)
        rule = f"(1 - {gate['z'].text})*{n.text} + {gate['z'].text}*{h}"
        return net.variable(label, self.axes, rule, initial=self._start("h"))

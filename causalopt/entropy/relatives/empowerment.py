"""Empowerment: how much an actuator could tell a sensor (Klyubin, Polani and Nehaniv).

The capacity of the channel from what A does to what is sensed later,

    C = max over p(a) of I(a; s),

by the Blahut-Arimoto iteration, stopped when its own upper and lower bounds meet.

Sources: A. Klyubin, D. Polani, C. Nehaniv, "Empowerment: A Universal Agent-Centric Measure of
Control", 2005; R. Blahut, "Computation of channel capacity", 1972; S. Arimoto, 1972.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from causalopt.entropy.declared import finite_model
from causalopt.entropy.information import Unit, are_laws, per_nat
from causalopt.errors import QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import Law, law_of
from causalopt.laws.space import Label
from causalopt.model.model import Model
from causalopt.work.progress import Progress, long_work

Channel = npt.NDArray[np.float64]
"""P(output | input), shape (inputs, outputs)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Capacity:
    """A channel's capacity, between two bounds.

    Args:
        value: The lower bound, reached by `law`.
        upper: The upper bound.
        law: The law over inputs that reaches `value`.
        iterations: How many were made.
        status: `ok`, or `unresolved` when the bounds had not met after the last iteration.
    """

    value: float
    upper: float
    law: npt.NDArray[np.float64]
    iterations: int
    status: str


def capacity(
    channel: Channel, *, unit: Unit = "bit", tolerance: float = 1e-10, iterations: int = 100_000
) -> Capacity:
    """Return the capacity of a discrete memoryless channel.

    Args:
        channel: P(output | input), shape (inputs, outputs).
        unit: Bits or nats.
        tolerance: How close the bounds must come, in nats.
        iterations: Most iterations to make.

    Raises:
        QuestionError: A row is not a probability law.

    Example:
        >>> round(capacity(np.array([[0.9, 0.1], [0.1, 0.9]])).value, 6)
        0.531004
    """
    W = np.asarray(channel, dtype=float)
    if W.ndim != 2 or not are_laws(W):
        raise QuestionError("a channel is a matrix whose rows are laws over the outputs")
    p = np.full(len(W), 1.0 / len(W))
    entropies = _xlogy(W, W).sum(axis=1)
    done = 0
    while done < iterations:
        done += 1
        divergences = entropies - _xlogy(W, p @ W).sum(axis=1)
        weights = p * np.exp(divergences)
        lower, upper = np.log(weights.sum()), divergences.max()
        if upper - lower <= tolerance:
            break
        p = weights / weights.sum()
    scale = per_nat(unit)
    status = "ok" if upper - lower <= tolerance else "unresolved"
    value = max(0.0, float(lower))
    return Capacity(value * scale, max(value, float(upper)) * scale, p, done, status)


def _xlogy(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    held = x > 0
    logs = np.log(np.where(held, y, 1.0))
    return np.where(held, x * logs, 0.0)


def channel(
    model: Model | DiscreteModel,
    state: Mapping[str, Label] | Sequence[Label],
    *,
    actuator: Iterable[str] | None = None,
    sensor: Iterable[str] | None = None,
    steps: int = 1,
) -> Channel:
    """Return P(sensor at t + steps | actuator set at t), all else at t as in `state`.

    Args:
        model: A model of finite domains.
        state: The state at t.
        actuator: The variables that are set, to each of their joint labels; A by default.
        sensor: The variables read later; B by default.
        steps: How many steps later.

    Returns:
        Shape (joint labels of the actuator, joint labels of the sensor).
    """
    tables = finite_model(model)
    space = tables.state
    actions = space.only(tables.A if actuator is None else actuator)
    read = space.only(tables.B if sensor is None else sensor)
    here = dict(zip(space.names, space.state(space.position(state)), strict=True))
    rows = []
    for choice in itertools.product(*actions.labels):
        set_to = here | dict(zip(actions.names, choice, strict=True))
        law: Law = law_of(space, {tuple(set_to[name] for name in space.names): 1})
        for _ in range(steps):
            law = sparse.step(tables, law)
        rows.append(law.marginal(read.names).dense().p.astype(float).reshape(-1))
    return np.array(rows)


@long_work("iterating")
def empowerment(
    model: Model | DiscreteModel,
    state: Mapping[str, Label] | Sequence[Label],
    *,
    actuator: Iterable[str] | None = None,
    sensor: Iterable[str] | None = None,
    steps: int = 1,
    progress: Progress | None = None,
    unit: Unit = "bit",
) -> Capacity:
    """Return the capacity of the channel from A's choice now to B later.

    Args:
        model: A model of finite domains.
        state: The state in which A chooses.
        actuator: The variables chosen; A by default.
        sensor: The variables read; B by default.
        steps: How many steps later.
        progress: Called with (done, total, what), in per cent.
        unit: Bits or nats.

    Example:
        >>> from causalopt import load
        >>> found = empowerment(load("thermostat_smart"), ["low", "warm"])
        >>> round(2**found.value, 6)  # as many rooms as A can choose between
        3.0
    """
    del progress  # long_work tells it
    model = finite_model(model)
    rows = channel(model, state, actuator=actuator, sensor=sensor, steps=steps)
    return capacity(rows, unit=unit)

"""Worlds: frozen assignments of values to all nodes of one graph.

W is the baseline, X the world in which one node of B was nudged, and Y the nudged world in which A
keeps its values from W.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.engine.executions import run_values
from causalopt.engine.plan import Floats
from causalopt.engine.python import Progress
from causalopt.errors import QuestionError, UnknownNameError
from causalopt.model.length import run_length
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection
from causalopt.model.template import unknown_name
from causalopt.worlds.interventions import Intervention, Nudge, Replace, plan_for
from causalopt.worlds.results import plot

if TYPE_CHECKING:
    import matplotlib.figure


@dataclasses.dataclass(frozen=True, eq=False)
class World:
    """One assignment of values to all nodes.

    Attributes:
        model: The model it is a world of.
        name: W, X, Y or the caller's name.
        interventions: What was done to the baseline, in order.
        steps: The last step.
        table: Values of every equation, stages included, shape [t, equation]; read-only.
    """

    model: Model
    name: str
    interventions: tuple[Intervention, ...]
    steps: int
    table: Floats

    def __getitem__(self, key: str | Node | tuple[str, int]) -> float | Floats:
        """Return a variable's values over t, or one node's value for a key such as `R[3]`.

        Raises:
            UnknownNameError: The variable is not declared.
        """
        template = self.model.template
        if isinstance(key, str) and "[" not in key:
            if key not in template.names:
                raise UnknownNameError(unknown_name(key, template))
            return self.table[:, template.index[key]]
        node = self.model.node(key)
        if node.t > self.steps:
            raise QuestionError(f"{node.variable}[{node.t}] lies after the last step {self.steps}")
        return float(self.table[node.t, template.index[node.variable]])

    def plot(self, *others: World) -> matplotlib.figure.Figure:
        """Return a figure of every variable over time, with other worlds of the model in it."""
        return plot(self, *others)

    def __repr__(self) -> str:
        done = ", ".join(_short(i) for i in self.interventions) or "baseline"
        return f"World({self.name}: {self.model.name}, t = 0..{self.steps}, {done})"


def _short(intervention: Intervention) -> str:
    if isinstance(intervention, Replace):
        return f"replace {intervention.nodes} from {intervention.world.name}"
    return repr(intervention)


def world(
    model: Model,
    *interventions: Intervention,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    name: str = "W",
    seed: int = 0,
    progress: Progress | None = None,
) -> World:
    """Return the world a model takes under interventions, applied in order.

    Args:
        model: The model.
        interventions: None for the baseline.
        steps: The last step; the model's question says it when not given.
        parameters: Values that replace the model's.
        initial: Initial values that replace the model's.
        name: What to call the world.
        seed: Which draws the noise variables make; a replica has another seed.
        progress: Called with the number of steps done, now and then.

    Example:
        >>> model = Model(name="m", variables={"x": {"rule": "x[t-1]/2", "initial": 1}})
        >>> world(model, Nudge("x[1]", 1), steps=2)["x"].tolist()
        [1.0, 1.5, 0.75]
    """
    model = model.replace(parameters=parameters, initial=initial)
    last = run_length(model, steps)
    plan = plan_for(model, interventions, steps=last, noise_seed=seed)
    trajectory = run_values(model.template.structure, plan, progress=progress)
    return World(model, name, tuple(interventions), last, _frozen(trajectory.values))


def three_worlds(
    model: Model, nudge: Node, hold: Selection, *, delta: float, steps: int
) -> tuple[World, World, World]:
    """Return W, X and Y for a finite nudge."""
    w = world(model, steps=steps)
    x = world(model, Nudge(nudge, delta), steps=steps, name="X")
    held = ", ".join(str(window) for window in hold)
    moves: list[Intervention] = [Nudge(nudge, delta)]
    if hold:
        moves.append(Replace(held, w))
    return w, x, world(model, *moves, steps=steps, name="Y")


def _frozen(values: Floats) -> Floats:
    table = np.ascontiguousarray(values)
    table.flags.writeable = False
    return table

"""A model as a chain: its random map, its coordinates, and where it starts."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from causalopt.descents.maps.outcomes import noise_outcomes
from causalopt.descents.maps.step_map import state_slots, step_map, written_out
from causalopt.errors import QuestionError
from causalopt.language.term import evaluate

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import RandomMap
    from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True)
class Chain:
    """What the grids and ensembles need of a model.

    Args:
        step: One step as a random map.
        start: The state the model starts from, one number a coordinate.
        coordinate: The coordinate that questions about a level mean.
    """

    step: RandomMap
    start: tuple[float, ...]
    coordinate: int

    def start_at(self, value: float) -> tuple[float, ...]:
        """Return the start with another value of the coordinate asked about."""
        start = list(self.start)
        start[self.coordinate] = value
        return tuple(start)


def chain_of(model: Model, target: str | None = None) -> Chain:
    """Return a model with finite noise as a chain.

    Args:
        model: The model; every variable carried from step to step is a coordinate.
        target: The coordinate that questions mean; by default the model's own target, else the
            first coordinate.

    Raises:
        QuestionError: The model has no chain (see `step_map`), the target is no coordinate, or a
            learning rate named T is not positive.

    Example:
        >>> from causalopt.model.files import load
        >>> chain_of(load("sgd_pit")).step.names
        ('W',)
    """
    temperature = model.template.parameter_values().get("T")
    if temperature is not None and temperature <= 0:
        raise QuestionError(f"the learning rate T is positive; T = {temperature} came")
    outcomes = noise_outcomes(model)
    step = step_map(model.template, outcomes)
    named = target or model.question.target
    if target is not None and target not in step.names:
        raise QuestionError(
            f"'{target}' is not carried from step to step; {', '.join(step.names)} are"
        )
    coordinate = step.names.index(named) if named in step.names else 0
    return Chain(step, start_of(model), coordinate)


def start_of(model: Model) -> tuple[float, ...]:
    """Return the state the model starts from, one number a coordinate.

    Raises:
        QuestionError: A coordinate has no initial value, or one that is not finite.

    Example:
        >>> from causalopt.model.files import load
        >>> start_of(load("sgd_swirl"))
        (0.5, 0.5)
    """
    noise = tuple(name for name, said in model.variables.items() if said.noise is not None)
    template = model.template
    initial = {equation.name: equation.initial for equation in template.equations}
    values = template.parameter_values()
    start = []
    for name, lag in state_slots(written_out(template, noise), noise):
        given = initial[name]
        if len(given) < lag:
            raise QuestionError(f"'{name}' has no initial value to start the chain from")
        # Slot lag 1 is the latest of the initial values.
        start.append(evaluate(given[-lag], lambda leaf: values[str(leaf.payload or leaf.op)]))
    if not all(math.isfinite(value) for value in start):
        raise QuestionError(f"the chain starts from {start}: initial values must be finite")
    return tuple(start)

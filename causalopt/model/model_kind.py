"""Of which kind a model is, and which commands fit it: for messages that refuse the others."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from causalopt.model.declaration import is_label_variable, motion

if TYPE_CHECKING:
    from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True)
class ModelKind:
    """A kind of model: its words, and the commands that answer for it."""

    words: str
    commands: tuple[str, ...]

    def instead(self, model: Model) -> str:
        """Return what to ask of such a model, as text."""
        asked = [f"`causalopt {command} {model.name}`" for command in self.commands]
        return f"ask {' or '.join(asked)}"


def kind_of(model: Model) -> ModelKind:
    """Return of which kind a model is.

    Example:
        >>> from causalopt import load
        >>> kind_of(load("thermostat_smart")).instead(load("thermostat_smart"))
        'ask `causalopt entropy thermostat_smart`'
    """
    variables = model.variables.values()
    if model.is_array:
        return ModelKind("a model with arrays", ("run", "watch"))
    if any(is_label_variable(variable) for variable in variables):
        return ModelKind("a model of labels", ("entropy",))
    if model.is_static:
        return ModelKind("a model without time", ("run", "derive"))
    if any(motion(variable) == "flow" for variable in variables):
        return ModelKind("a model of flows", ("run", "rates", "derive"))
    if any(variable.noise is not None for variable in variables):
        return ModelKind("a model of numbers with noise", ("run", "escape"))
    return ModelKind("a model of numbers", ("run", "rates", "derive"))

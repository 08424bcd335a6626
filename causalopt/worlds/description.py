"""What a model says: its variables with their rules, parameters and edges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from causalopt.model.graph import edge_list, rule_texts, side
from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True, eq=False)
class Description:
    """What a model says, its flows written as the rules that the integrator makes of them.

    Args:
        model: The model, checked.
        variables: Name (stages included) -> `side`, `initial` and `rule`.
        edges: Lines such as `R[t-1] -> T[t]`.
    """

    model: Model
    variables: Mapping[str, Mapping[str, Any]]
    edges: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the description as JSON's types."""
        model = self.model
        parameters = model.template.parameter_values()
        return {
            "name": model.name,
            "title": model.title,
            "source": model.source,
            "static": model.is_static,
            "dt": parameters.pop("dt"),
            "method": model.method,
            "variables": self.variables,
            "parameters": parameters,
            "edges": list(self.edges),
            "question": model.question.model_dump(exclude_none=True),
            "hash": model.fingerprint,
        }


def describe(
    model: Model,
    *,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
) -> Description:
    """Return what a model says, under other parameter and initial values if given.

    Raises:
        UnknownNameError: A name is not declared.

    Example:
        >>> from causalopt import load
        >>> describe(load("thermostat")).edges
        ('T[t-1] -> R[t]', 'R[t-1] -> T[t]', 'R[t-1] -> R[t]')
    """
    model = model.replace(parameters=parameters, initial=initial)
    rules = rule_texts(model)
    variables = {
        equation.name: {
            "side": side(model, equation.owner),
            "initial": model.template.initial_values(equation.name),
            "rule": rules.get(equation.name),
        }
        for equation in model.template.equations
    }
    return Description(model, variables, tuple(edge_list(model)))

"""What a model says: its variables with their rules, parameters and edges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from causalopt.checks.examined_file import model_doubts, unit_notes
from causalopt.errors import ModelError
from causalopt.model.graph import declared_text, edge_list, rule_texts, side, system_texts
from causalopt.model.model import Model
from causalopt.results import Displayed


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Description(Displayed):
    """What a model says.

    Args:
        model: The model, checked.
        variables: Name -> `side`, `initial` and `rule`, a flow as it is written; in a model with
            arrays also `shape` (dim -> size) and `size`, with initial values as declared.
        edges: Lines such as `R[t-1] -> T[t]`.
        warnings: What is doubtful in it, units that do not fit included.
        notes: What was not looked at, such as units where pint is not installed.
    """

    model: Model
    variables: Mapping[str, Mapping[str, Any]]
    edges: tuple[str, ...]
    warnings: tuple[ModelError, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Description({self.model!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the description as JSON's types."""
        model = self.model
        skeleton = model.skeleton
        parameters = skeleton.parameter_values()
        coefficients = {name: parameters.pop(name) for name in sorted(skeleton.computed)}
        if model.is_array:
            parameters |= model.arrays.values
        arrays = {"sizes": dict(model.arrays.sizes)} if model.is_array else {}
        return {
            "name": model.name,
            "title": model.title,
            "source": model.source,
            "static": model.is_static,
            "dt": parameters.pop("dt"),
            "method": model.method,
            "time_unit": model.time_unit,
            **arrays,
            "variables": self.variables,
            "parameters": parameters,
            "units": {
                **{n: v.unit for n, v in model.variables.items() if v.unit is not None},
                **model.parameter_units,
            },
            **({"coefficients": coefficients} if coefficients else {}),
            "edges": list(self.edges),
            "question": model.question.model_dump(exclude_none=True),
            "hash": model.fingerprint,
            "errors": [],
            "warnings": [warning.to_dict() for warning in self.warnings],
            "notes": list(self.notes),
        }


def describe(
    model: Model,
    *,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    stages: bool = False,
) -> Description:
    """Return what a model says, under other parameter and initial values if given.

    Args:
        model: The model.
        parameters: Other values of parameters.
        initial: Other initial values.
        stages: Whether flows are written as the rules that the integrator makes of them, each
            stage of a step a variable of its own.

    Raises:
        UnknownNameError: A name is not declared.

    Example:
        >>> from causalopt import load
        >>> describe(load("thermostat")).edges
        ('T[t-1] -> R[t]', 'R[t-1] -> T[t]', 'R[t-1] -> R[t]')
    """
    model = model.replace(parameters=parameters, initial=initial)
    if model.is_array:
        rules = rule_texts(model)
        variables = {name: _array_variable(model, name, rules) for name in model.variables}
        return _described(model, variables)
    return _described(model, _with_stages(model) if stages else _as_written(model))


def _with_stages(model: Model) -> dict[str, dict[str, Any]]:
    rules, template = rule_texts(model), model.template
    return {
        equation.name: {
            "side": side(model, equation.owner),
            "initial": template.initial_values(equation.name),
            "rule": rules.get(equation.name),
        }
        for equation in template.equations
    }


def _as_written(model: Model) -> dict[str, dict[str, Any]]:
    """Return what is said of each variable, without stages and without what nudges it."""
    rules, template = rule_texts(model), model.template
    if model.asked_variables:
        rules |= system_texts(model)
    for name, variable in model.variables.items():
        if variable.flow is not None or variable.algebraic is not None:
            rules[name] = declared_text(model, name) or ""
    starts = {name: template.equations[i].name for name, i in template.starting.items()}
    return {
        name: {
            "side": side(model, name),
            "initial": []
            if name in model.asked_variables
            else template.initial_values(starts[name]),
            "rule": rules.get(name),
        }
        for name in model.variables
    }


def _described(model: Model, variables: Mapping[str, Mapping[str, Any]]) -> Description:
    edges = tuple(edge_list(model))
    return Description(model, variables, edges, tuple(model_doubts(model)), unit_notes(model))


def _array_variable(model: Model, name: str, rules: Mapping[str, str]) -> dict[str, Any]:
    """Return what is said of a variable of arrays, texts and numbers as they are declared."""
    said, read = model.variables[name], model.arrays.by_name[name]
    if said.values is not None:
        initial: list[Any] = [said.values]
    elif isinstance(said.initial, tuple):
        flat = any(isinstance(x, tuple) for x in said.initial) or read.shape
        initial = [f"{_count(said.initial)} numbers"] if flat else list(said.initial)
    else:
        initial = [] if said.initial is None else [said.initial]
    return {
        "side": side(model, name),
        "dims": [dim or f"dim{i}" for i, dim in enumerate(read.dims)],
        "shape": list(read.shape),
        "size": read.size,
        "initial": initial,
        "rule": rules.get(name),
    }


def _count(value: Any) -> int:
    """Return how many numbers a nested list has."""
    return sum(map(_count, value)) if isinstance(value, tuple | list) else 1

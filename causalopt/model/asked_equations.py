"""The equations of a declaration's disturbances and measures."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from causalopt.errors import (
    ExpressionError,
    ModelError,
    QuestionError,
    UnknownNameError,
    suggestion,
)
from causalopt.language.disturbance_text import Push, read_disturbance
from causalopt.language.measure_text import CarriedMeasure, read_measure
from causalopt.language.scope import Scope
from causalopt.language.step_window import StepWindow
from causalopt.language.term import Term, const
from causalopt.model.declaration import Variable, check_kind
from causalopt.model.disturbed_equations import constant_equation, disturbed
from causalopt.model.selectors import named_variable
from causalopt.model.template import Equation

Spans: TypeAlias = dict[str, tuple[tuple[str, StepWindow], ...]]


def with_asked(
    equations: list[Equation],
    variables: Mapping[str, Variable],
    parameters: Mapping[str, Term],
    fixed: frozenset[str],
    scopes: tuple[Scope, Scope],
) -> tuple[list[Equation], dict[str, tuple[Push, ...]], Spans]:
    """Return the equations with the declared measures, disturbed as is declared.

    Args:
        equations: Those of the other variables, integrated.
        variables: The declaration.
        parameters: Parameter -> term in others, each after those it needs.
        fixed: Parameters that decide a lag.
        scopes: What names mean in a measure, and in the weights of a disturbance.

    Returns:
        The equations, disturbance -> what it pushes, and measure -> the spans that it names.

    Raises:
        ModelError: A text, a name or what is disturbed is wrong; `path` and `offset` say where.
    """
    measure, nudge = scopes
    found, pushes = list(equations), dict[str, tuple[Push, ...]]()
    spans: Spans = {}
    for name, variable in variables.items():
        if variable.measures is not None or variable.disturbs is not None:
            check_kind(name, variable)
        if variable.measures is not None:
            read = _measured(name, variable.measures, variables, measure)
            found += [Equation(p.name, p.rule, (const(0),) * p.starts, name) for p in read.parts]
            spans[name] = read.spans
        elif variable.disturbs is not None:
            pushes[name] = _pushes(name, variable.disturbs, variables, parameters, nudge)
            found.append(constant_equation(name, is_static=nudge.bare))
    if pushes:
        found = disturbed(found, pushes, variables, parameters, fixed)
    return found, pushes, spans


def _measured(
    name: str, text: str, variables: Mapping[str, Variable], scope: Scope
) -> CarriedMeasure:
    labels = [(v.label, n) for n, v in variables.items() if v.label is not None]
    counted = Counter(label for label, _ in labels)
    taken = {*scope.names, *scope.variables, *scope.functions}
    words = {label: n for label, n in labels if counted[label] == 1 and label not in taken}
    try:
        others = dataclasses.replace(scope, variables=scope.variables - {name})
        return read_measure(text, others, name, words)
    except ExpressionError as error:
        raise ModelError(error.message, ("variables", name, "measures"), error.offset) from None


def _pushes(
    name: str,
    text: str,
    variables: Mapping[str, Variable],
    parameters: Mapping[str, Term],
    scope: Scope,
) -> tuple[Push, ...]:
    weights = dataclasses.replace(scope, variables=frozenset())
    system = {n: v for n, v in variables.items() if v.disturbs is None and v.measures is None}
    labels: dict[str, tuple[str, ...]] = {}
    for variable, declared in system.items():
        if declared.label is not None:
            labels[declared.label] = (*labels.get(declared.label, ()), variable)

    def named(word: str) -> str:
        is_itself = word == name == text.strip()  # called as it was said: not known
        if word in variables and word not in system and not is_itself:
            kind = "measure" if variables[word].measures is not None else "disturbance"
            raise QuestionError(
                f"'{word}' is a {kind}, and what is nudged are variables with rules and parameters"
            )
        try:
            return named_variable(word, system.keys(), labels)
        except UnknownNameError:
            hint = suggestion(word, [*system, *labels, *parameters])
            raise UnknownNameError(f"unknown variable '{word}'{hint}") from None

    try:
        return read_disturbance(text, weights, frozenset(parameters), named)
    except ExpressionError as error:
        path = ("variables", name, "disturbs")
        raise ModelError(error.message, path, error.offset) from None

"""The equations of a declaration's disturbances and measures."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping

from causalopt.errors import ExpressionError, ModelError, QuestionError, UnknownNameError
from causalopt.language.disturbance_text import Push, read_disturbance
from causalopt.language.measure_text import read_measure
from causalopt.language.scope import Scope
from causalopt.language.term import Term, const
from causalopt.model.declaration import Variable, check_kind
from causalopt.model.disturbed_equations import constant_equation, disturbed
from causalopt.model.selectors import named_variable
from causalopt.model.template import Equation


def with_asked(
    equations: list[Equation],
    variables: Mapping[str, Variable],
    parameters: Mapping[str, Term],
    fixed: frozenset[str],
    scopes: tuple[Scope, Scope],
) -> tuple[list[Equation], dict[str, tuple[Push, ...]]]:
    """Return the equations with the declared measures, disturbed as is declared.

    Args:
        equations: Those of the other variables, integrated.
        variables: The declaration.
        parameters: Parameter -> term in others, each after those it needs.
        fixed: Parameters that decide a lag.
        scopes: What names mean in a measure, and in the weights of a disturbance.

    Returns:
        The equations, and disturbance -> what it pushes.

    Raises:
        ModelError: A text, a name or what is disturbed is wrong; `path` and `offset` say where.
    """
    measure, nudge = scopes
    found, pushes = list(equations), dict[str, tuple[Push, ...]]()
    for name, variable in variables.items():
        if variable.measures is not None or variable.disturbs is not None:
            check_kind(name, variable)
        if variable.measures is not None:
            found += _measured(name, variable.measures, variables, measure)
        elif variable.disturbs is not None:
            found.append(constant_equation(name, is_static=nudge.bare))
            pushes[name] = _pushes(name, variable.disturbs, variables, parameters, nudge)
    return (disturbed(found, pushes, variables, parameters, fixed) if pushes else found), pushes


def _measured(
    name: str, text: str, variables: Mapping[str, Variable], scope: Scope
) -> list[Equation]:
    labels = [(v.label, n) for n, v in variables.items() if v.label is not None]
    counted = Counter(label for label, _ in labels)
    taken = {*scope.names, *scope.variables, *scope.functions}
    words = {label: n for label, n in labels if counted[label] == 1 and label not in taken}
    try:
        carried = read_measure(text, scope, name, words)
    except ExpressionError as error:
        raise ModelError(error.message, ("variables", name, "measures"), error.offset) from None
    return [Equation(part.name, part.rule, (const(0),) * part.starts, name) for part in carried]


def _pushes(
    name: str,
    text: str,
    variables: Mapping[str, Variable],
    parameters: Mapping[str, Term],
    scope: Scope,
) -> tuple[Push, ...]:
    weights = dataclasses.replace(scope, variables=frozenset())
    labels: dict[str, tuple[str, ...]] = {}
    for variable, declared in variables.items():
        if declared.label is not None:
            labels[declared.label] = (*labels.get(declared.label, ()), variable)
    path = ("variables", name, "disturbs")
    known = frozenset(parameters)
    try:
        return read_disturbance(
            text, weights, known, lambda word: named_variable(word, variables.keys(), labels)
        )
    except ExpressionError as error:
        raise ModelError(error.message, path, error.offset) from None
    except (UnknownNameError, QuestionError) as error:
        raise ModelError(error.message, path) from None

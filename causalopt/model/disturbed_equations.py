"""Disturbances and measures put into a template: nodes that shift others, and that sum them up.

A disturbance is a variable that is 0 and stays what it is at t = 0, added with its weights to what
it disturbs. Its one node is a node as any other, so that every semantics can nudge it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from causalopt.errors import ModelError
from causalopt.language.algebra import ZERO, add, mul
from causalopt.language.disturbance_text import Push
from causalopt.language.scope import CLOCK
from causalopt.language.step_window import StepWindow, gated, step_before
from causalopt.language.term import Term, const, leaves, ref, substitute
from causalopt.model.declaration import Variable, motion
from causalopt.model.template import Equation, start_name, undisturbed_name

Pushes = Mapping[str, Sequence[Push]]


def constant_equation(name: str, *, is_static: bool) -> Equation:
    """Return the equation of a disturbance: 0, and what it is at t = 0 from then on."""
    return Equation(name, None if is_static else ref(name, 1), (const(0),), name)


def disturbed(
    equations: list[Equation],
    pushes: Pushes,
    variables: Mapping[str, Variable],
    parameters: Mapping[str, Term],
    fixed: frozenset[str],
) -> list[Equation]:
    """Return the equations with disturbances added to what they disturb.

    Args:
        equations: One step's, integrated, with their initial values.
        pushes: Disturbance -> what it pushes.
        variables: The declaration.
        parameters: Parameter -> term in others, each after those it needs.
        fixed: Parameters that decide a lag.

    Raises:
        ModelError: A parameter cannot be nudged, or a variable has labels.
    """
    laws = {e.name: e.law for e in equations if e.law is not None}
    for name, own in pushes.items():
        _check(name, own, variables, laws, parameters, fixed)
    shifted = {**_parameters(pushes, parameters), **_draws(equations, pushes, set(laws))}
    return [part for e in equations for part in _pushed(e, pushes, variables, shifted)]


def _check(
    name: str,
    pushes: Sequence[Push],
    variables: Mapping[str, Variable],
    laws: Mapping[str, str],
    parameters: Mapping[str, Term],
    fixed: frozenset[str],
) -> None:
    path = ("variables", name, "disturbs")
    for push in pushes:
        if not push.is_parameter:
            if push.name in laws and variables[push.name].noise is None:
                raise ModelError(
                    f"'{push.name}' {laws[push.name]}, and a nudge shifts a number", path
                )
            continue
        moved = {push.name, *_defined_by(push.name, parameters)}
        if moved & fixed:
            raise ModelError(
                f"the parameter '{push.name}' decides a lag: another value is another graph, not a "
                "nudge; compare runs with --set, or sweep it",
                path,
            )
        for owner, variable in variables.items():
            if any(re.search(rf"\b{re.escape(p)}\b", _law_text(variable)) for p in moved):
                raise ModelError(
                    f"the parameter '{push.name}' stands in the law of '{owner}', and a run "
                    "follows single draws: draw uniform or normal(0,1), and use the parameter in "
                    f"a rule that reads '{owner}'",
                    path,
                )


def _law_text(variable: Variable) -> str:
    """Return what a variable's laws say: noise, tables, spread, and where it starts by chance."""
    start = variable.initial if isinstance(variable.initial, Mapping) else ""
    return f"{variable.noise or ''} {variable.table or ''} {variable.spread or ''} {start}"


def _defined_by(name: str, parameters: Mapping[str, Term]) -> set[str]:
    """Return the parameters that others define, beginning with one."""
    found = {name}
    for other, term in parameters.items():
        if any(leaf.payload in found for leaf in leaves(term) if leaf.op == "param"):
            found.add(other)
    return found - {name}


def _shift(push: Push, name: str, *, back: int = 0) -> Term:
    """Return what a disturbance adds to a value of `back` steps ago."""
    step, weight = CLOCK["t"], push.weight
    if back:
        step = step_before(back)
        weight = substitute(weight, {CLOCK["t"]: step})
    return gated(push.window, mul(weight, ref(name, 0)), step)


def _sum(terms: Iterable[Term]) -> Term:
    total = ZERO
    for term in terms:
        total = add(total, term)
    return total


def _of(name: str, pushes: Pushes, *, is_parameter: bool = False) -> list[tuple[Push, str]]:
    """Return what is pushed under a name, with the disturbances that push it."""
    return [
        (push, source)
        for source, items in pushes.items()
        for push in items
        if push.is_parameter == is_parameter and push.name == name
    ]


def _parameters(pushes: Pushes, parameters: Mapping[str, Term]) -> dict[Term, Term]:
    """Return parameters' leaves -> what they become, those defined by others included."""
    found: dict[Term, Term] = {}
    for name, term in parameters.items():
        leaf = Term.of("param", payload=name)
        base = substitute(term, found) if any(part in found for part in leaves(term)) else leaf
        own = _sum(_shift(*pair) for pair in _of(name, pushes, is_parameter=True))
        if own is not ZERO or base is not leaf:
            found[leaf] = base if own is ZERO else _plus(base, own)
    return found


def _draws(equations: list[Equation], pushes: Pushes, drawn: set[str]) -> dict[Term, Term]:
    """Return references to draws -> what they become: a draw itself has no rule to add to."""
    rules = [e.rule for e in equations if e.rule is not None]
    found = {}
    for leaf in leaves(*rules):
        if isinstance(leaf.payload, tuple) and leaf.payload[0] in drawn:
            name, lag = leaf.payload
            own = _sum(_shift(*pair, back=lag) for pair in _of(name, pushes))
            if own is not ZERO:
                found[leaf] = _plus(leaf, own)
    return found


def _pushed(
    equation: Equation,
    pushes: Pushes,
    variables: Mapping[str, Variable],
    shifted: Mapping[Term, Term],
) -> list[Equation]:
    """Return an equation in shifted parameters, and what is added to it in ones of its own.

    First comes its start in other parameters, which a value that is set replaces, then what is
    added to whatever value it has.
    """
    if equation.law is not None or equation.name in pushes:
        return [equation]
    rule = None if equation.rule is None else substitute(equation.rule, shifted)
    found = [dataclasses.replace(equation, rule=rule)]
    changes = {
        start_name: _start_change(equation, shifted),
        undisturbed_name: _added(equation, pushes, variables),
    }
    for earlier_name, change in changes.items():
        if change is not ZERO:
            found[-1] = dataclasses.replace(found[-1], name=earlier_name(equation.name))
            moved = _plus(ref(found[-1].name, 0), change)
            found.append(dataclasses.replace(equation, rule=moved, initial=()))
    return found


def _added(equation: Equation, pushes: Pushes, variables: Mapping[str, Variable]) -> Term:
    """Return what disturbances add to the nodes of an equation."""
    own = _of(equation.owner, pushes)
    if equation.name == equation.owner:
        return _sum(_shift(*pair) for pair in own)
    if motion(variables[equation.owner]) == "algebraic":
        return _sum(_shift(*pair, back=1) for pair in own)  # all of the step that its node begins
    return ZERO


def _start_change(equation: Equation, shifted: Mapping[Term, Term]) -> Term:
    """Return by how much shifted parameters change initial values, a gate for equal neighbours."""
    runs: list[tuple[int, int, Term]] = []
    for t, old in enumerate(equation.initial):
        new = substitute(old, shifted)
        if new is old:
            continue
        if runs and runs[-1][1] == t - 1 and runs[-1][2].args == (new, old):
            runs[-1] = (runs[-1][0], t, runs[-1][2])
        else:
            runs.append((t, t, Term.of("sub", new, old)))
    return _sum(gated(StepWindow(first, last), change) for first, last, change in runs)


def _plus(value: Term, change: Term) -> Term:
    """Return a value plus a change; a change of 0, or of -0, leaves -0 what it is."""
    return Term.of("sub", value, Term.of("sub", ZERO, change))

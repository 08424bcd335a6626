"""Flows and algebraic variables, put into the equations of one step."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from causalopt.errors import ModelError
from causalopt.language.flows import discretize, read_at_stages
from causalopt.language.scope import CLOCK, elapsed
from causalopt.language.term import Term, const, postorder
from causalopt.model.declaration import Method, Variable, motion
from causalopt.model.template import Equation

if TYPE_CHECKING:
    from causalopt.language.exact_flows import ExactSteps


def integrated(
    equations: list[Equation],
    continuous: list[str],
    variables: Mapping[str, Variable],
    dt: float | None,
    method: Method | None,
    step: Fraction,
) -> tuple[list[Equation], dict[str, Fraction], ExactSteps | None]:
    """Return the equations with the integrator's in place of flows and algebraic variables.

    Args:
        equations: One for each variable, as declared.
        continuous: The variables that flow or are algebraic.
        variables: The declaration.
        dt: The step, None where the model names none.
        method: The integrator.
        step: The step as the decimal written.

    Returns:
        The equations, where inside its step each of the flows' nodes lies, and what the equations
        are made of where the method is exact.

    Raises:
        ModelError: The step or the method is missing, or something cannot be integrated.
    """
    by_name = {equation.name: equation for equation in equations}
    terms = {n: rule for n in continuous if (rule := by_name[n].rule) is not None}
    flows = {n: term for n, term in terms.items() if motion(variables[n]) == "flow"}
    instants = {n: term for n, term in terms.items() if n not in flows}
    if not flows:
        raise ModelError(
            "'algebraic' is the value at every instant between steps, and this model has no flow: "
            "write 'rule'",
            ("variables", continuous[0], "algebraic"),
        )
    if dt is None or method is None:
        missing = "dt" if dt is None else "method"
        raise ModelError(
            f"a model with a flow names its step and method at the top level: '{missing}' is "
            "missing (dt: 0.01, method: euler, rk4 or exact)",
            ("variables", next(iter(flows)), "flow"),
        )
    for name, term in terms.items():
        _check_start(by_name[name], term, variables[name])
    if method != "euler":
        _check_sampled(by_name, read_at_stages(flows, instants), method, variables, step)
    exact = None
    if method == "exact":
        exact = _followed_exactly(flows, instants, variables, step)
        stages = exact.nodes
    else:
        stages = discretize(flows, instants, method, step)
    starts = {e.name: e.initial for e in equations}
    # Nothing reads a stage at t = 0, where there is no step to be inside of.
    made = [
        Equation(s.name, s.rule, starts[s.owner] or (const(0),) * (s.name != s.owner), s.owner)
        for s in stages
    ]
    places = {s.name: s.c for s in stages if s.owner in flows}
    return [e for e in equations if e.name not in terms] + made, places, exact


def _followed_exactly(
    flows: Mapping[str, Term],
    instants: Mapping[str, Term],
    variables: Mapping[str, Variable],
    step: Fraction,
) -> ExactSteps:
    from causalopt.language.exact_flows import NotExactError, exact_steps  # few models ask for it

    try:
        return exact_steps(flows, instants, step)
    except NotExactError as error:
        path = ("variables", error.variable, motion(variables[error.variable]))
        raise ModelError(error.message, path) from None


def _check_start(equation: Equation, term: Term, variable: Variable) -> None:
    path = ("variables", equation.name, "initial")
    given = len(equation.initial)
    if variable.flow is not None and given != 1:
        raise ModelError(
            "a flow starts from one initial value, or from an expression of time for all that "
            "lags read: write initial: 1",
            path,
        )
    if variable.algebraic is not None and given:
        waits = any(part.op == "delayed" for part in postorder(term))
        if given > 1 or not waits:
            raise ModelError(
                "an algebraic variable has its value at every instant, t = 0 too: drop 'initial', "
                "or give one expression of time for what comes before its own lags",
                path,
            )


def _check_sampled(
    equations: Mapping[str, Equation],
    readers: Mapping[str, str],
    method: str,
    variables: Mapping[str, Variable],
    step: Fraction,
) -> None:
    """Refuse flows that read a moving rule once a step, which would cost the method its order."""
    for name, reader in readers.items():
        variable = variables[name]
        if (
            variable.rule is None
            or variable.sampled
            or not _moves(name, equations, variables, step)
        ):
            continue
        raise ModelError(
            f"the {motion(variables[reader])} of '{reader}' reads '{name}', whose rule is "
            f"evaluated once a step: {method} would be of first order in dt. Write 'algebraic' "
            "with bare names in place of 'rule', or add 'sampled: true' where it is sampled once "
            "a step in truth",
            ("variables", name, "rule"),
        )


def _moves(
    name: str, equations: Mapping[str, Equation], variables: Mapping[str, Variable], step: Fraction
) -> bool:
    """Whether a rule follows the time, a flow or an algebraic variable, itself or through rules."""
    stack, seen, time = [name], {name}, elapsed(CLOCK["t"], step)
    while stack:
        equation = equations[stack.pop()]
        variable = variables[equation.name]
        if motion(variable) != "rule":
            return True
        if equation.rule is not None and time in postorder(equation.rule):
            return True
        for parent, _ in equation.parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return False

"""A declaration's texts read, checked and put in order.

`read_template` turns the texts into terms, checks every name and every lag, expands flows into
rules and orders the equations so that each comes after those it needs at the same step.
"""

from __future__ import annotations

import dataclasses
import graphlib
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from causalopt.errors import ExpressionError, ModelError
from causalopt.language.parse import parse
from causalopt.language.scope import CLOCK, Function, Scope, elapsed, normalized
from causalopt.language.term import Term, const, decimal, evaluate, exact, leaves
from causalopt.model.declaration import (
    Method,
    Variable,
    check_given,
    check_kind,
    is_label_variable,
    is_truth_value,
    motion,
    starts_from_law,
    table_parents,
    takes_whole_numbers,
)
from causalopt.model.declared_names import check_names, has_time, signature
from causalopt.model.template import Equation, Template, exact_values, leaf_name, node_name

if TYPE_CHECKING:
    from causalopt.language.disturbance_text import Push
    from causalopt.language.step_window import StepWindow


def read_template(
    *,
    variables: Mapping[str, Variable],
    parameters: Mapping[str, int | float | str],
    functions: Mapping[str, str],
    dt: float | None,
    method: Method | None,
    joint: frozenset[str] = frozenset(),
) -> Template:
    """Read the texts of a declaration; `joint` names the variables with a joint law at t = 0.

    Raises:
        ModelError: A text, a name or a lag is wrong; `path` and `offset` say where.
    """
    step = Fraction(repr(dt)) if dt is not None else Fraction(1)
    reader = _Reader(variables, parameters, functions, joint, step)
    asked = {n for n, v in variables.items() if v.disturbs is not None or v.measures is not None}
    check_names(
        {"parameters": parameters, "functions": functions, "variables": variables}, free=asked
    )
    is_static = not any(has_time(variable) for variable in variables.values())
    read = reader.read_parameters()
    declared = [name for name in variables if name not in asked]
    equations = [reader.equation(name, is_static) for name in declared]
    places: dict[str, Fraction] = {}
    coefficients: Mapping[str, Term] = {}
    slopes: Mapping[str, Mapping[str, Term]] = {}
    continuous = [n for n, v in variables.items() if motion(v) in {"flow", "algebraic"}]
    if continuous:
        from causalopt.model.integration import integrated  # few models have flows

        equations, places, exact_steps = integrated(
            equations, continuous, variables, dt, method, step
        )
        if exact_steps is not None:
            coefficients, slopes = exact_steps.coefficients, exact_steps.slopes
    elif method is not None:
        raise ModelError(
            "'method' integrates flows, and this model has none: drop it, or write 'flow' in place "
            "of 'rule'",
            ("method",),
        )
    if continuous or _look_far(equations):
        from causalopt.model.histories import with_histories  # few models need any

        equations = with_histories(equations, places, step)
    for equation in equations:
        _check_lags(equation, motion(variables[equation.owner]))
    pushes: dict[str, tuple[Push, ...]] = {}
    spans: dict[str, tuple[tuple[str, StepWindow], ...]] = {}
    system = {equation.name: equation.rule for equation in equations}
    if asked:
        from causalopt.model.asked_equations import with_asked  # few models have any

        scopes = reader.scope("measure", is_static), reader.scope("nudge", is_static)
        known = {**read, **coefficients}
        equations, pushes, spans = with_asked(equations, variables, known, reader.fixed, scopes)
        if pushes and coefficients:
            _check_disturbed(pushes, variables, slopes)
            equations = _in_slopes(equations, known, step, pushes, slopes)
    template = Template(
        _ordered(equations, variables),
        tuple(variables),
        {**read, **coefficients},
        step,
        is_static,
        reader.fixed,
        pushes,
        frozenset(coefficients),
        slopes,
        spans,
        system,
    )
    for name, value in template.parameter_values().items():
        if name in coefficients and not math.isfinite(value):
            raise ModelError(
                f"the exact step has a coefficient that is no finite number ({name}: {value}): "
                "give a smaller dt or other parameters",
                ("variables", name.split(" by ")[0].rsplit(".", 1)[-1], "flow"),
            )
        if not math.isfinite(value):
            raise ModelError(
                f"the parameter '{name}' is {value}: it must be a finite number",
                ("parameters", name),
            )
    return template


class _Reader:
    """The texts of one declaration, and what their names mean."""

    def __init__(
        self,
        variables: Mapping[str, Variable],
        parameters: Mapping[str, int | float | str],
        functions: Mapping[str, str],
        joint: frozenset[str],
        dt: Fraction,
    ) -> None:
        self._variables = variables
        self._from_law = joint | {n for n, v in variables.items() if starts_from_law(v)}
        self._raw_parameters = parameters
        self._parameters = {normalized(n): Term.of("param", payload=n) for n in parameters}
        self._raw_functions = functions
        self._names = frozenset(normalized(name) for name in variables)
        self._functions: dict[str, Function] | None = None
        self._scopes: dict[str, Scope] = {}
        self._dt = dt
        self._read_parameters: dict[str, Term] = {}
        self._values: dict[str, Fraction | None] | None = None
        self._in_lags: set[str] = set()

    def read_parameters(self) -> dict[str, Term]:
        """Return the parameters' terms, each after those it needs."""
        scope = Scope(
            names={"pi": CLOCK["pi"], **self._parameters},
            functions=self.functions,
            kind="parameter",
        )
        terms = {
            name: self._read(value, scope, ("parameters", name))
            for name, value in self._raw_parameters.items()
        }
        needs = {
            name: [str(leaf.payload) for leaf in leaves(term) if leaf.op == "param"]
            for name, term in terms.items()
        }
        try:
            order = list(graphlib.TopologicalSorter(needs).static_order())
        except graphlib.CycleError as error:
            cycle = list(reversed(error.args[1]))
            raise ModelError(
                "parameters define each other in a circle: " + " -> ".join(cycle),
                ("parameters", cycle[0]),
            ) from None
        self._read_parameters = {name: terms[name] for name in order}
        return self._read_parameters

    @property
    def fixed(self) -> frozenset[str]:
        """The parameters, and `dt`, that decide a lag, themselves or through others."""
        found = set(self._in_lags)
        for name, term in reversed(self._read_parameters.items()):
            if name in found:
                found |= {str(leaf.payload) for leaf in leaves(term) if leaf.op == "param"}
        return frozenset(found)

    def _steps(self, lag: Term, clock: str) -> Fraction | None:
        """Return how many steps a lag is, and note what it depends on."""
        if self._values is None:
            self._values = exact_values(self._read_parameters, self._dt)
        values = self._values
        below = leaves(lag)
        if any(leaf.op in {"ref", "t", "time", "argument"} for leaf in below):
            return None
        self._in_lags |= {leaf_name(leaf) for leaf in below if leaf.op in {"param", "dt"}}
        steps = exact(lag, lambda leaf: values[leaf_name(leaf)])
        if clock == "t" or steps is None:
            return steps
        self._in_lags.add("dt")
        return steps / self._dt

    @property
    def functions(self) -> Mapping[str, Function]:
        """The declared functions; each may use those declared before it."""
        if self._functions is None:
            self._functions = {}
            for key, body in self._raw_functions.items():
                name, arguments = signature(key)
                own = {normalized(a): Term.of("argument", payload=a) for a in arguments}
                constants = {"pi": CLOCK["pi"], "dt": CLOCK["dt"]}
                scope = Scope(
                    names={**constants, **self._parameters, **own},
                    functions=dict(self._functions),
                    kind="function",
                )
                term = self._read(body, scope, ("functions", key))
                self._functions[normalized(name)] = Function(name, arguments, term)
        return self._functions

    def equation(self, name: str, is_static: bool) -> Equation:
        """Return the equation of one declared variable, a flow still being a flow."""
        variable = self._variables[name]
        path = ("variables", name)
        check_kind(name, variable)
        if variable.noise is not None or is_label_variable(variable):
            return self._drawn(name, variable)
        key = motion(variable)
        text = getattr(variable, key)
        if text is None and variable.initial is None:
            raise ModelError(f"'{name}' has neither a rule nor an initial value: give one", path)
        rule = None
        if text is not None:
            truth = key == "rule" and is_truth_value(variable)
            rule = self._read(text, self.scope(key, is_static), (*path, key), truth=truth)
        law = "starts from a law" if name in self._from_law else None
        initial = (const(0),) if law else self._initial(variable, path, is_static)
        if is_static and rule is not None and initial:
            raise ModelError(
                "in a model without time a variable has a rule or an initial value, not both",
                (*path, "initial"),
            )
        return Equation(name, rule, initial, name, takes_whole_numbers(variable), law)

    def _drawn(self, name: str, variable: Variable) -> Equation:
        """Return the equation of a noise or of a label variable: its parents, but no number."""
        if variable.noise is not None:
            return Equation(name, None, (), name, law="is drawn afresh each step")
        held = (const(0),) if name in self._from_law else ()
        check_given(name, variable, starts=bool(held))
        reads = table_parents(name, variable, self._variables)
        return Equation(name, None, held, name, law="takes labels, not numbers", reads=reads)

    def _initial(
        self, variable: Variable, path: tuple[str, ...], is_static: bool
    ) -> tuple[Term, ...]:
        value = variable.initial
        if isinstance(value, Mapping):
            raise ModelError(
                "a law at t = 0 needs labels: add a domain, or write one number", (*path, "initial")
            )
        values = () if value is None else value if isinstance(value, tuple) else (value,)
        if not values:
            return ()
        if any(isinstance(item, tuple) for item in values):
            raise ModelError(
                "rows of numbers are the elements of an array, and this is a number: give it a "
                "shape, such as shape: [3]",
                (*path, "initial"),
            )
        scope = self.scope("initial value", is_static)
        several = isinstance(value, tuple)
        return tuple(
            self._read(item, scope, (*path, "initial", i) if several else (*path, "initial"))
            for i, item in enumerate(values)
            if not isinstance(item, tuple)
        )

    def scope(self, kind: str, is_static: bool) -> Scope:
        """Return what names mean in every rule, flow or initial value."""
        if kind not in self._scopes:
            clock = {"pi": CLOCK["pi"], "dt": CLOCK["dt"]}
            bare = kind in {"flow", "algebraic"}
            if not is_static and (bare or kind == "initial value"):
                clock["time"] = CLOCK["time"]
            elif not is_static:
                clock["t"] = CLOCK["t"]
                clock["time"] = elapsed(CLOCK["t"], self._dt)
            names = {**clock, **self._parameters}
            self._scopes[kind] = (
                Scope(names=names, functions=self.functions, kind=kind)
                if kind == "initial value"
                else Scope(
                    self._names,
                    names,
                    self.functions,
                    is_static or bare,
                    None if is_static else self._steps,
                    kind,
                    frozenset(n for n, v in self._variables.items() if is_truth_value(v)),
                )
            )
        return self._scopes[kind]

    def _read(
        self,
        value: int | float | str,
        scope: Scope,
        path: tuple[str | int, ...],
        *,
        truth: bool = False,
    ) -> Term:
        if not isinstance(value, str):
            return decimal(value)
        if re.search(r"\btime\b", value):
            self._in_lags.add("dt")
        try:
            return parse(value, scope, truth=truth)
        except ExpressionError as error:
            message = self._no_variable(error.message, scope)
            raise ModelError(message, path, error.offset, text=value) from None

    def _no_variable(self, message: str, scope: Scope) -> str:
        """Return an error's message, or what to do where a text names a variable and may not."""
        name = re.match(r"unknown (?:name|variable) '(\w+)'", message)
        if name is None or name[1] not in self._names or name[1] in scope.variables:
            return message
        kind = "an" if scope.kind[0] in "aeiou" else "a"
        return (
            f"'{name[1]}' is a variable, and {kind} {scope.kind} is written in numbers and "
            "parameters: give its value as a parameter"
        )


def _check_disturbed(
    pushes: Mapping[str, Sequence[Push]],
    variables: Mapping[str, Variable],
    slopes: Mapping[str, Mapping[str, Term]],
) -> None:
    """Refuse shifts of what exact steps have no value of at each instant."""
    for name, own in pushes.items():
        for push in own:
            if push.name in slopes and motion(variables[push.name]) == "algebraic":
                raise ModelError(
                    f"'{push.name}' is algebraic, and with method: exact its course within a step "
                    "is not shifted: nudge a variable with a rule and 'sampled: true' that the "
                    "flow reads, or write method: rk4",
                    ("variables", name, "disturbs"),
                )


def _in_slopes(
    equations: list[Equation],
    parameters: Mapping[str, Term],
    step: Fraction,
    pushes: Mapping[str, Sequence[Push]],
    slopes: Mapping[str, Mapping[str, Term]],
) -> list[Equation]:
    """Return equations without exponentials of matrices that a nudged parameter moves.

    What a variable's course adds to another within a step is held with the first, and has the
    other's parameters in it: where one of those is nudged, the held course would not follow.

    Raises:
        ModelError: Such a course is moved, or a coefficient has no form with slopes.
    """
    from causalopt.language.moving_exponential import without_moving_exponentials

    values = {"dt": float(step)}
    for name, term in parameters.items():
        values[name] = evaluate(term, lambda leaf: values[leaf_name(leaf)])

    def value(leaf: Term) -> float:
        return values.get(leaf_name(leaf), 0.0)

    found = []
    for equation in equations:
        rule = equation.rule
        is_course = equation.owner in slopes and node_name(equation) != equation.owner
        moved = rule is not None and _reads_any(rule, pushes)
        spelled = None if rule is None else without_moving_exponentials(rule, value)
        if moved and (spelled is None or is_course):
            names = sorted({p.name for own in pushes.values() for p in own if p.is_parameter})
            raise ModelError(
                f"the nudge of {' and '.join(names)} moves the coefficients of flows that act on "
                "each other within the step, which method: exact does not follow: write method: "
                "rk4",
                ("method",),
            )
        found.append(dataclasses.replace(equation, rule=spelled))
    return found


def _reads_any(rule: Term, pushes: Mapping[str, Sequence[Push]]) -> bool:
    return any(isinstance(p.payload, tuple) and p.payload[0] in pushes for p in leaves(rule))


def _look_far(equations: list[Equation]) -> bool:
    """Whether a lag is longer than one step, or something starts as an expression of time."""
    return any(
        any(lag > 1 for _, lag in e.parents)
        or any(term.op != "const" and CLOCK["time"] in leaves(term) for term in e.initial)
        for e in equations
    )


def _check_lags(equation: Equation, key: str) -> None:
    known = len(equation.initial)
    for parent, lag in equation.parents:
        if lag > known:
            raise ModelError(
                f"at t = {known} the {key} of '{equation.owner}' reads {parent}[t-{lag}], before "
                f"t = 0: give '{equation.owner}' {lag} initial value{'s' * (lag != 1)}, one for "
                "all or a list",
                ("variables", equation.owner, key),
            )


def _ordered(equations: list[Equation], variables: Mapping[str, Variable]) -> tuple[Equation, ...]:
    by_name = {equation.name: equation for equation in equations}
    needs = {e.name: [parent for parent, lag in e.parents if lag == 0] for e in equations}
    order = _sorted(needs)
    if len(order) < len(equations):
        try:
            graphlib.TopologicalSorter(needs).prepare()
        except graphlib.CycleError as error:
            cycle = [by_name[name].owner for name in error.args[1]]
            key = motion(variables[cycle[0]])
            way = "make one of them a flow" if key == "algebraic" else "break it with a [t-1]"
            if len(set(cycle)) == 1 and key == "rule":
                way = f"its own value is known at earlier steps alone: write {cycle[0]}[t-1]"
            raise ModelError(
                "variables need each other at the same step, in a circle: "
                f"{' -> '.join(cycle)}; {way}",
                ("variables", cycle[0], key),
            ) from None
    return tuple(by_name[name] for name in order)


def _sorted(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return names after those they need, without those that need each other in a circle.

    The order is graphlib's, which keeps an object for each name and looks for circles first.
    """
    users: dict[str, list[str]] = {}
    for name, parents in needs.items():
        users.setdefault(name, [])
        for parent in parents:
            users.setdefault(parent, []).append(name)
    missing = {name: len(parents) for name, parents in needs.items()}
    order = [name for name in users if not missing[name]]
    for name in order:  # it grows while it is read
        for user in users[name]:
            missing[user] -= 1
            if not missing[user]:
                order.append(user)
    return order

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

from causalopt.errors import ExpressionError, ModelError
from causalopt.language.evaluation import exact
from causalopt.language.flows import Stage, discretize, read_at_stages
from causalopt.language.parse import parse
from causalopt.language.scope import CLOCK, TIME_AT_T, Function, Scope, normalized, reserved
from causalopt.language.term import Term, const, decimal, leaves, postorder, substitute
from causalopt.model.declaration import Method, Variable
from causalopt.model.labels import kinds
from causalopt.model.template import Equation, Template, exact_values, leaf_name


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
    reader.check_names()
    is_static = not any(_has_time(variable) for variable in variables.values())
    read = reader.read_parameters()
    equations = [reader.equation(name, is_static) for name in variables]
    flows = [name for name, variable in variables.items() if variable.flow is not None]
    instants = [name for name, variable in variables.items() if variable.algebraic is not None]
    places: dict[str, Fraction] = {}
    if flows:
        if dt is None or method is None:
            missing = "dt" if dt is None else "method"
            raise ModelError(
                f"a model with a flow names its step and method at the top level: '{missing}' is "
                "missing (dt: 0.01, method: euler or rk4)",
                ("variables", flows[0], "flow"),
            )
        stages = _stages(equations, flows, instants, method, variables)
        places = {stage.name: stage.c for stage in stages}
        equations = _expanded(equations, stages)
    elif instants:
        raise ModelError(
            "'algebraic' is the value at every instant between steps, and this model has no flow: "
            "write 'rule'",
            ("variables", instants[0], "algebraic"),
        )
    elif method is not None:
        raise ModelError(
            "'method' integrates flows, and this model has none: drop it, or write 'flow' in place "
            "of 'rule'",
            ("method",),
        )
    equations = _with_histories(equations, flows, places)
    for equation in equations:
        _check_lags(equation, _key(variables[equation.owner]))
    template = Template(
        _ordered(equations, variables), tuple(variables), read, step, is_static, reader.fixed
    )
    for name, value in template.parameter_values().items():
        if not math.isfinite(value):
            raise ModelError(
                f"the parameter '{name}' is {value}: it must be a finite number",
                ("parameters", name),
            )
    return template


def _has_time(variable: Variable) -> bool:
    texts = (variable.rule or "", *(variable.parents or ()))
    continuous = variable.flow is not None or variable.algebraic is not None
    return continuous or any(re.search(r"\[\s*t(ime)?\b", text) for text in texts)


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
        self._from_law = joint | {n for n, v in variables.items() if kinds.starts_from_law(v)}
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

    def check_names(self) -> None:
        """Refuse names that no rule could mean."""
        seen: dict[str, str] = {}
        words = reserved()
        signatures = {_signature(key)[0]: key for key in self._raw_functions}
        sections = {
            "parameters": {name: name for name in self._raw_parameters},
            "functions": signatures,
            "variables": {name: name for name in self._variables},
        }
        if not self._variables:
            raise ModelError("a model has at least one variable", ("variables",))
        for section, names in sections.items():
            for name, key in names.items():
                if not name.isidentifier():
                    raise ModelError(
                        f"'{name}' cannot be a name: use letters, digits and _, not starting with "
                        "a digit",
                        (section, key),
                        is_key=True,
                    )
                if name in words:
                    raise ModelError(
                        f"'{name}' is a word of the language: choose another name",
                        (section, key),
                        is_key=True,
                    )
                if name != normalized(name):
                    raise ModelError(
                        f"'{name}' is spelt with characters that are written as others: spell it "
                        f"'{normalized(name)}'",
                        (section, key),
                        is_key=True,
                    )
                if normalized(name) in seen:
                    raise ModelError(
                        f"'{name}' is declared under {seen[normalized(name)]} too",
                        (section, key),
                        is_key=True,
                    )
                seen[normalized(name)] = section

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
                name, arguments = _signature(key)
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
        kinds.check_kind(name, variable)
        if variable.noise is not None or kinds.is_label_variable(variable):
            return self._drawn(name, variable)
        key = _key(variable)
        text = getattr(variable, key)
        if text is None and variable.initial is None:
            raise ModelError(f"'{name}' has neither a rule nor an initial value: give one", path)
        rule = None
        if text is not None:
            rule = self._read(text, self._scope(key, is_static), (*path, key))
        law = "starts from a law" if name in self._from_law else None
        initial = (const(0),) if law else self._initial(variable, path, is_static)
        if is_static and rule is not None and initial:
            raise ModelError(
                "in a model without time a variable has a rule or an initial value, not both",
                (*path, "initial"),
            )
        return Equation(name, rule, initial, name, kinds.takes_whole_numbers(variable), law)

    def _drawn(self, name: str, variable: Variable) -> Equation:
        """Return the equation of a noise or of a label variable: its parents, but no number."""
        if variable.noise is not None:
            return Equation(name, None, (), name, law="is drawn afresh each step")
        held = (const(0),) if name in self._from_law else ()
        kinds.check_given(name, variable, starts=bool(held))
        reads = kinds.table_parents(name, variable, self._variables)
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
        scope = self._scope("initial value", is_static)
        several = isinstance(value, tuple)
        return tuple(
            self._read(item, scope, (*path, "initial", i) if several else (*path, "initial"))
            for i, item in enumerate(values)
        )

    def _scope(self, kind: str, is_static: bool) -> Scope:
        """Return what names mean in every rule, flow or initial value."""
        if kind not in self._scopes:
            clock = {"pi": CLOCK["pi"], "dt": CLOCK["dt"]}
            bare = kind in {"flow", "algebraic"}
            if not is_static and (bare or kind == "initial value"):
                clock["time"] = CLOCK["time"]
            elif not is_static:
                clock["t"] = CLOCK["t"]
                clock["time"] = TIME_AT_T
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
                )
            )
        return self._scopes[kind]

    def _read(self, value: int | float | str, scope: Scope, path: tuple[str | int, ...]) -> Term:
        if not isinstance(value, str):
            return decimal(value)
        try:
            return parse(value, scope)
        except ExpressionError as error:
            raise ModelError(error.message, path, error.offset) from None


def _signature(key: str) -> tuple[str, tuple[str, ...]]:
    match = re.fullmatch(r"\s*(\w+)\s*\(([^()]*)\)\s*", key)
    arguments = tuple(a.strip() for a in match[2].split(",")) if match else ()
    if match is None or not all(a.isidentifier() and a not in reserved() for a in arguments):
        raise ModelError(
            f"'{key}' does not declare a function: write 'f(x): \"x**2\"', with plain names as "
            "arguments",
            ("functions", key),
            is_key=True,
        )
    if len(set(arguments)) < len(arguments):
        raise ModelError(f"'{key}' names an argument twice", ("functions", key), is_key=True)
    return match[1], arguments


def _stages(
    equations: list[Equation],
    flows: list[str],
    instants: list[str],
    method: Method,
    variables: Mapping[str, Variable],
) -> list[Stage]:
    by_name = {equation.name: equation for equation in equations}
    terms = {n: rule for n in (*flows, *instants) if (rule := by_name[n].rule) is not None}
    slopes, values = {n: terms[n] for n in flows}, {n: terms[n] for n in instants}
    for name in instants:
        given, waits = by_name[name].initial, any(p.op == "delayed" for p in postorder(terms[name]))
        if len(given) > 1 or (given and not waits):
            raise ModelError(
                "an algebraic variable has its value at every instant, t = 0 too: drop 'initial', "
                "or give one expression of time for what comes before its own lags",
                ("variables", name, "initial"),
            )
    for name in flows:
        if len(by_name[name].initial) != 1:
            raise ModelError(
                "a flow starts from one initial value, or from an expression of time for all that "
                "its lags read: write initial: 1",
                ("variables", name, "initial"),
            )
    if method != "euler":
        _check_sampled(by_name, read_at_stages(slopes, values), method, variables)
    return discretize(slopes, values, method)


def _expanded(equations: list[Equation], stages: list[Stage]) -> list[Equation]:
    """Return the equations with the integrator's in place of those it integrates."""
    starts = {e.name: e.initial for e in equations}
    owners = {stage.owner for stage in stages}
    kept = [e for e in equations if e.name not in owners]
    # Nothing reads a stage at t = 0, where there is no step to be inside of.
    return kept + [
        Equation(s.name, s.rule, starts[s.owner] or (const(0),) * (s.name != s.owner), s.owner)
        for s in stages
    ]


def _check_sampled(
    equations: Mapping[str, Equation],
    readers: Mapping[str, str],
    method: str,
    variables: Mapping[str, Variable],
) -> None:
    """Refuse flows that read a moving rule once a step, which would cost the method its order."""
    for name, reader in readers.items():
        variable = variables[name]
        if variable.rule is None or variable.sampled or not _moves(name, equations, variables):
            continue
        kind = "flow" if variables[reader].flow is not None else "algebraic"
        raise ModelError(
            f"the {kind} of '{reader}' reads '{name}', whose rule is evaluated once a step: "
            f"{method} would be of first order in dt. Write 'algebraic' with bare names in place "
            "of 'rule', or add 'sampled: true' where it is sampled once a step in truth",
            ("variables", name, "rule"),
        )


def _moves(name: str, equations: Mapping[str, Equation], variables: Mapping[str, Variable]) -> bool:
    """Whether a rule follows the time, a flow or an algebraic variable, itself or through rules."""
    stack, seen = [name], {name}
    while stack:
        equation = equations[stack.pop()]
        variable = variables[equation.name]
        if variable.flow is not None or variable.algebraic is not None:
            return True
        if equation.rule is not None and TIME_AT_T in postorder(equation.rule):
            return True
        for parent, _ in equation.parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return False


def _lag_needs(equation: Equation, owners: Mapping[str, str]) -> int:
    """Return how many initial values the lags of an equation need.

    A value between two steps belongs to the later one, and needs the step before.
    """
    between = (int(lag > 0 and owners[parent] != parent) for parent, lag in equation.parents)
    lags = (lag for _, lag in equation.parents)
    return max(map(sum, zip(lags, between, strict=True)), default=0)


def _with_histories(
    equations: list[Equation], flows: Sequence[str], places: Mapping[str, Fraction]
) -> list[Equation]:
    """Return the equations with initial values at as many steps as their lags need.

    One value, or expression of time, that was given alone holds at all of them. Flows start
    together, when the longest lag of any of them is past.

    Args:
        equations: All of them.
        flows: The variables that flow.
        places: Where inside its step a node of the integrator lies.
    """
    owners = {e.name: e.owner for e in equations}
    needs = {e.name: _lag_needs(e, owners) for e in equations}
    moved = [e.name for e in equations if e.owner in set(flows)]
    needs |= dict.fromkeys(moved, max((needs[name] for name in moved), default=0))
    histories = (_history(e, needs[e.name], places.get(e.name, Fraction(1))) for e in equations)
    return [dataclasses.replace(e, initial=h) for e, h in zip(equations, histories, strict=True)]


def _history(equation: Equation, steps: int, place: Fraction) -> tuple[Term, ...]:
    if equation.law is not None or len(equation.initial) != 1:
        return equation.initial
    value, count = equation.initial[0], max(1, steps)
    if CLOCK["time"] not in leaves(value):
        return (value,) * count
    times = (const(max(Fraction(0), t - 1 + place)) for t in range(count))
    return tuple(
        substitute(value, {CLOCK["time"]: Term.of("mul", time, CLOCK["dt"])}) for time in times
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


def _key(variable: Variable) -> str:
    """Return the key that says how a variable follows from others."""
    keys = ("rule", "flow", "algebraic")
    return next((key for key in keys if getattr(variable, key) is not None), "rule")


def _ordered(
    equations: list[Equation], variables: Mapping[str, Variable]
) -> tuple[Equation, ...]:
    by_name = {equation.name: equation for equation in equations}
    needs = {e.name: [parent for parent, lag in e.parents if lag == 0] for e in equations}
    order = _sorted(needs)
    if len(order) < len(equations):
        try:
            graphlib.TopologicalSorter(needs).prepare()
        except graphlib.CycleError as error:
            cycle = [by_name[name].owner for name in error.args[1]]
            key = _key(variables[cycle[0]])
            way = "make one of them a flow" if key == "algebraic" else "break it with a [t-1]"
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

"""The template: one step of the unrolled graph, its equations in an order that can be computed."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from causalopt.errors import QuestionError
from causalopt.language.scope import ratio
from causalopt.language.term import Term, evaluate, exact, leaves
from causalopt.model.declaration import Variable, motion
from causalopt.model.selectors import Selection

if TYPE_CHECKING:
    import numpy as np

    from causalopt.language.disturbance_text import Push
    from causalopt.language.step_window import StepWindow


@dataclasses.dataclass(frozen=True)
class Equation:
    """How one variable of the template follows from others.

    Attributes:
        name: The variable; a stage of a multi-stage method is named `a.2`, `a.3`, ...
        rule: Its value at t, None for given data.
        initial: Its values at t = 0, 1, ... before the rule takes over, in parameters.
        owner: The declared variable it belongs to; what is held together.
        is_integer: Whether it takes whole numbers only.
        law: Why it has a law rather than one value in a run, None when it has a value.
        reads: The `(variable, lag)` pairs its table reads, when it has a table for a rule.
    """

    name: str
    rule: Term | None
    initial: tuple[Term, ...]
    owner: str
    is_integer: bool = False
    law: str | None = None
    reads: tuple[tuple[str, int], ...] = ()

    @functools.cached_property
    def parents(self) -> tuple[tuple[str, int], ...]:
        """The `(variable, lag)` pairs the rule or table refers to, sorted."""
        if self.rule is None:
            return tuple(sorted(self.reads))
        found = (leaf.payload for leaf in leaves(self.rule))
        return tuple(sorted(pair for pair in found if isinstance(pair, tuple)))


@dataclasses.dataclass(frozen=True)
class Structure:
    """The equations without their values: names and rules in order, and parameter names.

    Terms are hash-consed, so that equal structures are equal keys.
    """

    names: tuple[str, ...]
    rules: tuple[Term | None, ...]
    parameters: tuple[str, ...]

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        # Memo tables ask for it often, and a structure may have ten thousand rules.
        return hash((self.names, self.rules, self.parameters))


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """A model's equations in an order in which one step can be computed.

    Attributes:
        equations: Every variable and stage, each after its same-step parents.
        names: The declared variables, in the order of the declaration.
        parameters: Name -> term in other parameters, each after those it needs.
        dt: Time units per step.
        is_static: Whether the model has no time.
        fixed: Parameters, and `dt`, that decide a lag: other values are another template.
        pushes: Disturbance -> the nodes and parameters it shifts.
        computed: Parameters that nobody declared: coefficients of exact steps.
        slopes: With exact steps, flow or algebraic variable -> flow or algebraic variable that it
            reads -> its coefficient in the derivative, or in the value.
        spans: Measure -> the nodes and spans that it names, as written, with their steps.
        system: The rules of all equations as they are without disturbances and measures.
    """

    equations: tuple[Equation, ...]
    names: tuple[str, ...]
    parameters: Mapping[str, Term]
    dt: Fraction
    is_static: bool
    fixed: frozenset[str] = frozenset()
    pushes: Mapping[str, tuple[Push, ...]] = dataclasses.field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    slopes: Mapping[str, Mapping[str, Term]] = dataclasses.field(default_factory=dict)
    spans: Mapping[str, tuple[tuple[str, StepWindow], ...]] = dataclasses.field(
        default_factory=dict
    )
    system: Mapping[str, Term | None] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def index(self) -> Mapping[str, int]:
        """Equation's name -> its place in `equations`."""
        return {equation.name: i for i, equation in enumerate(self.equations)}

    @functools.cached_property
    def settable(self) -> Mapping[str, int]:
        """Variable -> the place of the equation that takes a value it is set to.

        A disturbance is added to that value, as a nudge is.
        """
        return {
            name: self.index.get(undisturbed_name(name), self.index[name]) for name in self.names
        }

    @functools.cached_property
    def is_settable(self) -> np.ndarray:
        """Which equations the value that their node is set to replaces, shape [equation]."""
        import numpy as np

        taken = [
            e.name == node_name(e) and undisturbed_name(e.name) in self.index
            for e in self.equations
        ]
        return ~np.array(taken, dtype=bool)

    @functools.cached_property
    def is_last(self) -> np.ndarray:
        """Which equations have their node's value, with all that is added, shape [equation]."""
        import numpy as np

        return np.array([node_name(e) == e.name for e in self.equations], dtype=bool)

    @functools.cached_property
    def starting(self) -> Mapping[str, int]:
        """Variable -> the place of the equation that has its initial values."""
        return {name: self.index.get(start_name(name), i) for name, i in self.settable.items()}

    @functools.cached_property
    def asked(self) -> frozenset[str]:
        """The equations of disturbances and measures."""
        if not self.system:
            return frozenset()
        return frozenset(e.name for e in self.equations if e.owner not in self.system)

    @functools.cached_property
    def structure(self) -> Structure:
        """What step code depends on: not on any value, so sweeps share one compilation."""
        return Structure(
            tuple(equation.name for equation in self.equations),
            tuple(equation.rule for equation in self.equations),
            ("dt", *self.parameters),
        )

    @functools.cached_property
    def has_integers(self) -> bool:
        """Whether some variable takes whole numbers only."""
        return any(equation.is_integer for equation in self.equations)

    @functools.cached_property
    def max_lag(self) -> int:
        """The largest number of steps a rule looks back."""
        lags = [lag for equation in self.equations for _, lag in equation.parents]
        return max(lags, default=0)

    @functools.cached_property
    def values(self) -> Mapping[str, float]:
        """Every parameter's value in floats, computed once."""
        values: dict[str, float] = {"dt": float(self.dt)}
        for name, term in self.parameters.items():
            values[name] = evaluate(term, lambda leaf: values[leaf_name(leaf)])
        return values

    def time(self, step: Any) -> Any:
        """Return the time of a step, a number or an array: what rules read as `time`."""
        numerator, denominator = ratio(self.dt)
        return step * float(numerator) / float(denominator)

    def parameter_values(self) -> dict[str, float]:
        """Return every parameter's value in floats."""
        return dict(self.values)

    def number(self, term: Term) -> float:
        """Return what an expression in parameters comes to, in floats."""
        return evaluate(term, lambda leaf: self.values[leaf_name(leaf)])

    def initial_values(self, name: str) -> list[float]:
        """Return an equation's initial values in floats.

        Raises:
            QuestionError: One is not finite.
        """
        equation = self.equations[self.index[name]]
        values = [self.number(term) for term in equation.initial if equation.law is None]
        for value in values:
            if not math.isfinite(value):
                raise QuestionError(
                    f"the initial value of '{equation.owner}' must be a finite number, found "
                    f"{value}"
                )
        return [float(value) for value in values]

    def exact_parameters(self) -> dict[str, Fraction | None]:
        """Return every parameter's value as the exact decimal written, None for an irrational."""
        return exact_values(self.parameters, self.dt)

    @property
    def depends_on_dt(self) -> bool:
        """Whether a value changes with the time units per step."""
        terms = [e.rule for e in self.equations if e.rule is not None]
        terms += self.parameters.values()
        terms += [term for e in self.equations for term in e.initial]
        return "dt" in self.fixed or any(leaf.op == "dt" for leaf in leaves(*terms))


def exact_values(parameters: Mapping[str, Term], dt: Fraction) -> dict[str, Fraction | None]:
    """Return parameters and `dt` as the exact decimals written, None for an irrational."""
    values: dict[str, Fraction | None] = {"dt": dt}
    for name, term in parameters.items():
        values[name] = exact(term, lambda leaf: values[leaf_name(leaf)])
    return values


def leaf_name(leaf: Term) -> str:
    """Return the parameter a leaf stands for, or `dt`, `t` or `time`."""
    return leaf.payload if isinstance(leaf.payload, str) else leaf.op


def ancestors(template: Template, name: str) -> Iterator[str]:
    """Yield the variables that can influence one, at any lag, itself included."""
    seen = {name}
    stack = [name]
    while stack:
        current = stack.pop()
        yield current
        for parent, _ in template.equations[template.index[current]].parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)


def descendants(template: Template, names: Iterable[str]) -> set[str]:
    """Return the variables that can be influenced by some, at any lag, these included."""
    children: dict[str, list[str]] = {}
    for equation in template.equations:
        for parent, _ in equation.parents:
            children.setdefault(parent, []).append(equation.name)
    seen = set(names)
    stack = list(seen)
    while stack:
        for child in children.get(stack.pop(), ()):
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return seen


def refuse_between(template: Template, source: str, target: str) -> None:
    """Refuse a derivative through a variable that takes whole numbers.

    Args:
        template: The equations.
        source: The nudged variable or stage.
        target: The measured variable.

    Raises:
        QuestionError: An integer variable, or one with a whole-number domain, stands between them.
    """
    if not template.has_integers:
        return
    after = descendants(template, [source])
    for name in ancestors(template, target):
        if name in after and template.equations[template.index[name]].is_integer:
            raise QuestionError(
                f"'{name}' takes whole numbers and stands between '{source}' and '{target}': it "
                "has no derivative; `run`, `sweep` and `divide` take a finite nudge (--delta 1, "
                "delta=1 in Python)"
            )


_START, _UNDISTURBED = ".start", ".undisturbed"


def start_name(name: str) -> str:
    """Return what an equation is called before a nudged parameter changes where it starts."""
    return name + _START


def undisturbed_name(name: str) -> str:
    """Return what an equation is called before a disturbance is added to it."""
    return name + _UNDISTURBED


def node_name(equation: Equation) -> str:
    """Return the node, or the stage, that an equation is of, whatever is added to it later."""
    return equation.name.removesuffix(_START).removesuffix(_UNDISTURBED)


def belonging(
    variables: Mapping[str, Variable], equation: Equation
) -> Literal["own", "between", "before"]:
    """Return to which of its variable's nodes an equation at step t belongs.

    To the one at t (own); to those at t-1 and t (between): the stages of that step belong to both
    nodes of a flow, for they lie on the way from one to the other; or to the one at t-1 (before):
    an algebraic variable's node stands for all of the step that it begins.
    """
    if node_name(equation) == equation.owner:
        return "own"
    if variables[equation.owner].measures is not None:
        return "own"
    return "between" if motion(variables[equation.owner]) == "flow" else "before"


def has_stages(template: Template) -> bool:
    """Whether some equations lie between two steps."""
    return any(e.owner != e.name for e in template.equations)


def equations_mask(
    template: Template, variables: Mapping[str, Variable], nodes: Selection, rows: int
) -> np.ndarray:
    """Return which equations belong to some nodes, shape [rows, equation].

    Args:
        template: The equations.
        variables: The declared variables.
        nodes: The nodes; elements do not count.
        rows: The number of steps.
    """
    import numpy as np  # formulas read interventions, and need no arrays

    mask = np.zeros((rows, len(template.equations)), dtype=bool)
    own: dict[str, np.ndarray] = {}
    for window in nodes:
        at = own.setdefault(window.variable, np.zeros(rows, dtype=bool))
        at[window.first : None if window.last is None else window.last + 1] = True
    for i, equation in enumerate(template.equations):
        if equation.owner not in own:
            continue
        at = own[equation.owner]
        before = np.concatenate([at[:1], at[:-1]])
        places = {"own": at, "between": before & at, "before": before}
        mask[:, i] = places[belonging(variables, equation)]
    return mask

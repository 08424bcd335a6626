"""A model and a question, read into algebra: symbols, exact values and the edges' expressions."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy

from causalopt.effects.asked import Asked, ask, one_node_each
from causalopt.engine.linearization import linearize
from causalopt.errors import QuestionError
from causalopt.language.exponential_form import EXPM
from causalopt.language.sympy_form import to_sympy
from causalopt.language.term import Term, leaves
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.model.template import ancestors, refuse_between
from causalopt.symbolic.linear import T
from causalopt.symbolic.linear_template import (
    Edge,
    Holding,
    LinearQuestion,
    LinearTemplate,
    between,
)
from causalopt.worlds.interventions import held_rows

_LONGEST = 1 << 20
_SHORT_RUN = 20


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """One question about one model, in symbols.

    Args:
        model: The model, with the caller's parameters and initial values.
        asked: Node, held set, target and length.
        numbers: Parameters that the caller has set: they are numbers in every formula.
    """

    model: Model
    asked: Asked
    numbers: frozenset[str] = frozenset()

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """All equations, stages included, in an order in which a step can be computed."""
        return tuple(equation.name for equation in self.model.template.equations)

    @functools.cached_property
    def parameters(self) -> dict[str, sympy.Expr]:
        """Parameter -> its symbol; its number if set; its expression if it follows from others."""
        found: dict[str, sympy.Expr] = {}
        for name, term in self.model.template.parameters.items():
            follows = any(leaf.op == "param" for leaf in leaves(term))
            follows |= name in self.model.template.computed
            if follows or name in self.numbers:
                found[name] = to_sympy(term, lambda leaf: self._clock(leaf, found))
                if term.op == "expm" and not self._is_defined(found[name]):
                    entries = [
                        to_sympy(a, lambda leaf: self._clock(leaf, found)) for a in term.args
                    ]
                    found[name] = EXPM(term.payload, *entries)
            else:
                found[name] = sympy.Symbol(name)
        return found

    def _is_defined(self, expr: sympy.Expr) -> bool:
        """Whether a closed form divides by no 0 at the parameters' own values."""
        names = {str(symbol): symbol for symbol in expr.free_symbols}
        known = {s: sympy.Rational(exact) for n, s in names.items() if (exact := self._exact[n])}
        zeros = {s: sympy.S.Zero for n, s in names.items() if self._exact[n] == 0}
        below = [p.base for p in expr.atoms(sympy.Pow) if p.exp.is_negative]
        return not any(base.subs(known | zeros).is_zero for base in below)

    @functools.cached_property
    def _exact(self) -> dict[str, Fraction | None]:
        return self.model.template.exact_parameters()

    @functools.cached_property
    def values(self) -> dict[sympy.Symbol, sympy.Expr]:
        """Symbol -> the parameter's exact value: the decimal that was written."""
        return {
            sympy.Symbol(name): to_sympy(term, lambda leaf: self._clock(leaf, {}))
            for name, term in self.model.template.parameters.items()
            if self.parameters[name] == sympy.Symbol(name)
        }

    @functools.cached_property
    def references(self) -> dict[tuple[str, int], sympy.Symbol]:
        """(variable, lag) -> the symbol that stands for it in a rule."""
        return {
            (parent, lag): sympy.Symbol(f"{parent}[t-{lag}]" if lag else f"{parent}[t]")
            for equation in self.model.template.equations
            for parent, lag in equation.parents
        }

    @functools.cached_property
    def nodes(self) -> dict[sympy.Symbol, sympy.Symbol]:
        """A rule's symbol -> the node's own name, in a model without time."""
        return {symbol: sympy.Symbol(name) for (name, _), symbol in self.references.items()}

    def expression(self, term: Term) -> Any:
        """Return a rule, a derivative or a condition as a sympy expression.

        NaN where it compares what is not real, such as acos(2), which sympy refuses.
        """
        try:
            return to_sympy(term, lambda leaf: self._clock(leaf, self.parameters))
        except (TypeError, ValueError):
            return sympy.nan

    def _clock(self, leaf: Term, parameters: Mapping[str, sympy.Expr]) -> sympy.Expr:
        if isinstance(leaf.payload, tuple):
            return self.references[leaf.payload]
        if leaf.op == "param":
            return parameters[str(leaf.payload)]
        step = self.model.template.dt
        length = sympy.Rational(step)
        return {"t": T, "dt": length, "time": T * length}[leaf.op]

    @functools.cached_property
    def rules(self) -> tuple[sympy.Expr | None, ...]:
        """Each equation's rule; None for given data."""
        return tuple(
            None if equation.rule is None else self.expression(equation.rule)
            for equation in self.model.template.equations
        )

    @functools.cached_property
    def edges(self) -> dict[Edge, sympy.Expr]:
        """(child, parent, lag) -> derivative of the rule, on the paths from n to m alone.

        Raises:
            QuestionError: A node on such a path takes whole numbers: it has no derivative.
        """
        refuse_between(self.model.template, self.asked.nudge.variable, self.asked.target)
        partials = linearize(self.model.template.structure).partials
        arrows = {(p.child, p.parent) for p in partials}
        index = self.model.template.index
        start, end = index[self.asked.nudge.variable], index[self.asked.target]
        kept = between({start}, arrows, end)
        found = {}
        for p in partials:
            if p.child in kept and p.parent in kept:
                slope = self.expression(p.term)
                if slope != 0:
                    found[p.child, p.parent, p.lag] = slope
        return found

    @functools.cached_property
    def needed(self) -> frozenset[int]:
        """The equations that the target's value depends on at any lag, itself included."""
        template = self.model.template
        return frozenset(template.index[name] for name in ancestors(template, self.asked.target))

    @functools.cached_property
    def question(self) -> LinearQuestion:
        """Nudged node, target and held set as places in `names`."""
        mask = held_rows(self.model, self.asked.hold, _LONGEST)
        rows = [frozenset(i for i, held in enumerate(row) if held) for row in mask]
        early, final = rows[:-1], rows[-1]
        while early and early[-1] == final:
            early.pop()
        index = self.model.template.index
        node = self.asked.nudge
        return LinearQuestion(
            index[node.variable], index[self.asked.target], Holding(tuple(early), final), node.t
        )

    @property
    def drawn(self) -> tuple[tuple[str, str], ...]:
        """(equation, what it does) for equations that take no single values: noise, labels."""
        return tuple(
            (equation.name, equation.law)
            for equation in self.model.template.equations
            if equation.law is not None
        )

    @property
    def lasts(self) -> float:
        """The last step to which the data that the target needs go; infinite without data."""
        equations = self.model.template.equations
        data = [equations[i] for i in self.needed if equations[i].rule is None]
        return min((len(equation.initial) - 1 for equation in data), default=math.inf)

    @property
    def starts(self) -> tuple[int, ...]:
        """The first step at which each equation follows its rule."""
        return tuple(len(equation.initial) for equation in self.model.template.equations)

    @functools.cached_property
    def is_linear(self) -> bool:
        """Whether no derivative on the paths from n to m depends on a variable or on the step."""
        return self.are_fixed(self.edges)

    def are_fixed(self, edges: Mapping[Edge, sympy.Expr]) -> bool:
        """Whether no coefficient depends on a variable or on the step."""
        moving = {*self.references.values(), T}
        return not any(edge.free_symbols & moving for edge in edges.values())


def read_question(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    at: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
) -> Reading:
    """Return a model under changes and a question about it, read into algebra.

    Raises:
        QuestionError: The question cannot be asked of this model.
        UnknownNameError: It names something that the model does not declare.
    """
    changed, nudge, target = one_node_each(
        model.replace(parameters=parameters, initial=initial), nudge, target
    )
    asked = _ask(changed, nudge, hold, target, at, steps)
    return Reading(changed, asked, frozenset(parameters or {}))


def _ask(
    model: Model,
    nudge: str | Node | None,
    hold: str | Sequence[str | Node] | None,
    target: str | None,
    at: int | None,
    steps: int | None,
) -> Asked:
    if at is not None and (at < 0 or at != int(at)):
        raise QuestionError(f"the step must be a whole number from 0 up, found {at}")
    if model.is_static:
        if at:
            raise QuestionError("this model has no time: leave --at (at=) out")
        return ask(model, nudge=nudge, hold=hold, target=target)
    text = nudge if nudge is not None else model.question.nudge
    first = model.node(text).t if text is not None else 0
    default = next((n for n in (steps, model.question.steps) if n is not None), _SHORT_RUN)
    last = at if at is not None else max(default, first)
    return ask(model, nudge=nudge, hold=hold, target=target, steps=last)


@dataclasses.dataclass(frozen=True)
class Linear:
    """A linear template whose irrational coefficients were given symbols of their own.

    Args:
        template: The edges, rational in the parameters.
        irrational: Stand-in symbol -> the expression it stands for.
    """

    template: LinearTemplate
    irrational: Mapping[sympy.Symbol, sympy.Expr]


def linear_template(
    names: tuple[str, ...],
    edges: Mapping[Edge, sympy.Expr],
    starts: tuple[int, ...],
    early: tuple[Mapping[Edge, sympy.Expr], ...] = (),
) -> Linear:
    """Return the template of edges that depend on parameters alone.

    Everything that is not built by + - * / from parameters and rationals, such as exp(-k), becomes
    a symbol of its own: identities that hold for it as a free symbol hold for its value.

    Args:
        names: Variables.
        edges: (child, parent, lag) -> coefficient.
        starts: The first step at which each variable follows its rule.
        early: Other edges for the first steps.

    Returns:
        The template and its stand-ins.
    """
    table: dict[sympy.Expr, sympy.Symbol] = {}
    done: dict[int, dict[Edge, sympy.Expr]] = {}
    different = {id(some): some for some in (edges, *early)}
    taken = {s for some in different.values() for c in some.values() for s in _symbols(c)}
    for key, some in different.items():
        done[key] = {
            e: _rationalised(sympy.sympify(c, strict=True), table, taken) for e, c in some.items()
        }
    used = {s for some in done.values() for c in some.values() for s in c.free_symbols}
    # When data that nothing leads to end is nothing that an effect depends on.
    led_to = {child for some in done.values() for child, _, _ in some}
    starts = tuple(start if i in led_to else 0 for i, start in enumerate(starts))
    template = LinearTemplate(
        names,
        done[id(edges)],
        tuple(sorted(used, key=lambda symbol: symbol.name)),
        starts,
        tuple(done[id(some)] for some in early),
    )
    return Linear(template, {symbol: expr for expr, symbol in table.items()})


def _symbols(expr: Any) -> set[sympy.Symbol]:
    found: set[sympy.Symbol] = sympy.sympify(expr, strict=True).free_symbols
    return found


def _rationalised(
    expr: sympy.Expr, table: dict[sympy.Expr, sympy.Symbol], taken: set[sympy.Symbol]
) -> sympy.Expr:
    if expr.is_Rational or expr.is_Symbol:
        return expr
    is_power = expr.is_Pow and expr.exp.is_Integer
    if expr.is_Add or expr.is_Mul:
        return expr.func(*(_rationalised(arg, table, taken) for arg in expr.args))
    if is_power:
        return _rationalised(expr.base, table, taken) ** expr.exp
    if expr not in table:
        name = f"irrational_{len(table) + 1}"
        while sympy.Symbol(name) in taken:
            name += "_"
        table[expr] = sympy.Symbol(name)
    return table[expr]

"""From a declaration to tables: the discrete model that a `Model` of finite domains is.

A rule over whole numbers is asked once for every combination of its parents' values, in exact
arithmetic; what it gives must lie in the variable's domain. An integer variable without a domain
gets the one that its rule closes: its initial value, and whatever follows from values found.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.errors import ModelError, QuestionError
from causalopt.language.term import Term, evaluate, exact, leaves
from causalopt.laws.discrete import DiscreteModel, Mechanism, Parent
from causalopt.laws.law import DenseLaw, Law, Masses, ProductLaw, law_of
from causalopt.laws.space import Label, Space
from causalopt.model.model import Model
from causalopt.model.template import Equation, leaf_name

MOST_ROWS = 2**18
"""Most combinations of parents a rule is asked for."""

MOST_VALUES = 2**9
"""Most values an integer variable without a domain may take."""

Domains = Mapping[str, tuple[Label, ...]]


def is_finite(model: Model) -> bool:
    """Whether every variable of a model takes labels or whole numbers, so that laws are tables."""
    known = model.finite.domains
    return all(name in known or _is_counted(model, name) for name in model.variables)


def _is_counted(model: Model, name: str) -> bool:
    variable = model.variables[name]
    return variable.kind == "integer" and variable.rule is not None


def discrete(model: Model, *, counted: Collection[str] = ()) -> DiscreteModel:
    """Return the discrete model that a declaration of finite domains is.

    Args:
        model: Every variable has a domain, is an integer whose values close, or is noise with
            finitely many values.
        counted: Noise that is to be part of the state. Noise in A is, and in a model without time
            all of it: there it is a root like another.

    Raises:
        QuestionError: A variable has no finite domain, or a rule reads the clock.
        ModelError: A rule leaves its domain, or reads further back than one step.
    """
    for name in model.variables:
        if name not in model.finite.domains and not _is_counted(model, name):
            raise QuestionError(
                f"'{name}' has no finite domain: give it labels (domain: [a, b]) or a range of "
                f"whole numbers (domain: 0..7)"
            )
    domains = _closed(model)
    state = set(model.variables) if model.is_static else {*counted, *model.A}
    mechanisms = [_mechanism(model, equation, domains) for equation in _equations(model)]
    return DiscreteModel(
        model.name,
        tuple(dataclasses.replace(m, noise=m.noise and m.name not in state) for m in mechanisms),
        _initial(model, domains),
        model.A,
    )


def _equations(model: Model) -> list[Equation]:
    """Return the equations in the order of the declaration."""
    template = model.template
    return [template.equations[template.index[name]] for name in model.variables]


def _closed(model: Model) -> Domains:
    """Return all domains, those of integer variables without one by what their rules reach."""
    domains = dict(model.finite.domains)
    open_ended = [e for e in _equations(model) if e.name not in domains]
    found: dict[str, set[int]] = {e.name: set() for e in open_ended}
    for equation in open_ended:
        _check_rule(model, equation)
        found[equation.name] |= {_whole(equation, v) for v in _starts(model, equation)}
    rules = {e.name: _Rule(model, e, domains) for e in open_ended}
    grown = bool(open_ended)
    while grown:
        domains |= {name: tuple(sorted(values)) for name, values in found.items()}
        news = [_grow(rules[e.name], e, domains, found[e.name]) for e in open_ended]
        grown = any(news)
    return domains


def _grow(ask: _Rule, equation: Equation, domains: Domains, values: set[int]) -> bool:
    """Add what a rule gives for the values known so far; whether anything was new."""
    before = len(values)
    for row in itertools.product(*_options(equation, domains)):
        values.add(_whole(equation, ask.value(row)))
        if len(values) > MOST_VALUES:
            raise QuestionError(
                f"'{equation.name}' takes more than {MOST_VALUES} values: keep it within a range, "
                f"such as min({equation.name}[t-1] + 1, 7), and say domain: 0..7"
            )
    return len(values) > before


def _whole(equation: Equation, value: Fraction | float | None) -> int:
    if value is None or value != int(value):
        raise ModelError(
            f"an integer variable takes whole numbers, its rule gives {value}",
            ("variables", equation.name, "rule"),
        )
    return int(value)


def _options(equation: Equation, domains: Domains) -> list[tuple[Label, ...]]:
    options = [domains[parent] for parent, _ in equation.parents]
    if math.prod(len(labels) for labels in options) > MOST_ROWS:
        raise QuestionError(
            f"the rule of '{equation.name}' has more than {MOST_ROWS} combinations of parents: "
            f"split it over several variables"
        )
    return options


def _mechanism(model: Model, equation: Equation, domains: Domains) -> Mechanism:
    finite, name = model.finite, equation.name
    labels = domains[name]
    if name in finite.noises:
        law = finite.noises[name]
        return Mechanism(name, labels, (), _row(law, labels), noise=True)
    if name in finite.tables:
        table = finite.tables[name]
        shape = [len(domains[parent]) for parent, _ in table.parents]
        options = itertools.product(*(domains[parent] for parent, _ in table.parents))
        rows = np.array([_row(table.rows[key], labels) for key in options])
        return _checked(model, table.parents, name, labels, rows.reshape((*shape, len(labels))))
    if equation.rule is None and model.is_static:
        return Mechanism(
            name, labels, (), _row(dict.fromkeys(labels, Fraction(1, len(labels))), labels)
        )
    if equation.rule is None:
        raise QuestionError(
            f"'{name}' has no rule, so its law after t = 0 is not known: give it a table, or the "
            f"rule {name}[t-1] to keep its value"
        )
    _check_rule(model, equation)
    return _checked(model, equation.parents, name, labels, _tabulated(model, equation, domains))


def _tabulated(model: Model, equation: Equation, domains: Domains) -> Masses:
    """Return the table of a rule over whole numbers."""
    options = _options(equation, domains)
    labels = domains[equation.name]
    shape = (*(len(values) for values in options), len(labels))
    table = np.full(shape, Fraction(0), dtype=object)
    ask = _Rule(model, equation, domains)
    for index in itertools.product(*(range(size) for size in shape[:-1])):
        row = tuple(values[i] for values, i in zip(options, index, strict=True))
        table[(*index, ask.place(row))] = Fraction(1)
    return table


def _check_rule(model: Model, equation: Equation) -> None:
    """Refuse a rule that is no fixed table over numbers."""
    assert equation.rule is not None
    if any(leaf.op in {"t", "time"} for leaf in leaves(equation.rule)):
        raise QuestionError(
            f"the rule of '{equation.name}' reads the clock, and a law moves by the same table "
            f"each step: add a variable that counts"
        )
    for parent, _ in equation.parents:
        domain = model.finite.domains.get(parent, ())
        words = [label for label in domain if isinstance(label, str)]
        if words:
            raise ModelError(
                f"a rule computes with numbers, and '{parent}' takes labels such as "
                f"'{words[0]}': write a table",
                ("variables", equation.name, "rule"),
            )


def _row(law: Mapping[Any, Any], labels: tuple[Label, ...]) -> Masses:
    """Return a law as an array, of Fractions unless one of its numbers is a float."""
    values = [law.get(label, Fraction(0)) for label in labels]
    rational = all(isinstance(value, Fraction) for value in values)
    return np.array(values, dtype=object if rational else float)


class _Rule:
    """A rule over whole numbers, asked for one combination of its parents at a time."""

    def __init__(self, model: Model, equation: Equation, domains: Domains) -> None:
        assert equation.rule is not None
        self._rule = equation.rule
        self._equation = equation
        self._domains = domains
        self._exact = model.template.exact_parameters()
        self._values = model.template.parameter_values()
        self._known: dict[tuple[Label, ...], Fraction | float] = {}

    def value(self, row: tuple[Label, ...]) -> Fraction | float:
        """Return what the rule gives for a row of parents' values, exactly where it can."""
        if row not in self._known:
            self._known[row] = self._computed(row)
        return self._known[row]

    def _computed(self, row: tuple[Label, ...]) -> Fraction | float:
        parents = dict(zip(self._equation.parents, row, strict=True))

        def rational(leaf: Term) -> Fraction | None:
            if isinstance(leaf.payload, tuple):
                return Fraction(parents[leaf.payload])
            return self._exact[leaf_name(leaf)]

        def real(leaf: Term) -> float:
            if isinstance(leaf.payload, tuple):
                return float(parents[leaf.payload])
            return self._values[leaf_name(leaf)]

        value = exact(self._rule, rational)
        return evaluate(self._rule, real) if value is None else value

    def place(self, row: tuple[Label, ...]) -> int:
        """Return the index in the domain of what the rule gives."""
        found = self.value(row)
        domain = self._domains[self._equation.name]
        for i, label in enumerate(domain):
            if label == found:
                return i
        pairs = zip(self._equation.parents, row, strict=True)
        where = ", ".join(
            f"{p}[t-{lag}] = {v}" if lag else f"{p}[t] = {v}" for (p, lag), v in pairs
        )
        raise ModelError(
            f"the rule gives {found} for {where or 'its only case'}, which is no value of the "
            f"domain {list(domain)}",
            ("variables", self._equation.name, "rule"),
        )


def _checked(
    model: Model,
    reads: tuple[tuple[str, int], ...],
    name: str,
    labels: tuple[Label, ...],
    table: Masses,
) -> Mechanism:
    for i, (parent, lag) in enumerate(reads):
        drawn = parent in model.finite.noises
        if lag > 1 or (drawn and lag):
            by_table = name in model.finite.tables
            raise ModelError(
                f"'{parent}' is read {lag} step{'s' * (lag != 1)} back, and a law keeps one step "
                f"of the state{' and no noise' if drawn else ''}: add a variable that carries it",
                ("variables", name, "parents", i) if by_table else ("variables", name, "rule"),
            )
    return Mechanism(name, labels, tuple(Parent(parent, lag) for parent, lag in reads), table)


def _initial(model: Model, domains: Domains) -> Law:
    """Return the law at t = 0 of the variables that have one: joint, marginal, or one value."""
    finite = model.finite
    blocks: list[Law] = []
    if finite.joint is not None:
        names, rows = finite.joint
        space = Space(names, tuple(domains[name] for name in names))
        blocks.append(law_of(space, dict(rows)))
    for equation in _equations(model):
        labels = domains[equation.name]
        law = finite.marginals.get(equation.name)
        if law is None and equation.law is None and equation.initial:
            law = {_start(model, equation, labels): Fraction(1)}
        if law is not None:
            blocks.append(DenseLaw(Space((equation.name,), (labels,)), _row(law, labels)))
    return ProductLaw(tuple(blocks))


def _starts(model: Model, equation: Equation) -> list[Fraction | None]:
    """Return a variable's initial values, exactly."""
    known = model.template.exact_parameters()
    return [exact(term, lambda leaf: known[leaf_name(leaf)]) for term in equation.initial]


def _start(model: Model, equation: Equation, labels: tuple[Label, ...]) -> Label:
    """Return the label that one initial value stands for."""
    path = ("variables", equation.name, "initial")
    if len(equation.initial) > 1:
        raise ModelError("a law keeps one step of the state: give one initial value", path)
    (value,) = _starts(model, equation)
    for label in labels:
        if label == value:
            return label
    raise ModelError(f"the initial value {value} is no value of the domain {list(labels)}", path)

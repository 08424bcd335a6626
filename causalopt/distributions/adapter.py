"""From a declaration to tables: the discrete model that a `Model` of finite domains is.

A rule over whole numbers is asked once for every combination of its parents' values, in exact
arithmetic; what it gives must lie in the variable's domain.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.distributions.discrete import DiscreteModel, Mechanism, Parent
from causalopt.distributions.law import DenseLaw, Law, Masses, ProductLaw, law_of
from causalopt.distributions.space import Label, Space
from causalopt.errors import ModelError, QuestionError
from causalopt.expressions import Term, evaluate, exact, leaves
from causalopt.model import Model
from causalopt.template import Equation

MOST_ROWS = 2**18
"""Most combinations of parents a rule is asked for."""


def is_finite(model: Model) -> bool:
    """Whether every variable of a model has a finite domain, so that its laws are tables."""
    return all(name in model.finite.domains for name in model.variables)


def discrete(model: Model) -> DiscreteModel:
    """Return the discrete model that a declaration of finite domains is.

    Args:
        model: Every variable has a domain, or is noise with finitely many values.

    Raises:
        QuestionError: A variable has no finite domain, a rule reads the clock, or the model has no
            time.
        ModelError: A rule leaves its domain, or reads further back than one step.
    """
    if model.is_static:
        raise QuestionError(f"{model.name} has no time, and decorrelation is followed over a step")
    for name in model.variables:
        if name not in model.finite.domains:
            raise QuestionError(
                f"'{name}' has no finite domain: give it labels (domain: [a, b]) or a range of "
                f"whole numbers (domain: 0..7)"
            )
    mechanisms = tuple(_mechanism(model, equation) for equation in model.template.equations)
    state = [m.name for m in mechanisms if not m.noise]
    order = {name: i for i, name in enumerate(model.variables)}
    return DiscreteModel(
        model.name,
        tuple(sorted(mechanisms, key=lambda m: order[m.name])),
        _initial(model),
        tuple(name for name in model.A if name in state),
    )


def _mechanism(model: Model, equation: Equation) -> Mechanism:
    finite, name = model.finite, equation.name
    labels = finite.domains[name]
    if name in finite.noises:
        law = finite.noises[name]
        return Mechanism(name, labels, (), _row(law, labels), noise=True)
    if name in finite.tables:
        table = finite.tables[name]
        shape = [len(finite.domains[parent]) for parent, _ in table.parents]
        options = itertools.product(*(finite.domains[parent] for parent, _ in table.parents))
        rows = [_row(table.rows[key], labels) for key in options]
        return _checked(model, name, table.parents, np.array(rows).reshape((*shape, len(labels))))
    if equation.rule is None:
        raise QuestionError(
            f"'{name}' has no rule, so its law after t = 0 is not known: give it a table, or the "
            f"rule {name}[t-1] to keep its value"
        )
    return _from_rule(model, equation)


def _row(law: Mapping[Any, Any], labels: tuple[Label, ...]) -> Masses:
    """Return a law as an array, of Fractions unless one of its numbers is a float."""
    values = [law.get(label, Fraction(0)) for label in labels]
    rational = all(isinstance(value, Fraction) for value in values)
    return np.array(values, dtype=object if rational else float)


def _from_rule(model: Model, equation: Equation) -> Mechanism:
    domains, name = model.finite.domains, equation.name
    rule = equation.rule
    assert rule is not None
    if any(leaf.op in {"t", "time"} for leaf in leaves(rule)):
        raise QuestionError(
            f"the rule of '{name}' reads the clock, and a law moves by the same table each step: "
            f"add a variable that counts"
        )
    options = [domains[parent] for parent, _ in equation.parents]
    if math.prod(len(labels) for labels in options) > MOST_ROWS:
        raise QuestionError(
            f"the rule of '{name}' has more than {MOST_ROWS} combinations of parents: split it "
            f"over several variables"
        )
    shape = (*(len(labels) for labels in options), len(domains[name]))
    table = np.full(shape, Fraction(0), dtype=object)
    ask = _Rule(model, equation)
    for index in itertools.product(*(range(size) for size in shape[:-1])):
        row = [labels[i] for labels, i in zip(options, index, strict=True)]
        table[(*index, ask.given(row))] = Fraction(1)
    return _checked(model, name, equation.parents, table)


class _Rule:
    """A rule over whole numbers, asked for one combination of its parents at a time."""

    def __init__(self, model: Model, equation: Equation) -> None:
        self._equation = equation
        self._domain = model.finite.domains[equation.name]
        self._exact = model.template.exact_parameters()
        self._values = model.template.parameter_values()
        for parent, _ in equation.parents:
            words = [label for label in model.finite.domains[parent] if isinstance(label, str)]
            if words:
                raise ModelError(
                    f"a rule computes with numbers, and '{parent}' takes labels such as "
                    f"'{words[0]}': write a table",
                    ("variables", equation.name, "rule"),
                )

    def given(self, row: list[Label]) -> int:
        """Return the index in the domain of what the rule gives for a row of parents' values."""
        parents = dict(zip(self._equation.parents, row, strict=True))

        def rational(leaf: Term) -> Fraction | None:
            if isinstance(leaf.payload, tuple):
                return Fraction(parents[leaf.payload])
            return self._exact[str(leaf.payload) if leaf.payload else leaf.op]

        def real(leaf: Term) -> float:
            if isinstance(leaf.payload, tuple):
                return float(parents[leaf.payload])
            return self._values[str(leaf.payload) if leaf.payload else leaf.op]

        rule = self._equation.rule
        assert rule is not None
        value = exact(rule, rational)
        found = evaluate(rule, real) if value is None else value
        for i, label in enumerate(self._domain):
            if label == found:
                return i
        where = ", ".join(f"{p}[t-{lag}] = {v}" for (p, lag), v in parents.items())
        raise ModelError(
            f"the rule gives {found} for {where or 'its only case'}, which is no value of the "
            f"domain {list(self._domain)}",
            ("variables", self._equation.name, "rule"),
        )


def _checked(
    model: Model, name: str, reads: tuple[tuple[str, int], ...], table: Masses
) -> Mechanism:
    for i, (parent, lag) in enumerate(reads):
        drawn = parent in model.finite.noises
        if lag > 1 or (drawn and lag):
            key = "parents" if name in model.finite.tables else "rule"
            path = ("variables", name, key, i) if key == "parents" else ("variables", name, key)
            raise ModelError(
                f"'{parent}' is read {lag} step{'s' * (lag != 1)} back, and a law keeps one step "
                f"of the state{' and no noise' if drawn else ''}: add a variable that carries it",
                path,
            )
    parents = tuple(Parent(parent, lag) for parent, lag in reads)
    return Mechanism(name, model.finite.domains[name], parents, table)


def _initial(model: Model) -> Law:
    """Return the law at t = 0 of the variables that have one: joint, marginal, or one value."""
    finite = model.finite
    blocks: list[Law] = []
    if finite.joint is not None:
        names, rows = finite.joint
        space = Space(names, tuple(finite.domains[name] for name in names))
        blocks.append(law_of(space, dict(rows)))
    for equation in model.template.equations:
        law = finite.marginals.get(equation.name)
        if law is None and equation.law is None and equation.initial:
            law = {_start(model, equation): Fraction(1)}
        if law is not None:
            labels = finite.domains[equation.name]
            blocks.append(DenseLaw(Space((equation.name,), (labels,)), _row(law, labels)))
    return ProductLaw(tuple(blocks))


def _start(model: Model, equation: Equation) -> Label:
    """Return the label that one initial value stands for."""
    known = model.template.exact_parameters()
    path = ("variables", equation.name, "initial")
    if len(equation.initial) > 1:
        raise ModelError("a law keeps one step of the state: give one initial value", path)
    value = exact(equation.initial[0], lambda leaf: known[str(leaf.payload) or leaf.op])
    for label in model.finite.domains[equation.name]:
        if label == value:
            return label
    raise ModelError(
        f"the initial value {value} is no value of the domain "
        f"{list(model.finite.domains[equation.name])}",
        path,
    )

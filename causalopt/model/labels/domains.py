"""Finite domains in a declaration: tables, noise, and laws at t = 0, read and checked.

Everything said in labels is checked here once, against the domains declared: rows are complete and
name known labels, probabilities sum to one, initial laws do not contradict each other. A number
stays the exact fraction it is written as (`1/3`, `0.1`); an expression in parameters stays exact
where it can.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from causalopt.errors import ExpressionError, ModelError, suggestion
from causalopt.language.parse import parse
from causalopt.language.scope import CLOCK, Scope, normalized
from causalopt.language.term import Term, evaluate, exact
from causalopt.model.declaration import Variable, chance_key, is_label_variable, table_parents
from causalopt.model.labels.noise_words import noise_parts
from causalopt.model.labels.records import Domains, Label, LabelTable, Law, Number, Parent, Path

TOLERANCE = 1e-9
"""How far probabilities written as rounded decimals may be from summing to one."""

ROUNDED = 1e-3
"""How far they may be when they are to be divided by their sum: three written digits."""


def read_finite(
    variables: Mapping[str, Variable],
    initial: Iterable[Mapping[str, Label]],
    parameters: Mapping[str, Fraction | None],
    values: Mapping[str, float],
    *,
    renormalise: bool = False,
) -> Domains:
    """Read and check everything a declaration says in labels.

    Args:
        variables: The declared variables.
        initial: Rows of the joint law at t = 0.
        parameters: Exact values of the parameters, None for an irrational one.
        values: Their values in floats.
        renormalise: Whether laws that sum to 1 up to `ROUNDED` are divided by their sum.

    Raises:
        ModelError: A table, a noise or a law is wrong; `path` says where.
    """
    reader = _Reader(variables, parameters, values, renormalise=renormalise)
    return reader.finite(tuple(initial))


def parameter_term(text: str, names: Iterable[str], kind: str, path: Path) -> Term:
    """Return an expression in parameters.

    Args:
        text: The expression.
        names: The parameters.
        kind: What the expression is, for messages.
        path: Where it stands.

    Raises:
        ModelError: It is none.
    """
    known = {normalized(n): Term.of("param", payload=n) for n in names if n != "dt"}
    try:
        return parse(text, Scope(names={**known, "pi": CLOCK["pi"]}, kind=kind))
    except ExpressionError as error:
        raise ModelError(error.message, path, error.offset) from None


class _Reader:
    def __init__(
        self,
        variables: Mapping[str, Variable],
        parameters: Mapping[str, Fraction | None],
        values: Mapping[str, float],
        *,
        renormalise: bool,
    ) -> None:
        self._variables = variables
        self._chance = chance_key(variables)
        self._renormalise = renormalise
        self._exact = parameters
        self._values = values
        self._domains: dict[str, tuple[Label, ...]] = {
            name: v.domain for name, v in variables.items() if v.domain is not None
        }

    def finite(self, initial: tuple[Mapping[str, Label], ...]) -> Domains:
        noises = dict(self._noises())
        self._domains |= {name: tuple(law) for name, law in noises.items()}
        tables = {
            name: self._table(name, variable)
            for name, variable in self._variables.items()
            if variable.table is not None
        }
        joint = self._joint(initial) if initial else None
        marginals = dict(self._marginals(joint[0] if joint else ()))
        return Domains(self._domains, tables, noises, dict(self._densities()), marginals, joint)

    def _number(self, value: Label, path: Path) -> Number:
        """Return a probability as the fraction written, or as a float where it is irrational."""
        if not isinstance(value, str):
            return Fraction(value if isinstance(value, int) else repr(value))
        term = parameter_term(value, self._exact, "probability", path)
        rational = exact(term, lambda leaf: self._exact[str(leaf.payload)])
        if rational is not None:
            return rational
        return evaluate(term, lambda leaf: self._values[str(leaf.payload)])

    def _label(self, name: str, value: object, path: Path) -> Label:
        """Return the label of a domain that a text or number stands for."""
        domain = self._domains[name]
        for label in domain:
            if label == value or str(label) == str(value):
                return label
        raise ModelError(
            f"'{value}' is no label of '{name}'{suggestion(str(value), map(str, domain))}", path
        )

    def _law(self, name: str, entries: Mapping[Any, Label], path: Path) -> Law:
        law: dict[Label, Number] = {}
        for key, value in entries.items():
            label = self._label(name, key, (*path, key))
            if label in law:
                raise ModelError(f"the label '{key}' stands here a second time", (*path, key))
            law[label] = self._number(value, (*path, key))
            if law[label] < 0:
                raise ModelError(f"a probability is at least 0, found {value}", (*path, key))
        return self._normal(law, path)

    def _normal(self, law: dict[Any, Number], path: Path) -> dict[Any, Number]:
        """Return a law that sums to one, in floats where it does so only up to rounding."""
        rational = all(isinstance(p, Fraction) for p in law.values())
        total = sum(law.values(), Fraction(0))
        off = abs(float(total) - 1.0)
        if total == 1 and rational:
            return law
        if self._renormalise and off <= ROUNDED:
            return {key: p / total for key, p in law.items()}
        if off > TOLERANCE:
            hint = (
                ": write fractions, or renormalise: true at the top level to divide by the sum"
                if off <= ROUNDED
                else f", or to {ROUNDED} with renormalise: true" * self._renormalise
            )
            raise ModelError(f"the probabilities sum to {total}, and must sum to 1{hint}", path)
        return {key: float(p) for key, p in law.items()}

    def _noises(self) -> Iterator[tuple[str, Law]]:
        for name, variable in self._variables.items():
            path: Path = ("variables", name, "noise")
            if isinstance(variable.noise, Mapping):
                if name not in self._domains:
                    self._domains[name] = tuple(_plain(key) for key in variable.noise)
                yield name, self._law(name, variable.noise, path)
            elif variable.noise is not None:
                kind, arguments = noise_parts(variable.noise, path)
                if kind == "bernoulli":
                    self._domains.setdefault(name, (0, 1))
                    p = self._number(arguments[0], path)
                    if not 0 <= p <= 1:
                        raise ModelError(f"bernoulli's probability is in [0, 1], found {p}", path)
                    yield name, {0: 1 - p, 1: p}

    def _densities(self) -> Iterator[tuple[str, tuple[str, tuple[float, ...]]]]:
        for name, variable in self._variables.items():
            if not isinstance(variable.noise, str):
                continue
            path: Path = ("variables", name, "noise")
            kind, arguments = noise_parts(variable.noise, path)
            if kind != "bernoulli":
                numbers = tuple(float(self._number(text, path)) for text in arguments)
                if kind == "normal" and numbers[1] < 0:
                    raise ModelError(
                        f"a standard deviation is at least 0, found {numbers[1]}", path
                    )
                yield name, (kind, numbers)

    def _table(self, name: str, variable: Variable) -> LabelTable:
        path: Path = ("variables", name, "table")
        parents = table_parents(name, variable, self._variables)
        for i, (parent, _) in enumerate(parents):
            if parent not in self._domains:
                raise ModelError(
                    f"'{parent}' has no finite domain, and a table reads labels: give it a domain",
                    ("variables", name, "parents", i),
                )
        rows: dict[tuple[Label, ...], Law] = {}
        for place, row in _rows(variable.table or (), len(parents), path):
            key, law = self._row(name, parents, row, place)
            if key in rows:
                raise ModelError(f"a second row for {_shown(key)}: keep one", place)
            rows[key] = law
        options = [self._domains[parent] for parent, _ in parents]
        missing = [key for key in itertools.product(*options) if key not in rows]
        if missing:
            others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise ModelError(
                f"the table of '{name}' has no row for {_shown(missing[0])}{others}: give every "
                f"combination of {', '.join(parent for parent, _ in parents) or 'its parents'} one",
                path,
            )
        return LabelTable(parents, rows)

    def _row(
        self, name: str, parents: tuple[Parent, ...], row: tuple[Any, ...], path: Path
    ) -> tuple[tuple[Label, ...], Law]:
        if len(row) == 2 and isinstance(row[0], tuple):
            row = (*row[0], row[1])  # [[parents], outcome] says the same as [parents, outcome]
        if len(row) != len(parents) + 1:
            raise ModelError(
                f"a row has {len(parents)} parents' labels and what they give, so "
                f"{len(parents) + 1} entries; this has {len(row)}",
                path,
            )
        key = tuple(
            self._label(parent, value, (*path, j))
            for j, ((parent, _), value) in enumerate(zip(parents, row, strict=False))
        )
        last: Path = (*path, len(parents))
        if isinstance(row[-1], Mapping):
            return key, self._law(name, row[-1], last)
        return key, {self._label(name, row[-1], last): Fraction(1)}

    def _marginals(self, covered: tuple[str, ...]) -> Iterator[tuple[str, Law]]:
        for name, variable in self._variables.items():
            path: Path = ("variables", name, "initial")
            if variable.initial is None:
                continue
            if name in covered:
                raise ModelError(
                    f"'{name}' has an initial value here and another in the joint 'initial': keep "
                    "one of the two",
                    path,
                )
            if isinstance(variable.initial, Mapping):
                if name not in self._domains:
                    raise ModelError(
                        f"a law at t = 0 needs labels: give '{name}' a domain, or one number", path
                    )
                yield name, self._law(name, variable.initial, path)
            elif is_label_variable(variable):
                yield name, {self._label(name, variable.initial, path): Fraction(1)}

    def _joint(
        self, initial: tuple[Mapping[str, Label], ...]
    ) -> tuple[tuple[str, ...], Mapping[tuple[Label, ...], Number]]:
        names = tuple(name for name in initial[0] if name != self._chance)
        rows: dict[tuple[Label, ...], Number] = {}
        for i, row in enumerate(initial):
            key, p = self._joint_row(names, row, ("initial", i))
            if key in rows:
                raise ModelError(f"a second row for {_shown(key)}: add the two", ("initial", i))
            rows[key] = p
        return names, self._normal(rows, ("initial",))

    def _joint_row(
        self, names: tuple[str, ...], row: Mapping[str, Label], path: Path
    ) -> tuple[tuple[Label, ...], Number]:
        chance = self._chance
        for name in row:
            if name != chance and name not in self._domains:
                known = [n for n in self._domains if self._variables[n].noise is None]
                raise ModelError(
                    f"'{name}' is no variable with a domain{suggestion(name, known)}", (*path, name)
                )
        if chance not in row:
            why = "" if chance == "p" else " ('p' is a variable here)"
            raise ModelError(f"the row has no probability: add {chance}: 1/3{why}", path)
        if {*row} - {chance} != {*names}:
            raise ModelError(
                f"every row of a joint law gives a label to the same variables: {', '.join(names)}",
                path,
            )
        key = tuple(self._label(name, row[name], (*path, name)) for name in names)
        p = self._number(row[chance], (*path, chance))
        if p < 0:
            raise ModelError(f"a probability is at least 0, found {row[chance]}", (*path, chance))
        return key, p


def _rows(table: Any, parents: int, path: Path) -> Iterator[tuple[Path, tuple[Any, ...]]]:
    """Yield a table's rows with their places: a list of rows, or maps nested by parent.

    `{high: {hot: hot, cold: warm}}` and `{"high, hot": hot}` say what `[high, hot, hot]` says.
    """
    if not isinstance(table, Mapping):
        yield from (((*path, i), row) for i, row in enumerate(table))
        return
    for text, entry in table.items():
        key = tuple(part.strip() for part in str(text).split(","))
        inner = parents - len(key)
        if inner > 0 and isinstance(entry, Mapping):
            for place, row in _rows(entry, inner, (*path, text)):
                yield place, (*key, *row)
        else:
            yield (*path, text), (*key, entry)


def _plain(key: Label) -> Label:
    """Return the whole number a mapping's key stands for, else the key: keys are texts in files."""
    return int(key) if isinstance(key, str) and re.fullmatch(r"-?\d+", key) else key


def _shown(key: tuple[Label, ...]) -> str:
    return "[" + ", ".join(str(label) for label in key) + "]"

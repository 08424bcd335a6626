"""Discrete models: every variable a finite domain, every rule a conditional table.

This is the array form that the exact engines read. A label model's declaration is turned into it
by `causalopt.laws.adapter`; from Python it can be built directly.
"""

from __future__ import annotations

import dataclasses
import graphlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from causalopt.errors import ModelError, UnknownNameError, suggestion
from causalopt.laws.law import TOLERANCE, Law, Masses, inexact
from causalopt.laws.space import Label, Space
from causalopt.worlds.replacement import replace


class Parent(NamedTuple):
    """A variable that a rule reads: `lag` 1 is the step before, 0 the same step."""

    name: str
    lag: int = 1


@dataclasses.dataclass(frozen=True, eq=False)
class Mechanism:
    """How one variable's value follows from its parents: P(value | parents).

    Args:
        name: The variable.
        labels: Its domain, in order.
        parents: What the rule reads, in the order of the table's axes.
        table: Conditional probabilities; one axis a parent, then one for the variable itself.
        noise: Drawn afresh each step and no part of the state.
    """

    name: str
    labels: tuple[Label, ...]
    parents: tuple[Parent, ...]
    table: Masses
    noise: bool = False

    @property
    def deterministic(self) -> bool:
        """Whether every row gives one label for certain."""
        return bool(np.all((self.table == 0) | (self.table == 1)))

    @property
    def rows(self) -> Masses:
        """The table with all parents on one axis: shape (rows, labels)."""
        return self.table.reshape(-1, len(self.labels))


@dataclasses.dataclass(frozen=True, eq=False)
class DiscreteModel:
    """A discrete model: mechanisms, a law at t = 0, and the part A that may be the optimizer.

    Args:
        name: What to call it.
        mechanisms: One for each variable; noise variables have no parents.
        initial: The law at t = 0, over the state variables that have an initial value; the others
            follow their rules from t = 0.
        A: The variables of A; B is every other variable of the state.

    Raises:
        ModelError: A table has the wrong shape or a row that does not sum to one, a parent is
            unknown, or rules read each other within one step.

    Example:
        >>> flip = Mechanism("x", (0, 1), (Parent("x"),), np.array([[0.0, 1.0], [1.0, 0.0]]))
        >>> from causalopt.laws.law import law_of
        >>> start = law_of(Space(("x",), ((0, 1),)), {(0,): 1})
        >>> DiscreteModel("flip", (flip,), start, ()).state.names
        ('x',)
    """

    name: str
    mechanisms: tuple[Mechanism, ...]
    initial: Law
    A: tuple[str, ...]

    def __post_init__(self) -> None:
        known = {mechanism.name for mechanism in self.mechanisms}
        for mechanism in self.mechanisms:
            _check_parents(mechanism, known)
            _check_table(mechanism, self._shape(mechanism))
        for name in (*self.A, *self.initial.space.names):
            if name not in self.state.names:
                raise UnknownNameError(
                    f"no state variable {name!r}{suggestion(name, self.state.names)}"
                )
        self.ordered()

    @property
    def state(self) -> Space:
        """The variables whose law is followed: all but the noise."""
        kept = [mechanism for mechanism in self.mechanisms if not mechanism.noise]
        return Space(tuple(m.name for m in kept), tuple(m.labels for m in kept))

    @property
    def B(self) -> tuple[str, ...]:  # noqa: N802 - the theory's own letter
        """Every state variable outside A."""
        return self.state.without(self.A)

    @property
    def deterministic(self) -> bool:
        """Whether one state has exactly one successor."""
        return all(m.deterministic for m in self.mechanisms)

    @property
    def exact(self) -> bool:
        """Whether every table holds Fractions."""
        return all(m.table.dtype == object for m in self.mechanisms)

    def __getitem__(self, name: str) -> Mechanism:
        for mechanism in self.mechanisms:
            if mechanism.name == name:
                return mechanism
        known = [mechanism.name for mechanism in self.mechanisms]
        raise UnknownNameError(f"no variable {name!r} in {self.name}{suggestion(name, known)}")

    def ordered(self) -> tuple[Mechanism, ...]:
        """Return the mechanisms, each after those it reads within the same step."""
        reads = {m.name: [p.name for p in m.parents if p.lag == 0] for m in self.mechanisms}
        try:
            order = tuple(graphlib.TopologicalSorter(reads).static_order())
        except graphlib.CycleError as error:
            loop = " <- ".join(error.args[1])
            raise ModelError(
                f"rules read each other within one step ({loop}); let one of them read [t-1]"
            ) from error
        return tuple(self[name] for name in order)

    def inexact(self) -> DiscreteModel:
        """Return the same model with float tables and a float initial law."""
        mechanisms = tuple(
            dataclasses.replace(m, table=m.table.astype(float)) for m in self.mechanisms
        )
        return dataclasses.replace(self, mechanisms=mechanisms, initial=inexact(self.initial))

    def _shape(self, mechanism: Mechanism) -> tuple[int, ...]:
        parents = tuple(len(self[parent.name].labels) for parent in mechanism.parents)
        return (*parents, len(mechanism.labels))


@replace.register
def _replace_parents(
    x: Mechanism, nodes: Iterable[Parent], source: Callable[[Parent], Parent]
) -> Mechanism:
    """Return the rule that reads some parents elsewhere: `source` says where."""
    taken = set(nodes)
    parents = tuple(source(parent) if parent in taken else parent for parent in x.parents)
    return dataclasses.replace(x, parents=parents)


def _check_parents(mechanism: Mechanism, known: Iterable[str]) -> None:
    for parent in mechanism.parents:
        if parent.name not in known:
            raise ModelError(
                f"{mechanism.name!r} reads {parent.name!r}, which is not declared"
                f"{suggestion(parent.name, known)}"
            )
        if parent.lag not in (0, 1):
            raise ModelError(
                f"{mechanism.name!r} reads {parent.name!r} {parent.lag} steps back; a law keeps "
                f"one step, so add a variable that carries the older value and read that"
            )
    if mechanism.noise and mechanism.parents:
        raise ModelError(f"noise {mechanism.name!r} is exogenous and has no parents")


def _check_table(mechanism: Mechanism, shape: tuple[int, ...]) -> None:
    table = mechanism.table
    if table.shape != shape:
        raise ModelError(
            f"the table of {mechanism.name!r} needs shape {shape} (its parents' labels, then its "
            f"own), got {table.shape}"
        )
    sums = table.sum(axis=-1)
    off = sums != 1 if table.dtype == object else np.abs(sums - 1.0) > TOLERANCE
    off = np.asarray(off | (table < 0).any(axis=-1), dtype=bool)
    if off.any():
        row = tuple(int(i) for i in np.argwhere(off)[0]) if off.ndim else ()
        raise ModelError(
            f"row {row} of the table of {mechanism.name!r} sums to {np.asarray(sums)[row]}; "
            f"probabilities are at least 0 and sum to 1"
        )

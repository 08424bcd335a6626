"""The contract: what every execution of a template offers, and the arrays it returns.

A plan and a template go in. Three members keep the contract: generated Python (`python`), numpy by
level (`levels`) and machine code (`machine.trajectory`); `executions` chooses among them. Their
results agree bit for bit on + - * / and sqrt, elsewhere to a few units of the last place.

Two relatives stand apart on purpose. `batch` runs many worlds at once and keeps little of
each, so that it returns no table of steps. `jacobians` applies one step's derivative to many
directions for exponents and candidate sets, and carries no rounding estimate.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import itertools
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from causalopt.language.term import Term
from causalopt.model.template import Structure

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Plan:
    """One run: parameter values, forced and shifted nodes, and the held set.

    V is the number of equations (stages included), F the number of leading steps at which some node
    is forced or shifted; from step F on every node follows its rule.

    Attributes:
        steps: The last step; nodes exist at t = 0 .. steps.
        parameters: Values in the order of the structure's parameters, shape [P].
        forced: Which nodes take a given value (initial, set, replaced), shape [F, V].
        values: The values they take, shape [F, V].
        shifts: What is added to a node's value, shape [F, V].
        held: Which nodes are in A, shape [H, V]; the last row goes on for ever.
        seed: The node `(t, equation)` by which tangents are taken, None for none.
    """

    steps: int
    parameters: Floats
    forced: Bools
    values: Floats
    shifts: Floats
    held: Bools
    seed: tuple[int, int] | None = None

    def careful(self, t: int) -> bool:
        """Whether step t needs more than the rules."""
        return t < len(self.forced) or (self.seed is not None and t == self.seed[0])

    def segments(self) -> list[tuple[int, int]]:
        """Return ranges [t0, t1) covering 0..steps: careful ones, and those with constant A."""
        edges = {0, self.steps + 1, min(len(self.forced), self.steps + 1)}
        if self.seed is not None and self.seed[0] <= self.steps:
            edges |= {self.seed[0], self.seed[0] + 1}
        changes = np.flatnonzero(np.any(self.held[1:] != self.held[:-1], axis=1)) + 1
        edges |= {int(t) for t in changes if t <= self.steps}
        ordered = sorted(edges)
        return list(itertools.pairwise(ordered))

    @functools.cached_property
    def alike(self) -> list[tuple[int, int]]:
        """Ranges [t0, t1) covering 0..steps at which the same equations are forced and held."""
        edges = {0, self.steps + 1, len(self.forced)}
        for table in (self.forced, self.held):
            edges |= set((np.flatnonzero((table[1:] != table[:-1]).any(axis=1)) + 1).tolist())
        return list(itertools.pairwise(sorted(t for t in edges if t <= self.steps + 1)))

    @property
    def held_table(self) -> Bools:
        """A's mask at every step, shape [t, V]."""
        if len(self.held) == 1:
            return np.broadcast_to(self.held, (self.steps + 1, self.held.shape[1]))
        table: Bools = self.held[np.minimum(np.arange(self.steps + 1), len(self.held) - 1)]
        return table

    def held_at(self, t: int) -> Bools:
        """Return A's mask at step t, shape [V]."""
        row: Bools = self.held[min(t, len(self.held) - 1)]
        return row


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """One world's values.

    Attributes:
        values: Shape [t, equation].
        extras: The further terms asked for, shape [t, term].
        execution: What ran it: `python`, `llvm` or `levels`.
    """

    values: Floats
    extras: Floats
    execution: str


@dataclasses.dataclass(frozen=True)
class Tangents:
    """W and the derivatives of every node by the seeded one.

    A tangent's value is mantissa * 2**exponent; the exponent is common to a world's step.

    Attributes:
        values: W, shape [t, equation].
        total: Derivatives over all paths, mantissas, shape [t, equation].
        direct: Derivatives over the paths that avoid A, mantissas, shape [t, equation].
        total_error: Rounding error carried by `total`, in units of 2**-53, shape [t, equation].
        direct_error: Likewise for `direct`.
        exponents: Of total and direct, shape [t, 2].
        kink: The first step at which the nudge's influence sat on a kink, None for none.
        execution: What ran it: `python`, `llvm` or `levels`.
    """

    values: Floats
    total: Floats
    direct: Floats
    total_error: Floats
    direct_error: Floats
    exponents: NDArray[np.int64]
    kink: int | None
    execution: str


@dataclasses.dataclass(frozen=True)
class Adjoint:
    """The derivatives of one node m, at the last step, by every node.

    A derivative's value is mantissa * 2**exponent.

    Attributes:
        total: Over all paths, mantissas, shape [t, equation].
        direct: Over the paths that avoid A.
        total_error: Rounding error carried by `total`, in units of 2**-53.
        direct_error: Likewise for `direct`.
        exponents: Of total and direct, shape [t, 2].
        values: W at the measured node.
        closed: Where gaps of kinks were closed: (step, place in `moving_gaps`), shape [n, 2].
        execution: What ran the sweep: `python` or `llvm`.
    """

    total: Floats
    direct: Floats
    total_error: Floats
    direct_error: Floats
    exponents: NDArray[np.int64]
    values: float
    closed: NDArray[np.intp]
    execution: str


class Execution(abc.ABC):
    """One way to run plans.

    Attributes:
        name: As a caller asks for it and results report it.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def run_values(
        self, structure: Structure, plan: Plan, extras: tuple[Term, ...] = ()
    ) -> Trajectory:
        """Return one world's values, and those of further terms, at every step.

        Args:
            structure: The template's rules.
            plan: The run.
            extras: Further terms to evaluate at every step.
        """

    @abc.abstractmethod
    def run_tangents(self, structure: Structure, plan: Plan) -> Tangents:
        """Return W with the total and direct tangents of every node, at every step."""

    @abc.abstractmethod
    def run_adjoint(self, structure: Structure, plan: Plan, target: int) -> Adjoint:
        """Return the derivatives of an equation's value at the last step by every node.

        Args:
            structure: The template's rules.
            plan: The baseline; its held set is A, its seed is not used.
            target: The measured equation.
        """

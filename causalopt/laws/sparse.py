"""One step of the law of a discrete model, over the states it can reach.

States are rows of label indices. Each mechanism in turn adds a column: a certain outcome by
look-up, an uncertain one by splitting every row into the outcomes that have probability. Rows that
meet are merged at the end. Cost follows the support, not the size of the space, and Fractions go
through unrounded: this is the proof engine too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from causalopt.errors import QuestionError
from causalopt.laws.discrete import DiscreteModel, Mechanism
from causalopt.laws.law import Law, Masses, SparseLaw

LIMIT = 2**24
"""Most rows held at once: about a gigabyte for a dozen variables."""

Columns = dict[tuple[str, int], npt.NDArray[np.int64]]
"""Label indices by (variable, lag): lag 1 the step before, 0 the step being made."""


def step(model: DiscreteModel, law: Law, *, limit: int = LIMIT) -> SparseLaw:
    """Return the law one step later: P(s') = sum over s of P(s) P(s' | s).

    Args:
        model: The discrete model.
        law: The law now, over all state variables in any order.
        limit: Most rows to hold at once.

    Raises:
        QuestionError: More rows would be needed than `limit`.
    """
    now = law.sparse()
    columns: Columns = {(name, 1): now.states[:, i] for i, name in enumerate(now.space.names)}
    return _drawn(model, model.ordered(), columns, now.p, limit)


def begin(model: DiscreteModel, law: Law, *, limit: int = LIMIT) -> SparseLaw:
    """Return the law at t = 0 over all variables, those without an initial value by their rules.

    Args:
        model: The discrete model.
        law: The law of the variables that have an initial value.
        limit: Most rows to hold at once.

    Raises:
        QuestionError: A rule needed at t = 0 reads a step before it.
    """
    given = law.sparse()
    columns: Columns = {(name, 0): given.states[:, i] for i, name in enumerate(given.space.names)}
    wanted = [m for m in model.ordered() if m.name not in given.space.names]
    for mechanism in wanted:
        early = [parent.name for parent in mechanism.parents if parent.lag]
        if early:
            raise QuestionError(
                f"{mechanism.name!r} has no initial value and its rule reads {early[0]}[t-1]; "
                f"give it an initial value or law"
            )
    return _drawn(model, wanted, columns, given.p, limit)


def images(model: DiscreteModel, law: SparseLaw) -> npt.NDArray[np.int64]:
    """Return the successor of each row of a law's states, in the rows' order.

    Args:
        model: A deterministic discrete model.
        law: The states, in the order of `model.state`.
    """
    columns: Columns = {(name, 1): law.states[:, i] for i, name in enumerate(law.space.names)}
    p = law.p
    for mechanism in model.ordered():
        columns, p = _extend(mechanism, columns, p, LIMIT)
    return np.column_stack([columns[name, 0] for name in model.state.names])


def _drawn(
    model: DiscreteModel, mechanisms: Sequence[Mechanism], columns: Columns, p: Masses, limit: int
) -> SparseLaw:
    for mechanism in mechanisms:
        columns, p = _extend(mechanism, columns, p, limit)
    space = model.state
    states = np.column_stack([columns[name, 0] for name in space.names])
    return SparseLaw(space, states, p).merged()


def _extend(
    mechanism: Mechanism, columns: Columns, p: Masses, limit: int
) -> tuple[Columns, Masses]:
    """Add a mechanism's column, splitting rows where its outcome is uncertain."""
    row = _row(mechanism, columns, len(p))
    possible = np.asarray(mechanism.rows != 0, dtype=bool)
    count = possible.sum(axis=1)
    if (count == 1).all():
        columns[mechanism.name, 0] = possible.argmax(axis=1)[row]
        return columns, p
    needed = int(count[row].sum())
    if needed > limit:
        raise QuestionError(
            f"the law needs {needed} states at {mechanism.name!r}, more than the limit of {limit}; "
            f"ask for target variables only, so that the joint is never formed"
        )
    source, label = np.nonzero(possible[row])
    columns = {key: column[source] for key, column in columns.items()}
    columns[mechanism.name, 0] = label
    return columns, p[source] * mechanism.rows[row[source], label]


def _row(mechanism: Mechanism, columns: Columns, length: int) -> npt.NDArray[np.int64]:
    row = np.zeros(length, dtype=np.int64)
    for parent, size in zip(mechanism.parents, mechanism.table.shape[:-1], strict=True):
        row = row * size + columns[parent.name, parent.lag]
    return row

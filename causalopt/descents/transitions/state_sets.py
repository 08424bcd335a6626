"""Sets of states that walkers come from and go to, written as conditions on the coordinates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from causalopt.errors import ExpressionError, QuestionError
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.parse import parse
from causalopt.language.scope import Scope
from causalopt.language.term import Term, const

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array
    from causalopt.model.model import Model

PROBES = 8193
LINES = 17
HALVINGS = 60
BETWEEN, ORIGIN, DESTINATION = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class StateSet:
    """The states at which a condition holds.

    Args:
        text: The condition as it was written, for messages and titles.
        holds: From states, axes (coordinate, point), to booleans, axis (point,).
    """

    text: str
    holds: Callable[[Array], NDArray[np.bool_]]


@dataclasses.dataclass(frozen=True)
class Division:
    """Where walkers come from, where they go to, and all that lies between.

    Args:
        origin: The set they come from.
        destination: The set they go to.

    Example:
        >>> low = StateSet("W < 0", lambda states: states[0] < 0)
        >>> high = StateSet("W > 1", lambda states: states[0] > 1)
        >>> Division(low, high).labels(np.array([[-1.0, 0.5, 2.0]]))
        array([1, 0, 2], dtype=int8)
    """

    origin: StateSet
    destination: StateSet

    def labels(self, states: Array) -> NDArray[np.int8]:
        """Return 1 in the origin, 2 in the destination and 0 between, axis (point,).

        Raises:
            QuestionError: A state lies in both.
        """
        first, second = self.origin.holds(states), self.destination.holds(states)
        both = np.flatnonzero(first & second)
        if len(both):
            place = ", ".join(f"{value:g}" for value in states[:, both[0]])
            raise QuestionError(
                f"the sets overlap: {place} lies in '{self.origin.text}' and in "
                f"'{self.destination.text}'; a walker must leave one before it reaches the other"
            )
        return np.asarray(ORIGIN * first + DESTINATION * second, dtype=np.int8)

    def straight_edges(self, low: Array, high: Array, axis: int) -> list[float]:
        """Return where the label changes across an axis, at the same place wherever it does.

        Along a line these are all edges; in the plane, those at right angles to the axis.

        Args:
            low: Lower ends of the box that is looked at, axis (coordinate,).
            high: Upper ends.
            axis: The coordinate.
        """
        lines = [np.linspace(low[i], high[i], LINES) for i in range(len(low)) if i != axis]
        others = np.array([line.ravel() for line in np.meshgrid(*lines, indexing="ij")])
        kept = others.T if lines else np.zeros((1, 0))
        places = np.sort([x for other in kept for x in self._edges(low, high, axis, other)])
        if not lines:
            return [float(x) for x in places]
        near = np.diff(places) < 1e-9 * (high[axis] - low[axis])
        # One number for each run of equal ones, which a slanted edge never makes.
        first = near & ~np.concatenate([[False], near[:-1]])
        return [float(x) for x in places[:-1][first]]

    def _edges(self, low: Array, high: Array, axis: int, other: Array) -> list[float]:
        """Return the edges on one line along an axis, by bisection to the last place.

        Args:
            low: Lower ends of the box.
            high: Upper ends.
            axis: The coordinate that runs.
            other: Where the others stand.
        """

        def labels_at(x: Array) -> NDArray[np.int8]:
            rest = np.tile(other[:, np.newaxis], len(x))
            return self.labels(np.insert(rest, axis, x, axis=0))

        probes = np.linspace(low[axis], high[axis], PROBES)
        labels = labels_at(probes)
        places = np.flatnonzero(np.diff(labels))
        left, right = probes[places], probes[places + 1]
        for _ in range(HALVINGS if len(places) else 0):
            middle = (left + right) / 2
            same = labels_at(middle) == labels[places]
            left, right = np.where(same, middle, left), np.where(same, right, middle)
        return [float(x) for x in (left + right) / 2]


def read_set(model: Model, names: tuple[str, ...], text: str, option: str) -> StateSet:
    """Return the set of states that a text describes.

    Args:
        model: Its parameters may be named.
        names: The coordinates, of which those of an earlier step cannot be named.
        text: A condition such as `W < 1.05` or `(u + 1)**2 + v**2 < 0.1`.
        option: What the text was given as, for messages.

    Raises:
        QuestionError: The text is no condition on the coordinates.
    """
    parameters = model.template.parameter_values()
    scope = Scope(
        variables=frozenset(name for name in names if "[" not in name),
        names={name: Term.of("param", payload=name) for name in parameters},
        bare=True,
        kind="condition",
    )
    try:
        term = parse(text, scope, truth=True)
    except ExpressionError as error:
        place = "" if error.offset is None else f", column {error.offset + 1}"
        raise QuestionError(f"{option} '{text}'{place}: {error.message}") from None
    if term.op != "where" or term.args[1:] != (const(1), const(0)):
        raise QuestionError(
            f"{option} takes a condition on {', '.join(sorted(scope.variables))} such as "
            f"{names[0]} < 1; '{text}' is a number"
        )
    condition = term.args[0]
    values = {name: np.float64(value) for name, value in parameters.items()}

    def holds(states: Array) -> NDArray[np.bool_]:
        def leaf(part: Term) -> Array | np.float64:
            if isinstance(part.payload, tuple):
                return np.asarray(states[names.index(part.payload[0])])
            return values[str(part.payload)]

        found = evaluate_arrays([condition], leaf)[0]
        return np.broadcast_to(np.asarray(found, dtype=bool), states.shape[1:])

    return StateSet(text, holds)

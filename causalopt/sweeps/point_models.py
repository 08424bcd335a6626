"""A point of a sweep as a model of its own: its parameters and starting values given to the model.

For measures that ask one point after the other. What a measure takes besides, such as `hold` or
`beyond`, is handed on as it is.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from causalopt.errors import CausaloptError, QuestionError, UnknownNameError, suggestion
from causalopt.model.declaration import is_label_variable
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.sweeps.swept_measure import Points, SweptMeasure
from causalopt.work.progress import through

Answer = TypeVar("Answer")
WORD_AXES = ("nudge", "hold", "target")
_UNSAID = {"seed": 0, "at": 0, "horizon": 1}  # what a setting is that nobody says
_MOST_TOGETHER = 4096
REFUSED = "refused"
OVERFLOW = "overflow"
FLOATS_LEFT = (ArithmeticError, np.linalg.LinAlgError)
OVERFLOW_TEXT = "a number left the floats on the way"
REFUSED_TEXT = "the question cannot be asked with these values: ask it of this point alone"


@dataclasses.dataclass(frozen=True)
class AxisRoles:
    """What each axis of a sweep is.

    Attributes:
        parameters: Axes that are parameters of the model.
        starts: Axes that are starting values, with their nodes.
        own: Axes that the measure takes besides.
    """

    parameters: tuple[str, ...]
    starts: Mapping[str, Node]
    own: tuple[str, ...]

    def model_at(self, model: Model, values: Mapping[str, Any]) -> Model:
        """Return the model at a point.

        Raises:
            CausaloptError: It takes no such values.
        """
        initial: dict[str, list[Any]] = {}
        for axis, node in self.starts.items():
            row = initial.setdefault(node.variable, _declared_starts(model, node.variable))
            row[node.t] = values[axis]
        return model.replace(
            parameters={axis: values[axis] for axis in self.parameters},
            initial={name: row if len(row) > 1 else row[0] for name, row in initial.items()},
        )

    def own_at(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a point says to the measure."""
        return {axis: values[axis] for axis in self.own}


def axis_roles(model: Model, axes: Iterable[str], own: Sequence[str], measure: str) -> AxisRoles:
    """Tell axes that are parameters, starting values and a measure's own from each other.

    Args:
        model: The model; a parameter of it that has the name of an own axis is meant by it.
        axes: Their names.
        own: What the measure takes besides.
        measure: The measure, for messages.

    Raises:
        QuestionError: An axis is a node that follows its rule, or is no number, or stands twice.
        UnknownNameError: An axis is none of them.
    """
    parameters, starts, others = [], {}, []
    for name in axes:
        if name in model.parameters:
            parameters.append(name)
        elif name in own:
            others.append(name)
        elif "[" in name or name in model.variables:
            starts[name] = _start_node(model, name)
        else:
            raise UnknownNameError(
                f"unknown axis '{name}' (of {measure} an axis is a parameter, a starting value "
                f"such as R[0]{', ' if own else ''}{_listed(own)})"
                f"{suggestion(name, [*model.parameters, *own, *model.variables])}"
            )
    if len(set(starts.values())) < len(starts):
        raise QuestionError("two axes name the same node")
    return AxisRoles(tuple(parameters), starts, tuple(others))


def _listed(words: Sequence[str]) -> str:
    *most, last = words or ("",)
    return f"{', '.join(most)} or {last}" if most else last


def _start_node(model: Model, name: str) -> Node:
    """Return the starting value that an axis names."""
    node = model.node(name)
    if model.is_array:
        raise QuestionError(
            f"the axis '{name}' is a starting value of a model with arrays: sweep a parameter that "
            "its initial value reads"
        )
    if is_label_variable(model.variables[node.variable]):
        raise QuestionError(
            f"the axis '{name}' is a label, and an axis has numbers: sweep a parameter that its "
            "law at t = 0 reads"
        )
    if node.t >= max(len(_declared_starts(model, node.variable)), model.is_static):
        raise QuestionError(
            f"the axis '{name}' is a node that follows its rule: sweep a parameter or an initial "
            "value"
        )
    return node


def _declared_starts(model: Model, variable: str) -> list[Any]:
    """Return a variable's initial values as they are declared."""
    initial = model.variables[variable].initial
    if initial is None:
        return []
    return list(initial) if isinstance(initial, list | tuple) else [initial]


def whole(name: str, value: float) -> int:
    """Return the value of an axis of whole numbers.

    Raises:
        QuestionError: It is none.
    """
    if not float(value).is_integer():
        raise QuestionError(f"the axis '{name}' takes whole numbers, found {value}")
    return int(value)


def points_a_second(seconds: float) -> int:
    """Return how many points take about a second, when one takes so many; a few thousand at most.

    Example:
        >>> points_a_second(0.02), points_a_second(10), points_a_second(1e-6)
        (50, 1, 4096)
    """
    return int(min(max(round(1 / seconds), 1), _MOST_TOGETHER))


def refuse_both(measure: SweptMeasure, points: Points) -> None:
    """Refuse what is swept and given too: one of them would be lost without a word.

    Raises:
        QuestionError: An axis is also a setting of the measure that is said.
    """
    for name in measure.own_axes:
        if name in points and getattr(measure, name) not in (None, _UNSAID.get(name)):
            raise QuestionError(
                f"'{name}' is swept and given too: drop one of them (--grid {name}=..., --{name})"
            )


def point_rows(points: Points) -> list[dict[str, Any]]:
    """Return the points one by one: axis name -> its value, of Python's own types.

    Example:
        >>> point_rows({"k": np.array([0.1, 0.2]), "hold": np.array(["a", "b"], dtype=object)})
        [{'k': 0.1, 'hold': 'a'}, {'k': 0.2, 'hold': 'b'}]
    """
    columns = {name: np.asarray(values).tolist() for name, values in points.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def asked_somewhere(points: Points, ask: Callable[[dict[str, Any]], Answer]) -> list[Answer]:
    """Return the answers at those points at which a question can be asked.

    Args:
        points: A few points of a sweep.
        ask: What asks a point; an error of causalopt's says that it cannot be asked.

    Raises:
        CausaloptError: What was said where none of the points can be asked, or none that has the
            same word of an axis of words; or a name is unknown.
    """
    found: list[Answer] = []
    good: set[tuple[str, Any]] = set()
    failed: dict[tuple[str, Any], CausaloptError] = {}  # the first of each
    words = [axis for axis in WORD_AXES if axis in points]
    for row in point_rows(points):
        marks = [("", ""), *((axis, row[axis]) for axis in words)]
        try:
            found.append(ask(row))
            good.update(marks)
        except CausaloptError as error:
            failed = dict.fromkeys(marks, error) | failed
        except FLOATS_LEFT:
            left = QuestionError(f"a number leaves the floats at {row}: choose other values")
            failed = dict.fromkeys(marks, left) | failed
    for mark, said in failed.items():
        if mark not in good:
            raise said
    return found


def empty_columns(measure: SweptMeasure, count: int) -> dict[str, NDArray[Any]]:
    """Return each variable of points that are all refused, shape [point]."""
    found: dict[str, NDArray[Any]] = {
        variable.name: np.full(count, math.nan) for variable in measure.variables
    }
    found["status"] = np.full(count, measure.statuses.index(REFUSED), dtype=np.int8)
    return found


def evaluate_points(
    measure: SweptMeasure,
    model: Model,
    points: Points,
    ask: Callable[[Model, dict[str, Any]], tuple[dict[str, float], str]],
) -> dict[str, NDArray[Any]]:
    """Ask one point after the other, and return each variable at each point, shape [point].

    Args:
        measure: The measure.
        model: The model, under all changes that are not swept.
        points: The points.
        ask: Returns variables by name and a status, of a point's model and its own axes; what it
            does not name is undefined. An error of causalopt's makes the point `refused`, and one
            of arithmetic `overflow`, or `nonfinite` where the measure has no such word.
    """
    roles = axis_roles(model, points, measure.own_axes, measure.name)
    rows = point_rows(points)
    found = empty_columns(measure, len(rows))
    last: tuple[tuple[Any, ...], Model] | None = None
    changed = (*roles.parameters, *roles.starts)
    for k, row in enumerate(through(rows)):
        key = tuple(row[axis] for axis in changed)
        try:
            if last is None or last[0] != key:
                last = key, roles.model_at(model, row)
            with np.errstate(all="ignore"):  # what leaves the floats has a status
                numbers, status = ask(last[1], roles.own_at(row))
        except CausaloptError:
            continue
        except FLOATS_LEFT:
            numbers, status = {}, OVERFLOW if OVERFLOW in measure.statuses else "nonfinite"
        for name, value in numbers.items():
            found[name][k] = value
        found["status"][k] = measure.statuses.index(status)
    return found

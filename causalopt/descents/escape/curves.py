"""Escape against a parameter such as T: one answer at each of its values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from causalopt.descents.escape.answer import Answer
from causalopt.descents.escape.members import escape
from causalopt.errors import QuestionError
from causalopt.model.model import Model
from causalopt.results import Plotted, Tabled
from causalopt.work.progress import Progress, long_work, through

if TYPE_CHECKING:
    from causalopt.descents.maps.random_map import Array


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class EscapeCurve(Plotted, Tabled):
    """Answers to one question of escape at several values of a parameter.

    Args:
        axis: The parameter.
        values: Its values, axis (value,).
        answers: One a value.
    """

    axis: str
    values: Array
    answers: tuple[Answer, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the answers as JSON's types, by value of the parameter."""
        rows = [answer.to_dict() for answer in self.answers]
        shared = {key: rows[0][key] for key in ("method", "within")}
        per_value = {key: [row[key] for row in rows] for key in rows[0] if key not in shared}
        return {**shared, self.axis: self.values.tolist(), **per_value}

    def __repr__(self) -> str:
        low, high = self.values[0], self.values[-1]
        chances = [chance for answer in self.answers for chance in answer.probability]
        return (
            f"probability of escape by {self.answers[0].method}, along {self.axis}\n"
            f"  {len(self.values)} values of {self.axis} from {low:g} to {high:g}: P from "
            f"{min(chances):.6g} to {max(chances):.6g}"
        )


@long_work("escaping")
def escape_curve(
    model: Model,
    grid: Mapping[str, ArrayLike],
    *,
    progress: Progress | None = None,
    **question: Any,
) -> EscapeCurve:
    """Return the answer to a question of escape at each value of a parameter.

    Args:
        model: A model with finite noise.
        grid: The parameter and its values, such as `{"T": [0.01, 0.02]}`.
        question: What is asked at each, as by `escape`.
        progress: Called with (done, total, what), in points.

    Raises:
        QuestionError: Not one parameter, or no values; or as `escape`.

    Example:
        >>> from causalopt import load
        >>> asked = {"start": 0.0, "beyond": 0.1, "within": 5}
        >>> curve = escape_curve(load("sgd_well"), {"T": [0.1, 1.0]}, **asked)
        >>> [answer.probability for answer in curve.answers]
        [(0.0,), (1.0,)]
    """
    del progress  # long_work tells it
    if len(grid) != 1:
        raise QuestionError(f"a curve is over one parameter; {list(grid)} came")
    ((axis, given),) = grid.items()
    values = np.atleast_1d(np.asarray(given, dtype=float))
    if not len(values):
        raise QuestionError(f"a curve needs at least one value of {axis}")
    changed = dict(question.pop("parameters", None) or {})
    answers = [
        escape(model, parameters={**changed, axis: value}, **question)
        for value in through(values.tolist())
    ]
    return EscapeCurve(axis, values, tuple(answers))

"""A question as callers say it, as the measure of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from causalopt.errors import QuestionError
from causalopt.model.asked_words import nudge_text
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.sweeps.measures.op_measure import OpMeasure
from causalopt.sweeps.swept_measure import SweptMeasure


def measured_question(
    model: Model,
    measure: SweptMeasure | None,
    asked: Mapping[str, Any],
    changed: Mapping[str, Any],
    seed: int,
    data: Mapping[str, Any] | None,
) -> tuple[Model, SweptMeasure]:
    """Return the model under its changes and the measure that is asked of it.

    Args:
        model: The model.
        measure: The measure, where it is not Op.
        asked: The question of Op: `nudge`, `hold`, ..., None where it is left open.
        changed: `parameters` and `initial` values that replace the model's.
        seed: Which draws noise makes.
        data: In a model with arrays, variable without a rule -> its values.

    Raises:
        QuestionError: Another measure stands beside a question of Op.
    """
    arrays = None
    initial = changed["initial"]
    if model.is_array:
        from causalopt.worlds.array_world import split_initial  # few models have any

        initial, arrays = split_initial(initial)
    model = model.replace(parameters=changed["parameters"], initial=initial)
    if measure is not None:
        plain = {"given": (), "estimate": True}
        said = [name for name, value in asked.items() if value != plain.get(name)]
        said += ["seed"] * (seed != 0) + ["data"] * (data is not None)
        if said:
            raise QuestionError(
                f"'{said[0]}' is said beside the measure '{measure.name}', which says its question "
                f"itself: give it to the measure"
            )
        return model, measure
    if data is not None and not model.is_array:
        raise QuestionError("'data' is for models with array variables, and this has none")
    nudge, hold = asked["nudge"], asked["hold"]
    return model, OpMeasure(
        nudge=None if nudge is None else _node_text(nudge_text(nudge)),
        hold=None if hold is None else hold if isinstance(hold, str) else ", ".join(map(str, hold)),
        target=asked["target"],
        steps=asked["steps"],
        at=asked["at"],
        delta=asked["delta"],
        given=tuple(asked["given"]),
        seed=seed,
        estimate=asked["estimate"],
        data=data,
        arrays=arrays,
    )


def _node_text(node: str | Node) -> str:
    return node if isinstance(node, str) else f"{node.variable}[{node.t}]"

"""A question as callers say it, as the measure of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from causalopt.errors import ArgumentError, QuestionError
from causalopt.model.asked_words import nudge_text
from causalopt.model.declaration import shown
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.sweeps.measures.op_measure import OpMeasure
from causalopt.sweeps.named_measures import MEASURES, named_measure
from causalopt.sweeps.swept_measure import SweptMeasure

_UNSAID = {"given": (), "estimate": True}  # what the call has where nobody says it


def measured_question(
    model: Model,
    measure: str | Mapping[str, Any] | SweptMeasure | None,
    asked: Mapping[str, Any],
    changed: Mapping[str, Any],
    seed: int,
    data: Mapping[str, Any] | None,
) -> tuple[Model, SweptMeasure]:
    """Return the model under its changes and the measure that is asked of it.

    Args:
        model: The model.
        measure: Where it is not Op: a measure's name, its settings with its `name`, or itself.
        asked: The question: `nudge`, `hold`, ..., None where it is left open.
        changed: `parameters` and `initial` values that replace the model's.
        seed: Which draws noise makes.
        data: In a model with arrays, variable without a rule -> its values.

    Raises:
        QuestionError: A measure has no such setting, or one is said twice.
    """
    arrays = None
    initial = changed["initial"]
    if model.is_array:
        from causalopt.worlds.array_world import split_initial  # few models have any

        initial, arrays = split_initial(initial)
    model = model.replace(parameters=changed["parameters"], initial=initial)
    if measure not in (None, "op"):
        said = {name: asked[name] for name in asked if asked[name] != _UNSAID.get(name)}
        said |= {"seed": seed} if seed else {}
        said |= {"data": data} if data is not None else {}
        return model, _other_measure(measure, said)
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


def _other_measure(
    measure: str | Mapping[str, Any] | SweptMeasure | None, said: Mapping[str, Any]
) -> SweptMeasure:
    """Return a measure that is not Op, with what the call says of its question."""
    if isinstance(measure, str):
        return named_measure(measure, said)
    if isinstance(measure, Mapping):
        own = dict(measure)
        name = own.pop("name", None)
        if name is None:
            raise QuestionError(
                f"the settings of a measure say its name, one of {', '.join(MEASURES)}: "
                "measure={'name': 'escape', 'start': 0, 'beyond': 1, 'within': 100}"
            )
        _refuse_again(name, [key for key in said if key in own])
        return named_measure(name, own | dict(said))
    if not hasattr(measure, "evaluate"):
        raise ArgumentError(
            f"a measure is one of {', '.join(MEASURES)}, or its settings with its name, found "
            f"{shown(measure)}"
        )
    assert measure is not None
    _refuse_again(measure.name, list(said))
    return measure


def _refuse_again(name: str, twice: list[str]) -> None:
    """Refuse what is said in the call where the measure says it itself."""
    if twice:
        raise QuestionError(
            f"'{twice[0]}' is said beside the measure '{name}', which says its question itself: "
            "give it to the measure"
        )


def _node_text(node: str | Node) -> str:
    return node if isinstance(node, str) else f"{node.variable}[{node.t}]"

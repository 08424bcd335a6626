"""The cells of a model of numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from causalopt.comparison.comparison import ComparedModel, TableCell
from causalopt.comparison.disturbed_law import DisturbedLaw, disturbed_law
from causalopt.comparison.loop_shares import loop_shares
from causalopt.comparison.normal_measures import (
    FARTHEST,
    decision,
    normal_causal_strength,
    normal_empowerment,
    normal_strength,
    normal_transfer,
)
from causalopt.comparison.table_cells import SETTLED, defined, not_defined, said
from causalopt.effects.asked import Asked, ask
from causalopt.errors import CausaloptError, QuestionError
from causalopt.influence.influence import currents
from causalopt.model.model import Model
from causalopt.model.selectors import whole_variables
from causalopt.worlds.world import number_world

_WHOLE = "a law is of all steps alike: name whole variables"
_INFORMATION = {
    "strength": normal_strength,
    "transfer_entropy": normal_transfer,
    "causal_strength": normal_causal_strength,
    "empowerment": normal_empowerment,
}


def number_row(model: Model, seed: int = 0) -> ComparedModel:
    """Return the cells of a model of numbers, asked its own question.

    Args:
        model: The model.
        seed: Which draws its noise variables make.

    Raises:
        QuestionError: The model has no question, so that there is nothing to compare.
    """
    said, own = model.question, model.held_set()
    missing = [
        name
        for name, part in (("nudge", said.nudge), ("hold", own), ("target", said.target))
        if part is None
    ]
    if missing:
        raise QuestionError(
            f"'{model.name}' is compared by its own question, which says no {', '.join(missing)}: "
            'give it one, such as question: {nudge: "R[0]", hold: T, target: R, steps: 100}'
        )
    asked = ask(model, seed=seed)
    cells = _effects(asked)
    law = _law(asked)
    hold = _hold(asked)
    for key, function in _INFORMATION.items():
        cells[key] = _of_law(law, hold, function, clocked=key != "causal_strength")
    cells["goal_directedness"] = _of_law(law, hold, lambda found, A: _decision(found, A, asked))
    cells["loop_share"] = defined(lambda: _loops(asked))
    static = model.is_static
    question = asked.op_name + ("" if static else f" at t = {asked.steps}")
    law_text = (
        "numbers: the law at the last step of one small normal disturbance of every variable at "
        "every step, sd 1 in its own unit, linear along W; normal closed forms, A's power 1 an "
        "actuator"
    )
    return ComparedModel(model.name, question, law_text, cells, model.fingerprint)


def _effects(asked: Asked) -> dict[str, TableCell]:
    """Return Op, and what of the influence goes through A."""
    try:
        along = currents(
            asked.model,
            nudge=asked.nudge,
            hold=[],
            target=asked.target,
            steps=asked.steps,
            seed=asked.seed,
        )
        found = along.through(asked.hold)
    except CausaloptError as error:
        return dict.fromkeys(("op", "share"), not_defined(error.message))
    op = TableCell(found.op, found.status, said(found.status))
    if math.isfinite(found.share):
        return {"op": op, "share": TableCell(found.share, found.status, said(found.status))}
    why = f"no share of the influence where it is {said(found.status)}"
    return {"op": op, "share": not_defined(why)}


def _hold(asked: Asked) -> tuple[str, ...] | str:
    """Return A's variables, or why a law has no such A."""
    try:
        return whole_variables(asked.hold, _WHOLE)
    except CausaloptError as error:
        return error.message


def _law(asked: Asked) -> DisturbedLaw | str:
    """Return the law at the last step, or why there is none."""
    try:
        if asked.model.is_static:
            raise QuestionError("the model has no time: nothing follows a step later")
        world = number_world(asked.model, steps=asked.steps + FARTHEST + 1, seed=asked.seed)
        return disturbed_law(asked.model, world, at=asked.steps)
    except CausaloptError as error:
        return error.message


def _of_law(
    law: DisturbedLaw | str,
    hold: Sequence[str] | str,
    function: Callable[[DisturbedLaw, Sequence[str]], float | TableCell],
    *,
    clocked: bool = False,
) -> TableCell:
    if isinstance(law, str) or isinstance(hold, str):
        return not_defined(law if isinstance(law, str) else str(hold))
    cell = defined(lambda: function(law, hold))
    if clocked and cell.status == "ok" and law.is_read_at_once(hold):
        return dataclasses.replace(cell, note=SETTLED)
    return cell


def _decision(law: DisturbedLaw, hold: Sequence[str], asked: Asked) -> TableCell:
    found = decision(law, hold, asked.target)
    if found is None:
        return TableCell(
            0.0, "ok", f"A moves m within none of {FARTHEST + 1} steps: it has no goal there"
        )
    return TableCell(found.directedness(), "ok")


def _loops(asked: Asked) -> TableCell:
    found = loop_shares(asked.model, steps=asked.steps, seed=asked.seed)
    if not found.loops:
        return not_defined("the model has no loop")
    share = found.through([*whole_variables(asked.hold, _WHOLE)], target=asked.target)
    known = share[~np.isnan(share)]
    if not len(known):
        return not_defined("W is at rest, or no loop leads to m: there is nothing to share")
    rest = len(share) - len(known)
    note = "W is at rest at some steps, which do not count" if rest else ""
    return TableCell(float(known.mean()), "ok", note)

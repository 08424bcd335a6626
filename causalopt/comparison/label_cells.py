"""The cells of a model of labels, by exact enumeration."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from causalopt.comparison.average_effects import AverageEffect, average_effect
from causalopt.comparison.comparison import ComparedModel, TableCell
from causalopt.comparison.label_decisions import rule_directedness
from causalopt.comparison.subjects import LabelQuestion
from causalopt.comparison.table_cells import SETTLED, defined, not_defined, said
from causalopt.entropy.declared import finite_model, strengths
from causalopt.entropy.relatives.causal_strength import causal_strength
from causalopt.entropy.relatives.empowerment import empowerment
from causalopt.entropy.relatives.transfer_entropy import transfer_entropy
from causalopt.errors import CausaloptError, QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import Law, law_of
from causalopt.laws.propagation import law_at, prepared
from causalopt.laws.space import Label
from causalopt.model.model import Model

_START = {"model": "model's own law", "uniform": "uniform law"}
_ROUNDING = 1e-12  # of sums of probabilities


def label_row(model: Model, asked: LabelQuestion) -> ComparedModel:
    """Return the cells of a model of labels.

    Args:
        model: Of finite domains.
        asked: What is asked of it.

    Raises:
        QuestionError: It names no A.
    """
    if not model.A:
        raise QuestionError(
            f"{model.name} names no A to compare: add partition: {{A: [...]}} to it"
        )
    n, to = asked.nudge
    question = (
        f"Op({{{', '.join(model.A)}}}; {n}[0] = {to}, {asked.target}) at t = {asked.steps} from "
        + ", ".join(f"{name} = {label}" for name, label in asked.state.items())
    )
    law_text = (
        f"labels: the law at t = {asked.at} from the {_START[asked.initial]} at t = 0, by exact "
        "enumeration; Op and currents of average effects under shared noise, words by their places"
    )
    cells = _effects(model, asked) | _information(model, asked)
    cells["loop_share"] = not_defined("labels have no differences along one W")
    return ComparedModel(model.name, question, law_text, cells, model.fingerprint)


def _effects(model: Model, asked: LabelQuestion) -> dict[str, TableCell]:
    try:
        effect = average_effect(
            finite_model(model),
            asked.state,
            nudge=asked.nudge[0],
            to=asked.nudge[1],
            target=asked.target,
            steps=asked.steps,
        )
    except CausaloptError as error:
        return dict.fromkeys(("op", "share"), not_defined(error.message))
    return {"op": _op(effect), "share": _share(effect)}


def _op(effect: AverageEffect) -> TableCell:
    status = _status(effect)
    if status == "ok":
        return TableCell(math.log(abs(effect.direct / effect.total)) + 0.0, status)
    value = {"perfect": math.inf, "only_path": -math.inf}.get(status, math.nan)
    return TableCell(value, status, said(status))


def _share(effect: AverageEffect) -> TableCell:
    status = _status(effect)
    if status in ("ok", "only_path"):
        return TableCell(1.0 - effect.direct / effect.total, status, said(status))
    return not_defined(f"no share of the influence where it is {said(status)}")


def _status(effect: AverageEffect) -> str:
    total, direct = (abs(x) > _ROUNDING for x in (effect.total, effect.direct))
    return {
        (True, True): "ok",
        (False, True): "perfect",
        (True, False): "only_path",
        (False, False): "no_influence",
    }[total, direct]


def _information(model: Model, asked: LabelQuestion) -> dict[str, TableCell]:
    keys = ("strength", "empowerment", "goal_directedness", "causal_strength", "transfer_entropy")
    try:
        tables = finite_model(model)
        law = law_at(prepared(tables, initial=asked.initial), asked.at)
    except CausaloptError as error:
        return dict.fromkeys(keys, not_defined(error.message))
    arrows = [(a, b) for b in tables.B for a in tables.A if _reads(tables, b, a)]
    measures: dict[str, Callable[[], float | TableCell]] = {
        "strength": lambda: (
            strengths(model, at=[asked.at], initial=asked.initial, engine="auto")[
                0
            ].optimizing_strength
        ),
        "empowerment": lambda: _empowerment(tables, asked),
        "goal_directedness": lambda: _goal(tables, law, asked),
        "causal_strength": lambda: causal_strength(tables, arrows, law=law) if arrows else 0.0,
        "transfer_entropy": lambda: transfer_entropy(tables, law=law),
    }
    found = {key: defined(measure) for key, measure in measures.items()}
    lags = {
        (p.lag, m.name in tables.A)
        for m in tables.mechanisms
        for p in m.parents
        if p.name in tables.A
    }
    if (0, False) in lags and not {(1, False), (1, True)} & lags:
        for key in ("strength", "empowerment", "transfer_entropy"):
            if found[key].status == "ok":
                found[key] = dataclasses.replace(found[key], note=SETTLED)
    return found


def _reads(tables: DiscreteModel, head: str, tail: str) -> bool:
    return any(parent.name == tail for parent in tables[head].parents)


def _empowerment(tables: DiscreteModel, asked: LabelQuestion) -> TableCell:
    start: Law = sparse.begin(tables, law_of(tables.initial.space, {_initial(tables, asked): 1}))
    state = start.sparse()
    if len(state.p) > 1:
        return not_defined("the state at t = 0 is not one: noise decides it")
    here = state.space.state([int(i) for i in state.states[0]])
    named = dict(zip(state.space.names, here, strict=True))
    found = empowerment(tables, named)
    return TableCell(
        found.value, found.status, "" if found.status == "ok" else "unresolved: bounds"
    )


def _initial(tables: DiscreteModel, asked: LabelQuestion) -> tuple[Label, ...]:
    return tuple(asked.state[name] for name in tables.initial.space.names)


def _goal(tables: DiscreteModel, law: Law, asked: LabelQuestion) -> TableCell:
    if not asked.goal:
        return not_defined("no goal is named: --goal VAR=LABEL, goal={variable: label}")
    found = rule_directedness(tables, law, asked.goal)
    if found is None:
        return TableCell(
            0.0, "ok", "A moves the goal in none of the next steps: it is no goal of A's"
        )
    return TableCell(found.value, "ok")

"""What is asked of a model when measures are compared, and the models that are compared by default.

A model of numbers is asked its own question. A model of labels is asked from one state: n gets
another label, m is measured some steps later, and a goal is named for goal-directedness.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

from causalopt.errors import QuestionError
from causalopt.laws.adapter import discrete, is_finite
from causalopt.laws.space import Label
from causalopt.model.files import load
from causalopt.model.model import Model


@dataclasses.dataclass(frozen=True)
class LabelQuestion:
    """What is asked of a model of labels.

    Attributes:
        state: W's labels at t = 0, of the variables that have an initial value.
        nudge: n, and its label in X and Y.
        target: m.
        steps: When m is measured.
        goal: Variable -> label, for goal-directedness; None for none named.
        at: The step t of the law of information measures.
        initial: The law at t = 0, the model's or the uniform one.
    """

    state: Mapping[str, Label]
    nudge: tuple[str, Label]
    target: str
    steps: int
    goal: Mapping[str, Label] | None = None
    at: int = 1
    initial: Literal["model", "uniform"] = "model"


_ROOMS = LabelQuestion(
    {"thermostat": "low", "room": "warm"},
    ("room", "hot"),
    "room",
    3,
    {"room": "warm"},
    initial="uniform",
)
_RESTING = dict.fromkeys(
    "Cln3 MBF SBF Cln12 Swi5 Cdc20 Clb56 Clb12 Mcm1".split(),  # noqa: SIM905 - read at a glance
    0,
)
QUESTIONS: Mapping[str, LabelQuestion] = {
    "thermostat_smart": _ROOMS,
    "thermostat_dumb": _ROOMS,
    "hamming_code": LabelQuestion(
        {f"x{i}": 0 for i in range(1, 8)}, ("x1", 1), "x1", 3, {"x1": 0}, at=5
    ),
    "yeast_cell_cycle": LabelQuestion(
        _RESTING | {"Cdh1": 1, "Sic1": 1}, ("Cln3", 1), "Clb56", 5, {"Clb56": 0}
    ),
    "pursuit": LabelQuestion({"prey": 2, "chaser": 2}, ("prey", 3), "gap", 4, {"gap": 0}, at=5),
    "bystander": LabelQuestion(
        {"weather": 0, "notebook": 0}, ("weather", 1), "weather", 3, {"weather": 0}
    ),
}
"""Known models of labels -> what is asked of them."""

DOZEN = (
    "thermostat",
    "pid_controller",
    "adaptation",
    "solver",
    "base_optimizer",
    "maze",
    "thermostat_smart",
    "thermostat_dumb",
    "hamming_code",
    "yeast_cell_cycle",
    "pursuit",
    "amplifier",
    "lorenz",
    "standard_map",
    "free_decay",
    "bystander",
)
"""The models of the table: controllers, codes, networks, then those that optimize nothing."""


def subject(name: str | Model) -> Model:
    """Return a model to compare measures on.

    Args:
        name: A shipped model's name, a file, or a model.

    Raises:
        UnknownNameError: There is no such model or file.
    """
    if isinstance(name, Model):
        return name
    return load(name)


def label_question(model: Model, goal: Mapping[str, Label] | None = None) -> LabelQuestion | None:
    """Return what is asked of a model of labels, None for one of numbers.

    One that is not known is asked of the first state that its law at t = 0 has: the first variable
    outside A gets its next label, and is measured itself after three steps, where its own question
    does not say otherwise.

    Args:
        model: The model.
        goal: In place of the goal that is known.

    Raises:
        UnknownNameError: The goal names no variable.
        QuestionError: It names no label, or a model of numbers has a goal.
    """
    if model.is_array or not is_finite(model):
        if goal:
            raise QuestionError(
                f"'{model.name}' has numbers, whose goal is m where it would be without the nudge: "
                "a goal of labels is for models of finite domains"
            )
        return None
    known = QUESTIONS.get(model.name)
    asked = known if known is not None and _fits(model, known) else _asked_first(model)
    if goal:
        _check_goal(model, goal)
        asked = dataclasses.replace(asked, goal=goal)
    return asked


def _fits(model: Model, question: LabelQuestion) -> bool:
    """Whether a question is of this model, and not of another by the same name."""
    named = {*question.state, question.target, question.nudge[0]}
    return named <= {*model.variables}


def _asked_first(model: Model) -> LabelQuestion:
    tables = discrete(model)
    law = tables.initial.sparse()
    state = dict(
        zip(law.space.names, law.space.state([int(i) for i in law.states[0]]), strict=True)
    )
    outside = [name for name in law.space.names if name not in model.A]
    if not outside:
        raise QuestionError(f"'{model.name}' has no variable outside A that starts from a label")
    said = model.question
    n = model.variable(said.nudge.partition("[")[0]) if said.nudge else outside[0]
    if n not in state:
        raise QuestionError(f"'{n}' has no label at t = 0: nudge a variable that starts from one")
    labels = tables[n].labels
    to = labels[(labels.index(state[n]) + 1) % len(labels)]
    target = model.variable(said.target) if said.target else n
    return LabelQuestion(state, (n, to), target, 3 if said.steps is None else said.steps)


def _check_goal(model: Model, goal: Mapping[str, Label]) -> None:
    tables = discrete(model)
    for name, label in goal.items():
        labels = tables[name].labels
        if label not in labels:
            listed = ", ".join(map(str, labels))
            raise QuestionError(f"'{label}' is no label of '{name}': it has {listed}")


def goal_label(model: Model, name: str, text: str) -> Label:
    """Return a label of a variable by its text.

    Raises:
        UnknownNameError: There is no such variable.
        QuestionError: There is no such label.
    """
    labels = discrete(model)[model.variable(name)].labels
    for label in labels:
        if str(label) == text:
            return label
    raise QuestionError(f"'{text}' is no label of '{name}': it has {', '.join(map(str, labels))}")

"""What is asked: n, A, m, the last step and the baseline, with nothing left open."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from causalopt.errors import QuestionError
from causalopt.model.asked_words import Nudged, one_nudge
from causalopt.model.declaration import is_label_variable
from causalopt.model.model import Model, run_length
from causalopt.model.selectors import Node, Selection, Window, Written, is_plain, selection_text
from causalopt.worlds.interventions import Intervention, given_nodes, plan_for

if TYPE_CHECKING:
    from causalopt.engine.contract import Plan


@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """Op(A; n, m) in a model; its answers are this with more fields.

    Attributes:
        model: The model.
        nudge: The nudged node n.
        hold: The held set A.
        target: The measured variable m.
        steps: The last step.
        given: Interventions that make the baseline.
        seed: Which draws the noise variables made.
    """

    model: Model
    nudge: Node
    hold: Selection
    target: str
    steps: int
    given: tuple[Intervention, ...]
    seed: int

    @property
    def node_name(self) -> str:
        """The nudged node as the user writes it."""
        return self.model.node_text(self.nudge)

    @property
    def hold_name(self) -> str:
        """The held set as the user writes it."""
        return selection_text(self.hold, self.model.named_shapes)

    @property
    def op_name(self) -> str:
        """What is asked for, as the theory writes it: Op(A; n, m)."""
        return f"Op({self.hold_name}; {self.node_name}, {self.target})"

    def provenance_with(self, **settings: str) -> dict[str, str]:
        """Return what made an answer's numbers: model, question, settings and versions."""
        import platform
        from importlib.metadata import version

        return {
            "model": self.model.name,
            "model_hash": self.model.fingerprint,
            "source": self.model.source,
            "nudge": self.node_name,
            "hold": self.hold_name,
            "target": self.target,
            **settings,
            "causalopt": version("causalopt"),
            "numpy": version("numpy"),
            "python": platform.python_version(),
        }

    def held(self, hold: str | Sequence[str | Node | Window] | None) -> Selection:
        """Return another set A of the same run; the question's own for None."""
        if hold is None:
            return self.hold
        return asked_hold(
            self.model,
            hold,  # type: ignore[arg-type]
            nudge=self.nudge,
            target=self.target,
            steps=self.steps,
            given=self.given,
        )

    def plan(self, *settings: Intervention) -> Plan:
        """Return the plan of the baseline W, with n its seed, after some settings."""
        moves = (*settings, *self.given)
        return plan_for(
            self.model,
            moves,
            steps=self.steps,
            hold=self.hold,
            seed=self.nudge,
            noise_seed=self.seed,
        )


def ask(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Asked:
    """Return the question in full: what the caller says, else the model's own.

    Values given for `parameters` and `initial` replace the model's.

    Raises:
        QuestionError: A part is said nowhere, or n lies in A or after the last step.
        UnknownNameError: A variable is not declared.
    """
    model = model.replace(parameters=parameters, initial=initial)
    if model.is_array:
        model, nudge, hold, target = among_numbers(
            model, one_nudge(nudge), hold, target, seed, steps=steps, given=given
        )
    model, nudge, target = one_node_each(model, nudge, target)
    node = asked_node(model, nudge)
    selection = asked_hold(model, hold, nudge=node, target=target, steps=steps, given=given)
    measured, last = asked_target(model, target), run_length(model, steps)
    model.check_nudge(node, selection, last)
    model.check_target(measured, last)
    late = [window for window in selection if window.first > last]
    if late:
        raise QuestionError(f"the held nodes {late[0]} lie after the last step {last}")
    return Asked(model, node, selection, measured, last, tuple(given), seed)


def one_node_each(
    model: Model, nudge: Nudged | None, target: str | None
) -> tuple[Model, str | Node | None, str | None]:
    """Return a model in which n is one node and m one variable: those said, else the question's.

    Raises:
        QuestionError: One cannot be read; see `Model.asking`.
    """
    said = model.question
    return model.asking(
        said.nudge if nudge is None else nudge, said.target if target is None else target
    )


def among_numbers(
    model: Model,
    nudge: str | Node | None,
    hold: str | Sequence[str | Node] | None,
    target: str | None,
    seed: int = 0,
    *,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
) -> tuple[Model, Node, Any, str]:
    """Return a model with arrays written out, and the question among its elements.

    Raises:
        QuestionError: n or m has several elements, or the model cannot be written out.
    """
    from causalopt.worlds.expand import Expanded  # few models have arrays

    expanded = Expanded.of(model, seed=seed)
    named = asked_node(model, nudge)
    node = expanded.node(named)
    measured = expanded.node(model.target(asked_target(model, target)), "measured")
    said = hold if hold is not None else model.question.hold
    if said is None or is_plain(said):
        return expanded.model, node, expanded.hold(hold), measured.variable
    if given:
        raise QuestionError(
            f"the set {said} asks the graph of a model with arrays, and interventions cut edges "
            "between its numbers: write the nodes as windows, or ask causalopt.expand(model)"
        )
    found = asked_hold(model, said, nudge=named, target=target, steps=steps)
    return expanded.model, node, expanded.selection(found), measured.variable


def ask_at(model: Model, at: int | None, *, steps: int | None, **question: Any) -> Asked:
    """Return the question in full, its last step the one that is measured.

    Args:
        model: The model.
        at: The step measured; the last one when None.
        steps: The last step.
        question: The rest, as for `ask`.

    Raises:
        QuestionError: As for `ask`, or `at` lies outside the run.
    """
    asked = ask(
        model, steps=at if steps is None and at is not None and at >= 0 else steps, **question
    )
    step = asked.steps if at is None else at
    if not 0 <= step <= asked.steps:
        raise QuestionError(f"at must lie between 0 and the last step {asked.steps}, found {at}")
    if asked.nudge.t > step:
        raise QuestionError(
            f"the nudged node {asked.node_name} lies after the measured step {step}"
        )
    return dataclasses.replace(asked, steps=int(step))


def asked_node(model: Model, nudge: str | Node | None = None) -> Node:
    """Return the node n that is meant: the one said, else the question's."""
    said = nudge if nudge is not None else model.question.nudge
    if said is None:
        refuse_labels(model)
    return model.node(
        _required(said, "which node is nudged", "nudge", "z" if model.is_static else "R[0]")
    )


def nudge_is_held(model: Model, node: Node, selection: Selection) -> bool:
    """Return whether a node, or one that it disturbs, is in A."""
    return any(
        own.variable == window.variable and own.meets(window)
        for own in model.nudged(node)
        for window in selection
    )


def refuse_labels(model: Model) -> None:
    """Refuse a model of labels where the effect of a nudge is asked for.

    Raises:
        QuestionError: All of its variables are labels.
    """
    if all(is_label_variable(variable) for variable in model.variables.values()):
        from causalopt.model.model_kind import kind_of  # for a message

        raise QuestionError(
            f"'{model.name}' is a model of labels, and a nudge shifts a number: "
            f"{kind_of(model).instead(model)} for its optimizing strength"
        )


def asked_hold(
    model: Model,
    hold: str | Sequence[str | Node] | None = None,
    *,
    nudge: Node | None = None,
    target: str | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
) -> Selection:
    """Return the set A that is meant: the one said, else the question's, else the partition's.

    A set that asks the graph, such as between(n, m), is a set of one run's nodes.

    Args:
        model: The model.
        hold: The set that the caller says.
        nudge: What such a set may call n.
        target: What it may call m, at the last step; the question's when not given.
        steps: The last step; the question's when not given.
        given: Interventions that make the baseline: a node that is set has no edges into it.
    """
    found = said_hold(model, hold, nudge=nudge, target=target, steps=steps, given=given)
    required: Selection = _required(found, "which nodes are held (the set A)", "hold", "a")
    return required


def said_hold(
    model: Model,
    hold: str | Sequence[str | Node] | None = None,
    *,
    nudge: Node | None = None,
    target: str | None = None,
    steps: int | None = None,
    given: Sequence[Intervention] = (),
) -> Selection | None:
    """Return the same, None where nothing says it."""
    said = hold if hold is not None else model.question.hold
    if said is None or is_plain(said):
        return model.held_set(said)
    last = steps if steps is not None else model.question.steps
    measured = target if target is not None else model.question.target
    asked = {} if nudge is None else {"n": nudge}
    if measured is not None:
        asked["m"] = dataclasses.replace(model.target(measured), t=last or 0)
    nodes = given_nodes(model, given, last)
    found = model.held_set(said, steps=last, given=nodes, asked=asked)
    return found if found is None else _of_the_system(model, found)


def _of_the_system(model: Model, found: Selection) -> Selection:
    """Return a set without the nodes that stand for n and m, which are no part of the system."""
    kept = [window for window in found if window.variable not in model.asked_variables]
    if len(kept) == len(found):
        return found
    return Written(kept, found.said) if isinstance(found, Written) else tuple(kept)


def asked_target(model: Model, target: str | None = None) -> str:
    """Return the variable m that is meant: the one said, else the question's."""
    said = target if target is not None else model.question.target
    found: str = _required(said, "which variable is measured", "target", "R")
    if model.is_array:
        model.target(found)
        return found
    if found in model.asked_variables:
        return found
    return model.variable(found)


def check_delta(delta: float) -> float:
    """Return the size of a nudge.

    Raises:
        QuestionError: It is 0 or not finite.
    """
    if not math.isfinite(delta) or delta == 0:
        raise QuestionError(f"delta must be a finite number other than 0, found {delta}")
    return float(delta)


def _required(value: Any, what: str, option: str, example: str) -> Any:
    if value is None:
        raise QuestionError(
            f'{what}? say --{option} {example} ({option}="{example}" in Python), '
            "or give the model a question"
        )
    return value

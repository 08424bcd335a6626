"""`expand`: a model with arrays as one of numbers, with its question, and names told both ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from causalopt.errors import QuestionError
from causalopt.model.arrays.array_template import ArrayVariable
from causalopt.model.arrays.expansion import element_name, elements_of, expanded_variables
from causalopt.model.model import Model
from causalopt.model.selectors import Node, Selection, Window
from causalopt.worlds.array_draws import initial_values


def expand(model: Model, *, seed: int = 0) -> Model:
    """Return a model with array variables written out as one of numbers.

    Each element is a variable of its own: `W1[3, 0]` is called `W1_3_0`. What several rules share
    becomes further variables, `h_part0_2`, which belong to B.

    Args:
        model: The model; one of numbers is returned as it is.
        seed: Which draws initial laws make.

    Raises:
        SizeError: There are too many elements.
        QuestionError: Something has no counterpart, such as noise.

    Example:
        >>> model = Model(name="m", variables={"x": {"shape": [2], "rule": "x[t-1]/2",
        ...     "initial": [4, 6]}})
        >>> expand(model).variables["x_1"].rule
        'x_1[t-1]/2'
    """
    return Expanded.of(model, seed=seed).model if model.is_array else model


@dataclasses.dataclass(frozen=True)
class Expanded:
    """A model with arrays and what it is among numbers.

    Attributes:
        arrays: The model with arrays.
        model: The model of numbers.
    """

    arrays: Model
    model: Model

    @classmethod
    def of(cls, model: Model, *, seed: int = 0) -> Expanded:
        """Return a model written out."""
        template = model.arrays
        parameters = dict(template.values)

        def start(variable: ArrayVariable) -> list[np.ndarray]:
            return initial_values(variable, template.names.index(variable.name), parameters, seed)

        for variable in template.variables:
            given = (variable.rule, variable.noise, variable.stream)
            if all(part is None for part in given) and not variable.initial:
                raise QuestionError(
                    f"'{variable.name}' has neither a rule nor values in the model, and among "
                    "numbers there is no data beside it: give it `initial` or `data`, or ask `run`"
                )
        variables = expanded_variables(template, model.variables, start)
        data: dict[str, Any] = {
            "name": model.name,
            "title": model.title,
            "source": model.source,
            "description": model.description,
            "parameters": dict(model.parameters),
            "variables": variables,
            "dt": model.dt,
            "method": model.method,
        }
        if model.partition.A:
            data["partition"] = {
                "A": [e for name in model.partition.A for e in elements_of(template, name)]
            }
        found = cls(model, Model(**data))
        return dataclasses.replace(found, model=found.with_question())

    def with_question(self) -> Model:
        """Return the model of numbers with as much of the question as numbers can ask."""
        question = self.arrays.question
        asked: dict[str, Any] = {}
        if question.steps is not None:
            asked["steps"] = question.steps
        if question.hold is not None:
            found = self.arrays.question_hold()  # none of a run whose length is not said
            asked |= {"hold": ", ".join(map(str, self.selection(found)))} if found else {}
        for key, read in (("nudge", self.arrays.node), ("target", self.arrays.target)):
            text = getattr(question, key)
            names = self.names(read(text)) if text is not None else []
            if len(names) == 1:
                node = read(text)
                timed = key == "nudge" and not self.model.is_static
                asked[key] = f"{names[0]}[{node.t}]" if timed else names[0]
        data = self.model.model_dump()
        return Model(**{**data, "question": asked})

    def names(self, node: Node) -> list[str]:
        """Return the variables among numbers that a node's elements are."""
        shape = self.arrays.arrays.by_name[node.variable].shape
        ranges = node.elements or tuple((0, size) for size in shape)
        places = np.ndindex(*(stop - start for start, stop in ranges))
        starts = [start for start, _ in ranges]
        return [
            element_name(node.variable, tuple(s + p for s, p in zip(starts, place, strict=True)))
            for place in places
        ]

    def node(self, node: Node, what: str = "nudged") -> Node:
        """Return a single element among numbers.

        Raises:
            QuestionError: The node has several.
        """
        names = self.names(node)
        if len(names) > 1:
            raise QuestionError(
                f"'{node.variable}' has {len(names)} elements, and this question is asked of one "
                f"{what}: name one, such as {self.arrays.node_text(self._one(node))}"
            )
        return Node(names[0], node.t)

    def _one(self, node: Node) -> Node:
        shape = self.arrays.arrays.by_name[node.variable].shape
        ranges = node.elements or tuple((0, size) for size in shape)
        return dataclasses.replace(node, elements=tuple((a, a + 1) for a, _ in ranges))

    def selection(self, selection: Selection) -> Selection:
        """Return a set of nodes among numbers."""
        return tuple(
            Window(name, window.first, window.last)
            for window in selection
            for name in self.names(Node(window.variable, 0, window.elements))
        )

    def hold(self, hold: str | Sequence[str | Node] | None) -> Selection | None:
        """Return the set A that is meant, among numbers."""
        found = self.arrays.held_set(hold)
        return None if found is None else self.selection(found)

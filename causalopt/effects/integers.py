"""Whole numbers stay whole and have no derivative: refused in the same words everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.errors import QuestionError
from causalopt.model.template import ancestors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from causalopt.engine.plan import Floats
    from causalopt.model.model import Model
    from causalopt.model.template import Template


def refuse_between(model: Model, source: str, target: str) -> None:
    """Refuse a derivative through a variable that takes whole numbers.

    Args:
        model: The model.
        source: The nudged variable or stage.
        target: The measured variable.

    Raises:
        QuestionError: An integer variable, or one with a whole-number domain, stands between them.
    """
    template = model.template
    after = _descendants(template, [source])
    for name in ancestors(template, target):
        if name in after and template.equations[template.index[name]].is_integer:
            raise QuestionError(
                f"'{name}' takes whole numbers and stands between '{source}' and '{target}': it "
                "has no derivative; use a finite nudge (--delta 1, delta=1 in Python)"
            )


def refuse_in_dynamics(model: Model) -> None:
    """Refuse growth rates of a model that carries disturbances through whole numbers.

    A whole number that follows from the step alone, or that no rule reads, carries none.

    Args:
        model: A model with time.

    Raises:
        QuestionError: A variable that takes whole numbers follows from what is carried from step
            to step, and what is carried follows from it.
    """
    template = model.template
    remembered = {
        parent for equation in template.equations for parent, lag in equation.parents if lag
    }
    after = _descendants(template, remembered)
    for equation in template.equations:
        if not equation.is_integer or equation.name not in after:
            continue
        if _descendants(template, [equation.name]) & remembered:
            raise QuestionError(
                f"'{equation.name}' takes whole numbers and the dynamics read it: it has no "
                "derivative, so nothing grows by a rate through it; use causalopt run with a "
                "finite nudge (--delta 1, delta=1 in Python)"
            )


def check_integers(model: Model, table: Floats) -> None:
    """Refuse a run in which an integer variable took a value that is not whole.

    Raises:
        QuestionError: With the node and the value.
    """
    for i, equation in enumerate(model.template.equations):
        if not equation.is_integer:
            continue
        values = table[:, i]
        bad = np.flatnonzero(np.isfinite(values) & (values != np.floor(values)))
        if len(bad):
            t = int(bad[0])
            raise QuestionError(
                f"the integer variable '{equation.name}' took the value {values[t]:g} at t = {t}: "
                "wrap its rule in floor(...), or declare it real"
            )


def _descendants(template: Template, names: Iterable[str]) -> set[str]:
    """Return the variables that can be influenced by some, at any lag, these included."""
    children: dict[str, list[str]] = {}
    for equation in template.equations:
        for parent, _ in equation.parents:
            children.setdefault(parent, []).append(equation.name)
    seen = set(names)
    stack = list(seen)
    while stack:
        for child in children.get(stack.pop(), ()):
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return seen

"""Variables that take whole numbers, in models with arrays: refused where they have no answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.engine.arrays.array_step import reached
from causalopt.errors import QuestionError
from causalopt.model.arrays.array_template import ArrayTemplate


def refuse_integers(plan: ArrayPlan, source: str, target: str, delta: float | None) -> None:
    """Refuse a derivative through a variable that takes whole numbers.

    Raises:
        QuestionError: One stands between the nudged and the measured variable.
    """
    if delta is not None:
        return
    after = {source, *reached(plan.template, source, frozenset())}
    for variable in plan.template.variables:
        name = variable.name
        if not variable.is_integer or name not in after:
            continue
        if name == target or target in reached(plan.template, name, frozenset()):
            raise QuestionError(
                f"'{name}' takes whole numbers and stands between '{source}' and '{target}': it "
                "has no derivative; `run`, `sweep` and `divide` take a finite nudge (--delta 1, "
                "delta=1 in Python)"
            )


def check_whole(template: ArrayTemplate, values: Mapping[str, Values]) -> None:
    """Refuse a run in which an integer variable took a value that is not whole.

    Args:
        template: The variables.
        values: Those that were kept -> their values, shape [t, *shape].

    Raises:
        QuestionError: With the variable, the step and the value.
    """
    for name, course in values.items():
        if not template.by_name[name].is_integer:
            continue
        bad = np.argwhere(np.isfinite(course) & (course != np.floor(course)))
        if len(bad):
            place = tuple(int(i) for i in bad[0])
            raise QuestionError(
                f"the integer variable '{name}' took the value {course[place]:g} at t = "
                f"{place[0]}: wrap its rule in floor(...), or declare it real"
            )

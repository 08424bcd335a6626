"""Forks: worlds of a model with arrays that share their past and part at a step."""

from __future__ import annotations

import dataclasses
import functools
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from causalopt.engine.arrays.array_course import Draw, Row, rows
from causalopt.engine.arrays.array_plan import ArrayPlan, Values
from causalopt.errors import QuestionError, UnknownNameError, suggestion
from causalopt.model.arrays.array_template import ArrayTemplate
from causalopt.model.model import Model
from causalopt.model.selectors import Selection
from causalopt.worlds.array_world import array_plan_for


@dataclasses.dataclass(frozen=True, eq=False)
class SharedPast:
    """A world up to the step before its future begins.

    Attributes:
        model: The model it is a world of.
        step: The first step that is not shared; 0 .. step - 1 are.
        seed: Which draws noise and initial laws make.
        initial: Variable -> the array it starts from, where that is given.
        courses: Kept variable -> its values at the shared steps, shape [t, *shape].
    """

    model: Model
    step: int
    seed: int
    initial: Mapping[str, Values]
    courses: Mapping[str, Values]
    _rows: tuple[Row, ...]

    def last(self, name: str) -> Values:
        """Return a variable's values at the last shared step.

        Raises:
            UnknownNameError: It was not run; name it in `wanted`.
        """
        found: Values = _value(self._rows[0], name)
        return found

    def future(
        self, data: Mapping[str, Values], wanted: Iterable[str] | None = None
    ) -> dict[str, Values]:
        """Return variables' values at the last step of a world that parts here.

        It is the world in which the streams are set to these from `step` on.

        Args:
            data: Stream -> its values from `step` on, the step first, equally many of each.
            wanted: The variables; only what they follow from is run. All that ran before when None.

        Raises:
            QuestionError: A stream is missing, empty or longer than another.
        """
        count = _length(data)
        held = {name: np.zeros((self.step, *values.shape[1:])) for name, values in data.items()}
        streams = {name: np.concatenate([held[name], data[name]]) for name in data}
        plan, draw = pruned_plan(
            self.model, streams, self.step + count - 1, self.seed, self.initial, wanted
        )
        lag = max(plan.template.max_lag, 1)
        *_, row = rows(plan, draw, start=self.step, before=self._rows[:lag])
        names = plan.template.names if wanted is None else wanted
        return {name: _value(row, name) for name in names}


def shared_past(
    model: Model,
    data: Mapping[str, Values],
    *,
    seed: int = 0,
    initial: Mapping[str, Values] | None = None,
    wanted: Sequence[str] | None = None,
    keep: Sequence[str] = (),
) -> SharedPast:
    """Run a world over its streams, so that others can part where they end.

    Args:
        model: A model with arrays.
        data: Stream -> its values, the step first, equally many of each.
        seed: Which draws noise and initial laws make.
        initial: Variable -> the array it starts from; the model's own where it is not given.
        wanted: Only these variables, and what they follow from, are run; all when None.
        keep: The variables whose whole courses are kept.

    Raises:
        QuestionError: A stream is missing, empty or longer than another.
        UnknownNameError: A variable is not declared.

    Example:
        >>> x = {"rule": "x[t-1] + u[t]", "initial": 0, "shape": [1]}
        >>> model = Model(name="sum", variables={"u": {}, "x": x})
        >>> past = shared_past(model, {"u": np.array([9.0, 1.0, 1.0])})
        >>> [float(past.future({"u": np.array(u)})["x"][0]) for u in ([1.0], [5.0, 5.0])]
        [3.0, 12.0]
    """
    count = _length(data)
    start = dict(initial or {})
    names = None if wanted is None else [*wanted, *keep]
    plan, draw = pruned_plan(model, data, count - 1, seed, start, names)
    past: deque[Row] = deque(maxlen=max(plan.template.max_lag, 1))
    kept: dict[str, list[Values]] = {name: [] for name in keep}
    for row in rows(plan, draw):
        past.appendleft(row)
        for name in keep:
            kept[name].append(_value(row, name))
    courses = {name: np.array(values) for name, values in kept.items()}
    return SharedPast(model, count, seed, start, courses, tuple(past))


def pruned_plan(
    model: Model,
    data: Mapping[str, Values],
    steps: int,
    seed: int,
    initial: Mapping[str, Values],
    wanted: Iterable[str] | None,
    hold: Selection = (),
) -> tuple[ArrayPlan, Draw | None]:
    """Return the plan of a run in which only some variables, and what they follow from, are run.

    Args:
        model: A model with arrays.
        data: Stream -> its values, the step first.
        steps: The last step.
        seed: Which draws noise and initial laws make.
        initial: Variable -> the array it starts from.
        wanted: The variables; all when None.
        hold: The set A.
    """
    plan, draw = array_plan_for(
        model, steps=steps, hold=hold, seed=seed, data=data, initial=initial
    )
    if wanted is None:
        return plan, draw
    template = ancestors(plan.template, tuple(dict.fromkeys(wanted)))
    mine = {name: values for name, values in plan.initial.items() if name in template.by_name}
    return dataclasses.replace(plan, template=template, initial=mine), draw


@functools.lru_cache(maxsize=64)
def ancestors(template: ArrayTemplate, names: tuple[str, ...]) -> ArrayTemplate:
    """Return the template of these variables and all that they follow from, in the same order.

    Raises:
        UnknownNameError: A variable is not declared.
    """
    for name in names:
        if name not in template.by_name:
            raise UnknownNameError(f"unknown variable '{name}'{suggestion(name, template.names)}")
    found, front = set(names), list(names)
    while front:
        parents = {parent for parent, _ in template.by_name[front.pop()].parents} - found
        found |= parents
        front += parents
    return dataclasses.replace(
        template,
        variables=tuple(v for v in template.variables if v.name in found),
        names=tuple(name for name in template.names if name in found),
    )


def _length(data: Mapping[str, Values]) -> int:
    lengths = {name: len(values) for name, values in data.items()}
    if len(set(lengths.values())) != 1 or not all(lengths.values()):
        said = ", ".join(f"{name}: {length}" for name, length in lengths.items()) or "none"
        raise QuestionError(f"streams have equally many steps, 1 or more; their lengths are {said}")
    return next(iter(lengths.values()))


def _value(row: Row, name: str) -> Any:
    key = ("ref", name, 0)
    if key not in row:
        ran = [one for kind, one, _ in row if kind == "ref"]
        raise UnknownNameError(f"'{name}' was not run{suggestion(name, ran)}: name it in `wanted`")
    return row[key]

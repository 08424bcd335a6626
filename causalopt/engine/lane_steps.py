"""One step of many lanes by numpy: the operations of a schedule, each on all lanes at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from causalopt.engine.contract import Floats
from causalopt.engine.schedule import EQUATION, Schedule
from causalopt.language.arrays import array_function

Given = Callable[[int, Any], Any]


class LaneStep:
    """The values of one step, in one world.

    Args:
        schedule: The step's operations.
        parameters: One value a parameter: a number, or an array of lanes.
    """

    def __init__(self, schedule: Schedule, parameters: Sequence[Any]) -> None:
        self._s = schedule
        self._start: list[Any] = list(schedule.start)
        fixed = [value == value for value in schedule.start.tolist()]  # constants are no NaN
        for place, parameter in schedule.parameters.tolist():
            self._start[place] = parameters[parameter]
            fixed[place] = True
        self._equation = {place: i for i, place in enumerate(schedule.equations.tolist())}
        self._operations: list[tuple[int, Callable[..., Any] | None, list[int]]] = []
        for operation in _operations(schedule):
            out, function, args = operation
            fixed[out] = function is not None and all(fixed[arg] for arg in args)
            if fixed[out] and function is not None:  # once, not at every step
                self._start[out] = function(*(self._start[arg] for arg in args))
            else:
                self._operations.append(operation)
        self.fixed = fixed

    def values(
        self, t: int, past: Sequence[Sequence[Any]], given: Given | None = None
    ) -> list[Any]:
        """Return every value of step t, by place.

        Args:
            t: The step.
            past: Equations' values one step ago, two steps ago, ...
            given: What an equation's value becomes; its rule's value when not given.
        """
        v = self._start.copy()
        if self._s.clock >= 0:
            v[self._s.clock] = np.float64(t)
        for place, equation, lag in self._s.inputs.tolist():
            v[place] = past[lag - 1][equation]
        for out, function, args in self._operations:
            if function is not None:
                v[out] = function(*(v[arg] for arg in args))
            elif given is None:
                v[out] = v[args[0]]
            else:
                v[out] = given(self._equation[out], v[args[0]])
        return v

    def equations(self, v: Sequence[Any]) -> list[Any]:
        """Return the equations' values of a step."""
        return [v[place] for place in self._equation]


def _operations(schedule: Schedule) -> list[tuple[int, Callable[..., Any] | None, list[int]]]:
    """Return (where the result goes, function or None for an equation, arguments), in order."""
    found = []
    for group in schedule.groups:
        function: Callable[..., Any] | None = None
        if group.op == "ipow":
            function = functools.partial(_power, exponent=group.payload)
        elif group.op != EQUATION:
            function = array_function(group.op)
        rows = zip(group.out.tolist(), group.args.T.tolist(), strict=True)
        found += [(out, function, args) for out, args in rows]
    return found


def _power(base: Floats, exponent: int) -> Any:
    return array_function("ipow")(base, exponent)

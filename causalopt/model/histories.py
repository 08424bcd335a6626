"""Lags over many steps: their initial values, and which of them dt gives another length.

An initial value is one number, or an expression of time, for as many steps as the lags need.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from fractions import Fraction

from causalopt.language.scope import CLOCK, elapsed
from causalopt.language.term import Term, const, leaves, substitute
from causalopt.model.declaration import Variable, motion
from causalopt.model.template import Equation

_IN_STEPS = re.compile(r"[^\W\d]\w*\s*\[\s*t\s*-(?!\s*1\s*\])[^]]*\]")


def with_histories(
    equations: list[Equation], places: Mapping[str, Fraction], dt: Fraction
) -> list[Equation]:
    """Return the equations with an initial value that was given alone at all steps that need it.

    Flows start together, when the longest lag of any of them is past.

    Args:
        equations: All of them.
        places: Flows and their stages -> where inside its step each lies, from 0 to 1.
        dt: The length of a step, which `time` is counted in.
    """
    owners = {e.name: e.owner for e in equations}
    needs = {e.name: _need(e, owners) for e in equations}
    needs |= dict.fromkeys(places, max((needs[name] for name in places), default=0))
    return [
        dataclasses.replace(
            e, initial=_history(e, needs[e.name], places.get(e.name, Fraction(1)), dt)
        )
        for e in equations
    ]


def _need(equation: Equation, owners: Mapping[str, str]) -> int:
    """Return how many initial values the lags of an equation need.

    A value between two steps belongs to the later one, and needs the step before.
    """
    between = (int(lag > 0 and owners[parent] != parent) for parent, lag in equation.parents)
    lags = (lag for _, lag in equation.parents)
    return max(map(sum, zip(lags, between, strict=True)), default=0)


def _history(equation: Equation, steps: int, place: Fraction, dt: Fraction) -> tuple[Term, ...]:
    if equation.law is not None or len(equation.initial) != 1:
        return equation.initial
    value, count = equation.initial[0], max(1, steps)
    if CLOCK["time"] not in leaves(value):
        return (value,) * count
    times = (const(max(Fraction(0), t - 1 + place)) for t in range(count))
    return tuple(substitute(value, {CLOCK["time"]: elapsed(time, dt)}) for time in times)


def lags_in_steps(variables: Mapping[str, Variable]) -> dict[str, list[str]]:
    """Return the lags of two steps and more that sampled rules have beside flows, as written.

    With another dt they are other times. Without flows a step has no length of its own, and `[t-1]`
    is what a rule remembers.

    Returns:
        Variable -> texts such as `x[t-5]`.
    """
    if not any(motion(variable) == "flow" for variable in variables.values()):
        return {}
    found = {
        name: list(dict.fromkeys(_IN_STEPS.findall(variable.rule or "")))
        for name, variable in variables.items()
        if motion(variable) == "rule"
    }
    return {name: texts for name, texts in found.items() if texts}

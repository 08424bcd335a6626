"""The steps at which edges are there: those to and from disturbances and measures come and go.

A disturbance of d[t>=5] is read by d from step 5 on, and the mean over t>=50 reads nothing before.
Edges of the system itself are there at every step.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from causalopt.language.scope import CLOCK
from causalopt.language.step_window import StepWindow
from causalopt.language.term import Term, postorder
from causalopt.model.template import Template

Edge: TypeAlias = tuple[str, int, str]  # parent, lag, child
Windows: TypeAlias = tuple[StepWindow, ...]

_ALWAYS: Windows = (StepWindow(),)


def edge_windows(template: Template) -> dict[Edge, Windows]:
    """Return the edges that are not there at every step, with the child's steps at which they are.

    Args:
        template: The equations.

    Example:
        >>> from causalopt import load
        >>> model, n, _ = load("thermostat").asking("R[3<=t<9]")
        >>> edge_windows(model.template)
        {('R[3<=t<9]', 0, 'R'): (StepWindow(first=3, last=8),)}
    """
    asked = template.asked
    found: dict[Edge, Windows] = {}
    for equation in template.equations:
        parents = [pair for pair in equation.parents if {pair[0], equation.name} & asked]
        if parents and equation.rule is not None:
            read = _read_at(equation.rule)
            found |= {
                (name, lag, equation.name): read[name, lag]
                for name, lag in parents
                if read[name, lag] != _ALWAYS
            }
    return found


def _read_at(rule: Term) -> dict[tuple[str, int], Windows]:
    """Return at which steps a rule reads each of its references."""
    at: dict[Term, Windows] = {rule: _ALWAYS}
    for term in reversed(list(postorder(rule))):
        steps = at.get(term, ())
        true = _steps_where(term.args[0]) if term.op == "where" else None
        parts = [steps] * len(term.args)
        if true is not None:
            parts = [steps, _met(steps, true), _met(steps, _others(true))]
        for argument, own in zip(term.args, parts, strict=True):
            at[argument] = _joined(at.get(argument, ()), own)
    return {term.payload: steps for term, steps in at.items() if isinstance(term.payload, tuple)}


def _steps_where(condition: Term) -> Windows | None:
    """Return the steps at which a condition on the step holds, None where it asks other things."""
    if condition.op == "and":
        sides = [_steps_where(side) for side in condition.args]
        return None if None in sides else _met(*sides)  # type: ignore[arg-type]
    if condition.op not in {"le", "lt", "eq"}:
        return None
    a, b = map(_offset, condition.args)
    if a is None or b is None or (a[0] == b[0]):
        return None
    bound = (a[1] - b[1]) * (1 if b[0] else -1)
    if bound.denominator != 1:
        return None
    step, inside = int(bound), int(condition.op == "lt")
    if condition.op == "eq":
        return (StepWindow(step, step),) if step >= 0 else ()
    if b[0]:
        return (StepWindow(max(step + inside, 0)),)
    return (StepWindow(0, step - inside),) if step >= inside else ()


def _offset(term: Term) -> tuple[bool, Fraction] | None:
    """Return whether a term has the step t in it, and the number beside; None for other terms."""
    if term.op == "const" and isinstance(term.payload, Fraction):
        return False, term.payload
    if term is CLOCK["t"]:
        return True, Fraction(0)
    if term.op in {"add", "sub"}:
        a, b = map(_offset, term.args)
        if (
            a is not None
            and b is not None
            and not (a[0] and b[0])
            and not (term.op == "sub" and b[0])
        ):
            return a[0] or b[0], a[1] + (b[1] if term.op == "add" else -b[1])
    return None


def _met(a: Windows, b: Windows) -> Windows:
    return tuple(both for x in a for y in b if not (both := x.met(y)).is_empty)


def _others(windows: Windows) -> Windows:
    """Return the steps that lie in none of some windows."""
    found: Windows = _ALWAYS
    for window in windows:
        before = () if window.first == 0 else (StepWindow(0, window.first - 1),)
        after = () if window.last is None else (StepWindow(window.last + 1),)
        found = _met(found, before + after)
    return found


def _joined(a: Windows, b: Windows) -> Windows:
    """Return the steps in either, as windows that neither meet nor touch."""
    found: list[StepWindow] = []
    for window in sorted({*a, *b}, key=lambda w: w.first):
        if found and (found[-1].last is None or window.first <= found[-1].last + 1):
            ends = (found[-1].last, window.last)
            last = None if None in ends else max(end for end in ends if end is not None)
            found[-1] = StepWindow(found[-1].first, last)
        else:
            found.append(window)
    return tuple(found)

"""Modes: the linear template of every choice of branches of a piecewise linear model.

A model whose rules are piecewise linear is, as long as it stays on one side of every branch, one
linear template. `find_modes` lists the choices with the conditions for staying in each, and solves
each one: what a disturbance does once the path has settled there.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy

from causalopt.extras import need
from causalopt.language.term import Term
from causalopt.model.asked_words import Nudged
from causalopt.model.model import Model
from causalopt.model.selectors import Node
from causalopt.results import Displayed
from causalopt.symbolic.branches import pieces
from causalopt.symbolic.linear import LinearSolution, solve_linear
from causalopt.symbolic.paths import Comparison, Mode
from causalopt.symbolic.reading import Reading, linear_template, read_question
from causalopt.work.progress import Progress, long_work, tick

_MOST_PIECES = 32


@dataclasses.dataclass(frozen=True, repr=False)
class ModeSolution(Displayed):
    """One mode and, where it is linear, its closed form.

    Args:
        conditions: Relations between variables under which the mode's rules are in force.
        mode: The rules and edges.
        solution: The closed form as long as every step is in the mode; None if nonlinear.
    """

    conditions: tuple[sympy.Basic, ...]
    mode: Mode
    solution: LinearSolution | None

    def __repr__(self) -> str:
        where = ", ".join(map(str, self.conditions)) or "everywhere"
        return f"mode where {where}: {'a closed form' if self.solution else 'not linear'}"


@long_work("deriving", direct=True)
def find_modes(
    model: Model,
    *,
    nudge: Nudged | None = None,
    hold: str | Sequence[str | Node] | None = None,
    target: str | None = None,
    steps: int | None = None,
    parameters: Mapping[str, int | float | str] | None = None,
    initial: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    most: int = 16,
    time_limit: float = 20.0,
) -> tuple[ModeSolution, ...]:
    """Return the modes of a model, at most so many.

    Args:
        model: The model, its rules piecewise linear.
        nudge: The node n; the question's, like the next three, when not given.
        hold: The set A.
        target: The variable m.
        steps: The last step.
        parameters: Values that replace parameters in the model and in the formulas.
        initial: Initial values that replace the model's.
        progress: Called with (done, total, what), in modes.
        most: How many modes to return.
        time_limit: Seconds for all of them together.

    Returns:
        The modes, those with all first branches taken first. Choices that contradict each other
        (one comparison both true and false, or no values of the variables at all where the
        comparisons are linear and the parameters have the model's values) are left out.

    Example:
        >>> from causalopt import load
        >>> [mode.solution.comp for mode in find_modes(load("thermostat_saturating"))][:2]
        [1, 1]
    """
    del progress  # long_work tells it
    reading = read_question(
        model,
        nudge=nudge,
        hold=hold,
        target=target,
        steps=steps,
        parameters=parameters,
        initial=initial,
    )
    found: list[ModeSolution] = []
    for mode in _modes(reading):
        tick(len(found), most)
        if len(found) >= most:
            break
        conditions = mode.conditions
        if sympy.false in conditions or not is_feasible(reading, conditions):
            continue
        solution = None
        if mode.is_linear:
            linear = linear_template(reading.names, mode.edges, reading.starts)
            solution = solve_linear(linear.template, reading.question, time_limit=time_limit / most)
        found.append(ModeSolution(conditions, mode, solution))
    return tuple(found)


def _modes(reading: Reading) -> Iterator[Mode]:
    options: list[list[tuple[Term | None, tuple[Comparison, ...]]]] = []
    for equation in reading.model.template.equations:
        if equation.rule is None:
            options.append([(None, ())])
        else:
            options.append(list(pieces(equation.rule, _MOST_PIECES)))
    for choice in itertools.product(*options):
        merged: dict[Term, bool] = {}
        consistent = all(
            merged.setdefault(term, truth) == truth for _, pairs in choice for term, truth in pairs
        )
        if consistent:
            yield Mode(reading, tuple(rule for rule, _ in choice), tuple(merged.items()))


def is_feasible(reading: Reading, conditions: tuple[sympy.Basic, ...]) -> bool:
    """Return whether some values of the variables meet linear conditions; True if undecided.

    Args:
        reading: The model, whose own parameter values are used.
        conditions: Relations between the variables.
    """
    need("scipy")
    from scipy.optimize import linprog

    variables = sorted(reading.references.values(), key=str)
    upper: list[list[float]] = []
    bounds: list[float] = []
    for condition in conditions:
        gap = _gap(condition)
        if gap is None:
            continue
        gap = sympy.expand(gap.subs(reading.values))
        try:
            poly = sympy.Poly(gap, *variables)
        except sympy.PolynomialError:
            continue
        if poly.total_degree() > 1 or not all(c.is_number for c in poly.coeffs()):
            continue
        upper.append([float(poly.coeff_monomial(v)) for v in variables])
        bounds.append(-float(poly.coeff_monomial(1)))
    if not upper or not variables:
        return True
    answer = linprog(
        [0.0] * len(variables), A_ub=upper, b_ub=bounds, bounds=[(None, None)] * len(variables)
    )
    return bool(answer.status != 2)


def _gap(condition: sympy.Basic) -> sympy.Expr | None:
    """An expression that is at most 0 where the condition holds, its boundary included."""
    if isinstance(condition, sympy.Le | sympy.Lt):
        return condition.lhs - condition.rhs
    if isinstance(condition, sympy.Ge | sympy.Gt):
        return condition.rhs - condition.lhs
    return None

"""No formula is called verified that was not compared with the recurrence, exactly.

At several rational parameter points (on both sides of 1, and on every degenerate case the formula
has a branch for) and at enough consecutive steps to fix the whole sequence for those parameters,
plus a far one, the formula's exact value must equal the recurrence's.
"""

from __future__ import annotations

import dataclasses
import random
from fractions import Fraction

import sympy
from sympy.polys.polyerrors import CoercionFailed

from causalopt.symbolic.arithmetic import rational
from causalopt.symbolic.closed_form import ClosedForm
from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.exact import exact_value
from causalopt.symbolic.linear_template import LinearQuestion, LinearTemplate
from causalopt.symbolic.resolvent import influence
from causalopt.symbolic.roots import random_point

_FAR = 24
TOO_LATE = "the comparison with the recurrence did not end in time"


@dataclasses.dataclass(frozen=True)
class Verification:
    """What a formula was compared with.

    Args:
        passed: Every comparison made was exact and equal, and there was at least one.
        comparisons: How many (parameter point, step) pairs were compared.
        note: What differed or could not be compared, empty otherwise.
        digits: Where no comparison is exact: in how many digits all were equal, 0 for none.
    """

    passed: bool
    comparisons: int
    note: str = ""
    digits: int = 0


def verify(
    form: ClosedForm,
    template: LinearTemplate,
    question: LinearQuestion,
    t: sympy.Symbol,
    *,
    hold: bool,
    deadline: Deadline,
) -> Verification:
    """Compare a closed form with the exact recurrence.

    Args:
        form: The formula and the first step it claims.
        template: The model's edges.
        question: Nudged node, target and held set.
        t: The symbol of the step.
        hold: Whether the formula is the direct effect.
        deadline: When to stop; running out is a failure to verify, not an error.

    Returns:
        Whether all agreed.
    """
    try:
        return deadline.run(_compare, form, template, question, t, hold)
    except OvertimeError:
        return Verification(False, 0, TOO_LATE)


def _compare(
    form: ClosedForm,
    template: LinearTemplate,
    question: LinearQuestion,
    t: sympy.Symbol,
    hold: bool,
) -> Verification:
    compared = 0
    order = len(template.names) * template.depth
    near = form.valid_from + 2 * order + 2
    for point, degenerate in _points(form.expr, template.parameters, t):
        special = template.subs(point)
        known = {p: rational(v) for p, v in point.items()}
        known |= {name: exact_value(e, known) for name, e in form.definitions}
        try:
            effects = influence(special, question, hold=hold, last=near + _FAR)
        except CoercionFailed:  # the model's own coefficients divide by 0 here
            continue
        for step in (*range(form.valid_from, near), near + _FAR):
            expected = effects[step - question.start].get(question.target, 0)
            values = known | {t: Fraction(step)}
            try:
                found = exact_value(form.expr, values)
            except ZeroDivisionError:
                # A formula may have no value at a point, but not begin to have none at some step.
                if degenerate or step > form.valid_from:
                    return Verification(False, compared, f"undefined at {point}, t = {step}")
                break
            except ArithmeticError as error:
                return Verification(False, compared, f"not comparable at {point}: {error}")
            if found != rational(expected):
                return Verification(False, compared, f"differs at {point}, t = {step}")
            compared += 1
    return Verification(compared > 0, compared)


def _points(
    expr: sympy.Expr, parameters: tuple[sympy.Symbol, ...], t: sympy.Symbol
) -> list[tuple[dict[sympy.Symbol, sympy.Rational], bool]]:
    if not parameters:
        return [({}, True)]
    points = [(random_point(parameters, seed), False) for seed in (1, 2)]
    large = {p: v * 3 for p, v in random_point(parameters, 3, size=7).items()}
    points.append((large, False))
    positive = {p: abs(v) for p, v in random_point(parameters, 4, size=11).items()}
    points.append((positive, False))
    for seed, side in ((5, 1), (6, -1)):
        beyond = {p: side * (1 + abs(v)) for p, v in random_point(parameters, seed).items()}
        points.append((beyond, False))
    for place, relation in enumerate(sorted(expr.atoms(sympy.Eq), key=sympy.default_sort_key)):
        if not relation.has(t):
            point = _on(relation, parameters, random.Random(place))
            if point is not None:
                points.append((point, True))
    return points


def _on(
    relation: sympy.Eq, parameters: tuple[sympy.Symbol, ...], draw: random.Random
) -> dict[sympy.Symbol, sympy.Rational] | None:
    """A rational point on which an equation between parameters holds, if a linear one finds it."""
    gap = relation.lhs - relation.rhs
    for symbol in parameters:
        if symbol not in gap.free_symbols:
            continue
        others = {p: sympy.Rational(draw.randint(1, 9), 10) for p in parameters if p != symbol}
        poly = sympy.Poly(gap.subs(others), symbol)
        if poly.degree() == 1:
            return others | {symbol: -poly.nth(0) / poly.LC()}
    return None

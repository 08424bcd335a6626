"""The closed form of a linear template: both effects, their ratio, and what is known of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy

from causalopt.symbolic.arithmetic import rational
from causalopt.symbolic.asymptotics import Asymptotics, asymptotics
from causalopt.symbolic.closed_form import MOST_EARLY, ClosedForm, Inversion, with_early
from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.far_step import effect_after, effect_in_digits
from causalopt.symbolic.frequency import Sensitivity, sensitivity
from causalopt.symbolic.linear_template import Holding, LinearQuestion, LinearTemplate
from causalopt.symbolic.naming import Names
from causalopt.symbolic.ratio import comp_of, op_of
from causalopt.symbolic.resolvent import Response, coefficient_field, influence, resolve
from causalopt.symbolic.verification import Verification, verify

T = sympy.Symbol("t")
_LONGEST_EXACT = 20_000


@dataclasses.dataclass(frozen=True)
class LinearEffect:
    """One effect of the nudge on the target, in every form.

    Args:
        response: Its z-transform.
        form: Its closed form in the step.
        verification: What the closed form was compared with.
    """

    response: Response
    form: ClosedForm
    verification: Verification


@dataclasses.dataclass(frozen=True)
class LinearSolution:
    """Everything derived from one linear template and one question.

    Args:
        template: The edges.
        question: Nudged node, target and held set.
        total: The effect over all paths.
        direct: The effect over paths that avoid A.
    """

    template: LinearTemplate
    question: LinearQuestion
    total: LinearEffect
    direct: LinearEffect

    @property
    def comp(self) -> sympy.Expr:
        """Comp as a function of the step t."""
        return comp_of(self.total.form.expr, self.direct.form.expr)

    @property
    def op(self) -> sympy.Expr:
        """Op = -ln |Comp| in nats, as a function of the step t."""
        return op_of(self.comp)

    @property
    def valid_from(self) -> int:
        """The first step at which both formulas hold."""
        return max(self.total.form.valid_from, self.direct.form.valid_from)

    @property
    def verified(self) -> bool:
        """Whether both formulas were found equal to the recurrence, exactly."""
        return self.total.verification.passed and self.direct.verification.passed

    def sensitivity(self, deadline: Deadline | None = None) -> Sensitivity | None:
        """Comp(z); None where the direct effect is identically 0.

        Raises:
            OvertimeError: It could not be reduced in time (10 s when no deadline is given).
        """
        limit = deadline or Deadline.after(10.0)
        return limit.run(sensitivity, self.total.response, self.direct.response)

    def loop(self, deadline: Deadline | None = None) -> Sensitivity | None:
        """Comp(z) of the loop itself: for a nudge long after the start, all rules in force.

        A nudge at a step at which variables still have their initial values goes past those: its
        own Comp(z) is `sensitivity`.

        Raises:
            OvertimeError: It could not be had in time (10 s when no deadline is given).
        """
        limit = deadline or Deadline.after(10.0)
        template = dataclasses.replace(self.template, starts=(), early=())
        question = dataclasses.replace(
            self.question, start=0, holding=Holding((), self.question.holding.final)
        )

        def find() -> Sensitivity | None:
            total, direct = (resolve(template, question, hold=hold) for hold in (False, True))
            return sensitivity(total, direct)

        return limit.run(find)

    def asymptotics(self, deadline: Deadline) -> tuple[Asymptotics, Asymptotics]:
        """The long-time behaviour of the total and of the direct effect."""
        return (
            deadline.run(asymptotics, self.total.response, deadline),
            deadline.run(asymptotics, self.direct.response, deadline),
        )

    def rate(self, values: dict[sympy.Symbol, sympy.Rational]) -> float:
        """Op per step for t to infinity, in nats: ln(rho_direct / rho_total), at rationals."""
        total, direct = self.asymptotics(Deadline.after(60.0))
        above, below = direct.radius_at(values), total.radius_at(values)
        if above == 0:
            return math.nan if below == 0 else -math.inf
        return math.inf if below == 0 else math.log(above / below)

    def at(self, step: int, values: Mapping[sympy.Symbol, sympy.Rational]) -> tuple[Any, Any]:
        """Return (total, direct) at one step at rational parameters.

        Exactly up to 20,000 steps after the nudge; later, where the exact numbers have as many
        digits, in multiprecision floats.
        """
        responses = [effect.response.subs(dict(values)) for effect in (self.total, self.direct)]
        if step < max(response.base for response in responses):
            return self.recur(step, values)[-1]
        if step - self.question.start > _LONGEST_EXACT:
            total, direct = (effect_in_digits(r, step - r.base) for r in responses)
        else:
            total, direct = (rational(effect_after(r, step - r.base)) for r in responses)
        return total, direct

    def recur(
        self, last: int, values: Mapping[sympy.Symbol, sympy.Rational]
    ) -> list[tuple[Any, Any]]:
        """Return (total, direct) at the steps 0..last, by the exact recurrence."""
        template, target = self.template.subs(values), self.question.target
        waiting = [(Fraction(0), Fraction(0))] * min(self.question.start, last + 1)
        worlds = [
            influence(template, self.question, hold=hold, last=last) for hold in (False, True)
        ]
        return waiting + [
            (rational(x.get(target, 0)), rational(y.get(target, 0)))
            for x, y in zip(*worlds, strict=True)
        ]


def solve_linear(
    template: LinearTemplate, question: LinearQuestion, *, time_limit: float = 20.0
) -> LinearSolution:
    """Return the closed forms of both effects, each verified.

    Args:
        template: The model's edges.
        question: Nudged node, target and held set.
        time_limit: Seconds for everything.

    Returns:
        The solution.

    Raises:
        OvertimeError: No closed form could be had in time.

    Example:
        >>> a = sympy.Symbol("a")
        >>> decay = LinearTemplate(("x",), {(0, 0, 1): 1 - a}, (a,))
        >>> from causalopt.symbolic.linear_template import Holding
        >>> solve_linear(decay, LinearQuestion(0, 0, Holding())).total.form.expr
        (1 - a)**t
    """
    deadline = Deadline.after(time_limit)
    total = _effect(template, question, False, deadline)
    direct = total
    if question.holding.final or any(question.holding.early):
        direct = _effect(template, question, True, deadline)
    return LinearSolution(template, question, total, direct)


def _effect(
    template: LinearTemplate, question: LinearQuestion, hold: bool, deadline: Deadline
) -> LinearEffect:
    def find() -> Response:
        return resolve(template, question, hold=hold)

    response = deadline.run(find, at_most=deadline.remaining() / 2)
    field = coefficient_field(template.parameters)
    before = response.base - question.start
    names = Names("direct_c" if hold else "total_c", frozenset(template.parameters))

    def early_steps(count: int) -> tuple[sympy.Expr, ...]:
        effects = influence(template, question, hold=hold, last=question.start + count - 1)
        return tuple(
            sympy.factor(field.to_sympy(now.get(question.target, field.zero))) for now in effects
        )

    def early(count: int) -> tuple[sympy.Expr, ...]:
        return early_steps(before + count)[before:] if count else ()

    try:
        form = Inversion(response, T, response.base, early, deadline, names).form()
    except ZeroDivisionError as error:
        raise OvertimeError(f"the generic formula divides by 0: {error}") from None
    if 0 < before <= MOST_EARLY and form.valid_from == response.base:
        form = with_early(form, early_steps(before), T, question.start)
    checked = verify(form, template, question, T, hold=hold, deadline=deadline)
    return LinearEffect(response, form, checked)

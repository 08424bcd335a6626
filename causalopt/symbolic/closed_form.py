"""Closed forms in the step: the inverse z-transform, factor by factor.

With U(z) = z^a N(z) / D(z), D(0) not 0, the value s steps after the nudge is the sum of residues
of N(z) z^(s + a - 1) / D(z) over the roots of D, for every s >= 1 - a; earlier steps are few and
are stated one by one. A factor of degree 1 or 2 gives its roots in radicals (a negative
discriminant the real form in cos and sin, a vanishing one its confluent form), a factor of higher
degree a RootSum. Where two factors share a root the generic form divides by 0: those parameters are
listed, and solved for their own form when they can be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import sympy

from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.degenerate import Condition, coincidences, solve_condition
from causalopt.symbolic.naming import Names
from causalopt.symbolic.residues import Exponent, Pole
from causalopt.symbolic.resolvent import Response
from causalopt.symbolic.roots import Reduced, reduce_response

Early = Callable[[int], tuple[sympy.Expr, ...]]
_MOST_CASES = 6
MOST_EARLY = 8
_SMALL = 60


@dataclasses.dataclass(frozen=True)
class ClosedForm:
    """An effect as a function of the step t.

    Args:
        expr: The formula, with degenerate parameters and early steps as its own branches.
        valid_from: The first step at which it holds.
        conditions: What the parameters must keep, beyond what the branches cover.
        notes: What was chosen for want of time.
        definitions: (name, expression) of coefficients too long to stand in the formula.
    """

    expr: sympy.Expr
    valid_from: int
    conditions: tuple[Condition, ...] = ()
    notes: tuple[str, ...] = ()
    definitions: tuple[tuple[sympy.Symbol, sympy.Expr], ...] = ()


@dataclasses.dataclass(frozen=True)
class Inversion:
    """The inverse of one z-transform.

    Args:
        response: The effect's z-transform, counted from the nudge.
        t: The symbol of the step.
        start: The step of the nudge.
        early: Gives the first so many exact effects, for steps the formula does not reach.
        deadline: When to stop looking for degenerate cases.
        names: Takes coefficients too long to stand in the formula.
        depth: How many degenerate conditions already hold.
    """

    response: Response
    t: sympy.Symbol
    start: int
    early: Early
    deadline: Deadline
    names: Names
    depth: int = 0

    def form(self) -> ClosedForm:
        """Return the effect at step t, and what the formula assumes.

        Raises:
            OvertimeError: Not even the generic form could be had in time.
        """
        if self.response.is_zero:
            return ClosedForm(sympy.S.Zero, self.start)
        deadline, names = self.deadline, self.names
        reduced = reduce_response(self.response, deadline)
        exponent = Exponent(self.t - self.start, reduced.power - 1)
        notes = list(reduced.notes)
        try:
            generic, conditions = deadline.run(
                _sum_of_terms, reduced, exponent, names, at_most=deadline.remaining() / 3
            )
        except OvertimeError:
            reduced = _whole(reduced)
            generic, conditions = deadline.run(_sum_of_terms, reduced, exponent, names)
            notes.append("partial fractions did not end in time: one sum over all roots instead")
        first = max(0, 1 - reduced.power)
        branches: list[tuple[sympy.Expr, sympy.Basic]] = []
        if self.response.parameters and self.depth < 2:
            conditions, branches, more = _cases(self, reduced, conditions)
            branches = [b for b in branches if not _continues(generic, *b)]
            notes += more
        if first <= MOST_EARLY:
            branches = [*branches, *_early(self.early(first), self.t, self.start)]
            first = 0
        whole = sympy.Piecewise(*branches, (generic, True)) if branches else generic
        return ClosedForm(
            whole, self.start + first, tuple(conditions), tuple(notes), names.definitions
        )

    def at(self, symbol: sympy.Symbol, value: sympy.Expr) -> ClosedForm:
        """Return the closed form with one parameter replaced."""

        def early(count: int) -> tuple[sympy.Expr, ...]:
            return tuple(sympy.cancel(e.subs(symbol, value)) for e in self.early(count))

        special = self.response.subs({symbol: value})
        return dataclasses.replace(self, response=special, early=early, depth=self.depth + 1).form()


def _whole(reduced: Reduced) -> Reduced:
    """The denominator as one factor, whose roots need not be told apart.

    Raises:
        OvertimeError: A root repeats for all parameters: the simple sum would divide by 0.
    """
    if any(multiplicity > 1 for _, multiplicity in reduced.factors):
        raise OvertimeError("partial fractions with repeated roots did not end in time")
    product = reduced.numerator.one
    for factor, _ in reduced.factors:
        product *= factor
    return dataclasses.replace(reduced, factors=((product, 1),))


def _sum_of_terms(
    reduced: Reduced, exponent: Exponent, names: Names
) -> tuple[sympy.Expr, list[Condition]]:
    terms, conditions = [], []
    for place, (factor, multiplicity) in enumerate(reduced.factors):
        rest = [f**r for i, (f, r) in enumerate(reduced.factors) if i != place]
        pole = Pole(reduced.numerator, factor, multiplicity, rest, exponent, names)
        term, needs = pole.residues()
        terms.append(term)
        conditions += needs
    return sympy.Add(*terms), conditions


def _cases(
    problem: Inversion, reduced: Reduced, conditions: list[Condition]
) -> tuple[list[Condition], list[tuple[sympy.Expr, sympy.Basic]], list[str]]:
    """The degenerate parameters, each with its own formula where it can be solved for."""
    branches: list[tuple[sympy.Expr, sympy.Basic]] = []
    unsolved: list[Condition] = []
    deadline = problem.deadline
    try:
        met = conditions + deadline.run(coincidences, reduced, at_most=deadline.remaining() / 3)
    except OvertimeError:
        note = "coinciding roots of different factors were not searched for in the time given"
        return conditions, [], [note]
    for condition in dict.fromkeys(met):
        solved = solve_condition(condition, problem.response.parameters)
        if solved is None or len(branches) >= _MOST_CASES:
            unsolved.append(condition)
            continue
        try:
            special = problem.at(*solved)
        except (OvertimeError, ZeroDivisionError):
            unsolved.append(condition)
            continue
        unsolved += special.conditions
        branches.append((special.expr, sympy.Eq(*solved)))
    return list(dict.fromkeys(unsolved)), branches, []


def with_early(
    form: ClosedForm, values: tuple[sympy.Expr, ...], t: sympy.Symbol, start: int
) -> ClosedForm:
    """Return the closed form that also holds at the steps just before it, start, start + 1, ..."""
    formula = (form.expr, sympy.true)
    branches = [(value, sympy.Eq(t, start + s)) for s, value in enumerate(values)]
    if {form.expr, *values} == {form.expr}:
        branches = []
    expr = sympy.Piecewise(*branches, formula)
    return dataclasses.replace(form, expr=expr, valid_from=start)


def _continues(generic: sympy.Expr, special: sympy.Expr, condition: sympy.Basic) -> bool:
    """Whether the generic formula itself holds at a degenerate parameter: nothing divides by 0."""
    if generic.has(sympy.Piecewise, sympy.RootSum) or generic.count_ops() > _SMALL:
        return False
    there = generic.subs(condition.lhs, condition.rhs)
    if there.has(sympy.nan, sympy.zoo, sympy.oo):
        return False
    return bool(sympy.simplify(there - special) == 0)


def _early(
    values: tuple[sympy.Expr, ...], t: sympy.Symbol, start: int
) -> list[tuple[sympy.Expr, sympy.Basic]]:
    if not values:
        return []
    if len(set(values)) == 1:
        return [(values[0], t < start + len(values))]
    return [(value, sympy.Eq(t, start + s)) for s, value in enumerate(values)]

"""The derivation: Comp and Op of a question as mathematics, with conditions and checks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import sympy

from causalopt.errors import QuestionError
from causalopt.results import Displayed, plain_number, pretty, python, report
from causalopt.symbolic.duals import stable_effects
from causalopt.symbolic.linear import LinearSolution
from causalopt.symbolic.notation import to_latex, to_text
from causalopt.symbolic.path_effect import PathEffect
from causalopt.symbolic.ratio import RatioValue, comp_of, op_of, tabulate
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.straight_line import StraightLine

_LONGEST_EXACT = 2000
_SHOWN = 200  # characters of a formula


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Derivation(Displayed):
    """Total and direct effect, Comp and Op as sympy objects in the step t and the parameters.

    Take numbers from `evaluate` and `value`: they are exact and quick, where radicals in floats
    lose digits and sympy expands a RootSum at length when a step is put into it.

    Attributes:
        reading: The model and the question.
        form: Which form was found: `closed form`, `straight-line program` or `path sums`.
        total: The effect over all paths.
        direct: The effect over the paths that avoid A.
        conditions: What must hold for the formulas, and what they do at degenerate parameters.
        verified: Whether they were found equal to the recurrence, exactly.
        notes: Which form was chosen for want of another, and why.
        solution: The z-domain, where the model is linear and has time; None elsewhere, as in a
            model without time, whose formulas are `comp`, `op` and `paths`.
        program: The straight-line program, where it is not.
        paths: The single paths' contributions, in a model without time.
        at: The step asked for, if one was.
        definitions: Names of coefficients too long to stand in a closed form.
        stand_ins: Symbols of `solution` that stand for irrational expressions.
        digits: Where no comparison is exact: in how many digits all were equal, 0 for none.
    """

    reading: Reading
    form: str
    total: sympy.Expr
    direct: sympy.Expr
    conditions: tuple[str, ...]
    verified: bool
    notes: tuple[str, ...] = ()
    solution: LinearSolution | None = None
    program: StraightLine | None = None
    paths: tuple[PathEffect, ...] = ()
    at: int | None = None
    definitions: tuple[tuple[sympy.Symbol, sympy.Expr], ...] = ()
    stand_ins: Mapping[sympy.Symbol, sympy.Expr] = dataclasses.field(default_factory=dict)
    digits: int = 0

    @property
    def standing(self) -> str:
        """How far the formulas were compared with the recurrence, in words."""
        if self.verified:
            return "verified"
        return f"checked to {self.digits} digits" if self.digits else "NOT verified"

    @functools.cached_property
    def comp(self) -> sympy.Expr:
        """Comp = total / direct."""
        return comp_of(self.total, self.direct)

    @functools.cached_property
    def op(self) -> sympy.Expr:
        """Op = -ln |Comp|, in nats."""
        return op_of(self.comp)

    @property
    def latex(self) -> str:
        """Comp and Op in LaTeX, as one aligned display."""
        names = {
            r"\mathrm{total}": self.total,
            r"\mathrm{direct}": self.direct,
            r"\mathrm{Comp}": self.comp,
            r"\mathrm{Op}": self.op,
        }
        lines = [rf"{name} &= {to_latex(expr)}" for name, expr in names.items()]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def pretty(self, *, width: int = 80, unicode: bool = True) -> str:
        """Return the derivation as two-dimensional text; what a program defines is numbered.

        Args:
            width: The number of columns it has room in.
            unicode: Whether it is drawn in Unicode, else in ASCII.
        """
        return pretty(self, width=width, unicode=unicode)

    def evaluate(self, steps: int | None = None) -> RatioValue:
        """Return both effects, Comp and Op in numbers at the steps 0..steps.

        The numbers come from the exact recurrence, or one in as many digits as it takes: never
        from radicals in floats.

        Args:
            steps: The last step; the question's when not given.
        """
        last = self.reading.asked.steps if steps is None else steps
        values = self.rational_values
        if (
            self.solution is not None
            and values is not None
            and (last <= _LONGEST_EXACT or self.reading.drawn)
        ):
            return tabulate(0, self.solution.recur(last, values))
        try:
            return tabulate(0, stable_effects(self.reading, last))
        except ArithmeticError as error:
            raise QuestionError(f"no number can be given at t <= {last}: {error}") from None

    def value(self, step: int | None = None) -> dict[str, float | str | None]:
        """Return total, direct, comp and op at one step as JSON's numbers."""
        last = step if step is not None else self.at
        values = self.rational_values
        if self.solution is not None and values is not None and last is not None:
            found = tabulate(last, [self.solution.at(last, values)])
        else:
            found = self.evaluate(last)
        rows = {"total": found.total, "direct": found.direct, "comp": found.comp, "op": found.op}
        return {name: plain_number(column[-1]) for name, column in rows.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the contract's keys; formulas are texts that `sympy.sympify` reads."""
        result: dict[str, Any] = {
            "total": _text(self.total),
            "direct": _text(self.direct),
            "comp": _text(self.comp),
            "op": _text(self.op),
            "latex": self.latex,
            "conditions": [*self.conditions, *self.notes],
            "verified": self.verified,
        }
        if self.lines:
            result["program"] = [[to_text(name), to_text(expr)] for name, expr in self.lines]
        if self.at is not None:
            result["value"] = self.value(self.at)
        return result

    @property
    def rational_values(self) -> dict[sympy.Symbol, sympy.Rational] | None:
        """Parameter -> exact value; None where one, or a coefficient, is irrational."""
        values = self.reading.values
        if self.stand_ins or not all(value.is_Rational for value in values.values()):
            return None
        return dict(values)

    @property
    def lines(self) -> tuple[tuple[sympy.Symbol, sympy.Expr], ...]:
        """The definitions of all names in the formulas that are no parameters, in order."""
        if self.needs_program and self.program is not None:
            return self.program.lines
        return self.definitions

    @property
    def needs_program(self) -> bool:
        """Whether the formulas are names that the program's lines define."""
        if self.program is None:
            return False
        names = {name for name, _ in self.program.lines}
        return bool(names & (self.total.free_symbols | self.direct.free_symbols))

    def python(self) -> str:
        """Return Python source, free of dependencies, that computes both effects."""
        return python(self)

    def report(self) -> str:
        """Return the derivation, step by step, in Markdown for a paper."""
        return report(self)

    def __repr__(self) -> str:
        asked = self.reading.asked
        op = str(self.op)
        op = op if len(op) <= _SHOWN else f"{op[: _SHOWN - 3]}..."
        return f"{asked.op_name} in {asked.model.name}: {self.form} ({self.standing})\n  Op = {op}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def __str__(self) -> str:
        lines = [f"{self.form} ({self.standing})"]
        if self.needs_program:
            lines.append(str(self.program))
        else:
            lines += [f"{name} = {expr}" for name, expr in self.definitions]
            lines += [f"total  = {self.total}", f"direct = {self.direct}"]
        lines += [f"  {path}" for path in self.paths]
        lines += [f"Comp   = {self.comp}", f"Op     = {self.op}"]
        lines += [f"  if {condition}" for condition in self.conditions]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def _text(expr: sympy.Expr) -> str | None:
    return None if expr is sympy.nan else to_text(expr)

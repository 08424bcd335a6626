"""The effects of a nudge on affine flows, straight from their differential equation.

Where every way from n to m leads through flows and algebraic variables, and A is the same at all
times, the effect after a time s is an element of exp(A s), A the matrix of the variables that are
free: the textbook's formula, without the step's coefficients. It is verified twice: that it solves
the differential equation and starts where the nudge does, exactly, at rational values of parameters
and time at which exponentials and circular functions stand for themselves; and beside the
recurrence, in digits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import sympy

from causalopt.language.exponential_form import EXPM, closed_element
from causalopt.language.term import Term
from causalopt.model.declaration import motion
from causalopt.symbolic.arithmetic import Floats, rational
from causalopt.symbolic.digits import PRECISIONS, agree, in_digits
from causalopt.symbolic.duals import effects_along
from causalopt.symbolic.exact import exact_value
from causalopt.symbolic.linear import T
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.roots import random_point

_COMPARED_STEPS = 6
_POINTS = 3
_MOST_CASES = 4


@dataclasses.dataclass(frozen=True)
class FlowEffects:
    """Both effects as functions of the step.

    Attributes:
        total: Over all paths.
        direct: Over the paths that avoid A.
        conditions: Parameters at which a denominator vanishes.
        is_exact: Whether the equation was found solved exactly, and not in digits.
    """

    total: sympy.Expr
    direct: sympy.Expr
    conditions: tuple[str, ...]
    is_exact: bool


def flow_effects(reading: Reading) -> FlowEffects | None:
    """Return both effects by the flows' own equation, verified; None where that does not hold.

    Args:
        reading: A linear model and the question.
    """
    if not _is_continuous(reading):
        return None
    found: list[sympy.Expr] = []
    open_cases: dict[str, None] = {}
    all_exact = True
    for held in (frozenset[str](), _held(reading)):
        cases = _cases(reading, held)
        if cases is None:
            return None
        effect, unsolved, is_exact = cases
        found.append(effect)
        all_exact &= is_exact
        open_cases |= dict.fromkeys(f"{part} != 0" for part in unsolved)
    if not _agrees(reading, found[0], found[1]):
        return None
    return FlowEffects(found[0], found[1], tuple(open_cases), all_exact)


_Cases: TypeAlias = tuple[sympy.Expr, list[sympy.Expr], bool]


def _cases(reading: Reading, held: frozenset[str]) -> _Cases | None:
    """Return an effect with a branch for each degenerate parameter, and those without a branch."""
    verified = _verified(reading, held, {})
    if verified is None:
        return None
    generic, is_exact = verified
    branches: list[tuple[sympy.Expr, Any]] = []
    unsolved = []
    for below in _denominators(generic):
        solved = _solutions(below)
        if not solved or len(branches) + len(solved) > _MOST_CASES:
            unsolved.append(below)
            continue
        for symbol, value in solved:
            special = _verified(reading, held, {symbol: value})
            if special is None:
                unsolved.append(below)
                break
            branches.append((special[0], sympy.Eq(symbol, value)))
            is_exact &= special[1]
    whole = sympy.Piecewise(*branches, (generic, True)) if branches else generic
    return whole, unsolved, is_exact


def _verified(
    reading: Reading, held: frozenset[str], values: Mapping[sympy.Symbol, sympy.Expr]
) -> tuple[sympy.Expr, bool] | None:
    system = _System(reading, held, values)
    effect = system.effect()
    if effect is None or not system.is_solved():
        return None
    return effect, system.is_exact


def _denominators(expr: sympy.Expr) -> list[sympy.Expr]:
    """Return what a formula divides by, each without its root and its sign."""
    below = set()
    for power in expr.atoms(sympy.Pow):
        if power.exp.is_negative and power.base.free_symbols and not power.base.has(T):
            below |= {f for f, _ in sympy.factor_list(sympy.numer(sympy.together(power.base)))[1]}
    # A parameter by itself, such as a time constant, is not 0 where the model has a value.
    return [part for part in _ordered(below) if not part.is_Symbol]


def _solutions(below: sympy.Expr) -> list[tuple[sympy.Symbol, sympy.Expr]]:
    """Return the values of one parameter at which a polynomial vanishes, rational in the others."""
    for symbol in _ordered(below.free_symbols):
        if not below.is_polynomial(symbol):
            continue
        found = sympy.roots(sympy.Poly(below, symbol))
        if found and not any(value.has(sympy.Pow) and value.has(sympy.sqrt) for value in found):
            return [(symbol, value) for value in found if value.is_real is not False]
    return []


def _is_continuous(reading: Reading) -> bool:
    model, question = reading.model, reading.question
    template = model.template
    nudged, target = reading.asked.nudge.variable, reading.asked.target
    on_paths = {i for edge in reading.edges for i in edge[:2]} | {question.nudged, question.target}
    owners = {template.equations[i].owner for i in on_paths}
    return (
        bool(template.slopes)
        and not question.holding.early
        and motion(model.variables[nudged]) == "flow"
        and owners <= template.slopes.keys()
        and target in template.slopes
        and all(reading.starts[i] <= question.start + 1 for i in on_paths)
    )


def _held(reading: Reading) -> frozenset[str]:
    return frozenset(reading.names[i] for i in reading.question.holding.final)


class _System:
    """The free variables' equation x' = A x, from a nudge of one of them.

    Args:
        reading: The model and the question.
        held: Variables that do not move.
        values: Parameters that are something else here.
    """

    def __init__(
        self, reading: Reading, held: frozenset[str], values: Mapping[sympy.Symbol, sympy.Expr]
    ) -> None:
        self._reading, self._values = reading, dict(values)
        template, variables = reading.model.template, reading.model.variables
        self._flows = [
            name
            for name in template.slopes
            if name not in held and motion(variables[name]) == "flow"
        ]
        self._held = held
        self._rows = {name: self._reduced(template.slopes[name]) for name in self._flows}
        self._column: list[sympy.Expr | None] = []
        self.is_exact = True

    def effect(self) -> sympy.Expr | None:
        """Return the target's derivative by the nudged flow at step t, None without closed form."""
        nudged, target = self._reading.asked.nudge.variable, self._reading.asked.target
        if target in self._held:
            return sympy.S.Zero
        if nudged not in self._flows:
            return None
        self._column = [self._element(name, nudged) for name in self._flows]
        slopes = self._reading.model.template.slopes
        row = {target: sympy.S.One} if target in self._flows else self._reduced(slopes[target])
        total = sympy.S.Zero
        for name, weight in row.items():
            value = self._column[self._flows.index(name)]
            if value is None:
                return None
            total += weight * value
        return total.xreplace({T: T - self._reading.question.start})

    def is_solved(self) -> bool:
        """Whether the column solves its equation: x' = A x, from 1 for the nudged flow."""
        if not self._column:
            return True
        nudged = self._reading.asked.nudge.variable
        known = [None if f is None else sympy.diff(f, T) for f in self._column]
        for name, value, slope in zip(self._flows, self._column, known, strict=True):
            if value is None:
                continue
            followed = sympy.S.Zero
            for parent, weight in self._rows[name].items():
                other = self._column[self._flows.index(parent)]
                if other is None:
                    return False
                followed += weight * other
            step = sympy.Rational(self._reading.model.template.dt)
            start = value.subs(T, 0) - int(name == nudged)
            for gap in (slope - step * followed, start):
                found = _vanishes(gap)
                if found is None:
                    self.is_exact = False
                    found = _vanishes_in_digits(gap)
                if not found:
                    return False
        return True

    def _element(self, name: str, nudged: str) -> sympy.Expr | None:
        length = sympy.Rational(self._reading.model.template.dt) * T  # T the steps since the nudge
        entries = [
            self._rows[a].get(b, sympy.S.Zero) * length for a in self._flows for b in self._flows
        ]
        place = self._flows.index(name) * len(self._flows) + self._flows.index(nudged)
        found: sympy.Expr = closed_element(entries, place)
        return None if found.has(EXPM) else found

    def _reduced(self, slopes: Mapping[str, Term]) -> dict[str, sympy.Expr]:
        """Return an equation in free flows alone, free algebraic variables put in."""
        found: dict[str, sympy.Expr] = {}
        for name, term in slopes.items():
            if name in self._held:
                continue
            weight = self._reading.expression(term).subs(self._values)
            if motion(self._reading.model.variables[name]) == "flow":
                found[name] = found.get(name, sympy.S.Zero) + weight
                continue
            inner = self._reduced(self._reading.model.template.slopes[name])
            for other, factor in inner.items():
                found[other] = found.get(other, sympy.S.Zero) + weight * factor
        return found


def _vanishes(expr: sympy.Expr) -> bool | None:
    """Whether an expression is 0 at rational points, exactly, its functions standing for symbols.

    None where its numbers lie outside the fields that are known exactly.

    Exponentials and circular functions of what depends on the time are linearly independent over
    the functions that are rational in it: the identity holds for them as for symbols.
    """
    functions = expr.atoms(sympy.exp, sympy.cos, sympy.sin, sympy.cosh, sympy.sinh)
    plain = expr.xreplace({f: sympy.Dummy(f"f{i}") for i, f in enumerate(_ordered(functions))})
    symbols = tuple(_ordered(plain.free_symbols))
    for seed in range(_POINTS):
        point = random_point(symbols, seed + 1) if symbols else {}
        values = {symbol: rational(value) for symbol, value in point.items()}
        try:
            if exact_value(plain, values) != Fraction(0):
                return False
        except ZeroDivisionError:
            continue
        except ArithmeticError:
            return None
    return True


def _vanishes_in_digits(expr: sympy.Expr) -> bool:
    """Whether an expression is 0 at rational points, in sixty digits of its largest term."""
    floats = Floats(PRECISIONS[1])
    symbols = tuple(_ordered(expr.free_symbols))
    terms = sympy.Add.make_args(sympy.expand(expr))
    for seed in range(_POINTS):
        point = random_point(symbols, seed + 1) if symbols else {}
        values = {symbol: floats.number(rational(v)) for symbol, v in point.items()}
        try:
            parts = [in_digits(term, values, floats) for term in terms]
        except ZeroDivisionError:
            continue
        size = max(map(abs, parts))
        if size and not agree(sum(parts) + size, size):
            return False
    return True


def _ordered(items: set[Any]) -> list[Any]:
    return sorted(items, key=sympy.default_sort_key)


def _agrees(reading: Reading, total: sympy.Expr, direct: sympy.Expr) -> bool:
    """Whether both effects are the recurrence's in sixty digits, at the model's own values."""
    floats = Floats(PRECISIONS[1])
    values = {s: in_digits(v, {}, floats) for s, v in reading.values.items()}
    first = reading.question.start
    last = int(min(first + _COMPARED_STEPS, reading.lasts))
    duals = effects_along(reading, last, floats)
    for step in range(first, last + 1):
        known = values | {T: floats.number(Fraction(step))}
        try:
            found = [in_digits(expr, known, floats) for expr in (total, direct)]
        except ZeroDivisionError:
            return False
        if not (agree(found[0], duals[step].total) and agree(found[1], duals[step].direct)):
            return False
    return True

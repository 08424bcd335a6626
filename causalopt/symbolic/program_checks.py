"""Programs and templates against the model's own recurrence, exactly.

`verification` compares a closed form with its template; here templates and programs are compared
with the model: in rationals where numbers stay short, and modulo a prime at random parameters where
they do not.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

import sympy

from causalopt.errors import QuestionError
from causalopt.symbolic.arithmetic import (
    Floats,
    Modular,
    NotRationalError,
    Residues,
    Short,
    rational,
)
from causalopt.symbolic.digits import DIGITS, PRECISIONS, agree, in_digits
from causalopt.symbolic.duals import Walk, effects_along
from causalopt.symbolic.linear import LinearSolution
from causalopt.symbolic.paths import follow
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.straight_line import StraightLine, write_program
from causalopt.symbolic.verification import Verification

_NEAR = 6
Pair: TypeAlias = tuple[Any, Any]


def check_program(reading: Reading, program: StraightLine, *, branches: bool) -> Verification:
    """Compare a program with the model's recurrence, in sixty digits where rationals cannot.

    Args:
        reading: The model and the question.
        program: The program, for one step.
        branches: Whether the program holds on one path through branches only; its parameters are
            then not varied.

    Returns:
        Whether all agreed, and why not.

    Raises:
        QuestionError: The effects are not finite.
    """
    why = ""
    try:
        for compare in (_exactly,) if branches else (_modulo, _exactly):
            try:
                compared = _near(reading, min(program.step, _NEAR)) + compare(reading, program)
                return Verification(True, compared)
            except NotRationalError as error:
                why = f"no exact comparison is possible: {error}"
        compared = _in_digits(reading, program, branches)
    except _DifferenceError as error:
        return Verification(False, 0, str(error))
    except ZeroDivisionError:
        raise QuestionError(undefined(program.step)) from None
    except ArithmeticError as error:
        return Verification(False, 0, f"{why}; {error}")
    return Verification(False, compared, f"equal in {DIGITS} digits; {why}", DIGITS)


def undefined(step: int) -> str:
    """Return the message for a model whose effects have no finite value."""
    return (
        f"there is no effect to write down at t = {step}: the model divides by 0 or leaves the "
        "real numbers on its way; `causalopt run` shows where"
    )


class _DifferenceError(Exception):
    """Two routes gave different numbers."""


def unverified(why: str) -> str:
    """Return the message for formulas that are not shown."""
    return f"no formula was verified: {why}; `causalopt run` gives the numbers"


def _same(found: object, expected: object, where: str) -> None:
    if found != expected:
        raise _DifferenceError(f"differs from the recurrence {where}")


def _near(reading: Reading, last: int) -> int:
    """Programs of the first steps, in rationals, for as long as their numbers stay short."""
    values = rational_values(reading)
    path = follow(reading, last)
    walk = Walk(reading, Short())
    for step in range(last + 1):
        try:
            dual = walk.advance()[reading.question.target]
            if step < reading.question.start:
                continue
            found = write_program(reading, path, step).run(values, Short().number)
        except NotRationalError:
            return step
        _same(found, (dual.total, dual.direct), f"at t = {step}")
    return last + 1


def _exactly(reading: Reading, program: StraightLine) -> int:
    dual = effects_along(reading, program.step, Short())[-1]
    found = program.run(rational_values(reading), Short().number)
    _same(found, (dual.total, dual.direct), f"at t = {program.step}")
    return 1


def _in_digits(reading: Reading, program: StraightLine, branches: bool) -> int:
    """Both routes in floats, at the model's own parameters and beside them."""
    compared = 0
    for seed in range(1 if branches else 3):
        varied = reading if seed == 0 else _beside(reading, seed)
        expected = _resolved(functools.partial(_effects, varied, program.step))
        found = _resolved(functools.partial(_formulas, varied, program))
        if expected is None or found is None:
            if seed == 0:
                raise ZeroDivisionError
            continue
        if not _all_agree(found, expected):
            raise _DifferenceError(f"differs from the recurrence at t = {program.step}, in digits")
        compared += 1
    return compared


def _effects(reading: Reading, step: int, floats: Floats) -> Pair:
    dual = effects_along(reading, step, floats)[-1]
    return dual.total, dual.direct


def _formulas(reading: Reading, program: StraightLine, floats: Floats) -> Pair:
    values = {s: in_digits(v, {}, floats) for s, v in reading.values.items()}
    return program.in_digits(values, floats)


def _resolved(compute: Callable[[Floats], Pair]) -> Pair | None:
    """A pair of numbers on which two precisions agree; None where one is not finite."""
    before: Pair | None = None
    for bits in PRECISIONS:
        floats = Floats(bits)
        try:
            found = compute(floats)
        except ZeroDivisionError:
            return None
        if not all(floats.context.isfinite(number) for number in found):
            return None
        if before is not None and _all_agree(before, found):
            return before
        before = found
    raise ArithmeticError(f"{PRECISIONS[-1]} bits do not resolve the effects")


def _all_agree(one: Pair, other: Pair) -> bool:
    return all(agree(a, b) for a, b in zip(one, other, strict=True))


def _modulo(reading: Reading, program: StraightLine) -> int:
    for seed in range(3):
        varied = vary(reading, seed)
        values = {s: Modular.of(v) for s, v in rational_values(varied).items()}
        dual = effects_along(varied, program.step, Residues())[-1]
        found = program.run(values, Modular.of)
        _same(found, (dual.total, dual.direct), f"at t = {program.step}, modulo 2^61 - 1")
    return 3


def vary(reading: Reading, seed: int) -> Reading:
    """Return the question at random rational parameters; seed 0 keeps the model's own."""
    if seed == 0:
        return reading
    draw = random.Random(seed)
    # Parameters that the program does not name too: it may have lost one.
    fresh = {s.name: f"{draw.randint(1, 10**6)}/{draw.randint(1, 10**6)}" for s in reading.values}
    return dataclasses.replace(reading, model=reading.model.replace(parameters=fresh))


def _beside(reading: Reading, seed: int) -> Reading:
    """Return the question at rational parameters a little beside the model's own."""
    draw = random.Random(seed)
    fresh = {
        symbol.name: str(value * (1 + sympy.Rational(draw.randint(-99, 99), 1000)))
        for symbol, value in reading.values.items()
        if value.is_Rational
    }
    return dataclasses.replace(reading, model=reading.model.replace(parameters=fresh))


def rational_values(reading: Reading) -> dict[sympy.Symbol, Fraction]:
    """Return every parameter's exact value.

    Raises:
        NotRationalError: One is irrational.
    """
    for symbol, value in reading.values.items():
        if not value.is_Rational:
            raise NotRationalError(f"{symbol} = {value} is irrational")
    return {symbol: rational(value) for symbol, value in reading.values.items()}


def check_template(
    reading: Reading,
    solution: LinearSolution,
    last: int,
    irrational: Mapping[sympy.Symbol, sympy.Expr] = MappingProxyType({}),
) -> Verification:
    """Compare a linear template's recurrence with the model's, at the model's own values.

    Args:
        reading: The model and the question.
        solution: The template and its question.
        last: The last step compared.
        irrational: What the template's stand-in symbols stand for.
    """
    try:
        values = {s: sympy.Rational(v) for s, v in rational_values(reading).items()}
        if irrational:
            raise NotRationalError("a coefficient is irrational")
        expected = effects_along(reading, last, Short())
        for step, pair in enumerate(solution.recur(last, values)):
            if pair != (expected[step].total, expected[step].direct):
                return Verification(False, step, _other_template(step))
    except NotRationalError as error:
        return _template_in_digits(reading, solution, last, irrational, str(error))
    return Verification(True, last + 1)


def _other_template(step: int) -> str:
    return f"the template differs from the model at t = {step}"


def _template_in_digits(
    reading: Reading,
    solution: LinearSolution,
    last: int,
    irrational: Mapping[sympy.Symbol, sympy.Expr],
    why: str,
) -> Verification:
    floats = Floats(PRECISIONS[1])
    values = {s: in_digits(v, {}, floats) for s, v in reading.values.items()}
    values |= {s: in_digits(v, values, floats) for s, v in irrational.items()}
    duals = effects_along(reading, last, floats)
    worlds = [_recur(solution, last, values, hold, floats) for hold in (False, True)]
    for step, (dual, *pair) in enumerate(zip(duals, *worlds, strict=True)):
        if not _all_agree((dual.total, dual.direct), (pair[0], pair[1])):
            return Verification(False, step, _other_template(step))
    note = f"equal in {DIGITS} digits; no exact comparison is possible: {why}"
    return Verification(False, last + 1, note, DIGITS)


def _recur(
    solution: LinearSolution,
    last: int,
    values: Mapping[sympy.Symbol, Any],
    hold: bool,
    floats: Floats,
) -> list[Any]:
    """The target's effect at the steps 0..last by a template's recurrence in floats."""
    template, question = solution.template, solution.question
    zero = floats.number(Fraction(0))
    history: list[list[Any]] = []
    for step in range(last + 1):
        now = [zero] * len(template.names)
        history.append(now)
        held = question.holding.at(step) if hold else frozenset()
        edges = {e: c for e, c in template.edges_at(step).items() if e[0] not in held}
        if step == question.start:
            now[question.nudged] += 1
            edges = {e: c for e, c in edges.items() if e[0] != question.nudged}
        for (i, j, lag), slope in sorted(edges.items(), key=lambda edge: edge[0]):
            if template.starts[i] <= step >= lag:
                now[i] += in_digits(slope, values, floats) * history[step - lag][j]
    return [now[question.target] for now in history]

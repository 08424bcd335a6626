"""Programs and templates against the model's own recurrence, exactly.

`verification` compares a closed form with its template; here templates and programs are compared
with the model: in rationals where numbers stay short, and modulo a prime at random parameters where
they do not.
"""

from __future__ import annotations

import dataclasses
import random
from fractions import Fraction

import sympy

from causalopt.symbolic.arithmetic import Modular, NotRationalError, Residues, Short, rational
from causalopt.symbolic.duals import Ties, Walk, effects_along
from causalopt.symbolic.linear import LinearSolution
from causalopt.symbolic.paths import follow
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.straight_line import StraightLine, write_program
from causalopt.symbolic.verification import Verification

_NEAR = 6


def check_program(reading: Reading, program: StraightLine, *, branches: bool) -> Verification:
    """Compare a program with the model's recurrence.

    Args:
        reading: The model and the question.
        program: The program, for one step.
        branches: Whether the program holds on one path through branches only; its parameters are
            then not varied.

    Returns:
        Whether all agreed, and why not.
    """
    try:
        compared = _near(reading, min(program.step, _NEAR))
        compared += _exactly(reading, program) if branches else _modulo(reading, program)
    except NotRationalError as error:
        return Verification(False, 0, f"no exact comparison is possible: {error}")
    except _DifferenceError as error:
        return Verification(False, 0, str(error))
    return Verification(True, compared)


class _DifferenceError(Exception):
    """Two routes gave different numbers."""


def _same(found: object, expected: object, where: str) -> None:
    if found != expected:
        raise _DifferenceError(f"differs from the recurrence {where}")


def _near(reading: Reading, last: int) -> int:
    """Programs of the first steps, in rationals, for as long as their numbers stay short."""
    values = rational_values(reading)
    path = follow(reading, last)
    walk = Walk(reading, Short(), Ties(reading, last))
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


def rational_values(reading: Reading) -> dict[sympy.Symbol, Fraction]:
    """Return every parameter's exact value.

    Raises:
        NotRationalError: One is irrational.
    """
    for symbol, value in reading.values.items():
        if not value.is_Rational:
            raise NotRationalError(f"{symbol} = {value} is irrational")
    return {symbol: rational(value) for symbol, value in reading.values.items()}


def check_template(reading: Reading, solution: LinearSolution, last: int) -> Verification:
    """Compare a linear template's recurrence with the model's, at the model's own values."""
    try:
        values = {s: sympy.Rational(v) for s, v in rational_values(reading).items()}
        expected = effects_along(reading, last, Short(), Ties(reading, last))
    except NotRationalError as error:
        return Verification(False, 0, f"no exact comparison is possible: {error}")
    for step, pair in enumerate(solution.recur(last, values)):
        if pair != (expected[step].total, expected[step].direct):
            return Verification(False, step, f"the template differs from the model at t = {step}")
    return Verification(True, last + 1)

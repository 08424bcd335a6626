"""Tangents and programs, operation by operation, against sympy's derivatives typed by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy

from causalopt import Model, QuestionError, run
from causalopt.effects.asked import ask
from causalopt.symbolic.arithmetic import (
    MOST_BITS,
    Floats,
    Modular,
    NotRationalError,
    Rationals,
    Residues,
    Short,
)
from causalopt.symbolic.derive import derive
from causalopt.symbolic.duals import Dual, Walk, effects_along, stable_effects
from causalopt.symbolic.paths import follow
from causalopt.symbolic.reading import Reading
from causalopt.symbolic.straight_line import StraightLine, is_writable, write_program

QUESTION = {"nudge": "x[0]", "hold": "a", "target": "y", "steps": 1}


def one_step(rule: str, initial: str = "2/5", **parameters: str) -> Reading:
    """y(1) = rule(x(0)) on the direct path, and nothing else."""
    variables = {
        "x": {"rule": "x[t-1]", "initial": initial},
        "a": {"rule": "x[t-1]", "initial": 0},
        "y": {"rule": rule, "initial": 0},
    }
    model = Model(name="step", parameters=parameters, variables=variables, question=QUESTION)
    return Reading(model, ask(model))


SMOOTH = [
    ("x[t-1] + 3*x[t-1]", lambda x: 4 * x),
    ("2 - x[t-1]", lambda x: 2 - x),
    ("x[t-1]*(x[t-1] - 1)", lambda x: x * x - x),
    ("(1 + x[t-1])/(2 - x[t-1])", lambda x: (1 + x) / (2 - x)),
    ("3/x[t-1]", lambda x: 3 / x),
    ("-x[t-1]", lambda x: -x),
    ("x[t-1]**3", lambda x: x**3),
    ("x[t-1]**(-2)", lambda x: x**-2),
    ("x[t-1]**0.5", mpmath.sqrt),
    ("2**x[t-1]", lambda x: mpmath.mpf(2) ** x),
    ("x[t-1]**x[t-1]", lambda x: x**x),
    ("(1 + x[t-1])**(3*x[t-1])", lambda x: (1 + x) ** (3 * x)),
    ("abs(x[t-1] - 1)", lambda x: abs(x - 1)),
    ("abs(x[t-1])", abs),
    ("sign(x[t-1] - 1)*x[t-1]", lambda x: -x),
    ("min(x[t-1], 1) + min(1, 2*x[t-1])", lambda x: 3 * x),
    ("min(x[t-1], 0.1) + min(0.1, x[t-1])", lambda x: 0.2 + 0 * x),
    ("max(x[t-1], 0.1) + max(0.1, 2*x[t-1])", lambda x: 3 * x),
    ("max(x[t-1], 1) + max(1, x[t-1])", lambda x: 2 + 0 * x),
    ("where(x[t-1] < 1, x[t-1]**2, x[t-1])", lambda x: x * x),
    ("where(x[t-1] > 1, x[t-1]**2, 5*x[t-1])", lambda x: 5 * x),
    ("where(x[t-1] < 1 and x[t-1] > 1, x[t-1], 7*x[t-1])", lambda x: 7 * x),
    ("where(x[t-1] < 1 or x[t-1] > 1, x[t-1], 7*x[t-1])", lambda x: x),
    ("where(not x[t-1] < 1, x[t-1], 7*x[t-1])", lambda x: 7 * x),
    ("x[t-1]*t", lambda x: x),
    ("x[t-1]*pi", lambda x: mpmath.pi * x),
    ("sqrt(x[t-1])", mpmath.sqrt),
    ("exp(x[t-1])", mpmath.exp),
    ("log(x[t-1])", mpmath.log),
    ("sin(x[t-1])", mpmath.sin),
    ("cos(x[t-1])", mpmath.cos),
    ("tan(x[t-1])", mpmath.tan),
    ("asin(x[t-1])", mpmath.asin),
    ("acos(x[t-1])", mpmath.acos),
    ("atan(x[t-1])", mpmath.atan),
    ("sinh(x[t-1])", mpmath.sinh),
    ("cosh(x[t-1])", mpmath.cosh),
    ("tanh(x[t-1])", mpmath.tanh),
]


@pytest.mark.parametrize(("rule", "function"), SMOOTH, ids=[rule for rule, _ in SMOOTH])
def test_the_tangent_of_every_operation_is_its_numeric_derivative(rule, function) -> None:
    found = effects_along(one_step(rule), 1, Floats(200))[-1]
    with mpmath.workdps(40):
        place = mpmath.mpf(2) / 5
        assert float(found.value) == pytest.approx(float(function(place)), rel=1e-15)
        slope = float(mpmath.diff(function, place))
    assert float(found.total) == pytest.approx(slope, rel=1e-14)
    assert found.direct == found.total


@pytest.mark.parametrize(
    ("rule", "value", "slope"),
    [
        ("x[t-1]**3/(1 + x[t-1])", Fraction(8, 175), Fraction(76, 245)),
        ("x[t-1]**0 + 0*x[t-1]**(-1)", 1, 0),
        ("floor(3*x[t-1]) + x[t-1]", Fraction(7, 5), 1),
        ("floor(-3*x[t-1])*x[t-1]", Fraction(-4, 5), -2),
        ("ceil(3*x[t-1])*x[t-1]", Fraction(4, 5), 2),
        ("ceil(5*x[t-1])*x[t-1]", Fraction(4, 5), 2),
        ("abs(x[t-1] - 1)", Fraction(3, 5), -1),
        ("sign(x[t-1] - 1)*x[t-1]", Fraction(-2, 5), -1),
    ],
)
def test_in_rationals_value_and_tangent_are_exact(rule: str, value, slope) -> None:
    found = effects_along(one_step(rule), 1, Rationals())[-1]
    assert (found.value, found.total, found.direct) == (value, slope, slope)


def test_the_power_zero_has_the_slope_zero_at_zero_too() -> None:
    found = effects_along(one_step("x[t-1]**0 + x[t-1]**1", "0"), 1, Rationals())[-1]
    assert (found.value, found.total) == (1, 1)


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("x[t-1]*pi", "pi leaves"),
        ("exp(x[t-1])", "exp leaves"),
        ("sqrt(x[t-1])", "sqrt leaves"),
        ("(1 + x[t-1])**x[t-1]", "a fractional power leaves"),
    ],
)
def test_what_is_not_rational_is_refused_in_rationals(rule: str, word: str) -> None:
    with pytest.raises(NotRationalError, match=word):
        effects_along(one_step(rule), 1, Rationals())


def test_a_moving_exponent_is_refused_modulo_the_prime() -> None:
    with pytest.raises(NotRationalError, match="cannot be an exponent"):
        effects_along(one_step("2**x[t-1]", "2"), 1, Residues())
    with pytest.raises(NotRationalError, match="log leaves"):
        effects_along(one_step("2**x[t-1]", "2"), 1, Rationals())


def test_zero_has_no_inverse_modulo_the_prime() -> None:
    with pytest.raises(ZeroDivisionError, match="0 has no inverse"):
        Modular.of(1) / Modular.of(0)


def test_rationals_end_at_their_length() -> None:
    long = Fraction(1 << MOST_BITS)
    assert Rationals().number(long - 1) == long - 1
    with pytest.raises(NotRationalError, match=f"more than {MOST_BITS} bits"):
        Rationals().number(1 / long)
    short = Fraction(1 << MOST_BITS // 8)
    assert Short().number(short - 1) == short - 1
    with pytest.raises(NotRationalError, match="long rationals"):
        Short().number(short)


def test_a_slope_that_is_no_number_spoils_no_argument_that_does_not_move() -> None:
    # The slope by the exponent has ln(-2) in it. Over all paths x - a does not move.
    variables = {
        "x": {"rule": "x[t-1]", "initial": 1},
        "a": {"rule": "x[t-1]", "initial": 1},
        "y": {"rule": "x[t-1] + (-2)**(2 + x[t-1] - a[t-1])", "initial": 0},
        "z": {"rule": "x[t-1] + (-2)**(1 + a[t-1])", "initial": 0},
    }
    found = {}
    for target in "yz":
        model = Model(
            name="still", variables=variables, question={**QUESTION, "target": target, "steps": 2}
        )
        found[target] = effects_along(Reading(model, ask(model)), 2, Floats(100))[-1]
    assert found["y"].total == found["z"].direct == 1
    assert math.isnan(found["y"].direct)
    assert math.isnan(found["z"].total)


def test_a_variable_without_a_rule_or_a_value_is_refused_by_name() -> None:
    variables = {
        "x": {"rule": "x[t-1]**2 + d[t-1]", "initial": "1/2"},
        "a": {"rule": "x[t-1]", "initial": 0},
        "d": {"initial": [1, 2]},
    }
    model = Model(
        name="data",
        variables=variables,
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": 1},
    )
    reading = Reading(model, ask(model))
    # x(1) = x(0)^2 + d(0)
    assert effects_along(reading, 1, Rationals())[-1].total == 1
    with pytest.raises(QuestionError, match="'d' has no rule and no value at t = 2"):
        effects_along(reading, 2, Rationals())


def test_the_tangent_of_time_is_none_and_its_value_counts_steps_of_dt() -> None:
    variables = {
        "x": {"flow": "-x", "initial": 1},
        "a": {"rule": "x[t-1]", "initial": 0},
        "y": {"rule": "x[t-1]*time", "initial": 0},
    }
    model = Model(
        name="clock",
        dt=0.25,
        method="euler",
        variables=variables,
        question={**QUESTION, "steps": 4},
    )
    found = effects_along(Reading(model, ask(model)), 4, Rationals())[-1]
    # Euler: x(3) = (3/4)^3 x(0); time at step 4 is 1.
    assert (found.value, found.total) == (Fraction(27, 64), Fraction(27, 64))


TIE = {"x": {"rule": "x[t-1]", "initial": 1}, "a": {"rule": "x[t-1]", "initial": 1}}


def walked(reading: Reading, last: int) -> tuple[Dual, list[int]]:
    walk = Walk(reading, Rationals())
    nodes = [walk.advance() for _ in range(last + 1)][-1]
    return nodes[reading.question.target], list(dict.fromkeys(walk.ties.steps))


def asking(rule: str, steps: int = 1, **more: Any) -> Reading:
    model = Model(
        name="tie",
        variables={**TIE, **more, "y": {"rule": rule, "initial": 1}},
        question={**QUESTION, "steps": steps},
    )
    return Reading(model, ask(model))


@pytest.mark.parametrize(
    ("rule", "slope"),
    [
        ("where(x[t-1] < 1, 2, 3)*x[t-1]", 3),
        ("where(x[t-1] <= 1, 2, 3)*x[t-1]", 2),
        ("where(x[t-1] <= 1, 1, x[t-1]**2)*where(x[t-1] <= 1, 3, 4)", 6),
        ("where(x[t-1] == 1, 1, x[t-1])", 1),
        ("where(not x[t-1] > 1, x[t-1], 3*x[t-1] - 2)", 3),
        ("sign(x[t-1] - 1)*x[t-1] + x[t-1]", 1),
        ("where(x[t-1] > 1 or x[t-1] < 0, x[t-1]**2, x[t-1])", 2),
        ("min(2*x[t-1], 3*x[t-1] - 1)", 2),
        ("min(3*x[t-1] - 1, 2*x[t-1])", 2),
        ("max(3*x[t-1], 2*x[t-1] + 1)", 3),
        ("max(1, x[t-1]) + max(x[t-1], 1) + min(1, x[t-1]) + min(x[t-1], 1)", 2),
        ("abs(1 - x[t-1]) + abs(x[t-1] - 1)", 2),
        ("10*clip(x[t-1] - 1, -1, 0) + 25*clip(x[t-1] - 1, 0, 1)", 25),
        ("sign(x[t-1] - 1) + floor(x[t-1]) + ceil(x[t-1]) + x[t-1]", 1),
    ],
)
def test_on_a_tie_the_tangent_is_that_of_a_positive_nudge_and_the_step_is_kept(rule, slope) -> None:
    reading = asking(rule)
    found, ties = walked(reading, 1)
    assert found.total == slope
    assert ties == [1]
    assert follow(reading, 1).ties == (1,)
    derived = derive(reading.model, at=1)
    assert derived.verified
    assert derived.value(1)["total"] == slope
    assert any("meets a branch exactly" in line for line in derived.conditions)


def test_two_sides_that_are_equal_but_for_rounding_have_the_tangent_of_the_run() -> None:
    # 3*(1/10) is 0.30000000000000004 in floats, so that the run takes the constant side.
    for rule, slope in (
        ("min(3*(x[t-1]/10), 3/10)", 0),
        ("max(3*(x[t-1]/10), 3/10)", Fraction(3, 10)),
        ("abs(3/10 - 3*(x[t-1]/10))", Fraction(3, 10)),
    ):
        reading = asking(rule)
        assert walked(reading, 1)[0].total == slope
        assert run(reading.model).total[-1] == pytest.approx(float(slope))


def test_two_sides_that_are_equal_but_for_lost_digits_are_a_tie() -> None:
    # Floats agree: sqrt(14)**2 is 14 there too.
    found = derive(asking("max(14*x[t-1], sqrt(14)**2)*floor(sqrt(14)**2)").model, at=1)
    assert found.value(1)["total"] == 14.0 * 14.0


def test_each_effect_takes_the_side_its_own_world_comes_out_on() -> None:
    # x - 2 a falls with both and rises with x alone, since the nudge moves a as it moves x.
    found = derive(asking("max(x[t-1] - 2*a[t-1] + 1, 0)", 2).model, at=2)
    assert (found.total, found.direct) == (0, 1)
    assert found.verified


def test_a_tie_between_a_held_and_a_free_variable_is_a_tie() -> None:
    # Over all paths both move alike; over the direct ones only x does.
    assert walked(asking("where(x[t-1] < a[t-1], 2, 3)*x[t-1]", 2), 2)[1] == [1, 2]


@pytest.mark.parametrize("rule", ["where(c[t-1] <= 1, x[t-1], 5*x[t-1])", "x[t-1] + floor(c[t-1])"])
def test_a_comparison_that_no_nudge_moves_is_no_tie(rule: str) -> None:
    found, ties = walked(asking(rule, c={"rule": "1", "initial": 1}), 1)
    assert found.total == 1
    assert ties == []


def test_a_kink_of_a_bystander_is_no_tie() -> None:
    aside = {"rule": "max(x[t-1], 1) + log(x[t-1] - 2)", "initial": 0}
    found = derive(asking("3*x[t-1]", aside=aside).model, at=1)
    assert found.value(1)["total"] == 3
    assert found.verified
    assert not any("branch" in line for line in found.conditions)


def test_a_tie_that_only_the_held_set_moves_is_a_tie() -> None:
    last, ties = walked(asking("where(a[t-1] <= 1, 2, 3)*a[t-1]", 2), 2)
    assert (last.total, last.direct) == (2, 0)
    assert ties == [2]


def test_an_effect_that_no_precision_resolves_is_refused() -> None:
    # sin 3x = 3 sin x - 4 sin^3 x: the derivative is 0, for which every precision has other digits.
    variables = {
        "x": {"rule": "x[t-1] + 1/10", "initial": "2/5"},
        "a": {"rule": "x[t-1]", "initial": 0},
        "y": {"rule": "sin(3*x[t-1]) - 3*sin(x[t-1]) + 4*sin(x[t-1])**3", "initial": 0},
    }
    model = Model(name="noise", variables=variables, question={**QUESTION, "steps": 9})
    with pytest.raises(ArithmeticError, match="10240 bits do not resolve the effects at t <= 9"):
        stable_effects(Reading(model, ask(model)), 9)
    with pytest.raises(QuestionError, match="no number can be given at t <= 9"):
        derive(model, at=9).evaluate(9)


def test_lost_digits_are_found_again_by_more_precision() -> None:
    # y = (x + 2^600 sin^2) - 2^600 sin^2: 160 bits alone would answer 0 or noise.
    rule = "exp(600*log(2))*sin(x[t-1]) + exp(x[t-1]) - exp(600*log(2))*sin(x[t-1])"
    total, direct = stable_effects(one_step(rule), 1)[-1]
    assert float(total) == float(direct) == pytest.approx(math.exp(0.4), rel=1e-15)


# --- the writer of programs ----------------------------------------------------------------------


def program_for(model: Model, steps: int) -> StraightLine:
    reading = Reading(model, ask(model, steps=steps))
    return write_program(reading, follow(reading, steps), steps)


def squares(x: str = "x", parameter: str = "r") -> Model:
    variables = {
        x: {"rule": f"{parameter}*{x}[t-1]**2 + a[t-1]", "initial": "1/2"},
        "a": {"rule": f"{x}[t-1]**2", "initial": "1/3"},
    }
    return Model(
        name="squares",
        parameters={parameter: "3/2"},
        variables=variables,
        question={"nudge": f"{x}[0]", "hold": "a", "target": x, "steps": 4},
    )


@pytest.mark.parametrize("parameter", ["x_1", "total_x_2", "direct_x_3", "d_x_1_by_x_0", "x_0_"])
def test_a_parameter_named_like_a_line_keeps_its_value(parameter: str) -> None:
    plain, awkward = program_for(squares(), 4), program_for(squares(parameter=parameter), 4)
    value = Fraction(3, 2)
    expected = plain.run({sympy.Symbol("r"): value})
    assert awkward.run({sympy.Symbol(parameter): value}) == expected
    names = [name for name, _ in awkward.lines]
    assert len(set(names)) == len(names)
    assert sympy.Symbol(parameter) not in names


def test_two_variables_whose_lines_have_one_name_are_kept_apart() -> None:
    # The tangent of x at t and the value of total_x at t would both be total_x_t.
    variables = {
        "x": {"rule": "r*x[t-1]**2 + total_x[t-1]**2", "initial": "1/2"},
        "total_x": {"rule": "r*x[t-1] - total_x[t-1]**2", "initial": "1/3"},
        "a": {"rule": "x[t-1]*total_x[t-1]", "initial": 1},
    }
    model = Model(
        name="alike",
        parameters={"r": "1/4"},
        variables=variables,
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": 3},
    )
    names = [name for name, _ in program_for(model, 3).lines]
    assert len(set(names)) == len(names)
    found = derive(model, at=3)
    assert found.verified
    assert found.value(3)["total"] == pytest.approx(run(model).total[-1], rel=1e-12)


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_a_program_leaves_initial_values_and_steps_before_the_nudge_alone(start: int) -> None:
    variables = {
        "x": {"rule": "x[t-1]**2 - a[t-2]/4 + y[t-1]/8", "initial": ["1/2", "1/3"]},
        "a": {"rule": "x[t-1]*x[t-2]", "initial": ["1/5", "1/7"]},
        "y": {"rule": "x[t-1]**2 + a[t-1]", "initial": ["1/9", "1/8", "1/6", "1/4"]},
    }
    model = Model(
        name="late",
        variables=variables,
        question={"nudge": f"x[{start}]", "hold": "a", "target": "y", "steps": 6},
    )
    measured = run(model)
    for step in range(start, 7):
        total, direct = program_for(model, step).run({})
        assert float(total) == pytest.approx(measured.total[step], rel=1e-12, abs=1e-15)
        assert float(direct) == pytest.approx(measured.direct[step], rel=1e-12, abs=1e-15)


def test_a_rule_that_reads_the_step_has_its_number_in_the_program() -> None:
    variables = {
        "x": {"rule": "t*x[t-1]**2", "initial": "1/2"},
        "a": {"rule": "x[t-1]", "initial": 0},
    }
    model = Model(
        name="clock",
        variables=variables,
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": 3},
    )
    # x3 = 3 (2 (x^2)^2)^2 = 12 x^8
    assert program_for(model, 3).run({}) == (Fraction(96, 128), Fraction(96, 128))
    assert derive(model, at=3).verified


def test_a_program_holds_no_line_that_the_effects_do_not_need() -> None:
    program = program_for(squares(), 4)
    used = program.total.free_symbols | program.direct.free_symbols
    for name, expr in reversed(program.lines):
        assert name in used
        used |= expr.free_symbols


def test_equal_lines_are_one_line() -> None:
    program = program_for(squares(), 4)
    right = [expr for _, expr in program.lines]
    assert len(set(right)) == len(right)


def test_a_program_is_not_written_out_beyond_the_size_asked_for() -> None:
    program = program_for(squares(), 4)
    whole = program.expand(10_000)
    assert whole is not None
    r = sympy.Symbol("r")
    value = sympy.Rational(2, 7)
    expected = program.run({r: Fraction(2, 7)})
    assert tuple(Fraction(str(e.subs(r, value))) for e in whole) == expected
    for most in range(40):
        found = program.expand(most)
        assert found is None or all(e.count_ops() <= most for e in found)
    assert program.expand(10) is None
    for effects in ((r + r**2, r), (r, r + r**2)):
        assert StraightLine((), *effects, 0).expand(2) == effects
        assert StraightLine((), *effects, 0).expand(1) is None


@pytest.mark.parametrize("exponent", [999, 1000, 1001])
def test_numbers_of_more_than_a_thousand_digits_are_not_written(exponent: int) -> None:
    x, long = sympy.Symbol("x"), sympy.Integer(10) ** exponent
    writable = exponent < 1000
    assert is_writable(x + long) is is_writable(x / long) is is_writable(-long * x) is writable
    for program in (
        StraightLine((), long, sympy.S.One, 0),
        StraightLine((), sympy.S.One, x / long, 0),
        StraightLine(
            ((x, sympy.Integer(10) ** (exponent // 2)),),
            x * 10 ** (exponent - exponent // 2),
            sympy.S.One,
            0,
        ),
        StraightLine(((x, long),), sympy.S.One, sympy.S.One, 0),
    ):
        assert (program.expand() is not None) is writable


def test_a_program_checks_the_value_of_every_line() -> None:
    x, y = sympy.symbols("x y")
    program = StraightLine(((x, sympy.Integer(2) ** 10_000), (y, x * x)), y / x**2, y / x**2, 0)
    assert program.run({}) == (1, 1)
    with pytest.raises(NotRationalError, match="long rationals"):
        program.run({}, Short().number)


def test_a_long_number_gets_a_name() -> None:
    long = str(10**25 + 1)
    model = squares().replace(parameters={"r": 1}, initial={"x": f"1/{long}"})
    program = program_for(model, 2)
    numbers = [n for _, e in program.lines for n in e.atoms(sympy.Rational) if not e.is_Rational]
    assert all(max(abs(n.p), n.q) < 10**20 for n in numbers)
    assert any(e == sympy.Rational(1, int(long)) for _, e in program.lines)


def test_floor_beside_a_transcendental_function_has_its_numbers() -> None:
    model = Model(
        name="steps",
        variables={
            "x": {"rule": "exp(-x[t-1]) + floor(3*x[t-1])*x[t-1]", "initial": 0.4},
            "a": {"rule": "x[t-1]", "initial": 0},
        },
        question={"nudge": "x[0]", "hold": "a", "target": "x", "steps": 3},
    )
    x, slope = mpmath.mpf("0.4"), mpmath.mpf(1)
    for _ in range(3):
        slope *= -mpmath.exp(-x) + mpmath.floor(3 * x)
        x = mpmath.exp(-x) + mpmath.floor(3 * x) * x
    assert derive(model, at=3).value(3)["total"] == pytest.approx(float(slope), rel=1e-14)

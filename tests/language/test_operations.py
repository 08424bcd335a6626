"""Every operation of the table means the same to every way of evaluating it, and a new one does."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy

from causalopt import Model, run
from causalopt.engine import executions
from causalopt.engine.machine import term_code
from causalopt.engine.machine.elementary import BODIES
from causalopt.errors import ExpressionError, ModelError
from causalopt.language.arrays import evaluate_arrays
from causalopt.language.gradient import Kink, gradient, kinks
from causalopt.language.operations import OPERATIONS, Operation
from causalopt.language.parse import parse
from causalopt.language.scope import CLOCK, Scope
from causalopt.language.sympy_form import to_sympy
from causalopt.language.term import GAPS, Term, const, evaluate, exact, ref
from causalopt.language.text import to_text
from causalopt.symbolic.arithmetic import Floats

X, Y = ref("x", 0), ref("y", 0)
SCOPE = Scope(variables=frozenset("xy"), names=CLOCK, bare=True)
EXECUTIONS = ("python", "llvm", "levels")
POINTS = [(0.3125, 0.75), (-0.625, 0.40625), (0.8125, -0.53125)]
SYMBOLS = [sympy.Symbol("x[t]", real=True), sympy.Symbol("y[t]", real=True)]

# What each operation is to mpmath: written by hand, from no part of the package.
MEANINGS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "ipow": lambda x: x**-3,
    "neg": lambda x: -x,
    "sqrt": mpmath.sqrt,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "log1p": lambda x: mpmath.log(1 + x),
    "expm1": lambda x: mpmath.exp(x) - 1,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "erf": mpmath.erf,
    "ndtr": mpmath.ncdf,
    "abs": abs,
    "sign": mpmath.sign,
    "floor": mpmath.floor,
    "ceil": mpmath.ceil,
    "lt": lambda x, y: mpmath.mpf(x < y),
    "le": lambda x, y: mpmath.mpf(x <= y),
    "eq": lambda x, y: mpmath.mpf(x == y),
    "ne": lambda x, y: mpmath.mpf(x != y),
    "and": lambda x, y: mpmath.mpf(x > 0 and y > 0),
    "or": lambda x, y: mpmath.mpf(x > 0 or y > 0),
    "not": lambda x: mpmath.mpf(not x > 0),
    "min": min,
    "max": max,
    "where": lambda x, y, *_: 2 * x if x < y else y,
}
IRRATIONAL = {"pow", "sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan"}
IRRATIONAL |= {"sinh", "cosh", "tanh", "log1p", "expm1", "sigmoid", "softplus", "erf", "ndtr"}
# Where the slope or the value jumps.
KINKS = {
    **dict.fromkeys(["lt", "le", "eq", "ne", "min", "max"], (0.5, 0.5)),
    **dict.fromkeys(["abs", "sign"], (0.0, 0.5)),
    **dict.fromkeys(["floor", "ceil"], (3.0, 0.5)),
}


def applied(name: str) -> Term:
    """Return an operation of x and y as a number."""
    positive = [Term.of("lt", const(0), X), Term.of("lt", const(0), Y)]
    operation = OPERATIONS[name]
    if name == "where":
        return Term.of("where", Term.of("lt", X, Y), Term.of("mul", const(2), X), Y)
    args = (positive if operation.kind == "logic" else [X, Y])[: operation.arity]
    term = Term.of(name, *args, payload=-3 if name == "ipow" else None)
    return Term.of("where", term, const(1), const(0)) if term.is_boolean else term


def at(x: float, y: float) -> Callable[[Term], float]:
    values = {X: x, Y: y}
    return lambda leaf: values[leaf]


def meant(name: str, x: float, y: float) -> float:
    return real(MEANINGS[name](*map(mpmath.mpf, (x, y)[: OPERATIONS[name].arity])))


def real(value: Any) -> float:
    return math.nan if mpmath.im(value) else float(mpmath.re(value))


def slope(name: str, x: float, y: float, by: int) -> float:
    """Return the numerical derivative of what mpmath means by an operation."""
    with mpmath.workdps(40):
        return real(
            mpmath.diff(
                lambda h: MEANINGS[name](
                    *((x + (1 - by) * h, y + by * h)[: OPERATIONS[name].arity])
                ),
                0,
            )
        )


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-13, abs=1e-15, nan_ok=True)


def model(name: str, x: float, y: float, *, plus: str = "") -> Model:
    rule = f"{plus}{to_text(applied(name), static=True)}"
    variables = {"x": {"initial": x}, "y": {"initial": y}, "u": {"rule": rule}}
    return Model(name="operation", variables=variables)


def check_text(name: str) -> None:
    term = applied(name)
    assert parse(to_text(term, static=True), SCOPE) is term
    nested = Term.of("mul", term, Term.of("sub", X, Term.of("sub", term, Y)))
    assert parse(to_text(nested, static=True), SCOPE) is nested


def check_numbers(name: str, x: float, y: float) -> None:
    term, expected = applied(name), meant(name, x, y)
    assert evaluate(term, at(x, y)) == close(expected)
    arrays = {X: np.array([x, 1.5]), Y: np.array([y, 0.5])}
    assert evaluate_arrays([term], arrays.__getitem__)[0][0] == close(expected)
    as_fraction = exact(term, lambda leaf: Fraction(at(x, y)(leaf)))
    assert as_fraction is None or float(as_fraction) == close(expected)


def check_sympy(name: str, x: float, y: float) -> None:
    found = to_sympy(applied(name)).subs(
        dict(zip(SYMBOLS, map(sympy.Rational, (x, y)), strict=True))
    )
    value = complex(found.evalf(30))
    assert (math.nan if value.imag else value.real) == close(meant(name, x, y))


def check_slopes(name: str, x: float, y: float) -> None:
    found = gradient(applied(name))
    for by, leaf in enumerate([X, Y]):
        expected = slope(name, x, y, by) if OPERATIONS[name].arity > by else 0.0
        assert evaluate(found.get(leaf, const(0)), at(x, y)) == close(expected)


def check_executions(name: str, x: float, y: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for execution in EXECUTIONS:
        monkeypatch.setattr(executions, "choose", lambda *_, chosen=execution: chosen)
        found = run(model(name, x, y), nudge="x", hold="y", target="u")
        assert found.provenance["execution"] == execution
        assert found.W["u"][0] == close(meant(name, x, y)), execution
        assert found.total[0] == close(slope(name, x, y, 0)), execution


@pytest.mark.parametrize(("rule", "expected"), [("t**400", math.inf), ("t**-400", 0.0)])
def test_the_step_is_a_float_to_every_execution(
    rule: str, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {"x": rule, "y": "y[t-1]"}
    asked = Model(name="c", variables={v: {"initial": 1, "rule": r} for v, r in rules.items()})
    for execution in EXECUTIONS:
        monkeypatch.setattr(executions, "choose", lambda *_, chosen=execution: chosen)
        found = run(asked, nudge="x[0]", hold="y", target="x", steps=9)
        assert found.W["x"][9] == expected, execution


def bend(name: str, x: float, y: float) -> float:
    """Return what stays of differences over a small step where the value or the slope jumps."""
    h = 2.0**-20
    below, here, above = (meant(name, x + step, y) for step in (-h, 0, h))
    return max(abs(above - below), abs(above - 2 * here + below) / h)


def test_every_operation_has_an_independent_meaning_and_machine_code() -> None:
    assert set(MEANINGS) == set(OPERATIONS)
    assert set(term_code.CODE) | set(BODIES) | {"pow"} == set(OPERATIONS)
    assert set(KINKS) == {name for name, o in OPERATIONS.items() if o.kink is not None}
    assert {name for name, o in OPERATIONS.items() if o.exact is None} == IRRATIONAL


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_text_of_an_operation_reads_back_as_it(name: str) -> None:
    check_text(name)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_one_function_to_floats_arrays_rationals_and_sympy(
    name: str, point: tuple[float, float]
) -> None:
    check_numbers(name, *point)
    check_sympy(name, *point)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_slopes_are_the_numerical_derivatives(name: str, point: tuple[float, float]) -> None:
    check_slopes(name, *point)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_execution_computes_the_value_and_the_slope(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_executions(name, *POINTS[0], monkeypatch)


@pytest.mark.parametrize("name", OPERATIONS)
def test_kinks_are_where_a_value_or_a_slope_jumps(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = kinks(applied(name))
    assert bool(found) == bool(applied(name).holds & GAPS)
    for x, y in POINTS:
        assert bend(name, x, y) < 0.1 or math.isnan(bend(name, x, y))
        assert not any(is_met(kink, x, y) for kink in found)
    if name in KINKS:
        x, y = KINKS[name]
        assert bend(name, x, y) > 0.5
        assert any(is_met(kink, x, y) for kink in found)
        for execution in EXECUTIONS:
            monkeypatch.setattr(executions, "choose", lambda *_, chosen=execution: chosen)
            on_kink = run(model(name, x, y, plus="x + "), nudge="x", hold="y", target="u")
            assert on_kink.status[0] == "kink", execution


def is_met(kink: Kink, x: float, y: float) -> bool:
    return evaluate(kink.left, at(x, y)) == evaluate(kink.right, at(x, y))


@pytest.mark.parametrize(
    "name",
    [name for name, o in OPERATIONS.items() if o.slopes and not (o.text or o.kink or o.arity > 1)],
)
@pytest.mark.parametrize("point", POINTS)
def test_the_checkers_own_functions_agree(name: str, point: tuple[float, float]) -> None:
    digits = Floats(120)
    value, by = digits.function(name, digits.context.mpf(point[0]))
    assert float(value) == close(meant(name, *point))
    assert float(by) == close(slope(name, *point, 0)) or math.isnan(float(value))


LOGCOSH = Operation(
    name="logcosh",
    arity=1,
    floats=lambda x: math.log(math.cosh(x)),
    arrays=lambda np, x: np.log(np.cosh(x)),
    sympy=lambda sympy, x: sympy.log(sympy.cosh(x)),
    slopes=lambda a, _, x: (a.Term.of("tanh", x),),
)
HYPOT = Operation(
    name="hypot",
    arity=2,
    floats=math.hypot,
    arrays="hypot",
    sympy=lambda sympy, x, y: sympy.sqrt(x**2 + y**2),
    slopes=lambda a, u, x, y: (a.div(x, u), a.div(y, u)),
)


@pytest.mark.parametrize(
    ("record", "meaning", "code"),
    [
        (
            LOGCOSH,
            lambda x: mpmath.log(mpmath.cosh(x)),
            lambda e, x: BODIES["log"](e, BODIES["cosh"](e, x)),
        ),
        (
            HYPOT,
            lambda x, y: mpmath.sqrt(x * x + y * y),
            lambda e, x, y: e.call("llvm.sqrt", e.add(e.mul(x, x), e.mul(y, y))),
        ),
    ],
)
def test_one_record_and_a_line_of_machine_code_add_an_operation(
    record: Operation,
    meaning: Callable[..., Any],
    code: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = record.name
    with pytest.raises(ExpressionError, match=f"unknown function '{name}'"):
        parse(f"{name}(x, y)", SCOPE)
    monkeypatch.setitem(OPERATIONS, name, record)
    monkeypatch.setitem(MEANINGS, name, meaning)
    monkeypatch.setitem(term_code.CODE, name, code)
    arguments = ", ".join(["x", "y"][: record.arity])
    assert parse(f"{name}({arguments})", SCOPE) is applied(name)
    assert exact(applied(name), lambda _: Fraction(1)) is None
    assert kinks(applied(name)) == []
    check_text(name)
    for point in POINTS:
        check_numbers(name, *point)
        check_sympy(name, *point)
        check_slopes(name, *point)
    check_executions(name, *POINTS[0], monkeypatch)
    with pytest.raises(ExpressionError, match=f"{name} takes {record.arity} argument"):
        parse(f"{name}(x, y, x)", SCOPE)
    with pytest.raises(ModelError, match=f"'{name}' is a word of the language"):
        Model(name="m", variables={name: {"initial": 1}})

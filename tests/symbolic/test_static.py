"""Models without time: any function, on a path or off it, ends in a formula or in a message."""

from __future__ import annotations

import random
import re

import mpmath
import pytest
import sympy
from mpmath import isnan

from causalopt import Model, QuestionError, run
from causalopt.symbolic.derive import derive

FUNCTIONS = ["exp", "log", "atan", "tanh", "sqrt", "sin", "cos", "tan", "sinh", "cosh"]
FUNCTIONS += ["asin", "acos", "floor", "ceil", "abs", "sign", "log1p", "expm1", "erf"]
CONSTANTS = ["2**0.3", "sin(0.25)", "sqrt(2)", "pi", "exp(1)", "0.1", "3", "1/3", "p", "q", "0"]


def static(rules: dict[str, str], hold: str = "a", target: str = "m", **parameters) -> Model:
    return Model(
        name="static",
        parameters=parameters,
        variables={name: {"rule": rule} for name, rule in rules.items()},
        question={"nudge": "n", "hold": hold, "target": target},
    )


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        ("tanh(n)", "1 - tanh(1)**2"),
        ("exp(-n/3)", "-exp(-1/3)/3"),
        ("log(1 + n)", "1/2"),
        ("log1p(n)", "1/2"),
        ("expm1(n)", "exp(1)"),
        ("sigmoid(n)", "exp(-1)/(1 + exp(-1))**2"),
        ("softplus(n)", "1/(1 + exp(-1))"),
        ("erf(n)", "2*exp(-1)/sqrt(pi)"),
        ("ndtr(n)", "exp(-1/2)/sqrt(2*pi)"),
        ("gelu(n)", "erfc(-1/sqrt(2))/2 + exp(-1/2)/sqrt(2*pi)"),
        ("atan(n)", "1/2"),
        ("n*2**0.3", "2**(3/10)"),
        ("n*sin(0.25)", "sin(1/4)"),
        ("sqrt(1 + n**2)", "sqrt(2)/2"),
        ("n*floor(3*pi)", "9"),
        ("n**(n/2)", "1/2"),
        ("where(exp(n) > 2, n*pi, n)", "pi"),
    ],
)
def test_functions_that_leave_the_rationals_have_their_formula(function: str, slope: str) -> None:
    found = derive(static({"n": "1", "a": function, "m": "n - a"}))
    expected = 1 - sympy.sympify(slope, rational=True)
    assert sympy.simplify(found.total - expected) == 0
    assert found.direct == 1
    assert found.digits == 60
    assert not found.verified
    assert "path sums (checked to 60 digits)" in str(found)
    assert "Compared with the recurrence of the model, both in floats" in found.report()
    assert found.to_dict()["verified"] is False
    assert found.value(0)["total"] == pytest.approx(float(expected), rel=1e-14)
    assert [path.nodes for path in found.paths] == [("n", "a", "m"), ("n", "m")]


def test_a_function_off_all_paths_leaves_the_formula_exact() -> None:
    rules = {"n": "1/3", "a": "n**2", "m": "n - a", "aside": "exp(n)*log(n - 5)", "b": "1/(n - n)"}
    found = derive(static(rules))
    assert found.verified
    assert found.total == sympy.Rational(1, 3)


@pytest.mark.parametrize("rule", ["log(-n)", "1/(n - 1)", "sqrt(n - 2)", "acos(n + 1)"])
def test_a_model_without_finite_effects_is_refused(rule: str) -> None:
    with pytest.raises(QuestionError, match="there is no effect to write down at t = 0"):
        derive(static({"n": "1", "a": rule, "m": "n - a"}))


@pytest.mark.parametrize(
    ("rule", "right"), [("max(n, 0)", 1), ("max(0, n)", 1), ("abs(n)", 1), ("min(-n, 0)", -1)]
)
def test_on_a_kink_the_formula_is_the_quotient_of_a_positive_nudge(rule: str, right: int) -> None:
    model = static({"n": "0", "a": rule, "m": "n + a"})
    found = derive(model)
    assert found.total == 1 + right
    assert found.verified
    assert any("one-sided, for a positive nudge" in line for line in found.conditions)
    assert run(model, delta=0.5).total[0] == 1 + right
    assert f"n -> a -> m: {right}" in str(found)


def test_where_the_two_effects_take_different_sides_no_paths_are_listed() -> None:
    found = derive(static({"n": "0", "a": "n", "m": "max(n, 0) + min(a - n/2, 0)"}))
    # With a following, a - n/2 rises and min is 0; with a held it falls by n/2.
    assert (found.total, found.direct) == (1, sympy.Rational(1, 2))
    assert found.paths == ()
    assert any("different sides of a branch" in note for note in found.notes)


def expression(draw: random.Random, names: list[str], depth: int) -> str:
    kind = draw.random()
    if depth == 0 or kind < 0.2:
        return draw.choice(names if draw.random() < 0.75 else CONSTANTS)
    one, two = (expression(draw, names, depth - 1) for _ in range(2))
    if kind < 0.5:
        return f"({one} {draw.choice('+-*/')} {two})"
    if kind < 0.8:
        return f"{draw.choice(FUNCTIONS)}({one})"
    if kind < 0.9:
        return f"({one})**{draw.choice(['2', '3', '0.5', '-1', '2.5', 'p'])}"
    return f"{draw.choice(['min', 'max'])}({one}, {two})"


def drawn(seed: int) -> tuple[dict[str, str], str]:
    draw = random.Random(seed)
    rules = {"n": draw.choice(["1", "0.3", "-0.7", "2", "0", "sqrt(2)", "1/3", "p"])}
    for name in "abcef"[: draw.randint(3, 5)]:
        rules[name] = expression(draw, list(rules), draw.randint(1, 3))
    rules["m"] = f"{draw.choice(list(rules))} - a"
    rules["off"] = expression(draw, list(rules), 2)
    return rules, draw.choice(["a", "b", "a, b"])


def values_of(rules: dict[str, str], shift: mpmath.mpf, kept: dict[str, object]) -> dict:
    """The rules read as Python and computed in 900 digits."""
    known = {name: getattr(mpmath, name) for name in FUNCTIONS if hasattr(mpmath, name)}
    known |= {"abs": abs, "pi": mpmath.mp.pi}
    known |= {"min": lambda a, b: a + b if isnan(a + b) else min(a, b)}
    known |= {"max": lambda a, b: a + b if isnan(a + b) else max(a, b)}
    known |= {"p": mpmath.mpf(1) / 2, "q": mpmath.sqrt(2)}
    for name, rule in rules.items():
        text = re.sub(r"\b(\d+(\.\d+)?)", r"mpf('\1')", rule)
        try:
            value = kept.get(name, eval(text, {**known, "mpf": mpmath.mpf}))
        except (TypeError, ZeroDivisionError):  # of a variable that m does not need
            value = mpmath.nan
        known[name] = value + (shift if name == "n" else 0)
    return known


@pytest.mark.parametrize("seed", range(60))
def test_random_models_end_in_their_derivative_or_in_a_message(seed: int) -> None:
    rules, hold = drawn(seed)
    needed = {name: rule for name, rule in rules.items() if name != "off"}
    with mpmath.workdps(900):
        shift, zero = mpmath.mpf(10) ** -300, mpmath.mpf(0)
        base = values_of(needed, zero, {})
        worlds = [values_of(needed, shift, {})]
        worlds.append(values_of(needed, shift, {name: base[name] for name in hold.split(", ")}))
        total, direct = ((world["m"] - base["m"]) / shift for world in worlds)
        is_real = all(isinstance(e, mpmath.mpf) and abs(e) < 1e100 for e in (total, direct))
    try:
        found = derive(static(rules, hold, p=0.5, q="sqrt(2)"))
    except QuestionError:
        assert not is_real
        return
    assert found.verified or found.digits == 60
    if not any("jumps" in line for line in found.conditions):
        assert is_real
        value = found.value(0)
        assert value["total"] == pytest.approx(float(total), rel=1e-9, abs=1e-12)
        assert value["direct"] == pytest.approx(float(direct), rel=1e-9, abs=1e-12)


def test_values_far_beyond_floats_are_refused_and_not_computed() -> None:
    rules = {"n": "19", "a": "exp(n**4)", "m": "sinh(a) - n"}
    with pytest.raises(QuestionError, match="a value is too large; `causalopt run` gives"):
        derive(static(rules))

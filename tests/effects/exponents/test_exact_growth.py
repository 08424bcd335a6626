"""What floats take for 0 is 0, or has its rate, or is said not to be known."""

from __future__ import annotations

import math
import pathlib
import warnings
from typing import Any

import pytest

from causalopt import Model, rates
from causalopt.cli import main
from causalopt.effects.exponents.rates import Rates


def asked(rules: dict[str, Any], nudge: str, hold: str, target: str, **options: Any) -> Rates:
    """Return rates of a model whose variables that remember start at 1."""
    variables = {
        name: {"rule": rule, "initial": 0.3} if f"{name}[t-1]" in rule else {"rule": rule}
        for name, rule in rules.items()
    }
    question = {"nudge": nudge, "target": target, "hold": hold}
    model = Model(name="m", variables=variables, question=question)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return rates(model, steps=options.pop("steps", 200), **options)


DECAY = {"n": "0.5*n[t-1]"}
CHAOS = {"n": "3.9*n[t-1]*(1 - n[t-1])"}
ONE_AND_A_TENTH = {"x": "1.1*x[t-1] + u[t-1]", "u": "-1.0999999999999*x[t]"}


def sums(b: str, a: str) -> dict[str, str]:
    return {"b": f"{b}*n[t]", "a": f"{a}*n[t]", "m": "3*b[t] + a[t]"}


@pytest.mark.parametrize(
    ("rules", "question", "rate"),
    [
        # x_t = 1e-13 x_(t-1) with u, 1.1 x_(t-1) without
        (ONE_AND_A_TENTH, ("x[0]", "u", "x"), math.log(1.1) + 13 * math.log(10)),
        # m = -1e-15 n with a, 0.3 n without: both halve
        (DECAY | sums("0.1", "-0.300000000000001"), ("n[0]", "a", "m"), 0.0),
        # the same of the direct effect
        (
            DECAY | {"b": "0.1*n[t]", "a": "n[t]", "m": "3*b[t] - 0.300000000000001*n[t] + a[t]"},
            ("n[0]", "a", "m"),
            0.0,
        ),
        # m sees the fast direction by 1e-15 only, and the slow one
        (
            {"n": "0.9*n[t-1]", "z": "0.5*z[t-1] + n[t-1]", "a": "n[t]"}
            | {"m": "z[t] - 2.5*n[t] + 1e-15*a[t]"},
            ("n[0]", "a", "m"),
            math.log(0.5) - math.log(0.9),
        ),
        (
            {"x": "1e-200*x[t-1] + u[t-1]", "u": "0.5*x[t]"},
            ("x[0]", "u", "x"),
            -200 * math.log(10) + math.log(2),
        ),
        ({"x": "1e200*x[t-1] + u[t-1]", "u": "x[t]"}, ("x[0]", "u", "x"), 0.0),
    ],
)
def test_what_is_small_beside_what_it_is_made_of_has_its_rate(
    rules: dict[str, str], question: tuple[str, str, str], rate: float
) -> None:
    options = {"initial": {"x": 0}} if "x" in rules else {}
    found = asked(rules, *question, **options)
    assert found.status == "ok"
    assert found.op_rate == pytest.approx(rate, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("n", [DECAY, CHAOS])
def test_a_sum_that_is_zero_by_fractions_is_perfect(n: dict[str, str]) -> None:
    assert asked(n | sums("0.1", "-0.3"), "n[0]", "a", "m").status == "perfect"
    both = asked(n | sums("0.1", "-0.3") | {"c": "0*n[t]"}, "n[0]", "c", "m")
    assert both.status == "no_influence"


def test_a_direct_effect_that_is_zero_by_fractions_is_only_path() -> None:
    rules = CHAOS | {"b": "0.1*n[t]", "c": "0.3*n[t]", "a": "n[t]", "m": "3*b[t] - c[t] + a[t]"}
    found = asked(rules, "n[0]", "a", "m")
    assert (found.status, found.op_rate) == ("only_path", -math.inf)


def test_where_slopes_move_what_is_but_near_zero_is_not_known() -> None:
    found = asked(CHAOS | sums("0.1", "-0.300000000000001"), "n[0]", "a", "m")
    assert found.status == "unresolved"
    assert math.isnan(found.op_rate)
    assert "not known" in found.silent[0]


def test_maps_are_the_same_by_fractions_where_floats_cannot_tell() -> None:
    """m = -t 1e-30 n: the slope of a is -0.3 at every step in floats, and no two are alike."""
    rules = DECAY | {"b": "0.1*n[t]", "a": "-(0.3 + 1e-30*t)*n[t]", "m": "3*b[t] + a[t]"}
    assert asked(rules, "n[0]", "a", "m", steps=50).status == "unresolved"


@pytest.mark.parametrize("power", [-200, 200])
def test_slopes_whose_squares_leave_the_floats_may_move(power: int) -> None:
    """The mean of ln(2 + cos t) is ln((2 + sqrt 3)/2)."""
    rules = {"x": f"1e{power}*(2 + cos(t))*x[t-1] + u[t-1]", "u": "0.5*x[t]"}
    mean = power * math.log(10) + math.log((2 + math.sqrt(3)) / 2)
    found = asked(rules, "x[0]", "u", "x", initial={"x": 0}, steps=2000)
    assert found.status == "ok"
    assert found.op_rate == pytest.approx(mean - max(mean, math.log(0.5)), abs=1e-2)


def test_a_zero_of_moving_slopes_that_are_one_term_is_perfect() -> None:
    """The slope of both is 2 n, whatever n is."""
    rules = CHAOS | {"p": "n[t]**2", "q": "n[t]**2", "a": "-q[t]", "m": "p[t] + a[t]"}
    assert asked(rules, "n[0]", "a", "m").status == "perfect"


def test_a_map_of_nearly_lower_rank_is_not_said_to_have_it(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    """Its determinant is 1e-14, so that no direction dies; floats are off by 1 % of that."""
    rules = {"x": "x[t-1] + y[t-1]", "y": "x[t-1] + 1.00000000000001*y[t-1]"}
    found = asked(rules, "x[0]", "y", "x", initial={"x": 0, "y": 0})
    assert found.lyapunov[0] == pytest.approx(math.log(2))
    assert math.isnan(found.lyapunov[1])
    assert found.to_dict()["lyapunov"][1] is None
    file = tmp_path / "near.yaml"
    given = [f"  {name}: {{rule: '{rule}', initial: 0}}" for name, rule in rules.items()]
    file.write_text("\n".join(["name: near", "variables:", *given]))
    assert main(["rates", str(file), "--steps", "100"]) == 0
    assert "0.693147  unresolved" in capsys.readouterr().out


@pytest.mark.parametrize("gain", ["999", "1.7"])
def test_a_row_that_follows_from_another_dies_whatever_rounding_leaves(gain: str) -> None:
    rules = {"x": "x[t-1] + a[t-1]", "a": f"{gain}*x[t]"}
    found = asked(rules, "x[0]", "a", "x", initial={"x": 0})
    assert found.lyapunov == pytest.approx((math.log1p(float(gain)), -math.inf))


def test_maps_that_leave_the_floats_are_said_to() -> None:
    rules = {"x": "1e200*x[t-1] + u[t-1]", "u": "(2 - 1e200)*x[t]"}
    found = asked(rules, "x[0]", "u", "x", initial={"x": 0})
    assert found.status == "diverged"
    assert found.silent == ("the derivative of a step leaves the floats (total effect)",)
    assert math.isnan(found.op_rate)

from typing import Any
from unittest import mock

import numpy as np
import pytest

import causalopt
from causalopt import Model
from causalopt.effects.arrays import array_doubts
from causalopt.effects.arrays.rounding_twins import TWINS


def run(variables: dict[str, Any], **question: Any) -> causalopt.Run:
    return causalopt.run(Model(name="m", sizes={"n": 3}, variables=variables), **question)


STEADY = {
    "x": {"shape": ["n"], "rule": "0.9*x[t-1] + a[t-1]", "initial": 1},
    "a": {"shape": ["n"], "rule": "-0.2*x[t-1]", "initial": 0},
}


def test_one_twin_is_enough_where_rounding_is_far_from_the_effect() -> None:
    found = run(STEADY, nudge="x[0]", hold="a", target="x", steps=300)
    with mock.patch.object(array_doubts, "_twin", wraps=array_doubts._twin) as twin:
        assert set(found.status) == {"ok"}
    # A second one is looked at for its first steps alone.
    assert [call.args[6:] for call in twin.call_args_list] == [(1,), (2, 64)]


def test_a_difference_of_equal_numbers_is_unresolved_and_takes_all_twins() -> None:
    variables = STEADY | {
        "y": {"shape": ["n"], "rule": "(1 + x[t]/3)*7 - 7 - 7*x[t]/3", "initial": 0}
    }
    found = run(variables, nudge="x[0]", hold="a", target="y", steps=30)
    with mock.patch.object(array_doubts, "_twin", wraps=array_doubts._twin) as twin:
        assert "unresolved" in set(found.status[1:])
        assert "ok" not in set(found.status[1:])
    assert twin.call_args.args[6] == TWINS


@pytest.mark.parametrize(
    ("rule", "op"),
    [("relu(x[t-1] - 1)", "max"), ("abs(x[t-1] - 1)", "abs"), ("max(x[t-1], x[t-1]**2)", "max")],
)
def test_a_branch_that_w_sits_on_is_a_kink_from_its_step_on(rule: str, op: str) -> None:
    variables = {
        "x": {"shape": ["n"], "rule": "x[t-1] - 0.25", "initial": 2},
        "y": {"shape": ["n"], "rule": rule, "initial": 0},
    }
    found = run(variables, nudge="x[0]", hold=[], target="y", steps=10)
    # x is 1 at t = 4 without rounding, so that the rule meets its kink at t = 5.
    assert list(found.status[1:5]) == ["ok"] * 4
    assert set(found.status[5:]) == {"kink"}
    assert found.effect.kink == ("y", 5, f"{op} of what is equal")


def test_a_kink_that_the_nudge_does_not_move_is_none() -> None:
    variables = {
        "x": {"shape": ["n"], "rule": "x[t-1] - 0.25", "initial": 2},
        "z": {"shape": ["n"], "rule": "z[t-1]", "initial": 1},
        "y": {"shape": ["n"], "rule": "relu(x[t-1] - 1) + z[t-1]", "initial": 0},
    }
    assert set(run(variables, nudge="z[0]", hold=[], target="y", steps=8).status[1:]) == {"ok"}


def test_a_kink_at_the_nudge_itself_is_seen() -> None:
    variables = {
        "x": {"shape": ["n"], "rule": "x[t-1]/2", "initial": 0},
        "y": {"shape": ["n"], "rule": "relu(x[t])"},
    }
    found = run(variables, nudge="x[3]", hold=[], target="y", steps=5)
    assert found.effect.kink == ("y", 3, "max of what is equal")


def test_the_first_variable_that_is_not_finite_is_named() -> None:
    variables = {
        "x": {"shape": ["n"], "rule": "x[t-1]**2", "initial": 10},
        "y": {"shape": ["n"], "rule": "x[t] + 1"},
    }
    found = run(variables, nudge="x[0]", hold=[], target="y", steps=12)
    with np.errstate(over="ignore"):
        first = int(np.argmin(np.isfinite(10.0 ** (2.0 ** np.arange(13)))))
    assert found.effect.nonfinite == ("x", first)
    assert set(found.status[first:]) == {"diverged"}
    assert set(found.status[: first - 1]) == {"ok"}


@pytest.mark.parametrize("factor", [3, 7, 11, 13, 19])
def test_a_difference_within_one_rule_is_no_effect(factor: int) -> None:
    # The slope is factor/3 - factor/3: whatever rounding leaves of it is unresolved.
    variables = {
        "x": {"shape": ["n"], "rule": "x[t-1]", "initial": 1},
        "y": {"shape": ["n"], "rule": f"x[t]*{factor}/3 - {factor}*(x[t]/3)"},
    }
    found = run(variables, nudge="x[0]", hold=[], target="y", steps=80)
    assert set(found.status) == {"unresolved"}


def test_cancellation_that_comes_late_is_looked_at_by_all_twins() -> None:
    # The slope of d is 0.9^t, a difference of numbers near 1: its digits are gone from 2^-53 on.
    variables = {
        "u": {"shape": ["n"], "rule": "u[t-1]", "initial": 1},
        "v": {"shape": ["n"], "rule": "0.9*v[t-1] + 0.1*u[t-1]", "initial": 0},
        "d": {"shape": ["n"], "rule": "u[t] - v[t]"},
    }
    found = run(variables, nudge="u[0]", hold=[], target="d", steps=600)
    with mock.patch.object(array_doubts, "_twin", wraps=array_doubts._twin) as twin:
        assert set(found.status[:250]) == {"ok"}
    assert set(found.status[450:]) == {"unresolved"}
    assert [call.args[6:] for call in twin.call_args_list] == [(1,), (2, 64), (2,)]


def test_chaos_leaves_slopes_unresolved_once_rounding_has_grown_as_large_as_w() -> None:
    # The logistic map at 4 doubles an error each step: after 53 steps no digit of W is left.
    variables = {"x": {"shape": ["n"], "rule": "4*x[t-1]*(1 - x[t-1])", "initial": [0.3, 0.4, 0.7]}}
    found = run(variables, nudge="x[0, n=1]", hold=[], target="x[n=1]", steps=120)
    assert set(found.status[:30]) == {"ok"}
    assert (found.status[70:] == "unresolved").mean() > 0.8

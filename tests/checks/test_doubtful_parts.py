"""What reads well and is probably not meant: each doubt where it belongs, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from causalopt import Model, load, run, shipped
from causalopt.checks.doubtful_parts import doubts

THERMOSTAT: dict[str, Any] = {
    "name": "m",
    "parameters": {"k": 0.01, "d": 25},
    "variables": {
        "T": {"rule": "R[t-1] - d", "initial": 10},
        "R": {"rule": "R[t-1] - k*T[t-1]", "initial": 35},
    },
    "partition": {"A": ["T"]},
    "question": {"nudge": "R[0]", "hold": "A", "target": "R", "steps": 10},
}


def said(**more: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """Return the doubts of the thermostat with sections replaced, or variables added to it."""
    data = {
        key: dict(value) if isinstance(value, dict) else value
        for key, value in (THERMOSTAT.items())
    }
    for key, value in more.items():
        data[key] = {**data.get(key, {}), **value} if isinstance(value, dict) else value
    return [(doubt.path, doubt.message) for doubt in doubts(Model(**data))]


def test_a_sound_model_has_no_doubts() -> None:
    assert said() == []


@pytest.mark.parametrize(
    ("more", "path", "message"),
    [
        (
            {"parameters": {"kk": 3}},
            ("parameters", "kk"),
            "nothing reads the parameter 'kk': drop it, or write it into a rule",
        ),
        (
            {"variables": {"e": {"rule": "R[t] - d"}}},
            ("variables", "e"),
            "nothing reads 'e', and it is not what is measured: drop it, or read it in another "
            "variable's rule",
        ),
        (
            {
                "variables": {"e": {"rule": "R[t] - d"}},
                "partition": {"A": ["T", "e"]},
                "question": {"hold": "A"},
            },
            ("partition", "A", 1),
            "no path leads from 'e' of A to m = R: holding it changes nothing there",
        ),
        (
            {"variables": {"e": {"rule": "R[t] - e[t-1]", "initial": 0}}, "question": {
                "nudge": "e[0]"}},
            ("question", "nudge"),
            "no path leads from n = e to m = R: a nudge of e changes nothing there",
        ),
        (
            {"variables": {"R": {"rule": "R[t-1] - k*T[t-1]", "initial": [35, 34, 33]}}},
            ("variables", "R", "initial"),
            "'R' has 3 initial values and its rule looks back 1 step: it follows its rule from "
            "t = 3 on alone; 1 would do",
        ),
        (
            {"variables": {"R": {"rule": "R[t-1] - k*T[t-20]", "initial": 35}}},
            ("variables", "R", "rule"),
            "the rule of 'R' looks back 20 steps, and the run ends at step 10: that lag reads "
            "initial values alone; give the question more steps",
        ),
        (
            {"variables": {"T": {"rule": "max(R[t-1] - d, 10)", "initial": 10}}},
            ("variables", "T", "rule"),
            "'T' starts on a kink: R[t-1] - d = 10 at t = 1, where its derivative jumps and Op has "
            "the status 'kink'; start beside it",
        ),
        (
            {"variables": {"T": {"rule": "abs(R[t-1] - 35)", "initial": 10}}, "parameters": {
                "d": 1}},
            ("parameters", "d"),
            "nothing reads the parameter 'd': drop it, or write it into a rule",
        ),
        (
            {
                "variables": {
                    "coin": {"noise": {"heads": 1, "tails": 0}, "domain": ["heads", "tails"]},
                    "side": {
                        "domain": ["a", "b"],
                        "parents": ["coin[t]"],
                        "table": [["heads", "a"], ["tails", "b"]],
                    },
                },
                "question": {"target": None, "hold": None, "nudge": None},
            },
            ("variables", "coin", "noise"),
            "'coin' is never tails: its probability is 0",
        ),
    ],
)  # fmt: skip
def test_a_doubt_is_said_at_its_place(
    more: dict[str, Any], path: tuple[str | int, ...], message: str
) -> None:
    assert (path, message) in said(**more)


def test_a_kink_that_is_said_is_the_status_of_the_first_step() -> None:
    """The doubt and the answer agree: run gives the step after the start the status kink."""
    for initial, on in ((35, True), (35.5, False)):
        variables = {
            "T": {"rule": "max(R[t-1] - d, 10)", "initial": 10},
            "R": {"rule": "R[t-1] - k*T[t-1]", "initial": initial},
        }
        found = said(variables=variables)
        assert bool(found) is on
        answer = run(Model(**{**THERMOSTAT, "variables": variables}), target="T", hold=[], steps=2)
        assert (answer.status[1] == "kink") is on


@pytest.mark.parametrize("method", ["euler", "rk4", "exact"])
def test_a_held_variable_reaches_m_through_the_stages_of_every_method(method: str) -> None:
    variables = {"x": {"flow": "-x + u", "initial": 1}, "u": {"algebraic": "-2*x"}}
    question = {"nudge": "x[0]", "hold": "u", "target": "x", "steps": 9}
    data: Any = {"name": "m", "variables": variables, "dt": 0.1, "method": method}
    assert doubts(Model(**data, question=question)) == []


def test_a_parameter_in_a_lag_a_law_or_a_function_is_read() -> None:
    model = Model(
        name="m",
        parameters={"p": 0.5, "lag": 2, "c": 1, "q": "c", "s": 3},
        functions={"f(x)": "q*x"},
        variables={
            "e": {"noise": "bernoulli(p)"},
            "x": {"rule": "f(x[t - lag]) + e[t]", "initial": "s"},
        },
    )
    assert doubts(model) == []


def test_shipped_models_have_no_doubt_but_a_variable_that_is_looked_at() -> None:
    for name in shipped():
        for doubt in doubts(load(name)):
            assert doubt.message.startswith(("nothing reads '", "no path leads from"))

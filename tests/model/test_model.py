"""The model's fingerprint: what decides numbers counts, what is said about them does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from causalopt import Model

DECLARATION: dict[str, Any] = {
    "name": "m",
    "parameters": {"k": 0.5},
    "functions": {"f(x)": "k*x"},
    "variables": {
        "x": {"flow": "-f(x)", "initial": 1},
        "s": {
            "domain": ["on", "off"],
            "parents": ["s[t-1]"],
            "table": [["on", "off"], ["off", "on"]],
        },
        "z": {"noise": "normal(0, 1)"},
    },
    "initial": [{"s": "on", "p": "1/4"}, {"s": "off", "p": "3/4"}],
    "dt": 0.1,
    "method": "euler",
}
DECIDING: dict[str, dict[str, Any]] = {
    "a parameter": {"parameters": {"k": 0.25}},
    "a function": {"functions": {"f(x)": "k*x**3"}},
    "the joint law": {"initial": [{"s": "on", "p": "1/2"}, {"s": "off", "p": "1/2"}]},
    "the time step": {"dt": 0.2},
    "the method": {"method": "rk4"},
}
VARIABLE: dict[str, dict[str, Any]] = {
    "a flow": {"x": {"flow": "-2*f(x)", "initial": 1}},
    "an initial value": {"x": {"flow": "-f(x)", "initial": 2}},
    "a kind": {"y": {"rule": "floor(x[t])", "kind": "integer"}},
    "a table": {
        "s": {
            "domain": ["on", "off"],
            "parents": ["s[t-1]"],
            "table": [["on", "on"], ["off", "on"]],
        }
    },
    "a noise": {"z": {"noise": "normal(0, 2)"}},
    "one more variable": {"y": {"rule": "x[t]"}},
}
SAID_ABOUT: dict[str, dict[str, Any]] = {
    "name": {"name": "n"},
    "title": {"title": "Something else"},
    "source": {"source": "A book"},
    "description": {"description": "Long"},
    "partition": {"partition": {"A": ["s"]}},
    "question": {"question": {"nudge": "x[0]", "target": "x", "steps": 3}},
    "facts": {
        "facts": [
            {"claim": "c", "measure": "op", "value": 1.0, "tolerance": 0.1, "source": "by hand"}
        ]
    },
    "label": {
        "variables": DECLARATION["variables"]
        | {"x": DECLARATION["variables"]["x"] | {"label": "the room"}}
    },
    "unit": {
        "variables": DECLARATION["variables"] | {"x": DECLARATION["variables"]["x"] | {"unit": "K"}}
    },
}


@pytest.mark.parametrize("what", DECIDING)
def test_what_decides_a_number_decides_the_fingerprint(what: str) -> None:
    changed = Model(**(DECLARATION | DECIDING[what]))
    assert changed.fingerprint != Model(**DECLARATION).fingerprint


@pytest.mark.parametrize("what", VARIABLE)
def test_what_a_variable_declares_decides_the_fingerprint(what: str) -> None:
    changed = Model(**DECLARATION | {"variables": DECLARATION["variables"] | VARIABLE[what]})
    assert changed.fingerprint != Model(**DECLARATION).fingerprint


@pytest.mark.parametrize("what", SAID_ABOUT)
def test_what_is_said_about_a_model_leaves_its_fingerprint(what: str) -> None:
    changed = Model(**(DECLARATION | SAID_ABOUT[what]))
    assert changed != Model(**DECLARATION)
    assert changed.fingerprint == Model(**DECLARATION).fingerprint


def test_the_order_of_keys_leaves_the_fingerprint() -> None:
    again = DECLARATION | {"variables": dict(reversed(DECLARATION["variables"].items()))}
    assert Model(**again).fingerprint == Model(**DECLARATION).fingerprint


def test_numpys_numbers_are_numbers() -> None:
    mine = Model(
        name="m",
        parameters={"k": np.float32(0.5), "j": np.float64(0.1)},
        variables={
            "x": {"rule": "k*x[t-1] + j*x[t-2]", "initial": np.array([1, 2])},
            "y": {"rule": "x[t-1]", "initial": np.int64(3)},
            "z": np.float64(2.5),
            "s": {"domain": [np.int64(0), np.int64(1)], "rule": "s[t-1]", "initial": np.int8(1)},
        },
        dt=np.float32(0.5),
        question={"steps": np.int64(3)},
    )
    theirs = Model(
        name="m",
        parameters={"k": 0.5, "j": 0.1},
        variables={
            "x": {"rule": "k*x[t-1] + j*x[t-2]", "initial": [1, 2]},
            "y": {"rule": "x[t-1]", "initial": 3},
            "z": 2.5,
            "s": {"domain": [0, 1], "rule": "s[t-1]", "initial": 1},
        },
        dt=0.5,
        question={"steps": 3},
    )
    assert mine.fingerprint == theirs.fingerprint
    changed = mine.replace(parameters={"k": np.float64(0.1)}, initial={"y": np.int32(4)})
    assert changed.variables["y"].initial == 4
    assert changed.template.values["k"] == 0.1

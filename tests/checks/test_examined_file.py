"""All mistakes of a file at once, and what check says of a file that is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from causalopt.checks.examined_file import examine
from causalopt.cli import main
from causalopt.extras import EXTRAS
from tests.core import run_core

MANY = """\
nam: many
parameters: {k: 0.5, d: 25, q: ln(2)}
functions: {"f(x)": "x*z"}
variables:
  T: {rule: "R[t-1] - dd", initial: 10}
  R: {rule: "R[t-1] - k*T(t-1)", intial: 35}
  S: {rule: "S[t] && 2", initial: "1 kW"}
partition: {A: [TT]}
question: {nudge: "Q[0]", hold: A, target: RR, steps: 10}
facts: [{claim: c}]
"""
# Where each stands in the text above, and how it begins.
MISTAKES = [
    (1, 1, "unknown key 'nam'; did you mean 'name'?"),
    (2, 32, "unknown function 'ln'"),
    (3, 24, "unknown name 'z'"),
    (5, 23, "unknown name 'dd'; did you mean 'd'?"),
    (6, 25, "a variable takes its step in brackets: write T[t-1], not T(...)"),
    (6, 34, "unknown key 'intial'; did you mean 'initial'?"),
    (7, 19, "'&&' is not part of the language: write and"),
    (7, 36, "a rule's numbers have no units: write 1"),
    (8, 17, "unknown variable 'TT'; did you mean 'T'?"),
    (9, 20, "unknown variable 'Q'"),
    (9, 44, "unknown variable 'RR'"),
    (10, 9, "the key 'measure' is missing"),
]


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / "many.yaml"
    file.write_text(text)
    return str(file)


def test_all_mistakes_are_found_at_once(tmp_path: Path) -> None:
    found = examine(written(tmp_path, MANY))
    assert found.model is None
    places = [(error.location.line, error.location.column) for error in found.errors]
    assert places == [(line, column) for line, column, _ in MISTAKES]
    for error, (_, _, message) in zip(found.errors, MISTAKES, strict=True):
        assert error.message.startswith(message)


def test_all_texts_that_want_quotes_are_found_at_once(tmp_path: Path) -> None:
    text = MANY.replace('"R[t-1] - dd"', "R[t-1] - dd").replace('"S[t] && 2"', "max(S[t-1], 2)")
    found = examine(written(tmp_path, text)).errors
    assert [(e.location.line, e.message[:15]) for e in found] == [
        (5, "quote the rule:"),
        (7, "quote the rule:"),
    ]


def test_json_has_the_first_mistake_and_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, MANY)
    assert main(["check", file, "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["error"] == found["errors"][0]
    assert found["error"] == {
        "message": "unknown key 'nam'; did you mean 'name'?",
        "file": file,
        "line": 1,
        "column": 1,
    }
    assert len(found["errors"]) == len(MISTAKES)
    assert found["warnings"] == []


GOOD = """\
name: good
parameters: {unread: 3}
variables:
  x: {rule: "x[t-1]/2", initial: 1, unit: m}
  y: {rule: "x[t] + y[t-1]", initial: 1, unit: s}
  z: {rule: , initial: 1}
question: {nudge: "x[0]", target: y, steps: 3}
"""


def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code = main(["check", written(tmp_path, GOOD), "--json", *words])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {"code": code, **found}


def test_warnings_have_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(tmp_path, capsys)
    assert found["code"] == 0
    assert found["errors"] == []
    assert [
        (w["line"], w["column"], w["message"].partition(":")[0]) for w in found["warnings"]
    ] == [
        (2, 14, "nothing reads the parameter 'unread'"),
        (5, 21, "adds m and s"),
        (6, 3, "nothing reads 'z', and it is not what is measured"),
        (6, 7, "'rule' has nothing after it, and 'z' is read without it"),
    ]


def test_strict_has_them_as_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warnings = checked(tmp_path, capsys)["warnings"]
    strict = checked(tmp_path, capsys, "--strict")
    assert strict["code"] == 2
    assert strict["errors"] == warnings
    assert strict["error"] == warnings[0]


def test_without_pint_check_says_that_units_were_not_checked(tmp_path: Path) -> None:
    assert EXTRAS["pint"][0] == "units"
    file = written(tmp_path, GOOD)
    done = run_core(f"import causalopt.cli as c; raise SystemExit(c.main(['check', {file!r}]))")
    assert done.returncode == 0
    assert "adds m and s" not in done.stdout
    assert "nothing reads the parameter 'unread'" in done.stdout
    note = "NOTE units were not checked, which needs pint: pip install 'causalopt[units]'"
    assert note in done.stdout


def test_flows_are_shown_as_they_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "lorenz", "--method", "rk4"]) == 0
    shown = capsys.readouterr().out
    assert "d a/dtime = sigma*(b - a)" in shown
    assert "a.2" not in shown
    assert main(["check", "lorenz", "--method", "rk4", "--stages"]) == 0
    assert "a.2" in capsys.readouterr().out

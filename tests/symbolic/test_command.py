"""causalopt derive: strict JSON, texts, files, exit codes."""

from __future__ import annotations

import json

import pytest
import sympy

from causalopt.cli import main


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["derive", *words, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_derive_prints_the_contracts_keys(capsys) -> None:
    found = ask(capsys, "thermostat", "--at", "500")
    keys = ["total", "direct", "comp", "op", "latex", "conditions", "verified", "value"]
    assert list(found) == keys
    assert found["verified"] is True
    assert found["value"]["op"] == pytest.approx(5.06645414, abs=1e-8)
    op = sympy.sympify(found["op"]).subs({"t": 500, "k": sympy.Rational(1, 100)})
    assert float(op.evalf(30)) == pytest.approx(5.06645414, abs=1e-8)


def test_set_takes_part_in_formula_and_value(capsys) -> None:
    found = ask(capsys, "thermostat", "--set", "k=0.25", "--at", "10")
    assert found["comp"] == "(t + 1)/2**t"
    assert found["value"]["comp"] == 11 / 1024


def test_selectors_are_those_of_run(capsys) -> None:
    found = ask(capsys, "maze", "--nudge", "off[0]", "--target", "e_R", "--set", "z=0", "--at", "6")
    assert found["value"]["op"] == pytest.approx(2.1400497, abs=5e-8)


def test_infinities_are_texts(capsys) -> None:
    found = ask(capsys, "thermostat", "--target", "T", "--at", "3")
    assert found["value"]["comp"] == "inf"
    assert sympy.sympify(found["op"]) == -sympy.oo


def test_latex_and_plain_text_are_printed(capsys) -> None:
    assert main(["derive", "solver", "--latex"]) == 0
    assert r"\left(- \alpha b + 1\right)^{t}" in capsys.readouterr().out
    assert main(["derive", "solver", "--at", "5"]) == 0
    text = capsys.readouterr().out
    assert "closed form (verified)" in text
    assert "3.46573" in text


def test_report_and_source_are_written(capsys, tmp_path) -> None:
    report, source = tmp_path / "solver.md", tmp_path / "solver.py"
    assert main(["derive", "solver", "--report", str(report), "--python", str(source)]) == 0
    assert "## The resolvent" in report.read_text()
    scope: dict[str, object] = {}
    exec(compile(source.read_text(), "solver", "exec"), scope)
    assert scope["op"](5) == pytest.approx(3.4657359, abs=1e-7)
    assert "wrote" in capsys.readouterr().err


def test_a_wrong_question_exits_with_two_and_one_message(capsys) -> None:
    assert main(["derive", "thermostat", "--hold", "Q", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "unknown variable 'Q'" in error["message"]

"""Formulas on a terminal: two dimensions, within its width, in Unicode or ASCII."""

from __future__ import annotations

import dataclasses
import json
import sys

import pytest
import sympy
from matplotlib.mathtext import MathTextParser

from causalopt import derive, load
from causalopt.cli import main
from causalopt.symbolic.notation import to_latex
from causalopt.symbolic.symbol_names import latex_name, unicode_name
from causalopt.symbolic.terminal_form import terminal_form


def test_a_closed_form_is_drawn() -> None:
    found = derive(load("solver"))
    assert found.pretty(width=60).split("\n") == [
        "closed form (verified)",
        "",
        "                  t",
        "total = (-α⋅b + 1)",
        "",
        "direct = 1",
        "",
        "                 t",
        "Comp = (-α⋅b + 1)",
        "",
        "Op = -t⋅log(│α⋅b - 1│)",
        "",
        "  if t >= 0",
    ]


def test_ascii_is_all_there_is_without_unicode() -> None:
    for name in ("thermostat", "solver", "sgd_well"):
        text = terminal_form(derive(load(name)), unicode=False)
        assert text.isascii()
    assert "(-alpha*b + 1)" in terminal_form(derive(load("solver")), unicode=False)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize(("name", "at"), [("thermostat", None), ("lorenz", 3), ("lorenz", 8)])
def test_no_line_is_wider_than_the_terminal(name: str, at: int | None, width: int) -> None:
    text = terminal_form(derive(load(name), at=at), width=width)
    assert max(map(len, text.split("\n"))) <= width


def test_brackets_stay_round_a_sum_that_is_broken() -> None:
    found = derive(load("lorenz"), at=4)
    drawn = terminal_form(found, width=80).split("total = ")[1].split("\n\n")[0]
    assert drawn.count("(") == drawn.count(")") >= 2
    assert drawn.count("⎛") == drawn.count("⎞")


def test_a_program_is_numbered_steps() -> None:
    found = derive(load("lorenz"), at=8)
    lines = terminal_form(found).split("\n")
    numbers = [line.split(".")[0].strip() for line in lines if ".  " in line[:6]]
    assert numbers == [str(n) for n in range(1, len(found.lines) + 1)]
    assert any(line.endswith("10.  d_c_2_by_a_1 = ───") for line in lines)


def test_wide_measures_are_written_by_the_effects() -> None:
    text = terminal_form(derive(load("lorenz"), at=4), width=50)
    assert "Op = -log(│Comp│)" in text
    assert "       total\nComp = ──────\n       direct" in text


def test_sums_over_roots_are_sums() -> None:
    x, k = sympy.symbols("x k")
    total = sympy.RootSum(sympy.Poly(x**3 + x + 1), sympy.Lambda(x, x**k), auto=False)
    found = derive(load("solver"))
    text = terminal_form(dataclasses.replace(found, total=total))
    assert "Σ" in text
    assert "over all x with" in text


def test_the_command_draws_on_a_terminal_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["derive", "solver"]) == 0
    piped = capsys.readouterr().out
    assert "total  = (-alpha*b + 1)**t" in piped
    monkeypatch.setenv("COLUMNS", "60")

    def on_terminal(*words: str) -> str:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        assert main(["derive", "solver", *words]) == 0
        return capsys.readouterr().out

    assert "total = (-α⋅b + 1)\n" in on_terminal()
    assert on_terminal("--plain") == piped
    assert json.loads(on_terminal("--json"))["comp"] == "(-alpha*b + 1)**t"


NAMES: list[tuple[str, str, str]] = [
    ("x", "x", "x"),
    ("R_out", r"R_{\mathrm{out}}", "R_out"),
    ("alpha", r"\alpha", "α"),
    ("alpha_2", r"\alpha_{2}", "α₂"),
    ("k12", "k_{12}", "k₁₂"),
    ("Kp", r"\mathrm{Kp}", "Kp"),
    ("x_1_2", "x_{1,2}", "x_1_2"),
    ("tau_theta", r"\tau_{\theta}", "τ_θ"),
    ("radical", r"\mathrm{radical}", "radical"),
    ("what", r"\mathrm{what}", "what"),
    ("vector_x", r"\mathrm{vector}_{x}", "vector_x"),
    ("_hidden", r"\mathrm{\_hidden}", "_hidden"),
    ("a__b", r"\mathrm{a\_\_b}", "a__b"),
    ("ρ", r"\rho", "ρ"),
    ("Ω_0", r"\Omega_{0}", "Ω₀"),
    ("R[t-1]", "R_{t-1}", "R[t-1]"),
    ("R_in[t]", r"R_{\mathrm{in},t}", "R_in[t]"),
    ("E", "E", "E"),
    ("Eta", r"\mathrm{H}", "Η"),
]


@pytest.mark.parametrize(("name", "latex", "unicode"), NAMES)
def test_names_are_head_and_subscripts(name: str, latex: str, unicode: str) -> None:
    assert latex_name(name) == latex
    assert unicode_name(name) == unicode
    assert to_latex(sympy.Symbol(name)) == latex


def test_latex_of_such_names_is_set() -> None:
    parser = MathTextParser("path")
    for name, latex, _ in NAMES:
        if name != "Eta":
            assert parser.parse(f"${latex}$").glyphs, latex

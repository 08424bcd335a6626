"""The first mistakes that people make, each with the whole message that they get.

A message says where, what is wrong, and what to type instead; below it stands the line. What is
expected here was written from what a person at that line needs, and then asked of the program.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causalopt import CausaloptError, parse_model
from causalopt.cli import main

GOOD = """\
name: room
parameters: {k: 0.01, d: 25}
variables:
  T: {rule: "R[t-1] - d", initial: 10}
  R:
    rule: R[t-1] - k*T[t-1]
    initial: 35
partition: {A: [T]}
question: {nudge: "R[0]", hold: A, target: R, steps: 10}
"""
RULE = "    rule: R[t-1] - k*T[t-1]\n"
T_LINE = '  T: {rule: "R[t-1] - d", initial: 10}\n'


def complaint(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what `causalopt check` says of a file, which it must refuse."""
    file = tmp_path / "room.yaml"
    file.write_text(text, encoding="utf-8")
    assert main(["check", str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.replace(str(file), "room.yaml")


def test_the_text_that_is_spoilt_is_right(tmp_path: Path) -> None:
    file = tmp_path / "room.yaml"
    file.write_text(GOOD)
    assert main(["check", str(file), "--strict"]) == 0


YAML = {
    "a rule unquoted in braces": (
        T_LINE,
        "  T: {rule: clip(R[t-1], 0, 1), initial: 10}\n",
        """\
error: room.yaml:4:13: quote the rule: write rule: "clip(R[t-1], 0, 1)"
  4 |   T: {rule: clip(R[t-1], 0, 1), initial: 10}
    |             ^
""",
    ),
    "parents unquoted": (
        T_LINE,
        "  T: {domain: [a, b], parents: [R[t-1]], table: [[1, a]]}\n",
        """\
error: room.yaml:4:33: quote it: write "R[t-1]"
  4 |   T: {domain: [a, b], parents: [R[t-1]], table: [[1, a]]}
    |                                 ^
""",
    ),
    "noise unquoted in braces": (
        T_LINE,
        "  T: {noise: normal(0, 1)}\n",
        """\
error: room.yaml:4:14: quote the noise: write noise: "normal(0, 1)"
  4 |   T: {noise: normal(0, 1)}
    |              ^
""",
    ),
    "a node unquoted in braces": (
        '"R[0]"',
        "R[0]",
        """\
error: room.yaml:9:19: quote the nudge: write nudge: "R[0]"
  9 | question: {nudge: R[0], hold: A, target: R, steps: 10}
    |                   ^
""",
    ),
    "a tab": (
        "    initial: 35",
        "\tinitial: 35",
        """\
error: room.yaml:7:1: a tab indents this line, and YAML is indented by spaces: replace the tab
  7 |  initial: 35
    | ^
""",
    ),
    "no space after a colon": (
        "{k: 0.01,",
        "{k:0.01,",
        """\
error: room.yaml:2:15: a colon is followed by a space: write k: 0.01
  2 | parameters: {k:0.01, d: 25}
    |               ^
""",
    ),
    "no colon": (
        "name: room",
        "name room",
        """\
error: room.yaml:1:1: a key is followed by a colon: write name: room
  1 | name room
    | ^
""",
    ),
    "an equals sign for a colon": (
        "{k: 0.01, d: 25}",
        "\n  k = 0.01\n  d: 25",
        """\
error: room.yaml:3:3: a key is followed by a colon: write k: 0.01
  3 |   k = 0.01
    |   ^
""",
    ),
    "an open brace": (
        "d: 25}",
        "d: 25",
        """\
error: room.yaml:2:13: the '{' that opens here is not closed: add '}'
  2 | parameters: {k: 0.01, d: 25
    |             ^
""",
    ),
    "an open bracket": (
        "[T]}",
        "[T}",
        """\
error: room.yaml:8:16: the '[' that opens here is closed by '}': close it by ']' first
  8 | partition: {A: [T}
    |                ^
""",
    ),
    "an open quotation mark": (
        'd", initial',
        "d, initial",
        """\
error: room.yaml:4:13: the quotation mark " that opens here is not closed
  4 |   T: {rule: "R[t-1] - d, initial: 10}
    |             ^
""",
    ),
    "text after a closing quotation mark": (
        RULE,
        '    rule: "R[t-1]" - k\n',
        """\
error: room.yaml:6:20: text follows the closing quotation mark: put all of it into one pair, \
write rule: "R[t-1] - k"
  6 |     rule: "R[t-1]" - k
    |                    ^
""",
    ),
    "no comma": (
        "0.01, d",
        "0.01 d",
        """\
error: room.yaml:2:21: a comma is missing before 'd'
  2 | parameters: {k: 0.01 d: 25}
    |                     ^
""",
    ),
    "a decimal comma": (
        "k: 0.01",
        "k: 0,01",
        """\
error: room.yaml:2:19: a decimal has a point: write 0.01 for 0,01
  2 | parameters: {k: 0,01, d: 25}
    |                   ^
""",
    ),
    "a decimal comma on a line of its own": (
        "{k: 0.01, d: 25}",
        "\n  k: 0,01\n  d: 25",
        """\
error: room.yaml:3:6: a decimal has a point: write 0.01
  3 |   k: 0,01
    |      ^
""",
    ),
    "a key twice": (
        "d: 25",
        "k: 25",
        """\
error: room.yaml:2:23: the key 'k' stands here a second time, first on line 2: drop one of them, \
or rename it
  2 | parameters: {k: 0.01, k: 25}
    |                       ^
""",
    ),
    "one space too many": (
        "    initial: 35",
        "     initial: 35",
        """\
error: room.yaml:7:6: 'initial' stands in column 6, and 'rule' above it in column 5: keys of one \
mapping stand in one column
  7 |      initial: 35
    |      ^
""",
    ),
    "one space too few": (
        "    initial: 35",
        "   initial: 35",
        """\
error: room.yaml:7:4: 'initial' stands in column 4, where no mapping goes on: indent it to column \
3 as 'R' or 5 as 'rule'
  7 |    initial: 35
    |    ^
""",
    ),
    "a list for a mapping": (
        "{k: 0.01, d: 25}",
        "\n  - k: 0.01\n  - d: 25",
        """\
error: room.yaml:3:3: expected a mapping of keys to values, found a list: drop the dashes or \
brackets, write k: ...
  3 |   - k: 0.01
    |   ^
""",
    ),
    "a key misspelt": (
        "    initial: 35",
        "    intial: 35",
        """\
error: room.yaml:7:5: unknown key 'intial'; did you mean 'initial'?
  7 |     intial: 35
    |     ^
""",
    ),
    "yes for 1": (
        "initial: 10",
        "initial: yes",
        """\
error: room.yaml:4:36: unknown name 'yes': write 1, or a comparison such as x > 0
  4 |   T: {rule: "R[t-1] - d", initial: yes}
    |                                    ^
""",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), YAML.values(), ids=YAML)
def test_a_mistake_in_yaml(
    old: str, new: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in GOOD
    assert complaint(GOOD.replace(old, new, 1), tmp_path, capsys) == message


# A rule -> what is said of it, and the column of the caret in the rule.
RULES = {
    "ln(R[t-1])": ("unknown function 'ln': the natural logarithm is written log(x)", 1),
    "log10(R[t-1])": (
        "unknown function 'log10': log is the natural logarithm: write log(x)/log(10)",
        1,
    ),
    "np.exp(R[t-1])": ("'np.exp': functions stand alone, without 'np.': write exp(...)", 1),
    "math.sin(R[t-1])": ("'math.sin': functions stand alone, without 'math.': write sin(...)", 1),
    "R[t-1]^2": ("'^' is not part of the language: write ** for a power, as in x**2", 1),
    "2R[t-1]": ("a product needs its sign: write 2*R[...]", 1),
    "2(R[t-1])": ("a product needs its sign: write 2*(...)", 1),
    "k R[t-1]": ("an operator is missing between 'k' and 'R': write k*R", 3),
    "R[t-1] + normal(0,1)": (
        "unknown function 'normal': a rule draws nothing: noise is a variable of its own, "
        "e: {noise: \"normal(0, 1)\"} under 'variables:', and the rule reads e[t]",
        10,
    ),
    "R[t-1] + random()": (
        "unknown function 'random': a rule draws nothing: noise is a variable of its own, "
        "e: {noise: \"uniform\"} under 'variables:', and the rule reads e[t]",
        10,
    ),
    "R[t-1] + 5 kW": (
        "a rule's numbers have no units: write 5, and 'unit: kW' beside the rule or the parameter; "
        "for a product write 5*kW",
        10,
    ),
    "R(t-1)": ("a variable takes its step in brackets: write R[t-1], not R(...)", 1),
    "R{t-1}": ("a variable takes its step in brackets: write R[t-1]", 1),
    "R_{t-1}": ("a variable takes its step in brackets: write R[t-1]", 1),
    "R_t": ("unknown name 'R_t': a variable takes its step in brackets: write R[t]", 1),
    "R[t+1]": ("a rule cannot look into the future: write R[t-1] or R[t]", 3),
    "R'": ('a derivative is declared, R: {flow: "...", initial: 0}, and no part of a rule', 2),
    "R[t-1] - dR/dt": (
        "unknown name 'dR': a derivative is no part of a rule: a variable R that is declared with "
        "'flow:' in place of 'rule:' follows it",
        10,
    ),
    "if R[t-1] > 0 then 1 else 2": ("a choice is written where(R[t-1] > 0, 1, 2)", 1),
    "R[t-1] if R[t-1] > 0 else 2": ("a choice is written where(R[t-1] > 0, R[t-1], 2)", 1),
    "R[t-1] > 0 ? 1 : 2": ("a choice is written where(R[t-1] > 0, 1, 2)", 12),
    "where(k > 0 && d > 0, 1, 0)": ("'&&' is not part of the language: write and", 13),
    "where(k > 0 || d > 0, 1, 0)": ("'||' is not part of the language: write or", 13),
    "where(!(k > 0), 1, 0)": ("'!' is not part of the language: write not", 7),
    "where(R[t-1] = 0, 1, 0)": (
        "'=' assigns nothing here: a rule is the right side alone, and equal is compared with ==",
        14,
    ),
    "e**R[t-1]": ("unknown name 'e': for Euler's number write exp(1), and exp(x) for e**x", 1),
    "α*R[t-1]": (
        "unknown name 'α': declare it under 'parameters:'; known here: R, T, d, dt, k, pi, t, time",
        1,
    ),
    "R[t-1] − 1": ("'−' (U+2212) is no sign of the language, '-' is: write R[t-1] - 1", 8),
    "“R[t-1]”": (
        "'“' (U+201C) is a typographic quotation mark: a rule needs none: write R[t-1]",
        1,
    ),
    "R[t-1]\xa0- 1": (
        "an invisible character (U+00A0) stands here: write a plain space or nothing",
        7,
    ),
    "sum(R[t-1], 1)": ("unknown function 'sum': write the terms with +, as in a + b", 1),
    "Max(R[t-1], 0)": ("unknown function 'Max'; did you mean 'max'?", 1),
    "clip(R[t-1], 0)": ("clip takes 3 arguments, found 2: write clip(x, lo, hi)", 1),
    "log(R[t-1], 10)": (
        "log takes 1 argument, found 2: write log(x), and log(x)/log(10) for another base",
        1,
    ),
    "r[t-1]": ("unknown variable 'r'; did you mean 'R'?", 1),
    "K*R[t-1]": ("unknown name 'K'; did you mean 'k'?", 1),
    "k[t]*R[t-1]": (
        "'k' is not a variable, it is the same at every step: write k without the []",
        1,
    ),
    "R - k": ("variable 'R' needs its step here: write R[t-1] or R[t]", 1),
    "R[t-1] +": ("the text ends too early: something must follow the last sign", 9),
    "(R[t-1]": ("cannot read the rule: '(' was never closed", 1),
    "0,5*R[t-1]": ("a decimal has a point: write 0.5", 1),
    "R[t-1] > 0": ("expected a number, found a condition: write where(condition, 1, 0)", 1),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_mistake_in_a_rule(rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message, column = RULES[rule]
    text = GOOD.replace(RULE, f"    rule: |-\n      {rule}\n", 1)
    shown = rule.replace("\xa0", " ")
    assert complaint(text, tmp_path, capsys) == (
        f"error: room.yaml:7:{6 + column}: {message}\n"
        f"  7 |       {shown}\n"
        f"    | {' ' * (5 + column)}^\n"
    )


def test_a_variable_that_needs_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(GOOD.replace("rule: R[t-1]", "rule: R[t]"), tmp_path, capsys)
    assert said == (
        "error: room.yaml:6:11: variables need each other at the same step, in a circle: R -> R; "
        "its own value is known at earlier steps alone: write R[t-1]\n"
        "  6 |     rule: R[t] - k*T[t-1]\n"
        "    |           ^\n"
    )


# What is asked -> what is said.
QUESTIONS = {
    "--hold k": "'k' is a parameter, and what is held are variables: name one of T, R",
    "--target k": "'k' is a parameter, and a variable is meant here: name one of T, R",
    "--set T=1": (
        "'T' is a variable, not a parameter: its initial value is given by --initial T=1 "
        '(initial={"T": 1} in Python)'
    ),
    "--initial k=1": (
        "'k' is a parameter, not a variable: its value is given by --set k=1 "
        '(parameters={"k": 1} in Python)'
    ),
    "--set K=1": "unknown parameter 'K'; did you mean 'k'?",
    "--target r": "unknown variable 'r'; did you mean 'R'?",
    "--nudge r[0]": "unknown variable 'r'; did you mean 'R'?",
    "--set k=2x": "parameters.k, column 1: a rule's numbers have no units: write 2, and 'unit: x' "
    "beside the rule or the parameter; for a product write 2*x\n  2x\n  ^",
}


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_mistake_in_a_question(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "thermostat", *words.split()]) == 2
    assert capsys.readouterr().err == f"error: {QUESTIONS[words]}\n"


KINDS = {
    "derive thermostat_smart": (
        "'thermostat_smart' is a model of labels, and a nudge shifts a number: ask "
        "`causalopt entropy thermostat_smart` for its optimizing strength"
    ),
    "entropy lorenz": (
        "the law of 'a' is not known: give it a finite domain (domain: [a, b] or 0..7), or, for a "
        "real variable with an affine rule, spread: uniform(width) or normal(sd); 'lorenz' is a "
        "model of flows: ask `causalopt run lorenz` or `causalopt rates lorenz` or "
        "`causalopt derive lorenz` for Op"
    ),
    "rates thermostat_smart": (
        "'thermostat' takes labels, not numbers, and a run follows single values: ask "
        "`causalopt entropy` for the law"
    ),
    "descent lorenz --show losses --out no.svg": (
        "these are pictures of stochastic gradient descent on a loss, as in sgd_pit, and 'lorenz' "
        "is a model of flows: ask `causalopt run lorenz` or `causalopt rates lorenz` or "
        "`causalopt derive lorenz` ('a' does not follow from its own step's values alone)"
    ),
}


@pytest.mark.parametrize("words", KINDS)
def test_a_command_for_another_kind_of_model(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 2
    assert capsys.readouterr().err == f"error: {KINDS[words]}\n"


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """A model text with a few characters lost, doubled, or changed for those people mistype."""
    text = GOOD
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(0, 3))
        typed = draw(
            st.text(st.sampled_from("{}[](),:;'\"\t \n-−^&|!?=*%@#\\“”0x1ekRT.$"), max_size=3)
        )
        text = text[:place] + typed + text[place + length :]
    return text


def refusal(text: str) -> CausaloptError | None:
    """Return the error that a text is; whatever else it raises goes through."""
    try:
        parse_model(text, name="room.yaml")
    except CausaloptError as error:
        return error
    return None


@given(text=spoilt())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_spoilt_text_is_read_or_refused_in_words(text: str) -> None:
    error = refusal(text)
    if error is not None:
        assert error.message.strip()
        assert error.location.file == "room.yaml"
        assert error.location.line is not None
        assert 1 <= error.location.line <= len(text.splitlines()) + 1


@given(text=spoilt())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_check_answers_a_spoilt_text_whatever_it_is(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "room.yaml"
    file.write_text(text, encoding="utf-8")
    code = main(["check", str(file)])
    printed = capsys.readouterr()
    assert code in {0, 2}
    assert bool(printed.out) == (code == 0)
    if code == 2:
        assert all(line.startswith(("error: ", "  ")) for line in printed.err.splitlines())
        assert "error: " in printed.err

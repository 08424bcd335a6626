"""Input that is meant to hurt: an error or an answer, quickly and in one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from causalopt import Model, ModelError, QuestionError, load, parse_model, rates, run
from causalopt.cli import main


def doubling(depth: int) -> dict[str, str]:
    bodies = {"f0(x)": "x + x"}
    return bodies | {f"f{i}(x)": f"f{i - 1}(x)*f{i - 1}(x + {i})" for i in range(1, depth)}


def test_functions_that_multiply_are_refused() -> None:
    variables = {"x": {"rule": "f30(x[t-1])", "initial": 1}}
    with pytest.raises(ModelError, match="more than 100000 operations long"):
        Model(name="m", functions=doubling(31), variables=variables)


def test_functions_that_share_are_not() -> None:
    bodies = {"f0(x)": "x + x"} | {f"f{i}(x)": f"f{i - 1}(f{i - 1}(x))" for i in range(1, 6)}
    model = Model(name="m", functions=bodies, variables={"y": 1, "x": "f5(y)"})
    assert run(model, nudge="y", hold=[], target="x").total[0] == 2.0**32


def test_a_variable_called_a_does_not_stand_for_the_partition() -> None:
    variables = {
        "A": {"rule": "0.5*x[t-1]", "initial": 1},
        "c": {"rule": "0.2*x[t-1]", "initial": 1},
        "x": {"rule": "x[t-1] - A[t-1] - c[t-1]", "initial": 1},
    }
    question = {"nudge": "x[0]", "target": "x", "steps": 6}
    model = Model(name="m", variables=variables, partition={"A": ["c"]}, question=question)
    assert run(model).op[-1] == run(model, hold="c").op[-1] != run(model, hold="A").op[-1]
    assert rates(model, steps=50).hold == "c"


@pytest.mark.parametrize("hold", ["T[5000]", "T[t>5000]"])
def test_a_held_set_after_the_run_is_refused(hold: str) -> None:
    with pytest.raises(QuestionError, match="lie after the last step 1000"):
        run(load("thermostat"), hold=hold)


@pytest.mark.parametrize(
    ("rule", "message"),
    [("t", "model without time"), ("x[0]", "model without time"), ("2*time", "model without time")],
)
def test_a_clock_without_time_is_explained(rule: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Model(name="m", variables={"x": 1, "y": rule})


@pytest.mark.parametrize(
    "words",
    [
        ["run", "thermostat", "--steps", "9" * 20],
        ["run", "thermostat", "--steps", "999999999999"],
        ["run", "a" * 5000],
        ["run", "thermostat", "--seed", "-1"],
        ["run", "thermostat", "--initial", "R=nan"],
    ],
)
def test_absurd_requests_are_exit_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    assert "function-before" not in message


@pytest.mark.parametrize(
    ("text", "kind"),
    [("variables = " + "[" * 5000, "toml"), ("[" * 5000, "yaml"), ("[" * 5000, "json")],
)
def test_deep_nesting_is_an_error_in_every_format(text: str, kind: str) -> None:
    with pytest.raises(ModelError):
        parse_model(text, kind)


def test_a_misspelt_key_is_named_before_the_one_it_hides() -> None:
    with pytest.raises(ModelError, match="unknown key 'varables'; did you mean 'variables'"):
        parse_model("name: m\nvarables: {x: 1}\n")


def test_a_name_spelt_in_pieces_is_refused() -> None:
    with pytest.raises(ModelError, match="spell it"):
        Model(name="m", variables={"e\u0301": 1})


def test_a_long_name_is_shortened_in_messages() -> None:
    with pytest.raises(ModelError) as caught:
        Model(name="m", variables={"x": "y" * 20_000})
    assert len(str(caught.value)) < 300


def test_a_full_disk_is_no_traceback() -> None:
    import subprocess
    import sys

    if not Path("/dev/full").exists():
        return
    line = f"{sys.executable} -m causalopt models > /dev/full"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "k=0:1:" + "9" * 20], "COUNT is at most 2^62"),
        (["--grid", "k=0:1:3", "--set", "k=2"], "swept and given by --set"),
        (["--grid", "R[0]=0:1:3", "--initial", "R=3"], "swept and given by --initial"),
        (["--grid", "R[1]=0:1:3"], "follows its rule"),
    ],
)
def test_a_sweep_that_would_mislead_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "thermostat", *words]) == 2
    assert message in capsys.readouterr().err

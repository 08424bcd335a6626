"""The commands as a user meets them: their output, their exit codes, their errors."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from causalopt import load, run
from causalopt.cli import COMMANDS, application, main

BROKEN = """\
name: broken
parameters: {k: 0.01}
variables:
  T: {rule: "R[t-1] - 25", initial: 10}
  R: {rule: "R[t-1] - kk*T[t-1]", initial: 35}
"""


def output(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == 0
    return capsys.readouterr().out


def strict(text: str) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_run_prints_the_contracts_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = strict(output(capsys, "run", "thermostat", "--steps", "10", "--json"))
    assert list(found) == [
        "model",
        "nudge",
        "hold",
        "target",
        "steps",
        "delta",
        "t",
        "step",
        "W",
        "total",
        "direct",
        "comp",
        "op",
        "status",
    ]
    assert found["op"] == run(load("thermostat"), steps=10).op.tolist()
    assert all(len(found[key]) == 11 for key in ("t", "total", "direct", "comp", "op", "status"))
    assert found["delta"] is None
    assert (found["nudge"], found["hold"], found["target"]) == ("R[0]", "T", "R")


def test_a_finite_run_has_x_and_y_too(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "thermostat", "--steps", "5", "--delta", "0.5", "--json"]
    found = strict(output(capsys, *words))
    assert found["X"]["R"][0] - found["W"]["R"][0] == 0.5
    assert found["Y"]["T"] == found["W"]["T"]


def test_time_is_steps_times_dt(capsys: pytest.CaptureFixture[str]) -> None:
    found = strict(output(capsys, "run", "lorenz", "--steps", "4", "--dt", "0.5", "--json"))
    assert found["t"] == [0, 0.5, 1, 1.5, 2]
    assert found["step"] == [0, 1, 2, 3, 4]


def test_infinities_and_the_undefined_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "thermostat", "--steps", "3", "--set", "k=1", "--json"]
    found = strict(output(capsys, *words))
    assert found["op"][2] == "inf"
    words = ["run", "thermostat", "--steps", "3", "--target", "T", "--json"]
    found = strict(output(capsys, *words))
    assert found["op"] == [None, "-inf", "-inf", "-inf"]
    assert found["comp"][1] == "inf"


def test_changes_of_the_command_line_reach_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--set", "rho=0.8", "--initial", "a=2", "--method", "rk4", "--dt", "0.02", "--json"]
    found = strict(output(capsys, "run", "lorenz", "--steps", "50", *words))
    model = load("lorenz").replace(parameters={"rho": 0.8}, initial={"a": 2}, method="rk4", dt=0.02)
    assert found["op"] == run(model, steps=50).op.tolist()


def test_run_writes_its_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import xarray

    data, picture = tmp_path / "run.nc", tmp_path / "run.png"
    output(capsys, "run", "thermostat", "--steps", "20", "--out", str(data), "--plot", str(picture))
    with xarray.open_dataset(data, engine="h5netcdf") as dataset:
        assert dataset["op"].values[20] == run(load("thermostat"), steps=20).op[20]
        assert dataset.attrs["model_hash"] == load("thermostat").fingerprint
        assert dataset["value"].dims == ("world", "variable", "t")
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.nc", "run.png"]


def test_rates_prints_the_contracts_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = strict(output(capsys, "rates", "thermostat", "--steps", "500", "--json"))
    assert {"lyapunov", "conditional", "op_rate", "unit"} <= set(found)
    assert found["op_rate"] == pytest.approx(-math.log((1 + math.sqrt(0.96)) / 2))


def test_models_lists_what_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "models")
    assert {"thermostat", "thermostat_saturating", "lorenz"} <= {
        line.split()[0] for line in text.splitlines()
    }
    assert all(m["source"] for m in strict(output(capsys, "models", "--json")))


def test_check_prints_variables_parameters_and_edges(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "check", "thermostat")
    for part in ("R[t-1] - k*T[t-1]", "k = 0.01", "R[t-1] -> T[t]"):
        assert part in text
    found = strict(output(capsys, "check", "lorenz", "--json", "--method", "rk4"))
    assert found["parameters"]["beta"] == pytest.approx(8 / 3)
    assert found["variables"]["a"]["rule"] == "d a/dtime = sigma*(b - a)"
    assert set(found["variables"]) == {"a", "b", "c"}
    staged = strict(output(capsys, "check", "lorenz", "--json", "--method", "rk4", "--stages"))
    assert "a.2" in staged["variables"]


def test_check_names_each_dim_of_an_array_though_two_are_called_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = output(capsys, "check", "trained_conjugate")
    assert re.search(r"^W +B +coordinate=3, coordinate=3 ", text, re.MULTILINE)
    assert re.search(r"^loss +B +a number ", text, re.MULTILINE)
    found = strict(output(capsys, "check", "trained_conjugate", "--json"))["variables"]
    assert found["W"]["dims"] == ["coordinate", "coordinate"]
    assert found["W"]["shape"] == [3, 3]
    assert found["loss"]["shape"] == []


def test_schema_is_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert "variables" in strict(output(capsys, "schema"))["properties"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nope"], "no shipped model is called 'nope'"),
        (["run", "thermostatt"], "did you mean 'thermostat'"),
        (["run", "thermostat", "--nudge", "Q[0]"], "unknown variable 'Q'"),
        (["run", "thermostat", "--nudge", "T[0]"], "the nudge is made in B"),
        (["run", "thermostat", "--set", "kk=1"], "did you mean 'k'"),
        (["run", "thermostat", "--set", "k"], "--set takes NAME=VALUE"),
        (["run", "thermostat", "--set", "k=1/0"], "finite"),
        (["run", "thermostat", "--initial", "R=x"], "unknown name 'x'"),
        (["run", "thermostat", "--steps", "-1"], "whole number from 0"),
        (["run", "thermostat", "--steps", "x"], "valid integer"),
        (["run", "thermostat", "--stepz", "3"], "--steps"),
        (["run", "thermostat", "--method", "rk4"], "no|none"),
        (["run", "lorenz", "--method", "rk5"], "euler"),
        (["run", "lorenz", "--dt", "0"], "greater than 0"),
        (["run", "thermostat", "--out", "no/such/run.nc"], "does not exist"),
        (["run", "thermostat", "--out", "run.txt"], "must end in .csv, .json, .nc"),
        (["run", "thermostat", "--plot", "run.gif"], "must end in .png"),
        (["rates", "thermostat", "--hold", "T[t<=3]"], "hold whole variables"),
        (["check", "no.yaml"], "cannot read 'no.yaml'"),
        (["nonsense"], "nonsense"),
        (["run"], "MODEL"),
    ],
)
def test_wrong_input_is_exit_2_and_one_message(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "Traceback" not in captured.err
    assert main([*words, "--json"]) == 2
    error = strict(capsys.readouterr().out)["error"]
    assert set(error) == {"message", "file", "line", "column"}
    import re

    assert re.search(message, error["message"])


def test_an_error_in_a_file_has_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    assert main(["run", str(file)]) == 2
    assert f"{file}:5:23: unknown name 'kk'; did you mean 'k'?" in capsys.readouterr().err
    assert main(["check", str(file), "--json"]) == 2
    error = strict(capsys.readouterr().out)["error"]
    assert (error["file"], error["line"], error["column"]) == (str(file), 5, 23)


def test_a_refused_run_writes_nothing(tmp_path: Path) -> None:
    words = ["--out", str(tmp_path / "a.nc"), "--plot", str(tmp_path / "a.png")]
    assert main(["run", "thermostat", "--nudge", "T[0]", *words]) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_ends_cleanly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("causalopt.effects.running.run", interrupted)
    assert main(["run", "thermostat"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_long_work_reports_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("causalopt.work.progress.PATIENCE", 0.0)
    assert main(["run", "lorenz", "--steps", "20000", "--json"]) == 0
    captured = capsys.readouterr()
    assert "running: " in captured.err
    strict(captured.out)


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["models"], ["--version"]])
def test_the_installed_program_answers(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "causalopt", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stdout


def test_a_closed_pipe_is_no_traceback() -> None:
    line = f"{sys.executable} -m causalopt run thermostat --json | head -c 10"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stdout == '{"model": '
    assert done.stderr == ""


@pytest.mark.parametrize("words", [[], ["--help"], ["swep"], ["--json", "sweep"]])
def test_all_commands_are_there_where_none_is_asked_for(words: list[str]) -> None:
    found = [
        command.callback.__name__.rstrip("_") for command in application(words).registered_commands
    ]
    assert found == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_asked_for_is_built_alone(name: str) -> None:
    found = application([name, "--json"]).registered_commands
    assert [command.callback.__name__.rstrip("_") for command in found] == [name]


def test_a_process_prints_all_it_has_to_say_and_ends_with_its_code() -> None:
    command = [sys.executable, "-m", "causalopt", "run", "thermostat", "--steps", "3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert strict(done.stdout)["steps"] == 3
    command[4] = "no_such_model"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no_such_model" in strict(done.stdout)["error"]["message"]


def test_a_wrong_use_names_the_help_of_its_own_command(capsys: pytest.CaptureFixture[str]) -> None:
    for words, hint in (
        (["escape", "sgd_pit"], "Try 'causalopt escape --help'."),
        (["nonsense"], "Try 'causalopt --help'."),
    ):
        assert main(words) == 2
        assert capsys.readouterr().err.rstrip().endswith(hint)

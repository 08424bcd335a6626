"""`causalopt frequency`: its table, its JSON, its files, its options and its refusals."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

import causalopt
from causalopt.cli import main
from causalopt.commands.grid_axes import read_frequencies
from causalopt.errors import QuestionError


def output(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["frequency", *words]) == 0
    return capsys.readouterr().out


def test_json_is_strict_and_that_of_python(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    words = ["pid_loop", "--frequencies", "0.01:1:5", "--json"]
    found = json.loads(output(capsys, *words), parse_constant=refuse)
    model = causalopt.load("pid_loop")
    expected = causalopt.frequency(model, frequencies=[0.01, 10**-1.5, 0.1, 10**-0.5, 1.0])
    assert found["op"] == pytest.approx(expected.op.tolist())
    assert found["zero"] == {"comp": 0.0, "op": "inf", "status": "perfect"}
    assert found["unit"] == "rad/step"
    assert found["stability"]["total"] == "stable"
    assert found["poles"]["shared"] == {"real": [1.0], "imag": [0.0]}
    assert len(found["comp"]["real"]) == len(found["status"]) == 5


def test_the_table_has_margins_and_the_integral(capsys: pytest.CaptureFixture[str]) -> None:
    shown = output(capsys, "thermostat", "--set", "k=0.2")
    for words in ("gain margin    5 ", "phase margin", "delay margin", "peak M_s", "bandwidth"):
        assert words in shown
    assert "mean of Op     0 nats" in shown
    assert re.search(r"^ +0 +0 +inf +perfect$", shown, re.MULTILINE)


def test_selectors_reach_the_question(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["pid_loop", "--nudge", "room", "--hold", "integral", "--target", "error"]
    found = json.loads(output(capsys, *words, "--frequencies", "0.1", "--json"))
    assert (found["nudge"], found["hold"], found["target"]) == ("room", "integral", "error")
    rest = ["adaptation", "--initial", "methylation=3", "--frequencies", "0.1", "--json"]
    assert json.loads(output(capsys, *rest))["linearised"] == "rest"
    frozen = [*rest, "--at", "7"]
    assert json.loads(output(capsys, *frozen))["at"] == 7


def test_time_units_and_dt(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["chemotaxis", "--dt", "0.05", "--per", "time", "--json"]
    found = json.loads(output(capsys, *words))
    assert found["nyquist"] == pytest.approx(math.pi / 0.05)
    assert found["frequency"][-1] == pytest.approx(math.pi / 0.05)


@pytest.mark.parametrize("kind", ["bode", "nichols", "nyquist"])
def test_pictures_and_data_are_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    picture, data = tmp_path / "loop.svg", tmp_path / "loop.nc"
    output(capsys, "pid_loop", "--plot", str(picture), "--kind", kind, "--out", str(data))
    assert "<svg" in picture.read_text()
    assert data.stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pid_loop", "--frequencies", "0.1:1:0"], "COUNT must be at least 1"),
        (["pid_loop", "--frequencies", "4"], "Nyquist frequency pi/dt = 3.14159"),
        (["pid_loop", "--kind", "bode"], "give --plot FILE too"),
        (["pid_loop", "--hold", "heater[3]"], "hold whole variables"),
        (["lorenz_controlled", "--steps", "900"], "--at N"),
        (["amortized"], "no time, and so no frequencies"),
        (["pid_loop", "--plot", "loop.txt"], "must end in .png"),
    ],
)
def test_wrong_use_is_exit_2_and_one_message(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["frequency", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert main(["frequency", *words, "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.01:1:3", [0.01, 0.1, 1.0]),
        ("log:0.01:1:3", [0.01, 0.1, 1.0]),
        ("0.5", [0.5]),
        ("0.1, 3", [0.1, 3.0]),
        ("2:2:1", [2.0]),
    ],
)
def test_frequencies_are_read_from_a_text(text: str, expected: list[float]) -> None:
    assert read_frequencies(text).tolist() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "takes LO:HI:COUNT or W1,W2,..."),
        ("a", "takes LO:HI:COUNT or W1,W2,..."),
        ("0.1:1", "takes LO:HI:COUNT or W1,W2,..."),
        ("0.1:1:2:3", "takes LO:HI:COUNT or W1,W2,..."),
        ("1:2:1.5", "takes LO:HI:COUNT or W1,W2,..."),
        ("0:1:5", "0:1:5: a log axis has LO and HI of one sign, neither of them 0"),
        ("0.1:1:0", "0.1:1:0: COUNT must be at least 1"),
        ("0.1:1:-2", "0.1:1:-2: COUNT must be at least 1"),
        ("0.1:inf:3", "0.1:inf:3: LO and HI are finite numbers"),
    ],
)
def test_a_text_that_means_no_frequencies_is_refused(text: str, message: str) -> None:
    with pytest.raises(QuestionError, match=re.escape(f"--frequencies {message}")):
        read_frequencies(text)

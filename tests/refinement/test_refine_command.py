"""causalopt refine: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import causalopt
from causalopt.cli import main

MODEL = "thermostat_saturating"
WORDS = ["refine", MODEL, "--grid", "R[0]=5.03:45.07"]


def test_a_tolerance_is_reached_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--tolerance", "5e-4", "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert found["reached"] is True
    assert abs(found["power"] - 19.96) <= found["error"] <= 5e-4  # 2 p (t - dt)
    assert "first, of 65 even points: power 19." in shown.err


def test_it_prints_what_the_function_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*WORDS, "--points", "200", "--level", "5", "--at", "100"]) == 0
    model = causalopt.load(MODEL)
    result: Any = causalopt.refine(model, {"R[0]": (5.03, 45.07)}, points=200, level=5, at=100)
    shown = capsys.readouterr()
    assert shown.out == f"{result}\n"
    assert "length where Op > 5" in shown.out
    assert "first, of 65 even points: where Op > 5: " in shown.err


def test_its_options_reach_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--set p=0.5 --initial T=1 --dt 0.05 --steps 60 --measure op --points 90"
    assert main([*WORDS, *words.split(), "--delta", "0.5", "--json"]) == 0
    model = causalopt.load(MODEL).replace(parameters={"p": 0.5}, initial={"T": 1}, dt=0.05)
    result: Any = causalopt.refine(
        model, {"R[0]": (5.03, 45.07)}, steps=60, measure="op", points=90, delta=0.5
    )
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(result.to_dict()))


def test_the_picture_of_the_preview_stands_until_the_result_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from causalopt.commands import options

    written: list[str] = []
    write = options.write_figure

    def noted(figure: Any, path: Path) -> None:
        write(figure, path)
        written.append(figure.get_suptitle())

    monkeypatch.setattr(options, "write_figure", noted)
    file = tmp_path / "picture.svg"
    words = ["--points", "150", "--steps", "100", "--plot", str(file)]
    assert main([*WORDS, *words]) == 0
    assert [title.split(", ")[-1] for title in written] == ["65 points", "150 points"]
    assert file.read_text().count("<svg") == 1


def test_files_have_the_points(tmp_path: Path) -> None:
    table, data = tmp_path / "found.csv", tmp_path / "found.nc"
    words = ["--points", "40", "--steps", "60", "--csv", str(table), "--out", str(data)]
    assert main([*WORDS, *words]) == 0
    assert len(table.read_text().splitlines()) == 41
    assert data.exists()


REFUSED = {
    "": "a refinement ends by points or by a tolerance",
    "--tolerance 0": "tolerance is an error that may be left, a finite number above 0, found 0",
    "--tolerance -1": "a finite number above 0, found -1",
    "--tolerance nan": "a finite number above 0, found nan",
    "--points 3": "points lies between 16 and 1,000,000, found 3",
    "--points 90 --grid p=2:1": "the axis 'p' takes its lower end first, found (2, 1)",
    "--points 90 --grid p=nan:1": "takes a range of finite numbers",
    "--points 90 --grid p=1:2:30": "--grid takes AXIS=LO:HI such as R[0]=5:45 (points are not",
    "--points 90 --grid p=1": "--grid takes AXIS=LO:HI such as R[0]=5:45",
    "--points 90 --grid p": "--grid takes AXIS=LO:HI such as R[0]=5:45",
    "--points 90 --grid =1:2": "--grid takes AXIS=LO:HI such as R[0]=5:45",
    "--points 90 --grid R[0]=1:2": "--grid names the axis 'R[0]' twice: drop one of them",
    "--points 90 --grid q=1:2": "unknown axis 'q'",
    "--points 90 --grid R[3]=1:2": "the axis 'R[3]' is a node that follows its rule",
    "--points 90 --initial R=3": "'R' is swept and given by --initial too: drop one of them",
    "--points 90 --grid p=1:2 --set p=1": "'p' is swept and given by --set too: drop one of them",
    "--points 90 --level nan": "the level is a finite number of nats, found nan",
    "--points 90 --level 1 --measure op": "with a level points are added where Op passes it",
    "--tolerance 1 --measure op": "a tolerance is on power, or on the area above a level",
    "--points 90 --delta 0": "delta",
    "--points 90 --workers 0": "workers must be at least 1, found 0",
    "--points 90 --plot x.gif": "x.gif",
    "--points 90 --out nowhere/x.nc": "nowhere",
}


@pytest.mark.parametrize("words", REFUSED)
def test_wrong_input_is_one_message_and_nothing_else(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*WORDS, *words.split(), "--json"]) == 2
    shown = capsys.readouterr()
    assert REFUSED[words] in json.loads(shown.out)["error"]["message"]
    assert "first, of" not in shown.err
    assert not list(tmp_path.iterdir())

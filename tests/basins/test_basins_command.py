"""causalopt basins: its JSON, its text, its pictures and its errors."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from causalopt import write_model
from causalopt.cli import main
from tests.basins.shapes import disk

PLANE = ["--grid", "x[0]=-1.13:1.31", "--grid", "y[0]=-1.21:1.17"]


@pytest.fixture
def model(tmp_path: Path) -> str:
    write_model(disk(), tmp_path / "disk.yaml")
    return str(tmp_path / "disk.yaml")


def output(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["basins", *words]) == 0
    return capsys.readouterr().out


def test_prints_regions_as_strict_json(capsys: pytest.CaptureFixture[str], model: str) -> None:
    text = output(capsys, model, *PLANE, "--level", "0.5", "--json")
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(found)[:10] == [
        "model", "nudge", "hold", "target", "at", "level", "over", "shape", "depth", "asked",
    ]  # fmt: skip
    assert found["low"] <= math.pi * math.exp(-0.5) <= found["high"]
    assert found["over"] == {"x[0]": [-1.13, 1.31], "y[0]": [-1.21, 1.17]}
    (region,) = found["regions"]
    assert set(region) == {
        "label", "measure", "low", "high", "joins", "extent", "op_max", "op_max_at",
    }  # fmt: skip


def test_a_count_and_a_depth_are_those_of_the_cells(
    capsys: pytest.CaptureFixture[str], model: str
) -> None:
    words = ["--grid", "x[0]=-1.13:1.31:12", "--grid", "y[0]=-1.21:1.17:10", "--depth", "1"]
    found = json.loads(output(capsys, model, *words, "--json"))
    assert found["shape"] == [24, 20]


def test_a_level_that_no_point_reaches_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["thermostat", "--grid", "R[0]=5:45", "--level", "50"]
    text = output(capsys, *words)
    assert "no point that was asked lies above" in text
    found = json.loads(output(capsys, *words, "--json"))
    assert found["regions"] == []
    assert found["op_max"] == pytest.approx(10.14316586, abs=1e-8)


def test_attractors_stand_beside(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "basins.png"
    words = ["lorenz", "--set", "rho=10", "--method", "rk4", "--dt", "0.02", "--steps", "40"]
    words += ["--grid", "a[0]=-20:20:16", "--grid", "b[0]=-25:25:16", "--depth", "1"]
    text = output(capsys, *words, "--attractors", "--plot", str(picture))
    assert "1: fixed point at" in text
    assert "compressed: by A" in text
    assert picture.read_bytes()[:4] == b"\x89PNG"
    found = json.loads(output(capsys, *words, "--attractors", "--json"))
    assert len(found["attraction"]["attractors"]) == 2
    assert found["contingency"]["rows"][:2] == ["1", "2"]


def test_a_range_is_where_attractors_are_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["lorenz", "--set", "rho=0.5", "--grid", "a[0]=-2:2:4", "--depth", "0", "--steps", "40"]
    words += ["--attractors", "--within", "a=-5:5", "--within", "c=-4:4", "--json"]
    found = json.loads(output(capsys, *words))
    assert found["attraction"]["grid"]["a"] == [-5.0, 5.0]
    assert found["attraction"]["grid"]["c"] == [-4.0, 4.0]


def test_along_a_parameter_regions_basins_or_the_rate_are_followed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    grid = ["--grid", "a[0]=-9:9:8", "--depth", "1", "--steps", "40"]
    found = json.loads(output(capsys, "lorenz", *grid, "--along", "rho=1:9:3", "--json"))
    assert found["values"] == [1.0, 5.0, 9.0]
    words = [*grid, "--along", "rho=0.5:5:2", "--attractors", "--json"]
    found = json.loads(output(capsys, "lorenz", *words))
    assert [event["kind"] for event in found["events"]] == ["splits"]
    words = ["--along", "k=0.01:0.02:2", "--steps", "4000"]
    found = json.loads(output(capsys, "thermostat", *words, "--json"))
    exact = [-math.log((1 + math.sqrt(1 - 4 * k)) / 2) for k in (0.01, 0.02)]
    assert found["op_rate"] == pytest.approx(exact, rel=1e-6)
    picture = tmp_path / "rate.svg"
    output(capsys, "thermostat", *words, "--plot", str(picture))
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "basins need an axis of starting values"),
        (["--grid", "rho=1:2"], "'rho' is a parameter"),
        (["--grid", "a[0]=1"], "--grid takes a[0]=-20:20"),
        (["--grid", "a[0]=1:2:3:4"], "--grid takes a[0]=-20:20"),
        (["--grid", "=1:2"], "--grid takes a[0]=-20:20"),
        (["--grid", "a[0]=1:2:0"], "COUNT must be at least 1"),
        (["--grid", "a[0]=2:1"], "the lower one first"),
        (["--grid", "a[0]=0:1", "--grid", "a[0]=0:2"], "names an axis twice"),
        (["--grid", "a[0]=0:1:4", "--grid", "b[0]=0:2"], "a COUNT for every axis, or for none"),
        (["--grid", "a[0]=0:1", "--hold", "b"], "the nudge is made in B"),
        (["--grid", "a[0]=0:1", "--within", "c=0:1"], "give --attractors too"),
        (["--grid", "a[0]=0:1", "--attractors", "--within", "c=0"], "--within takes c=0:50"),
        (["--grid", "a[0]=0:1", "--along", "rho=1:"], "--along takes NAME=LO:HI:COUNT"),
        (["--grid", "a[0]=0:1", "--along", "a=1:2:3"], "no parameter"),
        (["--grid", "a[0]=0:1", "--plot", "x.gif"], "must end in .png"),
        (["--grid", "a[0]=0:1", "--level", "x"], "valid number"),
    ],
)
def test_wrong_input_is_exit_2_and_one_message(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["basins", "lorenz", *words]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""
    assert main(["basins", "lorenz", *words, "--json"]) == 2
    assert message in json.loads(capsys.readouterr().out)["error"]["message"]

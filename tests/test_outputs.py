"""Where a command's result goes: files by their suffix, its picture, and what is printed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt.cli import main


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words, "--json"]) == 2
    found: str = json.loads(capsys.readouterr().out)["error"]["message"]
    return found


def test_all_files_of_one_run_hold_the_same_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import xarray

    table, data, picture = (str(tmp_path / name) for name in ("t.csv", "d.nc", "p.svg"))
    words = ["--csv", table, "--out", data, "--plot", picture, "--theme", "dark"]
    found = asked(capsys, "run", "thermostat", "--steps", "7", *words)
    rows = list(csv.DictReader(Path(table).read_text().splitlines()))
    assert [float(row["op"]) for row in rows] == found["op"]
    assert xarray.open_dataset(data, engine="h5netcdf").op.values.tolist() == found["op"]
    assert "#16191d" in Path(picture).read_text()


def test_what_was_written_is_told_on_stderr_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    assert main(["rates", "thermostat", "--steps", "60", "--csv", str(file)]) == 0
    told = capsys.readouterr()
    assert told.err.splitlines()[-1] == f"wrote {file}"
    assert str(file) not in told.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--csv", "x.txt"], "'x.txt' must end in .csv"),
        (["--out", "x.txt"], "'x.txt' must end in .csv, .json, .nc, .parquet or .zarr"),
        (["--plot", "x.txt"], "'x.txt' must end in .png or .pdf or .svg"),
        (["--theme", "dark"], "--theme says how --plot looks: give --plot FILE too"),
        (["--csv", "no/x.csv"], "the folder 'no' does not exist: make it first"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_any_work(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(causalopt, "run", None, raising=False)
        assert refused(capsys, "run", "thermostat", *words) == message
    assert not list(tmp_path.iterdir())


def test_a_comparison_is_a_page_a_text_or_a_table(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, start in (("c.html", "<!doctype html>"), ("c.md", "|")):
        file = tmp_path / name
        asked(capsys, "compare", "base_optimizer", "--out", str(file))
        assert start in file.read_text().lower()
    message = refused(capsys, "compare", "base_optimizer", "--out", "c.txt")
    assert ".html or .md or .csv or .json or .nc" in message


def test_changes_are_of_one_compared_model(capsys: pytest.CaptureFixture[str]) -> None:
    def op(*words: str) -> str:
        cells = asked(capsys, "compare", "base_optimizer", *words)
        return json.dumps(cells)

    assert op("--set", "eta=0.3") != op()
    message = refused(capsys, "compare", "base_optimizer", "lorenz", "--set", "eta=0.3")
    assert message.endswith("change one model, and 2 are compared: name one")


def test_entropy_takes_what_its_function_takes(capsys: pytest.CaptureFixture[str]) -> None:
    model = causalopt.load("thermostat_dumb")
    words = ["--at", "1", "--initial", "uniform", "--unit", "nat"]
    found = asked(capsys, "entropy", "thermostat_dumb", *words)
    bits = asked(capsys, "entropy", "thermostat_dumb", *words[:-2])
    assert found["S"] == pytest.approx(bits["S"] * np.log(2))
    for extra, options in (
        (["--horizon", "3"], {"horizon": 3}),
        (["--lasting", "ever", "--horizon", "3"], {"lasting": None, "horizon": 3}),
        (
            ["--fresh", "--lasting", "3", "--horizon", "4"],
            {"fresh": True, "lasting": 3, "horizon": 4},
        ),
    ):
        found = asked(capsys, "entropy", "thermostat_dumb", "--at", "1", *extra)
        told: Any = options
        own = causalopt.strength(model, at=1, **told)
        assert found == own.to_dict()
    message = refused(capsys, "entropy", "thermostat_dumb", "--lasting", "long")
    assert message == "--lasting takes a number of steps such as 3, or ever; found 'long'"


def test_laws_of_one_side_are_drawn_as_bars(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for words in ([], ["--targets", "room"]):
        file = tmp_path / "entropy.png"
        asked(capsys, "entropy", "thermostat_smart", *words, "--plot", str(file))
        assert file.read_bytes().startswith(b"\x89PNG")
        file.unlink()


def test_a_film_is_a_page_or_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    short = ["--seeds", "2", "--updates", "2", "--frames", "2", "--starts", "2"]
    page, table = tmp_path / "f.html", tmp_path / "f.csv"
    words = ["watch", "cart_pole", *short, "--permutations", "0"]
    found = asked(capsys, *words, "--out", str(page), "--csv", str(table))
    assert "<html" in page.read_text()
    rows = list(csv.DictReader(table.read_text().splitlines()))
    pairs = [(int(row["update"]), int(row["seed"])) for row in rows]
    assert pairs == [(u, s) for u in found["update"] for s in found["seeds"]]
    ops = [value for frame in found["op"] for value in frame]
    assert [float(row["op"]) for row in rows] == pytest.approx(ops)
    assert [float(row["op_mean"]) for row in rows][::2] == pytest.approx(found["op_mean"])


def test_lines_of_a_descent_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "descent", "sgd_pit", "--show", "gradients", "--span", "0.5:2.5")
    lines = [line for panel in found["panels"] for line in panel["lines"]]
    assert lines
    assert all(len(line["x"]) == len(line["y"]) for line in lines)
    assert main(["descent", "sgd_pit", "--show", "losses"]) == 2
    assert "give --plot FILE, or --json for its lines" in capsys.readouterr().err


def test_graphs_are_of_the_changed_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def drawn(*words: str) -> str:
        file = tmp_path / "g.svg"
        words = ("draw", "thermostat", "--steps", "3", "--slopes", "--out", str(file), *words)
        asked(capsys, *words)
        return file.read_text()

    assert drawn("--set", "k=0.9") != drawn()


def test_currents_are_drawn_round_a_step(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def drawn(*words: str) -> str:
        file = tmp_path / "g.svg"
        asked(capsys, "currents", "thermostat", "--steps", "400", "--draw", str(file), *words)
        return file.read_text()

    found = drawn("--around", "200")
    assert found != drawn()
    assert "200" in found
    message = refused(capsys, "currents", "thermostat", "--columns", "5")
    assert message == "--columns says how the graph is drawn: give --draw FILE too"

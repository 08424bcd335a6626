"""Files by suffix: what is written is read back, by other readers, with one meaning of status."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

import causalopt
from causalopt import FileError, Model, load, run, sweep
from causalopt.cli import main
from causalopt.commands.options import result_file
from causalopt.errors import MissingPackageError
from causalopt.saving.file_formats import FORMATS
from tests.showing.kinds import KINDS
from tests.showing.test_rich_results import found

# Op of this is ok, -inf, undefined, ... by the start of n: every kind of number is in its files.
BENT = Model(
    name="bent",
    variables={"n": {"initial": 1}, "a": "max(n, 1)", "m": "n - a"},
    question={"nudge": "n", "hold": "a", "target": "m"},
)
POINTS = {"n": [0.1, 1.0, 2.0]}


@pytest.fixture(scope="module")
def bent() -> Any:
    result = sweep(BENT, POINTS)
    assert result.status.tolist() == ["ok", "kink", "perfect"]
    assert math.isinf(result.op[2])
    return result


def read(path: Path) -> dict[str, list[Any]]:
    """Return the columns of a file of the sweep, by the reader of its kind."""
    if path.suffix == ".csv":
        rows = list(csv.reader(path.read_text().splitlines()))
        columns = dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))
        return {
            name: list(values) if name == "status" else [float(v or "nan") for v in values]
            for name, values in columns.items()
        }
    if path.suffix == ".json":
        data = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(word))
        data |= data.pop("axes")
        back = {None: math.nan, "inf": math.inf, "-inf": -math.inf}
        return {
            name: values if name == "status" else [back.get(v, v) for v in values]
            for name, values in data.items()
            if isinstance(values, list) and name != "shape"
        }
    if path.suffix == ".parquet":
        import pyarrow.parquet

        return pyarrow.parquet.read_table(path).to_pydict()
    opened = (
        xarray.open_zarr(path, consolidated=False)
        if path.suffix == ".zarr"
        else xarray.open_dataset(path, engine="h5netcdf")
    )
    with opened as data:
        return {str(name): data[name].values.tolist() for name in data.variables}


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_file_has_all_numbers_to_the_last_digit_and_statuses_as_words(
    suffix: str, bent: Any, tmp_path: Path
) -> None:
    path = bent.save(tmp_path / f"sweep{suffix}")
    assert path == tmp_path / f"sweep{suffix}"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    columns = read(path)
    assert columns["status"] == ["ok", "kink", "perfect"]
    assert columns["n"] == POINTS["n"]
    for name in ("value", "total", "direct", "comp", "op"):
        expected = bent.values if name == "value" else getattr(bent, name)
        np.testing.assert_array_equal(np.array(columns[name], float), expected)


def test_a_csv_has_one_header_row_and_full_precision(tmp_path: Path) -> None:
    result = run(load("thermostat"), steps=40)
    lines = result.save(tmp_path / "run.csv").read_text().splitlines()
    assert len(lines) == 42
    header = lines[0].split(",")
    assert header[0] == "t"
    last = dict(zip(header, lines[-1].split(","), strict=True))
    assert float(last["op"]) == result.op[40]
    assert float(last["W R"]) == result.W["R"][40]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_result_with_a_dataset_is_kept_in_every_kind_of_file(
    kind: str, tmp_path: Path
) -> None:
    result = found(kind)
    if not isinstance(result, causalopt.results.Tabled):
        assert not hasattr(result, "to_pandas")
        return
    for suffix in FORMATS:
        path = result.save(tmp_path / f"kept{suffix}")
        if suffix == ".nc":
            with xarray.open_dataset(path, engine="h5netcdf") as data:
                assert set(data.variables) == set(result.dataset.variables)
                words = data.get("status")
                if words is not None:
                    found_words = result.to_pandas("status")["status"]
                    assert {type(w) for w in found_words} <= {str}
                    assert {type(w) for w in words.values.ravel().tolist()} <= {str}


@pytest.mark.parametrize("name", ["run.xls", "run", "run.nc4", ".csv"])
def test_an_unknown_suffix_is_refused_with_those_that_are_known(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"must end in \.csv, \.json, \.nc, \.parquet or \.zarr$"):
        run(load("thermostat"), steps=3).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    assert run(load("thermostat"), steps=3).save(tmp_path / "RUN.CSV").is_file()


def test_a_missing_reader_of_columns_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'causalopt\[parquet\]'"):
        run(load("thermostat"), steps=3).save(tmp_path / "run.parquet")


def test_a_command_takes_those_asked_of_it_and_says_which() -> None:
    assert result_file(None) is None
    assert result_file("x.csv", (".csv",)) == Path("x.csv")
    with pytest.raises(FileError, match=r"'x\.nc' must end in \.csv$"):
        result_file("x.nc", (".csv",))


@pytest.mark.parametrize(
    "words",
    [
        "run thermostat --steps 5",
        "sweep thermostat --grid k=0.1:0.2:3 --steps 5",
        "currents thermostat --steps 5",
        "across thermostat --steps 3",
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".json", ".nc", ".zarr"])
def test_a_command_s_out_is_what_the_result_saves(
    words: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"out{suffix}"
    assert main([*words.split(), "--out", str(path)]) == 0
    assert path.exists()
    if suffix == ".csv":
        assert "status" in path.read_text().splitlines()[0].split(",")
    before = path.stat().st_mtime_ns
    assert main([*words.split(), "--out", str(tmp_path / "out.xls")]) == 2
    assert path.stat().st_mtime_ns == before
    capsys.readouterr()


def test_what_has_no_json_of_its_own_is_its_dataset(tmp_path: Path) -> None:
    world = causalopt.world(load("thermostat"), steps=2)
    told = json.loads(world.save(tmp_path / "w.json").read_text())
    assert told["T"] == world["T"].tolist()
    assert (told["t"], told["model"]) == ([0, 1, 2], "thermostat")
    walkers = causalopt.noisy_op(load("sgd_pit"), starts=[0.0, 0.1], steps=3)
    assert walkers.to_dict()["op"] == walkers.op.tolist()

"""Stores that were damaged, moved or never whole, and paths that lead nowhere: one message each."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from causalopt import ArgumentError, FileError, QuestionError, load, open_sweep, sweep
from causalopt.cli import main

MODEL = load("thermostat_saturating")
GRID = {"d": [20.0, 22.0, 24.0], "R[0]": [10.0, 20.0, 30.0]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    sweep(MODEL, GRID, at=20, out=tmp_path / "x.zarr", chunk=3)
    return tmp_path / "x.zarr"


def chunk_files(path: Path, name: str) -> list[Path]:
    return sorted(file for file in (path / name / "c").rglob("*") if file.is_file())


@pytest.mark.parametrize("how", ["spoiled", "cut", "gone"])
def test_damage_is_said_when_labelled_arrays_are_read(path: Path, how: str) -> None:
    file = chunk_files(path, "op")[0]
    content = bytearray(file.read_bytes())
    content[3] ^= 1
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(content if how == "spoiled" else content[:-9])
    store = open_sweep(path)
    with pytest.raises(FileError, match=r"damaged|not there") as refused:
        store.dataset.op.load()
    assert str(file.relative_to(path)) in str(refused.value)
    assert store.dataset.comp.load().notnull().all()


def test_what_is_missing_is_nan_and_no_damage(path: Path) -> None:
    whole = open_sweep(path).dataset.op.load()
    for name in ("op", "comp", "total", "direct", "value", "status", "undecided"):
        chunk_files(path, name)[0].unlink()
    marks = chunk_files(path, "done")[0]
    content = bytearray(marks.read_bytes())
    assert content[0] == 1
    marks.unlink()  # no task is marked: nothing is known to be done
    table = open_sweep(path).dataset
    assert table.op.load().isnull().sum() == whole.size
    assert int(table.done.sum()) == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [("identity", "[]"), ("identity", '{"axes": []}'), ("layout", "{}"), ("layout", "nonsense")],
)
def test_metadata_of_another_kind_is_damage(path: Path, key: str, value: str) -> None:
    file = path / "zarr.json"
    told = json.loads(file.read_text())
    told["attributes"][key] = value
    file.write_text(json.dumps(told))
    with pytest.raises(FileError, match="damaged"):
        open_sweep(path)


def test_links_that_lead_to_nothing_are_called_so(tmp_path: Path) -> None:
    link = tmp_path / "l.zarr"
    link.symlink_to(tmp_path / "nowhere.zarr")
    with pytest.raises(FileError, match="link that leads to nothing"):
        open_sweep(link)
    with pytest.raises(FileError, match="link that leads to nothing"):
        sweep(MODEL, GRID, at=20, out=link)


def test_a_store_is_read_from_another_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    store = open_sweep("x.zarr")
    monkeypatch.chdir(os.sep)
    assert store.read(0)["op"].shape == (3, 3)
    assert store.dataset.op.load().shape == (3, 3)


def test_what_runs_no_tasks_is_refused_before_a_store_is_made(tmp_path: Path) -> None:
    out = tmp_path / "x.zarr"
    with pytest.raises(ArgumentError, match=r"executor is one of concurrent\.futures"):
        sweep(MODEL, GRID, at=20, out=out, executor=ThreadPoolExecutor)  # type: ignore[arg-type]
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(ArgumentError, match="by an executor or by Dask"),
    ):
        sweep(MODEL, GRID, at=20, out=out, executor=executor, dask="tcp://h:1")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="dask names no scheduler"):
        sweep(MODEL, GRID, at=20, dask="")
    with pytest.raises(QuestionError, match="has no 'resume'"):
        sweep(MODEL, {"d": [20.0]}, at=20, seeds=3, resume=True)  # type: ignore[call-overload]
    assert list(tmp_path.iterdir()) == []


def test_seeds_and_resume_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sweep", "thermostat", "--grid", "k=0:1:3", "--seeds", "3", "--resume"]
    assert main([*words, "--out", "x.zarr"]) == 2
    assert "--seeds makes an ensemble in memory" in capsys.readouterr().err

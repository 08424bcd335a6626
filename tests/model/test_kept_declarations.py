"""A declaration kept on disk is the one its text says, and nothing else is believed."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from causalopt import ModelError, ObjectStore, load, parse_model, read_model, shipped
from causalopt.model import files, kept_declarations
from causalopt.model.kept_declarations import find_kept, keep
from causalopt.model.model import Model

TEXT = "{name: m, variables: {x: {rule: 'x[t-1]/2', initial: [1, 2.5]}}, facts: []}"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CAUSALOPT_CACHE", str(folder))
    return folder


def entry(cache: Path) -> Path:
    (found,) = (cache / "declarations").iterdir()
    return found


@pytest.mark.parametrize("name", shipped())
def test_a_kept_model_is_the_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(name)
    monkeypatch.setattr(files, "parse_model", None)  # it is not read a second time
    again = load(name)
    assert again == first
    assert repr(again.model_dump()) == repr(first.model_dump())
    assert again.fingerprint == first.fingerprint
    assert type(again.parameters) is type(first.parameters)


def test_another_text_format_or_source_is_another_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = parse_model(TEXT)
    keep(TEXT, "yaml", model)
    assert find_kept(TEXT, "yaml") is not None
    assert find_kept(TEXT, "json") is None
    assert find_kept(TEXT + " ", "yaml") is None
    for name in (*kept_declarations._SOURCES, "new"):
        (tmp_path / f"{name}.py").write_text("")
    monkeypatch.setattr(kept_declarations, "__file__", str(tmp_path / "new.py"))
    assert find_kept(TEXT, "yaml") is None
    keep(TEXT, "yaml", model)
    assert find_kept(TEXT, "yaml") is not None
    os.utime(tmp_path / "declaration.py", ns=(1, 1))
    assert find_kept(TEXT, "yaml") is None
    monkeypatch.setattr(kept_declarations, "__file__", str(tmp_path / "archive.zip" / "x.py"))
    keep(TEXT, "yaml", model)
    assert find_kept(TEXT, "yaml") is None


def test_a_damaged_entry_is_read_anew(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(TEXT)
    first = read_model(file)
    whole = entry(cache).read_bytes()
    for damaged in (whole[:-1], whole[:10], b"", whole.replace(b"2.5", b"3.5")):
        entry(cache).write_bytes(damaged)
        assert read_model(file) == first
    assert entry(cache).read_bytes() == whole


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.pop("name"),
        lambda said: said.update(more=1),
        lambda said: said.update(name=["os", ["system"]]),
        lambda said: said.update(variables=["FixedMapping", [["x"]]]),
        lambda said: said.update(variables=["Model", {}]),
        lambda said: said.update(partition=["Partition", {"A": 1}]),
        lambda said: said.update(name={"a": 1}),
    ],
)
def test_an_entry_of_another_shape_is_not_used(change: Any) -> None:
    model = parse_model(TEXT)
    keep(TEXT, "yaml", model)
    store = ObjectStore.default().beside("declarations")
    key = kept_declarations._key(TEXT, "yaml")
    assert key is not None
    said = json.loads(store.find(key) or b"")
    assert find_kept(TEXT, "yaml") is not None
    change(said)
    store.keep(key, json.dumps(said).encode())
    assert find_kept(TEXT, "yaml") is None
    for content in (b"", b"[]", b"3", b"\xff", b"[" * 100_000, pickle.dumps(model)):
        store.keep(key, content)
        assert find_kept(TEXT, "yaml") is None


def test_a_folder_that_others_can_write_is_not_believed(cache: Path) -> None:
    keep(TEXT, "yaml", parse_model(TEXT))
    (cache / "declarations").chmod(0o777)
    assert find_kept(TEXT, "yaml") is None


def test_no_cache_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSALOPT_CACHE", "")
    keep(TEXT, "yaml", parse_model(TEXT))
    assert find_kept(TEXT, "yaml") is None


def test_a_wrong_model_is_told_with_its_place_each_time(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("name: m\nvariables:\n  x: {rule: 'x[t-1] + kk', initial: 1}\n")
    for _ in range(2):
        with pytest.raises(ModelError, match=r"m\.yaml:3:23: unknown name 'kk'"):
            read_model(file)
    good = parse_model(TEXT)
    keep(file.read_text(), "yaml", named_other(good))
    assert read_model(file).name == "other"  # the entry is what is used


def named_other(model: Model) -> Model:
    return Model(**{**model.model_dump(), "name": "other"})


def _read(file: Path) -> str:
    return read_model(file).fingerprint


def test_many_processes_keep_the_same(tmp_path: Path, cache: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(TEXT)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = set(pool.map(_read, [file] * 12))
    assert found == {parse_model(TEXT).fingerprint}
    assert len(list((cache / "declarations").iterdir())) == 1


def test_a_kept_model_loads_no_reader() -> None:
    code = (
        "import sys, causalopt as c\nc.run(c.load('thermostat'), steps=3)\n"
        "print(*{'pydantic', 'ruamel', 'typer', 'tomllib'} & {*sys.modules})"
    )
    words = [sys.executable, "-c", code]
    first, again = (
        subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
        for _ in range(2)
    )
    assert set(first) == {"pydantic", "ruamel"}
    assert again == []


def test_clearing_the_cache_forgets_declarations(cache: Path) -> None:
    keep(TEXT, "yaml", parse_model(TEXT))
    store = ObjectStore(cache)
    assert store.size()[0] == 1
    assert store.clear() == 1
    assert find_kept(TEXT, "yaml") is None

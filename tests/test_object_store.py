"""Compiled objects on disk: whole, bounded, and never executed when damaged."""

from __future__ import annotations

import concurrent.futures
import os
from pathlib import Path

import pytest

from causalopt.engine.machine.native import QUICK, load_library
from causalopt.object_store import ObjectStore

TEXT = "define i64 @answer(i64 %x) {\n  %y = add i64 %x, 41\n  ret i64 %y\n}\n"


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def only_file(store: ObjectStore) -> Path:
    assert store.folder is not None
    (file,) = store.folder.iterdir()
    return file


def test_a_kept_object_is_found_again(store: ObjectStore) -> None:
    assert store.find("key") is None
    assert store.keep("key", b"image")
    assert store.find("key") == b"image"
    assert store.find("another") is None


@pytest.mark.parametrize("damage", [0, 25, 60, -1])
def test_a_damaged_object_is_removed_and_not_returned(store: ObjectStore, damage: int) -> None:
    store.keep("key", b"image" * 20)
    file = only_file(store)
    content = bytearray(file.read_bytes())
    content[damage] ^= 1
    file.write_bytes(content)
    assert store.find("key") is None
    assert not file.exists()


def test_an_object_under_another_key_is_not_returned(store: ObjectStore) -> None:
    store.keep("key", b"image")
    file = only_file(store)
    store.keep("other", b"else")
    assert store.folder is not None
    (other,) = [f for f in store.folder.iterdir() if f != file]
    os.replace(file, other)
    assert store.find("other") is None


def test_the_oldest_objects_make_room(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path, largest=4000)
    for k in range(10):
        store.keep(str(k), bytes(1000))
        os.utime(tmp_path / only_newest(tmp_path), (k + 1, k + 1))
    assert store.size()[1] <= 4000
    assert store.find("9") is not None
    assert store.find("0") is None


def only_newest(folder: Path) -> str:
    return max(folder.iterdir(), key=lambda file: file.stat().st_mtime).name


def test_many_writers_leave_one_whole_object(store: ObjectStore) -> None:
    image = os.urandom(200_000)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.keep("key", image), range(40)))
    assert store.find("key") == image
    assert store.size()[0] == 1


def test_a_folder_others_can_write_is_not_trusted(store: ObjectStore) -> None:
    store.keep("key", b"image")
    assert store.folder is not None
    store.folder.chmod(0o777)
    assert store.find("key") is None
    assert not store.keep("key", b"image")


def test_clearing_removes_every_object(store: ObjectStore) -> None:
    store.keep("a", b"1")
    store.keep("b", b"2")
    assert store.clear() == 2
    assert store.size() == (0, 0)


def test_a_store_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert not ObjectStore(tmp_path / "file" / "objects").keep("key", b"image")
    assert not ObjectStore(None).keep("key", b"image")


def test_damaged_machine_code_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAUSALOPT_CACHE", str(tmp_path / "objects"))
    first = load_library(TEXT, {"answer": 1}, QUICK)
    again = load_library(TEXT, {"answer": 1}, QUICK)
    assert (first.from_disk, again.from_disk) == (False, True)
    file = only_file(ObjectStore(tmp_path / "objects"))
    file.write_bytes(file.read_bytes()[:-3])
    third = load_library(TEXT, {"answer": 1}, QUICK)
    assert not third.from_disk
    assert third.functions["answer"](1) == 42
    assert load_library(TEXT, {"answer": 1}, QUICK).from_disk

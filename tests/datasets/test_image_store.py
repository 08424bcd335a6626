"""What is kept is what was read, or a message says that it is not."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from causalopt import FileError
from causalopt.datasets.image_store import VARIABLE, ImageStore
from tests.datasets.packages import BYTES, LABELS, package_of

FAKE = package_of(b"")
PIXELS, KINDS = np.array(BYTES, dtype=np.uint8), np.array(LABELS)


def test_images_are_found_as_they_were_kept(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "new" / "folder")
    assert not store.has(FAKE)
    kept, found = store.keep(FAKE, PIXELS, KINDS), store.find(FAKE)
    assert store.has(FAKE)
    for one in (kept, found):
        np.testing.assert_array_equal(one.images, np.array(BYTES) / 255)
        np.testing.assert_array_equal(one.labels, LABELS)
        assert (one.sha256, one.shape) == (FAKE.images_sha256, (1, 2))
        assert one.source == "npm fake@1.0.0"
    assert [file.name for file in store.folder.iterdir()] == ["fake-1.0.0.npz"]


def test_the_kept_file_is_bytes_that_need_no_pickle(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    store.keep(FAKE, PIXELS, KINDS)
    with np.load(store.file(FAKE), allow_pickle=False) as arrays:
        assert {name: array.dtype.str for name, array in arrays.items()} == {
            "images": "|u1",
            "labels": "|u1",
        }


def test_images_that_are_not_the_package_s_are_not_kept(tmp_path: Path) -> None:
    wrong = PIXELS.copy()
    wrong[3, 1] += 1
    with pytest.raises(FileError, match="were not read as they are"):
        ImageStore(tmp_path).keep(FAKE, wrong, KINDS)
    with pytest.raises(FileError, match="were not read as they are"):
        ImageStore(tmp_path).keep(FAKE, PIXELS, KINDS[::-1])
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_kept_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"not in '.*': `causalopt data fake` fetches them"):
        ImageStore(tmp_path).find(FAKE)


def arrays(**changed: Any) -> dict[str, Any]:
    return {"images": PIXELS, "labels": KINDS} | changed


@pytest.mark.parametrize(
    "found",
    [
        arrays(images=PIXELS[:, ::-1]),
        arrays(labels=KINDS[::-1]),
        arrays(images=PIXELS[:5]),
        arrays(images=PIXELS.astype(str)),
        arrays(images=np.array([{}], dtype=object)),
        {"images": PIXELS},
        {},
    ],
    ids=["turned", "labels", "short", "text", "pickle", "no labels", "nothing"],
)
def test_a_file_that_holds_something_else_is_damaged(tmp_path: Path, found: dict[str, Any]) -> None:
    store = ImageStore(tmp_path)
    np.savez(store.file(FAKE), **found)
    with pytest.raises(FileError, match=r"fake-1.0.0.npz' is damaged: remove it; `causalopt data"):
        store.find(FAKE)


def test_a_file_with_any_part_missing_or_changed_is_damaged(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    store.keep(FAKE, PIXELS, KINDS)
    whole = store.file(FAKE).read_bytes()
    middle = len(whole) // 4
    for content in (
        b"",
        b"text",
        whole[:50],
        whole[:-30],
        whole[:middle] + bytes(9) + whole[middle:],
    ):
        store.file(FAKE).write_bytes(content)
        with pytest.raises(FileError, match="is damaged"):
            store.find(FAKE)


def test_a_part_that_does_not_unpack_is_damaged(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    with zipfile.ZipFile(store.file(FAKE), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", bytes(5000))
    content = bytearray(store.file(FAKE).read_bytes())
    start = content.index(b"images.npy") + len("images.npy")
    content[start : start + 9] = b"\xff" * 9  # no block of this kind exists
    store.file(FAKE).write_bytes(content)
    with pytest.raises(FileError, match="is damaged"):
        store.find(FAKE)


def test_the_folder_is_the_user_s_or_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert ImageStore.default().folder == tmp_path
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert ImageStore.default().folder == tmp_path / "cache" / "causalopt" / "data"
    monkeypatch.delenv(VARIABLE)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert ImageStore.default().folder == tmp_path / "home" / ".cache" / "causalopt" / "data"


def test_on_windows_the_folder_is_that_of_local_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "elsewhere")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr("causalopt.folders.sys.platform", "win32")
    assert ImageStore.default().folder == tmp_path / "causalopt" / "data"


def test_a_user_without_a_home_is_told_to_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(FileError, match=f"name a folder by {VARIABLE}"):
        ImageStore.default()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=f"cannot make the folder '.*'.*{VARIABLE} names another"):
        ImageStore(tmp_path / "file" / "data").keep(FAKE, PIXELS, KINDS)

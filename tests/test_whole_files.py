"""Every file is written whole or not at all: a reader sees the old one or the new one."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray

from causalopt import FileError, ImageSet, load, run, sweep, write_model
from causalopt.cli import main
from causalopt.drawing.graph.pictures import draw
from causalopt.object_store import ObjectStore
from causalopt.posts.cache import store
from causalopt.posts.sheet import Sheet

OLD = b"what was there before"


def _kept(file: Path) -> None:
    sheet = Sheet("part9/piece", "Part 9", "A piece " * 400)
    sheet.under("Opening").number("S", "1.6", 1.58)
    if not store(file.parent, file.stem, sheet.findings()):
        raise FileError("not kept")


def _commanded(*words: str) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        if main([*words, str(file)]):
            raise FileError("the command failed")

    return write


def _imaged(file: Path) -> None:
    ImageSet(np.arange(100.0)[:, None] / 99, np.arange(100), (1, 1), "by hand").to_npz(file)


def _paged(file: Path) -> None:
    _commanded("reproduce", "--only", "part1/dumb", "--workers", "1", "--out")(file.parent)


def _swept(file: Path) -> None:
    sweep(load("thermostat"), {"k": np.linspace(0.1, 0.2, 50)}, steps=5).save(file)


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a model": ("m.yaml", lambda file: write_model(load("lorenz"), file)),
    "a run": ("run.nc", lambda file: run(load("thermostat"), steps=50).save(file)),
    "a sweep": ("sweep.nc", _swept),
    "a picture": ("picture.svg", lambda file: draw(load("thermostat"), steps=3).save(file)),
    "images": ("train.npz", _imaged),
    "findings": ("key.json", _kept),
    "a figure": ("figure.svg", _commanded("run", "thermostat", "--steps", "9", "--plot")),
    "a drawing": ("drawn.svg", _commanded("draw", "thermostat", "--out")),
    "a program": ("comp.py", _commanded("derive", "thermostat", "--python")),
    "a page": ("index.html", _paged),
}


@pytest.fixture(params=WRITERS)
def written(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Callable[[Path], None]]:
    """A file that is there already, and what writes another in its place."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    name, write = WRITERS[request.param]
    (tmp_path / "out").mkdir()
    file = tmp_path / "out" / name
    file.write_bytes(OLD)
    return file, write


@pytest.fixture
def narrow_disk() -> Iterator[Callable[[], None]]:
    """Calling it lets files grow to 200 bytes and no further: writes fail in the middle."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_who_reads_the_old_file_goes_on_reading_it(
    written: tuple[Path, Callable[[Path], None]],
) -> None:
    file, write = written
    with file.open("rb") as reader:
        write(file)
        assert reader.read() == OLD
    assert len(file.read_bytes()) > 200
    assert [other.name for other in file.parent.iterdir()] == [file.name]


def _fails_half_way(_: xarray.Dataset, path: Path, **_options: object) -> None:
    Path(path).write_bytes(b"half of it")
    raise OSError(28, "No space left on device")


def test_a_write_that_fails_in_the_middle_leaves_the_old_file(
    written: tuple[Path, Callable[[Path], None]],
    narrow_disk: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, write = written
    if file.suffix == ".nc":
        # HDF5 itself may crash on a full disk, so the failure is put where it would raise.
        monkeypatch.setattr(xarray.Dataset, "to_netcdf", _fails_half_way)
    else:
        narrow_disk()
    with pytest.raises(FileError, match=r"cannot write|not kept|the command failed"):
        write(file)
    assert file.read_bytes() == OLD
    assert [other.name for other in file.parent.iterdir()] == [file.name]


def test_a_compiled_object_that_is_half_written_is_not_kept(
    tmp_path: Path, narrow_disk: Callable[[], None]
) -> None:
    objects = ObjectStore(tmp_path)
    tmp_path.chmod(0o700)
    assert objects.keep("key", b"old")
    narrow_disk()
    assert not objects.keep("key", b"x" * 5000)
    assert objects.find("key") == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_store_that_fails_in_the_middle_leaves_nothing(
    tmp_path: Path, narrow_disk: Callable[[], None]
) -> None:
    found = sweep(load("thermostat"), {"k": np.linspace(0.1, 0.2, 50)}, steps=5)
    _ = found.dataset
    narrow_disk()
    with pytest.raises(FileError, match="cannot write"):
        found.save(tmp_path / "s.zarr")
    assert not list(tmp_path.iterdir())

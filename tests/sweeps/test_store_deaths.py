"""Full and read-only disks, and what a driver leaves when it fails: what is marked done stays."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from causalopt import open_sweep
from causalopt.errors import FileError
from causalopt.sweeps import durable_files
from causalopt.sweeps.durable_files import PASSING
from causalopt.sweeps.sweep_store import SweepStore
from tests.sweeps.counted_plan import CountedPlan
from tests.sweeps.test_sweep_store import fill, tree

PLAN = CountedPlan()
_write = durable_files._write


class Disk:
    """A disk that is full after so many files: the next is cut in its middle."""

    def __init__(self, files: int, code: int = errno.ENOSPC) -> None:
        self.left, self.code = files, code

    def write(self, path: Path, content: bytes) -> None:
        self.left -= 1
        if self.left < 0:
            _write(path, content[: len(content) // 2])
            raise OSError(self.code, os.strerror(self.code))
        _write(path, content)


def go_on(path: Path) -> None:
    with SweepStore.resume(path, PLAN) as store:
        fill(store, PLAN)


def whole(tmp_path: Path) -> dict[str, bytes]:
    with SweepStore.create(tmp_path / "whole.zarr", PLAN) as store:
        fill(store, PLAN)
    return tree(tmp_path / "whole.zarr")


@pytest.mark.parametrize("files", range(0, 32, 3))
def test_a_disk_that_fills_up_loses_nothing_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    SweepStore.create(tmp_path / "a.zarr", PLAN).close()
    disk = Disk(files)
    monkeypatch.setattr(durable_files, "_write", disk.write)
    with pytest.raises(FileError, match="its disk is full: make room; what is done stays") as error:
        go_on(tmp_path / "a.zarr")  # 4 tasks, each of 4 files and 4 of the ledger
    monkeypatch.undo()
    assert str(tmp_path / "a.zarr") in error.value.message
    assert not (tmp_path / "a.zarr" / PASSING).exists()
    left = open_sweep(tmp_path / "a.zarr")
    assert left.done == files // 8
    for task in range(left.done):
        assert (left.read(task)["value"] == PLAN.evaluate(task)["value"]).all()
    go_on(tmp_path / "a.zarr")
    assert tree(tmp_path / "a.zarr") == whole(tmp_path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_store_that_cannot_be_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    disk = Disk(7, code)
    monkeypatch.setattr(durable_files, "_write", disk.write)
    with pytest.raises(FileError, match=r"cannot write '.*a\.zarr'"):
        SweepStore.create(tmp_path / "a.zarr", PLAN)
    assert disk.left < 0
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_said_before_any_work() -> None:
    with pytest.raises(FileError, match=r"cannot write '/proc/a\.zarr'"):
        SweepStore.create("/proc/a.zarr", PLAN)


def test_a_limit_on_files_sizes_is_a_full_disk(tmp_path: Path) -> None:
    """The system's own refusal, in a process whose files may have 3,000 bytes."""
    path = tmp_path / "a.zarr"
    SweepStore.create(path, PLAN).close()
    program = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "from tests.sweeps.test_store_deaths import PLAN, SweepStore, fill\n"
        "with SweepStore.resume(sys.argv[1], PLAN) as store: fill(store, PLAN)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert "its disk is full" in ended.stderr  # the ledger's chunks are larger
    assert open_sweep(path).done == 0
    assert not (path / PASSING).exists()
    with SweepStore.resume(path, PLAN) as store:
        fill(store, PLAN)
    assert tree(path) == whole(tmp_path)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 3000


def test_a_sweep_larger_than_its_disk_is_refused_before_any_work(tmp_path: Path) -> None:
    huge = CountedPlan(shape=(10**6,), chunk=(10**6,), dims=("R_0",))

    class Wide(CountedPlan):
        @property
        def coords(self) -> dict[str, Any]:
            return {}

    with pytest.raises(FileError, match="the sweep takes 18 EB, and"):
        SweepStore.create(
            tmp_path / "a.zarr",
            Wide(shape=(10**12, 10**6), chunk=(10**6, 10**6), dims=("R_0", "k")),
        )
    assert os.listdir(tmp_path) == []
    SweepStore.create(tmp_path / "b.zarr", huge).close()


def test_too_few_files_left_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    few = os.statvfs_result([*real[:7], 19, *real[8:]])
    monkeypatch.setattr(os, "statvfs", lambda _: few)
    with pytest.raises(FileError, match="takes 20 files, and its disk has room for 19"):
        SweepStore.create(tmp_path / "a.zarr", PLAN)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_what_interrupts_a_driver_leaves_a_store_that_goes_on(
    tmp_path: Path, kind: type[BaseException]
) -> None:
    def drive() -> None:
        with SweepStore.create(tmp_path / "a.zarr", PLAN) as store:
            fill(store, PLAN, [0, 1])
            store.write(2, PLAN.evaluate(2))
            raise kind

    with pytest.raises(kind):
        drive()
    left = open_sweep(tmp_path / "a.zarr")
    assert (left.done, left.driven) == (2, False)
    assert not (tmp_path / "a.zarr" / PASSING).exists()
    with SweepStore.resume(tmp_path / "a.zarr", PLAN) as store:
        assert list(store.missing()) == [2, 3]
        fill(store, PLAN)
    assert tree(tmp_path / "a.zarr") == whole(tmp_path)


def test_a_clock_that_jumps_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import itertools
    import time

    jumps = itertools.cycle([0.0, 4e9, -5e8])
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    with SweepStore.create(tmp_path / "a.zarr", PLAN) as store:
        fill(store, PLAN, [3, 1])
        with pytest.raises(FileError, match="being computed"):
            SweepStore.resume(tmp_path / "a.zarr", PLAN)
    with SweepStore.resume(tmp_path / "a.zarr", PLAN) as store:
        fill(store, PLAN)
    assert tree(tmp_path / "a.zarr") == whole(tmp_path)


def test_no_decision_of_a_store_asks_for_the_time_of_day() -> None:
    rooms = Path(durable_files.__file__).parent
    for name in ("durable_files", "sweep_store", "task_ledger", *_named(rooms, "store_*.py")):
        text = (rooms / f"{name}.py").read_text()
        for wrong in ("time.time(", "datetime", "st_mtime", "getmtime"):
            assert wrong not in text, (name, wrong)


def _named(rooms: Path, pattern: str) -> list[str]:
    return [path.stem for path in rooms.glob(pattern)]

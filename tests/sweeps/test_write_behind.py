"""Tasks written while others are computed: all that was computed is kept, however it ends."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from causalopt import open_sweep
from causalopt.errors import FileError
from causalopt.sweeps import durable_files
from causalopt.sweeps.sweep_store import SweepStore
from causalopt.sweeps.write_behind import WriteBehind
from tests.sweeps.counted_plan import CountedPlan
from tests.sweeps.test_sweep_store import fill, tree

PLAN = CountedPlan(chunk=(1, 6))


def keep_all(path: Path, stop: BaseException | None = None, after: int = 10) -> None:
    with SweepStore.create(path, PLAN) as store, WriteBehind(store) as behind:
        for task in store.missing():
            if task == after and stop is not None:
                raise stop
            behind.keep(task, PLAN.evaluate(task))


def test_the_store_is_that_of_tasks_written_one_by_one(tmp_path: Path) -> None:
    keep_all(tmp_path / "a.zarr")
    with SweepStore.create(tmp_path / "b.zarr", PLAN) as store:
        fill(store, PLAN)
    assert tree(tmp_path / "a.zarr") == tree(tmp_path / "b.zarr")


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), RuntimeError("a bug")])
def test_what_was_computed_before_an_exception_is_kept(tmp_path: Path, stop: BaseException) -> None:
    with pytest.raises(type(stop)):
        keep_all(tmp_path / "a.zarr", stop, 7)
    assert open_sweep(tmp_path / "a.zarr").done == 7


def test_a_full_disk_ends_the_work_and_leaves_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = durable_files._write

    def full(path: Path, content: bytes) -> None:
        if path.name.startswith("value.c.5."):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    monkeypatch.setattr(durable_files, "_write", full)
    with pytest.raises(FileError, match="its disk is full"):
        keep_all(tmp_path / "a.zarr")
    marks = open_sweep(tmp_path / "a.zarr").marks
    assert marks[:5].tolist() == [1] * 5
    assert marks[5] == 0


def test_the_next_task_is_computed_while_one_is_written_and_few_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun = threading.Event(), threading.Semaphore(0)
    write = durable_files.write_durably

    def slow(*words: object) -> None:
        begun.release()
        assert gate.wait(30)
        write(*words)  # type: ignore[arg-type]

    monkeypatch.setattr("causalopt.sweeps.store_writer.write_durably", slow)
    with SweepStore.create(tmp_path / "a.zarr", PLAN) as store, WriteBehind(store) as behind:
        behind.keep(0, PLAN.evaluate(0))
        behind.keep(1, PLAN.evaluate(1))  # returns while the first is held up
        assert begun.acquire(timeout=30)
        third = threading.Thread(target=behind.keep, args=(2, PLAN.evaluate(2)))
        third.start()
        third.join(0.2)
        assert third.is_alive()  # two wait: the third is held up
        gate.set()
        third.join(30)
        assert not third.is_alive()
    assert open_sweep(tmp_path / "a.zarr").done == 3

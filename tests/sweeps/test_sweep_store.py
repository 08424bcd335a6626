"""Stores of sweeps: made, filled, marked, read, resumed, and equal byte for byte."""

from __future__ import annotations

import json
import os
import pickle
import random
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray

from causalopt import open_sweep
from causalopt.errors import ArgumentError, FileError, QuestionError
from causalopt.sweeps.durable_files import PASSING
from causalopt.sweeps.store_folder import check_room
from causalopt.sweeps.store_layout import BLOCK, StoreLayout
from causalopt.sweeps.store_lock import METADATA
from causalopt.sweeps.store_writer import StoreWriter
from causalopt.sweeps.sweep_store import SweepStore
from causalopt.sweeps.task_summary import TaskSummary
from tests.sweeps.counted_plan import CountedPlan

PLAN = CountedPlan()


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"folder"
        for path in root.rglob("*")
    }


def fill(store: SweepStore, plan: CountedPlan, tasks: Iterable[int] | None = None) -> None:
    for task in store.missing() if tasks is None else tasks:
        store.mark(task, store.write(task, plan.evaluate(task)))


@pytest.fixture
def half(tmp_path: Path) -> Path:
    with SweepStore.create(tmp_path / "half.zarr", PLAN) as store:
        fill(store, PLAN, [0, 3])
    return tmp_path / "half.zarr"


def test_a_half_done_store_opens_with_plain_xarray(half: Path) -> None:
    found = xarray.open_zarr(half, chunks=None)
    whole = PLAN.whole
    for name in ("value", "square", "flag", "status"):
        values = found[name].values
        assert values.dtype == whole[name].dtype
        for rows in (slice(0, 3), slice(9, 10)):
            np.testing.assert_array_equal(values[rows], whole[name][rows])
    assert np.isnan(found["value"].values[3:9]).all()
    assert (found["status"].values[3:9] == -1).all()
    assert found["status"].attrs["flag_meanings"] == "missing ok diverged unresolved"
    assert found["status"].attrs["flag_values"] == [-1, 0, 1, 2]
    assert found["done"].values.tolist() == [1, 0, 0, 1]
    assert found["R_0"].values.tolist() == [k / 4 for k in range(10)]
    assert found["value"].attrs["units"] == "1"
    assert json.loads(found.attrs["identity"]) == PLAN.identity


def test_the_whole_store_is_what_numpy_says(tmp_path: Path) -> None:
    with SweepStore.create(tmp_path / "a.zarr", PLAN) as store:
        fill(store, PLAN)
        assert store.complete
    found = open_sweep(tmp_path / "a.zarr").dataset
    for name, values in PLAN.whole.items():
        np.testing.assert_array_equal(found[name].values, values)


def test_what_is_done_is_summed_up(half: Path) -> None:
    store = open_sweep(half)
    assert (store.done, store.task_count, store.complete) == (2, 4, False)
    assert list(store.missing()) == [1, 2]
    assert store.marks.tolist() == [1, 0, 0, 1]
    numbers = [*range(18), *range(54, 60)]
    seventh = [k for k in numbers if k % 7 == 0]
    assert store.statuses == {
        "ok": len(numbers) - len(seventh) - 1,
        "diverged": 1,
        "unresolved": len(seventh),
    }
    assert store.failed == 1
    assert store.ranges == {"value": (1, 59), "square": (1, 59**2)}  # 0 is a seventh
    found = store.dataset
    assert found["task_min"].sel(variable="square").values[[0, 3]].tolist() == [1, 54**2]
    assert found["task_count"].sel(word="diverged").values.tolist() == [1, 0, 0, 0]


def test_to_dict_is_strict_json_and_says_what_is_there(half: Path) -> None:
    found = json.loads(json.dumps(open_sweep(half).to_dict(), allow_nan=False))
    assert (found["done"], found["missing"], found["tasks"]) == (2, 2, 4)
    assert (found["points"], found["points_done"]) == (60, 24)
    assert found["model"]["name"] == "counted"
    assert found["running"] is False
    assert found["ranges"]["square"] == [1, 3481]


def test_a_table_has_words_and_a_row_for_each_point(half: Path) -> None:
    table = open_sweep(half).to_pandas()
    assert len(table) == 60
    assert table["status"].value_counts().to_dict() == {
        "missing": 36,
        "ok": 19,
        "unresolved": 4,
        "diverged": 1,
    }
    assert open_sweep(half).to_pandas("done")["done"].tolist() == [
        "done",
        "missing",
        "missing",
        "done",
    ]


def test_nothing_done_has_no_ranges(tmp_path: Path) -> None:
    SweepStore.create(tmp_path / "a.zarr", PLAN).close()
    store = open_sweep(tmp_path / "a.zarr")
    assert store.to_dict()["ranges"] == {"value": [None, None], "square": [None, None]}
    assert store.statuses == {}
    assert "no point is done yet" in str(store)


@pytest.mark.parametrize("seed", range(2))
def test_the_bytes_do_not_depend_on_order_interruptions_or_groups(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # for speed: no power is lost here
    plan = CountedPlan(shape=(BLOCK + 60,), chunk=(1,), dims=("R_0",))
    with SweepStore.create(tmp_path / "a.zarr", plan) as store:
        store.mark_all({task: store.write(task, plan.evaluate(task)) for task in store.missing()})
    shuffled = list(range(plan.task_count))
    random.Random(seed).shuffle(shuffled)
    for cut in range(0, len(shuffled), 500):
        with SweepStore.begin(tmp_path / "b.zarr", plan, resume=True) as store:
            part = {
                t: store.write(t, plan.evaluate(t))
                for t in shuffled[cut : cut + 500]
                if store.marks[t] == 0
            }
            for first in range(0, len(part), 97):
                store.mark_all({t: part[t] for t in list(part)[first : first + 97]})
    left, right = tree(tmp_path / "a.zarr"), tree(tmp_path / "b.zarr")
    assert left == right
    assert len(left) > 4 * plan.task_count > 4 * BLOCK


def test_resuming_computes_what_is_missing_and_nothing_else(half: Path) -> None:
    before = {name: os.stat(half / name).st_mtime_ns for name in ("value/c/0/0", "square/c/3/0")}
    with SweepStore.resume(half, PLAN) as store:
        assert list(store.missing()) == [1, 2]
        fill(store, PLAN)
    with SweepStore.resume(half, PLAN) as store:
        assert list(store.missing()) == []
    assert before == {name: os.stat(half / name).st_mtime_ns for name in before}


def test_what_a_killed_run_was_writing_is_removed(half: Path) -> None:
    (half / PASSING).mkdir()
    (half / PASSING / "value.c.1.0.abc").write_bytes(b"torn")
    (half / "value" / "c" / "1").mkdir()
    (half / "value" / "c" / "1" / "0").write_bytes(b"of a task that is not marked")
    with SweepStore.resume(half, PLAN) as store:
        assert os.listdir(half / PASSING) == []
        fill(store, PLAN)
    with SweepStore.create(half.parent / "b.zarr", PLAN) as store:
        fill(store, PLAN)
    assert tree(half) == tree(half.parent / "b.zarr")


def test_what_a_run_left_that_was_killed_while_it_made_a_store_is_removed(tmp_path: Path) -> None:
    torn = tmp_path / ".a.zarr.0123.partial"
    (torn / "value").mkdir(parents=True)
    (torn / METADATA).write_text("")
    empty = tmp_path / ".a.zarr.4567.partial"
    empty.mkdir()
    other = tmp_path / ".b.zarr.89ab.partial"
    other.mkdir()
    SweepStore.create(tmp_path / "a.zarr", PLAN).close()
    assert sorted(os.listdir(tmp_path)) == [".b.zarr.89ab.partial", "a.zarr"]


def test_a_store_that_another_is_making_is_left_alone(tmp_path: Path) -> None:
    from causalopt.sweeps.store_lock import StoreLock

    part = tmp_path / ".a.zarr.0123.partial"
    part.mkdir()
    lock = StoreLock.make(part)
    SweepStore.create(tmp_path / "a.zarr", PLAN).close()
    assert part.is_dir()
    lock.release()


def test_two_that_make_the_same_store_at_once_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from causalopt.sweeps import store_folder

    def late(target: Path, files: object) -> object:
        monkeypatch.undo()
        SweepStore.create(target, PLAN).close()
        return store_folder.make_folder(target, files)  # type: ignore[arg-type]

    monkeypatch.setattr("causalopt.sweeps.sweep_store.make_folder", late)
    with pytest.raises(FileError, match="there already: go on with it by --resume"):
        SweepStore.create(tmp_path / "a.zarr", PLAN)
    assert os.listdir(tmp_path) == ["a.zarr"]


def test_two_that_resume_the_same_new_store_at_once_are_one_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from causalopt.sweeps import store_folder

    first: list[SweepStore] = []

    def late(target: Path, files: object) -> object:
        monkeypatch.undo()
        first.append(SweepStore.begin(target, PLAN, resume=True))
        return store_folder.make_folder(target, files)  # type: ignore[arg-type]

    monkeypatch.setattr("causalopt.sweeps.sweep_store.make_folder", late)
    with pytest.raises(FileError, match="being computed by another process"):
        SweepStore.begin(tmp_path / "a.zarr", PLAN, resume=True)
    first[0].close()
    assert os.listdir(tmp_path) == ["a.zarr"]


def test_another_sweep_is_refused_and_nothing_is_touched(half: Path) -> None:
    before = tree(half)
    with pytest.raises(QuestionError, match="holds another sweep"):
        SweepStore.resume(half, CountedPlan(seed=1))
    assert tree(half) == before
    SweepStore.resume(half, PLAN).close()  # its lock is free


def test_numbers_are_on_the_disk_before_they_have_their_name_and_before_the_mark(
    half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power may be lost between any two calls: what has its name was flushed before."""
    calls: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def spied_fsync(handle: int) -> None:
        fsync(handle)
        calls.append(("flush", os.path.relpath(os.readlink(f"/proc/self/fd/{handle}"), half)))

    def spied_replace(source: Path, target: Path) -> None:
        calls.append(("name", os.path.relpath(target, half)))
        assert ("flush", os.path.relpath(source, half)) in calls
        replace(source, target)

    with SweepStore.resume(half, PLAN) as store:
        monkeypatch.setattr(os, "fsync", spied_fsync)
        monkeypatch.setattr(os, "replace", spied_replace)
        summary = store.write(1, PLAN.evaluate(1))
        for name in ("value", "square", "flag", "status"):
            named = calls.index(("name", f"{name}/c/1/0"))
            assert ("flush", f"{name}/c/1") in calls[named:]
            assert ("flush", f"{name}/c") in calls  # it lists a new folder
        calls.clear()
        store.mark(1, summary)
    names = [name for kind, name in calls if kind == "name"]
    assert names == ["task_min/c/0/0", "task_max/c/0/0", "task_count/c/0/0", "done/c/0"]
    marked = calls.index(("name", "done/c/0"))
    for name in ("task_min", "task_max", "task_count"):
        assert ("flush", f"{name}/c/0") in calls[:marked]
    assert ("flush", "done/c") in calls[marked:]


def test_a_second_driver_is_refused_and_a_reader_is_not(half: Path) -> None:
    with SweepStore.resume(half, PLAN) as store:
        with pytest.raises(FileError, match="being computed by another process"):
            SweepStore.resume(half, PLAN)
        reader = open_sweep(half)
        assert reader.driven
        fill(store, PLAN, [1])
        assert reader.done == 2
        reader.refresh()
        assert reader.done == 3
    assert not reader.driven
    assert not (half / PASSING).exists()


def test_a_reader_cannot_mark(half: Path) -> None:
    with pytest.raises(ValueError, match="only what created or resumed"):
        open_sweep(half).mark(1, TaskSummary((0, 0), (0, 0), (0, 0, 0)))


def test_a_writer_is_small_and_works_elsewhere(half: Path) -> None:
    with SweepStore.resume(half, PLAN) as store:
        packed = pickle.dumps(store.writer)
        assert len(packed) < 2000
        writer: StoreWriter = pickle.loads(packed)
        store.mark(2, writer.write(2, PLAN.evaluate(2)))
    found = open_sweep(half)
    assert found.done == 3
    np.testing.assert_array_equal(found.read(2)["value"], PLAN.whole["value"][6:9])


def test_a_worker_of_a_run_that_ended_writes_nothing(half: Path) -> None:
    store = SweepStore.resume(half, PLAN)
    writer = store.writer
    store.close()
    before = tree(half)
    with pytest.raises(FileError, match="the run that computes it has ended"):
        writer.write(2, PLAN.evaluate(2))
    assert tree(half) == before


def test_a_worker_never_writes_into_another_store_of_the_same_name(tmp_path: Path) -> None:
    import shutil

    store = SweepStore.create(tmp_path / "a.zarr", PLAN)
    writer = store.writer
    store.close()
    shutil.rmtree(tmp_path / "a.zarr")
    with pytest.raises(FileError, match="all workers must see the store's folder"):
        writer.write(0, PLAN.evaluate(0))
    assert not (tmp_path / "a.zarr").exists()
    with SweepStore.create(tmp_path / "a.zarr", CountedPlan(seed=1)):
        with pytest.raises(FileError, match="another store now"):
            writer.write(0, PLAN.evaluate(0))
        assert not (tmp_path / "a.zarr" / "value" / "c").exists()


@pytest.mark.parametrize("wrong", ["shape", "missing", "more"])
def test_columns_of_another_kind_are_refused_before_anything_is_written(
    half: Path, wrong: str
) -> None:
    columns = PLAN.evaluate(1)
    if wrong == "shape":
        columns["value"] = columns["value"][:, :2]
    elif wrong == "missing":
        del columns["flag"]
    else:
        columns["new"] = columns["value"]
    with SweepStore.resume(half, PLAN) as store:
        before = tree(half)
        with pytest.raises(ValueError, match="task 1"):
            store.write(1, columns)
        assert tree(half) == before


@pytest.mark.parametrize("kind", ["file", "folder", "foreign", "store", "suffix", "parent", "link"])
def test_nothing_that_is_there_is_overwritten(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.zarr"
    said = "name another"
    if kind == "file":
        path.write_text("x")
    elif kind == "folder":
        path.mkdir()
    elif kind == "foreign":
        xarray.Dataset({"x": ("i", [1.0])}).to_zarr(path, zarr_format=3, consolidated=False)
    elif kind == "store":
        SweepStore.create(path, PLAN).close()
        said = "--resume"
    elif kind == "link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "suffix":
        path, said = tmp_path / "a.nc", "must end in .zarr"
    else:
        path, said = tmp_path / "none" / "a.zarr", "make it first"
    before = tree(tmp_path)
    with pytest.raises(FileError, match=said):
        SweepStore.create(path, PLAN)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", ["file", "folder", "foreign", "nothing", "later", "garbled"])
def test_what_is_no_store_of_a_sweep_is_said(tmp_path: Path, kind: str) -> None:
    path, said = tmp_path / "a.zarr", "is no store of a sweep"
    if kind == "file":
        path.write_text("x")
        said = "is a file"
    elif kind == "folder":
        path.mkdir()
    elif kind == "foreign":
        xarray.Dataset({"x": ("i", [1.0])}).to_zarr(path, zarr_format=3, consolidated=False)
    elif kind == "nothing":
        SweepStore.create(tmp_path / "other.zarr", PLAN).close()
        said = "there is no store .*; here are other.zarr"
    else:
        SweepStore.create(path, PLAN).close()
        text = (path / METADATA).read_text()
        if kind == "later":
            text, said = text.replace('"causalopt_store": 1', '"causalopt_store": 9'), "format 9"
        else:
            text, said = text.replace('\\"shape\\"', '\\"shade\\"'), "damaged"
        (path / METADATA).write_text(text)
    for attempt in (open_sweep, lambda at: SweepStore.resume(at, PLAN)):
        with pytest.raises(FileError, match=said):
            attempt(path)


def test_a_path_of_another_type_is_said() -> None:
    for attempt in (open_sweep, lambda path: SweepStore.create(path, PLAN)):
        with pytest.raises(ArgumentError, match="a text or a path"):
            attempt(3)  # type: ignore[arg-type]


def test_a_damaged_ledger_is_no_answer(half: Path) -> None:
    done = half / "done" / "c" / "0"
    done.write_bytes(done.read_bytes()[:-1])
    with pytest.raises(FileError, match="damaged"):
        open_sweep(half)
    (half / "done" / "c" / "0").unlink()
    assert open_sweep(half).done == 0  # then all is missing, and is computed again
    with SweepStore.resume(half, PLAN) as store:
        fill(store, PLAN)
    assert open_sweep(half).complete


@pytest.mark.parametrize("what", ["value/c/3/0", "task_max/c/0/0"])
@pytest.mark.parametrize("how", ["cut", "spoiled", "missing"])
def test_a_damaged_chunk_is_named_and_can_be_computed_anew(
    tmp_path: Path, what: str, how: str
) -> None:
    for name in ("a.zarr", "b.zarr"):
        with SweepStore.create(tmp_path / name, PLAN) as store:
            fill(store, PLAN)
    path, content = tmp_path / "a.zarr" / what, (tmp_path / "a.zarr" / what).read_bytes()
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-9] if how == "cut" else b"x" + content[1:])
    found = open_sweep(tmp_path / "a.zarr")
    with pytest.raises(FileError, match=r"is damaged or missing: remove '.*done/c/0'"):
        found.read(3) if what.startswith("value") else found.ranges
    (tmp_path / "a.zarr" / "done" / "c" / "0").unlink()
    with SweepStore.resume(tmp_path / "a.zarr", PLAN) as store:
        fill(store, PLAN)
    assert tree(tmp_path / "a.zarr") == tree(tmp_path / "b.zarr")


def test_a_long_axis_is_not_read_to_open_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("causalopt.sweeps.store_dataset._INDEXED", 9)
    with SweepStore.create(tmp_path / "a.zarr", PLAN) as store:
        fill(store, PLAN)
    found = open_sweep(tmp_path / "a.zarr").dataset
    assert list(found.indexes) == []
    assert found["value"].isel(R_0=9, k=5).item() == 59
    assert found["R_0"].values.tolist() == [k / 4 for k in range(10)]


def test_an_axis_called_task_has_its_own_name(tmp_path: Path) -> None:
    plan = CountedPlan(dims=("task", "word"))
    with SweepStore.create(tmp_path / "a.zarr", plan) as store:
        fill(store, plan)
    found = open_sweep(tmp_path / "a.zarr")
    assert found.dataset["value"].dims == ("task", "word")
    assert found.dataset["done"].dims == ("task_",)
    assert found.complete


def test_the_text_of_a_store_has_what_people_look_for(half: Path) -> None:
    text = str(open_sweep(half))
    for part in ("counted", "2 of 4 tasks are done, 2 missing", "diverged: 1 points", "R_0"):
        assert part in text
    assert repr(open_sweep(half)).endswith("R_0: 10 x k: 6, 2 of 4 tasks)")


def test_a_damaged_store_is_named_when_it_is_saved_and_not_the_file_to_be(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    with SweepStore.create(path, PLAN) as store:
        fill(store, PLAN)
    chunk = path / "value" / "c" / "3" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-9])
    with pytest.raises(FileError, match=r"^'.*value/c/3/0' is damaged or missing"):
        open_sweep(path).save(tmp_path / "table.csv")
    assert not (tmp_path / "table.csv").exists()
    (path / "done" / "c" / "0").unlink()  # then its task is missing, whatever its file holds
    assert np.isnan(open_sweep(path).dataset["value"].values[9:]).all()


def test_a_damaged_coordinate_is_named(half: Path) -> None:
    name = next(iter(PLAN.coords))
    chunk = half / name / "c" / "0"
    chunk.write_bytes(b"x" + chunk.read_bytes()[1:])
    with pytest.raises(FileError, match="is damaged: begin another store"):
        _ = open_sweep(half).dataset


@pytest.mark.parametrize(
    ("entry", "key", "value"),
    [
        ("identity", None, []),
        ("identity", "model", "x"),
        ("identity", "measure", None),
        ("identity", "axes", "x"),
        ("identity", "chunk", [1, 1]),
        ("layout", "shape", [10]),
        ("layout", "shape", "ab"),
        ("layout", "shape", [10**12, 7]),
        ("layout", "chunk", [0, 7]),
        ("layout", "statuses", []),
        ("layout", "variables", [["value", "f8"]]),
        ("layout", "drawn", "zz"),
        ("layout", "books", {}),
    ],
)
def test_metadata_that_tells_no_sweep_is_damaged(
    half: Path, entry: str, key: str | None, value: object
) -> None:
    told = json.loads((half / METADATA).read_text())
    inner = json.loads(told["attributes"][entry])
    told["attributes"][entry] = json.dumps(value if key is None else inner | {key: value})
    (half / METADATA).write_text(json.dumps(told))
    for attempt in (open_sweep, lambda at: SweepStore.resume(at, PLAN)):
        with pytest.raises(FileError, match="is damaged"):
            attempt(half)


@pytest.mark.parametrize("name", ["**.zarr", "[a]*.zarr"])
def test_names_are_no_patterns(tmp_path: Path, name: str) -> None:
    left = tmp_path / f".{name}.0123.partial"
    left.mkdir()
    (left / METADATA).write_bytes(b"")
    SweepStore.create(tmp_path / name, PLAN).close()
    assert not left.exists()
    assert open_sweep(tmp_path / name).done == 0


def test_links_in_a_circle_and_long_names_are_said(tmp_path: Path) -> None:
    loop = tmp_path / "loop.zarr"
    loop.symlink_to("loop.zarr")
    for attempt in (open_sweep, lambda at: SweepStore.create(at, PLAN)):
        with pytest.raises(FileError, match="a link that leads to nothing"):
            attempt(loop)
    with pytest.raises(FileError, match="there is no store"):
        open_sweep(tmp_path / ("a" * 300 + ".zarr"))


def test_a_ledger_that_cannot_be_read_is_said(half: Path) -> None:
    (half / "done" / "c" / "0").unlink()
    (half / "done" / "c" / "0").mkdir()
    with pytest.raises(FileError, match="cannot read"):
        open_sweep(half)


def test_a_store_stays_where_it_was_when_the_process_works_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with SweepStore.create("a.zarr", PLAN) as store:
        monkeypatch.chdir(tmp_path / "elsewhere")
        fill(store, PLAN)
    assert not (tmp_path / "a.zarr" / PASSING).exists()
    np.testing.assert_array_equal(store.dataset["value"].values, PLAN.whole["value"])
    np.testing.assert_array_equal(store.read(0, ["value"])["value"], PLAN.whole["value"][:3])


def test_a_store_that_is_moved_while_a_task_is_written_is_not_there(
    half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SweepStore.resume(half, PLAN) as store:

        def move(_: StoreWriter) -> None:
            monkeypatch.undo()
            half.rename(half.with_name("moved.zarr"))

        monkeypatch.setattr(StoreWriter, "_check_store", move)
        with pytest.raises(FileError, match="is not there"):
            store.write(1, PLAN.evaluate(1))


def test_the_room_for_a_store_counts_its_coordinates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = StoreLayout.of(PLAN)
    size, _ = layout.data_size
    free = SimpleNamespace(f_bavail=size + (1 << 20) + 80, f_frsize=1, f_files=0, f_favail=0)
    monkeypatch.setattr(os, "statvfs", lambda _: free)
    check_room(tmp_path / "a.zarr", layout, 10)
    with pytest.raises(FileError, match="ask for fewer points"):
        check_room(tmp_path / "a.zarr", layout, 11)

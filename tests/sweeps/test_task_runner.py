"""Tasks give the same bytes whoever runs them, and what goes wrong is counted and said."""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from causalopt.cli import main
from causalopt.errors import ArgumentError, QuestionError, WorkersError
from causalopt.sweeps.crews import shared_work
from causalopt.sweeps.crews.shared_work import SharedWork, differing, run_shared
from causalopt.sweeps.task_runner import TaskReport, run_tasks
from causalopt.work.progress import recorded
from tests.sweeps.task_work import (
    Draws,
    Endless,
    Heavy,
    Kills,
    Marked,
    Raises,
    Wrong,
    draws,
    raises_unreadable,
    running,
)


class Backwards(Executor):
    """An executor of another package: no number of workers, and its last task ends first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._more = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._open = True
        self._thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._waiting.append((future, lambda: fn(*args, **kwargs)))
        self._more.set()
        return future

    def _run(self) -> None:
        while self._open:
            self._more.wait()
            self._more.clear()
            time.sleep(0.01)
            while self._waiting:
                future, call = self._waiting.pop()
                future.set_result(call())

    def shutdown(self, *_: Any, **__: Any) -> None:
        self._open = False
        self._more.set()
        self._thread.join()


def processes(method: str, workers: int = 2) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context(method))


def loky() -> Executor:
    from joblib.externals import loky as package

    executor: Executor = package.ProcessPoolExecutor(2)
    return executor


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "one thread": lambda: ThreadPoolExecutor(1),
    "three threads": lambda: ThreadPoolExecutor(3),
    "spawn": lambda: processes("spawn"),
    "forkserver": lambda: processes("forkserver"),
    "loky": loky,
    "backwards": Backwards,
}


@contextlib.contextmanager
def runner(kind: str) -> Iterator[dict[str, Any]]:
    """Yield the arguments that choose who runs the tasks."""
    if kind == "here":
        yield {}
    elif kind == "processes":
        yield {"processes": 2}
    else:
        with EXECUTORS[kind]() as executor:
            yield {"executor": executor}


def run(
    work: Callable[[int], Any], count: int, **options: Any
) -> tuple[dict[int, Any], TaskReport]:
    found: dict[int, Any] = {}
    report = run_tasks(work, iter(range(count)), found.__setitem__, count=count, **options)
    return found, report


@pytest.mark.parametrize("kind", ["here", "processes", *EXECUTORS])
def test_results_are_the_same_whoever_runs_the_tasks(kind: str) -> None:
    with runner(kind) as chosen:
        found, report = run(Draws(), 30, **chosen)
    assert report == TaskReport(30, (), 0, 0, 0)
    assert {task: array.tobytes() for task, array in found.items()} == {
        task: draws(task).tobytes() for task in range(30)
    }


@pytest.mark.parametrize("window", [1, 2, 7])
def test_few_tasks_are_in_flight_and_the_caller_hears_of_each_on_its_own_thread(
    window: int,
) -> None:
    heard: list[int] = []
    taken = most = 0

    def tasks() -> Iterator[int]:
        nonlocal taken, most
        for task in range(50):
            taken += 1
            most = max(most, taken - len(heard))
            yield task

    def on_done(task: int, _: Any) -> None:
        assert threading.current_thread() is caller
        heard.append(task)

    caller = threading.current_thread()
    with ThreadPoolExecutor(2) as executor:
        run_tasks(Draws(0.001), tasks(), on_done, count=50, executor=executor, window=window)
    assert sorted(heard) == list(range(50))
    assert most == window


def test_a_million_tasks_are_never_a_list() -> None:
    class EnoughError(Exception):
        pass

    def on_done(task: int, _: Any) -> None:
        if task == 20:
            raise EnoughError

    tasks = iter(range(10**15))  # a list of these would need petabytes
    with ThreadPoolExecutor(2) as executor, pytest.raises(EnoughError):
        run_tasks(lambda task: task, tasks, on_done, count=10**15, executor=executor)
    assert next(tasks) < 100


@pytest.mark.parametrize("kind", ["processes", "spawn", "loky"])
def test_the_work_is_read_once_by_each_process(kind: str, tmp_path: Path) -> None:
    with runner(kind) as chosen:
        found, _ = run(Heavy(tmp_path / "read", 100), 60, **chosen)
    assert found == {task: float(task) for task in range(60)}
    readers = (tmp_path / "read").read_text().split()
    assert 1 <= len(readers) <= 2
    assert len(set(readers)) == len(readers)


def test_threads_need_no_pickle() -> None:
    lock = threading.Lock()  # which cannot be pickled

    def work(task: int) -> int:
        with lock:
            return task * task

    with ThreadPoolExecutor(2) as executor:
        found, _ = run(work, 10, executor=executor)
    assert found == {task: task * task for task in range(10)}
    with pytest.raises(ArgumentError, match=r"cannot be sent to another process.*on threads"):
        run(work, 10, processes=2)


@pytest.mark.parametrize("kind", ["here", "processes", "three threads", "spawn"])
def test_a_task_that_always_raises_is_counted_with_its_message(kind: str, tmp_path: Path) -> None:
    with runner(kind) as chosen:
        found, report = run(Raises(tmp_path, (3, 5)), 8, retries=2, **chosen)
    assert set(found) == {0, 1, 2, 4, 6, 7}
    assert (report.done, report.failures, report.retries) == (6, 2, 4)
    assert {(one.task, one.tries) for one in report.failed} == {(3, 3), (5, 3)}
    for one in report.failed:
        assert one.message.startswith(f"ArithmeticError: task {one.task} has no number (task_work")
        assert (tmp_path / f"tried{one.task}").read_text() == "xxx"


@pytest.mark.parametrize("kind", ["here", "processes", "three threads", "spawn"])
def test_a_task_that_raises_once_is_done_in_the_end(kind: str, tmp_path: Path) -> None:
    with runner(kind) as chosen:
        found, report = run(Raises(tmp_path, (3,), once=True), 6, retries=1, **chosen)
    assert report == TaskReport(6, (), 0, 1, 0)
    assert found[3].tobytes() == draws(3).tobytes()


@pytest.mark.parametrize("kind", ["processes", "three threads", "spawn"])
def test_an_exception_that_cannot_be_read_breaks_nothing(kind: str) -> None:
    with runner(kind) as chosen:
        found, report = run(raises_unreadable, 4, retries=0, **chosen)
    assert set(found) == {0, 2, 3}
    assert report.failed[0].message.startswith("UnreadableError: neither fish")


@pytest.mark.parametrize("kind", ["here", "processes", "three threads", "spawn"])
def test_a_wrong_question_ends_all_with_its_own_error(kind: str) -> None:
    with runner(kind) as chosen, pytest.raises(QuestionError, match=r"^the question is wrong$"):
        run(Wrong(4), 1000, **chosen)


@pytest.mark.parametrize("kind", ["here", "processes", "three threads"])
def test_where_all_fail_no_more_are_tried(kind: str, tmp_path: Path) -> None:
    bad = tuple(range(1000))
    with runner(kind) as chosen, pytest.raises(WorkersError, match="the first 20 tasks failed"):
        run(Raises(tmp_path, bad), 1000, retries=0, **chosen)
    assert len(list(tmp_path.iterdir())) < 40


def test_a_broken_executor_is_said_with_what_is_kept(tmp_path: Path) -> None:
    with processes("spawn") as executor, pytest.raises(WorkersError) as caught:
        run(Kills(tmp_path, 20), 1000, executor=executor, kept="go on with --resume")
    message = str(caught.value)
    assert message.startswith("the executor broke, most often because one of its processes")
    assert message.endswith(" of 1,000 tasks are done; go on with --resume")


def test_a_command_whose_workers_are_gone_exits_with_1_and_one_that_names_no_file_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", "thermostat", "--grid", "k=0:1:3", "--json", "--dask", "nowhere.json"]
    assert main(words) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"].startswith("nowhere.json: ")

    def gone(*_: object) -> None:
        raise WorkersError("all are gone")

    monkeypatch.setattr("causalopt.sweeps.task_runner._crew", gone)
    assert main(words) == 1
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "all are gone"


def test_an_executor_that_is_shut_down_is_said() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(WorkersError, match="takes no tasks: cannot schedule new futures"):
        run(Draws(), 3, executor=executor)


def test_a_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    found: dict[int, Any] = {}

    def on_done(task: int, result: Any) -> None:
        found[task] = result
        if len(found) == 3:
            os.kill(running(tmp_path)[0][0], 9)

    work = Marked(tmp_path, 0.1)
    report = run_tasks(work, range(20), on_done, count=20, processes=2)
    assert {task: array.tobytes() for task, array in found.items()} == {
        task: draws(task).tobytes() for task in range(20)
    }
    assert report.failures == 0
    assert report.lost_workers == 1
    assert 1 <= report.retries <= 2  # what ran there, and what waited beside it


@pytest.mark.parametrize("retries", [0, 1])
def test_a_task_that_kills_its_process_fails_alone(tmp_path: Path, retries: int) -> None:
    found, report = run(Kills(tmp_path, 2), 10, processes=2, retries=retries)
    assert set(found) == set(range(10)) - {2}
    assert [(one.task, one.tries) for one in report.failed] == [(2, retries + 1)]
    assert "SIGKILL" in report.failed[0].message
    assert report.lost_workers == retries + 1


def test_processes_that_cannot_begin_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(WorkersError, match="ended with code 1 before it was ready"):
        run(Draws(), 3, processes=2)


@pytest.mark.parametrize("kind", ["three threads", "processes"])
def test_an_interrupt_ends_what_runs_at_once(kind: str, tmp_path: Path) -> None:
    def tasks() -> Iterator[int]:
        yield 0
        running(tmp_path)
        raise KeyboardInterrupt

    with runner(kind) as chosen:
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run_tasks(Endless(tmp_path), tasks(), lambda *_: None, count=5, **chosen)
        process = running(tmp_path)[0][0]
        assert time.monotonic() - begun < 30
    if kind == "processes":
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    else:
        assert (tmp_path / "ended0").exists()


def test_progress_counts_points() -> None:
    told: list[tuple[float, float]] = []
    with recorded(lambda *how: told.append(how[:2])), ThreadPoolExecutor(2) as executor:
        run(Draws(), 4, executor=executor, points=lambda task: 10 + task, total=46)
    assert told[0] == (0.0, 46.0)
    assert told[-1] == (46.0, 46.0)
    steps = sorted(round(b - a) for (a, _), (b, _) in itertools.pairwise(told) if b > a)
    assert steps == [10, 11, 12, 13]


def test_a_bar_says_what_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: list[str] = []
    monkeypatch.setattr("causalopt.sweeps.task_runner.remark", said.append)
    with ThreadPoolExecutor(1) as executor:
        run(Raises(tmp_path, (1, 3)), 6, retries=2, executor=executor)
    assert said[-1] == "2 failed, 4 begun anew"


def test_processes_of_other_versions_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with SharedWork(Draws()) as shared:
        pickled = shared.pickled
    assert run_shared(shared.name, 1).kind == "unknown"
    assert run_shared(shared.name, 1, pickled).result.tobytes() == draws(1).tobytes()
    assert run_shared(shared.name, 2).kind == "done"  # it has been read
    here = dict(shared_work.all_versions())
    monkeypatch.setattr(shared_work, "all_versions", lambda: {**here, "numpy": "1.0"})
    with SharedWork(Draws()) as shared:
        pickled = shared.pickled
    monkeypatch.setattr(shared_work, "all_versions", lambda: here)
    reply = run_shared(shared.name, 1, pickled)
    assert reply.kind == "versions"
    assert reply.message.startswith(f"numpy 1.0 here, {here['numpy']} on ")


def test_versions_are_compared_one_by_one() -> None:
    assert differing({"a": "1", "b": "2"}, {"b": "2", "a": "1"}) == ""
    assert differing({"a": "1", "b": "2"}, {"b": "3"}) == "a 1 here, missing; b 2 here, 3"


def test_only_one_can_run_the_tasks() -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(ArgumentError, match="choose one"):
        run(Draws(), 1, executor=executor, processes=2)


def test_no_tasks_need_nobody() -> None:
    assert run(Draws(), 0) == ({}, TaskReport(0, (), 0, 0, 0))


def test_work_runs_on_several_workers_at_once() -> None:
    barrier = threading.Barrier(2, timeout=30)
    with ThreadPoolExecutor(2) as executor:
        found, _ = run(lambda _: barrier.wait() >= 0, 4, executor=executor)
    assert all(found.values())

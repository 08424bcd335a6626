"""On a real Dask cluster that loses workers or its scheduler, nothing is wrong and nothing waits.

The margins are wide: a machine may be busy. Where a wait is bounded, it is by `patience`.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("distributed", reason="needs the extra dask")

import causalopt
from causalopt.errors import ArgumentError, FileError, QuestionError, WorkersError
from causalopt.sweeps.computed_sweep import Workers, computed_in_store
from causalopt.sweeps.question_measure import measured_question
from causalopt.sweeps.sweep_plan import plan_sweep
from causalopt.sweeps.task_runner import TaskReport, run_tasks
from causalopt.work.progress import recorded
from tests.sweeps.dask_cluster import ROOT, Cluster
from tests.sweeps.task_work import Draws, Heavy, Kills, Marked, Raises, Wrong, draws, running

pytestmark = pytest.mark.xdist_group("dask")  # one after another: each has processes of its own
_LONG = 60.0  # seconds: a minute is what is promised


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers that no test kills."""
    with Cluster(tmp_path_factory.mktemp("steady")) as cluster:
        yield cluster


def run(
    work: Callable[[int], Any], count: int, **options: Any
) -> tuple[dict[int, Any], TaskReport]:
    found: dict[int, Any] = {}
    report = run_tasks(work, iter(range(count)), found.__setitem__, count=count, **options)
    return found, report


def run_and(
    act: Callable[[], None], work: Callable[[int], Any], count: int, **options: Any
) -> tuple[dict[int, Any], TaskReport]:
    """Run tasks, and do something once three of them are done."""
    found: dict[int, Any] = {}

    def on_done(task: int, result: Any) -> None:
        found[task] = result
        if len(found) == 3:
            act()

    return found, run_tasks(work, iter(range(count)), on_done, count=count, **options)


def as_bytes(found: dict[int, Any]) -> dict[int, bytes]:
    return {task: array.tobytes() for task, array in found.items()}


def truth(count: int) -> dict[int, bytes]:
    return {task: draws(task).tobytes() for task in range(count)}


@pytest.mark.parametrize("window", [None, 1, 5])
def test_results_are_those_of_this_process(steady: Cluster, window: int | None) -> None:
    found, report = run(Draws(), 30, dask=steady.address, window=window)
    assert report == TaskReport(30, (), 0, 0, 0)
    assert as_bytes(found) == truth(30)


def test_a_scheduler_is_named_by_its_file_or_a_client(steady: Cluster) -> None:
    from distributed import Client

    assert as_bytes(run(Draws(), 4, dask=str(steady.file))[0]) == truth(4)
    with Client(steady.address, set_as_default=False) as client:
        assert as_bytes(run(Draws(), 4, dask=client)[0]) == truth(4)
        assert as_bytes(run(Draws(), 4, executor=client.get_executor())[0]) == truth(4)
        assert client.submit(int, "7").result() == 7  # it is left open


def test_the_work_is_read_once_by_each_worker(steady: Cluster, tmp_path: Path) -> None:
    found, _ = run(Heavy(tmp_path / "read", 1_000_000), 60, dask=steady.address)
    assert found == {task: float(task) for task in range(60)}
    readers = (tmp_path / "read").read_text().split()
    assert 1 <= len(readers) <= 2
    assert len(set(readers)) == len(readers)


def test_a_task_that_raises_is_tried_again_and_counted(steady: Cluster, tmp_path: Path) -> None:
    found, report = run(Raises(tmp_path, (3,)), 8, retries=1, dask=steady.address)
    assert set(found) == set(range(8)) - {3}
    assert (report.done, report.failures, report.retries, report.lost_workers) == (7, 1, 1, 0)
    assert (report.failed[0].task, report.failed[0].tries) == (3, 2)
    assert report.failed[0].message.startswith("ArithmeticError: task 3 has no number")
    with pytest.raises(QuestionError, match="the question is wrong"):
        run(Wrong(4), 1000, dask=steady.address)


def test_an_interrupt_leaves_nothing_in_flight(steady: Cluster) -> None:
    from distributed import Client

    def interrupt() -> None:
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_and(interrupt, Draws(0.2), 1000, dask=steady.address)
    assert time.monotonic() - begun < _LONG
    with Client(steady.address, set_as_default=False) as client:
        until = time.monotonic() + _LONG
        while any(client.processing().values()) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(client.processing().values())


def test_a_killed_worker_changes_no_byte(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.wait_for_workers(2)
        (tmp_path / "marks").mkdir()
        work = Marked(tmp_path / "marks", 0.3)

        def kill() -> None:
            os.kill(running(tmp_path / "marks")[0][0], signal.SIGKILL)

        found, report = run_and(kill, work, 20, dask=cluster.address)
        assert as_bytes(found) == truth(20)
        assert (report.done, report.failures, report.lost_workers) == (20, 0, 1)
        assert report.retries >= 1


def test_a_silent_worker_is_given_up(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.wait_for_workers(2)
        (tmp_path / "marks").mkdir()
        work = Marked(tmp_path / "marks", 0.3)

        def stop() -> None:
            os.kill(running(tmp_path / "marks")[0][0], signal.SIGSTOP)

        begun = time.monotonic()
        found, report = run_and(stop, work, 20, dask=cluster.address, patience=5.0)
        assert time.monotonic() - begun < 2 * _LONG  # Dask itself waits for five minutes
        assert as_bytes(found) == truth(20)
        assert report.lost_workers >= 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_scheduler_is_said_within_a_minute(tmp_path: Path, how: signal.Signals) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.wait_for_workers(2)
        lost = 0.0

        def lose() -> None:
            nonlocal lost
            cluster.scheduler.send_signal(how)
            lost = time.monotonic()

        with pytest.raises(WorkersError) as caught:
            run_and(
                lose, Draws(0.2), 1000, dask=cluster.address, patience=5.0, kept="kept: --resume"
            )
        assert time.monotonic() - lost < _LONG
    message = str(caught.value)
    assert message.startswith(f"the Dask scheduler at {cluster.address} is gone: ")
    assert message.endswith(" of 1,000 tasks are done; kept: --resume")


def test_a_scheduler_that_comes_back_is_used_again(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.wait_for_workers(2)

        def restart() -> None:
            cluster.scheduler.kill()
            cluster.scheduler.wait()
            cluster.scheduler = cluster.start_scheduler()
            cluster.workers.append(cluster.start_worker())

        found, report = run_and(restart, Draws(0.1), 20, dask=cluster.address)
        assert as_bytes(found) == truth(20)
        assert report.done == 20
        assert report.retries >= 1


def test_workers_that_are_all_lost_are_said(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster:
        cluster.wait_for_workers(2)

        def kill() -> None:
            for worker in cluster.workers:
                worker.kill()

        begun = time.monotonic()
        with pytest.raises(
            WorkersError, match=r"has had no worker for 3 s.*of 1,000 tasks are don"
        ):
            run_and(kill, Draws(0.2), 1000, dask=cluster.address, patience=3.0)
        assert time.monotonic() - begun < 2 * _LONG


def test_a_task_that_kills_its_workers_fails_alone(tmp_path: Path) -> None:
    with Cluster(tmp_path, workers=6) as cluster:
        cluster.wait_for_workers(6)
        found, report = run(Kills(tmp_path, 2), 12, dask=cluster.address, retries=1)
        assert as_bytes(found) == {k: text for k, text in truth(12).items() if k != 2}
        assert [one.task for one in report.failed] == [2]
        assert "workers were lost that had it" in report.failed[0].message
        assert report.lost_workers == 5


def files(store: Path) -> dict[str, bytes]:
    return {str(f.relative_to(store)): f.read_bytes() for f in store.rglob("*") if f.is_file()}


def test_a_store_has_the_same_bytes_whatever_its_cluster_lost(tmp_path: Path) -> None:
    grid = {"T[0]": np.linspace(10, 30, 24), "R[0]": np.linspace(5, 45, 4096)}
    question = dict.fromkeys(["nudge", "hold", "target", "at", "delta"]) | {"steps": 500}
    model, said = measured_question(
        causalopt.load("thermostat_saturating"),
        None,
        question | {"given": (), "estimate": True},
        dict.fromkeys(["parameters", "initial"]),
        0,
        None,
    )
    plan = plan_sweep(model, grid, said, chunk=4096)
    computed_in_store(plan, tmp_path / "here.zarr", Workers(), resume=False)
    dask = tmp_path / "dask.zarr"
    with Cluster(tmp_path) as cluster:
        cluster.wait_for_workers(2)
        losses = {3: cluster.workers[0], 10: cluster.scheduler}

        def lose(done: float, *_: object) -> None:
            if done // 4096 in losses:
                losses.pop(int(done // 4096)).kill()

        workers = Workers(dask=cluster.address, patience=5.0)
        with recorded(lose), pytest.raises(WorkersError, match="go on with --resume"):
            computed_in_store(plan, dask, workers, resume=False)
    assert 10 <= causalopt.open_sweep(dask).done < 24
    computed_in_store(plan, dask, Workers(), resume=True)
    assert files(dask) == files(tmp_path / "here.zarr")


def test_no_workers_and_no_scheduler_are_said(tmp_path: Path) -> None:
    none = pytest.raises(WorkersError, match="has had no worker for 1 s: start workers")
    with Cluster(tmp_path, workers=0) as cluster, none:
        run(Draws(), 3, dask=cluster.address, patience=1.0)
    with pytest.raises(
        WorkersError, match=f"no Dask scheduler answers at {cluster.address} within"
    ):
        run(Draws(), 3, dask=cluster.address, patience=1.0)


def test_a_port_that_says_nothing_is_no_scheduler() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(WorkersError, match="no Dask scheduler answers at tcp"):
            run(Draws(), 3, dask=address, patience=1.0)
        assert time.monotonic() - begun < _LONG


@pytest.mark.parametrize("text", ["nowhere.json", "not/there", "tcp//host:1x"])
def test_a_missing_scheduler_file_is_said_at_once(text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(FileError, match="expected the file of a Dask scheduler, and there is none"):
        run(Draws(), 3, dask=text)
    assert time.monotonic() - begun < _LONG / 2


@pytest.mark.parametrize("text", ["udp://host:1", "tcp://:", "tcp://host:99999999", ""])
def test_an_address_that_is_none_is_said(text: str) -> None:
    with pytest.raises((WorkersError, FileError, ArgumentError)):
        run(Draws(), 3, dask=text, patience=1.0)
    with pytest.raises(ArgumentError, match="not 8786"):
        run(Draws(), 3, dask=8786)


def test_workers_of_another_version_are_said(tmp_path: Path) -> None:
    code = tmp_path / "other"
    (code / "causalopt").mkdir(parents=True)
    for file in (ROOT / "causalopt").iterdir():
        if file.name != "folders.py":
            (code / "causalopt" / file.name).symlink_to(file)
    changed = (ROOT / "causalopt" / "folders.py").read_text() + "\n# another line\n"
    (code / "causalopt" / "folders.py").write_text(changed)
    with Cluster(tmp_path, workers=1, path=f"{code}{os.pathsep}{ROOT}") as cluster:
        cluster.wait_for_workers(1)
        with pytest.raises(WorkersError, match="other versions than this process: code of causal"):
            run(Draws(), 3, dask=cluster.address)


def test_workers_without_the_package_are_said(tmp_path: Path) -> None:
    (tmp_path / "causalopt").mkdir()
    (tmp_path / "causalopt" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'causalopt'\", name='causalopt')\n"
    )
    with Cluster(tmp_path, workers=1, path=str(tmp_path)) as cluster:
        cluster.wait_for_workers(1)
        with pytest.raises(
            WorkersError, match=r"has no causalopt of this version.*install it there"
        ):
            run(Draws(), 3, dask=cluster.address)

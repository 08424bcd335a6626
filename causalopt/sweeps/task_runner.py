"""Tasks run one after another here, in local processes, by an executor or on a Dask cluster.

A task is a whole number. Whoever runs it, the caller is told of each that is done on its own thread,
and the numbers that come back depend on nothing but the task.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar

from causalopt.errors import CausaloptError
from causalopt.work.progress import begin, portion

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")
RETRIES = 2
PATIENCE = 30.0  # seconds


@dataclasses.dataclass(frozen=True)
class FailedTask:
    """A task that raised an exception each time that it was tried.

    Args:
        task: Its number.
        tries: How often it was tried.
        message: What it raised in the end.
    """

    task: int
    tries: int
    message: str


@dataclasses.dataclass(frozen=True)
class TaskReport:
    """What became of tasks.

    Args:
        done: How many were done.
        failed: Those that failed in all their tries, the first 1,000 of them.
        failures: How many failed in all their tries.
        retries: How often a task was begun anew, after an exception or because its worker was lost.
        lost_workers: How many workers were lost, where that is known.
    """

    done: int
    failed: tuple[FailedTask, ...]
    failures: int
    retries: int
    lost_workers: int


def run_tasks(
    work: Callable[[int], Result],
    tasks: Iterable[int],
    on_done: Callable[[int, Result], Any],
    *,
    count: int,
    executor: Executor | None = None,
    dask: str | Client | None = None,
    processes: int = 0,
    window: int | None = None,
    retries: int = RETRIES,
    patience: float = PATIENCE,
    points: Callable[[int], int] | None = None,
    total: int | None = None,
    kept: str = "",
) -> TaskReport:
    """Run work(task) for each task, and call on_done(task, result) as each is done.

    Where neither an executor, a Dask cluster nor processes are given, tasks run one after another in
    this process; each may use threads. `tasks` is gone through as workers become free: no list is
    made of it, and few tasks are in flight at any time.

    Args:
        work: What is done; pickled once for each worker process, not for each task. It is called on
            several threads at once where the executor has threads.
        tasks: The tasks' numbers, each once.
        on_done: Called on this thread, in the order in which tasks end; what it raises ends the
            call.
        count: How many tasks there are.
        executor: What runs the tasks; it is left open.
        dask: A Dask scheduler's address such as `tcp://host:8786`, the path of its scheduler file,
            or a client of `distributed`, which is left open.
        processes: How many processes of this machine run the tasks, where it is not 0.
        window: How many tasks are in flight at most; twice the number of workers where it is None.
        retries: How often a task that raises an exception is begun anew. One that a lost worker took
            along is too, and counts likewise.
        patience: Seconds after which a scheduler or workers that do not answer are given up.
        points: How many points a task has, for progress; tasks are counted where it is None.
        total: How many points all tasks have.
        kept: What the message of a call that cannot go on says of the tasks that are done, such as
            "what is done is kept in out.zarr: go on with --resume".

    Returns:
        How many were done, which failed, and how often tasks were begun anew.

    Raises:
        WorkersError: The workers or their scheduler are gone, were never there, or have other
            versions of causalopt, numpy or Python than this process.
        CausaloptError: A task raised it: its input is wrong, and so would be that of others.
    """
    raise NotImplementedError

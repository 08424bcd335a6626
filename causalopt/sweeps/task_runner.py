"""Tasks run one after another here, in local processes, by an executor or on a Dask cluster.

A task is a whole number. Whoever runs it, the caller is told on its own thread as it is done, and
the numbers that come back depend on nothing but the task.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar

from causalopt.errors import ArgumentError, CausaloptError, WorkersError
from causalopt.sweeps.crews.crew import Crew, Ended
from causalopt.sweeps.crews.shared_work import SharedWork, failure_text
from causalopt.work.progress import begin, portion, pulse, tick
from causalopt.work.threads import WAIT, check_stop

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")
RETRIES = 2
PATIENCE = 30.0  # seconds
_SHOWN = 1000  # failed tasks that a report names
_HOPELESS = 20  # tasks that fail before the first is done, after which no more are tried


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

    Where neither an executor, a Dask cluster nor processes are given, tasks run one after another
    in this process; each may use threads. `tasks` is gone through as workers become free: no list
    is made of it, and few tasks are in flight at any time.

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
        window: How many tasks are in flight at most; where it is None, twice the number of workers.
        retries: How often a task that raises an exception is begun anew. One that a lost worker
            took along is too, and counts likewise; Dask does so three times by itself.
        patience: Seconds after which a scheduler or workers that do not answer are given up.
        points: How many points a task has, for progress; tasks are counted where it is None.
        total: How many points all tasks have.
        kept: What the message of a call that cannot go on says of the tasks that are done, such as
            "what is done is kept in out.zarr: go on with --resume".

    Returns:
        How many were done, which failed, and how often tasks were begun anew.

    Raises:
        WorkersError: The workers or their scheduler are gone, were never there, or have other
            versions of causalopt, numpy or Python than this process; or all of the first tasks
            failed.
        CausaloptError: A task raised it: its input is wrong, and so would be that of others.
    """
    chosen = [executor is not None, dask is not None, processes > 0]
    if sum(chosen) > 1:
        raise ArgumentError("tasks run by an executor, by Dask or in processes: choose one of them")
    account = _Account(count, retries, points, total, kept)
    if count == 0:
        return account.report(None)
    if not any(chosen) or sys.platform == "emscripten":
        for task in tasks:
            _run_here(work, task, on_done, account)
        return account.report(None)
    with SharedWork(work) as shared:
        after = f"; {kept}" if kept else ""
        crew: Crew
        if dask is not None:
            from causalopt.sweeps.crews.dask_crew import DaskCrew

            crew = DaskCrew(dask, shared, window, patience, after)
        elif executor is not None:
            from causalopt.sweeps.crews.executor_crew import ExecutorCrew

            crew = ExecutorCrew(executor, shared, window, after)
        else:
            from causalopt.sweeps.crews.process_crew import ProcessCrew

            crew = ProcessCrew(shared, min(processes, count), after)
        return _run_there(crew, iter(tasks), on_done, account)


def _run_here(
    work: Callable[[int], Result],
    task: int,
    on_done: Callable[[int, Result], Any],
    account: _Account,
) -> None:
    """Run a task in this process, until it is done or has failed in all its tries."""
    while True:
        try:
            with account.share(task):
                result = work(task)
        except CausaloptError:
            raise
        except Exception as error:
            if account.goes_on(Ended(task, failure=failure_text(error))):
                continue
            return
        on_done(task, result)
        account.add(task)
        return


def _run_there(
    crew: Crew, left: Iterator[int], on_done: Callable[[int, Any], Any], account: _Account
) -> TaskReport:
    """Run all tasks by a crew, few at a time."""
    again: collections.deque[int] = collections.deque()
    flying, more = 0, True
    try:
        while flying or again or more:
            for _ in range(crew.window() - flying):
                task = again.popleft() if again else next(left, None)
                if task is None:
                    more = False
                    break
                crew.submit(task)
                flying += 1
            check_stop()
            ended = crew.ended(WAIT) if flying or again or more else []
            flying -= len(ended)
            for one in ended:
                if one.failure:
                    again.extend([one.task] if account.goes_on(one) else [])
                else:
                    on_done(one.task, one.result)
                    account.add(one.task)
            pulse()
        return account.report(crew)
    except BaseException:
        crew.cancel()
        raise
    finally:
        crew.close()


class _Account:
    """What is done, has failed and was begun anew, and how far the whole is.

    Args:
        count: How many tasks there are.
        retries: How often one is begun anew.
        points: How many points a task has.
        total: How many points all have.
        kept: What is said of the tasks that are done.
    """

    def __init__(
        self,
        count: int,
        retries: int,
        points: Callable[[int], int] | None,
        total: int | None,
        kept: str,
    ) -> None:
        self._retries, self._kept = retries, kept
        self._points = points or (lambda _: 1)
        self._total = float(count if points is None or total is None else total)
        self._past = 0.0
        self._tries: dict[int, int] = {}
        self._failed: list[FailedTask] = []
        self.done, self.failures, self.retried = 0, 0, 0
        begin(self._total)

    def _fraction(self, past: float) -> float:
        return min(past / self._total, 1.0) if self._total else 1.0

    @contextlib.contextmanager
    def share(self, task: int) -> Iterator[None]:
        """Let what runs inside move progress within a task's share."""
        with portion(self._fraction(self._past), self._fraction(self._past + self._points(task))):
            yield

    def _pass(self, task: int) -> None:
        self._tries.pop(task, None)
        self._past += self._points(task)
        with portion(0.0, self._fraction(self._past)):
            tick(1.0, 1.0)

    def add(self, task: int) -> None:
        """Count a task that is done."""
        self.done += 1
        self._pass(task)

    def goes_on(self, ended: Ended) -> bool:
        """Count a task that did not end well; return whether it is begun anew.

        Raises:
            WorkersError: None is done, and many have failed.
        """
        tries = self._tries.get(ended.task, 0) + ended.tries
        if tries <= self._retries:
            self._tries[ended.task] = tries
            self.retried += 1
            return True
        self.failures += 1
        if len(self._failed) < _SHOWN:
            self._failed.append(FailedTask(ended.task, tries, ended.failure))
        if self.failures >= _HOPELESS and not self.done:
            raise WorkersError(
                f"the first {self.failures} tasks failed, each {tries} times; task {ended.task}: "
                f"{ended.failure}" + (f"; {self._kept}" if self._kept else "")
            )
        self._pass(ended.task)
        return False

    def report(self, crew: Crew | None) -> TaskReport:
        """Return what became of the tasks."""
        moved, lost = (crew.moved, crew.lost) if crew else (0, 0)
        return TaskReport(self.done, tuple(self._failed), self.failures, self.retried + moved, lost)

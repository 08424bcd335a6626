"""Tasks run one after another here, in local processes, by an executor or on a Dask cluster.

A task is a whole number. Whoever runs it, the caller is told on its own thread as it is done, and
the numbers that come back depend on nothing but the task.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar

from causalopt.errors import ArgumentError, CausaloptError, WorkersError
from causalopt.sweeps.crews.crew import Crew, Ended
from causalopt.sweeps.crews.shared_work import SharedWork, failure_text
from causalopt.work.progress import begin, portion, pulse, remark, tick
from causalopt.work.threads import WAIT, check_stop

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")
RETRIES = 2
PATIENCE = 30.0  # seconds
_SHOWN = 1000  # failed tasks that a report names
_LONG, _MUCH = 60.0, 10.0  # seconds, and times the longest before, after which a task is told of
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
        tasks: The tasks' numbers, each once, in any order.
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
    account = _Account(count, retries, points, total)
    if count == 0:
        return account.report()
    if not any(chosen) or sys.platform == "emscripten":
        for task in tasks:
            _run_here(work, task, on_done, account)
        return account.report()
    try:
        with SharedWork(work) as shared:
            crew = _crew(shared, count, executor, dask, processes, window, patience)
            _run_there(crew, _Queue(tasks), on_done, account)
            return account.report(crew)
    except WorkersError as error:
        if not account.done:
            raise
        done = f"{error.message}; {account.done:,} of {count:,} tasks are done"
        raise WorkersError(f"{done}; {kept}" if kept else done) from error


def _crew(
    work: SharedWork,
    count: int,
    executor: Executor | None,
    dask: str | Client | None,
    processes: int,
    window: int | None,
    patience: float,
) -> Crew:
    """Return those who run the tasks."""
    if dask is not None:
        from causalopt.sweeps.crews.dask_crew import DaskCrew

        return DaskCrew(dask, work, window, patience)
    if executor is not None:
        from causalopt.sweeps.crews.executor_crew import ExecutorCrew

        return ExecutorCrew(executor, work, window)
    from causalopt.sweeps.crews.process_crew import ProcessCrew

    return ProcessCrew(work, min(processes, count))


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
    crew: Crew, queue: _Queue, on_done: Callable[[int, Any], Any], account: _Account
) -> None:
    """Run all tasks by a crew, few at a time."""
    flying = 0
    try:
        while flying or not queue.empty:
            while flying < crew.window() and (task := queue.take(flying)) is not None:
                crew.submit(task)
                account.begin(task)
                flying += 1
            if not flying and queue.empty:
                break
            check_stop()
            for ended in crew.ended(WAIT):
                flying -= 1
                if not ended.failure:
                    on_done(ended.task, ended.result)
                    account.add(ended.task)
                elif account.goes_on(ended):
                    queue.give_back(ended)
            account.tell(crew)
    except BaseException:
        crew.cancel()
        raise
    finally:
        crew.close()


class _Queue:
    """Tasks that are to be begun: those to be begun anew first, suspects last and each alone.

    Args:
        tasks: The tasks; one is taken where there is room for it.
    """

    def __init__(self, tasks: Iterable[int]) -> None:
        self._left, self._more = iter(tasks), True
        self._again: collections.deque[int] = collections.deque()
        self._suspects: collections.deque[int] = collections.deque()

    @property
    def empty(self) -> bool:
        """Whether there are none, as far as is known."""
        return not (self._more or self._again or self._suspects)

    def take(self, flying: int) -> int | None:
        """Return the next task, None where there is none at present.

        Args:
            flying: How many are in flight.
        """
        if self._again:
            return self._again.popleft()
        if self._more:
            task = next(self._left, None)
            if task is not None:
                return task
            self._more = False
        return self._suspects.popleft() if self._suspects and not flying else None

    def give_back(self, ended: Ended) -> None:
        """Let a task be begun anew."""
        (self._suspects if ended.suspect else self._again).append(ended.task)


class _Account:
    """What is done, has failed and was begun anew, and how far the whole is.

    Args:
        count: How many tasks there are.
        retries: How often one is begun anew.
        points: How many points a task has.
        total: How many points all have.
    """

    def __init__(
        self, count: int, retries: int, points: Callable[[int], int] | None, total: int | None
    ) -> None:
        self._retries = retries
        self._points = points or (lambda _: 1)
        self._total = float(count if points is None or total is None else total)
        self._past = 0.0
        self._tries: dict[int, int] = {}
        self._begun: dict[int, float] = {}  # in the order of their beginning
        self._longest = 0.0
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

    def begin(self, task: int) -> None:
        """Note that a task is in flight."""
        self._begun[task] = time.monotonic()

    def _pass(self, task: int) -> None:
        begun = self._begun.pop(task, None)
        if begun is not None:
            self._longest = max(self._longest, time.monotonic() - begun)
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
        if (tries <= self._retries or ended.suspect) and not ended.final:
            self._tries[ended.task] = tries
            self.retried += 1
            return True
        self.failures += 1
        if len(self._failed) < _SHOWN:
            self._failed.append(FailedTask(ended.task, tries, ended.failure))
        if self.failures >= _HOPELESS and not self.done:
            raise WorkersError(
                f"the first {self.failures} tasks failed, each {tries} times; task {ended.task}: "
                f"{ended.failure}"
            )
        self._pass(ended.task)
        return False

    def tell(self, crew: Crew) -> None:
        """Let a bar show that work goes on, and what went wrong so far."""
        counts = {
            "failed": self.failures,
            "begun anew": self.retried + crew.moved,
            "workers lost": crew.lost,
        }
        said = [f"{count} {what}" for what, count in counts.items() if count]
        age = time.monotonic() - next(iter(self._begun.values()), math.inf)
        if self.done and age > max(
            _LONG, _MUCH * self._longest
        ):  # a task that hangs is like one that is long
            said.append(
                f"a task is out for {age / 60:.0f} min, none before longer than "
                f"{self._longest:.0f} s"
            )
        remark(", ".join(said))
        pulse()

    def report(self, crew: Crew | None = None) -> TaskReport:
        """Return what became of the tasks."""
        moved, lost = (crew.moved, crew.lost) if crew else (0, 0)
        return TaskReport(self.done, tuple(self._failed), self.failures, self.retried + moved, lost)

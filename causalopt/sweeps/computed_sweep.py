"""A plan computed: its tasks run where they are asked to, their results in memory or in a store."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from causalopt.engine.processor_count import processors
from causalopt.errors import ArgumentError, QuestionError
from causalopt.model.declaration import shown
from causalopt.sweeps.coarse_preview import show_preview
from causalopt.sweeps.measure_sweep import MeasureSweep, measured_grid, summary_dict
from causalopt.sweeps.store_power import power_entry
from causalopt.sweeps.sweep_plan import SweepPlan
from causalopt.sweeps.sweep_store import SweepStore
from causalopt.sweeps.task_runner import PATIENCE, RETRIES, TaskReport, run_tasks
from causalopt.sweeps.write_behind import WriteBehind

if TYPE_CHECKING:
    from distributed import Client

    from causalopt.sweeps.store_writer import StoreWriter
    from causalopt.sweeps.task_summary import TaskSummary


@dataclasses.dataclass(frozen=True)
class StoreRun:
    """What one call did for a store.

    Attributes:
        plan: The store's plan.
        had: How many points the store had before.
        report: What became of the tasks.
    """

    plan: SweepPlan
    had: int
    report: TaskReport

    def to_dict(self, store: SweepStore) -> dict[str, Any]:
        """Return the summary of a sweep into a store as JSON's types."""
        missing = self.plan.count - sum(store.total.counts)
        statuses = store.statuses | ({"missing": missing} if missing else {})
        low_high = store.ranges[self.plan.measure.drawn]
        found = summary_dict(self.plan, statuses, low_high, out=str(store.path), skipped=self.had)
        failed = {"tasks_failed": self.report.failures, "retries": self.report.retries}
        return found | failed | power_entry(store, self.plan)


LARGEST = 1_000_000_000  # points that are kept in memory


@dataclasses.dataclass(frozen=True)
class Workers:
    """Who runs the tasks of a sweep.

    Attributes:
        threads: Of each task, or how many processes where a measure is mostly Python; one per
            processor when None.
        executor: What runs tasks elsewhere; it is left open.
        dask: A Dask scheduler's address, its scheduler file, or a client, which is left open.
        retries: How often a task that fails is begun anew.
        patience: Seconds after which a scheduler or workers that do not answer are given up.
    """

    threads: int | None = None
    executor: Executor | None = None
    dask: str | Client | None = None
    retries: int = RETRIES
    patience: float = PATIENCE

    def __post_init__(self) -> None:
        """Refuse what runs no tasks, before a store is made.

        Raises:
            ArgumentError: The executor is none, or Dask is named too.
        """
        no_executor = isinstance(self.executor, type) or not hasattr(self.executor, "submit")
        if self.executor is not None and no_executor:
            raise ArgumentError(
                "executor is one of concurrent.futures, such as ProcessPoolExecutor(8), found "
                f"{shown(self.executor)}"
            )
        if self.executor is not None and self.dask is not None:
            raise ArgumentError("tasks run by an executor or by Dask: leave one of them out")

    def processes(self, plan: SweepPlan, count: int) -> int:
        """Return how many processes of this machine run so many tasks; 0 for this one alone."""
        if self.executor is not None or self.dask is not None or not plan.measure.python_bound:
            return 0
        wanted = min(self.threads or processors(), count)
        return wanted if wanted > 1 else 0

    def threads_each(self, plan: SweepPlan, count: int) -> int | None:
        """Return how many threads a task has: one where tasks run beside each other."""
        return self.threads if self.alone(plan, count) else 1

    def alone(self, plan: SweepPlan, count: int) -> bool:
        """Return whether so many tasks run one after another in this process."""
        return self.executor is None and self.dask is None and not self.processes(plan, count)


@dataclasses.dataclass(frozen=True)
class _InMemory:
    """A task whose arrays travel back."""

    plan: SweepPlan
    threads: int | None

    def __call__(self, task: int) -> dict[str, NDArray[Any]]:
        return self.plan.evaluate(task, self.threads)


@dataclasses.dataclass(frozen=True)
class _IntoStore:
    """A task that writes its arrays itself; what travels back sums them up."""

    plan: SweepPlan
    threads: int | None
    writer: StoreWriter

    def __call__(self, task: int) -> TaskSummary:
        return self.writer.write(task, self.plan.evaluate(task, self.threads))


def computed_in_memory(plan: SweepPlan, workers: Workers) -> MeasureSweep:
    """Return a whole sweep in memory.

    Args:
        plan: The sweep.
        workers: Who runs its tasks.

    Raises:
        QuestionError: It has more points than fit.
        WorkersError: The workers are gone.
    """
    if plan.count > LARGEST:
        raise QuestionError(
            f"the grid has {plan.count:,} points, and {LARGEST:,} at most are kept in memory: "
            "name a store, --out FILE.zarr (out='FILE.zarr')"
        )
    columns = measured_grid(plan)

    def keep(task: int, found: dict[str, NDArray[Any]]) -> None:
        part = plan.task_slices(task)
        for name, values in found.items():
            columns[name][part] = values

    count = plan.task_count
    report = run_tasks(
        _InMemory(plan, workers.threads_each(plan, count)),
        range(count),
        keep,
        count=count,
        executor=workers.executor,
        dask=workers.dask,
        processes=workers.processes(plan, count),
        retries=workers.retries,
        patience=workers.patience,
        points=plan.task_points,
        total=plan.count,
    )
    return MeasureSweep(plan, columns, {one.task: one.message for one in report.failed})


def computed_in_store(
    plan: SweepPlan,
    path: str | os.PathLike[str],
    workers: Workers,
    *,
    resume: bool,
    preview: Callable[[MeasureSweep], object] | None = None,
) -> SweepStore:
    """Compute what a store has not, and return it, with what became of its tasks.

    Args:
        plan: The sweep.
        path: The store, which ends in .zarr.
        workers: Who runs its tasks.
        resume: Whether to go on with a store that is there.
        preview: Called with a coarse sweep first, where the store has nothing yet.

    Returns:
        The store, complete unless tasks failed; its `made` says what was done for it.

    Raises:
        FileError: The store is there already and is not to be gone on with, is being computed by
            another process, or cannot be written.
        QuestionError: It holds another sweep.
        WorkersError: The workers are gone.
    """
    with contextlib.ExitStack() as ends:
        store = ends.enter_context(SweepStore.begin(path, plan, resume=resume))
        plan = store.fitted(plan)
        had, count = sum(store.total.counts), store.task_count - store.done
        if preview is not None and not had:
            show_preview(preview, plan, workers.threads)
        threads = workers.threads_each(plan, count)
        work: Callable[[int], Any] = _IntoStore(plan, threads, store.writer)
        on_done: Callable[[int, Any], None] = store.mark
        if workers.alone(plan, count):
            behind = ends.enter_context(WriteBehind(store))
            work, on_done = _InMemory(plan, threads), behind.keep
        report = run_tasks(
            work,
            store.missing(),
            on_done,
            count=count,
            executor=workers.executor,
            dask=workers.dask,
            processes=workers.processes(plan, count),
            retries=workers.retries,
            patience=workers.patience,
            points=plan.task_points,
            total=plan.count - had,
            kept=f"what is done is kept in {path}: go on with --resume (resume=True)",
        )
    store.made = StoreRun(plan, had, report)
    return store

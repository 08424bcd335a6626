"""A process that drives a store: python -m tests.sweeps.store_driver PATH [honest|liar] [PAUSE].

A liar marks a task before its numbers are there.
"""

from __future__ import annotations

import sys
import time

from causalopt.sweeps.sweep_store import SweepStore
from causalopt.sweeps.task_summary import TaskSummary
from tests.sweeps.counted_plan import CountedPlan

PLAN = CountedPlan(shape=(40, 6), chunk=(1, 6))


def drive(path: str, *, honest: bool, pause: float) -> None:
    with SweepStore.begin(path, PLAN, resume=True) as store:
        for task in list(store.missing()):
            columns = PLAN.evaluate(task)
            if honest:
                summary = store.write(task, columns)
                time.sleep(pause)
                store.mark(task, summary)
            else:
                layout = store.layout
                store.mark(task, TaskSummary.of(columns, layout.floats, layout.statuses))
                time.sleep(pause)
                store.write(task, columns)


if __name__ == "__main__":
    drive(sys.argv[1], honest=sys.argv[2:3] != ["liar"], pause=float((sys.argv[3:4] or ["0"])[0]))

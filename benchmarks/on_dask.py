"""A sweep on a Dask cluster of this machine beside the same sweep on its threads, whole calls.

python -m benchmarks.on_dask [TASKS]: in turn, three times each, after one that warms up. The least
of each counts, for other work on the machine only adds to either; CPU seconds are those of all
processes but the scheduler.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

import causalopt
from causalopt.engine.processor_count import processors

STEPS, ROW, TIMES = (
    25_000,
    4096,
    5,
)  # a task of about half a second on a slow core, and as many points


def timed(call: Callable[[], Any], client: Client) -> tuple[float, float, Any]:
    """Return the seconds and the CPU seconds that a call takes, and what it returns."""
    busy, begun = used(client), time.perf_counter()
    found = call()
    passed = time.perf_counter() - begun
    return passed, used(client) - busy, found


def used(client: Client) -> float:
    """Return the CPU seconds of this process and of the workers so far."""
    workers: dict[str, float] = client.run(time.process_time)
    return time.process_time() + sum(workers.values())


def main(tasks: int) -> None:
    """Print the seconds of both, and their ratios."""
    model = causalopt.load("thermostat_saturating")
    grid = {"T[0]": np.linspace(10, 30, tasks), "R[0]": np.linspace(5, 45, ROW)}

    def sweep(**where: Any) -> Any:
        return causalopt.sweep(model, grid, steps=STEPS, chunk=ROW, **where)

    workers = processors()
    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        rows = []
        for turn in range(TIMES + 1):
            *here, found = timed(sweep, client)
            *there, same = timed(lambda: sweep(dask=client), client)
            assert np.array_equal(found.op, same.op, equal_nan=True)
            if turn:
                rows.append([*here, *there])
        wall, busy, dask_wall, dask_busy = np.min(rows, axis=0)
    print(f"{tasks} tasks on {workers} workers")
    print(f"clock: threads {wall:.2f} s, Dask {dask_wall:.2f} s, ratio {dask_wall / wall:.2f}")
    print(f"CPU: threads {busy:.2f} s, Dask {dask_busy:.2f} s, ratio {dask_busy / busy:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 16)

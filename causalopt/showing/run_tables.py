"""A run's table: W, total and direct effect, Comp, Op and status at some steps."""

from __future__ import annotations

import collections
from typing import Any

from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table, spread_places
from causalopt.effects.ensembles.run_ensemble import RunEnsemble
from causalopt.effects.run import Run
from causalopt.results import summary


@summary.register(Run)
@summary.register(RunEnsemble)
def run_summary(run: Run | RunEnsemble, **_options: Any) -> Summary:
    """Return a run's short text with its table."""
    return summary_of(repr(run), run_table(run))


def run_table(run: Run | RunEnsemble) -> Table:
    """Return the first step, the last, and some evenly between."""
    columns = {"time": run.time, **run.columns()}
    header = ["step", *columns, "status"]
    rows = [
        [str(run.t[i]), *(f"{values[i]:.6g}" for values in columns.values()), _status(run, i)]
        for i in spread_places(len(run.t))
    ]
    if run.model.dt is None:  # the step is the time
        header, rows = ["t", *header[2:]], [[row[0], *row[2:]] for row in rows]
    return Table(header, rows)


def _status(run: Run | RunEnsemble, i: int) -> str:
    """Return a step's status; of an ensemble, of how many seeds each."""
    if run.status.ndim == 1:
        return str(run.status[i])
    counts = collections.Counter(run.status[:, i].tolist())
    if len(counts) == 1:
        return str(next(iter(counts)))
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())

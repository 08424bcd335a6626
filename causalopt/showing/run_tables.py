"""A run's table: W, total and direct effect, Comp, Op and status at some steps."""

from __future__ import annotations

from typing import Any

from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table, spread_places
from causalopt.effects.run import Run
from causalopt.results import summary


@summary.register(Run)
def run_summary(run: Run, **_options: Any) -> Summary:
    """Return a run's short text with its table."""
    return summary_of(repr(run), run_table(run))


def run_table(run: Run) -> Table:
    """Return the first step, the last, and some evenly between."""
    columns = {"time": run.time, **run.columns()}
    header = ["step", *columns, "status"]
    rows = [
        [str(i), *(f"{values[i]:.6g}" for values in columns.values()), str(run.status[i])]
        for i in spread_places(run.steps + 1)
    ]
    if run.model.dt is None:  # the step is the time
        header, rows = ["t", *header[2:]], [[row[0], *row[2:]] for row in rows]
    return Table(header, rows)

"""The table of a sweep of any measure: what was found at some points of its grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table, spread_places
from causalopt.results import summary
from causalopt.sweeps.measure_sweep import MeasureSweep

_COLUMNS = 5  # variables of a table


@summary.register(MeasureSweep)
def measure_sweep_summary(sweep: MeasureSweep, **_options: Any) -> Summary:
    """Return a sweep's short text with its table."""
    return summary_of(repr(sweep), measure_sweep_table(sweep))


def measure_sweep_table(sweep: MeasureSweep) -> Table:
    """Return the first point of the grid, the last, and some evenly between."""
    plan = sweep.plan
    size = sweep.codes.size
    chosen = spread_places(size)
    points = plan.points(np.asarray(chosen, dtype=np.int64))
    floats = [one.name for one in plan.variables if one.dtype == "f8"][:_COLUMNS]
    rows = []
    for k, place in enumerate(chosen):
        at = np.unravel_index(place, plan.shape)
        row = [_text(points[name][k]) for name in points]
        row += [f"{sweep.columns[name][at]:.6g}" for name in floats]
        rows.append([*row, str(sweep.status[at])])
    more = f"{len(chosen)} of {size:,} points" if len(chosen) < size else ""
    return Table([*points, *floats, "status"], rows, more=more)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value or "{}"
    return f"{value:.6g}" if isinstance(value, np.floating) else str(value)

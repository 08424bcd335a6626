"""A refinement's table: its axes, value, Comp, Op and status at some of its points."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table, spread_places
from causalopt.refinement.refinement import Refinement
from causalopt.results import summary


@summary.register(Refinement)
def refinement_summary(found: Refinement, **_options: Any) -> Summary:
    """Return a refinement's short text with its table."""
    return summary_of(repr(found), refinement_table(found))


def refinement_table(found: Refinement) -> Table:
    """Return the point at the lower ends, the one at the upper ends, and some between, in order."""
    columns = [*found.axes.values(), found.values, found.comp, found.op]
    order = np.lexsort(list(found.axes.values())[::-1])
    chosen = spread_places(found.points)
    rows = [
        [*(f"{column[k]:.6g}" for column in columns), str(found.status[k])]
        for k in order[chosen].tolist()
    ]
    more = f"{len(chosen)} of {found.points:,} points" if len(chosen) < found.points else ""
    return Table([*found.axes, f"W {found.target}", "Comp", "Op", "status"], rows, more=more)

"""The tables of measures beside one another, and of loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.comparison.comparison import Comparison
from causalopt.comparison.loop_shares import LoopShares, loop_text
from causalopt.display.summary import Summary
from causalopt.display.table import Table
from causalopt.results import summary

_MOST = 12


@summary.register(Comparison)
def comparison_summary(found: Comparison, **_options: Any) -> Summary:
    """Return the measures as columns, models as rows, and what is not defined in sentences."""
    header, rows, notes = found.grid()
    left = len(rows) - _MOST
    table = Table(header, rows[:_MOST], more=f"... and {left} more models" if left > 0 else "")
    return Summary(repr(found), tuple(notes), (table,))


@summary.register(LoopShares)
def loops_summary(found: LoopShares, **_options: Any) -> Summary:
    """Return the loops that move W most."""
    heading, *lines = repr(found).split("\n")
    order = np.argsort(-np.nan_to_num(np.abs(found.mean)), kind="stable")[:_MOST]
    rows = [[loop_text(found.loops[i]), f"{found.mean[i]:+.4f}".replace("+", "")] for i in order]
    rest = tuple(line.strip() for line in lines if line.startswith("  at rest"))
    left = len(found.loops) - len(rows)
    more = f"... and {left} more loops" if left else ""
    return Summary(heading, rest, (Table(["loop", "mean share"], rows, more=more),))

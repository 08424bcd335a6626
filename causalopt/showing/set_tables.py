"""Tables of sets A: ranked, over time, over draws, across a boundary, and of a division."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table
from causalopt.effects.measures import STATUSES
from causalopt.optimizers.across import Across, HeldSide
from causalopt.optimizers.natural_division import NaturalDivision
from causalopt.optimizers.optimizer_matrix import OptimizerMatrix
from causalopt.optimizers.optimizers import Candidate, Optimizers
from causalopt.optimizers.optimizers_over_draws import OptimizersOverDraws
from causalopt.optimizers.optimizers_over_time import OptimizersOverTime
from causalopt.results import summary

_MOST = 12


@summary.register(Optimizers)
def optimizers_summary(found: Optimizers, *, rows: int = _MOST, **_options: Any) -> Summary:
    """Return the strongest sets as a table, and what the search is worth."""
    lines = [[str(k + 1), *row] for k, row in enumerate(found.rows(rows))]
    more = len(found.groups) - len(lines)
    table = Table(
        ["", "set A", "Op", "Comp", "share", "status", "idle"],
        lines,
        more=f"... and {more} more" if more else "",
    )
    met = {row[5] for row in lines} - {"ok"}
    said = [f"{status}: {STATUSES[status]}" for status in STATUSES if status in met]
    heading = (
        f"Op(A; {found.nudge}, {found.target}) in {found.asked.model.name}, nats, total effect "
        f"{found.total:.6g}"
    )
    return Summary(heading, (*said, str(found.search)), (table,))


@summary.register(Candidate)
def candidate_summary(found: Candidate, **_options: Any) -> Summary:
    """Return one set with its numbers as a table."""
    numbers = [f"{value:.6g}" for value in (found.op, found.comp, found.share)]
    header = ["set A", "Op", "Comp", "share", "status"]
    return Summary(f"A = {found}", (), (Table(header, [[str(found), *numbers, found.status]]),))


@summary.register(OptimizersOverTime)
def over_time_summary(found: OptimizersOverTime, **_options: Any) -> Summary:
    """Return which set is the best at which steps."""
    rows = [
        [
            str(reign.first) if reign.first == reign.last else f"{reign.first}..{reign.last}",
            "{" + ", ".join(reign.hold) + "}" if reign.hold else "none",
            f"{reign.op:.6g}" if reign.hold else "-",
            reign.status,
        ]
        for reign in found.reigns[:_MOST]
    ]
    left = len(found.reigns) - len(rows)
    more = f"... and {left} more changes" if left else ""
    heading, *_ = repr(found).split("\n")
    return Summary(
        heading, (), (Table(["steps", "set A", "Op at the end", "status"], rows, more=more),)
    )


@summary.register(OptimizersOverDraws)
def over_draws_summary(found: OptimizersOverDraws, **_options: Any) -> Summary:
    """Return the mean Op of each set with its interval."""
    rows = []
    for k, hold in enumerate(found.sets[:_MOST]):
        met, counts = np.unique(found.status[:, k], return_counts=True)
        told = ", ".join(
            str(name) if len(met) == 1 else f"{name} in {count}"
            for name, count in zip(met, counts, strict=True)
        )
        numbers = [f"{values[k]:.6g}" for values in (found.mean, found.low, found.high)]
        rows.append(["{" + ", ".join(hold) + "}", *numbers, str(found.first[k]), told])
    left = len(found.sets) - len(rows)
    heading, *_ = repr(found).split("\n")
    table = Table(
        ["set A", "mean Op", "low", "high", "first in", "status"],
        rows,
        more=f"... and {left} more sets" if left else "",
    )
    return Summary(heading, (), (table,))


@summary.register(OptimizerMatrix)
def matrix_summary(found: OptimizerMatrix, **_options: Any) -> Summary:
    """Return the best set for each n and m."""
    heading, *_ = repr(found).split("\n")
    rows = [
        [source, *(f"{each[0]} {each[0].op:.4g}" if each else "-" for each in row[:_MOST])]
        for source, row in zip(found.sources[:_MOST], found.found[:_MOST], strict=True)
    ]
    left = len(found.sources) - len(rows)
    table = Table(["", *found.targets[:_MOST]], rows, more=f"... and {left} more n" if left else "")
    return Summary(heading, (), (table,))


@summary.register(Across)
def across_summary(found: Across, **_options: Any) -> Summary:
    """Return the pairs across the boundary whose Op is farthest from 0, a table a side."""
    return summary_of(repr(found), *(_side_table(side) for side in found.sides if side.pairs))


def _side_table(side: HeldSide) -> Table:
    """Return the pairs whose Op is farthest from 0, half of them from each end."""
    places = [(i, j) for i, j in zip(*side.crosses.nonzero(), strict=True)]
    places.sort(key=lambda place: -side.op[place] if side.op[place] == side.op[place] else 0.0)
    half = _MOST // 2
    shown = places if len(places) <= _MOST else [*places[:half], *places[-half:]]
    rows = [
        [
            side.sources[i],
            side.targets[j],
            f"{side.op[i, j]:.6g}",
            f"{side.comp[i, j]:.6g}",
            str(side.status[i, j]),
        ]
        for i, j in shown
    ]
    title = f"{side.held} held"
    if len(shown) < len(places):
        title += f": the {half} largest and the {half} smallest Op of {len(places)} pairs"
    return Table(["n", "m", "Op", "Comp", "status"], rows, title=title)


@summary.register(NaturalDivision)
def division_summary(found: NaturalDivision, **_options: Any) -> Summary:
    """Return the division with the minimal sets that carry most of the best Op."""
    minimal = found.minimal
    if not minimal.groups:
        return summary_of(f"{found!r}\n  no set compresses")
    rows = []
    for op, sets in minimal.groups[:_MOST]:
        names = " = ".join("{" + ", ".join(hold) + "}" for hold in sets[:_MOST])
        more = f" and {len(sets) - _MOST} more" if len(sets) > _MOST else ""
        rows.append([f"{op:.6g}", names + more])
    table = Table(
        ["Op", "set A"],
        rows,
        title=f"minimal sets that carry {minimal.share:g} of the best Op",
        more="" if minimal.is_complete else "of the sets that were tried: there may be others",
    )
    return summary_of(repr(found), table)

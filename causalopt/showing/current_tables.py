"""Tables of currents: shares through variables at some steps, and the largest paths."""

from __future__ import annotations

from typing import Any

import numpy as np

from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table, spread_places
from causalopt.influence.array_currents import ArrayCurrents
from causalopt.influence.influence import Currents
from causalopt.influence.path_lines import path_rows
from causalopt.influence.relative_currents import RelativeCurrents, relative_currents
from causalopt.influence.through import Through
from causalopt.results import summary

_COLUMNS = 6
_WIDTH = 72  # characters of a path
_PATHS = 5


@summary.register(Currents)
def currents_summary(found: Currents, *, paths: int = _PATHS, **_options: Any) -> Summary:
    """Return shares and the largest paths, so many as are asked for."""
    tables = [share_table(relative_currents(found))]
    rows = path_rows(found, paths, width=_WIDTH) if paths else []
    if rows:
        tables.append(Table(["largest paths", "product", "share"], rows))
    told = repr(found)
    return summary_of(told if rows or not paths else f"{told}\n  no path carries anything", *tables)


@summary.register(ArrayCurrents)
def array_currents_summary(found: ArrayCurrents, **_options: Any) -> Summary:
    """Return shares; between arrays nobody lists paths."""
    return summary_of(repr(found), share_table(relative_currents(found)))


@summary.register(Through)
def through_summary(found: Through, **_options: Any) -> Summary:
    """Return what goes through one set, as a table."""
    numbers = [f"{value:.6g}" for value in (found.share, found.comp, found.op)]
    table = Table(["share", "Comp", "Op", "status", "from"], [[*numbers, found.status, found.how]])
    return Summary(f"influence through A = {found.hold}", (), (table,))


def share_table(relative: RelativeCurrents) -> Table:
    """Return the currents through the variables that carry most, at a few steps."""
    asked, names = relative.asked, relative.variables
    size = np.nansum(np.abs(relative.nodes), axis=0)
    order = sorted(relative.between, key=lambda name: -size[names.index(name)])
    shown = [name for name in relative.between if name in order[:_COLUMNS]]
    left = len(relative.between) - len(shown)
    head = f"shares {relative.unit}"
    head += f" (of {left} more variables less)" if left else ""
    first, last = asked.nudge.t, asked.steps
    steps = [first + place for place in spread_places(last - first + 1)]
    rows = [
        [str(t), *(f"{relative.nodes[t, names.index(n)]:.6g}" for n in shown), relative.gravest(t)]
        for t in steps
    ]
    if asked.model.is_static:
        return Table([*shown, "status"], [row[1:] for row in rows], title=head)
    return Table(["step", *shown, "status"], rows, title=head)

"""Tables of Op for many n and m, and of its slopes by parameters."""

from __future__ import annotations

from typing import Any

from causalopt.display.summary import Summary
from causalopt.display.table import Table
from causalopt.effects.op_matrix import OpMatrix
from causalopt.effects.parameter_slopes import ParameterSensitivity
from causalopt.results import summary

_MOST = 11


@summary.register(OpMatrix)
def op_matrix_summary(found: OpMatrix, **_options: Any) -> Summary:
    """Return Op of every pair, its status where it has none."""
    heading, *_ = repr(found).split("\n")
    rows = []
    for k, name in enumerate(found.sources[:_MOST]):
        pairs = zip(found.op[k, :_MOST].tolist(), found.status[k, :_MOST], strict=True)
        rows.append([name, *(str(status) if op != op else f"{op:.4g}" for op, status in pairs)])
    size, shown = found.op.size, len(rows) * len(found.targets[:_MOST])
    more = f"and {size - shown} more pairs" if shown < size else ""
    return Summary(heading, (), (Table(["n \\ m", *found.targets[:_MOST]], rows, more=more),))


@summary.register(ParameterSensitivity)
def sensitivity_summary(found: ParameterSensitivity, **_options: Any) -> Summary:
    """Return the slopes, the strongest first."""
    heading, *_ = repr(found).split("\n")
    rows = [
        [s.parameter, *(f"{x:.4g}" for x in (s.value, s.op, s.relative, s.comp)), s.status]
        for s in found.slopes[:_MOST]
    ]
    left = len(found.slopes) - len(rows)
    table = Table(
        ["parameter", "value", "dOp/dp", "p dOp/dp", "dComp/dp", "status"],
        rows,
        more=f"... and {left} more parameters" if left else "",
    )
    return Summary(heading, tuple(f"{n}: {why}" for n, why in found.left_out.items()), (table,))

"""The table of exponents, largest first."""

from __future__ import annotations

from typing import Any

from causalopt.display.summary import Summary
from causalopt.display.table import MOST_ROWS, Table
from causalopt.effects.exponents.rates import Rates, exponent_text
from causalopt.results import summary


@summary.register(Rates)
def rates_summary(rates: Rates, **_options: Any) -> Summary:
    """Return what was found in sentences, and the exponents as a table."""
    columns = {"Lyapunov": (rates.lyapunov, rates.lyapunov_error)}
    if rates.hold:
        columns["conditional, given A"] = rates.conditional, rates.conditional_error
    longest = max(len(values) for values, _ in columns.values())
    shown = min(longest, MOST_ROWS)
    rows = [
        [
            str(k + 1),
            *(
                exponent_text(values[k], errors[k]) if k < len(values) else ""
                for values, errors in columns.values()
            ),
        ]
        for k in range(shown)
    ]
    more = f"and {longest - shown} smaller ones" if shown < longest else ""
    table = Table(["", *(f"{name} ({rates.unit})" for name in columns)], rows, more=more)
    return Summary(rates.heading, tuple(rates.sentences), (table,))

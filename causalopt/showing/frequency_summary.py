"""What a frequency response shows: its facts, and Comp, Op and L at some frequencies."""

from __future__ import annotations

from typing import Any

from causalopt.display.summary import Summary, summary_of
from causalopt.display.table import Table
from causalopt.frequencies.frequency_response import FrequencyResponse
from causalopt.frequencies.frequency_table import HEADS, frequency_rows, frequency_table
from causalopt.results import summary

_ROWS = 9  # of the short text's own table


@summary.register(FrequencyResponse)
def frequency_summary(found: FrequencyResponse, **_options: Any) -> Summary:
    """Return the short text, its table as one."""
    told = set(frequency_table(found, _ROWS))
    lines = "\n".join(line for line in repr(found).split("\n") if line not in told)
    rows = [[text or "-" for text in row] for row in frequency_rows(found, _ROWS)]
    count = len(found.gains.omega)
    more = f"{len(rows)} of {count} frequencies" if len(rows) < count else ""
    return summary_of(lines, Table(HEADS, rows, more=more))

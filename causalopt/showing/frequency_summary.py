"""What a frequency response shows: its facts in sentences; its rows are the table's."""

from __future__ import annotations

from typing import Any

from causalopt.display.summary import Summary, summary_of
from causalopt.frequencies.frequency_response import FrequencyResponse
from causalopt.frequencies.frequency_table import frequency_table
from causalopt.results import summary

_ROWS = 9  # of the short text's own table


@summary.register(FrequencyResponse)
def frequency_summary(found: FrequencyResponse, **_options: Any) -> Summary:
    """Return the short text without its table, which pandas has."""
    rows = set(frequency_table(found, _ROWS))
    return summary_of("\n".join(line for line in repr(found).split("\n") if line not in rows))

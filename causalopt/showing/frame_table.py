"""The preview of a table of pandas: its first and last rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causalopt.display.table import Table

if TYPE_CHECKING:
    import pandas

_ENDS = (6, 5)  # first and last rows
_WIDE_ENDS = (3, 2)  # of a table so wide that its picture goes below
_WIDE = 7


def frame_table(frame: pandas.DataFrame) -> Table:
    """Return a table's head and tail; the index is a column where it has a name."""
    named = frame.reset_index() if any(frame.index.names) else frame
    count = len(named)
    head, tail = _WIDE_ENDS if len(named.columns) > _WIDE else _ENDS
    places = list(range(count))
    if count > head + tail + 1:
        places = [*range(head), *range(count - tail, count)]
    rows = [[_text(value) for value in named.iloc[place].tolist()] for place in places]
    if len(places) < count:
        rows.insert(head, ["…"] * len(named.columns))
    return Table(
        [str(name) for name in named.columns],
        rows,
        more=f"{count} rows: to_pandas() has all" if len(places) < count else "",
    )


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)

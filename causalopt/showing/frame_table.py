"""The preview of a table of pandas: its first and last rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from causalopt.display.table import Table

if TYPE_CHECKING:
    import pandas

_HEAD = 6
_TAIL = 5


def frame_table(frame: pandas.DataFrame) -> Table:
    """Return a table's head and tail; the index is a column where it has a name."""
    named = frame.reset_index() if any(frame.index.names) else frame
    count = len(named)
    places = list(range(count))
    if count > _HEAD + _TAIL + 1:
        places = [*range(_HEAD), *range(count - _TAIL, count)]
    rows = [[_text(value) for value in named.iloc[place].tolist()] for place in places]
    if len(places) < count:
        rows.insert(_HEAD, ["…"] * len(named.columns))
    return Table(
        [str(name) for name in named.columns],
        rows,
        more=f"{count} rows: to_pandas() has all" if len(places) < count else "",
    )


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)

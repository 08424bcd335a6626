"""Tables of texts: a header, rows and what is left out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

MOST_ROWS = 11


@dataclasses.dataclass(frozen=True)
class Table:
    """One table as it is shown.

    Attributes:
        header: What stands over the columns.
        rows: Texts, as many to a row as the header has.
        title: What stands over it.
        more: What stands below it, such as what is left out.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    more: str = ""

    def __str__(self) -> str:
        lines = [self.title] if self.title else []
        lines.append(table([list(row) for row in self.rows], list(self.header)))
        return "\n".join([*lines, *([self.more] if self.more else [])])


def table(rows: list[list[str]], header: list[str]) -> str:
    """Return rows as text in aligned columns, columns of numbers to the right."""
    cells = [header, *rows]
    columns = []
    for column in zip(*cells, strict=True):
        width = max(map(len, column))
        right = all(map(is_number, column[1:]))
        columns.append([text.rjust(width) if right else text.ljust(width) for text in column])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def is_number(text: str) -> bool:
    """Whether a text is a number, or stands for one that is not there."""
    return bool(re.fullmatch(r"-?(\d[\d.e+-]*|inf|nan|-|…)", text))


def spread_places(count: int, most: int = MOST_ROWS) -> list[int]:
    """Return the places of at most so many rows: the first, the last, and some evenly between.

    Example:
        >>> spread_places(1001, 5)
        [0, 250, 500, 750, 1000]
    """
    shown = min(most, count)
    return sorted({round(i * (count - 1) / max(shown - 1, 1)) for i in range(shown)})

"""What a result shows: a heading, what was found in sentences, and tables."""

from __future__ import annotations

import dataclasses

from causalopt.display.table import Table


@dataclasses.dataclass(frozen=True)
class Summary:
    """The parts of a result's short and long text.

    Attributes:
        heading: What was asked of what: Op(A; n, m) in a model.
        lines: What was found, a sentence a line.
        tables: What was found, in numbers.
    """

    heading: str
    lines: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()

    def __str__(self) -> str:
        short = "\n".join([self.heading, *(f"  {line}" for line in self.lines)])
        return "\n\n".join([short, *map(str, self.tables)])


def summary_of(text: str, *tables: Table) -> Summary:
    """Return a short text as a summary: its first line the heading."""
    heading, *lines = text.split("\n")
    return Summary(heading, tuple(line.removeprefix("  ") for line in lines), tables)

"""python -m tools.false_positives: the table of errors of the test for an optimizer, on its page.

It is computed and written between its marks in docs/division.md; a test fails where it is stale.
"""

from __future__ import annotations

from pathlib import Path

from causalopt import false_positive_table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "division.md"
BEGIN = "<!-- false positives: written by `python -m tools.false_positives` -->\n"
END = "\n<!-- end of false positives -->"


def table_of(page: str) -> str:
    """Return the table that a page shows."""
    return page.partition(BEGIN)[2].partition(END)[0]


def written(page: str, table: str) -> str:
    """Return a page with the table in its place.

    Raises:
        ValueError: It has no place for one.
    """
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f"{PAGE} has no marks for the table: {BEGIN.strip()} ... {END.strip()}")
    return before + mark + table + end + after


if __name__ == "__main__":
    table = "\n".join(false_positive_table().markdown())
    PAGE.write_text(written(PAGE.read_text(), table))
    print(table)

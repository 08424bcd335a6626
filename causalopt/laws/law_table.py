"""Laws of small models as the posts print them: a table of cells."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from causalopt.laws.law import Law


def cell(p: Any) -> str:
    """Return a probability as text: a fraction as it is, a float to five digits.

    Example:
        >>> cell(Fraction(2, 27)), cell(0.25), cell(Fraction(0))
        ('2/27', '0.25', '0')
    """
    return str(p) if isinstance(p, (Fraction, int)) else f"{p:.5g}"


def law_table(law: Law, *, rows: str, columns: str) -> str:
    """Return a law of two variables as a table of cells.

    Args:
        law: A law; other variables are summed out.
        rows: The variable whose labels are the rows.
        columns: The variable whose labels are the columns.

    Example:
        >>> from causalopt.laws.law import uniform
        >>> from causalopt.laws.space import Space
        >>> law = uniform(Space(("T", "R"), (("on", "off"), ("hot", "cold"))))
        >>> print(law_table(law, rows="T", columns="R"))
             hot  cold
        on   1/4   1/4
        off  1/4   1/4
    """
    cells = law.marginal([rows, columns]).sparse().marginal([rows, columns]).dense()
    body = [[cell(p) for p in row] for row in cells.p]
    return _text(body, *cells.space.labels)


def _text(body: list[list[str]], rows: tuple[Any, ...], columns: tuple[Any, ...]) -> str:
    names = [str(label) for label in rows]
    cells = [[str(label) for label in columns], *body]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    left = max(len(name) for name in names)
    lines = [
        "  ".join([name.ljust(left), *(c.rjust(w) for c, w in zip(row, widths, strict=True))])
        for name, row in zip(["", *names], cells, strict=True)
    ]
    return "\n".join(line.rstrip() for line in lines)

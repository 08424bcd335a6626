"""Laws and steps of small models as the posts print them: a table of cells."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from causalopt.errors import QuestionError
from causalopt.laws import sparse
from causalopt.laws.discrete import DiscreteModel
from causalopt.laws.law import Law, SparseLaw


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
    cells = law.sparse().marginal([rows, columns]).dense()
    body = [[cell(p) for p in row] for row in cells.p]
    return _text(body, *cells.space.labels)


def step_table(model: DiscreteModel, *, rows: str, columns: str) -> str:
    """Return where each cell goes in one step: the posts' dynamic matrix.

    Args:
        model: A deterministic model of these two variables.
        rows: The variable whose labels are the rows.
        columns: The variable whose labels are the columns.

    Raises:
        QuestionError: The model has other variables, or chance.
    """
    if set(model.state.names) != {rows, columns} or not model.deterministic:
        raise QuestionError(
            f"a table of steps needs a model without chance over two variables, "
            f"{model.name} has {', '.join(model.state.names)}"
        )
    space = model.state.only([rows, columns])
    states = np.stack(np.unravel_index(np.arange(space.size), space.shape), axis=1)
    order = [space.names.index(name) for name in model.state.names]
    every = SparseLaw(model.state, states[:, order], np.full(space.size, 1.0 / space.size))
    after = sparse.images(model, every)
    texts = [
        "(" + ", ".join(str(label) for label in model.state.state(row)[::-1]) + ")"
        if model.state.names == (rows, columns)
        else "(" + ", ".join(str(label) for label in model.state.state(row)) + ")"
        for row in after
    ]
    width = space.shape[1]
    body = [texts[i : i + width] for i in range(0, len(texts), width)]
    return _text(body, *space.labels)


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

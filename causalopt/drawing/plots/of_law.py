"""Figures of laws: tables of cells over a heat map, one panel a law."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from causalopt.entropy.decorrelation import Strength
from causalopt.entropy.information import entropy
from causalopt.errors import QuestionError
from causalopt.laws.law import Law
from causalopt.laws.law_table import cell
from causalopt.results import plot

MOST_TEXT = 150
"""Panels of more cells are coloured only."""


def plot_laws(laws: Mapping[str, Law], *, rows: str, columns: str) -> Figure:
    """Return a figure with one panel a law: each cell coloured and written with its probability.

    Args:
        laws: Title -> law; variables other than the two are summed out.
        rows: The variable down the side.
        columns: The variable along the top.

    Raises:
        QuestionError: No laws.

    Example:
        >>> from causalopt.laws.law import uniform
        >>> from causalopt.laws.space import Space
        >>> law = uniform(Space(("T", "R"), ((0, 1), (0, 1))))
        >>> len(plot_laws({"P": law}, rows="T", columns="R").axes)
        1
    """
    if not laws:
        raise QuestionError("a figure of laws needs at least one law")
    cells = {title: law.sparse().marginal([rows, columns]).dense() for title, law in laws.items()}
    top = max(float(np.max(law.p)) for law in cells.values())
    figure = Figure(figsize=(3.2 * len(laws), 3.4), layout="constrained")
    for axes, (title, law) in zip(
        np.atleast_1d(figure.subplots(1, len(laws))), cells.items(), strict=True
    ):
        p = law.p.astype(float)
        axes.imshow(p, cmap="Blues", vmin=0.0, vmax=top, aspect="auto")
        axes.set_title(f"{title}\nS = {entropy(law):.4f} bit", fontsize=10)
        axes.set_xticks(range(p.shape[1]), [str(label) for label in law.space.labels[1]])
        axes.set_yticks(range(p.shape[0]), [str(label) for label in law.space.labels[0]])
        axes.set(xlabel=columns, ylabel=rows)
        if p.size <= MOST_TEXT:
            for (i, j), value in np.ndenumerate(law.p):
                shade = "white" if float(value) > 0.6 * top else "black"
                axes.text(j, i, cell(value), ha="center", va="center", color=shade, fontsize=9)
    return figure


@plot.register
def plot_strength(found: Strength, *, rows: str, columns: str) -> Figure:
    """Return the four laws of one decorrelation side by side, as Parts 1 and 2 print them.

    Args:
        found: A strength over finite domains.
        rows: The variable down the side.
        columns: The variable along the top.
    """
    later = found.at + found.horizon
    laws = {
        f"P at t = {found.at}": found.P,
        f"P' at t = {found.at}": found.P_decoupled,
        f"P at t = {later}": found.P_next,
        f"P' at t = {later}": found.P_next_decoupled,
    }
    return plot_laws(laws, rows=rows, columns=columns)

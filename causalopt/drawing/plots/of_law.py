"""Figures of laws: tables of cells over a heat map, one panel a law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_hex

from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import PAGE, ink_on, size_map
from causalopt.entropy.decorrelation import Strength
from causalopt.entropy.information import entropy
from causalopt.errors import QuestionError
from causalopt.laws.law import DenseLaw, Law
from causalopt.laws.law_table import cell
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

MOST_TEXT = 150
"""Panels of more cells are coloured only."""


@drawn
def plot_laws(laws: Mapping[str, Law], *, rows: str, columns: str) -> PanelLayout:
    """Return a figure with one panel a law: each cell coloured and written with its probability.

    Args:
        laws: Title -> law; variables other than the two are summed out.
        rows: The variable down the side.
        columns: The variable along the top.

    Returns:
        The figure, not shown. Panels are called as the laws.

    Raises:
        QuestionError: No laws.

    Example:
        >>> from causalopt.laws.law import uniform
        >>> from causalopt.laws.space import Space
        >>> law = uniform(Space(("T", "R"), ((0, 1), (0, 1))))
        >>> [axes.get_xlabel() for axes in plot_laws({"P": law}, rows="T", columns="R").axes]
        ['R']
    """
    if not laws:
        raise QuestionError("a figure of laws needs at least one law")
    cells = {title: law.sparse().marginal([rows, columns]).dense() for title, law in laws.items()}
    top = max(float(np.max(law.p)) for law in cells.values())
    panels = [
        Panel(title, _table(title, law, top, (rows, columns)), 1.9, column=place % 2)
        for place, (title, law) in enumerate(cells.items())
    ]
    return PanelLayout((), panels, width=PAGE if len(panels) > 1 else PAGE / 2)


def _table(title: str, law: DenseLaw, top: float, sides: tuple[str, str]) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        p, shades = law.p.astype(float), size_map()
        axes.imshow(p, cmap=shades, vmin=0.0, vmax=top, aspect="auto")
        axes.set_title(f"{title}\nS = {entropy(law):.4f} bit")
        axes.set_xticks(range(p.shape[1]), [str(label) for label in law.space.labels[1]])
        axes.set_yticks(range(p.shape[0]), [str(label) for label in law.space.labels[0]])
        axes.set(xlabel=sides[1], ylabel=sides[0])
        if p.size <= MOST_TEXT:
            for (i, j), value in np.ndenumerate(law.p):
                ink = ink_on(to_hex(shades(float(value) / top if top else 0.0)))
                axes.text(j, i, cell(value), ha="center", va="center", color=ink)

    return draw


@plot.register(Strength)
@drawn
def plot_strength(found: Strength, *, rows: str, columns: str) -> PanelLayout:
    """Return the four laws of one decorrelation side by side, as Parts 1 and 2 print them.

    Args:
        found: A strength over finite domains.
        rows: The variable down the side.
        columns: The variable along the top.

    Returns:
        The figure, not shown. Panels: `P at t = 0`, `P' at t = 0` and the two one step later, with
        the strength's own steps.
    """
    later = found.at + found.horizon
    laws = {
        f"P at t = {found.at}": found.P,
        f"P' at t = {found.at}": found.P_decoupled,
        f"P at t = {later}": found.P_next,
        f"P' at t = {later}": found.P_next_decoupled,
    }
    return plot_laws.layout(laws, rows=rows, columns=columns)

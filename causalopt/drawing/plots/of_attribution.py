"""The plot of an attribution: the Shapley value of each part as a bar, the largest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import shortened
from causalopt.effects.attribution import Attribution
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 24  # parts of a figure, the largest first
_WIDE = 2.0  # inches of a name


@plot.register(Attribution)
@drawn
def plot_attribution(found: Attribution) -> PanelLayout:
    """Return a figure of shares: a bar for each part, with its standard error.

    Bars to the right, violet, are parts that compress; the bars' sum is the joint Op.

    Args:
        found: The attribution.

    Returns:
        The figure, not shown. Panels: `values`.
    """
    order = np.argsort(-np.abs(found.values), kind="stable")
    height = 0.4 + 0.24 * max(2, min(len(order), _MOST))
    how = "all sets" if found.permutations is None else f"{found.permutations} random orders"
    title = (
        found.model.title or found.model.name,
        f"Op(A; {found.nudge}, {found.target}[{found.at}]) = {found.joint:.4g} nats, shared by "
        f"Shapley values ({how})",
    )
    return PanelLayout(title, [Panel("values", lambda axes: _draw(axes, found, order), height)])


def _draw(axes: Axes, found: Attribution, order: np.ndarray) -> None:
    plain_axes(axes)
    palette, shown = colours(), order[:_MOST]
    values, errors = found.values[shown], found.errors[shown]
    places = np.arange(len(shown))
    axes.barh(
        places,
        values,
        0.62,
        color=[palette.compresses if value > 0 else palette.amplifies for value in values],
        linewidth=0,
    )
    counted = errors > 0
    axes.errorbar(
        values[counted],
        places[counted],
        xerr=errors[counted],
        fmt="none",
        ecolor=palette.ink,
        elinewidth=1.0,
        capsize=2.0,
    )
    axes.axvline(0, color=palette.faint, linewidth=0.8)
    axes.set_yticks(places, [shortened(found.parts[i], _WIDE) for i in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    left = len(order) - len(shown)
    axes.set_xlabel("share of Op [nats]" + (f"\n{left} smaller ones are not shown" if left else ""))

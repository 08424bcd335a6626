"""The plot of Op beside optimizing strength on one system, step by step, and Comp below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import (
    FEW,
    WIDE,
    largest_size,
    legend_above,
    plain_axes,
    spread_axis,
)
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.entropy.bridge import SideBySide
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats


@plot.register(SideBySide)
@drawn
def plot_side_by_side(found: SideBySide) -> PanelLayout:
    """Return a figure of both measures over steps, infinite ones at the edge.

    Args:
        found: The measures.

    Returns:
        The figure, not shown. Panels: `measures`, `comp`.
    """

    def draw_both(axes: Axes) -> None:
        palette = colours()
        _draw(axes, found.op, "Op", palette.blue, "-", 0.97)
        _draw(axes, found.optimizing_strength, "optimizing strength", palette.red, "--", 0.90)
        axes.axhline(0, color=palette.faint, linewidth=0.8, linestyle=":")
        axes.set_ylabel(f"{found.unit}s")
        legend_above(axes)

    def draw_comp(axes: Axes) -> None:
        _draw(axes, found.comp, "Comp", colours().ink, "-", 0.97)
        axes.axhline(1, color=colours().faint, linewidth=0.8, linestyle=":")
        if largest_size(found.comp) > WIDE:
            spread_axis(axes, 1.0)
        axes.set_ylabel("Comp")

    panels = [
        Panel("measures", draw_both, 2.2, under="t [steps]", shares=True),
        Panel("comp", draw_comp, 1.3, under="t [steps]", shares=True),
    ]
    return PanelLayout(("Op beside optimizing strength, A replaced at every step",), panels)


def _draw(axes: Axes, values: Floats, label: str, colour: str, dash: str, height: float) -> None:
    plain_axes(axes)
    steps = np.arange(len(values))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shown = np.where(np.isfinite(values), values, np.nan)
    marker = "o" if len(values) <= FEW else None
    axes.plot(steps, shown, dash, color=colour, label=label, marker=marker, markersize=3)
    for sign, mark, place in ((np.inf, "^", height), (-np.inf, "v", 1 - height)):
        where = values == sign
        if where.any():
            axes.plot(
                steps[where],
                np.full(int(where.sum()), place),
                mark,
                color=colour,
                markersize=4,
                transform=axes.get_xaxis_transform(),
                clip_on=False,
                markevery=max(1, int(where.sum()) // FEW),
                label=f"{label} {'+∞' if sign > 0 else '-∞'}",
            )

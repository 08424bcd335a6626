"""A path of least action drawn: where it goes, and what it has cost by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.transitions.least_action import LeastAction
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plot.register(LeastAction)
@drawn
def plot_least_action(found: LeastAction) -> PanelLayout:
    """Return a figure of the path and of its cost so far.

    Returns:
        The figure, not shown: the coordinates along the path on the left (in the plane, one against
        the other), the cost so far on the right. Panels: `path`, `cost`.
    """
    state = "" if found.status == "ok" else f" ({found.status})"
    title = (
        f"{found.model}: least action {found.action:.5g} nats, limit of small {found.limit}{state}"
    )
    panels = [
        Panel("path", lambda axes: _draw_path(axes, found), 2.4),
        Panel("cost", lambda axes: _draw_cost(axes, found), 2.4, column=1),
    ]
    return PanelLayout((title,), panels)


def _along(found: LeastAction) -> str:
    return "step" if found.limit == "noise" else "segment"


def _draw_path(axes: Axes, found: LeastAction) -> None:
    plain_axes(axes)
    places, palette = found.places, colours()
    if len(found.names) != 2:
        for i, (name, line) in enumerate(zip(found.names, places, strict=True)):
            colour = palette.series[i % len(palette.series)]
            axes.plot(np.arange(len(line)), line, color=colour, marker=".", label=name)
        axes.set(xlabel=_along(found), ylabel="state")
        legend_above(axes)
        return
    axes.plot(*places, color=palette.blue, marker=".", linewidth=1.2)
    for place, name, shift in ((0, "start", (6, 6)), (-1, "end", (6, -10))):
        axes.plot(*places[:, place], "o", color=palette.red)
        axes.annotate(name, tuple(places[:, place]), textcoords="offset points", xytext=shift)
    axes.set(xlabel=found.names[0], ylabel=found.names[1])


def _draw_cost(axes: Axes, found: LeastAction) -> None:
    plain_axes(axes)
    numbers = np.arange(found.places.shape[1])
    axes.plot(numbers, np.append(0.0, np.cumsum(found.path.costs)), color=colours().red)
    axes.set(xlabel=_along(found), ylabel="cost so far [nat]")

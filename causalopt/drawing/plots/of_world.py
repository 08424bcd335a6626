"""The plot of worlds: every variable over time, one row each, all worlds in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import WORLD_DASHES, WORLD_MARKERS, colours
from causalopt.drawing.plots.panel_parts import FEW, legend_above, plain_axes, time_label
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.errors import QuestionError
from causalopt.results import plot
from causalopt.worlds.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

_MORE = (("-.", "D"), (":", "v"), ("--", "P"))


@plot.register(World)
@drawn
def plot_worlds(*worlds: World) -> PanelLayout:
    """Return a figure of worlds: a row per variable, those of A on a shaded ground.

    Args:
        worlds: Worlds of one model, such as W, X and Y.

    Returns:
        The figure, not shown. Panels are called as their variables.

    Raises:
        QuestionError: There is none, or they are of several models.

    Example:
        >>> from causalopt import Nudge, load, world
        >>> model = load("thermostat")
        >>> x = world(model, Nudge("R[0]", 1), steps=9, name="X")
        >>> [axes.get_ylabel() for axes in plot_worlds(world(model, steps=9), x).axes]
        ['T (thermostat)', 'R (room)']
    """
    if not worlds:
        raise QuestionError("which worlds are drawn? give one at least")
    model = worlds[0].model
    if any(other.model.template.names != model.template.names for other in worlds):
        raise QuestionError("worlds of several models have no common rows: draw each model's apart")
    names = model.template.names
    under = time_label(model)
    panels = [
        Panel(name, _row(worlds, name, named=place == 0), 1.2, under=under, shares=True)
        for place, name in enumerate(names)
    ]
    return PanelLayout((model.title or model.name,), panels)


def _row(worlds: tuple[World, ...], name: str, *, named: bool) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        plain_axes(axes)
        model = worlds[0].model
        variable = model.variables[name]
        label = f"{name} ({variable.label})" if variable.label else name
        axes.set_ylabel(f"{label} [{variable.unit}]" if variable.unit else label)
        if name in model.A:
            axes.set_facecolor(colours().band_a)
        for place, world in enumerate(worlds):
            _draw_world(axes, world, name, place, alone=len(worlds) == 1)
        if named:
            legend_above(axes)

    return draw


def _draw_world(axes: Axes, world: World, name: str, place: int, *, alone: bool) -> None:
    values = np.asarray(world[name])
    time = world.model.template.time(np.arange(world.steps + 1))
    colour, dash, marker = _look(world.name, place)
    axes.plot(
        time,
        np.where(np.isfinite(values), values, np.nan),
        color=colour,
        linestyle=dash,
        # The first world is wide and pale, so that one that lies on it is seen.
        linewidth=1.5 if place or alone else 3.5,
        alpha=1.0 if place or alone else 0.5,
        marker=marker if len(time) <= FEW else None,
        label=world.name,
    )


def _look(name: str, place: int) -> tuple[str, str, str]:
    if name in colours().worlds:
        return colours().worlds[name], WORLD_DASHES[name], WORLD_MARKERS[name]
    if place == 0:
        return colours().ink, "-", "o"
    series = (colours().blue, *colours().series[3:6])
    return series[place % len(series)], *_MORE[place % len(_MORE)]

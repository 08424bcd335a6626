"""The plot of worlds: every variable over time, one row each, all worlds in it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import FILL_A, INK, WORLD_COLOURS, WORLD_DASHES, WORLD_MARKERS
from causalopt.drawing.plots.panels import FEW, legend_above, plain_axes, time_label
from causalopt.errors import QuestionError
from causalopt.results import plot
from causalopt.worlds.world import World

_MORE = (("#0072b2", "-.", "D"), ("#cc79a7", ":", "v"), ("#e69f00", "--", "P"))


@plot.register(World)
def plot_worlds(*worlds: World) -> Figure:
    """Return a figure of worlds: a row per variable, those of A on a shaded ground.

    Args:
        worlds: Worlds of one model, such as W, X and Y.

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
    figure = Figure(figsize=(7.2, 1.0 + 1.5 * len(names)), layout="constrained")
    rows = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(rows, names, strict=True):
        plain_axes(axes)
        variable = model.variables[name]
        axes.set_ylabel(f"{name} ({variable.label})" if variable.label else name)
        if name in model.A:
            axes.set_facecolor(FILL_A + "55")
        for i, world in enumerate(worlds):
            values = np.asarray(world[name])
            time = model.template.time(np.arange(world.steps + 1))
            colour, dash, marker = _look(world.name, i)
            axes.plot(
                time,
                np.where(np.isfinite(values), values, np.nan),
                color=colour,
                linestyle=dash,
                # The first world is wide and pale, so that one that lies on it is seen.
                linewidth=1.5 if i or len(worlds) == 1 else 3.5,
                alpha=1.0 if i or len(worlds) == 1 else 0.35,
                marker=marker if len(time) <= FEW else None,
                markersize=4,
                label=world.name,
            )
    legend_above(rows[0])
    figure.align_ylabels(rows)
    rows[-1].set_xlabel(time_label(model))
    figure.suptitle(model.title or model.name, fontsize=11)
    return figure


def _look(name: str, place: int) -> tuple[str, str, str]:
    if name in WORLD_COLOURS:
        return WORLD_COLOURS[name], WORLD_DASHES[name], WORLD_MARKERS[name]
    return (INK, "-", "o") if place == 0 else _MORE[place % len(_MORE)]

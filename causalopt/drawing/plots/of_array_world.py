"""The plot of worlds of arrays: variables over time, or one variable's elements at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import FILL_A
from causalopt.drawing.plots.heat_maps import (
    FEW_ELEMENTS,
    as_matrix,
    draw_film,
    draw_heat,
    element_label,
    heat_norm,
    is_field,
)
from causalopt.drawing.plots.panels import legend_above, plain_axes, time_label
from causalopt.errors import QuestionError
from causalopt.results import plot
from causalopt.worlds.array_world import ArrayWorld

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.model.arrays.array_template import ArrayVariable


@plot.register(ArrayWorld)
def plot_array_worlds(
    *worlds: ArrayWorld, variable: str | None = None, t: int | None = None
) -> Figure:
    """Return a figure of worlds of arrays.

    Without a step each kept variable has a row: up to eight elements as lines, more as a heat map
    of elements over time, one a world. At a step, the variable's elements as a heat map, one a
    world, on a common scale; a vector as a line.

    Args:
        worlds: Worlds of one model.
        variable: The only variable that is drawn.
        t: The step.

    Raises:
        QuestionError: The worlds are of several models, or a step is given without a variable.
    """
    model = worlds[0].model
    if any(other.model.fingerprint != model.fingerprint for other in worlds):
        raise QuestionError("worlds of several models have no common rows: draw each model's apart")
    if t is not None and variable is None:
        raise QuestionError("which variable is drawn at that step? say variable='h'")
    if variable is not None:
        for world in worlds:
            _ = world[model.node_text(model.node((variable, 0)))]  # known, and kept
    if variable is not None and t is not None:
        return _at_step(worlds, variable, t)
    return _over_time(worlds, [variable] if variable else list(worlds[0].values))


def _over_time(worlds: tuple[ArrayWorld, ...], names: list[str]) -> Figure:
    model, by_name = worlds[0].model, worlds[0].model.arrays.by_name
    rows = [
        (by_name[name], world)
        for name in names
        for world in (worlds if by_name[name].size > FEW_ELEMENTS else (None,))
    ]
    heights = [1.3 if world is None else 1.6 for _, world in rows]
    figure = Figure(figsize=(7.2, 1.0 + sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(rows), 1, height_ratios=heights)
    timed: list[Axes] = []
    for i, (variable, world) in enumerate(rows):
        if world is not None and is_field(variable.shape):
            values = world.values[variable.name]
            norm = heat_norm(*(other.values[variable.name] for other in worlds))
            label = f"{world.name}: {variable.name}"
            draw_film(figure, grid[i, 0], values, np.arange(len(values)), label=label, norm=norm)
            continue
        axes = figure.add_subplot(grid[i, 0], sharex=timed[0] if timed else None)
        plain_axes(axes)
        _draw_course(axes, worlds if world is None else (world,), variable)
        axes.tick_params(labelbottom=i == len(rows) - 1)
        timed.append(axes)
    if timed:
        timed[-1].set_xlabel(time_label(model))
        timed[-1].tick_params(labelbottom=True)
        figure.align_ylabels(timed)
    figure.suptitle(model.title or model.name, fontsize=11)
    return figure


def _draw_course(axes: Axes, worlds: tuple[ArrayWorld, ...], variable: ArrayVariable) -> None:
    """Draw a variable over time: some elements as lines, many of one world as a heat map."""
    model, name = worlds[0].model, variable.name
    label = model.variables[name].label
    text = f"{name} ({label})" if label else name
    if name in model.A:
        axes.set_facecolor(FILL_A + "55")
    if variable.size <= FEW_ELEMENTS:
        axes.set_ylabel(text)
        _draw_elements(axes, worlds, variable)
        return
    (world,) = worlds
    values = world.values[name].reshape(world.steps + 1, -1)
    draw_heat(axes, values.T, x=model.arrays.time(np.arange(world.steps + 1)))
    axes.set_ylabel(f"{world.name}: {text}\n{element_label(variable)}")


def _draw_elements(axes: Axes, worlds: tuple[ArrayWorld, ...], variable: ArrayVariable) -> None:
    for world, dash in zip(worlds, ("-", "--", ":", "-.") * len(worlds), strict=False):
        values = world.values[variable.name].reshape(world.steps + 1, -1)
        time = world.model.arrays.time(np.arange(world.steps + 1))
        for i, column in enumerate(values.T):
            place = ", ".join(map(str, np.unravel_index(i, variable.shape)))
            text = f"{world.name} [{place}]" if variable.shape else world.name
            shown = np.where(np.isfinite(column), column, np.nan)
            axes.plot(time, shown, dash, color=f"C{i}", linewidth=1.3, label=text)
    if len(worlds) > 1 or variable.size > 1:
        legend_above(axes)


def _at_step(worlds: tuple[ArrayWorld, ...], name: str, t: int) -> Figure:
    model = worlds[0].model
    variable = model.arrays.by_name[name]
    node = model.node_text(model.node((name, t)))
    arrays = [np.asarray(world[node]) for world in worlds]
    figure = Figure(figsize=(0.6 + 4.4 * len(worlds), 4.0), layout="constrained")
    panels = figure.subplots(1, len(worlds), squeeze=False)[0]
    norm = heat_norm(*arrays)
    names = [dim or f"dim{i}" for i, dim in enumerate(variable.dims)]
    for axes, world, values in zip(panels, worlds, arrays, strict=True):
        axes.set_title(f"{world.name}: {node}", fontsize=10)
        if values.ndim < 2:
            plain_axes(axes)
            axes.plot(np.atleast_1d(values), "o-", color="C0", markersize=3, linewidth=1)
            axes.set_xlabel(names[0] if names else "")
            continue
        draw_heat(axes, as_matrix(values), norm=norm, colour_bar=axes is panels[-1])
        axes.set(xlabel=names[-1], ylabel=" × ".join(names[:-1]))
    figure.suptitle(model.title or model.name, fontsize=11)
    return figure

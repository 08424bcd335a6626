"""The plot of worlds of arrays: variables over time, or one variable's elements at a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.heat_maps import (
    FEW_ELEMENTS,
    as_matrix,
    draw_film,
    draw_heat,
    element_label,
    heat_norm,
    is_field,
)
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes, time_label
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.errors import QuestionError
from causalopt.results import plot
from causalopt.worlds.array_world import ArrayWorld

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats
    from causalopt.model.arrays.array_template import ArrayVariable

_DASHES = ("-", "--", ":", "-.")


@plot.register(ArrayWorld)
@drawn
def plot_array_worlds(
    *worlds: ArrayWorld, variable: str | None = None, t: int | None = None
) -> PanelLayout:
    """Return a figure of worlds of arrays.

    Without a step each kept variable has a row: up to eight elements as lines, more as a heat map
    of elements over time, one a world. At a step, the variable's elements as a heat map, one a
    world, on a common scale; a vector as a line.

    Args:
        worlds: Worlds of one model.
        variable: The only variable that is drawn.
        t: The step.

    Returns:
        The figure, not shown. Panels are called as their variables, with `WORLD: ` before it where
        a variable has one for each world; at a step, as the worlds.

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


def _over_time(worlds: tuple[ArrayWorld, ...], names: list[str]) -> PanelLayout:
    model, by_name = worlds[0].model, worlds[0].model.arrays.by_name
    panels = [
        _row(worlds, by_name[name], place)
        for name in names
        for place in (range(len(worlds)) if by_name[name].size > FEW_ELEMENTS else (None,))
    ]
    return PanelLayout((model.title or model.name,), panels)


def _row(worlds: tuple[ArrayWorld, ...], variable: ArrayVariable, place: int | None) -> Panel:
    """Return the panel of a variable: of all worlds together, or of the one at a place."""
    model, name = worlds[0].model, variable.name
    if place is None:
        draw = _course(worlds, variable)
        return Panel(name, draw, 1.1, under=time_label(model), shares=True)
    world = worlds[place]
    called = f"{_names(worlds)[place]}: {name}" if len(worlds) > 1 else name
    if not is_field(variable.shape):
        return Panel(called, _course((world,), variable), 1.4, under=time_label(model), shares=True)

    def draw_frames(axes: Axes) -> None:
        values = world.values[name]
        norm = heat_norm(*(other.values[name] for other in worlds))
        label = f"{world.name}: {name}"
        draw_film(axes, values, np.arange(len(values)), label=label, norm=norm)

    return Panel(called, draw_frames, 1.1)


def _names(worlds: tuple[ArrayWorld, ...]) -> list[str]:
    """Return the worlds' names, with a number where one comes again."""
    found: list[str] = []
    for world in worlds:
        number = [other.name for other in worlds[: len(found)]].count(world.name) + 1
        found.append(world.name if number == 1 else f"{world.name} {number}")
    return found


def _course(worlds: tuple[ArrayWorld, ...], variable: ArrayVariable) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        plain_axes(axes)
        _draw_course(axes, worlds, variable)

    return draw


def _draw_course(axes: Axes, worlds: tuple[ArrayWorld, ...], variable: ArrayVariable) -> None:
    """Draw a variable over time: some elements as lines, many of one world as a heat map."""
    model, name = worlds[0].model, variable.name
    label = model.variables[name].label
    text = f"{name} ({label})" if label else name
    if name in model.A:
        axes.set_facecolor(colours().band_a)
    if variable.size <= FEW_ELEMENTS:
        axes.set_ylabel(text)
        _draw_elements(axes, worlds, variable)
        return
    (world,) = worlds
    values = world.values[name].reshape(world.steps + 1, -1)
    draw_heat(axes, values.T, x=model.arrays.time(np.arange(world.steps + 1)))
    axes.set_ylabel(f"{world.name}: {text}\n{element_label(variable)}")


def _draw_elements(axes: Axes, worlds: tuple[ArrayWorld, ...], variable: ArrayVariable) -> None:
    for world, dash in zip(worlds, _DASHES * len(worlds), strict=False):
        values = world.values[variable.name].reshape(world.steps + 1, -1)
        time = world.model.arrays.time(np.arange(world.steps + 1))
        for i, column in enumerate(values.T):
            place = ", ".join(map(str, np.unravel_index(i, variable.shape)))
            text = f"{world.name} [{place}]" if variable.shape else world.name
            shown = np.where(np.isfinite(column), column, np.nan)
            colour = colours().series[i % len(colours().series)]
            axes.plot(time, shown, dash, color=colour, linewidth=1.3, label=text)
    if len(worlds) > 1 or variable.size > 1:
        legend_above(axes)


def _at_step(worlds: tuple[ArrayWorld, ...], name: str, t: int) -> PanelLayout:
    model = worlds[0].model
    variable = model.arrays.by_name[name]
    node = model.node_text(model.node((name, t)))
    arrays = [np.asarray(world[node]) for world in worlds]
    norm = heat_norm(*arrays)
    panels = [
        Panel(
            _names(worlds)[place],
            _elements(f"{world.name}: {node}", values, variable, norm),
            2.4,
            column=place % 2,
        )
        for place, (world, values) in enumerate(zip(worlds, arrays, strict=True))
    ]
    return PanelLayout((model.title or model.name,), panels)


def _elements(
    title: str, values: Floats, variable: ArrayVariable, norm: Any
) -> Callable[[Axes], None]:
    names = [dim or f"dim{i}" for i, dim in enumerate(variable.dims)]

    def draw(axes: Axes) -> None:
        axes.set_title(title)
        if values.ndim < 2:
            plain_axes(axes)
            axes.plot(np.atleast_1d(values), "o-", color=colours().blue, markersize=3, linewidth=1)
            axes.set_xlabel(names[0] if names else "")
            return
        draw_heat(axes, as_matrix(values), norm=norm)
        axes.set(xlabel=names[-1], ylabel=" × ".join(names[:-1]))

    return draw

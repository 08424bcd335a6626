"""Two basins drawn over one or two parameters: which one wins, and how long it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.descents.transitions.basin_diagram import BasinDiagram
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.axis_scales import take_scale
from causalopt.drawing.plots.panel_parts import legend_below, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import op_map
from causalopt.errors import QuestionError
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

    from causalopt.descents.maps.random_map import Array


@plot.register(BasinDiagram)
@drawn
def plot_basin_diagram(found: BasinDiagram) -> PanelLayout:
    """Return a figure of the share of time on the right, and of the steps until escape.

    Over two parameters: colours and a line at one half; crosses where the action names another
    winner, dots where the status is not ok. Over one: curves.

    Returns:
        The figure, not shown. Panels: `share`, `steps`.

    Raises:
        QuestionError: The diagram has more than two parameters.
    """
    if len(found.axes) > 2:
        raise QuestionError(
            f"a diagram of one or two parameters can be drawn; this one has {len(found.axes)} "
            f"({', '.join(found.axes)}): select from its dataset"
        )
    if len(found.axes) == 1:
        (under,) = found.axes
        share, steps = _draw_share, _draw_steps
    else:
        under, share, steps = "", _map_share, _map_steps
    panels = [
        Panel("share", lambda axes: share(axes, found), 2.4, under=under),
        Panel("steps", lambda axes: steps(axes, found), 2.4, column=1, under=under),
    ]
    title = f"{found.model}: two basins, on either side of {found.barrier:g}"
    return PanelLayout((title,), panels)


def _steps(rate: Array) -> Array:
    """Return the mean steps of a rate; NaN where there is none."""
    return np.divide(1.0, rate, out=np.full_like(rate, np.nan), where=rate > 0)


def _draw_share(axes: Axes, found: BasinDiagram) -> None:
    plain_axes(axes)
    (values,) = found.axes.values()
    axes.errorbar(
        values, found.right, found.right_error, color=colours().blue, marker=".", capsize=2
    )
    axes.axhline(0.5, color=colours().faint, linewidth=0.8, linestyle=":")
    axes.set(ylabel="share of time on the right", ylim=(-0.03, 1.03))
    take_scale(axes, values)


def _draw_steps(axes: Axes, found: BasinDiagram) -> None:
    plain_axes(axes)
    (values,) = found.axes.values()
    for rate, climb, colour, side in (
        (found.leave_left, found.climb_left, colours().red, "left"),
        (found.leave_right, found.climb_right, colours().green, "right"),
    ):
        axes.plot(values, _steps(rate), color=colour, label=f"out of the {side} one")
        shown = np.where(np.isfinite(climb), np.exp(np.minimum(climb, 300)), np.nan)
        axes.plot(values, shown, color=colour, linestyle="--", label=f"exp(action), {side}")
    axes.set(ylabel="steps until escape", yscale="log")
    take_scale(axes, values)
    legend_below(axes)


def _map_share(axes: Axes, found: BasinDiagram) -> None:
    x, y = found.axes.values()
    mesh = axes.pcolormesh(x, y, found.right.T, cmap=op_map(), vmin=0, vmax=1, shading="nearest")
    if min(found.right.shape) > 1:
        axes.contour(x, y, found.right.T, [0.5], colors=colours().ink, linewidths=1.4)
    _mark(axes, found, (found.status == "ok") & ~found.agrees, "x", "the action names another")
    _mark(axes, found, found.status != "ok", ".", "status not ok")
    axes.set_title("share of time on the right\n(line: 1/2)")
    if axes.get_legend_handles_labels()[1]:
        legend_below(axes)
    _frame(axes, found, mesh)


def _map_steps(axes: Axes, found: BasinDiagram) -> None:
    x, y = found.axes.values()
    with np.errstate(invalid="ignore"):
        longest = np.log10(np.fmax(_steps(found.leave_left), _steps(found.leave_right)))
    mesh = axes.pcolormesh(x, y, longest.T, cmap="viridis", shading="nearest")
    axes.set_title("log10 steps until the longer\nkept basin is left")
    _frame(axes, found, mesh)


def _frame(axes: Axes, found: BasinDiagram, mesh: QuadMesh) -> None:
    first, second = found.axes
    assert axes.figure is not None
    axes.figure.colorbar(mesh, ax=axes, pad=0.01)
    axes.set(xlabel=first, ylabel=second)


def _mark(axes: Axes, found: BasinDiagram, where: Array, marker: str, label: str) -> None:
    x, y = found.axes.values()
    places = np.argwhere(where)
    if len(places):
        axes.plot(
            x[places[:, 0]], y[places[:, 1]], marker, color=colours().ink, markersize=5, label=label
        )

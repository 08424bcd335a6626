"""Two basins drawn over one or two parameters: which one wins, and how long it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.descents.transitions.basin_diagram import BasinDiagram
from causalopt.drawing.palette import BLUE, FAINT, GREEN, INK, RED
from causalopt.drawing.plots.panels import legend_above, plain_axes
from causalopt.errors import QuestionError
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.descents.maps.random_map import Array


@plot.register
def plot_basin_diagram(found: BasinDiagram) -> Figure:
    """Return a figure of the share of time on the right, and of the steps until escape.

    Over two parameters: colours and a line at one half; crosses where the action names another
    winner, dots where the status is not ok. Over one: curves.

    Raises:
        QuestionError: The diagram has more than two parameters.
    """
    if len(found.axes) > 2:
        raise QuestionError(
            f"a diagram of one or two parameters can be drawn; this one has {len(found.axes)} "
            f"({', '.join(found.axes)}): select from its dataset"
        )
    figure = Figure(figsize=(9.8, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    if len(found.axes) == 1:
        _draw_lines(left, right, found)
    else:
        _draw_maps(left, right, found)
    figure.suptitle(f"{found.model}: two basins, on either side of {found.barrier:g}", fontsize=10)
    return figure


def _steps(rate: Array) -> Array:
    """Return the mean steps of a rate; NaN where there is none."""
    return np.divide(1.0, rate, out=np.full_like(rate, np.nan), where=rate > 0)


def _draw_lines(left: Axes, right: Axes, found: BasinDiagram) -> None:
    ((name, values),) = found.axes.items()
    left.errorbar(values, found.right, found.right_error, color=BLUE, marker=".", capsize=2)
    left.axhline(0.5, color=FAINT, linewidth=0.8, linestyle=":")
    left.set(ylabel="share of time on the right", ylim=(-0.03, 1.03))
    for rate, climb, colour, side in (
        (found.leave_left, found.climb_left, RED, "left"),
        (found.leave_right, found.climb_right, GREEN, "right"),
    ):
        right.plot(values, _steps(rate), color=colour, label=f"out of the {side} one")
        shown = np.where(np.isfinite(climb), np.exp(np.minimum(climb, 300)), np.nan)
        right.plot(values, shown, color=colour, linestyle="--", label=f"exp(action), {side}")
    right.set(ylabel="steps until escape", yscale="log")
    legend_above(right)
    for axes in (left, right):
        plain_axes(axes)
        axes.set_xlabel(name)


def _draw_maps(left: Axes, right: Axes, found: BasinDiagram) -> None:
    (first, x), (second, y) = found.axes.items()
    share = left.pcolormesh(x, y, found.right.T, cmap="PuOr", vmin=0, vmax=1, shading="nearest")
    if min(found.right.shape) > 1:
        left.contour(x, y, found.right.T, [0.5], colors=INK, linewidths=1.4)
    _mark(left, found, (found.status == "ok") & ~found.agrees, "x", "the action names another")
    _mark(left, found, found.status != "ok", ".", "status not ok")
    left.set_title("share of time on the right (line: 1/2)", fontsize=9, loc="right")
    if left.get_legend_handles_labels()[1]:
        left.legend(fontsize=8, frameon=True, loc="lower right")
    with np.errstate(invalid="ignore"):
        longest = np.log10(np.fmax(_steps(found.leave_left), _steps(found.leave_right)))
    steps = right.pcolormesh(x, y, longest.T, cmap="viridis", shading="nearest")
    right.set_title("log10 steps until the longer kept basin is left", fontsize=9, loc="right")
    for axes, mesh in ((left, share), (right, steps)):
        assert axes.figure is not None
        axes.figure.colorbar(mesh, ax=axes, pad=0.01).ax.tick_params(labelsize=8)
        axes.set(xlabel=first, ylabel=second)
        axes.tick_params(labelsize=8)


def _mark(axes: Axes, found: BasinDiagram, where: Array, marker: str, label: str) -> None:
    x, y = found.axes.values()
    places = np.argwhere(where)
    if len(places):
        axes.plot(x[places[:, 0]], y[places[:, 1]], marker, color=INK, markersize=5, label=label)

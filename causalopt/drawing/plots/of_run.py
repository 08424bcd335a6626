"""The plot of a run: W, X and Y of the measured variable, x - w and y - w, Op and Comp."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import (
    WIDE,
    draw_measure,
    draw_status,
    draw_world_line,
    largest_size,
    legend_above,
    plain_axes,
    spread_axis,
    time_label,
    typical_size,
)
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.effects.run import Run
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plot.register(Run)
@drawn
def plot_run(run: Run) -> PanelLayout:
    """Return a figure of one run: worlds, differences, Op, Comp and status over time.

    In the limit delta -> 0 the worlds X and Y lie on W, so the second panel shows the slopes
    (x - w)/delta and (y - w)/delta, that is the total and the direct effect.

    Args:
        run: The run.

    Returns:
        The figure, not shown; `figure.savefig("run.png")` writes it. Panels: `worlds`,
        `differences`, `op`, `comp`, `status`.

    Example:
        >>> from causalopt import load, run
        >>> [axes.get_ylabel() for axes in plot_run(run(load("thermostat"), steps=9)).axes]
        ['R (room)', '(difference)/δ', 'Op [nats]', 'Comp', 'status']
    """
    size = "δ → 0" if run.delta is None else f"δ = {run.delta:g}"
    under = time_label(run.model)
    panels = [
        Panel("worlds", lambda axes: _draw_worlds(axes, run), 1.5, under=under, shares=True),
        Panel(
            "differences", lambda axes: _draw_differences(axes, run), 1.5, under=under, shares=True
        ),
        Panel("op", lambda axes: _draw_op(axes, run), 1.5, under=under, shares=True),
        Panel("comp", lambda axes: _draw_comp(axes, run), 1.25, under=under, shares=True),
        Panel("status", lambda axes: _draw_status(axes, run), 0.3, under=under, shares=True),
    ]
    return PanelLayout((run.model.title or run.model.name, f"{run.op_name}, {size}"), panels)


def _draw_op(axes: Axes, run: Run) -> None:
    plain_axes(axes)
    draw_measure(axes, run.time, run.op, run.status, label="Op [nats]", rest=0.0)


def _draw_comp(axes: Axes, run: Run) -> None:
    plain_axes(axes)
    draw_measure(axes, run.time, run.comp, run.status, label="Comp", rest=1.0)
    if largest_size(run.comp) > WIDE:
        spread_axis(axes, 1.0)


def _draw_status(axes: Axes, run: Run) -> None:
    plain_axes(axes)
    draw_status(axes, run.time, run.status)


def _label(run: Run) -> str:
    variable = run.model.variables[run.target]
    text = f"{run.target} ({variable.label})" if variable.label else run.target
    return f"{text} [{variable.unit}]" if variable.unit else text


def _draw_worlds(axes: Axes, run: Run) -> None:
    plain_axes(axes)
    worlds = {"W": run.W[run.target]}
    labels = {"W": "W: baseline"}
    if run.X is not None and run.Y is not None:
        worlds |= {"X": run.X[run.target], "Y": run.Y[run.target]}
        labels |= {"X": f"X: {run.node_name} nudged", "Y": f"Y: and {run.hold_name} from W"}
    for name, values in worlds.items():
        draw_world_line(axes, run.time, values, name, labels[name])
    axes.set_ylabel(_label(run))
    for values in worlds.values():
        typical = typical_size(values)
        if typical and largest_size(values) > WIDE**2 * typical:
            spread_axis(axes, typical)
            break
    legend_above(axes)


def _draw_differences(axes: Axes, run: Run) -> None:
    plain_axes(axes)
    if run.X is None or run.Y is None:
        x, y = run.total, run.direct
        names = ("(x - w)/δ: all paths", "(y - w)/δ: paths that avoid A")
        axes.set_ylabel("(difference)/δ")
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            w = run.W[run.target]
            x, y = run.X[run.target] - w, run.Y[run.target] - w
        names = ("x - w: all paths", "y - w: paths that avoid A")
        axes.set_ylabel("difference from W")
    draw_world_line(axes, run.time, x, "X", names[0])
    draw_world_line(axes, run.time, y, "Y", names[1])
    axes.axhline(0, color=colours().faint, linewidth=0.8)
    sizes = [size for size in (largest_size(x), largest_size(y)) if size > 0]
    if sizes and max(sizes) > WIDE * min(sizes):
        spread_axis(axes, min(sizes))
    legend_above(axes)

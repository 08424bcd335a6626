"""The plot of a sweep: Op and Comp over one axis, or Op as a map over two, with the statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from causalopt.drawing.palette import FAINT, INK, STATUS_COLOURS, STATUS_HATCHES
from causalopt.drawing.plots.panels import (
    cell_edges,
    draw_measure,
    draw_op_map,
    draw_status,
    plain_axes,
    uneven_norm,
)
from causalopt.effects.measures import STATUSES
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.errors import QuestionError
from causalopt.model.selectors import Node
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats


@plot.register(Sweep)
def plot_sweep(sweep: Sweep) -> Figure:
    """Return a figure of a sweep over one axis (lines) or two (a map).

    Args:
        sweep: The sweep. On a map the first axis goes up and the second to the right.

    Raises:
        QuestionError: The sweep has more than two axes.
    """
    if not 1 <= len(sweep.axes) <= 2:
        names = ", ".join(sweep.axes)
        raise QuestionError(
            f"a plot has room for one or two axes, and this sweep has {len(sweep.axes)} ({names}): "
            "sweep fewer, or plot a slice of its dataset"
        )
    figure = _lines(sweep) if len(sweep.axes) == 1 else _map(sweep)
    model = sweep.model
    m = model.node_text(Node(sweep.target, sweep.at))
    question = f"Op({sweep.hold_name}; {sweep.node_name}, {m})"
    figure.suptitle(f"{model.title or model.name}\n{question}", fontsize=11)
    return figure


def _lines(sweep: Sweep) -> Figure:
    ((name, x),) = sweep.axes.items()
    figure = Figure(figsize=(7.2, 5.6), layout="constrained")
    rows = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 0.45])
    for axes in rows:
        plain_axes(axes)
    draw_measure(rows[0], x, sweep.op, sweep.status, label="Op [nats]", rest=0.0)
    draw_measure(rows[1], x, sweep.comp, sweep.status, label="Comp", rest=1.0)
    draw_status(rows[2], x, sweep.status)
    figure.align_ylabels(rows[:2])
    rows[2].set_xlabel(name)
    return figure


def _map(sweep: Sweep) -> Figure:
    (up, y), (right, x) = sweep.axes.items()
    figure = Figure(figsize=(7.2, 5.8), layout="constrained")
    axes = figure.subplots()
    edges = (cell_edges(np.asarray(x)), cell_edges(np.asarray(y)))
    shown = np.where(np.isfinite(sweep.op), sweep.op, np.nan)
    bar = draw_op_map(axes, *edges, shown, norm=uneven_norm(shown))
    bar.set_label("Op [nats]: above 0 A compresses")
    bar.ax.tick_params(labelsize=8)
    handles = [
        _overlay(axes, edges, sweep.status == name, name)
        for name in STATUSES
        if name != "ok" and (sweep.status == name).any()
    ]
    if handles:
        figure.legend(
            handles=handles, fontsize=8, frameon=False, ncols=3, loc="outside lower center"
        )
    axes.set(xlabel=right, ylabel=up)
    axes.tick_params(labelsize=8)
    return figure


def _overlay(
    axes: Axes, edges: tuple[Floats, Floats], where: NDArray[np.bool_], name: str
) -> Patch:
    """Hatch the points of a status, and return its entry in the legend."""
    mask = np.where(where, 1.0, np.nan)
    undefined = name in {"no_influence", "diverged", "nonfinite"}
    if undefined:
        axes.pcolormesh(*edges, mask, cmap=ListedColormap([STATUS_COLOURS[name]]))
    hatch = STATUS_HATCHES[name]
    x, y = ((edge[1:] + edge[:-1]) / 2 for edge in edges)
    if hatch and min(where.shape) > 1:
        contours = axes.contourf(
            x, y, where.astype(float), levels=[0.5, 1.5], colors="none", hatches=[hatch]
        )
        contours.set_edgecolor(INK)
        contours.set_linewidth(0.0)
    count = int(np.count_nonzero(where))
    colour = STATUS_COLOURS[name] if undefined else "none"
    return Patch(facecolor=colour, edgecolor=FAINT, hatch=hatch, label=f"{name} ({count})")

"""A path of least action drawn: where it goes, and what it has cost by then."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from causalopt.descents.transitions.least_action import LeastAction
from causalopt.drawing.palette import BLUE, GREEN, INK, RED
from causalopt.drawing.plots.panels import legend_above, plain_axes
from causalopt.results import plot

COLOURS = (BLUE, GREEN, INK)


@plot.register
def plot_least_action(found: LeastAction) -> Figure:
    """Return a figure of the path and of its cost so far.

    Returns:
        The figure, not shown: the coordinates along the path on the left (in the plane, one against
        the other), the cost so far on the right.
    """
    figure = Figure(figsize=(9.4, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    places, numbers = found.places, np.arange(found.places.shape[1])
    along = "step" if found.limit == "noise" else "segment"
    if len(found.names) == 2:
        left.plot(*places, color=BLUE, marker=".", markersize=4, linewidth=1.2)
        for place, name, shift in ((0, "start", (6, 6)), (-1, "end", (6, -10))):
            left.plot(*places[:, place], "o", color=RED)
            left.annotate(
                name, places[:, place], textcoords="offset points", xytext=shift, fontsize=8
            )
        left.set(xlabel=found.names[0], ylabel=found.names[1])
    else:
        for i, (name, line) in enumerate(zip(found.names, places, strict=True)):
            left.plot(numbers, line, color=COLOURS[i % 3], marker=".", markersize=4, label=name)
        left.set(xlabel=along, ylabel="state")
        legend_above(left)
    right.plot(numbers, np.append(0.0, np.cumsum(found.path.costs)), color=RED)
    right.set(xlabel=along, ylabel="cost so far [nat]")
    for axes in (left, right):
        plain_axes(axes)
    state = "" if found.status == "ok" else f" ({found.status})"
    figure.suptitle(
        f"{found.model}: least action {found.action:.5g} nats, limit of small {found.limit}{state}",
        fontsize=10,
    )
    return figure

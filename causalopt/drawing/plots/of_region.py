"""The plot of a region: variables by steps, shaded, and the edges that cross its boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.model.regions.region import Region
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_MOST_CELLS = 2000  # along the time axis: more than a figure has pixels for
_FEW = 48  # steps at which cells have edges of their own
_ROWS = 40  # of an array's elements, from which its rows are not labelled


@plot.register(Region)
@drawn
def plot_region(region: Region) -> PanelLayout:
    """Return a figure of a region.

    Above, a row for each variable and for each element of an array, a column for each step: the
    region is shaded, its boundary darker. Below, how many edges enter it and leave it, by the step
    of their child. A long run is thinned to what a figure can show; counts are then those of the
    densest step of each column.

    Args:
        region: The region.

    Returns:
        The figure, not shown. Panels: `nodes`, `edges`.

    Example:
        >>> from causalopt import load, region
        >>> figure = plot_region(region(load("lorenz"), "a[t<=4] | b[3<t<7]", steps=9))
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['', 'edges']
    """
    last = region.spacetime.last("a picture")
    edges = np.unique(np.linspace(0, last + 1, min(last + 1, _MOST_CELLS) + 1).round().astype(int))
    cells, labels = _cells(region, edges)
    height = min(max(0.25 * len(cells), 1.0), 5.0)

    def draw_nodes(axes: Axes) -> None:
        _map(axes, cells, labels, last)
        faint = colours().faint
        patches = [
            Patch(facecolor=colours().fill_a, edgecolor=faint, label="in the region"),
            Patch(facecolor=colours().boundary, edgecolor=faint, label="its boundary"),
        ]
        legend_above(axes, patches)

    under = "t [steps]"
    panels = [
        Panel("nodes", draw_nodes, height, under=under, shares=True),
        Panel(
            "edges", lambda axes: _draw_edges(axes, region, edges), 1.1, under=under, shares=True
        ),
    ]
    return PanelLayout((_title(region),), panels)


def _draw_edges(axes: Axes, region: Region, edges: NDArray[np.intp]) -> None:
    """Draw how many edges enter and leave, by the step of their child."""
    plain_axes(axes)
    found, palette = region.neighbours, colours()
    counts = (("enter", found.entering, palette.blue, 1), ("leave", found.leaving, palette.red, -1))
    for word, values, colour, sign in counts:
        shown = np.maximum.reduceat(values, edges[:-1])
        axes.stairs(
            sign * shown,
            edges - 0.5,
            fill=True,
            color=colour,
            alpha=0.75,
            label=f"{word} ({values.sum()})",
        )
    axes.axhline(0, color=palette.ink, linewidth=0.8)
    axes.set_ylabel("edges")
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    legend_above(axes)


def _cells(region: Region, edges: NDArray[np.intp]) -> tuple[NDArray[np.int8], list[str]]:
    """Return 0 outside, 1 in the region and 2 on its boundary, shape [row, column], and names.

    A column that stands for several steps is in the region where one of them is.
    """
    space = region.spacetime
    border = region.boundary
    rows, labels = [], []
    for name in space.names:
        shape = space.shape(name)
        size = int(np.prod(shape))
        for line, level in ((region.timelines.get(name), 1), (border.timelines.get(name), 2)):
            table = np.zeros((size, len(edges) - 1), dtype=np.int8)
            if line is not None:
                table = level * _columns(line.starts, line.masks.reshape(-1, size), edges)
            if level == 1:
                rows.append(table)
            else:
                rows[-1] = np.maximum(rows[-1], table)
        several = [name, *[""] * (size - 1)]
        labels += several if size > 1 else [name]
    return np.concatenate(rows), labels


def _columns(
    starts: NDArray[np.int64], masks: NDArray[np.bool_], edges: NDArray[np.intp]
) -> NDArray[np.int8]:
    """Return whether a mask is true at some step of each column, shape [element, column]."""
    first = np.searchsorted(starts, edges[:-1], side="right") - 1
    last = np.searchsorted(starts, edges[1:] - 1, side="right") - 1
    counts = np.concatenate([np.zeros((1, masks.shape[1]), int), masks.cumsum(axis=0)])
    found: NDArray[np.int8] = ((counts[last + 1] - counts[first]) > 0).astype(np.int8).T
    return found


def _map(axes: Axes, cells: NDArray[np.int8], labels: list[str], last: int) -> None:
    fills = (colours().band_b, colours().fill_a, colours().boundary)
    shades = np.array([to_rgba(c) for c in fills])
    axes.imshow(
        shades[cells],
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, last + 0.5, len(cells) - 0.5, -0.5),
    )
    places = [i for i, label in enumerate(labels) if label]
    axes.set_yticks(places, [labels[i] for i in places])
    for i in places[1:]:
        axes.axhline(i - 0.5, color=colours().faint, linewidth=0.8)
    if last < _FEW and len(cells) <= _ROWS:
        axes.set_xticks(np.arange(-0.5, last + 1), minor=True)
        axes.set_yticks(np.arange(-0.5, len(cells)), minor=True)
        axes.grid(which="minor", color=colours().paper, linewidth=1.0)
        axes.tick_params(which="minor", length=0)


def _title(region: Region) -> str:
    said = str(region)
    count, border = len(region), len(region.boundary)
    return f"{said} in {region.spacetime.name}: {count} nodes, {border} on the boundary"

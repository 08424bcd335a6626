"""Passages drawn: both committors, where walkers are on their way, and how they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import patheffects as effects

from causalopt.descents.transitions.state_sets import DESTINATION, ORIGIN
from causalopt.descents.transitions.transition_paths import Transitions
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import size_map
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.descents.maps.random_map import Array

BINS = 240
CELLS = 64
ARROWS = 21
_WHITE, _BLACK = "#ffffff", "#1a1a1a"  # on a map that is the same in every theme
SCARCE = 1e-9  # of the law's mass: further out nothing is drawn


@plot.register(Transitions)
@drawn
def plot_transitions(found: Transitions) -> PanelLayout:
    """Return a figure of committors and laws, along a line or in the plane.

    Returns:
        The figure, not shown. Along a line: q+ and q- above, the densities of all walkers and of
        those on their way below. In the plane: q+ with its half line, and the reactive density
        with the net reactive moves. Panels: `committors`, and `densities` or `current`.
    """
    division = found.level.operator.division
    state = "" if found.status == "ok" else f" ({found.status})"
    title = (
        f"{found.model}: from {division.origin.text} to {division.destination.text}, "
        f"mean passage {found.mean_passage:.4g} steps{state}"
    )
    if len(found.names) == 1:
        under = found.names[0]
        panels = [
            Panel(
                "committors", lambda a: _draw_committors(a, found), 1.9, under=under, shares=True
            ),
            Panel("densities", lambda a: _draw_densities(a, found), 1.9, under=under, shares=True),
        ]
    else:
        panels = [
            Panel("committors", lambda axes: _draw_plane(axes, found), 2.4),
            Panel("current", lambda axes: _draw_current(axes, found), 2.4, column=1),
        ]
    return PanelLayout((title,), panels)


def _draw_committors(axes: Axes, found: Transitions) -> None:
    plain_axes(axes)
    nodes = found.axes[0]
    _shade(axes, nodes, found.labels)
    axes.plot(
        nodes,
        found.forward,
        color=colours().blue,
        linewidth=1.5,
        label="q+, the destination is next",
    )
    axes.plot(
        nodes,
        found.backward,
        color=colours().green,
        linewidth=1.5,
        linestyle="--",
        label="q-, the origin was last",
    )
    axes.set(xlim=_extent(found, 0), ylabel="probability")
    legend_above(axes)


def _draw_densities(axes: Axes, found: Transitions) -> None:
    plain_axes(axes)
    nodes = found.axes[0]
    _shade(axes, nodes, found.labels)
    edges = np.linspace(*_extent(found, 0), BINS + 1)
    width = edges[1] - edges[0]
    for mass, colour, style, label in (
        (found.law, colours().ink, "-", "all walkers"),
        (found.density, colours().red, "-", "on their way"),
    ):
        heights = np.histogram(nodes, edges, weights=mass)[0] / width
        shown = np.where(heights > 0, heights, np.nan)
        axes.stairs(shown, edges, color=colour, linestyle=style, linewidth=1.3, label=label)
    axes.set_yscale("log")
    top = axes.get_ylim()[1]
    axes.set_ylim(max(axes.get_ylim()[0], top * 1e-12), top)
    axes.set(xlim=_extent(found, 0), ylabel="density")
    legend_above(axes)


def _shade(axes: Axes, nodes: Array, labels: Any) -> None:
    """Shade the origin and the destination."""
    for label, colour, name in (
        (ORIGIN, colours().fill_a, "origin"),
        (DESTINATION, colours().fill_b, "destination"),
    ):
        inside = np.concatenate([[False], labels == label, [False]])
        first, last = np.flatnonzero(np.diff(inside.astype(np.int8))).reshape(-1, 2).T
        for place, (left, right) in enumerate(zip(first, last - 1, strict=True)):
            axes.axvspan(
                nodes[left],
                nodes[right],
                color=colour,
                zorder=0,
                label=name if place == 0 else None,
            )


def _draw_plane(axes: Axes, found: Transitions) -> None:
    first, second = found.axes
    mesh = axes.pcolormesh(
        first, second, found.forward.T, cmap="viridis", vmin=0, vmax=1, rasterized=True
    )
    axes.contour(first, second, found.forward.T, [0.5], colors=_WHITE, linewidths=1.2)
    _outline(axes, found, _WHITE, _BLACK)
    assert axes.figure is not None
    axes.figure.colorbar(mesh, ax=axes, pad=0.01)
    _frame(axes, found)
    axes.set_title("q+: the destination is next\n(white: 1/2)")


def _draw_current(axes: Axes, found: Transitions) -> None:
    """Draw the reactive density in cells, and the net moves summed over larger ones."""
    points = found.level.operator.points()
    spans = [_extent(found, axis) for axis in (0, 1)]

    def summed(weights: Array, count: int) -> Array:
        edges = [np.linspace(*span, count + 1) for span in spans]
        return np.asarray(np.histogram2d(points[0], points[1], edges, weights=weights.ravel())[0])

    edges = [np.linspace(*span, CELLS + 1) for span in spans]
    area = float(np.prod([line[1] - line[0] for line in edges]))
    density = summed(found.density, CELLS) / area
    mesh = axes.pcolormesh(*edges, density.T, cmap=size_map(), vmin=0, rasterized=True)
    assert axes.figure is not None
    axes.figure.colorbar(mesh, ax=axes, pad=0.01)
    moves = [summed(move, ARROWS) for move in found.vectors]
    centres = [
        np.linspace(*span, ARROWS + 1)[:-1] + (span[1] - span[0]) / ARROWS / 2 for span in spans
    ]
    cells = [(span[1] - span[0]) / ARROWS for span in spans]
    longest = max(float(np.abs(m).max()) / c for m, c in zip(moves, cells, strict=True))
    axes.quiver(
        *centres,
        moves[0].T,
        moves[1].T,
        color=colours().ink,
        width=0.003,
        pivot="mid",
        angles="xy",
        scale_units="xy",
        scale=longest / 1.5 if longest > 0 else 1.0,
    )
    _outline(axes, found, colours().red, colours().paper)
    _frame(axes, found)
    axes.set_title("on their way: density,\nand net move of walkers a step")


def _outline(axes: Axes, found: Transitions, colour: str, edge: str) -> None:
    """Draw the borders of the sets, and their names in a colour with an edge round the letters."""
    for label, style, name in ((ORIGIN, "-", "origin"), (DESTINATION, "--", "destination")):
        inside = (found.labels == label).astype(float).T
        axes.contour(*found.axes, inside, [0.5], colors=colour, linestyles=style, linewidths=1.2)
        places = np.argwhere((found.labels == label) & (found.law >= 0))
        weights = found.law[found.labels == label] + 1e-300
        middle = np.average(places, axis=0, weights=weights).round().astype(int)
        text = axes.text(
            found.axes[0][middle[0]],
            found.axes[1][middle[1]],
            name,
            color=colour,
            ha="center",
            va="center",
        )
        # A set may be as light as its name, and arrows may cross it.
        text.set_path_effects([effects.withStroke(linewidth=2, foreground=edge)])


def _frame(axes: Axes, found: Transitions) -> None:
    axes.set_xlim(*_extent(found, 0))
    axes.set_ylim(*_extent(found, 1))
    axes.set(xlabel=found.names[0], ylabel=found.names[1])


def _extent(found: Transitions, axis: int) -> tuple[float, float]:
    """Return the part of an axis on which walkers are found, and all edges of the sets."""
    others = tuple(i for i in range(len(found.names)) if i != axis)
    mass = found.law.sum(axis=others)
    between = (found.labels == 0).any(axis=others) & (found.law > 0).any(axis=others)
    seen = np.flatnonzero((mass > SCARCE) | between)
    nodes = found.axes[axis]
    low, high = float(nodes[seen[0]]), float(nodes[seen[-1]])
    pad = 0.02 * (high - low)
    return max(low - pad, float(nodes[0])), min(high + pad, float(nodes[-1]))

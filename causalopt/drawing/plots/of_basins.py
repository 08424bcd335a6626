"""Plots of basins: regions of Op, attractors beside them, and both along a parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

from causalopt.basins.attraction_basins import AttractionBasins
from causalopt.basins.basin_contingency import FATES, BasinContingency
from causalopt.basins.cell_shares import mixed_corners
from causalopt.basins.op_basins import OpBasins
from causalopt.basins.point_classes import ABOVE, BELOW, CLASSES
from causalopt.basins.rate_curve import RateCurve
from causalopt.basins.recurrence_machine import ESCAPED
from causalopt.basins.region_tracks import RegionTracks
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.axis_scales import take_scale
from causalopt.drawing.plots.op_maps import draw_op_map, uneven_norm
from causalopt.drawing.plots.panel_parts import legend_above, legend_below, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import PAGE, wrapped
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats

_HATCHES = ("", "//", "..", "xx", "\\\\", "++")
_SPARSE = 60  # values of a parameter up to which points are drawn large
_NAMED = 12  # regions whose number is written
_MARKS = {"splits": "<", "merges": ">", "appears": "^", "vanishes": "v"}


@plot.register(OpBasins)
@drawn
def plot_op_basins(found: OpBasins) -> PanelLayout:
    """Return a figure of regions: a line over one axis, a map over two, a slice of three.

    Of three axes the first is cut at its middle.

    Returns:
        The figure, not shown. Its panel: `op`.
    """
    title = (found.model.title or found.model.name, _question(found))
    return PanelLayout(title, [Panel("op", lambda axes: draw_op_regions(axes, found), 4.2)])


@plot.register(AttractionBasins)
@drawn
def plot_attraction(found: AttractionBasins) -> PanelLayout:
    """Return a figure of basins of attraction, likewise.

    Returns:
        The figure, not shown. Its panel: `basins`.
    """
    title = (found.model.title or found.model.name, "basins of attraction")
    height = 4.2 if len(found.box.names) > 1 else 1.2
    return PanelLayout(title, [Panel("basins", lambda axes: draw_attraction(axes, found), height)])


@plot.register(BasinContingency)
@drawn
def plot_contingency(found: BasinContingency) -> PanelLayout:
    """Return a figure: regions of Op, basins beside them, and what compresses in each basin.

    Returns:
        The figure, not shown. Panels: `op`, `basins`, `fates`.
    """

    def draw_op(axes: Axes) -> None:
        draw_op_regions(axes, found.op)
        axes.set_title("\n".join(wrapped(_question(found.op), 0.45 * PAGE)))

    def draw_basins(axes: Axes) -> None:
        draw_attraction(axes, found.attraction)
        axes.set_title("basins of attraction")

    height = 2.5 if len(found.op.box.names) > 1 else 1.6
    panels = [
        Panel("op", draw_op, height),
        Panel("basins", draw_basins, height, column=1),
        Panel(
            "fates", lambda axes: _draw_fates(axes, found), 0.5 + 0.25 * len(found.rows), spans=True
        ),
    ]
    return PanelLayout((found.op.model.title or found.op.model.name,), panels)


@plot.register(RegionTracks)
@drawn
def plot_tracks(found: RegionTracks) -> PanelLayout:
    """Return a figure: the measure of each track along the parameter, events marked.

    Returns:
        The figure, not shown. Its panel: `measure`.
    """
    first = found.found[0]
    title = _question(first) if isinstance(first, OpBasins) else f"basins in {first.model.name}"
    return PanelLayout((title,), [Panel("measure", lambda axes: _draw_tracks(axes, found), 3.2)])


def _draw_tracks(axes: Axes, found: RegionTracks) -> None:
    plain_axes(axes)
    tables, series = found.measures, colours().series
    for k in range(found.count):
        colour = series[k % len(series)]
        style = ("-", "--", ":", "-.")[k // len(series) % 4]
        axes.fill_between(
            found.values, tables["low"][:, k], tables["high"][:, k], color=colour, alpha=0.2, lw=0
        )
        label = f"{k + 1}" if k < _NAMED else None
        line = tables["measure"][:, k]
        axes.plot(found.values, line, style, color=colour, marker=".", label=label)
    for kind, mark in _MARKS.items():
        places = [(e.before + e.after) / 2 for e in found.events if e.kind == kind]
        if places:
            axes.plot(
                places, np.full(len(places), 0.02), mark, color=colours().ink, ms=6, label=kind,
                transform=axes.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
    axes.set(xlabel=found.parameter, ylabel="measure")
    take_scale(axes, found.values)
    legend_above(axes)


@plot.register(RateCurve)
@drawn
def plot_rate_curve(found: RateCurve) -> PanelLayout:
    """Return a figure: what m does in the long run above, the rate of Op below.

    Returns:
        The figure, not shown. Panels: `orbit`, `rate`.
    """
    question = f"Op({found.hold_name}; {found.node_name}, {found.target})"
    title = (found.model.title or found.model.name, f"{question} per unit of time")
    under = found.parameter
    panels = [
        Panel("orbit", lambda axes: _draw_orbit(axes, found), 2.0, under=under, shares=True),
        Panel("rate", lambda axes: _draw_rate(axes, found), 2.0, under=under, shares=True),
    ]
    return PanelLayout(title, panels)


def _draw_orbit(axes: Axes, found: RateCurve) -> None:
    plain_axes(axes)
    x = np.repeat(found.values, found.orbit.shape[1])
    mark = "," if len(found.values) > _SPARSE else "."
    axes.plot(x, found.orbit.ravel(), mark, color=colours().ink, alpha=0.5, rasterized=True)
    take_scale(axes, found.values)
    axes.set_ylabel(f"{found.target} in W in the long run")


def _draw_rate(axes: Axes, found: RateCurve) -> None:
    plain_axes(axes)
    palette = colours()
    axes.fill_between(
        found.values, found.rate - found.error, found.rate + found.error, color=palette.blue,
        alpha=0.25, lw=0, label="95 %",
    )  # fmt: skip
    mark = "." if len(found.values) <= _SPARSE else None
    axes.plot(found.values, found.rate, color=palette.blue, lw=1.2, marker=mark)
    axes.axhline(0.0, color=palette.faint, lw=0.8, ls=":")
    for name in sorted(set(found.status.tolist()) - {"ok"}):
        where = found.status == name
        place = 0.97 if name == "perfect" else 0.03  # a rate of +∞ is above all others
        axes.plot(
            found.values[where], np.full(int(where.sum()), place), "x", color=palette.ink,
            label=name, transform=axes.get_xaxis_transform(), clip_on=False,
        )  # fmt: skip
    take_scale(axes, found.values)
    axes.set_ylabel(f"Op rate [{found.unit}]")
    legend_above(axes)


def draw_op_regions(axes: Axes, found: OpBasins) -> None:
    """Draw Op over the cells, the borders of regions and their numbers."""
    if len(found.box.names) == 1:
        _draw_line(axes, found)
        return
    edges, cut = _shown(found.edges)
    (up, y), (right, x) = edges.items()
    means = _leaf_op(found)
    op = np.where(np.isfinite(means), means, np.nan)[found.tree.cells][cut]
    region = found.region[cut]
    bar = draw_op_map(axes, x, y, op, norm=uneven_norm(op))
    bar.set_label("Op [nats]")
    kinds = found.tree.classes[found.tree.cells][cut]
    handles = []
    for code, name in enumerate(CLASSES):
        if code not in (BELOW, ABOVE) and (kinds == code).any():
            colour = colours().statuses.get(name, colours().pale)
            mask = np.where(kinds == code, 1.0, np.nan)
            axes.pcolormesh(x, y, mask, cmap=ListedColormap([colour]), rasterized=True)
            handles.append(Patch(facecolor=colour, edgecolor=colours().faint, label=name))
    _draw_borders(axes, x, y, region > 0)
    _write_numbers(axes, x, y, region)
    if handles:
        legend_below(axes, handles)
    axes.set(xlabel=right, ylabel=up)


def draw_attraction(axes: Axes, found: AttractionBasins) -> None:
    """Draw which basin each cell lies in, and the attractors' places."""
    labels = found.region
    handles = [
        Patch(facecolor=_basin_colour(a.label), label=f"{a.label}: {a.kind}")
        for a in found.attractors[: len(colours().areas)]
    ]
    if (labels == ESCAPED).any():
        handles.append(Patch(facecolor=colours().ink, label="escapes"))
    if len(found.box.names) == 1:
        ((name, edge),) = found.edges.items()
        shown = labels[None]
        axes.pcolormesh(edge, [0, 1], shown, rasterized=True, **_colours(shown))
        axes.set(xlabel=name, yticks=[])
    else:
        edges, cut = _shown(found.edges)
        (up, y), (right, x) = edges.items()
        shown = labels[cut]
        axes.pcolormesh(x, y, shown, rasterized=True, **_colours(shown))
        inside = [name.partition("[")[0] for name in (up, right)]
        for a in found.attractors:
            axes.plot(
                a.centre[inside[1]],
                a.centre[inside[0]],
                "*",
                ms=11,
                mfc=colours().paper,
                mec=colours().ink,
            )
        axes.set(xlabel=right, ylabel=up, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    legend_below(axes, handles)


def _question(found: OpBasins) -> str:
    return f"Op({found.hold_name}; {found.node_name}, {found.target}[{found.at}]) > {found.level:g}"


def _basin_colour(label: int) -> str:
    areas = colours().areas
    return areas[(label - 1) % len(areas)]


def _colours(labels: NDArray[np.int64]) -> dict[str, Any]:
    """Return the colours of labels from -1 up: ink escapes, paper is mixed or undecided."""
    most = max(int(labels.max()), 1)
    fills = [colours().ink, colours().paper, *(_basin_colour(k) for k in range(1, most + 1))]
    norm = BoundaryNorm(np.arange(-1.5, most + 1), len(fills))
    return {"cmap": ListedColormap(fills), "norm": norm}


def _shown(edges: dict[str, Floats]) -> tuple[dict[str, Floats], tuple[int | slice, ...]]:
    """Return the edges of the two axes that are drawn, and which cells: of three, the middle."""
    if len(edges) == 2:
        return edges, (slice(None), slice(None))
    first, *rest = edges
    return {name: edges[name] for name in rest}, (
        (len(edges[first]) - 1) // 2,
        slice(None),
        slice(None),
    )


def _leaf_op(found: OpBasins) -> Floats:
    """Return the mean of Op over the corners of each leaf, shape [leaf]."""
    op, _ = mixed_corners(found.tree, np.arange(len(found.tree.classes)))
    with np.errstate(invalid="ignore"):
        means: Floats = op.mean(axis=0)
    return means


def _draw_line(axes: Axes, found: OpBasins) -> None:
    ((name, edge),) = found.edges.items()
    asked = found.tree.corners >= 0
    plain_axes(axes)
    op = np.where(np.isfinite(found.tree.op), found.tree.op, np.nan)
    axes.plot(edge[asked], op[asked], ".-", color=colours().blue, lw=1.2, ms=3)
    axes.axhline(found.level, color=colours().ink, lw=0.8, ls="--", label=f"level {found.level:g}")
    for region in found.regions:
        low, high = region.extent[name]
        axes.axvspan(low, high, color=colours().compresses, alpha=0.15, lw=0)
        if region.label <= _NAMED:
            place = axes.get_xaxis_transform()
            axes.text((low + high) / 2, 1.0, str(region.label), transform=place, ha="center",
                      va="bottom", fontsize=9)  # fmt: skip
    axes.set(xlabel=name, ylabel="Op [nats]")
    axes.legend()


def _draw_borders(axes: Axes, x: Floats, y: Floats, inside: NDArray[np.bool_]) -> None:
    """Draw the border of a set of cells along their edges, those of the box left out."""
    middles = ((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2)
    if inside.any() and not inside.all() and min(inside.shape) > 1:
        axes.contour(
            *middles, inside.astype(float), levels=[0.5], colors=colours().ink, linewidths=0.7
        )


def _write_numbers(axes: Axes, x: Floats, y: Floats, region: NDArray[np.int64]) -> None:
    """Write a region's number into the middle of its widest stretch."""
    paper, ink = colours().paper, colours().ink
    box = {"boxstyle": "circle,pad=0.15", "fc": paper, "ec": ink, "lw": 0.6}
    for label in range(1, min(int(region.max(initial=0)), _NAMED) + 1):
        here = region == label
        if here.mean() < 1e-3:
            continue
        row = int(np.argmax(here.sum(axis=1)))
        columns = np.flatnonzero(here[row])
        runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
        widest = max(runs, key=len)
        axes.text(
            (x[widest[0]] + x[widest[-1] + 1]) / 2, (y[row] + y[row + 1]) / 2, str(label),
            ha="center", va="center", fontsize=9, color=colours().ink,
            bbox=box,
        )  # fmt: skip


def _draw_fates(axes: Axes, found: BasinContingency) -> None:
    """Draw what happens to disturbances in each basin, as shares of it."""
    plain_axes(axes)
    axes.grid(visible=False)
    stops, left = colours().op_stops, np.zeros(len(found.rows))
    fills = (colours().compresses, stops[-4], stops[3], colours().pale)
    for fate, fill, hatch, part in zip(FATES, fills, _HATCHES, found.fate.T, strict=False):
        width = np.nan_to_num(part)
        axes.barh(
            found.rows, width, left=left, color=fill, hatch=hatch, edgecolor=colours().paper,
            label=fate,
        )  # fmt: skip
        left += width
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the basin", ylabel="attractor")
    axes.set_title("compressed ...")
    legend_below(axes)

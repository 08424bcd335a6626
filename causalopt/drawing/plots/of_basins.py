"""Plots of basins: regions of Op, attractors beside them, and both along a parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from causalopt.basins.attraction_basins import AttractionBasins
from causalopt.basins.basin_contingency import FATES, BasinContingency
from causalopt.basins.cell_shares import mixed_corners
from causalopt.basins.op_basins import OpBasins
from causalopt.basins.point_classes import ABOVE, BELOW, CLASSES
from causalopt.basins.rate_curve import RateCurve
from causalopt.basins.recurrence_machine import ESCAPED
from causalopt.basins.region_tracks import RegionTracks
from causalopt.drawing.palette import BLUE, COMPRESSES, FAINT, INK, PALE, PAPER
from causalopt.drawing.plots.panels import draw_op_map, plain_axes, uneven_norm
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats

# Of Okabe and Ito's set, pale enough for marks on top; hatched from the second round on.
BASIN_COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00")
_HATCHES = ("", "//", "..", "xx", "\\\\", "++")
_NAMED = 12  # regions whose number is written
_CLASS_COLOURS = {"kink": "#e69f00", "unresolved": "#ffffff", "diverged": "#000000"}


@plot.register(OpBasins)
def plot_op_basins(found: OpBasins) -> Figure:
    """Return a figure of regions: a line over one axis, a map over two, a slice of three.

    Of three axes the first is cut at its middle.
    """
    figure = Figure(figsize=(7.2, 5.6), layout="constrained")
    axes = figure.subplots()
    draw_op_regions(axes, found)
    figure.suptitle(f"{found.model.title or found.model.name}\n{_question(found)}", fontsize=11)
    return figure


@plot.register(AttractionBasins)
def plot_attraction(found: AttractionBasins) -> Figure:
    """Return a figure of basins of attraction, likewise."""
    figure = Figure(figsize=(7.2, 5.2), layout="constrained")
    draw_attraction(figure.subplots(), found)
    title = f"{found.model.title or found.model.name}\nbasins of attraction"
    figure.suptitle(title, fontsize=11)
    return figure


@plot.register(BasinContingency)
def plot_contingency(found: BasinContingency) -> Figure:
    """Return a figure: regions of Op, basins beside them, and what compresses in each basin."""
    figure = Figure(figsize=(12.4, 4.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1.15, 1, 0.8])
    draw_op_regions(left, found.op)
    draw_attraction(middle, found.attraction)
    left.set_title(_question(found.op), fontsize=9)
    middle.set_title("basins of attraction", fontsize=9)
    _draw_fates(right, found)
    figure.suptitle(found.op.model.title or found.op.model.name, fontsize=11)
    return figure


@plot.register(RegionTracks)
def plot_tracks(found: RegionTracks) -> Figure:
    """Return a figure: the measure of each track along the parameter, events marked."""
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    tables = found.measures
    for k in range(found.count):
        colour = BASIN_COLOURS[k % len(BASIN_COLOURS)]
        style = ("-", "--", ":", "-.")[k // len(BASIN_COLOURS) % 4]
        axes.fill_between(
            found.values, tables["low"][:, k], tables["high"][:, k], color=colour, alpha=0.2, lw=0
        )
        label = f"{k + 1}" if k < _NAMED else None
        line = tables["measure"][:, k]
        axes.plot(found.values, line, style, color=colour, marker=".", ms=4, label=label)
    marks = {"splits": "<", "merges": ">", "appears": "^", "vanishes": "v"}
    for kind, mark in marks.items():
        places = [(e.before + e.after) / 2 for e in found.events if e.kind == kind]
        if places:
            axes.plot(
                places, np.full(len(places), 0.02), mark, color=INK, ms=6, label=kind,
                transform=axes.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
    axes.set(xlabel=found.parameter, ylabel="measure")
    axes.legend(fontsize=8, frameon=False, ncols=8, loc="lower left", bbox_to_anchor=(0, 1))
    first = found.found[0]
    figure.suptitle(
        _question(first) if isinstance(first, OpBasins) else f"basins in {first.model.name}",
        fontsize=11,
    )
    return figure


@plot.register(RateCurve)
def plot_rate_curve(found: RateCurve) -> Figure:
    """Return a figure: what m does in the long run above, the rate of Op below."""
    figure = Figure(figsize=(7.2, 5.8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for axes in (above, below):
        plain_axes(axes)
    x = np.repeat(found.values, found.orbit.shape[1])
    above.plot(x, found.orbit.ravel(), ",", color=INK, alpha=0.5, rasterized=True)
    above.set_ylabel(f"{found.target} in W in the long run")
    below.fill_between(
        found.values, found.rate - found.error, found.rate + found.error, color=BLUE, alpha=0.25,
        lw=0, label="95 %",
    )  # fmt: skip
    below.plot(found.values, found.rate, color=BLUE, lw=1.2)
    below.axhline(0.0, color=FAINT, lw=0.8, ls=":")
    for name in sorted(set(found.status.tolist()) - {"ok"}):
        where = found.status == name
        below.plot(
            found.values[where], np.zeros(int(where.sum())), "x", ms=4, color=INK, label=name
        )
    below.set(xlabel=found.parameter, ylabel=f"Op rate [{found.unit}]")
    below.legend(fontsize=8, frameon=False)
    question = f"Op({found.hold_name}; {found.node_name}, {found.target})"
    title = f"{found.model.title or found.model.name}\n{question} per unit of time"
    figure.suptitle(title, fontsize=11)
    return figure


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
    bar.set_label("Op [nats]", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    kinds = found.tree.classes[found.tree.cells][cut]
    handles = []
    for code, name in enumerate(CLASSES):
        if code not in (BELOW, ABOVE) and (kinds == code).any():
            colour = _CLASS_COLOURS.get(name, PALE)
            mask = np.where(kinds == code, 1.0, np.nan)
            axes.pcolormesh(x, y, mask, cmap=ListedColormap([colour]), rasterized=True)
            handles.append(Patch(facecolor=colour, edgecolor=FAINT, label=name))
    _draw_borders(axes, x, y, region > 0)
    _write_numbers(axes, x, y, region)
    if handles:
        axes.legend(handles=handles, fontsize=8, loc="upper right")
    axes.set(xlabel=right, ylabel=up)
    axes.tick_params(labelsize=8)


def draw_attraction(axes: Axes, found: AttractionBasins) -> None:
    """Draw which basin each cell lies in, and the attractors' places."""
    labels = found.region
    handles = [
        Patch(facecolor=_basin_colour(a.label), label=f"{a.label}: {a.kind}")
        for a in found.attractors[: len(BASIN_COLOURS)]
    ]
    if (labels == ESCAPED).any():
        handles.append(Patch(facecolor=INK, label="escapes"))
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
            axes.plot(a.centre[inside[1]], a.centre[inside[0]], "*", ms=11, mfc=PAPER, mec=INK)
        axes.set(xlabel=right, ylabel=up, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    axes.tick_params(labelsize=8)
    axes.legend(
        handles=handles, fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12),
        ncols=2,
    )  # fmt: skip


def _question(found: OpBasins) -> str:
    return f"Op({found.hold_name}; {found.node_name}, {found.target}[{found.at}]) > {found.level:g}"


def _basin_colour(label: int) -> str:
    return BASIN_COLOURS[(label - 1) % len(BASIN_COLOURS)]


def _colours(labels: NDArray[np.int64]) -> dict[str, Any]:
    """Return the colours of labels from -1 up: black escapes, white is mixed or undecided."""
    most = max(int(labels.max()), 1)
    colours = [INK, PAPER, *(_basin_colour(k) for k in range(1, most + 1))]
    norm = BoundaryNorm(np.arange(-1.5, most + 1), len(colours))
    return {"cmap": ListedColormap(colours), "norm": norm}


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
    axes.plot(edge[asked], op[asked], ".-", color=BLUE, lw=1.2, ms=3)
    axes.axhline(found.level, color=INK, lw=0.8, ls="--", label=f"level {found.level:g}")
    for region in found.regions:
        low, high = region.extent[name]
        axes.axvspan(low, high, color=COMPRESSES, alpha=0.15, lw=0)
        if region.label <= _NAMED:
            place = axes.get_xaxis_transform()
            axes.text((low + high) / 2, 1.0, str(region.label), transform=place, ha="center",
                      va="bottom", fontsize=9)  # fmt: skip
    axes.set(xlabel=name, ylabel="Op [nats]")
    axes.legend(fontsize=8, frameon=False)


def _draw_borders(axes: Axes, x: Floats, y: Floats, inside: NDArray[np.bool_]) -> None:
    """Draw the border of a set of cells along their edges, those of the box left out."""
    middles = ((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2)
    if inside.any() and not inside.all() and min(inside.shape) > 1:
        axes.contour(*middles, inside.astype(float), levels=[0.5], colors=INK, linewidths=0.7)


def _write_numbers(axes: Axes, x: Floats, y: Floats, region: NDArray[np.int64]) -> None:
    """Write a region's number into the middle of its widest stretch."""
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
            ha="center", va="center", fontsize=9, color=INK,
            bbox={"boxstyle": "circle,pad=0.15", "fc": PAPER, "ec": INK, "lw": 0.6},
        )  # fmt: skip


def _draw_fates(axes: Axes, found: BasinContingency) -> None:
    """Draw what happens to disturbances in each basin, as shares of it."""
    plain_axes(axes)
    axes.grid(visible=False)
    colours, left = (COMPRESSES, "#b2abd2", "#fdb863", PALE), np.zeros(len(found.rows))
    for fate, colour, hatch, part in zip(FATES, colours, _HATCHES, found.fate.T, strict=False):
        width = np.nan_to_num(part)
        axes.barh(
            found.rows, width, left=left, color=colour, hatch=hatch, edgecolor=PAPER, label=fate
        )
        left += width
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the basin", ylabel="attractor")
    axes.set_title("compressed ...", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)

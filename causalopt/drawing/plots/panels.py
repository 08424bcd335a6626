"""What plots over an axis share: plain axes, Op and Comp with their status, wide ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Normalize, SymLogNorm, TwoSlopeNorm
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from causalopt.drawing.palette import (
    BLUE,
    FAINT,
    INK,
    OP_MAP,
    STATUS_COLOURS,
    STATUS_HATCHES,
    WORLD_COLOURS,
    WORLD_DASHES,
    WORLD_MARKERS,
)
from causalopt.effects.measures import STATUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar

    from causalopt.engine.contract import Bools, Floats
    from causalopt.model.model import Model

FEW = 40  # up to so many points each one gets its marker
STEEP = 50.0  # a ratio of the largest to the typical Op at which a linear scale hides the typical
WIDE = 1e3  # a ratio of sizes at which a linear axis hides the smaller


def plain_axes(axes: Axes) -> None:
    """Take away what tells nothing; draw a pale grid behind."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)


def time_label(model: Model) -> str:
    """Return what stands under an axis of time."""
    if model.is_static:
        return "no time"
    return "t [steps]" if model.dt is None else "time"


def typical_size(values: Floats) -> float:
    """Return the median size of the finite values that are not 0; 0 for none."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if len(sizes) else 0.0


def largest_size(values: Floats) -> float:
    """Return the largest size of the finite values; 0 for none."""
    return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))


def spread_axis(axes: Axes, threshold: float) -> None:
    """Take a logarithmic axis on both sides of 0, linear within the threshold.

    Its margins are taken anew: those of a linear axis would be decades here without data.
    """
    axes.set_yscale("symlog", linthresh=threshold)
    axes.relim()
    axes.autoscale(axis="y")
    low, high = axes.get_ylim()
    top = math.floor(math.log10(max(abs(low), abs(high))))
    middle = (math.ceil(math.log10(threshold)) + top + 1) // 2
    sizes = [10.0**power for power in sorted({middle, top})]
    axes.yaxis.set_major_locator(FixedLocator([-s for s in sizes] + [0.0] + sizes))
    axes.set_ylim(low, high)


def legend_above(axes: Axes, columns: int = 3) -> None:
    """Put the legend above the axes, where it hides no line."""
    axes.legend(
        fontsize=8,
        frameon=False,
        ncols=columns,
        loc="lower left",
        borderaxespad=0.1,
        bbox_to_anchor=(0, 1),
    )


def draw_world_line(axes: Axes, time: Floats, values: Floats, world: str, label: str) -> None:
    """Draw a course in the colour, dash and marker of its world, W wide and pale beneath."""
    shown = np.where(np.isfinite(values), values, np.nan)
    axes.plot(
        time,
        shown,
        color=WORLD_COLOURS[world],
        linestyle=WORLD_DASHES[world],
        zorder=2 if world == "W" else 3,
        linewidth={"W": 2.6, "X": 1.5, "Y": 1.5}[world],
        alpha={"W": 0.35, "X": 1.0, "Y": 1.0}[world],
        marker=WORLD_MARKERS[world] if len(time) <= FEW else None,
        markersize=4,
        label=label,
    )


def draw_measure(
    axes: Axes, x: Floats, values: Floats, status: NDArray[np.str_], *, label: str, rest: float
) -> None:
    """Draw Op or Comp: a full line, dotted and grey where the status doubts it."""
    finite = np.isfinite(values)
    doubted = np.isin(status, ["kink", "unresolved"])
    few = len(x) <= FEW
    for where, colour, style, name in (
        (doubted, FAINT, ":", "in doubt (see status)"),
        (~doubted, BLUE, "-", None),
    ):
        if (where & finite).any():
            axes.plot(
                x,
                np.where(finite & where, values, np.nan),
                color=colour,
                linestyle=style,
                linewidth=1.5,
                marker="o" if few else None,
                markersize=4,
                label=name,
            )
            # A point between gaps has no line of its own.
            lone = _lone(where & finite)
            axes.plot(x[lone], values[lone], ".", color=colour, markersize=5)
    axes.axhline(rest, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set_ylabel(label)
    _draw_infinities(axes, x, np.isposinf(values), "^", 0.97, "+∞")
    _draw_infinities(axes, x, np.isneginf(values), "v", 0.03, "-∞")
    if axes.get_legend_handles_labels()[1]:
        legend_above(axes)
    if not finite.any() and not np.isinf(values).any():
        axes.text(
            0.5,
            0.7,
            "undefined throughout",
            ha="center",
            transform=axes.transAxes,
            fontsize=9,
            color=FAINT,
        )


def uneven_norm(values: Floats, *, steep: float = STEEP) -> Any:
    """Return a scale of Op with 0 in its middle, logarithmic on both sides where Op is uneven.

    Args:
        values: Op; what is not finite does not count.
        steep: The ratio of the largest to the typical size from which the scale is logarithmic.
    """
    largest = largest_size(values) or 1.0
    typical = typical_size(values) or largest
    if largest > steep * typical:
        return SymLogNorm(linthresh=typical, vmin=-largest, vmax=largest)
    return TwoSlopeNorm(0.0, vmin=-largest, vmax=largest)


def draw_op_map(
    axes: Axes, x: Floats, y: Floats, op: Floats, *, norm: Any = None, line: bool = False
) -> Colorbar:
    """Draw Op over two axes in the colours of its sign, and return the colour bar.

    Args:
        axes: Where to draw.
        x: Points or cell edges, axis (x,).
        y: Points or cell edges, axis (y,).
        op: Axes (y, x).
        norm: The scale; by default symmetric, up to the 98th percentile of sizes, so that single
            points do not hide the rest.
        line: Whether a thin line is drawn where Op is 0.
    """
    sizes = np.abs(op[np.isfinite(op)])
    extend = "both" if norm is None else "neither"
    if norm is None:
        limit = max(float(np.quantile(sizes, 0.98)) if sizes.size else 1.0, 1e-9)
        norm = Normalize(-limit, limit)
    mesh = axes.pcolormesh(x, y, op, cmap=OP_MAP, norm=norm, shading="auto", rasterized=True)
    if line and sizes.size and float(np.nanmin(op)) < 0 < float(np.nanmax(op)):
        axes.contour(x, y, op, levels=[0.0], colors=INK, linewidths=0.6)
    assert axes.figure is not None
    return axes.figure.colorbar(mesh, ax=axes, extend=extend)


def _draw_infinities(
    axes: Axes, t: Floats, where: Bools, marker: str, height: float, label: str
) -> None:
    """Mark infinities at the edge of the axes, so that they are not mistaken for gaps."""
    if not where.any():
        return
    times = t[where]
    axes.plot(
        times,
        np.full(len(times), height),
        marker,
        color=INK,
        markersize=5,
        transform=axes.get_xaxis_transform(),
        clip_on=False,
        label=label,
        markevery=max(1, len(times) // FEW),
    )


def draw_status(
    axes: Axes,
    x: Floats,
    status: NDArray[np.str_],
    *,
    edges: Floats | None = None,
    counts: Mapping[str, int] | None = None,
) -> None:
    """Draw the status of every point as a strip of hatched spans, named below.

    Args:
        axes: Where to draw.
        x: The points, shape [x].
        status: Keys of `STATUSES`, shape [x].
        edges: Where their cells begin and end, shape [x + 1]; halfway between points by default.
        counts: How often each status is there, where a point stands for several.
    """
    edges = cell_edges(x) if edges is None else edges
    if counts is None:
        counts = {name: int(np.count_nonzero(status == name)) for name in STATUSES}
    for name in STATUSES:
        spans = [(edges[a], edges[b + 1] - edges[a]) for a, b in _stretches(status == name)]
        if spans:
            axes.broken_barh(
                spans,
                (0, 1),
                facecolor=STATUS_COLOURS[name],
                edgecolor=FAINT,
                hatch=STATUS_HATCHES[name],
                linewidth=0.4 if len(spans) < FEW else 0,
                label=f"{name} ({counts[name]})",
            )
    axes.set_ylabel("status", rotation=0, ha="right", va="center", fontsize=8)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_ylim(0, 1)
    axes.legend(fontsize=8, frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -1.9))


def cell_edges(x: Floats) -> Floats:
    """Return the n + 1 edges of the cells round n points: halfway between neighbours.

    Example:
        >>> cell_edges(np.array([0.0, 1.0, 3.0])).tolist()
        [-0.5, 0.5, 2.0, 4.0]
    """
    if len(x) < 2:
        return np.concatenate((x - 0.5, x + 0.5))
    middles = (x[1:] + x[:-1]) / 2
    return np.concatenate(([2 * x[0] - middles[0]], middles, [2 * x[-1] - middles[-1]]))


def _stretches(where: Bools) -> list[tuple[int, int]]:
    """Return the first and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], where, [False])).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _lone(where: Bools) -> Bools:
    """Return the true values whose neighbours are both false."""
    padded = np.concatenate(([False], where, [False]))
    lone: Bools = where & ~padded[:-2] & ~padded[2:]
    return lone

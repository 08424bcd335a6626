"""What plots over an axis share: plain axes, Op and Comp with their status, wide ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FixedLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from causalopt.drawing.palette import WORLD_DASHES, WORLD_MARKERS, colours
from causalopt.drawing.plots.axis_scales import cell_edges
from causalopt.drawing.plots.plot_style import TEXT, ink_on, text_inches
from causalopt.drawing.plots.shown_figure import ShownFigure
from causalopt.drawing.plots.status_looks import MISSING, met_words, status_fill, status_hatch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Bools, Floats
    from causalopt.model.model import Model

FEW = 40  # up to so many points each one gets its marker
_MANY = 1000  # dots from which on each is small
LEAST = 1e-9  # what differs by less from no influence is rounding: the axis does not blow it up
WIDE = 1e3  # a ratio of sizes at which a linear axis hides the smaller


def plain_axes(axes: Axes) -> None:
    """Take away what tells nothing; draw a pale grid behind."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True)


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


def legend_above(axes: Axes, handles: Sequence[Any] | None = None, **options: Any) -> None:
    """Put the legend above the axes, where it hides no line."""
    handles = axes.get_legend_handles_labels()[0] if handles is None else handles
    axes.legend(
        handles=handles,
        ncols=_columns(axes, handles),
        loc="lower left",
        borderaxespad=0.1,
        bbox_to_anchor=(0, 1),
        **options,
    )


def legend_below(
    axes: Axes, handles: Sequence[Any] | None = None, *, down: float = 0.42, **options: Any
) -> None:
    """Put the legend below the axes, so many inches down: under tick labels and label."""
    handles = axes.get_legend_handles_labels()[0] if handles is None else handles
    figure = axes.get_figure(root=True)
    if not handles or figure is None:
        return
    under = axes.transAxes + ScaledTranslation(0, -down, figure.dpi_scale_trans)
    axes.legend(
        handles=handles,
        ncols=_columns(axes, handles),
        loc="upper center",
        borderaxespad=0,
        bbox_to_anchor=(0.5, 0),
        bbox_transform=under,
        **options,
    )


def legend_for_all(several: Sequence[Axes], handles: Sequence[Any]) -> None:
    """Put one legend below all panels: of a figure of their own, or of the last axes given."""
    figure = several[0].get_figure(root=True)
    if not handles or figure is None:
        return
    if isinstance(figure, ShownFigure):
        ncols = _fitting(handles, figure.get_size_inches()[0] * 0.95)
        figure.legend(handles=handles, ncols=ncols, loc="outside lower center")
    else:
        legend_below(several[-1], handles)


def _columns(axes: Axes, handles: Sequence[Any]) -> int:
    """Return in how many columns a legend is as wide as its axes."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return _fitting(handles, axes.get_position().width * figure.get_size_inches()[0] * 1.1)


def _fitting(handles: Sequence[Any], inches: float) -> int:
    labels = [str(handle.get_label()) for handle in handles]
    lines = [line for label in labels for line in label.split("\n")]
    widest = max((text_inches(line, TEXT - 0.5) for line in lines), default=0.0)
    return max(1, min(len(labels), int(inches / (widest + 0.52))))


def draw_world_line(axes: Axes, time: Floats, values: Floats, world: str, label: str) -> None:
    """Draw a course in the colour, dash and marker of its world, W wide and pale beneath."""
    shown = np.where(np.isfinite(values), values, np.nan)
    axes.plot(
        time,
        shown,
        color=colours().worlds[world],
        linestyle=WORLD_DASHES[world],
        zorder=2 if world == "W" else 3,
        linewidth={"W": 2.6, "X": 1.5, "Y": 1.5}[world],
        alpha={"W": 0.5, "X": 1.0, "Y": 1.0}[world],
        marker=WORLD_MARKERS[world] if len(time) <= FEW else None,
        markersize=4,
        label=label,
    )


def draw_measure(
    axes: Axes,
    x: Floats,
    values: Floats,
    status: NDArray[np.str_],
    *,
    label: str,
    rest: float | None,
    name: str | None = None,
    joined: bool = True,
    legend: bool = True,
    foot: float = 0.03,
    marked: int = FEW,
) -> None:
    """Draw Op or Comp: a full line, dotted and grey where the status doubts it.

    Args:
        axes: Where to draw.
        x: The points, shape [x].
        values: The measure, likewise; infinite ones stand at the edge.
        status: The words of the points, likewise.
        label: What the measure is called.
        rest: Its value without an influence of A, drawn as a line if there is one.
        name: What the full line is called in the legend, None for nothing.
        joined: Whether lines join the points; dots alone otherwise.
        legend: Whether the names of lines and signs are put above.
        marked: Up to how many points each has its marker.
        foot: How high the signs of -∞ stand, as a share of the axes.
    """
    finite = np.isfinite(values)
    doubted = (status == "kink") | (status == "unresolved")
    few = len(x) <= marked or not joined
    for where, colour, style, called in (
        (doubted, colours().faint, ":", "in doubt (see status)"),
        (~doubted, colours().blue, "-", name),
    ):
        if (where & finite).any():
            axes.plot(
                x,
                np.where(finite & where, values, np.nan),
                color=colour,
                linestyle=style if joined else "none",
                linewidth=1.5,
                marker="o" if few else None,
                markersize=4 if joined else 3 if len(x) < _MANY else 1.5,
                label=called,
            )
            # A point between gaps has no line of its own.
            lone = _lone(where & finite) & joined
            axes.plot(x[lone], values[lone], ".", color=colour, markersize=5)
    if rest is not None:
        axes.axhline(rest, color=colours().faint, linewidth=0.8, linestyle=":")
        if not (np.abs(values[finite] - rest) > LEAST).any():
            axes.set_ylim(rest - 1.0, rest + 1.0)
    axes.set_ylabel(label)
    _draw_infinities(axes, x, np.isposinf(values), "^", 0.97, "+∞")
    _draw_infinities(axes, x, np.isneginf(values), "v", foot, "-∞")
    if legend and axes.get_legend_handles_labels()[1]:
        legend_above(axes)
    if not finite.any() and not np.isinf(values).any():
        is_empty = bool((status == MISSING).all())
        axes.text(
            0.5,
            0.7,
            "not computed so far" if is_empty else "undefined throughout",
            ha="center",
            transform=axes.transAxes,
            color=colours().muted,
        )


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
        color=colours().ink,
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
    counts: Mapping[str, int | str] | None = None,
) -> None:
    """Draw the status of every point as a strip of hatched spans, named below.

    Args:
        axes: Where to draw.
        x: The points, shape [x].
        status: The words of the points, shape [x].
        edges: Where their cells begin and end, shape [x + 1]; halfway between points by default.
        counts: How often each status is there, where a point stands for several.
    """
    edges = cell_edges(x) if edges is None else edges
    if counts is None:
        counts = {name: int(np.count_nonzero(status == name)) for name in met_words(status)}
    for name in met_words(status):
        spans = [(edges[a], edges[b + 1] - edges[a]) for a, b in stretches(status == name)]
        if spans:
            axes.broken_barh(
                spans,
                (0, 1),
                facecolor=status_fill(name),
                edgecolor=hatch_colour(status_fill(name)),
                hatch=status_hatch(name),
                linewidth=0.4 if len(spans) < FEW else 0,
                label=f"{name} ({counts[name]})",
            )
    axes.set_ylabel("status", rotation=0, ha="right", va="center")
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_ylim(0, 1)
    legend_below(axes)


def hatch_colour(fill: str | None) -> str:
    """Return the colour in which a hatch is seen best on a fill; ink on none."""
    return colours().ink if fill is None else ink_on(fill)


def stretches(where: Bools) -> list[tuple[int, int]]:
    """Return the first and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], where, [False])).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _lone(where: Bools) -> Bools:
    """Return the true values whose neighbours are both false."""
    padded = np.concatenate(([False], where, [False]))
    lone: Bools = where & ~padded[:-2] & ~padded[2:]
    return lone

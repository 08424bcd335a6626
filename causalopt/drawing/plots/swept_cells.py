"""What stands in one panel of a sweep: a curve, a map, a row for each word, or scattered points."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.axis_scales import edges_on, is_spread_by_ratios, take_scale
from causalopt.drawing.plots.measure_maps import Shades, draw_measure_map
from causalopt.drawing.plots.op_maps import status_key
from causalopt.drawing.plots.panel_parts import (
    FEW,
    WIDE,
    draw_measure,
    hatch_colour,
    largest_size,
    plain_axes,
    spread_axis,
    stretches,
    typical_size,
)
from causalopt.drawing.plots.plot_style import ink_on, shortened, text_inches
from causalopt.drawing.plots.status_looks import MISSING, met_words, status_fill, status_hatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.drawing.plots.swept_data import DrawnAxis
    from causalopt.engine.contract import Floats

_STRIP = 0.07  # of a panel's height: the strip of statuses at its foot
_LONGEST = 1.3  # inches of a word beside an axis
_MOST_NUMBERS = 64  # cells of a table of words that have their number written in
_SEED_INK = 0.35  # opacity of one seed's line
_MARKERS = {"perfect": "^", "only_path": "v", "no_influence": "s", "held": "P", "diverged": "X"}


@dataclasses.dataclass(frozen=True, eq=False)
class CellLook:
    """How the cells of one figure are drawn, alike in all its panels.

    Attributes:
        label: Of the measure.
        rest: Its value without an influence of A, None if it has none.
        shades: Its colours.
        linear: The size within which a curve's axis is linear, logarithmic beyond; None for an
            axis that is linear throughout.
        columns: How many panels stand side by side.
        is_alone: Whether a cell has a figure's width, with legends and strips of its own.
    """

    label: str
    rest: float | None
    shades: Shades
    linear: float | None
    columns: int = 1
    is_alone: bool = False


def threshold_of(values: Floats) -> float | None:
    """Return the size within which the axis of some values is linear, None for all of it."""
    typical = typical_size(values)
    return typical if typical and largest_size(values) > WIDE * typical else None


def draw_curve(
    axes: Axes, axis: DrawnAxis, values: Floats, status: NDArray[Any], look: CellLook
) -> None:
    """Draw a measure over an axis of numbers; several seeds as faint lines with their median.

    Args:
        axes: Where to draw.
        axis: The axis, in ascending or descending order.
        values: Shape [x], or [seed, x].
        status: The words of the points, likewise.
        look: What it is called, and how it is drawn.
    """
    plain_axes(axes)
    x = np.asarray(axis.values, dtype=float)
    _missing_ground(axes, x, (status == MISSING).reshape(-1, len(x)).all(axis=0))
    options: dict[str, Any] = {"label": look.label, "rest": look.rest, "legend": look.is_alone}
    if not look.is_alone:
        options |= {"foot": _STRIP + 0.05, "marked": FEW // (2 * look.columns)}
    if values.ndim == 1:
        draw_measure(axes, x, values, status, **options)
    else:
        _seed_lines(axes, x, values)
        none = (status == MISSING).all(axis=0)
        plain = np.where(none, MISSING, "ok").astype(object)
        name = f"median of {len(values)} seeds"
        draw_measure(axes, x, median_of(values), plain, name=name, **options)
    if not look.is_alone:
        _status_strip(axes, x, status.reshape(-1, len(x)))
    if look.linear is not None:
        spread_axis(axes, look.linear)
    take_scale(axes, x)
    if not look.is_alone:
        axes.set_xlabel(axis.name)


def median_of(values: Floats) -> Floats:
    """Return the median over the first axis of what is a number, NaN where nothing is."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing but NaN in a column
        found: Floats = np.nanmedian(values, axis=0)
    return found


def _seed_lines(axes: Axes, x: Floats, values: Floats) -> None:
    for k, line in enumerate(values):
        axes.plot(
            x,
            np.where(np.isfinite(line), line, np.nan),
            color=colours().faint,
            alpha=_SEED_INK,
            linewidth=0.8,
            marker="." if len(x) <= FEW else None,
            markersize=2,
            label="one seed" if not k else None,
        )


def _missing_ground(axes: Axes, x: Floats, missing: NDArray[np.bool_]) -> None:
    """Lay a pale ground where no point was computed."""
    if not missing.any():
        return
    edges = edges_on(x)
    for first, last in stretches(missing):
        axes.axvspan(
            edges[first],
            edges[last + 1],
            facecolor=status_fill(MISSING),
            edgecolor="none",
            zorder=0,
            gid=MISSING,
        )


def _status_strip(axes: Axes, x: Floats, status: NDArray[Any]) -> None:
    """Draw at the foot of a panel where some status is not ok; of seeds, the first that is not."""
    edges = edges_on(x)
    for name in met_words(status):
        here = (status == name).any(axis=0)
        if name in ("ok", MISSING):
            continue
        axes.broken_barh(
            [(edges[a], edges[b + 1] - edges[a]) for a, b in stretches(here)],
            (0, _STRIP),
            transform=axes.get_xaxis_transform(),
            facecolor=status_fill(name),
            edgecolor=hatch_colour(status_fill(name)),
            hatch=2 * status_hatch(name),
            linewidth=0.3,
            gid=name,
        )


def draw_map(
    axes: Axes,
    over: tuple[DrawnAxis, DrawnAxis],
    values: Floats,
    status: NDArray[Any],
    look: CellLook,
) -> None:
    """Draw a measure over two axes, numbers or words: the first goes up, the second to the right.

    Args:
        axes: Where to draw.
        over: The axes.
        values: Shape [up, right].
        status: The words of the points, likewise.
        look: Its colours.
    """
    up, right = over
    edges = _edges(right), _edges(up)
    draw_measure_map(axes, edges, values, status, look.shades)
    for axis, along in ((right, "x"), (up, "y")):
        if axis.kind == "words":
            _word_ticks(axes, axis, along, look)
        else:
            take_scale(axes, np.asarray(axis.values, dtype=float), along=along)  # type: ignore[arg-type]
    if up.kind == "words" and values.size <= _MOST_NUMBERS:
        _write_numbers(axes, values, look)
    if up.kind == "words":
        axes.invert_yaxis()  # the first of a list is read first
    axes.set(xlabel=right.name, ylabel=up.name)


def _edges(axis: DrawnAxis) -> Floats:
    if axis.kind == "words":
        return np.arange(len(axis.values) + 1.0) - 0.5
    return edges_on(np.asarray(axis.values, dtype=float))


def _word_ticks(axes: Axes, axis: DrawnAxis, along: str, look: CellLook) -> None:
    """Write an axis's words beside it, upright below where they are wider than their cells."""
    words = [shortened(str(word), _LONGEST) for word in axis.values]
    which = axes.xaxis if along == "x" else axes.yaxis
    wide = max(text_inches(word, 8.0) for word in words)
    is_upright = along == "x" and wide > 4.6 / look.columns / len(words)
    which.set_ticks(np.arange(len(words)), words, rotation=90 if is_upright else 0)
    which.set_minor_locator(NullLocator())


def _write_numbers(axes: Axes, values: Floats, look: CellLook) -> None:
    """Write the numbers into cells of a table."""
    for (row, column), value in np.ndenumerate(values):
        if not np.isfinite(value):
            continue
        ground = look.shades.map(look.shades.norm(value))
        axes.text(
            column,
            row,
            f"{value:.3g}",
            ha="center",
            va="center",
            color=ink_on("#{:02x}{:02x}{:02x}".format(*(round(255 * part) for part in ground[:3]))),
            bbox={"facecolor": ground, "edgecolor": "none", "pad": 0.6},
        )


def draw_rows(
    axes: Axes, axis: DrawnAxis, values: Floats, status: NDArray[Any], look: CellLook
) -> None:
    """Draw a measure for each word of a list, a row each; of seeds a dot each, and their median.

    Args:
        axes: Where to draw.
        axis: The list.
        values: Shape [word], or [seed, word].
        status: The words of the points, likewise.
        look: What it is called.
    """
    plain_axes(axes)
    table, met = np.atleast_2d(values), np.atleast_2d(status)
    rows = range(table.shape[1])
    if look.rest is not None:
        axes.axvline(look.rest, color=colours().faint, linewidth=0.8, linestyle=":")
    several = len(table) > 1
    for row in rows:
        found = table[:, row][np.isfinite(table[:, row])]
        dots = "|" if several else "o"
        axes.plot(found, np.full(len(found), row), dots, color=colours().blue, markersize=5)
        middle = float(median_of(table[:, row : row + 1])[0])
        if several and np.isfinite(middle):
            axes.plot([middle], [row], "o", color=colours().ink, markersize=4)
        _say_statuses(axes, row, met[:, row], table[:, row])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    _word_ticks(axes, axis, "y", look)
    axes.set(xlabel=look.label, ylabel=axis.name)
    if look.linear is not None:
        axes.set_xscale("symlog", linthresh=look.linear)


def _say_statuses(axes: Axes, row: int, status: NDArray[Any], values: Floats) -> None:
    """Write beside a row which of its points are not ok."""
    said = []
    for name in met_words(status):
        here = status == name
        if name == "ok":
            continue
        ends = (np.isposinf(values[here]), "+∞"), (np.isneginf(values[here]), "-∞")
        end = next((f", {text}" for all_of, text in ends if all_of.all()), "")
        many = f" ({here.sum()} of {len(status)})" if len(status) > 1 else ""
        said.append(f"{name}{end}{many}")
    if said:
        axes.annotate(
            "; ".join(said),
            (1.0, row),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )


def draw_points(
    axes: Axes,
    over: tuple[tuple[str, Floats], tuple[str, Floats]],
    values: Floats,
    status: NDArray[Any],
    look: CellLook,
) -> None:
    """Draw scattered points over two quantities in the colours of a measure.

    Points that are not ok have an outline, those without a number the status's colour; missing
    ones are small and pale.

    Args:
        axes: Where to draw.
        over: The quantity along x and its values, shape [point], and the one along y.
        values: Shape [point].
        status: The words of the points, likewise.
        look: The colours.
    """
    plain_axes(axes)
    (right, x), (up, y) = over
    area = float(np.clip(2e4 / max(len(x), 1) / look.columns**2, 5, 40))
    finite = np.isfinite(values)
    for name in met_words(status):
        here = status == name
        known, none = here & finite, here & ~finite
        edge: dict[str, Any] = (
            {"linewidths": 0.25, "edgecolors": colours().faint}  # what is near 0 is seen on paper
            if name == "ok"
            else {"linewidths": 0.9, "edgecolors": colours().ink}
        )
        axes.scatter(
            x[known],
            y[known],
            c=values[known],
            s=area,
            marker=_MARKERS.get(name, "o"),
            cmap=look.shades.map,
            norm=look.shades.norm,
            gid=name,
            rasterized=len(x) > FEW**2,
            **edge,
        )
        for where, fill in _without_number(none, values, name, look.shades):
            is_missing = name == MISSING
            axes.scatter(
                x[where],
                y[where],
                s=area / 3 if is_missing else area,
                marker=_MARKERS.get(name, "o"),
                facecolor=fill,
                edgecolor=colours().faint if is_missing else colours().ink,
                linewidths=0.4 if is_missing else 0.7,
                gid=name,
            )
    for points, along in ((x, "x"), (y, "y")):
        if is_spread_by_ratios(points):
            axes.set(**{f"{along}scale": "log"})
    axes.set(xlabel=right, ylabel=up)


def _without_number(
    where: NDArray[np.bool_], values: Floats, name: str, shades: Shades
) -> list[tuple[NDArray[np.bool_], Any]]:
    """Return which points have no finite number, with what fills them."""
    ends = (1.0, 0.0) if shades.is_op else (None, None)
    kinds = (np.isnan(values), None), (np.isposinf(values), ends[0]), (np.isneginf(values), ends[1])
    return [
        (where & kind, status_fill(name) if end is None else shades.map(end))
        for kind, end in kinds
        if (where & kind).any()
    ]


def draw_cloud(
    axes: Axes, over: tuple[str, Floats], values: Floats, status: NDArray[Any], look: CellLook
) -> None:
    """Draw a measure of scattered points over one quantity, as dots."""
    plain_axes(axes)
    name, x = over
    order = np.argsort(x, kind="stable")
    found, met = values[order], status[order]
    options: dict[str, Any] = {"rest": look.rest, "joined": False, "legend": look.is_alone}
    draw_measure(axes, x[order], found, met, label=look.label, **options)
    _foot_marks(axes, x[order], found, met)
    if look.linear is not None:
        spread_axis(axes, look.linear)
    if is_spread_by_ratios(x):
        axes.set_xscale("log")
    axes.set_xlabel(name)


def _foot_marks(axes: Axes, x: Floats, values: Floats, status: NDArray[Any]) -> None:
    """Mark at the foot where a point has no number, in its status's colour."""
    for name in met_words(status):
        none = (status == name) & ~np.isfinite(values)
        if none.any():
            axes.plot(
                x[none],
                np.full(none.sum(), 0.03),
                "s",
                color=status_fill(name),
                markeredgecolor=colours().faint,
                markeredgewidth=0.4,
                markersize=3,
                transform=axes.get_xaxis_transform(),
                gid=name,
            )


def sparse_ticks(axes: Axes, columns: int) -> None:
    """Leave as few ticks as a narrow panel has room for."""
    most = 3 if columns > 3 else 4
    for axis, scale in ((axes.xaxis, axes.get_xscale()), (axes.yaxis, axes.get_yscale())):
        axis.set_minor_locator(NullLocator())
        places, labels = axis.get_ticklocs(), [text.get_text() for text in axis.get_ticklabels()]
        is_named = any(labels) and type(axis.get_major_locator()).__name__ == "FixedLocator"
        if scale == "symlog" or (is_named and not _are_numbers(labels)):
            continue
        if is_named:
            picks = np.unique(np.linspace(0, len(places) - 1, most - 1).round().astype(int))
            if len(places) >= most:
                axis.set_ticks(places[picks], [labels[k] for k in picks])
        elif scale == "log":
            axis.set_major_locator(LogLocator(numticks=most))
        else:
            axis.set_major_locator(MaxNLocator(nbins=most - 1))


def _are_numbers(labels: Sequence[str]) -> bool:
    try:
        return all(np.isfinite(float(label)) for label in labels)
    except ValueError:
        return False


def keys_of(
    status: NDArray[Any], values: Floats, shades: Shades | None, counted: Callable[[int], str]
) -> list[Any]:
    """Return the legend of curves or points: each status that is not ok, with how many have it.

    Args:
        status: The words of the points.
        values: Their numbers, likewise.
        shades: The colours of scattered points; None for curves, whose strips have hatches.
        counted: Writes a number of points.
    """
    keys: list[Any] = []
    for name in met_words(status):
        here = status == name
        text = f"{name} ({counted(int(np.count_nonzero(here)))})"
        if name == "ok":
            continue
        if shades is None:
            keys.append(status_key(name, text, status_fill(name)))
            continue
        without = _without_number(here, values, name, shades)
        keys.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker=_MARKERS.get(name, "o"),
                markersize=3 if name == MISSING else 5,
                markerfacecolor=without[0][1] if without else "none",
                markeredgecolor=colours().faint if name == MISSING else colours().ink,
                markeredgewidth=0.4 if name == MISSING else 0.8,
                label=text,
            )
        )
    return keys

"""The plots of the page: lines in panels, tables of laws, maps. Figures are returned, not shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import AMPLIFIES, BLUE, COMPRESSES, FAINT, GREEN, INK, RED
from causalopt.drawing.plots.op_maps import draw_op_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS, TIME, NATS = "t [steps]", "time", "Op [nats]"
CYCLE = ((INK, "-"), (BLUE, "--"), (RED, ":"), (GREEN, "-."), (FAINT, "-"), (BLUE, "-"))


@dataclasses.dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        x: Axis (point,).
        y: Axis (point,).
        label: Its name in the legend; none if empty.
        colour: Of the palette; by place if None.
        dash: matplotlib's line style; by place if None.
        marker: matplotlib's marker; none if empty.
        pale: From 0 to 1, how faint.
    """

    x: Any
    y: Any
    label: str = ""
    colour: str | None = None
    dash: str | None = None
    marker: str = ""
    pale: float = 0.0


@dataclasses.dataclass(frozen=True)
class Chart:
    """One pair of axes.

    Attributes:
        lines: Its curves.
        x: Name and unit of the horizontal axis.
        y: Of the vertical one.
        title: Above it.
        scale: `linear` or `log` for the vertical axis.
        x_scale: Likewise for the horizontal one.
        levels: Heights at which a thin line is drawn.
        limits: Of the vertical axis; by the data if None.
        marks: Places on the horizontal axis with a thin upright line.
    """

    lines: Sequence[Line]
    x: str
    y: str
    title: str = ""
    scale: str = "linear"
    x_scale: str = "linear"
    levels: Sequence[float] = ()
    limits: tuple[float, float] | None = None
    marks: Sequence[float] = ()


def curves(x: Any, named: Mapping[str, Any]) -> list[Line]:
    """Return curves over one axis, by their names in the legend."""
    return [Line(x, y, label) for label, y in named.items()]


def line_figure(*panels: Chart, width: float | None = None, height: float = 3.4) -> Figure:
    """Return a figure of panels, up to three in a row.

    Args:
        panels: What to draw.
        width: Of one panel in inches; the less the more stand in a row by default.
        height: Likewise.

    Example:
        >>> figure = line_figure(Chart([Line([0, 1], [0, 1])], "t", "R"))
        >>> figure.axes[0].get_ylabel()
        'R'
    """
    columns = min(len(panels), 3)
    figure, grid = _panes(len(panels), columns, width or {1: 6.4, 2: 4.8, 3: 4.2}[columns], height)
    for axes, panel in zip(grid, panels, strict=True):
        _draw_panel(axes, panel)
    return figure


def _panes(count: int, columns: int, width: float, height: float) -> tuple[Figure, Any]:
    rows = -(-count // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, np.ravel(figure.subplots(rows, columns, squeeze=False))


def _draw_panel(axes: Axes, panel: Chart) -> None:
    for place, line in enumerate(panel.lines):
        colour, dash = CYCLE[place % len(CYCLE)]
        axes.plot(
            line.x,
            line.y,
            color=line.colour or colour,
            linestyle=(line.dash or dash),
            marker=line.marker or None,
            markersize=4,
            linewidth=1.5,
            alpha=1 - line.pale,
            label=line.label or None,
        )
    for level in panel.levels:
        axes.axhline(level, color=FAINT, linewidth=0.8, zorder=0)
    for mark in panel.marks:
        axes.axvline(mark, color=FAINT, linewidth=0.8, linestyle=":", zorder=0)
    axes.set(xscale=panel.x_scale, yscale=panel.scale, xlabel=panel.x, ylabel=panel.y)
    if panel.limits is not None:
        axes.set_ylim(*panel.limits)
    axes.set_title(panel.title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    if any(line.label for line in panel.lines):
        axes.legend(frameon=False, fontsize=8)


def table_figure(
    tables: Mapping[str, Sequence[Sequence[object]]],
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    shade: bool = True,
    width: float = 2.6,
) -> Figure:
    """Return tables side by side, cells shaded by probability and written out.

    Args:
        tables: Title -> cells by row, numbers (or fractions) or text.
        rows: The rows' names.
        columns: The columns' names.
        shade: Whether cells are numbers to shade.
        width: Of one table, in inches.
    """
    figure = Figure(figsize=(width * len(tables) + 0.4, 2.7), layout="constrained")
    grid = np.ravel(figure.subplots(1, len(tables), squeeze=False))
    for axes, (title, cells) in zip(grid, tables.items(), strict=True):
        values = np.array([[as_number(c) if shade else 0.0 for c in row] for row in cells])
        axes.imshow(values, cmap="Blues", vmin=0, vmax=max(2.0 * float(values.max()), 0.5))
        for i, row in enumerate(cells):
            for j, cell in enumerate(row):
                axes.text(j, i, str(cell), ha="center", va="center", fontsize=8, color=INK)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(
            length=0, labelsize=8, top=True, labeltop=True, bottom=False, labelbottom=False
        )
        axes.set_xlabel(title, fontsize=9)
    return figure


def as_number(cell: object) -> float:
    """Return a cell, a number or a Fraction, as a float.

    Example:
        >>> from fractions import Fraction
        >>> as_number(Fraction(1, 4))
        0.25
    """
    return float(cell)  # type: ignore[arg-type]  # numbers and Fractions both have __float__


@dataclasses.dataclass(frozen=True)
class Map:
    """A map of values over two axes.

    Attributes:
        x: Axis (x,).
        y: Axis (y,).
        values: Axes (x, y).
        x_name: Name and unit.
        y_name: Name and unit.
        title: Above it.
    """

    x: Any
    y: Any
    values: Any
    x_name: str
    y_name: str
    title: str


def map_figure(maps: Sequence[Map], *, label: str) -> Figure:
    """Return maps of Op side by side, up to three in a row, each with its own symmetric scale."""
    figure, grid = _panes(len(maps), min(len(maps), 3), 4.4, 3.4)
    for axes, one in zip(grid, maps, strict=True):
        values = np.asarray(one.values, dtype=float).T
        draw_op_map(axes, one.x, one.y, values, line=True).set_label(label)
        axes.set(xlabel=one.x_name, ylabel=one.y_name)
        axes.set_title(one.title, fontsize=10)
    return figure


def bar_figure(values: Mapping[str, float], *, name: str) -> Figure:
    """Return values of Op as horizontal bars with their numbers, first one on top.

    Example:
        >>> bar_figure({"one": 1.0, "two": -2.0}, name="Op [nats]").axes[0].get_xlabel()
        'Op [nats]'
    """
    figure = Figure(figsize=(7.2, 0.36 * len(values) + 1.0), layout="constrained")
    axes = figure.subplots()
    labels = list(values)[::-1]
    sizes = [values[label] for label in labels]
    colours = [COMPRESSES if size > 0 else AMPLIFIES for size in sizes]
    hatches = ["" if size > 0 else "//" for size in sizes]
    bars = axes.barh(labels, sizes, color=colours, hatch=hatches, edgecolor=INK, linewidth=0.6)
    axes.bar_label(bars, labels=[f"{size + 0.0:.3g}" for size in sizes], padding=4, fontsize=8)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.margins(x=0.14)
    axes.set_xlabel(name)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure

"""The plot of a refinement: a line through its points, a map of its triangles, or slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

from causalopt.drawing.palette import STATUS_HATCHES, colours
from causalopt.drawing.plots.axis_scales import cell_edges
from causalopt.drawing.plots.measure_maps import Shades, draw_measure_map, shades_of, status_keys
from causalopt.drawing.plots.panel_parts import (
    WIDE,
    draw_measure,
    draw_status,
    largest_size,
    legend_for_all,
    plain_axes,
    spread_axis,
    typical_size,
)
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import ink_on
from causalopt.effects.measures import STATUSES
from causalopt.errors import QuestionError
from causalopt.refinement.refinement import Refinement
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats

MEASURES = ("op", "comp", "total", "direct", "w")
_LABELS = {"op": "Op [nats]", "comp": "Comp", "total": "total effect", "direct": "direct effect"}
_ASIDE = {"op": "\nabove 0 A compresses", "comp": "\nabove 1 A amplifies"}
_REST = {"op": 0.0, "comp": 1.0, "total": 0.0, "direct": 0.0}
_SLICES = (1 / 6, 1 / 2, 5 / 6)  # of the first of three axes
_CELLS = 64  # along each side of a slice
_BESIDE = 1 / 12  # of the first axis: points so near a slice are shown on it


@plot.register(Refinement)
@drawn
def plot_refinement(found: Refinement, measure: str | None = None) -> PanelLayout:
    """Return a figure of a refinement, with the points that were asked.

    Over one axis a line through the points. Over two a map of the triangles between them, the first
    axis up, each in the mean of its corners: Op has 0 in the middle of its colours and Comp 1, an
    infinite Op the colour of its end; triangles most of whose corners have another status than ok
    are hatched. Over three, slices across the first axis, whose cells have the number of the point
    that is nearest.

    Args:
        found: The refinement.
        measure: "op", "comp", "total", "direct" or "w" (W's value of m). Op by default, and Comp
            too over one axis.

    Returns:
        The figure, not shown. Panels: over one axis the five measures and `status`; over two the
        five measures; over three the slices, called as `k=0.1`.

    Raises:
        QuestionError: There is no such measure.
    """
    if measure is not None and measure not in MEASURES:
        raise QuestionError(f"measure is one of {', '.join(MEASURES)}; {measure!r} came")
    at = "" if found.model.is_static else f", at step {found.at}"
    title = (found.model.title or found.model.name, f"{found.op_name}{at}, {found.points} points")
    if len(found.axes) == 1:
        return _lines(found, title, measure)
    if len(found.axes) == 2:
        return _maps(found, title, measure or "op")
    return _slices(found, title, measure or "op")


def _label(found: Refinement, measure: str) -> str:
    return _LABELS.get(measure, f"{found.target} in W")


def _values(found: Refinement, measure: str) -> Floats:
    values: Floats = found.values if measure == "w" else getattr(found, measure)
    return values


def _lines(found: Refinement, title: Sequence[str], measure: str | None) -> PanelLayout:
    ((name, x),) = found.axes.items()
    order = np.argsort(x)
    x, status = x[order], found.status[order]

    def course(measure: str) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            plain_axes(axes)
            values = _values(found, measure)[order]
            draw_measure(
                axes, x, values, status, label=_label(found, measure), rest=_REST.get(measure)
            )
            shown = np.isfinite(values)
            axes.plot(x[shown], values[shown], ".", color=colours().ink, markersize=2.5)
            if measure == "op" and found.level is not None:
                axes.axhline(found.level, color=colours().ink, linewidth=0.8, linestyle="--")
            typical = typical_size(values)
            if typical and largest_size(values) > WIDE * typical:
                spread_axis(axes, typical)

        return draw

    def draw_strip(axes: Axes) -> None:
        plain_axes(axes)
        draw_status(axes, x, status, edges=np.clip(cell_edges(x), x[0], x[-1]))

    panels = [Panel(each, course(each), 1.9, under=name, shares=True) for each in MEASURES]
    panels.append(Panel("status", draw_strip, 0.3, under=name, shares=True))
    shown = ["op", "comp"] if measure is None else [measure]
    return PanelLayout(title, panels, shown=[*shown, "status"])


def _maps(found: Refinement, title: Sequence[str], measure: str) -> PanelLayout:
    def map_of(measure: str) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            values = _values(found, measure)
            shades = shades_of(values, measure)
            _draw_triangles(axes, found, values, shades)
            assert axes.figure is not None
            bar = axes.figure.colorbar(shades.mappable, ax=axes, extend=shades.extend)
            bar.set_label(_label(found, measure) + _ASIDE.get(measure, ""))

        return draw

    panels = [Panel(each, map_of(each), 4.0) for each in MEASURES]
    return PanelLayout(
        title,
        panels,
        shown=[measure],
        finish=lambda several: legend_for_all(several, _keys(found, measure)),
    )


def _draw_triangles(axes: Axes, found: Refinement, values: Floats, shades: Shades) -> None:
    """Draw a measure on triangles, the first axis up."""
    (up, y), (right, x) = found.axes.items()
    corners = np.stack([x, y], axis=-1)[found.simplices]
    faces = _face_colours(found, values, shades)
    axes.add_collection(
        PolyCollection(list(corners), facecolors=faces, edgecolors=faces, linewidths=0.2)
    )
    status = _main_status(found)
    for name in STATUSES:
        if name == "ok":
            continue
        here = status == name
        for ink in {ink_on(face) for face in np.array(faces)[here].tolist()}:
            inked = here & np.array([ink_on(face) == ink for face in faces])
            axes.add_collection(
                PolyCollection(
                    list(corners[inked]),
                    facecolors="none",
                    edgecolors=ink,
                    hatch=STATUS_HATCHES[name],
                    linewidths=0,
                )
            )
    axes.plot(x, y, ".", color=colours().ink, markersize=1.2, alpha=0.6)
    low, high = found.box.low, found.box.high
    axes.set(xlim=(low[1], high[1]), ylim=(low[0], high[0]), xlabel=right, ylabel=up)


def _face_colours(found: Refinement, values: Floats, shades: Shades) -> list[str]:
    """Return each triangle's colour: its corners' mean, an infinity as the end of the scale."""
    ends = np.clip(values, shades.norm.vmin, shades.norm.vmax)  # NaN stays
    corners = ends[found.simplices]
    known = ~np.isnan(corners)
    counts = known.sum(axis=1)
    means = np.where(known, corners, 0.0).sum(axis=1) / np.maximum(counts, 1)
    shown = shades.map(shades.norm(means))
    fills = [colours().statuses[str(name)] for name in _main_status(found)]
    return [
        to_hex(colour) if count else fill
        for colour, count, fill in zip(shown, counts, fills, strict=True)
    ]


def _main_status(found: Refinement) -> NDArray[np.str_]:
    """Return the status of most corners of each triangle; `ok` where each is another."""
    corners = found.status[found.simplices]
    alike = np.where(corners[:, 1] == corners[:, 2], corners[:, 1], "ok")
    first = (corners[:, 0] == corners[:, 1]) | (corners[:, 0] == corners[:, 2])
    return np.where(first, corners[:, 0], alike)


def _slices(found: Refinement, title: Sequence[str], measure: str) -> PanelLayout:
    values = _values(found, measure)
    shades = shades_of(values, measure)
    name = found.box.names[0]
    low, high = float(found.box.low[0]), float(found.box.high[0])

    def slice_of(share: float, called: str) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            _draw_slice(axes, found, values, shades, share)
            axes.set_title(called)

        return draw

    called = [f"{name}={low + share * (high - low):.4g}" for share in _SLICES]
    panels = [
        Panel(each, slice_of(share, each), 1.8, column=k)
        for k, (each, share) in enumerate(zip(called, _SLICES, strict=True))
    ]

    def finish(several: Sequence[Axes]) -> None:
        assert several[0].figure is not None
        bar = several[0].figure.colorbar(
            shades.mappable, ax=list(several), extend=shades.extend, pad=0.01
        )
        bar.set_label(_label(found, measure) + _ASIDE.get(measure, ""))
        legend_for_all(several, _keys(found, measure))

    return PanelLayout(title, panels, shown=called, finish=finish)


def _draw_slice(
    axes: Axes, found: Refinement, values: Floats, shades: Shades, share: float
) -> None:
    """Draw the cells of a slice, each with what was found at the nearest point."""
    middles = (np.arange(_CELLS) + 0.5) / _CELLS
    up, right = np.meshgrid(middles, middles, indexing="ij")
    cells = np.stack([np.full(up.size, share), up.ravel(), right.ravel()])
    apart = sum((cells[i][:, None] - found.shares[i]) ** 2 for i in range(3))
    nearest = np.argmin(apart, axis=1).reshape(_CELLS, _CELLS)
    edges = [np.linspace(found.box.low[i], found.box.high[i], _CELLS + 1) for i in (2, 1)]
    draw_measure_map(axes, (edges[0], edges[1]), values[nearest], found.status[nearest], shades)
    near = np.abs(found.shares[0] - share) < _BESIDE
    _, y, x = found.axes.values()
    axes.plot(x[near], y[near], ".", color=colours().ink, markersize=1.2, alpha=0.6)
    axes.set(xlabel=found.box.names[2], ylabel=found.box.names[1])


def _keys(found: Refinement, measure: str) -> list[Any]:
    values = _values(found, measure)
    return status_keys(values, found.status, shades_of(values, measure), found.op)

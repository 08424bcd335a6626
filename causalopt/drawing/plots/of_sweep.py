"""The plot of a sweep: lines over one axis, a map over two, a map for each slice of more."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, TwoSlopeNorm, to_hex

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.axis_scales import edges_on, take_scale
from causalopt.drawing.plots.heat_maps import heat_norm
from causalopt.drawing.plots.op_maps import STEEP, mark_status, status_key, uneven_norm
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
from causalopt.drawing.plots.plot_style import op_map, signed_map
from causalopt.effects.measures import STATUSES
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.errors import QuestionError
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats

MEASURES = ("op", "comp", "total", "direct", "w")
_MOST_SLICES = 9
_COLUMNS = 3
_RARE = 0.98  # the quantile of sizes beyond which Comp takes the colour of the end


@plot.register(Sweep)
@drawn
def plot_sweep(sweep: Sweep, measure: str | None = None) -> PanelLayout:
    """Return a figure of a sweep: lines over one axis, a map over two, slices of more.

    On a map the axis before the last goes up and the last one to the right. Each combination of
    values of the axes before them is a slice, and all slices have one scale; of many, nine are
    shown, evenly spread. An axis whose points are logarithmically spaced is drawn so. Op has 0 in
    the middle of its colours and Comp 1; an infinite Op has the colour of its end. Points whose
    status is not ok are hatched, those without a number in the status's colour.

    Args:
        sweep: The sweep.
        measure: "op", "comp", "total", "direct" or "w" (W's value of m). Op by default, and Comp
            too over one axis.

    Returns:
        The figure, not shown. Panels: over one axis the five measures and `status`; over two the
        five measures; of more the slices, called as `k=0.1`, or `k=0.1, d=20`.

    Raises:
        QuestionError: There is no such measure.
    """
    if measure is not None and measure not in MEASURES:
        raise QuestionError(f"measure is one of {', '.join(MEASURES)}; {measure!r} came")
    title = (
        sweep.model.title or sweep.model.name,
        f"{sweep.op_name}, at step {sweep.at}" if not sweep.model.is_static else sweep.op_name,
    )
    if len(sweep.axes) == 1:
        return _lines(sweep, title, measure)
    if len(sweep.axes) == 2:
        return _maps(sweep, title, measure or "op")
    return _slices(sweep, title, measure or "op")


def _label(sweep: Sweep, measure: str) -> str:
    return {
        "op": "Op [nats]",
        "comp": "Comp",
        "total": "total effect",
        "direct": "direct effect",
        "w": f"{sweep.target} in W",
    }[measure]


def _values(sweep: Sweep, measure: str) -> Floats:
    found: Floats = sweep.values if measure == "w" else getattr(sweep, measure)
    return found


def _lines(sweep: Sweep, title: Sequence[str], measure: str | None) -> PanelLayout:
    ((name, x),) = sweep.axes.items()

    def course(measure: str) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            plain_axes(axes)
            values = _values(sweep, measure)
            rest = {"op": 0.0, "comp": 1.0, "total": 0.0, "direct": 0.0}.get(measure)
            label = _label(sweep, measure)
            draw_measure(axes, x, values, sweep.status, label=label, rest=rest)
            typical = typical_size(values)
            if typical and largest_size(values) > WIDE * typical:
                spread_axis(axes, typical)
            take_scale(axes, x)

        return draw

    def draw_strip(axes: Axes) -> None:
        plain_axes(axes)
        draw_status(axes, x, sweep.status, edges=edges_on(x))
        take_scale(axes, x)

    panels = [Panel(each, course(each), 1.9, under=name, shares=True) for each in MEASURES]
    panels.append(Panel("status", draw_strip, 0.3, under=name, shares=True))
    shown = ["op", "comp"] if measure is None else [measure]
    return PanelLayout(title, panels, shown=[*shown, "status"])


def _maps(sweep: Sweep, title: Sequence[str], measure: str) -> PanelLayout:
    def map_of(measure: str) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            values = _values(sweep, measure)
            shades = _shades(values, measure)
            _draw_map(axes, sweep, values, sweep.status, shades)
            assert axes.figure is not None
            bar = axes.figure.colorbar(shades.mappable, ax=axes, extend=shades.extend)
            bar.set_label(_bar_label(sweep, measure))

        return draw

    panels = [Panel(each, map_of(each), 4.0) for each in MEASURES]
    return PanelLayout(
        title,
        panels,
        shown=[measure],
        finish=lambda several: legend_for_all(several, _keys(sweep, measure)),
    )


def _slices(sweep: Sweep, title: Sequence[str], measure: str) -> PanelLayout:
    values = _values(sweep, measure)
    shades = _shades(values, measure)
    names = list(sweep.axes)[:-2]
    places = list(itertools.product(*(range(len(sweep.axes[name])) for name in names)))
    called = _slice_names(sweep, names, places)
    picks = np.unique(np.linspace(0, len(places) - 1, _MOST_SLICES).round().astype(int)).tolist()
    columns = min(_COLUMNS, len(picks))

    def slice_of(name: str, place: tuple[int, ...]) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            _draw_map(axes, sweep, values[place], sweep.status[place], shades)
            axes.set_title(name)

        return draw

    order = {pick: k for k, pick in enumerate(picks)}
    panels = [
        Panel(name, slice_of(name, place), 1.5, column=order.get(k, k) % columns)
        for k, (name, place) in enumerate(zip(called, places, strict=True))
    ]

    def finish(several: Sequence[Axes]) -> None:
        assert several[0].figure is not None
        bar = several[0].figure.colorbar(
            shades.mappable, ax=list(several), extend=shades.extend, pad=0.01
        )
        bar.set_label(_bar_label(sweep, measure))
        legend_for_all(several, _keys(sweep, measure))

    more = f": {len(picks)} of {len(places)} slices" if len(picks) < len(places) else ""
    title = (title[0], title[1] + more)
    return PanelLayout(title, panels, shown=[called[pick] for pick in picks], finish=finish)


def _slice_names(sweep: Sweep, names: list[str], places: list[tuple[int, ...]]) -> list[str]:
    """Return what slices are called, with as many digits as tell them apart."""
    for digits in (4, 8, 17):
        found = [
            ", ".join(
                f"{name}={sweep.axes[name][k]:.{digits}g}"
                for name, k in zip(names, place, strict=True)
            )
            for place in places
        ]
        if len(set(found)) == len(found):
            return found
    return [f"{name} ({k})" for k, name in enumerate(found)]  # a value comes twice


@dataclasses.dataclass(frozen=True, eq=False)
class _Shades:
    """The colours of a measure.

    Attributes:
        norm: The scale.
        map: The colours.
        extend: Which ends stand for values beyond them too, as a colour bar says it.
        is_op: Whether the ends are those of an infinite Op.
    """

    norm: Any
    map: Colormap
    extend: str
    is_op: bool

    @functools.cached_property
    def mappable(self) -> ScalarMappable:
        """What a colour bar is drawn of."""
        return ScalarMappable(self.norm, self.map)


def _shades(values: Floats, measure: str) -> _Shades:
    finite = values[np.isfinite(values)]
    if measure == "op":
        return _Shades(uneven_norm(values), op_map(), "neither", is_op=True)
    if measure == "comp":
        sizes = np.abs(finite - 1.0)
        largest = float(sizes.max(initial=0.0))
        usual = float(np.quantile(sizes, _RARE)) if sizes.size else 0.0
        reach = (usual if usual and largest > STEEP * usual else largest) or 1.0
        norm = TwoSlopeNorm(1.0, 1.0 - reach, 1.0 + reach)
        extend = "both" if reach < largest else "neither"
        return _Shades(norm, op_map().reversed(), extend, is_op=False)
    if finite.size and finite.min() < 0 < finite.max():
        return _Shades(uneven_norm(values), signed_map(), "neither", is_op=False)
    positive = finite[finite > 0]
    if positive.size and positive.max() > WIDE * positive.min() and positive.size == finite.size:
        wide = LogNorm(float(positive.min()), float(positive.max()))
        return _Shades(wide, _plain_map(), "neither", is_op=False)
    return _Shades(heat_norm(values), _plain_map(), "neither", is_op=False)


def _plain_map() -> Colormap:
    return matplotlib.colormaps["viridis"]


def _bar_label(sweep: Sweep, measure: str) -> str:
    aside = {"op": ": above 0 A compresses", "comp": ": above 1 A amplifies"}
    return _label(sweep, measure) + aside.get(measure, "")


def _draw_map(
    axes: Axes, sweep: Sweep, values: Floats, status: NDArray[np.str_], shades: _Shades
) -> None:
    """Draw a measure over the last two axes, and hatch what is not ok."""
    (up, y), (right, x) = list(sweep.axes.items())[-2:]
    edges = (edges_on(x), edges_on(y))
    shown = np.where(np.isfinite(values), values, np.nan)
    axes.pcolormesh(*edges, shown, cmap=shades.map, norm=shades.norm, rasterized=True)
    for name in STATUSES:
        if name == "ok":
            continue
        here = status == name
        for where, fill in _parts(values, name, shades):
            mark_status(axes, edges, here & where, name, fill=fill)
    take_scale(axes, x)
    take_scale(axes, y, along="y")
    axes.set(xlim=edges[0][[0, -1]], ylim=edges[1][[0, -1]], xlabel=right, ylabel=up)


def _parts(
    values: Floats, name: str, shades: _Shades
) -> list[tuple[NDArray[np.bool_], str | None]]:
    """Return where cells have a number, no number, and an infinite one, with what fills them."""
    fill = colours().statuses[name]
    ends = [to_hex(shades.map(1.0)), to_hex(shades.map(0.0))] if shades.is_op else [fill, fill]
    return [
        (np.isfinite(values), None),
        (np.isnan(values), fill),
        (np.isposinf(values), ends[0]),
        (np.isneginf(values), ends[1]),
    ]


def _keys(sweep: Sweep, measure: str) -> list[Any]:
    """Return the legend: each status that is not ok, with how many points have it."""
    values, status = _values(sweep, measure), sweep.status
    shades = _shades(values, measure)
    keys = []
    for name in STATUSES:
        here = status == name
        if name == "ok" or not here.any():
            continue
        parts = [(here & where, fill) for where, fill in _parts(values, name, shades)]
        fill = max(parts, key=lambda part: np.count_nonzero(part[0]))[1]
        ends = (
            (", Op is +∞", np.isposinf(sweep.op[here])),
            (", Op is -∞", np.isneginf(sweep.op[here])),
        )
        infinite = next((text for text, all_of in ends if all_of.all()), "")
        keys.append(status_key(name, f"{name}{infinite} ({np.count_nonzero(here)})", fill))
    return keys

"""The plot of a sweep: lines over one axis, a map over two, a map for each slice of more."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.drawing.plots.axis_scales import edges_on, take_scale
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
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.errors import QuestionError
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats

MEASURES = ("op", "comp", "total", "direct", "w")
_MOST_SLICES = 9
_COLUMNS = 3


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
            shades = shades_of(values, measure)
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
    shades = shades_of(values, measure)
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


def _bar_label(sweep: Sweep, measure: str) -> str:
    aside = {"op": "\nabove 0 A compresses", "comp": "\nabove 1 A amplifies"}
    return _label(sweep, measure) + aside.get(measure, "")


def _draw_map(
    axes: Axes, sweep: Sweep, values: Floats, status: NDArray[np.str_], shades: Shades
) -> None:
    """Draw a measure over the last two axes."""
    (up, y), (right, x) = list(sweep.axes.items())[-2:]
    draw_measure_map(axes, (edges_on(x), edges_on(y)), values, status, shades)
    take_scale(axes, x)
    take_scale(axes, y, along="y")
    axes.set(xlabel=right, ylabel=up)


def _keys(sweep: Sweep, measure: str) -> list[Any]:
    values = _values(sweep, measure)
    return status_keys(values, sweep.status, shades_of(values, measure), sweep.op)

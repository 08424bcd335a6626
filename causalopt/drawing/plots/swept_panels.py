"""The panels of a sweep: which of its axes lie inside a panel, and which tell panels apart.

Inside are the last two axes of numbers (a map), the only one (a curve), the points of a design, or
of a sweep over words alone the words themselves. Every other axis tells panels apart: one list
wraps into rows, two are rows and columns.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.drawing.plots.axis_scales import edges_on, take_scale
from causalopt.drawing.plots.measure_maps import Shades, shades_of, status_keys
from causalopt.drawing.plots.panel_parts import draw_status, legend_for_all, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout
from causalopt.drawing.plots.plot_style import PAGE, SMALL, TEXT, shortened, wrapped
from causalopt.drawing.plots.shown_figure import ShownFigure
from causalopt.drawing.plots.status_looks import met_words
from causalopt.drawing.plots.swept_cells import (
    CellLook,
    draw_cloud,
    draw_curve,
    draw_map,
    draw_points,
    draw_rows,
    keys_of,
    sparse_ticks,
    threshold_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.drawing.plots.swept_data import DrawnAxis, SweptData
    from causalopt.engine.contract import Floats

_MOST_SLICES = 9
_MOST = 6  # panels along a side
_COLUMNS = 3
_SIDE = {1: 4.0, 2: 2.0, 3: 1.5, 4: 1.15, 5: 0.95, 6: 0.85}  # inches: a panel's height by columns
_TALLEST = 6.5  # inches that all rows of panels take, where they can
_COURSE = 1.9  # inches: a curve's height, alone
_ASIDE = {"op": "\nabove 0 A compresses", "comp": "\nabove 1 A amplifies"}


@dataclasses.dataclass(frozen=True, eq=False)
class _Split:
    """Which axes go where, as places in the data's axes.

    Attributes:
        inside: The axes in a panel: two of a map (up, right), or one.
        lines: The axis whose values are lines of one panel: seeds; None if there is none.
        apart: The axes that tell panels apart.
    """

    inside: tuple[int, ...]
    lines: int | None
    apart: tuple[int, ...]


def _split(axes: Sequence[DrawnAxis]) -> _Split:
    places: dict[str, list[int]] = {"numbers": [], "words": [], "seeds": [], "points": []}
    for k, axis in enumerate(axes):
        places[axis.kind].append(k)
    numbers, words, seeds = places["numbers"], places["words"], places["seeds"]
    inside: list[int]
    lines: int | None = None
    if places["points"]:
        inside = places["points"][-1:]
    elif len(numbers) > 1:
        inside = numbers[-2:]
    elif numbers or (words and seeds):
        inside, lines = numbers or words[-1:], seeds[0] if seeds else None
    else:
        inside = words[-2:] or seeds
    apart = [k for k in range(len(axes)) if k not in inside and k != lines]
    return _Split(tuple(inside), lines, tuple(apart))


def swept_layout(data: SweptData, measure: str | None = None) -> PanelLayout:
    """Return the panels of a sweep.

    Args:
        data: The sweep.
        measure: A variable; by default the ones that the data name.

    Raises:
        QuestionError: There is no such measure.
    """
    chosen = data.check(measure)
    return _Drawing(data, _split(data.axes), chosen).layout()


class _Drawing:
    """One sweep on its way to panels.

    Args:
        data: The sweep.
        split: Which axes go where.
        measure: The variable asked for, None for the usual ones.
    """

    def __init__(self, data: SweptData, split: _Split, measure: str | None) -> None:
        self._data, self._split = data, split
        self._asked = measure
        self._measure = measure or data.drawn[0]
        self._inside = [_in_order(data.axes[k]) for k in split.inside]
        self._kind = self._kind_of()

    def _kind_of(self) -> str:
        axes = [axis for axis, _ in self._inside]
        if axes[0].kind == "points":
            return {1: "cloud", 2: "points"}.get(len(axes[0].quantities), "clouds")
        if len(axes) == 2:
            return "map"
        return "rows" if axes[0].kind == "words" else "curve"

    def layout(self) -> PanelLayout:
        """Return the panels."""
        if self._split.apart:
            return self._multiples()
        if self._kind == "curve":
            return self._courses()
        if self._kind == "clouds":
            return self._quantities()
        return self._one_each()

    def _title(self, more: str = "") -> list[str]:
        """Return the lines above the figure."""
        first, *rest = self._data.title or ("",)
        if more:
            rest = [f"{rest[0]}: {more}", *rest[1:]] if rest else [more]
        remark = self._data.remark
        return [line for line in (first, *rest, remark) if line]

    def _cell(self, name: str, place: tuple[int, ...] = ()) -> tuple[Floats, NDArray[Any]]:
        """Return a panel's values and words, shape [inside...] or [seed, inside]."""
        index: list[Any] = [slice(None)] * len(self._data.axes)
        for k, at in zip(self._split.apart, place, strict=True):
            index[k] = at
        values, status = self._data.values(name)[tuple(index)], self._data.status(tuple(index))
        if self._split.lines is not None and self._split.lines > self._split.inside[0]:
            values, status = values.T, status.T
        for k, (_, order) in enumerate(reversed(self._inside)):
            if order is not None:
                values = np.take(values, order, axis=-1 - k)
                status = np.take(status, order, axis=-1 - k)
        return values, status

    def _look(
        self, name: str, columns: int = 1, *, alone: bool = True, high: float = _COURSE
    ) -> CellLook:
        """Return how panels are drawn that are so many inches high."""
        values = self._data.values(name)
        along = PAGE / columns if self._kind == "rows" else 0.85 * high  # ticks take the rest
        return CellLook(
            _in_lines(self._data.labels[name], along),
            self._data.rest(name),
            shades_of(values, name),
            threshold_of(values),
            columns,
            alone,
        )

    def _draw(self, axes: Axes, name: str, place: tuple[int, ...], look: CellLook) -> None:
        """Draw one panel."""
        values, status = self._cell(name, place)
        over = [axis for axis, _ in self._inside]
        if self._kind == "curve":
            draw_curve(axes, over[0], values, status, look)
        elif self._kind == "map":
            draw_map(axes, (over[0], over[1]), values, status, look)
        elif self._kind == "rows":
            draw_rows(axes, over[0], values, status, look)
        else:
            (first, *rest) = over[0].quantities.items()
            if self._kind == "points":
                draw_points(axes, (first, rest[0]), values, status, look)
            else:
                draw_cloud(axes, first, values, status, look)

    def _courses(self) -> PanelLayout:
        """Return a curve for each measure, and a strip of statuses below."""
        ((axis, _),) = self._inside
        x = np.asarray(axis.values, dtype=float)

        def course(name: str) -> Callable[[Axes], None]:
            return lambda axes: self._draw(axes, name, (), self._look(name))

        def strip(axes: Axes) -> None:
            from causalopt.drawing.plots.of_ensembles import draw_word_shares

            plain_axes(axes)
            _, status = self._cell(self._measure)
            if status.ndim > 1:
                draw_word_shares(axes, edges_on(x), status)
            else:
                met = {
                    name: self._data.counted((status == name).sum()) for name in met_words(status)
                }
                draw_status(axes, x, status, edges=edges_on(x), counts=met)
            take_scale(axes, x)

        names = list(self._data.labels)
        panels = [
            Panel(_called(name), course(name), _COURSE, under=axis.name, shares=True)
            for name in names
        ]
        panels.append(Panel("status", strip, 0.3, under=axis.name, shares=True))
        shown = [self._asked] if self._asked else list(self._data.drawn)
        return PanelLayout(
            self._title(), panels, shown=[*(_called(name) for name in shown), "status"]
        )

    def _one_each(self) -> PanelLayout:
        """Return a panel for each measure, of which one is shown."""

        def panel(name: str) -> Callable[[Axes], None]:
            def draw(axes: Axes) -> None:
                look = self._look(name, alone=self._kind != "cloud")
                self._draw(axes, name, (), look)
                if self._has_bar:
                    _colour_bar([axes], look.shades, self._bar_label(name))

            return draw

        rows = len(self._inside[0][0].values)
        height = min(0.5 + 0.24 * rows, 7.0) if self._kind == "rows" else 4.0
        if self._kind == "cloud":
            height = 2.4
        panels = [Panel(_called(name), panel(name), height) for name in self._data.labels]
        return PanelLayout(
            self._title(),
            panels,
            shown=[_called(self._measure)],
            finish=lambda several: legend_for_all(several, self._keys(several)),
        )

    def _quantities(self) -> PanelLayout:
        """Return a panel for each quantity of a design of three or more."""
        quantities = self._inside[0][0].quantities

        def cloud(over: tuple[str, Floats]) -> Callable[[Axes], None]:
            def draw(axes: Axes) -> None:
                values, status = self._cell(self._measure)
                look = self._look(self._measure, columns, alone=False, high=1.5)
                draw_cloud(axes, over, values, status, look)

            return draw

        columns = min(_COLUMNS, len(quantities))
        panels = [
            Panel(name, cloud((name, values)), 1.5, column=k % columns)
            for k, (name, values) in enumerate(quantities.items())
        ]

        def finish(several: Sequence[Axes]) -> None:
            _same_limits(several, self._kind)
            for k, axes in enumerate(several):
                sparse_ticks(axes, columns)
                if k % columns and len(several) == len(panels):
                    axes.tick_params(labelleft=False)
                    axes.set_ylabel("")
            legend_for_all(several, self._keys(several))

        return PanelLayout(self._title(), panels, finish=finish)

    @property
    def _has_bar(self) -> bool:
        return self._kind in ("map", "points")

    def _bar_label(self, name: str, high: float = _SIDE[1]) -> str:
        """Return what stands beside a scale of colours so many inches high."""
        return _in_lines(self._data.labels[name], high) + _ASIDE.get(name, "")

    def _keys(self, several: Sequence[Axes]) -> list[Any]:
        """Return the legend of all panels: their lines once, and the statuses."""
        name = self._measure
        values, status = self._data.values(name), self._data.status()
        if self._kind == "map":
            op = self._data.values("op" if "op" in self._data.labels else name)
            return status_keys(values, status, shades_of(values, name), op, self._data.counted)
        if self._kind == "rows":
            return []
        if self._has_bar:
            return keys_of(status, values, shades_of(values, name), self._data.counted)
        handles: dict[str, Any] = {}
        for axes in several:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        return [*handles.values(), *keys_of(status, values, None, self._data.counted)]

    def _multiples(self) -> PanelLayout:
        """Return a panel for each combination of the values of the axes that tell them apart."""
        axes = [self._data.axes[k] for k in self._split.apart]
        every = list(itertools.product(*(range(len(axis.values)) for axis in axes)))
        names = _names(axes, every)
        picks, columns = _picked(axes, every)
        is_grid = len(axes) > 1 and any(axis.kind == "words" for axis in axes)
        rows = math.ceil(len(picks) / columns)
        height = self._height(columns, rows)
        look = self._look(self._measure, columns, alone=False, high=height)

        def cell(name: str, place: tuple[int, ...]) -> Callable[[Axes], None]:
            def draw(panel: Axes) -> None:
                self._draw(panel, self._measure, place, look)
                panel.set_title(_wrapped_title(_title_of(axes, place, name), columns))

            return draw

        order = {every[pick]: k for k, pick in enumerate(picks)}
        panels = [
            Panel(name, cell(name, place), height, column=order.get(place, k) % columns)
            for k, (name, place) in enumerate(zip(names, every, strict=True))
        ]
        headings = [(axes, every[pick]) for pick in picks]

        def finish(several: Sequence[Axes]) -> None:
            figure = several[0].figure
            if isinstance(figure, ShownFigure):
                self._settle(several, columns, headings if is_grid else None, len(picks))
            if self._has_bar:
                label = self._bar_label(self._measure, rows * height)
                _colour_bar(list(several), look.shades, label)
            else:
                _same_limits(several, self._kind)
            legend_for_all(several, self._keys(several))

        what = "slices" if all(axis.kind == "numbers" for axis in axes) else "panels"
        more = f"{len(picks)} of {len(every)} {what}" if len(picks) < len(every) else ""
        return PanelLayout(
            self._title(more), panels, shown=[names[pick] for pick in picks], finish=finish
        )

    def _height(self, columns: int, rows: int) -> float:
        """Return how high a panel is, so that the figure fits a page."""
        if self._kind == "rows":
            return 0.3 + 0.2 * len(self._inside[0][0].values)
        return max(min(_SIDE[columns], 1.5, _TALLEST / rows), _SIDE[_MOST])

    def _settle(
        self,
        several: Sequence[Axes],
        columns: int,
        headings: list[tuple[list[DrawnAxis], tuple[int, ...]]] | None,
        count: int,
    ) -> None:
        """Leave ticks and labels at the outer panels, and titles too where there is a grid."""
        for axes in several:
            sparse_ticks(axes, columns)
        if len(several) != count:
            return  # some were chosen by name: each keeps what says what it is
        if all(axis.kind == "numbers" for axis in self._data.axes) and columns <= _COLUMNS:
            return
        for k, axes in enumerate(several):
            is_left, is_low = k % columns == 0, k + columns >= count
            axes.tick_params(labelleft=is_left, labelbottom=is_low)
            axes.set_ylabel(axes.get_ylabel() if is_left else "")
            axes.set_xlabel(axes.get_xlabel() if is_low else "")
            if headings is not None:
                _edge_titles(axes, k, columns, headings[k])


def _in_order(axis: DrawnAxis) -> tuple[DrawnAxis, NDArray[np.intp] | None]:
    """Return an axis with its numbers in order, and the order where it was another."""
    if axis.kind not in ("numbers", "seeds"):
        return axis, None
    gaps = np.diff(np.asarray(axis.values, dtype=float))
    if (gaps >= 0).all() or (gaps <= 0).all():
        return axis, None
    order = np.argsort(axis.values, kind="stable")
    return dataclasses.replace(axis, values=axis.values[order]), order


def _in_lines(text: str, inches: float) -> str:
    """Return a text in lines that are no longer than so many inches."""
    return "\n".join(wrapped(text, inches, TEXT))


def _called(name: str) -> str:
    """Return what the panel of a variable is called."""
    return "w" if name == "value" else name


def _names(axes: Sequence[DrawnAxis], places: list[tuple[int, ...]]) -> list[str]:
    """Return what panels are called, with as many digits as tell them apart."""
    for digits in (4, 8, 17):
        found = [
            ", ".join(
                f"{axis.name}={axis.text_of(at, digits)}"
                for axis, at in zip(axes, place, strict=True)
            )
            for place in places
        ]
        if len(set(found)) == len(found):
            return found
    return [f"{name} ({k})" for k, name in enumerate(found)]  # a value comes twice


def _title_of(axes: Sequence[DrawnAxis], place: tuple[int, ...], name: str) -> str:
    """Return what stands above a panel."""
    if all(axis.kind == "numbers" for axis in axes):
        return name
    return ", ".join(axis.title_of(at) for axis, at in zip(axes, place, strict=True))


def _wrapped_title(text: str, columns: int) -> str:
    """Return a title in at most two lines that are as wide as a panel."""
    wide = 5.6 / columns
    lines = wrapped(text, wide, TEXT)
    if len(lines) > 2:
        lines = [lines[0], shortened(" ".join(lines[1:]), wide, TEXT)]
    return "\n".join(lines)


def _edge_titles(
    axes: Axes, k: int, columns: int, heading: tuple[list[DrawnAxis], tuple[int, ...]]
) -> None:
    """Write what a column is above its first panel, and what a row is beside its last."""
    lists, place = heading
    across = lists[-1].title_of(place[-1])
    down = ", ".join(axis.title_of(at) for axis, at in zip(lists[:-1], place[:-1], strict=True))
    axes.set_title(_wrapped_title(across, columns) if k < columns else "")
    if k % columns == columns - 1:
        lines = wrapped(down, 1.05 * _SIDE[columns], SMALL)
        axes.annotate(
            "\n".join(lines[:3]),
            (1.0, 0.5),
            xycoords="axes fraction",
            xytext=(4, 0),
            textcoords="offset points",
            rotation=270,
            ha="left",
            va="center",
            fontsize=SMALL,
        )


def _picked(axes: Sequence[DrawnAxis], every: list[tuple[int, ...]]) -> tuple[list[int], int]:
    """Return which panels are shown, as places in the list of all, and in how many columns."""
    if all(axis.kind == "numbers" for axis in axes):
        picks = _spread(len(every), _MOST_SLICES)
        return picks, min(_COLUMNS, len(picks))
    if len(axes) == 1:
        picks = _spread(len(every), _MOST * _MOST)
        return picks, _wide(len(picks))
    columns = set(_spread(len(axes[-1].values), _MOST))
    rows = list(dict.fromkeys(place[:-1] for place in every))
    kept = {rows[k] for k in _spread(len(rows), _MOST)}
    picks = [k for k, place in enumerate(every) if place[:-1] in kept and place[-1] in columns]
    return picks, len(columns)


def _wide(count: int) -> int:
    """Return in how many columns a row of panels wraps."""
    if count <= _COLUMNS:
        return count
    return {True: 2}.get(count == 4, _COLUMNS if count <= 9 else 4 if count <= 16 else _MOST)


def _spread(count: int, most: int) -> list[int]:
    """Return at most so many places, evenly spread."""
    picks: list[int] = np.unique(
        np.linspace(0, count - 1, min(most, count)).round().astype(int)
    ).tolist()
    return picks


def _colour_bar(several: list[Axes], shades: Shades, label: str) -> None:
    figure = several[0].figure
    assert figure is not None
    options: dict[str, Any] = {"pad": 0.01} if len(several) > 1 else {}
    where = several if len(several) > 1 else several[0]
    bar = figure.colorbar(shades.mappable, ax=where, extend=shades.extend, **options)
    bar.set_label(label)


def _same_limits(several: Sequence[Axes], kind: str) -> None:
    """Give panels one scale for the measure."""
    along = "x" if kind == "rows" else "y"
    ends = [axes.get_xlim() if along == "x" else axes.get_ylim() for axes in several]
    low, high = min(map(min, ends)), max(map(max, ends))
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    for axes in several:
        axes.set(**{f"{along}lim": (low, high)})

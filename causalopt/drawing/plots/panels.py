"""Plots as named panels: each draws into axes, a new figure's or a user's own.

A plot function lays out its panels and knows nothing of figures; `drawn` makes of it a function
that takes `ax`, `figsize`, `panels` and `theme`.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from matplotlib.axes import Axes

from causalopt.drawing.palette import Palette, palette
from causalopt.drawing.plots.plot_style import (
    PAGE,
    TITLE,
    palette_of_ground,
    repaint,
    settle,
    styled,
    wrapped,
)
from causalopt.drawing.plots.shown_figure import ShownFigure
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from matplotlib.gridspec import SubplotSpec

    from causalopt.results import Places

_LINE = 1.35 * TITLE / 72  # inches that a line of the title takes
_EDGE = 0.35  # inches above and below everything
_AROUND = 0.2  # inches that a panel's tick labels and legend take


@dataclasses.dataclass(frozen=True, eq=False)
class Panel:
    """One axes of a plot.

    Attributes:
        name: What the panel is called in `panels=`.
        draw: Draws it.
        height: Of its axes in inches, in a figure of the default size.
        column: Of the figure, from the left.
        under: What stands below the axis along x: once, where panels share it.
        shares: Whether panels of one column that say so have one axis along x.
        spans: Whether it is as wide as the figure, where no other panel stands beside it.
    """

    name: str
    draw: Callable[[Axes], None]
    height: float = 2.0
    column: int = 0
    under: str = ""
    shares: bool = False
    spans: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class PanelLayout:
    """A plot before it is drawn.

    Attributes:
        title: Lines above a figure of its own; each may be wrapped.
        panels: All there are, column by column, each from the top.
        shown: Names of those drawn when none are asked for; all when empty.
        widths: Of the columns, as ratios.
        width: Of the figure, in inches.
        finish: Draws what belongs to all panels together, such as a scale of colours.
    """

    title: Sequence[str]
    panels: Sequence[Panel]
    shown: Sequence[str] = ()
    widths: Sequence[float] = ()
    width: float = PAGE
    finish: Callable[[Sequence[Axes]], None] | None = None


class _Drawn(Protocol):
    layout: Callable[..., PanelLayout]

    def __call__(
        self,
        *results: Any,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: str | None = None,
        **options: Any,
    ) -> Any: ...


def drawn(lay_out: Callable[..., PanelLayout]) -> _Drawn:
    """Make a plot function of one that lays out panels.

    The plot function takes what that one takes, and `ax`, `figsize`, `panels` and `theme` as
    `causalopt.results.Plotted.plot` explains them; `.layout` is the one it was made of.
    """

    @functools.wraps(lay_out)
    def plot_it(
        *results: Any,
        ax: Places | None = None,
        figsize: tuple[float, float] | None = None,
        panels: str | Sequence[str] | None = None,
        theme: str | None = None,
        **options: Any,
    ) -> Any:
        given = None if ax is None else _axes_of(ax)
        figsize = _inches(figsize)
        chosen = _palette(theme, given)
        with styled(chosen):
            layout = lay_out(*results, **options)
            picked = chosen_panels(layout, panels)
            if given is None:
                return _new_figure(layout, picked, figsize)
            if figsize is not None:
                raise QuestionError(
                    "figsize is the size of a new figure, and ax belongs to a figure that is "
                    "there: leave one of them out"
                )
            _into(layout, picked, given, is_painted=theme is not None)
        return ax

    made = cast(_Drawn, plot_it)
    made.layout = lay_out
    return made


def _inches(figsize: Any) -> tuple[float, float] | None:
    """Return a figure's width and height.

    Raises:
        QuestionError: They are no two positive numbers.
    """
    if figsize is None:
        return None
    try:
        width, height = (float(side) for side in figsize)
    except (TypeError, ValueError):
        width = height = math.nan
    if isinstance(figsize, str) or not (0 < width < math.inf and 0 < height < math.inf):
        raise QuestionError(
            f"figsize takes a width and a height in inches such as (6, 4), found {figsize!r}"
        )
    return width, height


def _palette(theme: str | None, given: Sequence[Axes] | None) -> Palette:
    if theme is None and given:
        return palette_of_ground(given[0])
    return palette("light" if theme is None else theme)


def _axes_of(ax: Places) -> list[Axes]:
    """Return what was given as axes, in a list.

    Raises:
        QuestionError: Something else was given.
    """
    given: list[Any] = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, object)))
    for one in given:
        if not isinstance(one, Axes):
            raise QuestionError(
                f"ax takes matplotlib axes, or a sequence of them, found {type(one).__name__}: "
                "such as fig, ax = plt.subplots()"
            )
        if one.name != "rectilinear":
            raise QuestionError(
                f"ax takes axes with straight sides, found a {one.name} one: make it without "
                "projection="
            )
    if len({id(one) for one in given}) < len(given):
        raise QuestionError("ax names the same axes twice: each panel has axes of its own")
    return given


def chosen_panels(layout: PanelLayout, names: str | Sequence[str] | None) -> list[Panel]:
    """Return the panels that are asked for, in the order asked.

    Raises:
        QuestionError: There is none of a name, or no name.
    """
    by_name = {panel.name: panel for panel in layout.panels}
    if names is None:
        shown = layout.shown or list(by_name)
        return [by_name[name] for name in shown]
    asked = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else [names]
    wrong = [name for name in asked if name not in by_name]
    listed = ", ".join(map(repr, by_name))
    if wrong:
        raise QuestionError(f"no panel {wrong[0]!r}: this plot has {listed}")
    if not asked:
        raise QuestionError(f"panels names none: this plot has {listed}")
    return [by_name[name] for name in dict.fromkeys(asked)]


def _new_figure(
    layout: PanelLayout, panels: list[Panel], figsize: tuple[float, float] | None
) -> ShownFigure:
    """Draw panels into a figure of their own: columns beside each other, each from the top."""
    columns = sorted({panel.column for panel in panels})
    stacks = [[panel for panel in panels if panel.column == column] for column in columns]
    is_whole = len(columns) == len({panel.column for panel in layout.panels})
    widths = [layout.widths[c] for c in columns] if layout.widths else [1.0] * len(columns)
    width = figsize[0] if figsize else (layout.width if is_whole else min(layout.width, PAGE))
    lines = [line for text in layout.title for line in wrapped(text, 0.96 * width, TITLE)]
    tall = max(sum(panel.height + _AROUND for panel in stack) for stack in stacks)
    size = figsize or (width, tall + _LINE * len(lines) + _EDGE)
    figure = ShownFigure(figsize=size, layout="constrained")
    if lines:
        figure.suptitle("\n".join(lines), fontsize=TITLE, parse_math=False)
    places = _cells(figure, stacks, widths)
    drawn_axes: dict[str, Axes] = {}
    shared: dict[int, Axes] = {}
    for panel in panels:
        together = shared.get(panel.column) if panel.shares else None
        axes = figure.add_subplot(places[panel.name], sharex=together)
        drawn_axes[panel.name] = axes
        if panel.shares:
            shared.setdefault(panel.column, axes)
    for panel in panels:
        panel.draw(drawn_axes[panel.name])
    for stack in stacks:
        _label_below([(panel, drawn_axes[panel.name]) for panel in stack])
        aligned = [
            drawn_axes[p.name] for p in stack if drawn_axes[p.name].yaxis.label.get_rotation()
        ]
        figure.align_ylabels(aligned)
    if layout.finish is not None:
        layout.finish(list(drawn_axes.values()))
    for axes in figure.axes:
        settle(axes)
    return figure


def _cells(
    figure: ShownFigure, stacks: list[list[Panel]], widths: list[float]
) -> dict[str, SubplotSpec]:
    """Return where panels stand: in one grid where rows are as high in every column.

    In one grid a scale of colours can stand beside all of them.
    """
    most = max(stacks, key=len)
    heights = [panel.height for panel in most]
    if all(p.height == q.height for stack in stacks for p, q in zip(stack, most, strict=False)):
        grid = figure.add_gridspec(
            len(most), len(stacks), width_ratios=widths, height_ratios=heights
        )
        return {
            panel.name: grid[i, :] if panel.spans else grid[i, k]
            for k, stack in enumerate(stacks)
            for i, panel in enumerate(stack)
        }
    outer = figure.add_gridspec(1, len(stacks), width_ratios=widths)
    found: dict[str, SubplotSpec] = {}
    for k, stack in enumerate(stacks):
        ratios = [panel.height for panel in stack]
        rows = outer[0, k].subgridspec(len(stack), 1, height_ratios=ratios)
        found |= {panel.name: rows[i, 0] for i, panel in enumerate(stack)}
    return found


def _label_below(stack: list[tuple[Panel, Axes]]) -> None:
    """Write what is along x below the lowest of the panels that share it."""
    shared = [pair for pair in stack if pair[0].shares]
    for panel, axes in stack:
        is_last = not panel.shares or panel is shared[-1][0]
        if panel.shares:
            axes.tick_params(labelbottom=is_last)
        if is_last and panel.under:
            axes.set_xlabel(panel.under)


def _into(layout: PanelLayout, panels: list[Panel], given: list[Axes], *, is_painted: bool) -> None:
    """Draw panels into axes that a user made.

    Raises:
        QuestionError: There are more panels than axes, or fewer.
    """
    if len(panels) != len(given):
        names = ", ".join(repr(panel.name) for panel in panels)
        raise QuestionError(
            f"{len(panels)} panels ({names}) need {len(panels)} axes, ax has {len(given)}: choose "
            "as many by panels=[...], or give a sequence of axes, one for each"
        )
    figures = {id(axes.figure): axes.figure for axes in given}
    before = {id(axes) for figure in figures.values() if figure for axes in figure.axes}
    for panel, axes in zip(panels, given, strict=True):
        if is_painted:
            repaint(axes)
        panel.draw(axes)
        if panel.under:
            axes.set_xlabel(panel.under)
    if layout.finish is not None:
        layout.finish(given)
    made = [axes for figure in figures.values() if figure for axes in figure.axes]
    for axes in [*given, *(axes for axes in made if id(axes) not in before)]:
        settle(axes)

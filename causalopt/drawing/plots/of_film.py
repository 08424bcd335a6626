"""The plot of a film: Op along training with its interval over seeds, and how well networks do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.effects.student_interval import student_interval
from causalopt.results import plot
from causalopt.training.film import Film

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats


@plot.register(Film)
@drawn
def plot_film(film: Film) -> PanelLayout:
    """Return a figure of Op against updates, over performance or loss against updates.

    Thin lines are seeds; the bold one is their mean, the band Op's 95 % interval. What is infinite
    or undefined leaves a gap.

    Returns:
        The figure, not shown. Panels: `op`, `score`.

    Example:
        >>> import causalopt
        >>> film = causalopt.watch(causalopt.load("cart_pole"), seeds=2, updates=2, permutations=0)
        >>> [axes.get_ylabel() for axes in plot_film(film).axes]
        ['Op [nats]', 'upright']
    """
    settings = film.training.settings
    score = film.loss if film.performance is None else film.performance

    def draw_op(axes: Axes) -> None:
        _, low, high = student_interval(np.where(np.isfinite(film.op), film.op, np.nan))
        axes.fill_between(film.frames, low, high, color=colours().blue, alpha=0.15, linewidth=0)
        _curve(axes, film, film.op, "Op [nats]")
        axes.axhline(0, color=colours().faint, linewidth=0.8)

    def draw_score(axes: Axes) -> None:
        _curve(axes, film, score, settings.performance or settings.loss)

    panels = [
        Panel("op", draw_op, 2.2, under="updates", shares=True),
        Panel("score", draw_score, 1.2, under="updates", shares=True),
    ]
    return PanelLayout((film.op_name,), panels)


def _curve(axes: Axes, film: Film, values: Floats, name: str) -> None:
    plain_axes(axes)
    shown = np.where(np.isfinite(values), values, np.nan)
    axes.plot(film.frames, shown, color=colours().blue, linewidth=0.8, alpha=0.5)
    axes.plot(film.frames, shown.mean(axis=1), color=colours().ink, linewidth=2)
    axes.set_ylabel(name)

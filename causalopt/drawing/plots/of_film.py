"""The plot of a film: Op along training with its interval over seeds, and how well networks do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import BLUE, FAINT, INK
from causalopt.drawing.plots.panels import plain_axes
from causalopt.effects.student_interval import student_interval
from causalopt.results import plot
from causalopt.training.film import Film

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats


@plot.register(Film)
def plot_film(film: Film) -> Figure:
    """Return a figure of Op against updates, over performance or loss against updates.

    Thin lines are seeds; the bold one is their mean, the band Op's 95 % interval. What is infinite
    or undefined leaves a gap.

    Example:
        >>> import causalopt
        >>> film = causalopt.watch(causalopt.load("cart_pole"), seeds=2, updates=2, permutations=0)
        >>> [axes.get_ylabel() for axes in plot_film(film).axes]
        ['Op [nats]', 'upright']
    """
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    settings = film.training.settings
    score = film.loss if film.performance is None else film.performance
    _, low, high = student_interval(np.where(np.isfinite(film.op), film.op, np.nan))
    upper.fill_between(film.frames, low, high, color=BLUE, alpha=0.15, linewidth=0)
    _curve(upper, film, film.op, "Op [nats]")
    _curve(lower, film, score, settings.performance or settings.loss)
    upper.axhline(0, color=FAINT, linewidth=0.8)
    upper.set_title(film.op_name, fontsize=10)
    lower.set_xlabel("updates")
    return figure


def _curve(axes: Axes, film: Film, values: Floats, name: str) -> None:
    plain_axes(axes)
    shown = np.where(np.isfinite(values), values, np.nan)
    axes.plot(film.frames, shown, color=BLUE, linewidth=0.8, alpha=0.5)
    axes.plot(film.frames, shown.mean(axis=1), color=INK, linewidth=2)
    axes.set_ylabel(name)

"""Figures of a descent's losses: G, S^2 and their slopes, and Op over start and T."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import BLUE, FAINT, INK, RED
from causalopt.drawing.plots.panels import draw_op_map, uneven_norm
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from causalopt.descents.landscape import Landscape
    from causalopt.descents.maps.random_map import Array


def plot_landscape(landscape: Landscape, points: Array) -> Figure:
    """Return a figure of G and S^2 above, their derivatives below, over one parameter.

    Args:
        landscape: Gradients of a model with one parameter.
        points: Values of the parameter, axis (point,).

    Raises:
        QuestionError: The model has several parameters.

    Example:
        >>> from causalopt.descents.landscape import landscape
        >>> from causalopt.model.files import load
        >>> figure = plot_landscape(landscape(load("sgd_pit")), np.linspace(0, 3, 200))
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['G', 'S²', "G'", "(S²)'"]
    """
    if len(landscape.names) != 1:
        raise QuestionError(
            f"this plot is over one parameter; the model has {', '.join(landscape.names)}"
        )
    name = landscape.names[0]
    mean, spread = landscape.mean[0], landscape.covariance[0][0]
    terms = [mean, spread, landscape.slope(mean, name), landscape.slope(spread, name)]
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    rows = figure.subplots(2, 2, sharex=True)
    labels = ("G", "S²", "G'", "(S²)'")
    for axes, term, label, colour in zip(
        rows.ravel(), terms, labels, (BLUE, RED, BLUE, RED), strict=True
    ):
        axes.axhline(0, color=FAINT, linewidth=0.8)
        axes.plot(points, landscape.evaluate(term, points[np.newaxis]), color=colour)
        axes.set_ylabel(label)
    for axes in rows[1]:
        axes.set_xlabel(name)
    return figure


def plot_losses(points: Array, losses: dict[str, Array], *, name: str = "W") -> Figure:
    """Return a figure of losses over one parameter.

    Args:
        points: Values of the parameter, axis (point,).
        losses: Label -> values, axis (point,); the first is drawn boldest.
        name: The parameter's name.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    dashes = ("-", "--", ":", "-.")
    for place, (label, values) in enumerate(losses.items()):
        axes.plot(
            points,
            values,
            label=label,
            linestyle=dashes[place % 4],
            linewidth=2.2 if place == 0 else 1.3,
            color=(INK, BLUE, RED)[place % 3],
        )
    axes.set(xlabel=name, ylabel="loss")
    axes.legend(frameon=False)
    return figure


def plot_op_map(starts: Array, temperatures: Array, op: Array) -> Figure:
    """Return a map of Op over the start W_0 and the learning rate T, in nats.

    A learning rate that compresses perfectly does not set the scale for all others: it is
    logarithmic where Op is uneven, and an infinite Op has the colour of its end.

    Args:
        starts: First values, axis (start,).
        temperatures: Learning rates, axis (T,).
        op: axes (T, start).
    """
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.subplots()
    norm = uneven_norm(op, steep=8.0)
    ends = np.where(np.isinf(op), np.copysign(norm.vmax, op), op)
    infinite = ", ∞ at the ends" if np.isinf(op).any() else ""
    draw_op_map(axes, starts, temperatures, ends, norm=norm).set_label(f"Op [nats]{infinite}")
    axes.set_xlabel("W at t = 0")
    axes.set_ylabel("T")
    return figure

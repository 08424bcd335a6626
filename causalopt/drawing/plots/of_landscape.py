"""Figures of a descent's losses: G, S^2 and their slopes, and Op over start and T."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.op_maps import draw_op_map, uneven_norm
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.errors import QuestionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from causalopt.descents.landscape import Landscape
    from causalopt.descents.maps.random_map import Array


@drawn
def plot_landscape(landscape: Landscape, points: Array) -> PanelLayout:
    """Return a figure of G and S^2 above, their derivatives below, over one parameter.

    Args:
        landscape: Gradients of a model with one parameter.
        points: Values of the parameter, axis (point,).

    Returns:
        The figure, not shown. Panels: `G`, `S²`, `G'`, `(S²)'`.

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

    def curve(term: Any, label: str, *, is_mean: bool) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            plain_axes(axes)
            axes.axhline(0, color=colours().faint, linewidth=0.8)
            colour = colours().blue if is_mean else colours().red
            axes.plot(points, landscape.evaluate(term, points[np.newaxis]), color=colour)
            axes.set_ylabel(label)

        return draw

    panels = [
        Panel(
            label,
            curve(term, label, is_mean=place % 2 == 0),
            1.8,
            column=place % 2,
            under=name,
            shares=True,
        )
        for place, (term, label) in enumerate(zip(terms, ("G", "S²", "G'", "(S²)'"), strict=True))
    ]
    return PanelLayout((), panels)


@drawn
def plot_losses(points: Array, losses: dict[str, Array], *, name: str = "W") -> PanelLayout:
    """Return a figure of losses over one parameter.

    Args:
        points: Values of the parameter, axis (point,).
        losses: Label -> values, axis (point,); the first is drawn boldest.
        name: The parameter's name.

    Returns:
        The figure, not shown. Its panel: `losses`.
    """

    def draw(axes: Axes) -> None:
        plain_axes(axes)
        dashes, series = ("-", "--", ":", "-."), (colours().ink, *colours().series[:-1])
        for place, (label, values) in enumerate(losses.items()):
            axes.plot(
                points,
                values,
                label=label,
                linestyle=dashes[place % 4],
                linewidth=2.2 if place == 0 else 1.3,
                color=series[place % len(series)],
            )
        axes.set(xlabel=name, ylabel="loss")
        legend_above(axes)

    return PanelLayout((), [Panel("losses", draw, 3.0)])


@drawn
def plot_op_map(starts: Array, temperatures: Array, op: Array) -> PanelLayout:
    """Return a map of Op over the start W_0 and the learning rate T, in nats.

    A learning rate that compresses perfectly does not set the scale for all others: it is
    logarithmic where Op is uneven, and an infinite Op has the colour of its end.

    Args:
        starts: First values, axis (start,).
        temperatures: Learning rates, axis (T,).
        op: axes (T, start).

    Returns:
        The figure, not shown. Its panel: `op`.
    """

    def draw(axes: Axes) -> None:
        norm = uneven_norm(op, steep=8.0)
        ends = np.where(np.isinf(op), np.copysign(norm.vmax, op), op)
        infinite = ", ∞ at the ends" if np.isinf(op).any() else ""
        bar = draw_op_map(axes, starts, temperatures, ends, norm=norm)
        bar.set_label(f"Op [nats]{infinite}")
        axes.set(xlabel="W at t = 0", ylabel="T")

    return PanelLayout((), [Panel("op", draw, 3.6)])

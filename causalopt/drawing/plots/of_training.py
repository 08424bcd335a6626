"""The plot of a training: loss, performance and the gradient's norm over updates, seed by seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import FEW, WIDE, legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.results import plot
from causalopt.training.training import Training

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats


@plot.register(Training)
@drawn
def plot_training(found: Training) -> PanelLayout:
    """Return a figure of a training: thin lines are networks, the bold one is their mean.

    What is positive and spans a thousandfold has a logarithmic axis.

    Args:
        found: The training.

    Returns:
        The figure, not shown. Panels: `loss`, `performance` where one is declared, and `norm`, of
        the gradient before it is clipped.
    """
    settings = found.settings
    curves = [("loss", found.loss, f"loss: {settings.loss}", 1.9)]
    if found.performance is not None:
        curves.append(("performance", found.performance, settings.performance or "", 1.5))
    curves.append(("norm", found.norms, "gradient's norm", 1.3))
    panels = [
        Panel(name, _curves(values, label), height, under="updates", shares=True)
        for name, values, label, height in curves
    ]
    count = len(found.seeds)
    words = f"{count} network{'s' * (count != 1)}, {found.updates} updates"
    return PanelLayout((found.model.title or found.model.name, words), panels)


def _curves(values: Floats, label: str) -> Callable[[Axes], None]:
    """Return what draws each network's course and their mean, shape [update, network]."""

    def draw(axes: Axes) -> None:
        plain_axes(axes)
        shown = np.where(np.isfinite(values), values, np.nan)
        updates = np.arange(len(values))
        marker = "." if len(values) <= FEW else None
        lines = axes.plot(
            updates, shown, color=colours().blue, linewidth=0.8, alpha=0.6, marker=marker
        )
        if lines and shown.shape[1] > 1:
            lines[0].set_label("a network")
            mean = shown.mean(axis=1)
            axes.plot(updates, mean, color=colours().ink, linewidth=2, label="mean")
            legend_above(axes)
        sizes = shown[np.isfinite(shown)]
        if len(sizes) and sizes.min() > 0 and sizes.max() > WIDE * sizes.min():
            axes.set_yscale("log")
        axes.set_ylabel(label)

    return draw

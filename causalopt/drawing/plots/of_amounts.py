"""The plots of what a box of starting values holds: the amount of optimization, and Op's shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from causalopt.basins.op_share import OpShare
from causalopt.basins.optimization_amount import OptimizationAmount
from causalopt.basins.point_classes import CLASSES
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats

_LOOKS = {
    "above": ("compresses", ""),
    "below": ("pale", ""),
    "kink": ("kink", "||"),
    "unresolved": ("unresolved", "oo"),
    "diverged": ("diverged", ""),
    "undefined": ("no_influence", ".."),
}  # class -> a colour of the palette or of its statuses, and a hatch


@plot.register(OptimizationAmount)
@drawn
def plot_optimization_amount(found: OptimizationAmount) -> PanelLayout:
    """Return a figure of an amount: what it was estimated from, beside it and its error.

    Args:
        found: The amount.

    Returns:
        The figure, not shown. Panels: `estimates`, of each shifted lattice, or of the trapezoid
        rule with a quarter, half and all of its cells along each axis.
    """
    names = ", ".join(found.box.names)
    title = (
        found.model.title or found.model.name,
        f"the integral of 1 - Comp over {names}, {found.op_name} at step {found.at}: "
        f"{found.value:.6g} ± {found.error:.2g}",
    )
    return PanelLayout(title, [Panel("estimates", lambda axes: _draw_estimates(axes, found), 2.6)])


def _draw_estimates(axes: Axes, found: OptimizationAmount) -> None:
    plain_axes(axes)
    is_lattice, count = found.rule == "lattice", len(found.estimates)
    places = np.arange(1, count + 1)
    word = "a shifted lattice" if is_lattice else "a fineness"
    axes.plot(places, found.estimates, "o", color=colours().blue, label=word)
    label = "95 % interval" if is_lattice else "± what halving the cells changed"
    _draw_mean(axes, found.value, found.value - found.error, found.value + found.error, label)
    axes.set_ylabel("integral of 1 - Comp")
    if is_lattice:
        axes.set_xlabel("lattice")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.set_xticks(places, [f"1/{2 ** (count - 1 - k)}" if k < count - 1 else "1"
                                 for k in range(count)])  # fmt: skip
        axes.set_xlabel("cells along an axis, of the finest grid's")
    legend_above(axes)


def _draw_mean(axes: Axes, mean: float, low: float, high: float, label: str) -> None:
    ink = colours().ink
    axes.axhline(mean, color=ink, linewidth=1.2, label=f"{mean:.6g}")
    if np.isfinite([low, high]).all():
        axes.axhspan(low, high, color=ink, alpha=0.15, linewidth=0, label=label)


@plot.register(OpShare)
@drawn
def plot_op_share(found: OpShare) -> PanelLayout:
    """Return a figure of shares of a box: each class with its interval, and each replica's.

    Args:
        found: The shares.

    Returns:
        The figure, not shown. Panels: `shares`, and `replicas`: the share above the level in each.
    """
    title = (
        found.model.title or found.model.name,
        f"{found.op_name} > {found.level:g} at step {found.at}: shares of the box over "
        f"{', '.join(found.box.names)}",
    )
    height = 0.3 + 0.3 * len(found.shares)
    panels = [
        Panel("shares", lambda axes: _draw_shares(axes, found), height),
        Panel("replicas", lambda axes: _draw_replicas(axes, found), 1.8),
    ]
    return PanelLayout(title, panels)


def _draw_shares(axes: Axes, found: OpShare) -> None:
    plain_axes(axes)
    palette = colours()
    for place, (name, (mean, low, high)) in enumerate(found.shares.items()):
        look, hatch = _LOOKS[name]
        fill = palette.statuses.get(look) or getattr(palette, look)
        axes.barh(
            place, mean, 0.62, color=fill, hatch=hatch, edgecolor=palette.faint, linewidth=0.6
        )
        axes.plot([low, high], [place, place], "|-", color=palette.ink, linewidth=1.0)
    axes.set_yticks(range(len(found.shares)), list(found.shares))
    axes.set_ylim(len(found.shares) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the box, with its 95 % interval")


def _draw_replicas(axes: Axes, found: OpShare) -> None:
    plain_axes(axes)
    shares: Floats = found.counted[CLASSES.index("above")] / found.points
    word = "a shifted lattice" if found.design == "lattice" else "a replica"
    axes.plot(np.arange(1, len(shares) + 1), shares, "o", color=colours().blue, label=word)
    _draw_mean(axes, *found.shares["above"], "95 % interval")
    axes.set_ylabel("share above")
    axes.set_xlabel("replica")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_above(axes)

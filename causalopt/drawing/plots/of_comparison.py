"""The plots of comparisons: the table as coloured cells, and loop shares stacked over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from causalopt.comparison.comparison import NOT_DEFINED, Comparison
from causalopt.comparison.loop_shares import LoopShares, loop_text
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_below, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import PAGE, SMALL
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats

_MOST_LOOPS = 8
_NONE = 5e-13  # what the table shows as 0


@plot.register(Comparison)
@drawn
def plot_comparison(comparison: Comparison) -> PanelLayout:
    """Return the table as a figure: each measure's cells blue above 0, orange below, by rank.

    Ranks are within a measure, since no two have one scale. What is not defined is hatched.

    Returns:
        The figure, not shown. Its panel: `table`.

    Example:
        >>> from causalopt.comparison.comparing import compare_measures
        >>> figure = plot_comparison(compare_measures(["solver", "bystander"]))
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['solver', 'bystander']
    """
    rows, columns = comparison.value.shape
    panel = Panel("table", lambda axes: _draw_table(axes, comparison), 1.3 + 0.24 * rows)
    return PanelLayout((), [panel], width=min(PAGE, 2.4 + 0.7 * columns))


def _draw_table(axes: Axes, comparison: Comparison) -> None:
    rows, columns = comparison.value.shape
    palette = colours()
    for j, column in enumerate(comparison.columns):
        shades = _shades(comparison.value[:, j])
        for i, row in enumerate(comparison.rows):
            cell = row.cells[column.key]
            if cell.status == NOT_DEFINED:
                box = Rectangle(
                    (j, i), 1, 1, facecolor=palette.paper, edgecolor=palette.faint, hatch="////",
                    linewidth=0,
                )  # fmt: skip
            else:
                colour = palette.blue if shades[i] >= 0 else palette.red
                box = Rectangle((j, i), 1, 1, facecolor=colour, alpha=0.5 * abs(shades[i]), lw=0)
            axes.add_patch(box)
            if cell.status != NOT_DEFINED:
                axes.text(j + 0.5, i + 0.5, cell.text, ha="center", va="center", fontsize=SMALL)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    units = [f"{c.heading} [{c.unit}]" for c in comparison.columns]
    axes.set_xticks(np.arange(columns) + 0.5, units, rotation=40, ha="left", rotation_mode="anchor")
    axes.set_yticks(np.arange(rows) + 0.5, [row.model for row in comparison.rows])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(
        "blue above 0, orange below; stronger by rank within a measure; hatched: not defined"
    )


def _shades(values: Floats) -> Floats:
    """Return each value's sign times its rank among the different ones of its sign, up to 1."""
    shades = np.zeros(len(values))
    for sign in (1.0, -1.0):
        here = np.where(values * sign > _NONE)[0]
        different, rank = np.unique(values[here] * sign, return_inverse=True)
        shades[here] = sign * (1.0 + rank) / max(1, len(different))
    return shades


@plot.register(LoopShares)
@drawn
def plot_loop_shares(shares: LoopShares) -> PanelLayout:
    """Return the shares stacked over time, reinforcing loops above 0 and balancing ones below.

    The largest have a colour of their own, the others one between them.

    Returns:
        The figure, not shown. Its panel: `shares`.

    Example:
        >>> from causalopt import load
        >>> from causalopt.comparison.loop_shares import loop_shares
        >>> plot_loop_shares(loop_shares(load("lorenz"), steps=50)).axes[0].get_ylabel()
        "share of W's motion"
    """
    title = f"{shares.model.name}: reinforcing loops above 0, balancing below"
    return PanelLayout((title,), [Panel("shares", lambda axes: _draw_shares(axes, shares), 3.0)])


def _draw_shares(axes: Axes, shares: LoopShares) -> None:
    plain_axes(axes)
    known = np.nan_to_num(shares.shares)
    order = np.argsort(-np.abs(known).sum(axis=1), kind="stable")
    shown = [([i], loop_text(shares.loops[i])) for i in order[:_MOST_LOOPS]]
    if len(order) > _MOST_LOOPS:
        shown.append(([*order[_MOST_LOOPS:]], f"{len(order) - _MOST_LOOPS} more"))
    _stack(axes, shares.t, known, shown)
    axes.axhline(0, color=colours().ink, linewidth=0.8)
    axes.set(xlabel="step", ylabel="share of W's motion", ylim=(-1.02, 1.02))
    if shown:
        legend_below(axes)
    else:
        axes.text(0.5, 0.6, "no loop", transform=axes.transAxes, ha="center", color=colours().muted)


def _stack(axes: Axes, t: np.ndarray, known: Floats, shown: list[tuple[list[int], str]]) -> None:
    areas = colours().areas
    tops = {1.0: np.zeros(len(t)), -1.0: np.zeros(len(t))}
    for k, (members, label) in enumerate(shown):
        for sign, base in tops.items():
            part = np.where(known[members] * sign > 0, known[members], 0.0).sum(axis=0)
            if part.any() or sign > 0:
                axes.fill_between(
                    t,
                    base,
                    base + part,
                    facecolor=areas[k % len(areas)],
                    hatch="" if k < len(areas) else "//",
                    edgecolor=colours().paper,
                    linewidth=0.3,
                    label=label if sign > 0 else None,
                )
            tops[sign] = base + part

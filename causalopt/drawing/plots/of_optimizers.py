"""Plots of ranked sets: the groups, ranks against time, over draws, and for many n and m."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import TwoSlopeNorm, to_hex

from causalopt.drawing.palette import STATUS_HATCHES, colours
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import PAGE, SMALL, ink_on, op_map, shortened
from causalopt.optimizers.optimizer_matrix import OptimizerMatrix
from causalopt.optimizers.optimizers import Optimizers
from causalopt.optimizers.optimizers_over_draws import OptimizersOverDraws
from causalopt.optimizers.optimizers_over_time import OptimizersOverTime
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 24  # rows of a figure
_LINES = 7
_WIDE = 2.4  # inches of a label
_DASHES = ("-", "--", "-.", ":", "-", "--", "-.")


@plot.register(Optimizers)
@drawn
def plot_optimizers(found: Optimizers) -> PanelLayout:
    """Return a figure of the groups as bars, the strongest first; infinite ones end in an arrow.

    Returns:
        The figure, not shown. Its panel: `groups`.

    Example:
        >>> from causalopt import find_optimizers, load
        >>> plot_optimizers(find_optimizers(load("lorenz"), steps=50)).axes[0].get_xlabel()
        'Op [nats]'
    """
    height = 0.4 + 0.24 * max(len(found.groups[:_MOST]), 2)
    title = (
        f"Op(A; {found.nudge}, {found.target}) in {found.asked.model.name}",
        *str(found.search).split("\n"),
    )
    return PanelLayout(title, [Panel("groups", lambda axes: _draw_groups(axes, found), height)])


def _draw_groups(axes: Axes, found: Optimizers) -> None:
    groups = found.groups[:_MOST]
    plain_axes(axes)
    ops = np.array([group.op for group in groups])
    finite = ops[np.isfinite(ops)]
    edge = 1.25 * float(np.abs(finite).max(initial=0.0)) or 1.0
    for place, group in enumerate(groups):
        _bar(axes, place, group.op, group.status, edge)
    axes.axvline(0, color=colours().faint, linewidth=0.8)
    axes.set_yticks(range(len(groups)), [shortened(str(group), _WIDE) for group in groups])
    axes.set_ylim(len(groups) - 0.4, -0.6)
    left = -edge if np.isneginf(ops).any() else 1.1 * float(finite.min(initial=0.0))
    right = edge if np.isposinf(ops).any() else 1.25 * float(finite.max(initial=0.0)) - 0.08 * left
    room = 0.2 * (right - left) or 1.0  # what a text beside 0 takes
    axes.set_xlim(min(left, -0.02 * edge), max(right, room))
    rest = len(found.groups) - len(groups)
    more = f"\n{rest} more groups are not shown" if rest else ""
    axes.set_xlabel("Op [nats]" + more)


def _bar(axes: Axes, place: int, op: float, status: str, edge: float) -> None:
    if math.isnan(op):
        axes.text(0, place, f"  undefined: {status}", va="center", color=colours().muted)
        return
    length = op if math.isfinite(op) else math.copysign(0.9 * edge, op)
    colour = colours().compresses if op > 0 else colours().amplifies
    faded = status in {"unresolved", "kink"}
    axes.barh(
        place,
        length,
        0.62,
        color=colours().pale if faded else colour,
        edgecolor=colour,
        hatch=STATUS_HATCHES[status] if faded else "",
        linewidth=0.8,
    )
    if math.isinf(op):
        axes.plot(length, place, ">" if op > 0 else "<", color=colour, markersize=8, clip_on=False)
    note = "" if status == "ok" else f" {status}"
    text = f"{op:.4g}{note}" if math.isfinite(op) else f"{'+' if op > 0 else '-'}∞{note}"
    # A text stands to the right of bar and 0, so that it meets neither bar nor label.
    axes.text(max(length, 0.0), place, f" {text}", va="center")


@plot.register(OptimizersOverTime)
@drawn
def plot_over_time(found: OptimizersOverTime) -> PanelLayout:
    """Return a figure of Op against time for the sets that are the best somewhere, and when.

    Returns:
        The figure, not shown. Panels: `op`, `best`.

    Example:
        >>> from causalopt import find_optimizers, load
        >>> figure = plot_over_time(find_optimizers(load("lorenz"), steps=50).over_time())
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['Op [nats]', 'best']
    """
    places = _shown(found)
    title = f"which A is best, n = {found.nudge}, m = {found.target}, in {found.asked.model.name}"
    under = "t [steps]"
    panels = [
        Panel("op", lambda a: _draw_courses(a, found, places), 2.4, under=under, shares=True),
        Panel("best", lambda a: _ribbon(a, found, places), 0.5, under=under, shares=True),
    ]
    return PanelLayout((title,), panels)


def _draw_courses(axes: Axes, found: OptimizersOverTime, places: list[int]) -> None:
    plain_axes(axes)
    for k, place in enumerate(places):
        colour = colours().series[k]
        op = np.where(np.isfinite(found.op[:, place]), found.op[:, place], np.nan)
        style: dict[str, Any] = {"color": colour, "linestyle": _DASHES[k], "linewidth": 1.6}
        axes.plot(found.t, op, label=shortened(_text(found.sets[place]), 2 * _WIDE), **style)
        infinite = np.isneginf(found.op[:, place])
        if infinite.any():
            axes.plot(
                found.t[infinite],
                np.full(infinite.sum(), 0.02),
                "v",
                color=colour,
                markersize=3,
                transform=axes.get_xaxis_transform(),
            )
    axes.axhline(0, color=colours().faint, linewidth=0.8)
    axes.set_ylabel("Op [nats]")
    legend_above(axes)


def _shown(found: OptimizersOverTime) -> list[int]:
    """Return the sets that are drawn: those that are the best longest, then the first ones."""
    best = found.best[found.best >= 0]
    places, counts = np.unique(best, return_counts=True)
    ordered = places[np.argsort(-counts, kind="stable")].tolist()
    ordered += [k for k in range(len(found.sets)) if k not in ordered]
    return [int(k) for k in ordered[:_LINES]]


def _ribbon(axes: Axes, found: OptimizersOverTime, places: list[int]) -> None:
    stride = int(found.t[1] - found.t[0]) if len(found.t) > 1 else 1
    for reign in found.reigns:
        start, length = reign.first - stride / 2, reign.last - reign.first + stride
        if not reign.hold:
            axes.broken_barh([(start, length)], (0, 1), color=colours().pale, hatch="..")
            continue
        place = found.sets.index(reign.hold)
        colour = colours().series[places.index(place)] if place in places else colours().faint
        axes.broken_barh([(start, length)], (0, 1), color=colour)
        if length > 0.08 * (found.t[-1] - found.t[0] + stride):
            axes.text(
                start + length / 2,
                0.5,
                shortened(_text(reign.hold), 0.9),
                ha="center",
                va="center",
                color=ink_on(colour),
            )
    axes.set_yticks([])
    axes.set_ylabel("best")
    axes.spines[["top", "right", "left"]].set_visible(False)


@plot.register(OptimizersOverDraws)
@drawn
def plot_over_draws(found: OptimizersOverDraws) -> PanelLayout:
    """Return a figure of every draw's Op, with means and Student's intervals.

    Returns:
        The figure, not shown. Its panel: `op`.

    Example:
        >>> from causalopt import load, optimizers_over_draws
        >>> made = optimizers_over_draws(load("lorenz"), steps=50, spread={"a": 1.0}, draws=4)
        >>> plot_over_draws(made).axes[0].get_xlabel()
        'Op [nats]'
    """
    title = (
        f"Op(A; {found.nudge}, {found.target}) in {found.asked.model.name} over {found.draws} "
        "draws: each one, mean and 95 % interval"
    )
    height = 0.4 + 0.26 * max(min(len(found.sets), _MOST), 2)
    return PanelLayout((title,), [Panel("op", lambda axes: _draw_draws(axes, found), height)])


def _draw_draws(axes: Axes, found: OptimizersOverDraws) -> None:
    count = min(len(found.sets), _MOST)
    plain_axes(axes)
    for k in range(count):
        values = found.op[:, k]
        values = values[np.isfinite(values)]
        axes.plot(values, np.full(len(values), k), "|", color=colours().faint, markersize=8)
        if np.isfinite(found.mean[k]):
            error = [[found.mean[k] - found.low[k]], [found.high[k] - found.mean[k]]]
            axes.errorbar(found.mean[k], k, xerr=error, fmt="o", color=colours().blue, capsize=3)
        else:
            axes.text(0, k, "  not finite in every draw", va="center", color=colours().muted)
    axes.axvline(0, color=colours().faint, linewidth=0.8)
    labels = [
        f"{shortened(_text(hold), _WIDE)}  first in {first}/{found.draws}"
        for hold, first in zip(found.sets[:count], found.first[:count], strict=True)
    ]
    axes.set_yticks(range(count), labels)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_xlabel("Op [nats]")


@plot.register(OptimizerMatrix)
@drawn
def plot_matrix(found: OptimizerMatrix) -> PanelLayout:
    """Return a figure of the best set for each n and m, coloured by its Op.

    Returns:
        The figure, not shown. Its panel: `best`.

    Example:
        >>> from causalopt import load, optimizer_matrix
        >>> made = optimizer_matrix(load("lorenz"), sources=["b[0]"], targets=["b[40]", "c[40]"])
        >>> plot_matrix(made).axes[0].get_xlabel()
        'm'
    """
    height = 0.6 + 0.5 * len(found.sources)
    width = min(PAGE, 2.0 + 1.25 * len(found.targets))
    panel = Panel("best", lambda axes: _draw_matrix(axes, found), height)
    return PanelLayout((f"the best A in {found.model.name}",), [panel], width=width)


def _draw_matrix(axes: Axes, found: OptimizerMatrix) -> None:
    rows, columns = len(found.sources), len(found.targets)
    op, shades = found.op, op_map()
    finite = np.abs(op[np.isfinite(op)])
    top = float(finite.max(initial=0.0)) or 1.0
    shown = np.clip(np.where(np.isnan(op), 0.0, op), -top, top)
    norm = TwoSlopeNorm(0, -top, top)
    image = axes.imshow(shown, cmap=shades, norm=norm, aspect="auto")
    assert axes.figure is not None
    axes.figure.colorbar(image, ax=axes, label="Op of the best A [nats]")
    room = 0.9 * min(1.25, (PAGE - 2.0) / columns)
    for i in range(rows):
        for k in range(columns):
            text = found.best[i][k] or "-"
            if found.best[i][k]:
                note = "" if found.status[i][k] == "ok" else f"\n{found.status[i][k]}"
                text = f"{shortened(text, room, SMALL)}\n{op[i, k]:.3g}{note}"
            ink = ink_on(to_hex(shades(norm(shown[i, k]))))
            axes.text(k, i, text, ha="center", va="center", fontsize=SMALL, color=ink)
    axes.set_xticks(range(columns), [shortened(name, room) for name in found.targets])
    axes.set_yticks(range(rows), [shortened(name, 1.2) for name in found.sources])
    axes.set(xlabel="m", ylabel="n")


def _text(hold: tuple[str, ...]) -> str:
    return "{" + ", ".join(hold) + "}"

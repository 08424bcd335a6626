"""Plots of ranked sets: the groups, ranks against time, over draws, and for many n and m."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from causalopt.drawing.palette import (
    AMPLIFIES,
    BLUE,
    COMPRESSES,
    FAINT,
    GREEN,
    INK,
    OP_MAP,
    PALE,
    RED,
    STATUS_HATCHES,
)
from causalopt.drawing.plots.panels import plain_axes
from causalopt.optimizers.optimizer_matrix import OptimizerMatrix
from causalopt.optimizers.optimizers import Optimizers
from causalopt.optimizers.optimizers_over_draws import OptimizersOverDraws
from causalopt.optimizers.optimizers_over_time import OptimizersOverTime
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 24  # rows of a figure
_LINES = 7
_WIDE = 44  # letters of a label
_COLOURS = (BLUE, RED, GREEN, "#cc79a7", "#56b4e9", "#e69f00", INK)
_DASHES = ("-", "--", "-.", ":", "-", "--", "-.")


@plot.register(Optimizers)
def plot_optimizers(found: Optimizers) -> Figure:
    """Return a figure of the groups as bars, the strongest first; infinite ones end in an arrow.

    Example:
        >>> from causalopt import find_optimizers, load
        >>> plot_optimizers(find_optimizers(load("lorenz"), steps=50)).axes[0].get_xlabel()
        'Op [nats]'
    """
    groups = found.groups[:_MOST]
    figure = Figure(figsize=(7.2, 1.4 + 0.3 * max(len(groups), 2)), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    ops = np.array([group.op for group in groups])
    finite = ops[np.isfinite(ops)]
    edge = 1.25 * float(np.abs(finite).max(initial=0.0)) or 1.0
    for place, group in enumerate(groups):
        _bar(axes, place, group.op, group.status, edge)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set_yticks(range(len(groups)), [_short(str(group)) for group in groups], fontsize=8)
    axes.set_ylim(len(groups) - 0.4, -0.6)
    left = -edge if np.isneginf(ops).any() else 1.1 * float(finite.min(initial=0.0))
    right = edge if np.isposinf(ops).any() else 1.25 * float(finite.max(initial=0.0)) - 0.08 * left
    room = 0.2 * (right - left) or 1.0  # what a text beside 0 takes
    axes.set_xlim(min(left, -0.02 * edge), max(right, room))
    rest = len(found.groups) - len(groups)
    more = f"\n{rest} more groups are not shown" if rest else ""
    axes.set_xlabel("Op [nats]" + more)
    axes.set_title(
        f"Op(A; {found.nudge}, {found.target}) in {found.asked.model.name}\n{found.search}",
        fontsize=9,
        loc="left",
    )
    return figure


def _bar(axes: Axes, place: int, op: float, status: str, edge: float) -> None:
    if math.isnan(op):
        axes.text(0, place, f"  undefined: {status}", va="center", fontsize=8, color=FAINT)
        return
    length = op if math.isfinite(op) else math.copysign(0.9 * edge, op)
    colour = COMPRESSES if op > 0 else AMPLIFIES
    faded = status in {"unresolved", "kink"}
    axes.barh(
        place,
        length,
        0.62,
        color=PALE if faded else colour,
        edgecolor=colour,
        hatch=STATUS_HATCHES[status] if faded else "",
        linewidth=0.8,
    )
    if math.isinf(op):
        axes.plot(length, place, ">" if op > 0 else "<", color=colour, markersize=8, clip_on=False)
    note = "" if status == "ok" else f" {status}"
    text = f"{op:.4g}{note}" if math.isfinite(op) else f"{'+' if op > 0 else '-'}∞{note}"
    # A text stands to the right of bar and 0, so that it meets neither bar nor label.
    axes.text(max(length, 0.0), place, f" {text}", va="center", fontsize=8)


@plot.register(OptimizersOverTime)
def plot_over_time(found: OptimizersOverTime) -> Figure:
    """Return a figure of Op against time for the sets that are the best somewhere, and when.

    Example:
        >>> from causalopt import find_optimizers, load
        >>> figure = plot_over_time(find_optimizers(load("lorenz"), steps=50).over_time())
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['Op [nats]', 'best']
    """
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True, height_ratios=[4, 1])
    places = _shown(found)
    for k, place in enumerate(places):
        op = np.where(np.isfinite(found.op[:, place]), found.op[:, place], np.nan)
        style = {"color": _COLOURS[k], "linestyle": _DASHES[k], "linewidth": 1.6}
        upper.plot(found.t, op, label=_short(_text(found.sets[place])), **style)
        infinite = np.isneginf(found.op[:, place])
        if infinite.any():
            upper.plot(
                found.t[infinite],
                np.full(infinite.sum(), 0.02),
                "v",
                color=_COLOURS[k],
                markersize=3,
                transform=upper.get_xaxis_transform(),
            )
    plain_axes(upper)
    upper.axhline(0, color=FAINT, linewidth=0.8)
    upper.set_ylabel("Op [nats]")
    upper.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    upper.set_title(
        f"which A is best, n = {found.nudge}, m = {found.target}, in {found.asked.model.name}",
        fontsize=9,
        loc="left",
    )
    _ribbon(lower, found, places)
    return figure


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
            axes.broken_barh([(start, length)], (0, 1), color=PALE, hatch="..")
            continue
        place = found.sets.index(reign.hold)
        colour = _COLOURS[places.index(place)] if place in places else FAINT
        axes.broken_barh([(start, length)], (0, 1), color=colour)
        if length > 0.08 * (found.t[-1] - found.t[0] + stride):
            axes.text(
                start + length / 2,
                0.5,
                _short(_text(reign.hold), 16),
                ha="center",
                va="center",
                fontsize=8,
                color="white",
            )
    axes.set_yticks([])
    axes.set_ylabel("best")
    axes.set_xlabel("t [steps]")
    axes.spines[["top", "right", "left"]].set_visible(False)


@plot.register(OptimizersOverDraws)
def plot_over_draws(found: OptimizersOverDraws) -> Figure:
    """Return a figure of every draw's Op, with means and Student's intervals.

    Example:
        >>> from causalopt import load, optimizers_over_draws
        >>> made = optimizers_over_draws(load("lorenz"), steps=50, spread={"a": 1.0}, draws=4)
        >>> plot_over_draws(made).axes[0].get_xlabel()
        'Op [nats]'
    """
    count = min(len(found.sets), _MOST)
    figure = Figure(figsize=(7.2, 1.4 + 0.32 * max(count, 2)), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    for k in range(count):
        values = found.op[:, k]
        values = values[np.isfinite(values)]
        axes.plot(values, np.full(len(values), k), "|", color=FAINT, markersize=8)
        if np.isfinite(found.mean[k]):
            error = [[found.mean[k] - found.low[k]], [found.high[k] - found.mean[k]]]
            axes.errorbar(found.mean[k], k, xerr=error, fmt="o", color=BLUE, capsize=3)
        else:
            axes.text(0, k, "  not finite in every draw", fontsize=8, va="center", color=FAINT)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    labels = [
        f"{_short(_text(hold))}  first in {first}/{found.draws}"
        for hold, first in zip(found.sets[:count], found.first[:count], strict=True)
    ]
    axes.set_yticks(range(count), labels, fontsize=8)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_xlabel("Op [nats]")
    axes.set_title(
        f"Op(A; {found.nudge}, {found.target}) in {found.asked.model.name} over {found.draws} "
        "draws: each one, mean and 95 % interval",
        fontsize=9,
        loc="left",
    )
    return figure


@plot.register(OptimizerMatrix)
def plot_matrix(found: OptimizerMatrix) -> Figure:
    """Return a figure of the best set for each n and m, coloured by its Op.

    Example:
        >>> from causalopt import load, optimizer_matrix
        >>> made = optimizer_matrix(load("lorenz"), sources=["b[0]"], targets=["b[40]", "c[40]"])
        >>> plot_matrix(made).axes[0].get_xlabel()
        'm'
    """
    rows, columns = len(found.sources), len(found.targets)
    figure = Figure(figsize=(1.8 + 1.25 * columns, 1.3 + 0.55 * rows), layout="constrained")
    axes = figure.subplots()
    op = found.op
    finite = np.abs(op[np.isfinite(op)])
    top = float(finite.max(initial=0.0)) or 1.0
    shown = np.clip(np.where(np.isnan(op), 0.0, op), -top, top)
    image = axes.imshow(shown, cmap=OP_MAP, norm=TwoSlopeNorm(0, -top, top), aspect="auto")
    figure.colorbar(image, ax=axes, label="Op of the best A [nats]")
    for i in range(rows):
        for k in range(columns):
            text = found.best[i][k] or "-"
            if found.best[i][k]:
                note = "" if found.status[i][k] == "ok" else f"\n{found.status[i][k]}"
                text = f"{_short(text, 18)}\n{op[i, k]:.3g}{note}"
            dark = abs(shown[i, k]) > 0.6 * top
            axes.text(
                k, i, text, ha="center", va="center", fontsize=7, color="white" if dark else INK
            )
    axes.set_xticks(range(columns), found.targets, fontsize=8)
    axes.set_yticks(range(rows), found.sources, fontsize=8)
    axes.set(xlabel="m", ylabel="n")
    axes.set_title(f"the best A in {found.model.name}", fontsize=9, loc="left")
    return figure


def _text(hold: tuple[str, ...]) -> str:
    return "{" + ", ".join(hold) + "}"


def _short(text: str, most: int = _WIDE) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

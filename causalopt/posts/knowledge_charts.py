"""The pictures of the posts on knowledge: clouds, clusters, heat maps, bars with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import BLUE, FAINT, GREEN, INK, RED

if TYPE_CHECKING:
    from causalopt.knowledge.localization import Localization
    from causalopt.knowledge.seed_intervals import Interval

UPDATES, DIFFERENCES = "updating due to 1s and 7s, a/(a + b)", "difference 1 to 7, c/(c + d)"


def cloud_figure(found: Mapping[str, Localization]) -> Figure:
    """Return biases above and weights below, one column a network."""
    figure = Figure(figsize=(4.2 * len(found), 7), layout="constrained")
    grid = figure.subplots(2, len(found), squeeze=False)
    for column, (title, one) in zip(grid.T, found.items(), strict=True):
        column[0].plot(one.bias_updates, one.bias_differences, ".", color=BLUE, markersize=4)
        column[0].set_title(f"{title}: biases, R² = {one.biases**2:.2f}", fontsize=10)
        x, y = one.weight_updates.ravel(), one.weight_differences.ravel()
        column[1].plot(x, y, ",", color=INK, alpha=0.3, rasterized=True)
        column[1].set_title(f"{title}: weights, R² = {one.weights**2:.2f}", fontsize=10)
        for axes in column:
            axes.set(xlabel=UPDATES, ylabel=DIFFERENCES)
            axes.spines[["top", "right"]].set_visible(False)
    return figure


def cluster_figure(one: Localization) -> Figure:
    """Return the weights of pixels that are never lit, over those of the others, and the biases."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    lit, dark = ~one.never_lit, one.never_lit
    for where, colour, marker, name in (
        (lit, FAINT, ",", "weights of pixels that are lit"),
        (dark, RED, ".", "weights of pixels that never are"),
    ):
        x, y = one.weight_updates[:, where].ravel(), one.weight_differences[:, where].ravel()
        axes.plot(x, y, marker, color=colour, markersize=3, label=name, rasterized=True)
    axes.plot(
        one.bias_updates,
        one.bias_differences,
        "o",
        color=BLUE,
        markerfacecolor="none",
        label="biases",
    )
    axes.set(xlabel=UPDATES, ylabel=DIFFERENCES)
    axes.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def heat_figure(maps: Mapping[str, np.ndarray], shape: tuple[int, int]) -> Figure:
    """Return correlations a pixel as images, on one scale from -1 to 1."""
    figure = Figure(figsize=(4.2 * len(maps), 3.8), layout="constrained")
    grid = np.ravel(figure.subplots(1, len(maps), squeeze=False))
    for axes, (title, values) in zip(grid, maps.items(), strict=True):
        image = axes.imshow(values.reshape(shape), cmap="RdBu", vmin=-1, vmax=1)
        axes.set_title(title, fontsize=10)
        axes.set(xticks=[], yticks=[])
    figure.colorbar(image, ax=list(grid), label="R over hidden units", shrink=0.9)
    return figure


def bar_figure(
    groups: Sequence[str],
    bars: Mapping[str, Sequence[Interval]],
    y: str,
    *,
    level: float | None = None,
) -> Figure:
    """Return means with their intervals, side by side in groups.

    Args:
        groups: The groups' names.
        bars: Name in the legend -> an interval for each group.
        y: Name and unit of the vertical axis.
        level: A height to be compared with, drawn as a dotted line.
    """
    figure = Figure(figsize=(max(6.4, 1.05 * len(groups)), 3.6), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(bars)
    styles = ((INK, ""), (BLUE, "//"), (RED, ".."), (GREEN, "xx"))
    for place, (name, row) in enumerate(bars.items()):
        colour, hatch = styles[place % len(styles)]
        at = np.arange(len(groups)) + (place - (len(bars) - 1) / 2) * width
        means, halves = [one.mean for one in row], [one.half for one in row]
        axes.bar(at, means, width, facecolor="white", edgecolor=colour, hatch=hatch, label=name)
        axes.errorbar(at, means, halves, fmt="none", ecolor=colour, capsize=2, linewidth=1)
    if level is not None:
        axes.axhline(level, color=FAINT, linestyle=":", linewidth=1)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(range(len(groups)), groups, fontsize=8)
    axes.set_ylabel(y)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure

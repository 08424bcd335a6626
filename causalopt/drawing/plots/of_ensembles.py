"""The plots of ensembles over noise: medians in bands of quantiles, means, shares of statuses.

A band reaches from a quantile to its counterpart, such as 5 % to 95 %: nine in ten seeds lie in it
at that step. It is not an interval of the mean, which is drawn as thin dots beside the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from causalopt.drawing.palette import BLUE, FAINT, INK, RED, STATUS_COLOURS, STATUS_HATCHES
from causalopt.drawing.plots.panels import (
    FEW,
    WIDE,
    cell_edges,
    draw_op_map,
    largest_size,
    legend_above,
    plain_axes,
    spread_axis,
    time_label,
    uneven_norm,
)
from causalopt.effects.ensembles.rates_ensemble import RatesEnsemble
from causalopt.effects.ensembles.run_ensemble import RunEnsemble
from causalopt.effects.ensembles.seed_lists import seeds_text
from causalopt.effects.ensembles.seed_summary import SeedSummary
from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble
from causalopt.effects.measures import NAMES
from causalopt.errors import QuestionError
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats

_DARKEST, _PALEST = 0.4, 0.15  # of bands


@plot.register(RunEnsemble)
def plot_run_ensemble(found: RunEnsemble) -> Figure:
    """Return a figure of an ensemble of runs: m in W, Op and Comp as bands, statuses as shares.

    Args:
        found: The ensemble.

    Returns:
        The figure, not shown.

    Example:
        >>> from causalopt import load, run
        >>> shown = plot_run_ensemble(run(load("sgd_spread"), seeds=20, steps=9))
        >>> [axes.get_ylabel() for axes in shown.axes]
        ['W in W', 'Op [nats]', 'Comp', 'status']
    """
    figure = Figure(figsize=(7.2, 7.6), layout="constrained")
    rows = figure.subplots(4, 1, sharex=True, height_ratios=[2.4, 3, 2.4, 0.6])
    values, op, comp, status = rows
    for axes in rows:
        plain_axes(axes)
    draw_band(values, found.time, found.summary("value"), f"{found.target} in W", INK)
    draw_band(op, found.time, found.spread, "Op [nats]", BLUE, rest=0.0)
    draw_band(comp, found.time, found.summary("comp"), "Comp", BLUE, rest=1.0)
    if largest_size(found.summary("comp").quantiles) > WIDE:
        spread_axis(comp, 1.0)
    for axes in (values, op, comp):
        legend_above(axes, 5)
    draw_status_shares(status, found.time, found.codes)
    figure.align_ylabels(list(rows[:3]))
    size = "δ → 0" if found.delta is None else f"δ = {found.delta:g}"
    many = f"{len(found.seeds)} seeds ({seeds_text(found.seeds)})"
    name = found.model.title or found.model.name
    figure.suptitle(f"{name}\n{found.op_name}, {size}, {many}", fontsize=11)
    status.set_xlabel(time_label(found.model))
    return figure


@plot.register(SweepEnsemble)
def plot_sweep_ensemble(found: SweepEnsemble) -> Figure:
    """Return a figure of an ensemble of sweeps: bands over one axis, or two maps over two.

    Over two axes: the mean of Op, and its standard deviation over seeds.

    Args:
        found: The ensemble.

    Raises:
        QuestionError: The sweep has more than two axes.
    """
    many = f"{len(found.seeds)} seeds ({seeds_text(found.seeds)})"
    title = f"{found.model.title or found.model.name}\n{found.op_name} at step {found.at}, {many}"
    if len(found.axes) == 1:
        figure = _over_one_axis(found)
    elif len(found.axes) == 2:
        figure = _over_two_axes(found)
    else:
        raise QuestionError(
            f"a sweep over {len(found.axes)} axes has no picture: plot a slice of its dataset"
        )
    figure.suptitle(title, fontsize=11)
    return figure


def _over_one_axis(found: SweepEnsemble) -> Figure:
    ((name, x),) = found.axes.items()
    figure = Figure(figsize=(7.2, 5.8), layout="constrained")
    op, comp, status = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2.6, 0.5])
    for axes in (op, comp, status):
        plain_axes(axes)
    draw_band(op, x, found.spread, "Op [nats]", BLUE, rest=0.0)
    draw_band(comp, x, found.summary("comp"), "Comp", BLUE, rest=1.0)
    if largest_size(found.summary("comp").quantiles) > WIDE:
        spread_axis(comp, 1.0)
    for axes in (op, comp):
        legend_above(axes, 5)
    draw_status_shares(status, x, found.codes)
    status.set_xlabel(name)
    return figure


def _over_two_axes(found: SweepEnsemble) -> Figure:
    (first, y), (second, x) = found.axes.items()
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    spread = found.spread
    for axes, table, label in zip(
        panels,
        (spread.mean, spread.deviation),
        ("mean Op [nats]", "standard deviation of Op over seeds [nats]"),
        strict=True,
    ):
        shown = np.where(np.isfinite(table), table, np.nan)
        edges = cell_edges(x), cell_edges(y)
        if table is spread.mean:
            bar = draw_op_map(axes, *edges, shown, norm=uneven_norm(shown))
        else:  # a size, without a sign
            mesh = axes.pcolormesh(*edges, shown, cmap="Greys", vmin=0.0, rasterized=True)
            bar = figure.colorbar(mesh, ax=axes)
        bar.set_label(label, fontsize=9)
        axes.set_xlabel(second)
    panels[0].set_ylabel(first)
    return figure


@plot.register(RatesEnsemble)
def plot_rates_ensemble(found: RatesEnsemble) -> Figure:
    """Return a figure of rates over seeds: each seed's with its own error, and their mean.

    Args:
        found: The ensemble.
    """
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    places = np.arange(len(found.seeds))
    known = np.isfinite(found.op_rate)
    axes.errorbar(
        places[known],
        found.op_rate[known],
        yerr=np.nan_to_num(found.error[known]),
        fmt="o",
        color=BLUE,
        markersize=3,
        linewidth=0.8,
        label="one seed, ± 1 standard error of its run",
    )
    spread = found.spread
    if np.isfinite(spread.mean[0]):
        axes.axhline(spread.mean[0], color=INK, linewidth=1.2, label="mean")
        ends = spread.mean_low[0], spread.mean_high[0]
        if np.isfinite(ends).all():
            axes.axhspan(
                *ends, color=INK, alpha=0.15, label=f"{100 * found.level:g} % interval of the mean"
            )
    axes.set_ylabel(f"Op per unit of time [{found.unit}]")
    axes.set_xlabel(f"seed ({seeds_text(found.seeds)})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_above(axes)
    figure.suptitle(f"{found.model}: {len(found.seeds)} realisations of the noise", fontsize=11)
    return figure


def draw_band(
    axes: Axes,
    x: Floats,
    summary: SeedSummary,
    label: str,
    colour: str,
    *,
    rest: float | None = None,
) -> None:
    """Draw a measure over seeds: its median in bands of its quantiles, and its mean.

    Args:
        axes: Where to draw.
        x: Steps or points, shape [x].
        summary: What the measure is at each.
        label: Of the axis.
        colour: Of lines and bands.
        rest: A level to be marked by a dotted line.
    """
    pairs = _pairs(summary)
    shades = np.linspace(_PALEST, _DARKEST, max(len(pairs), 1))
    for (low, high), shade in zip(pairs, shades.tolist(), strict=False):
        bottom, top = (_drawn(summary.quantiles[k]) for k in (low, high))
        below, above = (100 * summary.probabilities[k] for k in (low, high))
        text = f"{below:g} to {above:g} %"
        axes.fill_between(x, bottom, top, color=colour, alpha=shade, linewidth=0, label=text)
    mark = "o" if len(x) <= FEW else None
    median = _drawn(summary.median)
    if np.isfinite(median).any():
        axes.plot(x, median, color=colour, linewidth=1.5, marker=mark, markersize=3, label="median")
    mean = _drawn(summary.mean)
    if np.isfinite(mean).any():
        axes.plot(x, mean, "--", color=RED, linewidth=1.0, label="mean")
        for end in (summary.mean_low, summary.mean_high):
            axes.plot(x, _drawn(end), ":", color=RED, linewidth=0.8)
    if rest is not None:
        axes.axhline(rest, color=FAINT, linewidth=0.8, linestyle=":")
    _mark_infinities(axes, x, summary)
    axes.set_ylabel(label)
    if not np.isfinite(summary.mean).any() and not np.isinf(summary.mean).any():
        axes.text(0.5, 0.7, "undefined throughout", ha="center", transform=axes.transAxes,
                  fontsize=9, color=FAINT)  # fmt: skip


def _pairs(summary: SeedSummary) -> list[tuple[int, int]]:
    """Return the places of quantiles with a counterpart as far from the other end, widest first."""
    places = {round(p, 9): k for k, p in enumerate(summary.probabilities)}
    return [
        (k, places[round(1 - p, 9)])
        for k, p in enumerate(summary.probabilities)
        if p < 0.5 and round(1 - p, 9) in places
    ]


def _drawn(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _mark_infinities(axes: Axes, x: Floats, summary: SeedSummary) -> None:
    """Mark at the edge where the mean is infinite: some seed is perfect, or only A is a path."""
    for sign, marker, height in ((np.inf, "^", 0.97), (-np.inf, "v", 0.03)):
        where = summary.mean == sign
        if where.any():
            axes.plot(
                x[where],
                np.full(int(where.sum()), height),
                marker,
                color=INK,
                markersize=4,
                transform=axes.get_xaxis_transform(),
                clip_on=False,
                markevery=max(1, int(where.sum()) // FEW),
                label="mean +∞" if sign > 0 else "mean -∞",
            )


def draw_status_shares(axes: Axes, x: Floats, codes: NDArray[Any]) -> None:
    """Draw which share of the seeds has which status, one above the other, hatched.

    Args:
        axes: Where to draw.
        x: Steps or points, shape [x].
        codes: Places in `causalopt.effects.measures.NAMES`, shape [seed, x].
    """
    edges = cell_edges(x)
    base = np.zeros(len(x))
    for k, name in enumerate(NAMES.tolist()):
        share = (codes == k).mean(axis=0)
        if not share.any():
            continue
        total = int((codes == k).sum())
        percent = 100 * total / codes.size
        text = f"{name} ({percent:.3g} %)"
        axes.stairs(
            base + share,
            edges,
            baseline=base,
            fill=True,
            facecolor=STATUS_COLOURS[name],
            edgecolor=FAINT,
            hatch=STATUS_HATCHES[name],
            linewidth=0.3 if len(x) <= FEW else 0.0,
            label=text,
        )
        base = base + share
    axes.set_ylabel("status", rotation=0, ha="right", va="center", fontsize=8)
    axes.set_yticks([0, 1])
    axes.grid(visible=False)
    axes.set_ylim(0, 1)
    axes.legend(fontsize=8, frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -1.2))

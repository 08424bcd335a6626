"""The plots of ensembles over noise: medians in bands of quantiles, means, shares of statuses.

A band reaches from a quantile to its counterpart, such as 5 % to 95 %: nine in ten seeds lie in it
at that step. It is not an interval of the mean, which is drawn as thin dots beside the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from causalopt.descents.noisy_op import NoisyOp
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.axis_scales import cell_edges, edges_on, take_scale
from causalopt.drawing.plots.op_maps import draw_op_map, uneven_norm
from causalopt.drawing.plots.panel_parts import (
    FEW,
    WIDE,
    largest_size,
    legend_above,
    legend_below,
    plain_axes,
    spread_axis,
    time_label,
)
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import size_map
from causalopt.drawing.plots.status_looks import met_words, status_fill, status_hatch
from causalopt.effects.ensembles.rates_ensemble import RatesEnsemble
from causalopt.effects.ensembles.run_ensemble import RunEnsemble
from causalopt.effects.ensembles.seed_lists import seeds_text
from causalopt.effects.ensembles.seed_summary import SeedSummary, summarise
from causalopt.effects.ensembles.sweep_ensemble import SweepEnsemble
from causalopt.effects.measures import NAMES
from causalopt.errors import QuestionError
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats

_DARKEST, _PALEST = 0.4, 0.15  # of bands


@plot.register(RunEnsemble)
@drawn
def plot_run_ensemble(found: RunEnsemble) -> PanelLayout:
    """Return a figure of an ensemble of runs: m in W, Op and Comp as bands, statuses as shares.

    Args:
        found: The ensemble.

    Returns:
        The figure, not shown. Panels: `w`, `op`, `comp`, `status`.

    Example:
        >>> from causalopt import load, run
        >>> shown = plot_run_ensemble(run(load("sgd_spread"), seeds=20, steps=9))
        >>> [axes.get_ylabel() for axes in shown.axes]
        ['W in W', 'Op [nats]', 'Comp', 'status']
    """
    size = "δ → 0" if found.delta is None else f"δ = {found.delta:g}"
    name = found.model.title or found.model.name
    w = found.summary("value"), f"{found.target} in W"
    panels = _courses(found, found.time, time_label(found.model), w)
    return PanelLayout((name, f"{found.op_name}, {size}, {_many(found.seeds)}"), panels)


@plot.register(SweepEnsemble)
@drawn
def plot_sweep_ensemble(found: SweepEnsemble) -> PanelLayout:
    """Return a figure of an ensemble of sweeps: bands over one axis, or two maps over two.

    Over two axes: the mean of Op, and its standard deviation over seeds.

    Args:
        found: The ensemble.

    Returns:
        The figure, not shown. Panels: over one axis `op`, `comp` and `status`; over two `mean` and
        `deviation`.

    Raises:
        QuestionError: The sweep has more than two axes.
    """
    title = (
        found.model.title or found.model.name,
        f"{found.op_name} at step {found.at}, {_many(found.seeds)}",
    )
    if len(found.axes) == 1:
        ((name, x),) = found.axes.items()
        return PanelLayout(title, _courses(found, x, name))
    if len(found.axes) > 2:
        raise QuestionError(
            f"a sweep over {len(found.axes)} axes has no picture: plot a slice of its dataset"
        )
    return PanelLayout(title, _maps(found))


@plot.register(RatesEnsemble)
@drawn
def plot_rates_ensemble(found: RatesEnsemble) -> PanelLayout:
    """Return a figure of rates over seeds: each seed's with its own error, and their mean.

    Args:
        found: The ensemble.

    Returns:
        The figure, not shown. Panels: `rates`.
    """
    title = (found.model, f"{len(found.seeds)} realisations of the noise")
    return PanelLayout(title, [Panel("rates", lambda axes: _draw_rates(axes, found), 3.0)])


@plot.register(NoisyOp)
@drawn
def plot_noisy_op(found: NoisyOp) -> PanelLayout:
    """Return a figure of Op of walkers that each draw their own datapoints, as bands over steps.

    Args:
        found: Op of each walker.

    Returns:
        The figure, not shown. Panels: `op`, and `states`: the walkers' coordinate.
    """
    count = found.op.shape[1]
    steps = np.arange(len(found.op), dtype=float)

    def band(values: Floats, label: str, colour: str, rest: float | None) -> Any:
        summary = summarise(values.T, ~np.isnan(values.T))

        def draw(axes: Axes) -> None:
            plain_axes(axes)
            draw_band(axes, steps, summary, label, getattr(colours(), colour), rest=rest)
            legend_above(axes)

        return draw

    drawers = [
        ("op", band(found.op, "Op [nats]", "blue", 0.0), 2.2),
        ("states", band(found.states, "m", "ink", None), 1.6),
    ]
    panels = [
        Panel(name, draw, high, under="t [steps]", shares=True) for name, draw, high in drawers
    ]
    words = f"{count} walker{'s' * (count != 1)}, each with datapoints of its own"
    return PanelLayout((f"Op of descent under noise, {words}",), panels)


def _many(seeds: Sequence[int]) -> str:
    return f"{len(seeds)} seeds ({seeds_text(tuple(seeds))})"


def _courses(
    found: RunEnsemble | SweepEnsemble,
    x: Floats,
    under: str,
    w: tuple[SeedSummary, str] | None = None,
) -> list[Panel]:
    """Return the panels over steps or over one axis."""

    def band(summary: SeedSummary, label: str, colour: str, rest: float | None) -> Any:
        def draw(axes: Axes) -> None:
            plain_axes(axes)
            draw_band(axes, x, summary, label, getattr(colours(), colour), rest=rest)
            if label == "Comp" and largest_size(summary.quantiles) > WIDE:
                spread_axis(axes, 1.0)
            legend_above(axes)
            take_scale(axes, x)

        return draw

    def strip(axes: Axes) -> None:
        plain_axes(axes)
        draw_status_shares(axes, x, found.codes)
        take_scale(axes, x)

    drawers = [] if w is None else [("w", band(*w, "ink", None), 1.6)]
    drawers += [
        ("op", band(found.spread, "Op [nats]", "blue", 0.0), 1.9),
        ("comp", band(found.summary("comp"), "Comp", "blue", 1.0), 1.6),
        ("status", strip, 0.4),
    ]
    return [Panel(name, draw, high, under=under, shares=True) for name, draw, high in drawers]


def _maps(found: SweepEnsemble) -> list[Panel]:
    (first, y), (second, x) = found.axes.items()
    edges = edges_on(x), edges_on(y)

    def draw(axes: Axes, table: Floats, label: str, *, signed: bool) -> None:
        shown = _drawn(table)
        if signed:
            bar = draw_op_map(axes, *edges, shown, norm=uneven_norm(shown))
        else:  # a size, without a sign
            mesh = axes.pcolormesh(*edges, shown, cmap=size_map(), vmin=0.0, rasterized=True)
            assert axes.figure is not None
            bar = axes.figure.colorbar(mesh, ax=axes)
        bar.set_label(label)
        take_scale(axes, x)
        take_scale(axes, y, along="y")
        axes.set(xlabel=second, ylabel=first)

    spread = found.spread
    deviation = "standard deviation of Op over seeds [nats]"
    return [
        Panel("mean", lambda axes: draw(axes, spread.mean, "mean Op [nats]", signed=True), 3.0),
        Panel(
            "deviation",
            lambda axes: draw(axes, spread.deviation, deviation, signed=False),
            3.0,
            column=1,
        ),
    ]


def _draw_rates(axes: Axes, found: RatesEnsemble) -> None:
    plain_axes(axes)
    places = np.arange(len(found.seeds))
    known = np.isfinite(found.op_rate)
    axes.errorbar(
        places[known],
        found.op_rate[known],
        yerr=np.nan_to_num(found.error[known]),
        fmt="o",
        color=colours().blue,
        markersize=3,
        linewidth=0.8,
        label="one seed, ± 1 standard error of its run",
    )
    spread, ink = found.spread, colours().ink
    if np.isfinite(spread.mean[0]):
        axes.axhline(spread.mean[0], color=ink, linewidth=1.2, label="mean")
        ends = spread.mean_low[0], spread.mean_high[0]
        if np.isfinite(ends).all():
            axes.axhspan(
                *ends, color=ink, alpha=0.15, label=f"{100 * found.level:g} % interval of the mean"
            )
    axes.set_ylabel(f"Op per unit of time [{found.unit}]")
    axes.set_xlabel(f"seed ({seeds_text(found.seeds)})")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_above(axes)


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
        axes.plot(x, mean, "--", color=colours().red, linewidth=1.0, label="mean")
        for end in (summary.mean_low, summary.mean_high):
            axes.plot(x, _drawn(end), ":", color=colours().red, linewidth=0.8)
    if rest is not None:
        axes.axhline(rest, color=colours().faint, linewidth=0.8, linestyle=":")
    _mark_infinities(axes, x, summary)
    axes.set_ylabel(label)
    if not np.isfinite(summary.mean).any() and not np.isinf(summary.mean).any():
        note = "undefined throughout"
        axes.text(0.5, 0.7, note, ha="center", transform=axes.transAxes, color=colours().muted)


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
                color=colours().ink,
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
    draw_word_shares(axes, cell_edges(x), NAMES.astype(object)[codes])


def draw_word_shares(axes: Axes, edges: Floats, status: NDArray[Any]) -> None:
    """Draw which share of the seeds has which status, one above the other, hatched.

    Args:
        axes: Where to draw.
        edges: Where the cells of steps or points begin and end, shape [x + 1].
        status: The words of the points, shape [seed, x].
    """
    base = np.zeros(status.shape[1])
    for name in met_words(status):
        share = (status == name).mean(axis=0)
        percent = 100 * np.count_nonzero(status == name) / status.size
        text = f"{name} ({percent:.3g} %)"
        axes.stairs(
            base + share,
            edges,
            baseline=base,
            fill=True,
            facecolor=status_fill(name),
            edgecolor=colours().faint,
            hatch=status_hatch(name),
            linewidth=0.3 if len(base) <= FEW else 0.0,
            label=text,
        )
        base = base + share
    axes.set_ylabel("status", rotation=0, ha="right", va="center")
    axes.set_yticks([0, 1])
    axes.grid(visible=False)
    axes.set_ylim(0, 1)
    legend_below(axes)

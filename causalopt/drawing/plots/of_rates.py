"""The plot of rates: Lyapunov exponents beside those of B driven by A, and Op per unit time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import BLUE, FAINT, GREEN, RED
from causalopt.drawing.plots.panels import plain_axes
from causalopt.effects.rates import Rates
from causalopt.worlds.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plot.register(Rates)
def plot_rates(rates: Rates) -> Figure:
    """Return a figure of the exponents, largest first, and of the gap that is Op per unit time.

    Args:
        rates: The rates; exponents of -inf, and those so far below the others that they would
            flatten them, are marked at the lower edge with their value.

    Example:
        >>> from causalopt import load
        >>> from causalopt.effects.rates import rates
        >>> plot_rates(rates(load("thermostat"), steps=200)).axes[0].get_ylabel()
        'exponent [nats per step]'
    """
    figure = Figure(figsize=(5.6, 4.0), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    bottom = _bottom(rates)
    held = f"B driven by {rates.hold}: conditional"
    for values, colour, marker, label, aside in (
        (rates.lyapunov, RED, "^", "whole system: Lyapunov", -0.07),
        (rates.conditional, GREEN, "s", held, 0.07),
    ):
        sizes = np.array(values, dtype=float)
        places = np.arange(1, len(sizes) + 1) + aside
        axes.plot(
            places,
            np.where(np.isfinite(sizes) & (sizes >= bottom), sizes, np.nan),
            marker,
            color=colour,
            markersize=8,
            label=label,
        )
        bottomless = sizes < bottom
        axes.plot(
            places[bottomless],
            np.full(bottomless.sum(), 0.03),
            "v",
            color=colour,
            markersize=8,
            transform=axes.get_xaxis_transform(),
        )
        for place, size in zip(places[bottomless], sizes[bottomless], strict=True):
            axes.annotate(
                "-∞" if np.isinf(size) else f"{size:.3g}",
                (place, 0.03),
                xycoords=axes.get_xaxis_transform(),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
            )
    _draw_gap(rates, axes)
    count = max(len(rates.lyapunov), len(rates.conditional), 1)
    axes.set_xlim(0.4, count + 0.6)
    axes.set_xticks(range(1, count + 1))
    axes.set(xlabel="exponent, largest first", ylabel=f"exponent [{rates.unit}]")
    axes.legend(fontsize=8, frameon=False)
    state = "" if rates.status == "ok" else f" ({rates.status})"
    figure.suptitle(
        f"{rates.model}: Op grows by {rates.op_rate:.4g} ± {rates.error:.1g} {rates.unit}" + state,
        fontsize=11,
    )
    return figure


def _bottom(rates: Rates) -> float:
    """Return the exponent below which one flattens the others: thirty times the typical size."""
    sizes = np.abs([*rates.lyapunov, *rates.conditional])
    sizes = np.sort(sizes[np.isfinite(sizes) & (sizes > 0)])
    return -30.0 * float(sizes[(len(sizes) - 1) // 2]) if len(sizes) else -np.inf


def _draw_gap(rates: Rates, axes: Axes) -> None:
    """Join the two largest exponents: their difference is Op per unit time."""
    if not np.isfinite(rates.op_rate) or not rates.lyapunov or not rates.conditional:
        return
    ends = (rates.lyapunov[0], rates.conditional[0])
    axes.plot((0.7, 0.7), ends, color=BLUE, linewidth=1.5, marker="_", markersize=9)
    axes.annotate(
        "Op",
        (0.7, sum(ends) / 2),
        xytext=(-5, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=BLUE,
    )

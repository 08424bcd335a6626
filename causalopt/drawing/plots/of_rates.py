"""The plot of rates: Lyapunov exponents beside those of B driven by A, and Op per unit time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import BLUE, FAINT, GREEN, RED
from causalopt.drawing.plots.panels import plain_axes
from causalopt.effects.exponents.rates import Rates, rounded, with_error
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plot.register(Rates)
def plot_rates(rates: Rates) -> Figure:
    """Return a figure of the exponents, largest first, and of the gap that is Op per unit time.

    Args:
        rates: The rates; exponents of -inf are left out, and a line says how many. Those so far
            below the others that they would flatten them are marked at the lower edge with their
            value.

    Example:
        >>> from causalopt import load
        >>> from causalopt.effects.exponents.rates import rates
        >>> plot_rates(rates(load("thermostat"), steps=200)).axes[0].get_ylabel()
        'exponent [nats per step]'
    """
    figure = Figure(figsize=(5.6, 4.0), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    series = [("Lyapunov", "whole system: Lyapunov", rates.lyapunov, rates.lyapunov_error)]
    if rates.hold:
        label = f"B driven by {rates.hold}: conditional"
        series.append(("conditional", label, rates.conditional, rates.conditional_error))
    left_out, count, bottom = [], 1, _bottom(rates)
    for (kind, label, values, errors), (colour, marker, aside) in zip(
        series, ((RED, "^", -0.07), (GREEN, "s", 0.07)), strict=False
    ):
        sizes = np.array(values, dtype=float)
        finite = np.isfinite(sizes)
        shown, places = finite & (sizes >= bottom), np.arange(1, len(sizes) + 1) + aside
        axes.errorbar(
            places[shown],
            sizes[shown],
            np.array(errors)[shown],
            fmt=marker,
            color=colour,
            markersize=8,
            label=label,
        )
        low = finite & (sizes < bottom)
        edge = axes.get_xaxis_transform()
        axes.plot(
            places[low], np.full(low.sum(), 0.03), "v", color=colour, markersize=8, transform=edge
        )
        for place, size in zip(places[low], sizes[low], strict=True):
            axes.annotate(
                f"{size:.3g}",
                (place, 0.03),
                xycoords=edge,
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
            )
        if np.isneginf(sizes).any():
            left_out.append(f"{np.isneginf(sizes).sum()} of {len(sizes)} {kind}")
        count = max(count, int(finite.sum()))
    _draw_gap(rates, axes)
    axes.set_xlim(0.4, count + 0.6)
    axes.set_xticks(range(1, count + 1))
    note = f"\nleft out, being -∞ (rank): {' and '.join(left_out)}" if left_out else ""
    axes.set(xlabel="exponent, largest first" + note, ylabel=f"exponent [{rates.unit}]")
    axes.legend(fontsize=8, frameon=False)
    figure.suptitle("\n".join(_title(rates)), fontsize=10)
    return figure


def _title(rates: Rates) -> list[str]:
    state = "" if rates.status == "ok" else f" ({rates.status})"
    if not rates.hold:
        return [f"{rates.model}: Lyapunov exponents{state}"]
    grows = with_error(rates.op_rate, rates.error).replace("+-", "±")
    lines = [f"{rates.model}: {rates.op_name} grows by {grows} {rates.unit}{state}"]
    if rates.differs:
        generic = with_error(rates.generic_rate, rates.generic_error).replace("+-", "±")
        lines.append(f"of a generic n and m: {generic}")
    return [*lines, *rates.silent[:2]]


def _bottom(rates: Rates) -> float:
    """Return the exponent below which one flattens the others: thirty times the typical size."""
    pairs = zip(
        rates.lyapunov + rates.conditional,
        rates.lyapunov_error + rates.conditional_error,
        strict=True,
    )
    sizes = np.abs([rounded(*pair) for pair in pairs])
    sizes = np.sort(sizes[np.isfinite(sizes) & (sizes > 0)])
    return -30.0 * float(sizes[(len(sizes) - 1) // 2]) if len(sizes) else -np.inf


def _draw_gap(rates: Rates, axes: Axes) -> None:
    """Join the two largest exponents where their difference is Op per unit time."""
    if rates.differs or not np.isfinite(rates.op_rate):
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

"""The plot of rates: spectra of exponents as bars, and the growth that Op per unit time is of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.effects.exponents.rates import Rates, rounded, with_error
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats

_FEW = 12  # so many exponents have their values beside bars that are cut off
_WIDTH = 0.38


@plot.register(Rates)
@drawn
def plot_rates(rates: Rates) -> PanelLayout:
    """Return a figure of the exponents, largest first, and of how m's tangent by n grows.

    Bars are the exponents of the whole system and, hatched, those of B driven by A, with their
    standard errors; one of -∞, and one so far below the others that it would flatten them, reaches
    to the lower edge and ends in a triangle. Below, the accumulated growth of log|total| and
    log|direct|, with the lines whose slopes' difference is Op per unit of time.

    Args:
        rates: The rates.

    Returns:
        The figure, not shown. Panels: `exponents`, `growth`.

    Example:
        >>> from causalopt import load
        >>> from causalopt.effects.exponents.rates import rates
        >>> plot_rates(rates(load("thermostat"), steps=200)).axes[0].get_ylabel()
        'exponent [nats per step]'
    """
    panels = [Panel("exponents", lambda axes: _draw_spectra(axes, rates), 2.2)]
    if rates.growth is not None:
        panels.append(Panel("growth", lambda axes: _draw_growth(axes, rates), 2.0))
    return PanelLayout(_title(rates), panels)


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


def _draw_spectra(axes: Axes, rates: Rates) -> None:
    plain_axes(axes)
    palette, floor = colours(), _floor(rates)
    name = "whole system: Lyapunov"
    _bars(axes, rates.lyapunov, rates.lyapunov_error, name, -_WIDTH / 2, floor)
    if rates.hold:
        name = f"B driven by {rates.hold}: conditional"
        _bars(axes, rates.conditional, rates.conditional_error, name, _WIDTH / 2, floor)
    _draw_gap(axes, rates)
    axes.axhline(0, color=palette.ink, linewidth=0.8)
    count = max(len(rates.lyapunov), len(rates.conditional))
    axes.set(xlim=(0.2, count + 0.6), ylabel=f"exponent [{rates.unit}]")
    axes.set_xlabel("exponent, largest first" + _note(rates))
    axes.set_ylim(floor, None)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend_above(axes)


def _bars(
    axes: Axes,
    values: tuple[float, ...],
    errors: tuple[float, ...],
    label: str,
    aside: float,
    floor: float,
) -> None:
    """Draw a spectrum; what lies below the floor is cut off there."""
    palette, is_first = colours(), aside < 0
    colour = palette.red if is_first else palette.green
    sizes = np.array(values, dtype=float)
    places = np.arange(1, len(sizes) + 1) + aside
    known = np.isfinite(sizes) & (sizes > floor)
    axes.bar(
        places[known],
        sizes[known],
        _WIDTH,
        color=colour,
        edgecolor=palette.paper,
        hatch="" if is_first else "///",
        linewidth=0.5,
        yerr=np.nan_to_num(np.array(errors, dtype=float)[known]),
        error_kw={"ecolor": palette.ink, "elinewidth": 1.0, "capsize": 2.0},
        label=label,
    )
    # A tip that is seen where the exponent is 0.
    axes.plot(places[known], sizes[known], "s", color=colour, mec=palette.ink, ms=3.5, mew=0.6)
    low = sizes <= floor
    axes.bar(
        places[low],
        np.full(low.sum(), floor),
        _WIDTH,
        color=colour,
        edgecolor=palette.paper,
        hatch="" if is_first else "///",
        alpha=0.55,
        linewidth=0.5,
    )
    edge = axes.get_xaxis_transform()
    axes.plot(places[low], np.full(low.sum(), 0.03), "v", color=palette.ink, transform=edge)
    for place, size in zip(places, sizes, strict=True):
        if len(sizes) > _FEW or (size > floor):
            continue
        text = "?" if math.isnan(size) else "-∞" if math.isinf(size) else f"{size:.3g}"
        axes.annotate(
            text, (place, 0.08), xycoords=edge, ha="center", va="bottom", color=palette.ink,
            bbox={"boxstyle": "round,pad=0.1", "fc": palette.paper, "ec": "none"},
        )  # fmt: skip


def _floor(rates: Rates) -> float:
    """Return where the axis ends below.

    That is a margin below the least exponent, of those down to thirty times the typical size: one
    below these would flatten the others.
    """
    values = np.array(rates.lyapunov + rates.conditional, dtype=float)
    errors = np.array(rates.lyapunov_error + rates.conditional_error, dtype=float)
    shown = np.array([rounded(*pair) for pair in zip(values, errors, strict=True)])
    sizes = np.sort(np.abs(shown[np.isfinite(shown) & (shown != 0)]))
    bottom = -30.0 * float(sizes[(len(sizes) - 1) // 2]) if len(sizes) else -1.0
    kept = values[np.isfinite(values) & (values >= bottom)]
    low, high = float(min(kept.min(initial=0.0), 0.0)), float(max(kept.max(initial=0.0), 0.0))
    cut = bool((values < bottom).any())
    return low - (0.25 if cut else 0.1) * ((high - low) or 1.0)


def _note(rates: Rates) -> str:
    parts = []
    for kind, values in (("Lyapunov", rates.lyapunov), ("conditional", rates.conditional)):
        dead = sum(value == -math.inf for value in values)
        if dead:
            parts.append(f"{dead} of {len(values)} {kind}")
    return f"\n-∞: {' and '.join(parts)}" if parts else ""


def _draw_gap(axes: Axes, rates: Rates) -> None:
    """Join the two largest exponents where their difference is Op per unit time."""
    if not rates.hold or rates.differs or not math.isfinite(rates.op_rate):
        return
    ends = (rates.lyapunov[0], rates.conditional[0])
    axes.plot((0.5, 0.5), ends, color=colours().blue, marker="_", markersize=9)
    axes.annotate(
        "Op",
        (0.5, sum(ends) / 2),
        xytext=(-5, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=colours().blue,
        bbox={"boxstyle": "round,pad=0.05", "fc": colours().paper, "ec": "none"},
    )


def _draw_growth(axes: Axes, rates: Rates) -> None:
    """Draw the accumulated growth in both worlds, with the fitted lines."""
    plain_axes(axes)
    found, palette = rates.growth, colours()
    assert found is not None
    names = ("log|total|", "log|direct|") if rates.nudge else ("a generic tangent in X", "in Y")
    styles = ((palette.red, "-"), (palette.green, "--"))
    per = rates.unit.removeprefix("nats ")
    for line, name, (colour, dash) in zip((found.total, found.direct), names, styles, strict=True):
        if line is None:
            continue
        shown = np.where(np.isfinite(line.logs), line.logs, np.nan)
        slope = with_error(line.slope, line.error).replace("+-", "±")
        label = (
            f"{name}: {slope} {per}" if math.isfinite(line.slope) else f"{name}: {_dead(line.logs)}"
        )
        axes.plot(found.time, shown, color=colour, linestyle=dash, linewidth=2.4, alpha=0.6)
        ends = found.time[[0, -1]]
        axes.plot(ends, line.start + line.slope * ends, color=colour, linestyle=dash, label=label)
    unit = "steps" if rates.unit.endswith("step") else "time"
    axes.set(xlabel=f"{unit} counted", ylabel="accumulated growth [nats]")
    legend_above(axes)


def _dead(logs: Floats) -> str:
    return "0 in the end" if np.isneginf(logs).any() else "not known"

"""Plots of a frequency response: over frequencies (Bode), and L in the plane (Nichols, Nyquist)."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MultipleLocator

from causalopt.drawing.palette import STATUS_HATCHES, colours
from causalopt.drawing.plots.panel_parts import (
    FEW,
    hatch_colour,
    legend_above,
    legend_below,
    plain_axes,
)
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import SMALL
from causalopt.errors import QuestionError
from causalopt.frequencies.frequency_gains import FREQUENCY_STATUSES, FrequencyGains
from causalopt.frequencies.frequency_response import FrequencyResponse, Kind
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes


KINDS = {
    "bode": ("op", "gain", "phase", "status"),
    "nichols": ("nichols",),
    "nyquist": ("nyquist",),
}
_LEVELS = (-12, -6, -3, 0, 3, 6, 12)  # of |Comp|, dB
_HATCHES = {**STATUS_HATCHES, "unstable": "--"}
_WIDE = 8.0  # how far a Nyquist picture reaches at most, of the critical point's distance


@plot.register(FrequencyResponse)
@drawn
def plot_frequency(found: FrequencyResponse, kind: Kind = "bode") -> PanelLayout:
    """Return a figure of a frequency response.

    Args:
        found: The response.
        kind: "bode": Op, |Comp| and |L|, the phase of L and the status over frequencies; "nichols":
            L's gain against its phase, over lines of equal |Comp|; "nyquist": L in the complex
            plane, with the circle that it keeps out of.

    Returns:
        The figure, not shown. Panels: `op`, `gain`, `phase` and `status` over frequencies,
        `nichols`, `nyquist`.

    Raises:
        QuestionError: There is no such kind.

    Example:
        >>> from causalopt import frequency, load
        >>> figure = plot_frequency(frequency(load("thermostat")))
        >>> figure.axes[0].get_ylabel()
        'Op [nats]'
    """
    if kind not in KINDS:
        raise QuestionError(f"kind must be one of {', '.join(KINDS)}, found '{kind}'")
    over = _without_zero(found)

    def along(draw: Callable[[Axes, FrequencyResponse], None]) -> Callable[[Axes], None]:
        return functools.partial(_over_frequencies, draw, over)

    under = f"frequency [{found.unit}]"
    panels = [
        Panel("op", along(_draw_op), 1.9, under=under, shares=True),
        Panel("gain", along(_draw_gains), 1.9, under=under, shares=True),
        Panel("phase", along(_draw_phase), 1.7, under=under, shares=True),
        Panel("status", along(_draw_strip), 0.3, under=under, shares=True),
        Panel("nichols", lambda axes: _nichols(axes, found), 4.4),
        Panel("nyquist", lambda axes: _nyquist(axes, found), 5.0),
    ]
    return PanelLayout(_title(found), panels, shown=KINDS[kind])


def _title(found: FrequencyResponse) -> tuple[str, ...]:
    stability = found.stability["total"]
    state = "" if stability == "stable" else f" (loop {stability})"
    lines = (found.model.title or found.model.name, f"{found.op_name}{state}")
    origin = found.worlds.step.origin
    return lines if origin.kind == "linear" else (*lines, str(origin))


def _without_zero(found: FrequencyResponse) -> FrequencyResponse:
    """Return a response without frequency 0, which a logarithmic axis has not."""
    seen = found.gains.omega > 0
    if seen.all() or not seen.any():
        return found
    parts = {f.name: getattr(found.gains, f.name)[seen] for f in dataclasses.fields(found.gains)}
    return dataclasses.replace(found, gains=FrequencyGains(**parts))


def _over_frequencies(
    draw: Callable[[Axes, FrequencyResponse], None], found: FrequencyResponse, axes: Axes
) -> None:
    """Draw along a logarithmic axis of frequencies."""
    plain_axes(axes)
    shown = found.frequency[found.frequency > 0]
    if len(shown):
        axes.set_xscale("log")
        ends = (shown[0], shown[-1]) if len(shown) > 1 else (shown[0] / 2, shown[0] * 2)
        axes.set_xlim(*ends)
    draw(axes, found)


def _draw_op(axes: Axes, found: FrequencyResponse) -> None:
    """Draw Op: what A removes above 0, what it adds below."""
    omega = found.frequency
    op = np.where(np.isfinite(found.op), found.op, np.nan)
    axes.axhline(0, color=colours().faint, linewidth=0.8)
    for where, colour, word in (
        (op > 0, colours().compresses, "removed"),
        (op < 0, colours().amplifies, "added"),
    ):
        if where.any():
            axes.fill_between(
                omega, op, 0, where=where, color=colour, alpha=0.25, linewidth=0, label=word
            )
    axes.plot(omega, op, color=colours().ink, marker=_marker(omega))
    margins = found.margins
    if margins is not None and 0 < margins.peak < math.inf:
        place, text = (
            (margins.peak_omega, -math.log(margins.peak)),
            f"peak M_s = {margins.peak:.4g}",
        )
        _mark(axes, found, [place], "v", text, colours().amplifies)
    axes.set_ylabel("Op [nats]")
    if axes.get_legend_handles_labels()[1]:
        legend_above(axes)


def _draw_gains(axes: Axes, found: FrequencyResponse) -> None:
    omega = found.frequency
    with np.errstate(all="ignore"):
        comp, loop = np.abs(found.comp), np.abs(found.loop)
    axes.axhline(1, color=colours().faint, linewidth=0.8)
    for values, colour, dash, label in (
        (comp, colours().blue, "-", "|Comp|"),
        (loop, colours().green, "--", "|L|"),
    ):
        seen = np.isfinite(values) & (values > 0)
        shown = np.where(seen, values, np.nan)
        axes.plot(omega, shown, dash, color=colour, label=label, marker=_marker(omega))
    margins = found.margins
    if margins is not None:
        _mark(axes, found, [(c.omega, 1.0) for c in margins.gain_crossovers], "o", "|L| = 1")
        places = [(c.omega, 1 / c.margin) for c in margins.phase_crossovers]
        _mark(axes, found, places, "D", "L negative")
    axes.set_yscale("log")
    axes.set_ylabel("gain")
    legend_above(axes)


def _draw_phase(axes: Axes, found: FrequencyResponse) -> None:
    phase = np.where(np.isfinite(found.loop), found.loop_phase, np.nan)
    axes.plot(found.frequency, phase, "--", color=colours().green, marker=_marker(phase))
    low, high = np.nanmin(phase, initial=0), np.nanmax(phase, initial=-180)
    for level in np.arange(-180, low - 1, -360):
        axes.axhline(level, color=colours().red, linewidth=0.8, linestyle=":")
    margins = found.margins
    if margins is not None:
        places = [
            (c.omega, float(found.phase_at(np.array([c.omega]))[0]))
            for c in margins.gain_crossovers
        ]
        _mark(axes, found, places, "o", None)
        places = [
            (c.omega, float(found.phase_at(np.array([c.omega]))[0]))
            for c in margins.phase_crossovers
        ]
        _mark(axes, found, places, "D", None)
    axes.yaxis.set_major_locator(MultipleLocator(90 if high - low < 720 else 360))
    axes.set_ylabel("phase of L [degrees]")


def _marker(values: np.ndarray) -> str | None:
    """Return a marker where there are so few points that each one gets its own."""
    return "." if len(values) <= FEW else None


def _mark(
    axes: Axes,
    found: FrequencyResponse,
    places: list[tuple[float, float]],
    marker: str,
    label: str | None,
    colour: str | None = None,
) -> None:
    """Mark places that lie among the frequencies, (radians per step, height) each."""
    x, y = np.array(places).reshape(-1, 2).T
    seen = (x >= found.gains.omega[0]) & (x <= found.gains.omega[-1]) & (x > 0)
    if seen.any():
        axes.plot(
            x[seen] / found.dt,
            y[seen],
            marker,
            color=colour or colours().red,
            markersize=5,
            label=label,
            clip_on=False,
        )


def _draw_strip(axes: Axes, found: FrequencyResponse) -> None:
    """Draw the status as hatched spans, cells ending halfway on the logarithmic scale."""
    omega, status, palette = found.frequency, found.status, colours()
    fills = {**palette.statuses, "unstable": palette.pale}
    inner = np.sqrt(np.maximum(omega[1:] * omega[:-1], 0))
    edges = np.concatenate([omega[:1], inner, omega[-1:]])
    if len(omega) == 1:
        edges = np.array(axes.get_xlim())
    for name in FREQUENCY_STATUSES:
        places = np.flatnonzero(status == name)
        if not len(places):
            continue
        starts = places[np.concatenate([[True], np.diff(places) > 1])]
        stops = places[np.concatenate([np.diff(places) > 1, [True]])]
        spans = [(edges[a], edges[b + 1] - edges[a]) for a, b in zip(starts, stops, strict=True)]
        axes.broken_barh(
            spans,
            (0, 1),
            facecolor=fills[name],
            edgecolor=hatch_colour(fills[name]),
            hatch=_HATCHES[name],
            linewidth=0.4,
            label=f"{name} ({len(places)})",
        )
    axes.set(yticks=[], ylim=(0, 1))
    axes.grid(visible=False)
    axes.set_ylabel("status", rotation=0, ha="right", va="center")
    legend_below(axes)


def _nichols(axes: Axes, found: FrequencyResponse) -> None:
    plain_axes(axes)
    loop = found.loop
    with np.errstate(all="ignore"):
        gain = 20 * np.log10(np.abs(loop))
    phase = np.where(np.isfinite(gain), found.loop_phase, np.nan)
    shown = np.isfinite(gain) & (gain > -60) & (gain < 60)
    low = float(np.nanmin(phase[shown], initial=-200)) - 20
    high = float(np.nanmax(phase[shown], initial=-60)) + 20
    bottom = float(np.min(gain[shown], initial=-20)) - 5
    top = float(np.max(gain[shown], initial=20)) + 5
    x, y = np.meshgrid(np.linspace(low, high, 361), np.linspace(bottom, top, 241))
    size = -20 * np.log10(np.abs(1 + 10 ** (y / 20) * np.exp(1j * np.radians(x))))
    lines = axes.contour(x, y, size, levels=_LEVELS, colors=colours().faint, linewidths=0.7)
    axes.clabel(lines, fmt=lambda v: f"{v:+g} dB" if v else "0 dB", fontsize=SMALL)
    axes.plot(
        np.where(shown, phase, np.nan),
        np.where(shown, gain, np.nan),
        color=colours().green,
        label="L",
        marker=_marker(gain),
    )
    for level in np.arange(-180, low, -360):
        axes.plot(
            [level],
            [0],
            "+",
            color=colours().red,
            markersize=11,
            label="-1" if level == -180 else None,
        )
    axes.xaxis.set_major_locator(MultipleLocator(90 if high - low < 900 else 360))
    axes.set(
        xlim=(low, high),
        ylim=(bottom, top),
        xlabel="phase of L [degrees]",
        ylabel="|L| [dB], over lines of equal |Comp|",
    )
    legend_above(axes)


def _nyquist(axes: Axes, found: FrequencyResponse) -> None:
    plain_axes(axes)
    loop = np.where(np.isfinite(found.loop), found.loop, np.nan)
    near = np.abs(loop) < _WIDE
    # One point beyond the edge on each side, so that the line leaves the picture.
    near |= np.concatenate([near[1:], [False]]) | np.concatenate([[False], near[:-1]])
    seen = np.where(near, loop, np.nan)
    reach = float(np.clip(1.15 * np.nanmax(np.abs(seen), initial=0), 1.6, 3.0))
    angles = np.linspace(0, 2 * math.pi, 361)
    axes.plot(
        np.cos(angles), np.sin(angles), ":", color=colours().faint, linewidth=1, label="|L| = 1"
    )
    margins = found.margins
    if margins is not None and 0 < margins.peak < math.inf:
        radius = 1 / margins.peak
        axes.fill(
            radius * np.cos(angles) - 1,
            radius * np.sin(angles),
            color=colours().amplifies,
            alpha=0.15,
            linewidth=0,
            label=f"1/M_s = {radius:.3g} round -1",
        )
    axes.plot(seen.real, seen.imag, color=colours().green, label="L", marker=_marker(loop))
    axes.plot(
        seen.real,
        -seen.imag,
        "--",
        color=colours().green,
        linewidth=0.8,
        label="negative frequencies",
    )
    axes.plot([-1], [0], "+", color=colours().red, markersize=11)
    axes.set(
        xlim=(-reach, reach),
        ylim=(-reach, reach),
        xlabel="real part of L",
        ylabel="imaginary part of L",
        aspect="equal",
    )
    legend_above(axes)

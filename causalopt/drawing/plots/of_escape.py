"""Escape drawn: probability against T, steps against T, and laws over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.descents.escape.curves import EscapeCurve
from causalopt.descents.escape.evolution import Evolution
from causalopt.descents.escape.steps_to_escape import EscapeTimes, LogLine
from causalopt.drawing.palette import BLUE, FAINT, GREEN, INK, RED
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from causalopt.descents.escape.answer import Answer
    from causalopt.descents.maps.random_map import Array

COLOURS = (BLUE, RED, GREEN, INK)
DASHES = ("-", "--", ":", "-.")
MOST_PEAKS = 5  # a law of more is drawn as a distribution function
ARROWS = 27  # along each axis


def plot_escape_curves(
    temperatures: Array, answers: Mapping[str, Sequence[Answer]], *, logarithmic: bool = False
) -> Figure:
    """Return escape probability against T, one curve a member and number of steps.

    Args:
        temperatures: T, axis (T,).
        answers: Member's label -> its answer at each T.
        logarithmic: Whether probabilities are drawn on a logarithmic axis.
    """
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    for place, (label, found) in enumerate(answers.items()):
        within = found[0].within
        chance = np.array([answer.probability for answer in found])
        error = np.array([answer.error for answer in found])
        for number, steps in enumerate(within):
            axes.errorbar(
                temperatures,
                chance[:, number],
                error[:, number],
                color=COLOURS[number % 4],
                linestyle=DASHES[place % 4],
                linewidth=1.4,
                capsize=2,
                label=f"{label}, {steps:,} steps",
            )
    if logarithmic:
        axes.set_yscale("log")
    axes.set(xlabel="T", ylabel="probability of escape")
    axes.legend(frameon=False, fontsize=8)
    return figure


@plot.register
def plot_escape_curve(curve: EscapeCurve) -> Figure:
    """Return the answers to one question against a parameter."""
    figure = plot_escape_curves(curve.values, {curve.answers[0].method: curve.answers})
    figure.axes[0].set_xlabel(curve.axis)
    return figure


@plot.register(EscapeTimes)
def plot_steps_to_escape(times: EscapeTimes, line: LogLine | None = None) -> Figure:
    """Return mean steps to escape against T, with the fitted line and the quasi-potential.

    The theory's curve `exp(V / T)` has no prefactor: it is shifted to meet the first point.

    Args:
        times: Means and barriers.
        line: A fit against T, drawn when given.
    """
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(
        times.temperatures,
        times.mean,
        times.error,
        color=INK,
        marker="o",
        linestyle="none",
        capsize=2,
        label="mean steps (operator)",
    )
    theory = np.exp(times.barrier - times.barrier[0]) * times.mean[0]
    label = "exp(V/T) of the quasi-potential, shifted to meet the first point"
    axes.plot(times.temperatures, theory, color=RED, linestyle="--", label=label)
    if line is not None:
        fitted = np.exp(line.intercept + line.slope * times.temperatures)
        axes.plot(
            times.temperatures,
            fitted,
            color=BLUE,
            label=f"log-linear fit, R² = {line.r_squared:.3f}",
        )
    axes.set(yscale="log", xlabel="T", ylabel="steps to escape")
    axes.legend(frameon=False)
    return figure


def plot_moments(evolutions: Mapping[str, Evolution]) -> Figure:
    """Return mean and standard deviation over time, one curve a member.

    Args:
        evolutions: Member's label -> its law over time.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    rows = figure.subplots(1, 2)
    for place, (label, found) in enumerate(evolutions.items()):
        style = {"color": COLOURS[place % 4], "linestyle": DASHES[place % 4], "label": label}
        rows[0].plot(found.times, found.mean, **style)
        rows[1].plot(found.times, found.deviation, **style)
    for axes, name in zip(rows, ("mean of W", "standard deviation of W"), strict=True):
        axes.set(xlabel="step", ylabel=name)
        axes.legend(frameon=False, fontsize=8)
    return figure


@plot.register
def plot_evolution(evolution: Evolution) -> Figure:
    """Return a figure of the law at each time, or of its moments where there are no nodes."""
    if len(evolution.nodes):
        return plot_densities(evolution, below=is_comb(evolution))
    return plot_moments({"ensemble": evolution})


def is_comb(evolution: Evolution) -> bool:
    """Whether a law has more peaks than a density can show: a map with few draws makes combs."""
    for mass in evolution.mass:
        density = mass / np.gradient(evolution.nodes)
        inner, low = density[1:-1], 0.1 * density.max()
        peaks = (inner > density[:-2] + low) & (inner > density[2:] + low)
        if np.count_nonzero(peaks) > MOST_PEAKS:
            return True
    return False


def plot_densities(evolution: Evolution, *, below: bool = False) -> Figure:
    """Return the law of W at each time as stacked densities, early ones pale.

    Args:
        evolution: A law over time on nodes.
        below: Whether to draw distribution functions, P(below W), instead.
    """
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    widths = np.gradient(evolution.nodes)
    count = len(evolution.times)
    for place, (time, mass) in enumerate(zip(evolution.times, evolution.mass, strict=True)):
        shade = min(0.2 + 0.8 * (place + 1) / count, 1.0)
        heights = np.cumsum(mass) if below else mass / widths
        axes.plot(evolution.nodes, heights, color=BLUE, alpha=shade, label=f"step {time:g}")
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.set(xlabel="W", ylabel="P(below W)" if below else "probability density")
    axes.legend(frameon=False, fontsize=8)
    return figure


def plot_current(
    axes_of: tuple[Array, Array], density: Array, current: Array, *, names: Sequence[str] = "uv"
) -> Figure:
    """Return the end state in the plane with its probability current as arrows.

    Args:
        axes_of: Nodes along both parameters.
        density: axes (first, second).
        current: J, axes (coordinate, first, second).
        names: The parameters' names.
    """
    figure = Figure(figsize=(6, 5.2), layout="constrained")
    axes = figure.subplots()
    mesh = axes.pcolormesh(*axes_of, density.T, cmap="Blues", shading="nearest")
    figure.colorbar(mesh, ax=axes, label="density")
    thin = max(len(axes_of[0]) // ARROWS, 1)
    first, second = (axis[::thin] for axis in axes_of)
    shown = current[:, ::thin, ::thin]
    sizes = np.hypot(*shown)
    longest = float(sizes.max()) or 1.0
    shown = np.where(sizes > 0.02 * longest, shown, np.nan)
    # The longest arrow spans two of the spots, so that none hides its neighbours' direction.
    room = 2 * min(first[1] - first[0], second[1] - second[0])
    scale = {"angles": "xy", "scale_units": "xy", "scale": longest / room}
    axes.quiver(first, second, shown[0].T, shown[1].T, color=RED, pivot="mid", width=0.003, **scale)
    axes.set_title(f"the longest arrow is {longest:.2g} per step and unit of length", fontsize=9)
    axes.set(xlabel=names[0], ylabel=names[1])
    return figure

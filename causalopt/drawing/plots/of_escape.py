"""Escape drawn: probability against T, steps against T, and laws over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.descents.escape.curves import EscapeCurve
from causalopt.descents.escape.evolution import Evolution
from causalopt.descents.escape.steps_to_escape import EscapeTimes, LogLine
from causalopt.drawing.palette import colours
from causalopt.drawing.plots.axis_scales import take_scale
from causalopt.drawing.plots.panel_parts import legend_above, legend_below, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import size_map
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

    from causalopt.descents.escape.answer import Answer
    from causalopt.descents.maps.random_map import Array

DASHES = ("-", "--", ":", "-.")
MOST_PEAKS = 5  # a law of more is drawn as a distribution function
ARROWS = 27  # along each axis


@drawn
def plot_escape_curves(
    temperatures: Array,
    answers: Mapping[str, Sequence[Answer]],
    *,
    logarithmic: bool = False,
    axis: str = "T",
) -> PanelLayout:
    """Return escape probability against T, one curve a member and number of steps.

    Args:
        temperatures: T, axis (T,).
        answers: Member's label -> its answer at each T.
        logarithmic: Whether probabilities are drawn on a logarithmic axis.
        axis: What T is called.

    Returns:
        The figure, not shown. Its panel: `probability`.
    """

    def draw(axes: Axes) -> None:
        plain_axes(axes)
        _draw_curves(axes, temperatures, answers)
        if logarithmic:
            axes.set_yscale("log")
        axes.set(xlabel=axis, ylabel="probability of escape")
        take_scale(axes, temperatures)
        legend_above(axes)

    return PanelLayout((), [Panel("probability", draw, 3.0)])


def _draw_curves(axes: Axes, temperatures: Array, answers: Mapping[str, Sequence[Answer]]) -> None:
    series = colours().series
    for place, (label, found) in enumerate(answers.items()):
        chance = np.array([answer.probability for answer in found])
        error = np.array([answer.error for answer in found])
        for number, steps in enumerate(found[0].within):
            axes.errorbar(
                temperatures,
                chance[:, number],
                error[:, number],
                color=series[number % len(series)],
                linestyle=DASHES[place % 4],
                capsize=2,
                label=f"{label}, {steps:,} steps",
            )


@plot.register(EscapeCurve)
@drawn
def plot_escape_curve(curve: EscapeCurve) -> PanelLayout:
    """Return the answers to one question against a parameter; panel `probability`."""
    answers = {curve.answers[0].method: curve.answers}
    return plot_escape_curves.layout(curve.values, answers, axis=curve.axis)


@drawn
def plot_steps_to_escape(times: EscapeTimes, line: LogLine | None = None) -> PanelLayout:
    """Return mean steps to escape against T, with the fitted line and the quasi-potential.

    The theory's curve `exp(V / T)` has no prefactor: it is shifted to meet the first point.

    Args:
        times: Means and barriers.
        line: A fit against T, drawn when given.

    Returns:
        The figure, not shown. Its panel: `steps`.
    """
    return PanelLayout((), [Panel("steps", lambda axes: _draw_steps(axes, times, line), 3.0)])


plot.register(EscapeTimes)(plot_steps_to_escape)


def _draw_steps(axes: Axes, times: EscapeTimes, line: LogLine | None) -> None:
    plain_axes(axes)
    palette = colours()
    axes.errorbar(
        times.temperatures,
        times.mean,
        times.error,
        color=palette.ink,
        marker="o",
        linestyle="none",
        capsize=2,
        label="mean steps (operator)",
    )
    theory = np.exp(times.barrier - times.barrier[0]) * times.mean[0]
    label = "exp(V/T) of the quasi-potential, shifted to meet the first point"
    axes.plot(times.temperatures, theory, color=palette.red, linestyle="--", label=label)
    if line is not None:
        fitted = np.exp(line.intercept + line.slope * times.temperatures)
        label = f"log-linear fit, R² = {line.r_squared:.3f}"
        axes.plot(times.temperatures, fitted, color=palette.blue, label=label)
    axes.set(yscale="log", xlabel="T", ylabel="steps to escape")
    legend_below(axes)


@drawn
def plot_moments(evolutions: Mapping[str, Evolution]) -> PanelLayout:
    """Return mean and standard deviation over time, one curve a member.

    Args:
        evolutions: Member's label -> its law over time.

    Returns:
        The figure, not shown. Panels: `mean`, `deviation`.
    """

    def curves(name: str, of: Callable[[Evolution], Array]) -> Callable[[Axes], None]:
        def draw(axes: Axes) -> None:
            plain_axes(axes)
            for place, (label, found) in enumerate(evolutions.items()):
                colour = colours().series[place % len(colours().series)]
                style: dict[str, Any] = {
                    "color": colour,
                    "linestyle": DASHES[place % 4],
                    "label": label,
                }
                axes.plot(found.times, of(found), **style)
            axes.set(xlabel="step", ylabel=name)
            legend_below(axes)

        return draw

    panels = [
        Panel("mean", curves("mean of W", lambda found: found.mean), 2.2),
        Panel(
            "deviation",
            curves("standard deviation of W", lambda found: found.deviation),
            2.2,
            column=1,
        ),
    ]
    return PanelLayout((), panels)


@drawn
def plot_evolution(evolution: Evolution) -> PanelLayout:
    """Return a figure of the law at each time, or of its moments where there are no nodes.

    Returns:
        The figure, not shown. Its panel: `law`; without nodes `mean`, `deviation`.
    """
    if len(evolution.nodes):
        return plot_densities.layout(evolution, below=is_comb(evolution))
    return plot_moments.layout({"ensemble": evolution})


plot.register(Evolution)(plot_evolution)


def is_comb(evolution: Evolution) -> bool:
    """Whether a law has more peaks than a density can show: a map with few draws makes combs."""
    for mass in evolution.mass:
        density = mass / np.gradient(evolution.nodes)
        inner, low = density[1:-1], 0.1 * density.max()
        peaks = (inner > density[:-2] + low) & (inner > density[2:] + low)
        if np.count_nonzero(peaks) > MOST_PEAKS:
            return True
    return False


@drawn
def plot_densities(evolution: Evolution, *, below: bool = False) -> PanelLayout:
    """Return the law of W at each time as stacked densities, early ones pale.

    Args:
        evolution: A law over time on nodes.
        below: Whether to draw distribution functions, P(below W), instead.

    Returns:
        The figure, not shown. Its panel: `law`.
    """
    draw = Panel("law", lambda axes: _draw_densities(axes, evolution, below=below), 3.0)
    return PanelLayout((), [draw])


def _draw_densities(axes: Axes, evolution: Evolution, *, below: bool) -> None:
    plain_axes(axes)
    widths = np.gradient(evolution.nodes)
    count = len(evolution.times)
    for place, (time, mass) in enumerate(zip(evolution.times, evolution.mass, strict=True)):
        shade = min(0.45 + 0.55 * (place + 1) / count, 1.0)
        heights = np.cumsum(mass) if below else mass / widths
        label = f"step {time:g}"
        axes.plot(evolution.nodes, heights, color=colours().blue, alpha=shade, label=label)
    axes.axhline(0, color=colours().faint, linewidth=0.8)
    axes.set(xlabel="W", ylabel="P(below W)" if below else "probability density")
    legend_below(axes)


@drawn
def plot_current(
    axes_of: tuple[Array, Array], density: Array, current: Array, *, names: Sequence[str] = "uv"
) -> PanelLayout:
    """Return the end state in the plane with its probability current as arrows.

    Args:
        axes_of: Nodes along both parameters.
        density: axes (first, second).
        current: J, axes (coordinate, first, second).
        names: The parameters' names.

    Returns:
        The figure, not shown. Its panel: `current`.
    """

    def draw(axes: Axes) -> None:
        mesh = axes.pcolormesh(*axes_of, density.T, cmap=size_map(), shading="nearest")
        assert axes.figure is not None
        axes.figure.colorbar(mesh, ax=axes, label="density")
        _draw_arrows(axes, axes_of, current)
        axes.set(xlabel=names[0], ylabel=names[1])

    return PanelLayout((), [Panel("current", draw, 4.2)], width=6.0)


def _draw_arrows(axes: Axes, axes_of: tuple[Array, Array], current: Array) -> None:
    thin = max(len(axes_of[0]) // ARROWS, 1)
    first, second = (axis[::thin] for axis in axes_of)
    shown = current[:, ::thin, ::thin]
    sizes = np.hypot(*shown)
    longest = float(sizes.max()) or 1.0
    shown = np.where(sizes > 0.02 * longest, shown, np.nan)
    # The longest arrow spans two of the spots, so that none hides its neighbours' direction.
    room = 2 * min(first[1] - first[0], second[1] - second[0])
    scale = {"angles": "xy", "scale_units": "xy", "scale": longest / room}
    axes.quiver(
        first,
        second,
        shown[0].T,
        shown[1].T,
        color=colours().red,
        pivot="mid",
        width=0.003,
        **scale,
    )
    axes.set_title(f"the longest arrow is {longest:.2g} per step and unit of length")

"""The plots of a verdict, and of how often verdicts are wrong: Op beside the level it needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import shortened
from causalopt.optimizers.false_positives import FalsePositives
from causalopt.optimizers.verdict import Verdict
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 12
_EDGE = 25.0  # nats beyond which a bar is cut off, its number beside it
_WIDE = 2.4  # inches of a label


@plot.register(Verdict)
@drawn
def plot_verdict(verdict: Verdict) -> PanelLayout:
    """Return a figure of the sets that come nearest, with the Op that each needs.

    Args:
        verdict: The verdict; sets without an Op are left out.

    Returns:
        The figure, not shown. Its panel: `sets`.
    """
    count = sum(not math.isnan(score.op) for score in verdict.scores)
    title = (
        verdict.model.title or verdict.model.name,
        f"n = {verdict.node_name}, m = {verdict.target}: {verdict.answer}",
    )
    height = 0.4 + 0.24 * max(1, min(count, _MOST))
    return PanelLayout(title, [Panel("sets", lambda axes: _draw_sets(axes, verdict), height)])


def _draw_sets(axes: Axes, verdict: Verdict) -> None:
    scores = [score for score in verdict.scores if not math.isnan(score.op)]
    scores.sort(key=lambda score: -(score.op - score.level))
    scores = scores[:_MOST]
    plain_axes(axes)
    labels = [
        shortened("{" + ", ".join(score.hold) + "}", _WIDE)
        + f"  {score.passed}/{score.informative}"
        for score in scores
    ]
    places = np.arange(len(scores))
    for place, score in enumerate(scores):
        passes = score.hold in verdict.sets and verdict.found
        _bar(axes, place, score.op, colours().green if passes else colours().blue)
    levels = [s.level for s in scores]
    axes.plot(levels, places, "|", color=colours().red, markersize=14, markeredgewidth=2)
    axes.axvline(0, color=colours().faint, linewidth=0.8)
    axes.set_yticks(places, labels)
    axes.set_ylim(len(scores) - 0.4, -0.6)
    axes.set_xlabel("Op [nats], median over starting points; red: the level it needs")
    axes.set_title("set, and at how many starting points it passes", loc="left")


@plot.register(FalsePositives)
@drawn
def plot_false_positives(found: FalsePositives) -> PanelLayout:
    """Return a figure of Op less the level it needed, of every known system.

    Args:
        found: The table; what is right of 0 in nearly all starting points is called an optimizer.

    Returns:
        The figure, not shown. Its panel: `systems`.
    """
    height = 0.4 + 0.2 * len(found.cases)
    return PanelLayout((), [Panel("systems", lambda axes: _draw_systems(axes, found), height)])


def _draw_systems(axes: Axes, found: FalsePositives) -> None:
    plain_axes(axes)
    cases, palette = found.cases, colours()
    for place, case in enumerate(cases):
        margin = case.verdict.op - case.verdict.level
        if math.isnan(margin):
            axes.plot(0, place, "x", color=palette.faint, markersize=6)
        else:
            _bar(axes, place, margin, palette.green if case.has_optimizer else palette.blue)
        if case.outcome != "right":
            axes.annotate(
                case.outcome, (1.0, place), xycoords=axes.get_yaxis_transform(),
                color=palette.ink, ha="right", va="center",
            )  # fmt: skip
    axes.axvline(0, color=palette.ink, linewidth=1.0)
    axes.set_xlim(-_EDGE - 6, _EDGE + 12)
    axes.set_yticks(np.arange(len(cases)), [shortened(case.name, _WIDE) for case in cases])
    axes.set_ylim(len(cases) - 0.4, -0.6)
    for label, colour in (("has an optimizer", palette.green), ("has none", palette.blue)):
        axes.barh([np.nan], [np.nan], color=colour, label=label)
    axes.plot([], [], "x", color=palette.faint, label="no candidate set", linestyle="none")
    axes.set_xlabel("Op less the level it needs [nats], of the set that comes nearest")
    legend_above(axes)


def _bar(axes: Axes, place: float, value: float, colour: str) -> None:
    """Draw a bar, cut off at the edge with its value told."""
    shown = min(max(value, -_EDGE), _EDGE)
    axes.barh(place, shown, color=colour, alpha=0.75, height=0.6)
    if shown != value:
        text = "∞" if value == math.inf else "−∞" if value == -math.inf else f"{value:.3g}"
        axes.annotate(
            text, (shown, place), xytext=(3 if value > 0 else -3, 0), textcoords="offset points",
            va="center", ha="left" if value > 0 else "right",
        )  # fmt: skip

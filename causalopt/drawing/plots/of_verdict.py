"""The plots of a verdict, and of how often verdicts are wrong: Op beside the level it needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import BLUE, FAINT, GREEN, INK, RED
from causalopt.drawing.plots.panels import plain_axes
from causalopt.optimizers.false_positives import FalsePositives
from causalopt.optimizers.verdict import Verdict
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 12
_EDGE = 25.0  # nats beyond which a bar is cut off, its number beside it


@plot.register(Verdict)
def plot_verdict(verdict: Verdict) -> Figure:
    """Return a figure of the sets that come nearest, with the Op that each needs.

    Args:
        verdict: The verdict; sets without an Op are left out.
    """
    scores = [score for score in verdict.scores if not math.isnan(score.op)]
    scores.sort(key=lambda score: -(score.op - score.level))
    scores = scores[:_MOST]
    figure = Figure(figsize=(7.2, 1.9 + 0.28 * len(scores)), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    labels = [
        f"{{{', '.join(score.hold)}}}  {score.passed}/{score.informative}" for score in scores
    ]
    places = np.arange(len(scores))
    for place, score in enumerate(scores):
        _bar(axes, place, score.op, GREEN if score.hold in verdict.sets and verdict.found else BLUE)
    axes.plot([s.level for s in scores], places, "|", color=RED, markersize=14, markeredgewidth=2)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set_yticks(places, labels, fontsize=8)
    axes.set_ylim(len(scores) - 0.4, -0.6)
    axes.set_xlabel("Op [nats], median over starting points; red: the level it needs")
    axes.set_title("set, and at how many starting points it passes", fontsize=9, loc="left")
    title = verdict.model.title or verdict.model.name
    figure.suptitle(
        f"{title}\nn = {verdict.node_name}, m = {verdict.target}: {verdict.answer}", fontsize=10
    )
    return figure


@plot.register(FalsePositives)
def plot_false_positives(found: FalsePositives) -> Figure:
    """Return a figure of Op less the level it needed, of every known system.

    Args:
        found: The table; what is right of 0 in nearly all starting points is called an optimizer.
    """
    cases = found.cases
    figure = Figure(figsize=(7.2, 1.4 + 0.27 * len(cases)), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    for place, case in enumerate(cases):
        margin = case.verdict.op - case.verdict.level
        colour = GREEN if case.has_optimizer else BLUE
        if math.isnan(margin):
            axes.plot(0, place, "x", color=FAINT, markersize=6)
        else:
            _bar(axes, place, margin, colour)
        if case.outcome != "right":
            axes.annotate(
                case.outcome, (1.0, place), xycoords=axes.get_yaxis_transform(), color=RED,
                fontsize=8, ha="right", va="center",
            )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=1.0)
    axes.set_xlim(-_EDGE - 6, _EDGE + 12)
    axes.set_yticks(np.arange(len(cases)), [case.name for case in cases], fontsize=8)
    axes.set_ylim(len(cases) - 0.4, -0.6)
    for label, colour in (("has an optimizer", GREEN), ("has none", BLUE)):
        axes.barh([np.nan], [np.nan], color=colour, label=label)
    axes.plot([], [], "x", color=FAINT, label="no candidate set", linestyle="none")
    axes.set_xlabel("Op less the level it needs [nats], of the set that comes nearest")
    figure.legend(fontsize=8, frameon=False, loc="outside upper center", ncols=3)
    return figure


def _bar(axes: Axes, place: float, value: float, colour: str) -> None:
    """Draw a bar, cut off at the edge with its value told."""
    shown = min(max(value, -_EDGE), _EDGE)
    axes.barh(place, shown, color=colour, alpha=0.75, height=0.6)
    if shown != value:
        text = "∞" if value == math.inf else "−∞" if value == -math.inf else f"{value:.3g}"
        axes.annotate(
            text, (shown, place), xytext=(3 if value > 0 else -3, 0), textcoords="offset points",
            fontsize=8, va="center", ha="left" if value > 0 else "right",
        )  # fmt: skip

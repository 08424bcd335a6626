"""The plots of a division: the regularised path, and how often which variables belong to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.model.selectors import Node
from causalopt.optimizers.binomial_interval import BinomialInterval
from causalopt.optimizers.cut_sizes import CutSizes
from causalopt.optimizers.division_stability import DivisionStability
from causalopt.optimizers.natural_division import NaturalDivision
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.optimizers.regularised_path import PathPoint

_MOST_NAMED = 3
_MOST_MEMBERS = 30
_MOST_DOTS = 5000
_LONG = 34  # characters of names on one line


@plot.register(NaturalDivision)
@drawn
def plot_division(division: NaturalDivision) -> PanelLayout:
    """Return a figure of Op against size: every set tried, the best of each size, and the hull.

    Args:
        division: The division. Sets without a certain Op are left out, and a line says how many;
            so are sets far below 0, which hide the others. Perfect sets, of infinite Op, stand at
            the upper edge.

    Returns:
        The figure, not shown. Its panel: `path`.

    Example:
        >>> from causalopt import load
        >>> from causalopt.optimizers.natural_division import divide
        >>> plot_division(divide(load("thermostat"), steps=99)).axes[0].get_xlabel()
        'variables in A'
    """
    m = division.model.node_text(Node(division.target, division.steps))
    title = (
        division.model.title or division.model.name,
        f"which A divides it most sharply: n = {division.node_name}, m = {m}",
    )
    return PanelLayout(title, [Panel("path", lambda axes: _draw_path(axes, division), 3.6)])


def _draw_path(axes: Axes, division: NaturalDivision) -> None:
    plain_axes(axes)
    top = _top(division)
    low = _draw_sets(division, axes, top)
    _draw_hull(division, axes, top)
    bound = [(p.size, p.bound) for p in division.path.points if p.how != "exact"]
    if bound:
        sizes, ops = zip(*bound, strict=True)
        axes.plot(sizes, ops, "--", color=colours().faint, label="no set exceeds")
    axes.axhline(0, color=colours().faint, linewidth=0.8)
    names = {"node": "variables in A", "edge": "edges that A's boundary cuts"}
    note = _note(division, low)
    axes.set(xlabel=names[division.price] + note, ylabel="Op [nats]")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(low - 0.06 * (top - low), top + 0.2 * (top - low))
    axes.set_xlim(right=axes.get_xlim()[1] + 0.25 * np.ptp(axes.get_xlim()))
    axes.legend(loc="lower right")


def _top(division: NaturalDivision) -> float:
    finite = [p.op for p in division.path.points if math.isfinite(p.op)]
    return max([1.0, *(1.1 * op for op in finite)])


def _draw_sets(division: NaturalDivision, axes: Axes, top: float) -> float:
    """Draw every set as a dot and return the lower edge of the figure."""
    tried = division.tried
    shown = np.flatnonzero(tried.usable & np.isfinite(tried.op))
    low = -0.35 * top
    if len(shown):
        _, sizes = CutSizes(division.model, division.price, division.listed.idle).of(
            [tried.sets[k] for k in shown[:_MOST_DOTS]]
        )
        op = tried.op[shown[:_MOST_DOTS]]
        aside = 0.22 * (np.modf(np.arange(len(op)) * 0.618)[0] - 0.5)  # dots that tie stand apart
        axes.scatter(
            sizes + aside, op, s=14, color=colours().blue, alpha=0.8, linewidths=0, label="a set A"
        )
        low = max(low, min(0.0, float(op.min())))
    return low


def _draw_hull(division: NaturalDivision, axes: Axes, top: float) -> None:
    """Draw the winners, joined, with their names and the prices at which they win."""
    corners = division.path.corners
    heights = [min(point.op, top) for point in corners]
    axes.plot(
        [p.size for p in corners],
        heights,
        color=colours().ink,
        linewidth=1.2,
        label="hull: winners",
    )
    unit = {"node": "variable", "edge": "cut edge"}[division.price]
    for point, height in zip(corners, heights, strict=True):
        wins = point is division.best or point.size == division.best.size
        perfect = point.op == math.inf
        colour, mark = (colours().green if wins else colours().red), "^" if perfect else "o"
        axes.plot(point.size, height, mark, color=colour, markersize=8, zorder=3)
        text = _names(point) + ("\nperfect: Op is infinite" if perfect else "")
        if math.isfinite(point.high):
            text += f"\nwins up to {point.high:.3g} nats a {unit}"
        last = point is corners[-1]
        axes.annotate(
            text,
            (point.size, height),
            xytext=(7, 5) if last else (9, -4),  # below the hull, which rises and bends down
            va="bottom" if last else "top",
            textcoords="offset points",
        )
    if any(point.size != division.best.size for point in corners):
        axes.plot([], [], "o", color=colours().red, label="wins at another price")
    axes.plot(
        [], [], "o", color=colours().green, label=f"wins at {division.cost:.3g} nats a {unit}"
    )


def _names(point: PathPoint) -> str:
    if not point.splits:
        return "no A"
    named = [str(split) for split in point.splits[:_MOST_NAMED]]
    more = len(point.splits) - len(named)
    named = [name if len(name) <= _LONG else f"{name[:_LONG]}…}}" for name in named]
    return "\n= ".join(named) + (f"\nand {more} more" if more > 0 else "")


def _note(division: NaturalDivision, low: float) -> str:
    tried = division.tried
    parts = []
    below = int((tried.usable & (tried.op < low)).sum())
    if below:
        parts.append(f"{below} sets lie below")
    unsure = int((~tried.usable & (tried.status != "only_path")).sum())
    only = int((tried.status == "only_path").sum())
    if only:
        parts.append(f"{only} sets are the only path")
    if unsure:
        parts.append(f"{unsure} have no certain Op")
    return "\n" + "; ".join(parts) if parts else ""


@plot.register(DivisionStability)
@drawn
def plot_stability(found: DivisionStability) -> PanelLayout:
    """Return a figure of how often each division wins, and how often each variable is in one.

    Args:
        found: The divisions from many starting points; bars are 95 % intervals.

    Returns:
        The figure, not shown. Panels: `divisions`, `variables`.
    """
    shares, rows = found.members, found.divisions[:6]
    names = sorted(shares, key=lambda name: -shares[name].count)[:_MOST_MEMBERS]
    labels = [_division_name(winners) for winners, _ in rows]
    lines = sum(1 + label.count("\n") for label in labels) + 1
    silent = found.reached.size - found.count
    note = f"; in {silent} more n does not reach m" if silent else ""

    def draw_divisions(axes: Axes) -> None:
        _bars(axes, labels, [share for _, share in rows], colours().green)
        axes.set_title("the division that wins", loc="left")

    def draw_variables(axes: Axes) -> None:
        _bars(axes, names, [shares[name] for name in names], colours().blue)
        axes.set_title("the variables in it", loc="left")

    under = f"share of {found.count} cases{note}"
    panels = [
        Panel("divisions", draw_divisions, 0.3 + 0.2 * lines, under=under, shares=True),
        Panel("variables", draw_variables, 0.3 + 0.2 * len(names), under=under, shares=True),
    ]
    asked = f"n = {', '.join(found.nudges)}, m = {found.target}"
    return PanelLayout((found.model.title or found.model.name, asked), panels)


def _division_name(winners: tuple[tuple[str, ...], ...]) -> str:
    if not winners:
        return "none"
    named = ["{" + ", ".join(hold) + "}" for hold in winners[:_MOST_NAMED]]
    named = [name if len(name) <= _LONG else f"{name[:_LONG]}…}}" for name in named]
    more = len(winners) - len(named)
    return "\n= ".join(named) + (f"\nand {more} more" if more > 0 else "")


def _bars(axes: Axes, labels: list[str], shares: list[BinomialInterval], colour: str) -> None:
    plain_axes(axes)
    places = np.arange(len(labels))
    middle = np.array([share.share for share in shares])
    ends = np.array([(s.share - s.low, s.high - s.share) for s in shares]).reshape(-1, 2).T
    axes.barh(places, middle, color=colour, alpha=0.75, height=0.6)
    axes.errorbar(
        middle, places, xerr=np.abs(ends), fmt="none", ecolor=colours().ink, capsize=2, lw=0.9
    )
    axes.set_yticks(places, labels)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(labels) - 0.4, -0.6))

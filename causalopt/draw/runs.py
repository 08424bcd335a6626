"""The plot of a run: W, X and Y of the measured variable, x - w and y - w, Op and Comp."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from causalopt.draw.palette import (
    BLUE,
    FAINT,
    INK,
    STATUS_COLOURS,
    STATUS_HATCHES,
    WORLD_COLOURS,
    WORLD_DASHES,
    WORLD_MARKERS,
)
from causalopt.measures import STATUSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.plan import Bools, Floats
    from causalopt.runs import Run

FEW = 40  # up to so many points each one gets its marker
WIDE = 1e3  # a ratio of sizes at which a linear axis hides the smaller


def plot_run(run: Run) -> Figure:
    """Return a figure of one run: worlds, differences, Op, Comp and status over time.

    In the limit delta -> 0 the worlds X and Y lie on W, so the second panel shows the slopes
    (x - w)/delta and (y - w)/delta, that is the total and the direct effect.

    Args:
        run: The run.

    Returns:
        The figure, not shown; `figure.savefig("run.png")` writes it.

    Example:
        >>> from causalopt import load, run
        >>> [axes.get_ylabel() for axes in plot_run(run(load("thermostat"), steps=9)).axes]
        ['R (room)', '(difference)/δ', 'Op [nats]', 'Comp', 'status']
    """
    figure = Figure(figsize=(7.2, 8.8), layout="constrained")
    rows = figure.subplots(5, 1, sharex=True, height_ratios=[3, 3, 3, 2.4, 0.45])
    worlds, differences, op, comp, status = rows
    for axes in rows:
        _plain(axes)
    _draw_worlds(worlds, run)
    _draw_differences(differences, run)
    _draw_measure(op, run, run.op, "Op [nats]", rest=0.0)
    _draw_measure(comp, run, run.comp, "Comp", rest=1.0)
    if _largest(run.comp) > WIDE:
        _spread(comp, 1.0)
    _draw_status(status, run)
    figure.align_ylabels(rows[:4])
    size = "δ → 0" if run.delta is None else f"δ = {run.delta:g}"
    name = run.model.title or run.model.name
    figure.suptitle(
        f"{name}\nOp({run.hold_name}; {run.node_name}, {run.target}), {size}", fontsize=11
    )
    status.set_xlabel("no time" if run.model.is_static else "t [time units]")
    return figure


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8)


def _label(run: Run) -> str:
    variable = run.model.variables[run.target]
    text = f"{run.target} ({variable.label})" if variable.label else run.target
    return f"{text} [{variable.unit}]" if variable.unit else text


def _draw_line(axes: Axes, t: Floats, values: Floats, world: str, label: str) -> None:
    shown = np.where(np.isfinite(values), values, np.nan)
    axes.plot(
        t,
        shown,
        color=WORLD_COLOURS[world],
        linestyle=WORLD_DASHES[world],
        zorder=2 if world == "W" else 3,
        linewidth={"W": 2.6, "X": 1.5, "Y": 1.5}[world],
        alpha={"W": 0.35, "X": 1.0, "Y": 1.0}[world],
        marker=WORLD_MARKERS[world] if len(t) <= FEW else None,
        markersize=4,
        label=label,
    )


def _draw_worlds(axes: Axes, run: Run) -> None:
    worlds = {"W": run.W[run.target]}
    labels = {"W": "W: baseline"}
    if run.X is not None and run.Y is not None:
        worlds |= {"X": run.X[run.target], "Y": run.Y[run.target]}
        labels |= {"X": f"X: {run.node_name} nudged", "Y": f"Y: and {run.hold_name} from W"}
    for name, values in worlds.items():
        _draw_line(axes, run.t, values, name, labels[name])
    axes.set_ylabel(_label(run))
    for values in worlds.values():
        typical = _typical(values)
        if typical and _largest(values) > WIDE**2 * typical:
            _spread(axes, typical)
            break
    _legend(axes)


def _draw_differences(axes: Axes, run: Run) -> None:
    if run.X is None or run.Y is None:
        x, y = run.total, run.direct
        names = ("(x - w)/δ: all paths", "(y - w)/δ: paths that avoid A")
        axes.set_ylabel("(difference)/δ")
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            w = run.W[run.target]
            x, y = run.X[run.target] - w, run.Y[run.target] - w
        names = ("x - w: all paths", "y - w: paths that avoid A")
        axes.set_ylabel("difference from W")
    _draw_line(axes, run.t, x, "X", names[0])
    _draw_line(axes, run.t, y, "Y", names[1])
    axes.axhline(0, color=FAINT, linewidth=0.8)
    sizes = [size for size in (_largest(x), _largest(y)) if size > 0]
    if sizes and max(sizes) > WIDE * min(sizes):
        _spread(axes, min(sizes))
    _legend(axes)


def _typical(values: Floats) -> float:
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if len(sizes) else 0.0


def _largest(values: Floats) -> float:
    return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))


def _spread(axes: Axes, threshold: float) -> None:
    """Take a logarithmic axis on both sides of 0, linear within the threshold."""
    axes.set_yscale("symlog", linthresh=threshold)
    low, high = axes.get_ylim()
    top = math.floor(math.log10(max(abs(low), abs(high))))
    middle = (math.ceil(math.log10(threshold)) + top + 1) // 2
    sizes = [10.0**power for power in sorted({middle, top})]
    axes.yaxis.set_major_locator(FixedLocator([-s for s in sizes] + [0.0] + sizes))
    axes.set_ylim(low, high)


def _legend(axes: Axes) -> None:
    """Put the legend above the axes, where it hides no line."""
    axes.legend(fontsize=8, frameon=False, ncols=3, loc="lower left", borderaxespad=0.1,
                bbox_to_anchor=(0, 1))  # fmt: skip


def _draw_measure(axes: Axes, run: Run, values: Floats, label: str, *, rest: float) -> None:
    """Draw Op or Comp: a full line, dotted and grey where the status doubts it."""
    finite = np.isfinite(values)
    doubted = np.isin(run.status, ["kink", "unresolved"])
    few = len(run.t) <= FEW
    for where, colour, style, name in (
        (doubted, FAINT, ":", "in doubt (see status)"),
        (~doubted, BLUE, "-", None),
    ):
        if (where & finite).any():
            axes.plot(
                run.t,
                np.where(finite & where, values, np.nan),
                color=colour,
                linestyle=style,
                linewidth=1.5,
                marker="o" if few else None,
                markersize=4,
                label=name,
            )
    axes.axhline(rest, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set_ylabel(label)
    _draw_infinities(axes, run.t, np.isposinf(values), "^", 0.97, "+∞")
    _draw_infinities(axes, run.t, np.isneginf(values), "v", 0.03, "-∞")
    if axes.get_legend_handles_labels()[1]:
        _legend(axes)
    if not finite.any() and not np.isinf(values).any():
        axes.text(0.5, 0.7, "undefined throughout", ha="center", transform=axes.transAxes,
                  fontsize=9, color=FAINT)  # fmt: skip


def _draw_infinities(
    axes: Axes, t: Floats, where: Bools, marker: str, height: float, label: str
) -> None:
    """Mark infinities at the edge of the axes, so that they are not mistaken for gaps."""
    if not where.any():
        return
    times = t[where]
    axes.plot(
        times,
        np.full(len(times), height),
        marker,
        color=INK,
        markersize=5,
        transform=axes.get_xaxis_transform(),
        clip_on=False,
        label=label,
        markevery=max(1, len(times) // FEW),
    )


def _draw_status(axes: Axes, run: Run) -> None:
    """Draw the status of every step as a strip of hatched spans, named below."""
    half = (run.t[1] - run.t[0]) / 2 if len(run.t) > 1 else 0.5
    for name in STATUSES:
        spans = [(run.t[a] - half, run.t[b] - run.t[a] + 2 * half)
                 for a, b in _stretches(run.status == name)]  # fmt: skip
        if spans:
            axes.broken_barh(
                spans,
                (0, 1),
                facecolor=STATUS_COLOURS[name],
                edgecolor=FAINT,
                hatch=STATUS_HATCHES[name],
                linewidth=0.4 if len(spans) < FEW else 0,
                label=f"{name} ({np.count_nonzero(run.status == name)})",
            )
    axes.set_ylabel("status", rotation=0, ha="right", va="center", fontsize=8)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_ylim(0, 1)
    axes.legend(fontsize=8, frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -1.9))


def _stretches(where: Bools) -> list[tuple[int, int]]:
    """Return the first and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], where, [False])).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]

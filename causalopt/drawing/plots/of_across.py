"""The plot of a region asked from both sides: a cell for each pair of nodes across its boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from causalopt.drawing.palette import FAINT, OP_MAP, PALE, PAPER, STATUS_COLOURS
from causalopt.optimizers.across import Across, HeldSide, shares_text
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_TICKS = 8
_MOST_CELLS = 1500  # along an axis: more than a panel has pixels for


@plot.register(Across)
def plot_across(found: Across) -> Figure:
    """Return a figure of both sides: rows are the nodes n, columns the nodes m.

    A cell is coloured by Op, violet where the held side compresses and orange where it amplifies,
    or by its status where Op is no finite number. Cells without a path through the held side are
    white.

    Args:
        found: The table.

    Example:
        >>> from causalopt import across, load
        >>> figure = plot_across(across(load("lorenz"), "a", steps=9))
        >>> [axes.get_xlabel() for axes in figure.axes[:2]]
        ['m, outside', 'm, inside']
    """
    figure = Figure(figsize=(10.4, 4.9), layout="constrained")
    panels = figure.subplots(1, 2)
    figure.suptitle(f"across {_short(found.said)} in {found.model.name}", fontsize=10)
    sizes = [abs(side.op[side.decided & np.isfinite(side.op)]) for side in found.sides]
    every = np.concatenate(sizes)
    limit = max(float(np.quantile(every, 0.98)) if every.size else 1.0, 1e-9)
    norm = Normalize(-limit, limit)
    shown: dict[str, None] = {}
    for axes, side in zip(panels, found.sides, strict=True):
        _panel(axes, side, norm, shown)
    bar = figure.colorbar(ScalarMappable(norm, OP_MAP), ax=panels, extend="both", pad=0.01)
    bar.set_label("Op [nats]")
    patches = [
        Patch(facecolor=STATUS_COLOURS[name], edgecolor=FAINT, label=_WORDS.get(name, name))
        for name in shown
    ]
    figure.legend(
        handles=[*patches, Patch(facecolor=PAPER, edgecolor=FAINT, label="no path through A")],
        loc="outside lower center",
        ncols=5,
        fontsize=8,
        frameon=False,
    )
    return figure


_WORDS = {"perfect": "perfect (Op ∞)", "only_path": "only path (Op -∞)"}


def _panel(axes: Axes, side: HeldSide, norm: Any, shown: dict[str, None]) -> None:
    other = "outside" if side.held == "inside" else "inside"
    axes.set_title(_title(side), fontsize=9)
    axes.set_xlabel(f"m, {other}", fontsize=9)
    axes.set_ylabel(f"n, {other}", fontsize=9)
    axes.tick_params(labelsize=7)
    if not side.crosses.size:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no pair", ha="center", transform=axes.transAxes, color=FAINT)
        return
    rows, columns = (_thinned(count) for count in side.crosses.shape)
    at = np.ix_(rows, columns)
    axes.imshow(
        _colours(side, at, norm, shown),
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, side.crosses.shape[1] - 0.5, side.crosses.shape[0] - 0.5, -0.5),
    )
    axes.grid(visible=False)
    for axis, names in ((axes.xaxis, side.targets), (axes.yaxis, side.sources)):
        places = np.unique(np.linspace(0, len(names) - 1, _TICKS).round().astype(int))
        axis.set_ticks(places, [names[i] for i in places])
    axes.tick_params(axis="x", rotation=30)


def _colours(
    side: HeldSide, at: tuple[Any, ...], norm: Any, shown: dict[str, None]
) -> NDArray[Any]:
    """Return the cells' colours, shape [row, column, 4]."""
    op, status, crosses = side.op[at], side.status[at].astype(str), side.crosses[at]
    finite = np.isfinite(op) & side.decided[at]
    cells: NDArray[Any] = matplotlib.colormaps[OP_MAP](norm(np.where(finite, op, 0.0)))
    cells[~finite] = to_rgba(PALE)
    for name in np.unique(status[crosses & ~finite]).tolist():
        cells[(status == name) & crosses & ~finite] = to_rgba(STATUS_COLOURS[name])
        shown[name] = None
    cells[~crosses] = to_rgba(PAPER)
    return cells


def _title(side: HeldSide) -> str:
    if not side.pairs:
        return f"{side.held} held: no pair"
    if not side.decided.any():
        return f"{side.held} held: {side.pairs} pairs, undecided"
    return (
        f"{side.held} held: {side.pairs} pairs, {shares_text(side)}\n"
        f"median Op {side.median:.3g}, pooled {side.pooled:.3g} nats"
    )


def _thinned(count: int) -> NDArray[np.intp]:
    """Return which of many rows are drawn."""
    found: NDArray[np.intp] = np.unique(
        np.linspace(0, count - 1, min(count, _MOST_CELLS)).round().astype(np.intp)
    )
    return found


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."

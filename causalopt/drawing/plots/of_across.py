"""The plot of a region asked from both sides: a cell for each pair of nodes across its boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from matplotlib.patches import Patch

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_for_all
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import SMALL, op_map
from causalopt.optimizers.across import Across, HeldSide, shares_text
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_TICKS = 6
_MOST_CELLS = 1500  # along an axis: more than a panel has pixels for


@plot.register(Across)
@drawn
def plot_across(found: Across) -> PanelLayout:
    """Return a figure of both sides: rows are the nodes n, columns the nodes m.

    A cell is coloured by Op, violet where the held side compresses and orange where it amplifies,
    or by its status where Op is no finite number. Cells without a path through the held side are
    left blank.

    Args:
        found: The table.

    Returns:
        The figure, not shown. Panels: `inside` held and `outside` held.

    Example:
        >>> from causalopt import across, load
        >>> figure = plot_across(across(load("lorenz"), "a", steps=9))
        >>> [axes.get_xlabel() for axes in figure.axes[:2]]
        ['m, outside', 'm, inside']
    """
    sizes = [abs(side.op[side.decided & np.isfinite(side.op)]) for side in found.sides]
    every = np.concatenate(sizes)
    limit = max(float(np.quantile(every, 0.98)) if every.size else 1.0, 1e-9)
    norm = Normalize(-limit, limit)
    shown: dict[str, None] = {}
    panels = [
        Panel(side.held, _side(side, norm, shown), 2.5, column=place)
        for place, side in enumerate(found.sides)
    ]
    title = f"across {found.said} in {found.model.name}"
    return PanelLayout((title,), panels, finish=lambda several: _finish(several, norm, shown))


def _finish(several: Sequence[Axes], norm: Any, shown: dict[str, None]) -> None:
    """Draw the scale of colours and the legend of what has none."""
    assert several[0].figure is not None
    bar = several[0].figure.colorbar(
        ScalarMappable(norm, op_map()), ax=list(several), extend="both", pad=0.01
    )
    bar.set_label("Op [nats]")
    faint, blank = colours().faint, colours().paper
    patches = [
        Patch(facecolor=colours().statuses[name], edgecolor=faint, label=_WORDS.get(name, name))
        for name in shown
    ]
    last = Patch(facecolor=blank, edgecolor=faint, label="no path through A")
    legend_for_all(several, [*patches, last])


_WORDS = {"perfect": "perfect (Op ∞)", "only_path": "only path (Op -∞)"}


def _side(side: HeldSide, norm: Any, shown: dict[str, None]) -> Callable[[Axes], None]:
    return lambda axes: _draw_side(axes, side, norm, shown)


def _draw_side(axes: Axes, side: HeldSide, norm: Any, shown: dict[str, None]) -> None:
    other = "outside" if side.held == "inside" else "inside"
    axes.set_title(_title(side))
    axes.set_xlabel(f"m, {other}")
    axes.set_ylabel(f"n, {other}")
    if not side.crosses.size:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no pair", ha="center", transform=axes.transAxes, color=colours().muted)
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
        axis.set_ticks(places, [names[i] for i in places], fontsize=SMALL)
    axes.tick_params(axis="x", rotation=30)


def _colours(
    side: HeldSide, at: tuple[Any, ...], norm: Any, shown: dict[str, None]
) -> NDArray[Any]:
    """Return the cells' colours, shape [row, column, 4]."""
    op, status, crosses = side.op[at], side.status[at].astype(str), side.crosses[at]
    finite = np.isfinite(op) & side.decided[at]
    cells: NDArray[Any] = op_map()(norm(np.where(finite, op, 0.0)))
    cells[~finite] = to_rgba(colours().pale)
    for name in np.unique(status[crosses & ~finite]).tolist():
        cells[(status == name) & crosses & ~finite] = to_rgba(colours().statuses[name])
        shown[name] = None
    cells[~crosses] = to_rgba(colours().paper)
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

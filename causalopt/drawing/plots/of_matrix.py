"""The plot of a matrix of Op: a cell for every pair of n and m."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_hex

from causalopt.drawing.plots.measure_maps import Shades, draw_measure_map, shades_of, status_keys
from causalopt.drawing.plots.panel_parts import legend_for_all
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import SMALL, ink_on, shortened
from causalopt.effects.op_matrix import OpMatrix
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from causalopt.engine.contract import Floats

_WRITTEN = 9  # rows and columns up to which cells have their number
_NAMED = 24  # nodes along an axis that are all named
_WIDE = 1.2  # inches of a name


@plot.register(OpMatrix)
@drawn
def plot_op_matrix(found: OpMatrix) -> PanelLayout:
    """Return a figure of Op of every pair: rows are the nodes n, columns the nodes m.

    What has no finite number is hatched and named by its status.

    Args:
        found: The matrix.

    Returns:
        The figure, not shown. Panels: `op`, and `comp` when it is asked for.

    Example:
        >>> from causalopt import load, op_matrix
        >>> found = op_matrix(load("thermostat"), sources=["R[0]", "T[0]"], targets=["R[9]"])
        >>> plot_op_matrix(found).axes[0].get_xlabel()
        'm'
    """
    rows = len(found.sources)
    height = min(max(1.2, 0.3 * rows + 0.4), 5.5)
    panels = [
        Panel("op", _map(found, "op", found.op, "Op [nats]"), height),
        Panel("comp", _map(found, "comp", found.comp, "Comp"), height),
    ]
    keys = status_keys(found.op, found.status, shades_of(found.op, "op"), found.op)
    title = f"Op({found.hold}; n, m) in {found.model.name}"
    return PanelLayout(
        (title,), panels, shown=["op"], finish=lambda several: legend_for_all(several, keys)
    )


def _map(found: OpMatrix, measure: str, values: Floats, label: str) -> Callable[[Axes], None]:
    rows, columns = values.shape

    def draw(axes: Axes) -> None:
        shades = shades_of(values, measure)
        edges = (np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5)
        draw_measure_map(axes, edges, values, found.status, shades)
        axes.invert_yaxis()
        _name(axes.xaxis, found.targets)
        _name(axes.yaxis, found.sources)
        axes.tick_params(axis="x", rotation=40 if columns > _WRITTEN else 0)
        axes.set(xlabel="m", ylabel="n")
        if max(rows, columns) <= _WRITTEN:
            _write(axes, values, shades)
        assert axes.figure is not None
        axes.figure.colorbar(shades.mappable, ax=axes, extend=shades.extend, label=label)

    return draw


def _name(axis: Axis, names: list[str]) -> None:
    places = np.unique(np.linspace(0, len(names) - 1, min(len(names), _NAMED)).round().astype(int))
    axis.set_ticks(places, [shortened(names[i], _WIDE) for i in places])


def _write(axes: Axes, values: Floats, shades: Shades) -> None:
    """Write the finite numbers into their cells."""
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            ground: Any = shades.map(shades.norm(value))
            ink = ink_on(to_hex(ground))
            axes.text(j, i, f"{value:.3g}", ha="center", va="center", fontsize=SMALL, color=ink)

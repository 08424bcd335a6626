"""The plot of currents through arrays: each element's share of the influence, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.heat_maps import FEW_ELEMENTS, draw_heat, signed_norm
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.influence.array_currents import ArrayCurrents
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats

_MOST = 6  # arrays that are shown, those that carry most


@plot.register(ArrayCurrents)
@drawn
def plot_array_currents(currents: ArrayCurrents) -> PanelLayout:
    """Return a figure of currents through arrays.

    A panel for each variable on the way from n to m, those that carry most where they are many: up
    to eight elements as lines, more as a heat map, red for shares with the sign of the total effect
    and blue for those against it. In a model without time the elements are bars.

    Returns:
        The figure, not shown. Panels are called as their variables.
    """
    shares = {n: currents.share[n].reshape(currents.steps + 1, -1) for n in currents.names}
    sizes = {n: float(np.nansum(np.abs(values))) for n, values in shares.items()}
    largest = sorted(shares, key=lambda n: -sizes[n])[:_MOST]
    shown = [n for n in currents.names if n in largest]
    title = currents.model.title or currents.model.name
    left = len(currents.names) - len(shown)
    more = f"; {left} arrays that carry less are left out" if left else ""
    asked = f"share of the influence of {currents.node_name} on {currents.target}{more}"
    is_timed = not currents.model.is_static
    under = "t [steps]" if is_timed else ""
    panels = [
        Panel(name, _course(currents, name, shares[name]), 1.3, under=under, shares=is_timed)
        for name in currents.names
    ]
    return PanelLayout((title, asked), panels, shown=shown)


def _course(currents: ArrayCurrents, name: str, values: Floats) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        palette = colours()
        axes.set_ylabel(name)
        if not currents.model.is_static and values.shape[1] > FEW_ELEMENTS:
            draw_heat(axes, values.T, x=currents.t.astype(float), norm=signed_norm(values))
            return
        plain_axes(axes)
        if currents.model.is_static:
            signs = [palette.blue if v < 0 else palette.red for v in values[0]]
            axes.bar(np.arange(values.shape[1]), values[0], color=signs)
        else:
            for place, course in zip(
                np.ndindex(currents.share[name].shape[1:]), values.T, strict=True
            ):
                label = f"{name}[{', '.join(map(str, place))}]"
                axes.plot(currents.t, course, linewidth=1.1, label=label)
            if values.shape[1] > 1:
                legend_above(axes)
        axes.axhline(0, color=palette.ink, linewidth=0.6)

    return draw

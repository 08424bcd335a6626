"""The plot of currents through arrays: each element's share of the influence, step by step."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from causalopt.drawing.palette import BLUE, INK
from causalopt.drawing.plots.heat_maps import FEW_ELEMENTS, draw_heat, signed_norm
from causalopt.drawing.plots.panels import plain_axes
from causalopt.influence.array_currents import ArrayCurrents
from causalopt.results import plot

_MOST = 6  # arrays that are shown, those that carry most


@plot.register(ArrayCurrents)
def plot_array_currents(currents: ArrayCurrents) -> Figure:
    """Return a figure of currents through arrays.

    A panel for each variable on the way from n to m, those that carry most where they are many: up
    to eight elements as lines, more as a heat map, red for shares with the sign of the total effect
    and blue for those against it. In a model without time the elements are bars.
    """
    shares = {n: currents.share[n].reshape(currents.steps + 1, -1) for n in currents.names}
    sizes = {n: float(np.nansum(np.abs(values))) for n, values in shares.items()}
    shown = sorted(shares, key=lambda n: -sizes[n])[:_MOST]
    shown = [n for n in currents.names if n in shown]
    figure = Figure(figsize=(7.2, 1.2 + 1.7 * len(shown)), layout="constrained")
    rows = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
    for axes, name in zip(rows, shown, strict=True):
        values = shares[name]
        if currents.model.is_static:
            plain_axes(axes)
            colours = [BLUE if v < 0 else "#b2182b" for v in values[0]]
            axes.bar(np.arange(values.shape[1]), values[0], color=colours)
            axes.axhline(0, color=INK, linewidth=0.6)
        elif values.shape[1] <= FEW_ELEMENTS:
            plain_axes(axes)
            axes.plot(currents.t, values, linewidth=1.1)
            axes.axhline(0, color=INK, linewidth=0.6)
        else:
            draw_heat(axes, values.T, x=currents.t.astype(float), norm=signed_norm(values))
        axes.set_ylabel(name)
    if not currents.model.is_static:
        rows[-1].set_xlabel("t [steps]")
    title = currents.model.title or currents.model.name
    left = len(currents.names) - len(shown)
    more = f"; {left} arrays that carry less are left out" if left else ""
    figure.suptitle(
        f"{title}\nshare of the influence of {currents.node_name} on {currents.target}{more}",
        fontsize=11,
    )
    return figure

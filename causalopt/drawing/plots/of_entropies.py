"""The plot of entropies: each as a bar, with A as it is and with A from a replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import legend_above, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.entropy.entropies import Entropies
from causalopt.results import plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plot.register(Entropies)
@drawn
def plot_entropies(found: Entropies) -> PanelLayout:
    """Return a figure of four entropies as bars, and of the three numbers made of them.

    Args:
        found: The entropies.

    Returns:
        The figure, not shown. Panels: `entropies`, `strength`.
    """
    panels = [
        Panel("entropies", lambda axes: _draw_entropies(axes, found), 1.3),
        Panel("strength", lambda axes: _draw_strength(axes, found), 1.1),
    ]
    return PanelLayout((found.heading,), panels)


def _draw_entropies(axes: Axes, found: Entropies) -> None:
    plain_axes(axes)
    rows = ((found.S, found.S_decoupled), (found.S_next, found.S_next_decoupled))
    looks = ((colours().ink, "A as it is", ""), (colours().pale, "A from a replica", "//"))
    for k, (colour, label, hatch) in enumerate(looks):
        axes.barh(
            [place + 0.2 * (2 * k - 1) for place in range(2)],
            [row[k] for row in rows],
            0.36,
            color=colour,
            edgecolor=colours().faint,
            hatch=hatch,
            label=label,
        )
    now = "at once" if found.is_static else f"t = {found.at}"
    later = "then B" if found.is_static else f"t = {found.at + found.horizon}"
    axes.set_yticks(range(2), [now, later])
    axes.set_ylim(1.5, -0.5)
    axes.axvline(0, color=colours().faint, linewidth=0.8)
    axes.set_xlabel(f"entropy [{found.unit}]")
    legend_above(axes)


def _draw_strength(axes: Axes, found: Entropies) -> None:
    plain_axes(axes)
    sizes = {
        "mutual information": found.mutual_information,
        "optimizing strength": found.optimizing_strength,
        "adjusted": found.adjusted,
    }
    palette = colours()
    shades = [palette.compresses if size > 0 else palette.amplifies for size in sizes.values()]
    axes.barh(range(len(sizes)), list(sizes.values()), 0.6, color=shades)
    axes.set_yticks(range(len(sizes)), list(sizes))
    axes.set_ylim(len(sizes) - 0.4, -0.6)
    axes.axvline(0, color=palette.faint, linewidth=0.8)
    axes.set_xlabel(f"entropy [{found.unit}]")

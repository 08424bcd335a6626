"""The plot of sensitivities: what each parameter does to Op and Comp, bars with their errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from causalopt.drawing.palette import STATUS_HATCHES, colours
from causalopt.drawing.plots.panel_parts import plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import shortened
from causalopt.effects.parameter_slopes import ParameterSensitivity
from causalopt.results import plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

_MOST = 24  # parameters of a figure, the strongest first
_WIDE = 2.0  # inches of a name


@plot.register(ParameterSensitivity)
@drawn
def plot_sensitivity(found: ParameterSensitivity) -> PanelLayout:
    """Return a figure: for each parameter p dOp/dp, the nats per relative change of it.

    Bars to the right, violet, are parameters that let A compress more when they grow. Lines are the
    estimated errors; a slope that is in doubt is hatched, and one that is not defined says why.

    Args:
        found: The slopes.

    Returns:
        The figure, not shown. Panels: `op`, and `comp` (p dComp/dp) when it is asked for.
    """
    height = 0.4 + 0.24 * max(2, min(len(found.slopes), _MOST))
    panels = [
        Panel("op", _bars(found, "op", "p dOp/dp [nats]"), height),
        Panel("comp", _bars(found, "comp", "p dComp/dp"), height),
    ]
    title = (
        found.model.title or found.model.name,
        f"{found.op_name} at step {found.steps}: Op = {found.op:.4g} nats, Comp = {found.comp:.4g}",
    )
    return PanelLayout(title, panels, shown=["op"])


def _bars(found: ParameterSensitivity, measure: str, label: str) -> Callable[[Axes], None]:
    slopes = found.slopes[:_MOST]
    more = len(found.slopes) - len(slopes)

    def draw(axes: Axes) -> None:
        plain_axes(axes)
        for place, slope in enumerate(slopes):
            size = slope.value * getattr(slope, measure)
            error = abs(slope.value) * getattr(slope, f"{measure}_error")
            _bar(axes, place, size, error, slope.status, is_op=measure == "op")
        axes.axvline(0, color=colours().faint, linewidth=0.8)
        names = [shortened(f"{s.parameter} = {s.value:.4g}", _WIDE) for s in slopes]
        axes.set_yticks(range(len(slopes)), names)
        axes.set_ylim(len(slopes) - 0.4, -0.6)
        axes.set_xlabel(label + (f"\n{more} weaker ones are not shown" if more else ""))

    return draw


def _bar(axes: Axes, place: int, size: float, error: float, status: str, *, is_op: bool) -> None:
    palette = colours()
    if math.isnan(size):
        text = f"  undefined: {status}"
        axes.text(0, place, text, va="center", color=palette.muted)
        return
    # Comp that grows is what A compresses less.
    colour = palette.compresses if (size > 0) == is_op else palette.amplifies
    doubted = status != "ok"
    axes.barh(
        place,
        size,
        0.62,
        color=palette.pale if doubted else colour,
        edgecolor=colour,
        hatch=STATUS_HATCHES.get(status, "") if doubted else "",
        linewidth=0.8,
        xerr=error if math.isfinite(error) else None,
        error_kw={"ecolor": palette.ink, "elinewidth": 1.0, "capsize": 2.0},
    )

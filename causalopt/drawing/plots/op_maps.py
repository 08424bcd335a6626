"""Op over two axes: scales with 0 in the middle, maps, and cells hatched by their status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Normalize, SymLogNorm, TwoSlopeNorm
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import hatch_colour, largest_size, typical_size
from causalopt.drawing.plots.plot_style import op_map
from causalopt.drawing.plots.status_looks import status_hatch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar

    from causalopt.engine.contract import Bools, Floats

STEEP = 50.0  # a ratio of the largest to the typical Op at which a linear scale hides the typical


def uneven_norm(values: Floats, *, steep: float = STEEP) -> Any:
    """Return a scale of Op with 0 in its middle, logarithmic on both sides where Op is uneven.

    Args:
        values: Op; what is not finite does not count.
        steep: The ratio of the largest to the typical size from which the scale is logarithmic.
    """
    largest = largest_size(values) or 1.0
    typical = typical_size(values) or largest
    if largest > steep * typical:
        return SymLogNorm(linthresh=typical, vmin=-largest, vmax=largest)
    return TwoSlopeNorm(0.0, vmin=-largest, vmax=largest)


def draw_op_map(
    axes: Axes, x: Floats, y: Floats, op: Floats, *, norm: Any = None, line: bool = False
) -> Colorbar:
    """Draw Op over two axes in the colours of its sign, and return the colour bar.

    Args:
        axes: Where to draw.
        x: Points or cell edges, axis (x,).
        y: Points or cell edges, axis (y,).
        op: Axes (y, x).
        norm: The scale; by default symmetric, up to the 98th percentile of sizes, so that single
            points do not hide the rest.
        line: Whether a thin line is drawn where Op is 0.
    """
    sizes = np.abs(op[np.isfinite(op)])
    extend = "both" if norm is None else "neither"
    if norm is None:
        limit = max(float(np.quantile(sizes, 0.98)) if sizes.size else 1.0, 1e-9)
        norm = Normalize(-limit, limit)
    mesh = axes.pcolormesh(x, y, op, cmap=op_map(), norm=norm, shading="auto", rasterized=True)
    if line and sizes.size and float(np.nanmin(op)) < 0 < float(np.nanmax(op)):
        axes.contour(x, y, op, levels=[0.0], colors=colours().ink, linewidths=0.6)
    assert axes.figure is not None
    return axes.figure.colorbar(mesh, ax=axes, extend=extend)


def mark_status(
    axes: Axes,
    edges: tuple[Floats, Floats],
    where: Bools,
    name: str,
    *,
    fill: str | None = None,
    ink: str = "",
) -> PathPatch | None:
    """Hatch the cells of a status, and return the patch; None where no cell has it.

    Args:
        axes: Where to draw.
        edges: Of the cells, along x and y.
        where: Which cells, axes (y, x).
        name: The status's word.
        fill: What they are filled with; nothing, so that a colour below is seen, if None.
        ink: The colour of the hatch; the one that is seen best on the fill if empty.
    """
    if not where.any():
        return None
    x, y = edges
    corners: list[tuple[float, float]] = []
    for row, first, last in _stretches_of_rows(where):
        left, right, low, high = x[first], x[last], y[row], y[row + 1]
        corners += [(left, low), (right, low), (right, high), (left, high), (left, low)]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    patch = PathPatch(
        Path(corners, codes * (len(corners) // 5)),
        facecolor=fill or "none",
        edgecolor=ink or hatch_colour(fill),
        hatch=status_hatch(name),
        linewidth=0,
        label=name,
    )
    axes.add_patch(patch)
    return patch


def status_key(name: str, text: str, fill: str | None = None) -> Patch:
    """Return what stands in a legend for the cells of a status."""
    return Patch(
        facecolor=fill or "none",
        edgecolor=hatch_colour(fill),
        hatch=2 * status_hatch(name),
        linewidth=0.6,
        label=text,
    )


def _stretches_of_rows(where: Bools) -> list[tuple[int, int, int]]:
    """Return row, first column and the one after the last, of each run of true values."""
    padded = np.pad(where.astype(np.int8), ((0, 0), (1, 1)))
    change = np.diff(padded, axis=1)
    rows, first = np.nonzero(change == 1)
    _, last = np.nonzero(change == -1)
    return list(zip(rows.tolist(), first.tolist(), last.tolist(), strict=True))

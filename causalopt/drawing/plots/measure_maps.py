"""A measure over two axes: its colours, its cells, and what stands in the way hatched and named."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, TwoSlopeNorm, to_hex

from causalopt.drawing.palette import colours, luminance
from causalopt.drawing.plots.heat_maps import heat_norm
from causalopt.drawing.plots.op_maps import STEEP, mark_status, status_key, uneven_norm
from causalopt.drawing.plots.panel_parts import WIDE
from causalopt.drawing.plots.plot_style import op_map, signed_map
from causalopt.drawing.plots.status_looks import met_words, status_fill

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats

_RARE = 0.98  # the quantile of sizes beyond which Comp takes the colour of the end


@dataclasses.dataclass(frozen=True, eq=False)
class Shades:
    """The colours of a measure.

    Attributes:
        norm: The scale.
        map: The colours.
        extend: Which ends stand for values beyond them too, as a colour bar says it.
        is_op: Whether the ends are those of an infinite Op.
    """

    norm: Any
    map: Colormap
    extend: str
    is_op: bool

    @functools.cached_property
    def mappable(self) -> ScalarMappable:
        """What a colour bar is drawn of."""
        return ScalarMappable(self.norm, self.map)


def shades_of(values: Floats, measure: str) -> Shades:
    """Return the colours of `op` (0 in the middle), `comp` (1) or another measure."""
    finite = values[np.isfinite(values)]
    if measure == "op" or measure.startswith("op_"):
        return Shades(uneven_norm(values), op_map(), "neither", is_op=True)
    if measure == "comp":
        sizes = np.abs(finite - 1.0)
        largest = float(sizes.max(initial=0.0))
        usual = float(np.quantile(sizes, _RARE)) if sizes.size else 0.0
        reach = (usual if usual and largest > STEEP * usual else largest) or 1.0
        norm = TwoSlopeNorm(1.0, 1.0 - reach, 1.0 + reach)
        extend = "both" if reach < largest else "neither"
        return Shades(norm, op_map().reversed(), extend, is_op=False)
    if finite.size and finite.min() < 0 < finite.max():
        return Shades(uneven_norm(values), signed_map(), "neither", is_op=False)
    positive = finite[finite > 0]
    if positive.size and positive.max() > WIDE * positive.min() and positive.size == finite.size:
        wide = LogNorm(float(positive.min()), float(positive.max()))
        return Shades(wide, _plain_map(), "neither", is_op=False)
    return Shades(heat_norm(values), _plain_map(), "neither", is_op=False)


def _plain_map() -> Colormap:
    return matplotlib.colormaps["viridis"]


def draw_measure_map(
    axes: Axes, edges: tuple[Floats, Floats], values: Floats, status: NDArray[Any], shades: Shades
) -> None:
    """Draw a measure in cells, and hatch what is not ok.

    Args:
        axes: Where to draw.
        edges: Of the cells, along x and y.
        values: The measure, axes (y, x).
        status: The words of the points, likewise.
        shades: Its colours.
    """
    shown = np.where(np.isfinite(values), values, np.nan)
    axes.pcolormesh(*edges, shown, cmap=shades.map, norm=shades.norm, rasterized=True)
    for name in met_words(status):
        if name == "ok":
            continue
        here = status == name
        for where, fill in _parts(values, name, shades):
            if fill is not None:
                mark_status(axes, edges, here & where, name, fill=fill)
        # A hatch over colours is seen on dark ones in the one ink and on bright ones in the other.
        for ink, where in _inks(shown, shades):
            mark_status(axes, edges, here & where, name, ink=ink)
    axes.set(xlim=edges[0][[0, -1]], ylim=edges[1][[0, -1]])


def status_keys(
    values: Floats,
    status: NDArray[Any],
    shades: Shades,
    op: Floats,
    counted: Callable[[int], str] = "{:,}".format,
) -> list[Any]:
    """Return the legend of a map: each status that is not ok, with how many cells have it.

    Args:
        values: The measure, of any axes.
        status: The words of the points, likewise.
        shades: The measure's colours.
        op: Op, likewise: where it is infinite for a status the legend says so.
        counted: Writes a number of cells.
    """
    keys = []
    for name in met_words(status):
        here = status == name
        if name == "ok":
            continue
        parts = [(here & where, fill) for where, fill in _parts(values, name, shades)]
        fill = max(parts, key=lambda part: np.count_nonzero(part[0]))[1]
        ends = (", Op is +∞", np.isposinf(op[here])), (", Op is -∞", np.isneginf(op[here]))
        infinite = next((text for text, all_of in ends if all_of.all()), "")
        keys.append(
            status_key(name, f"{name}{infinite} ({counted(int(np.count_nonzero(here)))})", fill)
        )
    return keys


def _inks(values: Floats, shades: Shades) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the two colours of hatches, and on which of the cells with a number each is seen."""
    finite = np.isfinite(values)
    cells = shades.map(shades.norm(np.where(finite, values, shades.norm.vmax)))[..., :3]
    parts = np.where(cells <= 0.04045, cells / 12.92, ((cells + 0.055) / 1.055) ** 2.4)
    bright = parts @ np.array([0.2126, 0.7152, 0.0722])
    one, other = sorted((colours().ink, colours().paper), key=luminance)
    # Where the contrast with both inks is the same.
    middle = np.sqrt((luminance(one) + 0.05) * (luminance(other) + 0.05)) - 0.05
    return [(one, finite & (bright > middle)), (other, finite & (bright <= middle))]


def _parts(values: Floats, name: str, shades: Shades) -> list[tuple[NDArray[np.bool_], str | None]]:
    """Return where cells have a number, no number, and an infinite one, with what fills them."""
    fill = status_fill(name)
    ends = [to_hex(shades.map(1.0)), to_hex(shades.map(0.0))] if shades.is_op else [fill, fill]
    return [
        (np.isfinite(values), None),
        (np.isnan(values), fill),
        (np.isposinf(values), ends[0]),
        (np.isneginf(values), ends[1]),
    ]

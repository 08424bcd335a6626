"""Heat maps: arrays as coloured cells, over time or as they stand at one step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Normalize, TwoSlopeNorm

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.panel_parts import largest_size
from causalopt.drawing.plots.plot_style import SMALL, signed_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.image import AxesImage
    from numpy.typing import NDArray

    from causalopt.engine.contract import Floats
    from causalopt.model.arrays.array_template import ArrayVariable

FEW_ELEMENTS = 8  # up to so many elements are drawn as lines
FRAMES = 6
_MOST_CELLS = 1200  # along an axis: more than any figure has pixels for


def element_label(variable: ArrayVariable) -> str:
    """Return what an axis of all elements in a row counts.

    Several dims count row by row, the last one fastest.
    """
    names = [dim or f"dim{i}" for i, dim in enumerate(variable.dims)]
    return " × ".join(names) or "element"


def draw_heat(
    axes: Axes,
    values: Floats,
    *,
    x: Floats | None = None,
    norm: Any = None,
    colour_bar: bool = True,
) -> Colorbar | None:
    """Draw a matrix as cells, row 0 at the top, and return its colour bar.

    Values on both sides of 0 get a map with white at 0. What is not finite is left grey. Along an
    axis with more cells than pixels every so many are drawn; the axes' title says so.

    Args:
        axes: Where to draw.
        values: Shape [row, column].
        x: Where the columns stand; 0, 1, ... when not given.
        norm: The scale; by the values when not given.
        colour_bar: Whether to draw one.
    """
    stride = [max(1, math.ceil(n / _MOST_CELLS)) for n in values.shape]
    shown = values[:: stride[0], :: stride[1]]
    norm = norm or heat_norm(shown)
    left, right = _ends(np.arange(values.shape[1]) if x is None else x)
    axes.set_facecolor(colours().statuses["no_influence"])
    image = _draw_cells(axes, shown, extent=(left, right, values.shape[0] - 0.5, -0.5), norm=norm)
    axes.grid(visible=False)
    if max(stride) > 1:
        axes.set_title(f"every {stride[0]} by {stride[1]} cells", fontsize=SMALL, loc="right")
    if not colour_bar:
        return None
    assert axes.figure is not None
    return axes.figure.colorbar(image, ax=axes, pad=0.01)


def _draw_cells(
    axes: Axes, values: Floats, *, extent: tuple[float, float, float, float], norm: Any
) -> AxesImage:
    return axes.imshow(
        np.ma.masked_array(values, ~np.isfinite(values)),
        aspect="auto",
        interpolation="nearest",
        cmap=signed_map() if isinstance(norm, TwoSlopeNorm) else "viridis",
        norm=norm,
        extent=extent,
    )


def heat_norm(*arrays: Floats) -> Any:
    """Return a scale for the finite values of arrays, 0 in its middle if they have both signs."""
    found = [a[np.isfinite(a)] for a in arrays]
    low = min((float(a.min()) for a in found if a.size), default=0.0)
    high = max((float(a.max()) for a in found if a.size), default=1.0)
    if low < 0 < high:
        return signed_norm(*arrays)
    return Normalize(low, high if high > low else low + 1.0)


def signed_norm(*arrays: Floats) -> Any:
    """Return a scale with 0 in its middle for the finite values of arrays."""
    size = max((largest_size(a) for a in arrays), default=0.0) or 1.0
    return TwoSlopeNorm(0.0, -size, size)


def _ends(x: NDArray[Any]) -> tuple[float, float]:
    """Return the outer edges of cells round points."""
    half = (x[-1] - x[0]) / (len(x) - 1) / 2 if len(x) > 1 else 0.5
    return float(x[0] - half), float(x[-1] + half)


def is_field(shape: tuple[int, ...]) -> bool:
    """Whether an array is seen best as a picture at some steps: a plane of many elements."""
    return math.prod(shape) > FEW_ELEMENTS and sum(n > 1 for n in shape) > 1


def film_steps(count: int) -> list[int]:
    """Return which of so many steps a film shows: evenly spread, with the first and the last."""
    return sorted({round(i * (count - 1) / (FRAMES - 1)) for i in range(FRAMES)})


def draw_film(axes: Axes, values: Floats, steps: NDArray[Any], *, label: str, norm: Any) -> None:
    """Draw an array at some steps side by side, the step above each frame.

    Args:
        axes: Where to draw.
        values: Shape [t, ...].
        steps: What the frames are called, shape [t].
        label: What is drawn.
        norm: One scale for all frames, or a function that makes each frame's of its values.
    """
    is_own = not isinstance(norm, Normalize)
    rows, columns = as_matrix(values[0]).shape
    apart = 1.06 * columns
    for place, i in enumerate(film_steps(len(values))):
        frame = as_matrix(values[i])
        left = place * apart - 0.5
        _draw_cells(
            axes,
            frame,
            extent=(left, left + columns, rows - 0.5, -0.5),
            norm=norm(frame) if is_own else norm,
        )
        axes.annotate(
            f"t = {steps[i]:g}",
            (left + columns / 2, -0.5),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=SMALL,
            annotation_clip=False,
        )
    axes.set_xlim(-0.5, (FRAMES - 1) * apart + columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_aspect("equal" if 0.25 < columns / rows < 4 else "auto")
    axes.set(xticks=[], yticks=[], facecolor="none")
    axes.spines[:].set_visible(False)
    axes.set_ylabel(label)


def as_matrix(values: Floats) -> Floats:
    """Return an array as a matrix: a number or a vector as one row, more dims stacked as rows.

    Example:
        >>> as_matrix(np.zeros((2, 3, 4))).shape, as_matrix(np.zeros(5)).shape
        ((6, 4), (1, 5))
    """
    last = values.shape[-1] if values.ndim else 1
    return values.reshape(-1, last)

"""A figure as SVG for a page: text as text, long lines thinned, many points as one image."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.collections import Collection, PolyCollection, QuadMesh
from matplotlib.colors import to_hex, to_rgba, to_rgba_array
from matplotlib.image import AxesImage

from causalopt.drawing.palette import INK
from causalopt.showing.svg_colours import in_page_colours, inline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

MOST_BYTES = 120_000
_BINS = 400  # along a line: about one a pixel
_TALLEST = 5.8  # inches, so that a figure fits a screen
_BEARS = 0.85  # of its height: lower, and panels have no room between their labels
_POINTS = 72  # an inch
_DPI = 110
# A black that no other artist has: it stays where it is read on a map.
_KEPT_INK = "#000001"
_CLEAR = 0.5  # an opacity below which the page shows through
_INKS = (INK, "#000000")


def inline_figure(figure: Figure) -> str:
    """Return a figure as an SVG element in the colours of its page, at most about 200 kB."""
    share = _fit(figure)
    _keep_ink_on_areas(figure)
    for axes in figure.axes:
        for line in axes.lines:
            _thin(line)
    text = _svg(figure)
    if len(text) > MOST_BYTES:
        figure.set_layout_engine("none")  # the panels stay where they are: an image is no label
        for axes in figure.axes:
            _as_image(axes)
        text = _svg(figure)
    widest = share * figure.get_figwidth() * _POINTS
    return inline(in_page_colours(text).replace(_KEPT_INK, "#000000"), widest=widest)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """Return the places of a line's points that show as all of them: M4 aggregation.

    Of each of the equal stretches of x: the first, the last, the least and the largest. Gaps (NaN)
    stay where a stretch begins or ends with one. Source: Jugel, Jerzak, Hackenbroich and Markl,
    M4: A Visualization-Oriented Time Series Data Aggregation, VLDB 7 (2014).

    Args:
        x: Ascending, shape [point].
        y: Likewise.
        bins: How many stretches.
    """
    edges = np.searchsorted(x, np.linspace(x[0], x[-1], bins + 1)[1:-1])
    starts = np.unique(np.concatenate(([0], edges)))
    starts = starts[starts < len(x)]
    ends = np.append(starts[1:], len(x))
    kept = [starts, ends - 1]
    low, high = (np.where(np.isfinite(y), y, blank) for blank in (np.inf, -np.inf))
    for a, b in zip(starts, ends, strict=True):
        kept.append(a + np.array([np.argmin(low[a:b]), np.argmax(high[a:b])]))
        gaps = np.flatnonzero(np.isnan(y[a:b]))
        kept.append(a + gaps[:1])
    found: NDArray[np.intp] = np.unique(np.concatenate(kept))
    return found


def _thin(line: Line2D) -> None:
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    if len(x) > 4 * _BINS and np.isfinite(x).all() and (np.diff(x) >= 0).all() and x[0] < x[-1]:
        places = thinned(x, y, _BINS)
        line.set_data(x[places], y[places])


def _fit(figure: Figure) -> float:
    """Make a tall figure lower, as far as its panels bear it; return how small to show it."""
    width, height = figure.get_size_inches()
    if height <= _TALLEST:
        return 1.0
    lower = max(_TALLEST, _BEARS * height)
    figure.set_size_inches(width, lower)
    return float(_TALLEST / lower)


def _keep_ink_on_areas(figure: Figure) -> None:
    """Let text and lines on a map or an area of colour stay black: what is below them stays."""
    figure.draw_without_rendering()  # places the texts
    for axes in figure.axes:
        is_map = any(isinstance(artist, QuadMesh | AxesImage) for artist in axes.get_children())
        for text in axes.texts:
            extent = text.get_window_extent()
            middle = ((extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2)
            if to_hex(text.get_color()) in _INKS and (is_map or _is_covered(axes, middle)):
                text.set_color(_KEPT_INK)
        for line in axes.lines:
            if is_map and to_hex(line.get_color()) in _INKS:
                line.set_color(_KEPT_INK)


def _is_covered(axes: Axes, place: tuple[float, float]) -> bool:
    """Whether an area of full colour lies at a place, in display coordinates."""
    for patch in axes.patches:
        is_full = patch.get_fill() and to_rgba(patch.get_facecolor())[3] > _CLEAR
        if is_full and patch.contains_point(place):
            return True
    for found in axes.collections:
        if isinstance(found, PolyCollection) and _opacity(found) > _CLEAR:
            x, y = found.get_transform().inverted().transform(place)
            if any(path.contains_point((x, y)) for path in found.get_paths()):
                return True
    return False


def _opacity(areas: PolyCollection) -> float:
    faces = to_rgba_array(areas.get_facecolor())
    return float(faces[0, 3]) if len(faces) else 0.0


def _as_image(axes: Axes) -> None:
    """Draw an axes' lines and areas as points of an image; a grey stands for the page's ink."""
    for line in axes.lines:
        line.set_rasterized(True)
        if to_hex(line.get_color()) in _INKS:
            line.set_color("#808080")
    for artist in [*axes.collections, *axes.patches]:
        artist.set_rasterized(True)
        if isinstance(artist, Collection) and not isinstance(artist, QuadMesh):
            artist.set_antialiased(False)


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "path.simplify_threshold": 0.3}):
        figure.savefig(
            stream,
            format="svg",
            dpi=_DPI,
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*|\n\s*", lambda m: "\n" if m[0][0] == "\n" else "", text)
    return text.replace(
        "<svg ", '<svg fill="currentColor" stroke-linejoin="round" stroke-linecap="butt" ', 1
    )

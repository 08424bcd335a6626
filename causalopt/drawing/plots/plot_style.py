"""What all plots look like, from a palette: matplotlib's settings, and axes in a theme."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import matplotlib
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from causalopt.drawing.palette import DARK, LIGHT, Palette, colours, contrast, luminance, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

PAGE = 6.5  # inches: the width of a page's text, where nothing is set smaller than SMALL
SMALL = 7.0  # points
TEXT = 8.0
TITLE = 9.5
_SETTINGS = threading.RLock()  # matplotlib's settings are of the process


@contextmanager
def styled(palette: Palette) -> Iterator[None]:
    """Draw in a palette: what is made inside has its colours, sizes and widths."""
    with _SETTINGS, matplotlib.rc_context(cast(Any, settings(palette))), themed(palette):
        yield


def settings(palette: Palette) -> dict[str, Any]:
    """Return matplotlib's settings for a palette."""
    return {
        "font.family": ["DejaVu Sans"],
        "font.size": TEXT,
        "text.color": palette.ink,
        "figure.facecolor": palette.paper,
        "figure.edgecolor": palette.paper,
        "figure.titlesize": TITLE,
        "savefig.facecolor": "auto",
        "axes.facecolor": palette.paper,
        "axes.edgecolor": palette.faint,
        "axes.linewidth": 0.8,
        "axes.labelcolor": palette.ink,
        "axes.labelsize": TEXT,
        "axes.titlesize": TEXT,
        "axes.titlecolor": palette.ink,
        "axes.axisbelow": True,
        "axes.grid": False,
        "axes.prop_cycle": cycler(color=palette.series),
        "axes.unicode_minus": True,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.0,
        "patch.linewidth": 0.6,
        "hatch.linewidth": 0.7,
        "legend.fontsize": TEXT - 0.5,
        "legend.title_fontsize": TEXT - 0.5,
        "legend.frameon": False,
        "legend.labelcolor": palette.ink,
        "legend.facecolor": palette.paper,
        "legend.edgecolor": palette.faint,
        "xtick.labelsize": TEXT - 0.5,
        "ytick.labelsize": TEXT - 0.5,
        "xtick.color": palette.faint,
        "ytick.color": palette.faint,
        "xtick.labelcolor": palette.ink,
        "ytick.labelcolor": palette.ink,
        "grid.color": palette.grid,
        "grid.linewidth": 0.8,
        "image.cmap": "viridis",
    }


def palette_of_ground(axes: Axes) -> Palette:
    """Return the palette that is legible on a user's figure: the dark one if its ground is dark."""
    assert axes.figure is not None
    red, green, blue = to_rgb(axes.get_facecolor())
    return DARK if luminance(to_hex((red, green, blue))) < 0.18 else LIGHT


def settle(axes: Axes) -> None:
    """Give ticks their look: matplotlib makes them late, when its settings are others again.

    What is written is written as it is, for a label may have dollar signs; tick labels may be
    powers of ten.
    """
    palette = colours()
    axes.tick_params(
        which="both", color=palette.faint, labelcolor=palette.ink, grid_color=palette.grid
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_offset_text().set(color=palette.ink, fontsize=SMALL)
        axis.label.set_parse_math(False)
    legend = axes.get_legend()
    written = [axes.title, *axes.texts, *(legend.get_texts() if legend else ())]
    for text in written:
        text.set_parse_math(False)


def repaint(axes: Axes) -> None:
    """Give axes that were there before, and their figure's ground, the theme's colours."""
    palette = colours()
    assert axes.figure is not None
    axes.figure.set_facecolor(palette.paper)
    axes.set_facecolor(palette.paper)
    axes.spines[:].set_color(palette.faint)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
        text.set_color(palette.ink)
    settle(axes)


def op_map() -> Colormap:
    """Return the colours of Op: below 0 that of amplifying, above 0 that of compressing."""
    return ramp("op", colours().op_stops)


def signed_map() -> Colormap:
    """Return the colours of values on both sides of 0 that are not Op."""
    return ramp("signed", colours().signed_stops)


def size_map() -> Colormap:
    """Return the colours of values with one sign."""
    return ramp("size", colours().size_stops)


def ramp(name: str, stops: Sequence[str]) -> Colormap:
    """Return a map of colours through stops that are equally far apart."""
    found = LinearSegmentedColormap.from_list(f"{name}_{colours().name}", list(stops))
    return found.with_extremes(bad=colours().statuses["no_influence"])


def ink_on(ground: str) -> str:
    """Return the colour in which text is read best on a ground."""
    palette = colours()
    return max((palette.ink, palette.paper), key=lambda colour: contrast(colour, ground))


def text_inches(text: str, size: float) -> float:
    """Return how wide a text of one line is set, in inches."""
    font = FontProperties(family="DejaVu Sans", size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72.0


def wrapped(text: str, inches: float, size: float = TEXT) -> list[str]:
    """Return a text in lines that are not wider than so many inches.

    Lines end at spaces, and inside a word that is longer than a line after a comma, a bracket or
    an operator; where it has none of these, anywhere.
    """
    lines = [""]
    for piece in _pieces(text):
        if text_inches(lines[-1] + piece.rstrip(), size) <= inches:
            lines[-1] += piece
            continue
        if lines[-1]:
            lines.append("")
        while text_inches(piece.rstrip(), size) > inches and len(piece) > 1:
            fits = max(1, next(k for k in range(len(piece), 0, -1) if k == 1
                               or text_inches(piece[:k], size) <= inches))  # fmt: skip
            lines[-1], piece = piece[:fits], piece[fits:]
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines if line.strip()]


def _pieces(text: str) -> list[str]:
    pieces, start = [], 0
    for place, letter in enumerate(text):
        if letter in " ,;|&+)}]":
            pieces.append(text[start : place + 1])
            start = place + 1
    return [*pieces, text[start:]] if start < len(text) else pieces


def shortened(text: str, inches: float, size: float = TEXT) -> str:
    """Return a text that is not wider than so many inches, its end left out if need be."""
    if text_inches(text, size) <= inches:
        return text
    while text and text_inches(text + "…", size) > inches:
        text = text[:-1]
    return text + "…"

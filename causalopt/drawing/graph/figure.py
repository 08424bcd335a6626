"""The picture by matplotlib, for PNG and PDF: the same shapes as in SVG, in points."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from causalopt.drawing.graph.shapes import Caption, Outline, Scene, Stroke

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXEL = 0.75  # points: CSS counts 96 pixels and print 72 points to the inch
DPI = 144.0
LARGEST = 24_000  # pixels on a side: more than matplotlib and most viewers can hold
PDF_LIMIT = 190.0  # inches on a side: a PDF page ends at 200
_CODES = {"M": [Path.MOVETO], "L": [Path.LINETO], "C": [Path.CURVE4] * 3, "Z": [Path.CLOSEPOLY]}


def scene_figure(scene: Scene) -> Figure:
    """Return a scene as a matplotlib figure of the same size."""
    scale = min(1.0, PDF_LIMIT * 96 / max(scene.width, scene.height))
    figure = Figure(figsize=(scene.width / 96 * scale, scene.height / 96 * scale))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    order = 0
    for group in scene.groups:
        for shape in group.shapes:
            order += 1
            if isinstance(shape, Caption):
                _write(axes, shape, order, scale)
            else:
                axes.add_patch(_patch(shape, order, scale))
    return figure


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """Return a figure as PNG or PDF, with nothing in it that changes from run to run."""
    metadata = {"Software": None} if kind == "png" else {"CreationDate": None, "Producer": None}
    dpi = min(DPI, LARGEST / max(figure.get_size_inches()))
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=dpi, metadata=metadata)
    return stream.getvalue()


def _patch(shape: Outline, order: int, scale: float) -> PathPatch:
    vertices: list[tuple[float, float]] = []
    codes: list[int] = []
    for command in shape.commands:
        values = [float(value) for value in command[1:]] or [0.0, 0.0]
        vertices += zip(values[::2], values[1::2], strict=True)
        codes += [int(code) for code in _CODES[command[0]]]
    stroke = shape.stroke or Stroke("none", 0)
    width = stroke.width * PIXEL * scale
    # matplotlib counts a dash in line widths, SVG in pixels.
    dash = tuple(length / stroke.width for length in stroke.dash)
    return PathPatch(
        Path(vertices, codes),
        facecolor=shape.fill or "none",
        edgecolor=stroke.colour,
        linewidth=width,
        linestyle=(0, dash) if dash else "-",
        capstyle="butt",
        joinstyle="round",
        zorder=order,
    )


def _write(axes: Axes, text: Caption, order: int, scale: float) -> None:
    axes.text(
        text.x,
        text.y + 0.36 * text.size,
        text.text,
        fontsize=text.size * PIXEL * scale,
        color=text.colour,
        ha={"start": "left", "middle": "center", "end": "right"}[text.anchor],
        va="baseline",
        fontweight="bold" if text.bold else "normal",
        family="DejaVu Sans",
        parse_math=False,
        zorder=order,
    )

"""Part 2's figures of the continuous thermostat: the law at t - 1, t, t + 1, and decorrelated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from causalopt.laws.planar import AffinePiece, PlanarLaw, ProductDensity, moved, step
from causalopt.worlds.replacement import replace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXELS = 200


def plot_parallelograms(
    law: PlanarLaw, piece: AffinePiece, *, A: int, names: tuple[str, str] = ("R", "T")
) -> Figure:
    """Return five panels: P at t - 1, t and t + 1, and P' at t and t + 1.

    Args:
        law: The law at t - 1, uniform on polygons.
        piece: The affine step.
        A: The coordinate replaced by an independent replica's, 0 or 1.
        names: The coordinates.

    Example:
        >>> from causalopt.laws.planar import uniform_box
        >>> turn = AffinePiece(np.array([[1.0, -0.3], [1.0, 0.0]]), np.zeros(2))
        >>> start = uniform_box((9.95, 9.95), (10.05, 10.05))
        >>> len(plot_parallelograms(start, turn, A=1).axes)
        5
    """
    now = step(law, [piece])
    apart = replace(now, [A], now)
    panels: list[tuple[str, PlanarLaw | ProductDensity]] = [
        ("t - 1", law),
        ("t", now),
        ("t + 1", step(now, [piece])),
        ("t, decorrelated", apart),
        ("t + 1, decorrelated", moved(apart, piece)),
    ]
    figure = Figure(figsize=(15.0, 3.4), layout="constrained")
    for axes, (title, shown) in zip(figure.subplots(1, 5), panels, strict=True):
        low, high = _draw(axes, shown)
        margin = 0.08 * (high - low)
        axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
        axes.set_title(f"{title}\nS = {shown.entropy():.4f} nat", fontsize=10)
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        axes.ticklabel_format(useOffset=False)
    return figure


def _draw(axes: Axes, law: PlanarLaw | ProductDensity) -> tuple[np.ndarray, np.ndarray]:
    """Draw a law and return the corners of what it covers."""
    if isinstance(law, PlanarLaw):
        for polygon, _ in law.pieces:
            axes.fill(*polygon.T, color="C0", alpha=0.75)
        corners = np.vstack([polygon for polygon, _ in law.pieces])
        return corners.min(axis=0), corners.max(axis=0)
    corners = _support(law)
    low, high = corners.min(axis=0), corners.max(axis=0)
    x, y = (np.linspace(low[i], high[i], PIXELS) for i in (0, 1))
    density = law.density(np.stack(np.meshgrid(x, y), axis=-1))
    extent = (low[0], high[0], low[1], high[1])
    axes.imshow(density, origin="lower", extent=extent, aspect="auto", cmap="Blues")
    return low, high


def _support(law: ProductDensity) -> np.ndarray:
    """Return the corners of a product's support: a rectangle, moved."""
    ends = [(r.knots[0], r.knots[-1]) for r in (law.first, law.second)]
    corners = np.array([[x, y] for x in ends[0] for y in ends[1]])
    return np.asarray(corners @ law.matrix.T + law.shift)

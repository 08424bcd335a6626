"""Figures that show themselves in a notebook, without a backend chosen and without pyplot."""

from __future__ import annotations

import io
from typing import Any

from matplotlib.figure import Figure

DPI = 192.0  # pixels to the inch in a notebook: two to each of a page's


class ShownFigure(Figure):
    """A figure that is the last word of a cell and is shown there, once.

    Where `%matplotlib inline` is in force its way of showing figures comes first and this one is
    not asked; pyplot does not know the figure, so that it does not show it a second time.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Return the picture and its size on the page, as IPython asks of what it shows."""
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=DPI)
        width, height = (round(96 * inches) for inches in self.get_size_inches())
        return stream.getvalue(), {"width": width, "height": height}

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure; see `matplotlib.figure.Figure.savefig`."""
        # The layout makes room for tick labels that only a first drawing knows.
        self.draw_without_rendering()
        super().savefig(fname, **options)

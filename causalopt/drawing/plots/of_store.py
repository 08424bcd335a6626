"""The plot of a sweep's store, full or not: what is there, and plain ground where nothing is."""

from __future__ import annotations

from causalopt.drawing.plots.panels import PanelLayout, drawn
from causalopt.drawing.plots.swept_data import swept_data
from causalopt.drawing.plots.swept_panels import swept_layout
from causalopt.drawing.plots.swept_titles import identity_lines
from causalopt.results import plot
from causalopt.sweeps.sweep_store import SweepStore


@plot.register(SweepStore)
@drawn
def plot_store(store: SweepStore, measure: str | None = None) -> PanelLayout:
    """Return a figure of a store as it is now, as `plot_swept` draws a dataset.

    Of a large one every so many values of each axis are read, and the title says so.

    Args:
        store: The store.
        measure: One of its variables; by default its measure's own, and Comp beside Op in a line.

    Returns:
        The figure, not shown.

    Raises:
        QuestionError: There is no such measure.
    """
    title = identity_lines(store.identity)
    return swept_layout(swept_data(store.dataset, title=title, drawn=store.layout.drawn), measure)

"""The plot of a sweep: curves, maps and small multiples, of one in memory and of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from causalopt.drawing.plots.panels import PanelLayout, drawn
from causalopt.drawing.plots.swept_data import measure_sweep_data, sweep_data, swept_data
from causalopt.drawing.plots.swept_panels import swept_layout
from causalopt.effects.sweeps.sweep import Sweep
from causalopt.results import plot
from causalopt.sweeps.measure_sweep import MeasureSweep

if TYPE_CHECKING:
    import xarray


@plot.register(Sweep)
@drawn
def plot_sweep(sweep: Sweep, measure: str | None = None) -> PanelLayout:
    """Return a figure of a sweep: lines over one axis, a map over two, slices of more.

    On a map the axis before the last goes up and the last one to the right. Each combination of
    values of the axes before them is a slice, and all slices have one scale; of many, nine are
    shown, evenly spread. An axis whose points are logarithmically spaced is drawn so. Op has 0 in
    the middle of its colours and Comp 1; an infinite Op has the colour of its end. Points whose
    status is not ok are hatched, those without a number in the status's colour.

    Args:
        sweep: The sweep.
        measure: "op", "comp", "total", "direct" or "w" (W's value of m). Op by default, and Comp
            too over one axis.

    Returns:
        The figure, not shown. Panels: over one axis the five measures and `status`; over two the
        five measures; of more the slices, called as `k=0.1`, or `k=0.1, d=20`.

    Raises:
        QuestionError: There is no such measure.
    """
    return swept_layout(sweep_data(sweep), measure)


@plot.register(MeasureSweep)
@drawn
def plot_measure_sweep(
    sweep: MeasureSweep, measure: str | None = None, remark: str = ""
) -> PanelLayout:
    """Return a figure of a sweep of any measure over axes of any kind, as `plot_swept` draws it.

    Args:
        sweep: The sweep.
        measure: One of its variables; by default its measure's own, and Comp beside Op in a line.
        remark: A line more above the figure.

    Returns:
        The figure, not shown.

    Raises:
        QuestionError: There is no such measure.
    """
    return swept_layout(measure_sweep_data(sweep, remark), measure)


@drawn
def plot_swept(dataset: xarray.Dataset, measure: str | None = None) -> PanelLayout:
    """Return a figure of a sweep's dataset, in memory or of a store, also of one that is not full.

    As `plot_sweep`, for every kind of axis. A list of words (held sets, nudges, targets) gives a
    panel to each, two lists rows and columns of panels, with one scale. Seeds are faint lines with
    their median over one axis of numbers, and panels otherwise. The points of a design are dots
    over one quantity, or scattered over two, with a panel for each of more. What nobody computed
    yet is plain ground, and the legend counts it as missing. Of a large store every so many values
    of each axis are read; the title says so.

    Args:
        dataset: The dataset of a sweep: `found.dataset`, or what `xarray.open_zarr` opens.
        measure: One of its variables; by default what its attributes name, or Op.

    Returns:
        The figure, not shown.

    Raises:
        QuestionError: There is no such measure, or it is the dataset of something else.
    """
    return swept_layout(swept_data(dataset), measure)

"""Pictures of studies: landscapes side by side on one scale, and rates along a parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Normalize, SymLogNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from causalopt.drawing.palette import colours
from causalopt.drawing.plots.axis_scales import cell_edges
from causalopt.drawing.plots.measure_maps import Shades, draw_measure_map, status_keys
from causalopt.drawing.plots.panel_parts import legend_for_all, plain_axes
from causalopt.drawing.plots.panels import Panel, PanelLayout, drawn
from causalopt.drawing.plots.plot_style import PAGE, SMALL, op_map, signed_map
from causalopt.effects.measures import NAMES
from causalopt.errors import QuestionError
from causalopt.results import plot
from causalopt.studies.landscape_maps import LandscapeMaps
from causalopt.studies.rate_diagram import RateDiagram

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from causalopt.engine.contract import Floats
    from causalopt.studies.landscape_study import StudyQuestion

_WIDE = 10.0  # inches: of many panels beside each other
_RARE = 0.98  # the quantile of sizes beyond which points take the colour of the end
_LEAST_COMP = 3.0
_STEEP = 5.0  # nats from which a scale is logarithmic beyond 1
_DECADES = (1.0, 3.0, 10.0, 30.0, 100.0, 1e3, 1e4, 1e6, 1e9, 1e12, 1e15, 1e20)
_DASHES = ("-", "--", "-.", ":", (0, (3, 1, 1, 1)), (0, (6, 1)))


@plot.register(LandscapeMaps)
@drawn
def plot_landscape_maps(
    found: LandscapeMaps, figure: int = 0, measure: str | None = None
) -> PanelLayout:
    """Return one picture of a study: a panel for each question and step, all on one scale.

    The scale is that of all of the study's pictures of the measure. Op has 0 in the middle; Comp
    has 0 there, where A compresses perfectly and beyond which what is left is reversed, and a line
    where |Comp| is 1. Points whose status is not ok are hatched.

    Args:
        found: The landscapes.
        figure: Which of `found.figures`.
        measure: "op" or "comp"; the study's first when not given.

    Returns:
        The figure, not shown. Panels: the questions, such as `Op(a; b[0], c)`, with the time
        where there are several.

    Raises:
        QuestionError: There is no such picture or measure.
    """
    measure = found.study.measures[0] if measure is None else measure
    if measure not in ("op", "comp"):
        raise QuestionError(f"measure is one of op, comp; {measure!r} came")
    if not 0 <= figure < len(found.figures):
        raise QuestionError(f"figure is a number from 0 to {len(found.figures) - 1}")
    values = found.op if measure == "op" else found.comp
    shades = _shades(values, measure)
    columns = min(found.study.columns, len(found.panels))
    names = _panel_names(found)
    width = _WIDE if columns > 3 else PAGE
    height = 0.78 * (width - 1.4) / columns
    rows = -(-len(names) // columns)
    panels = [
        Panel(
            name,
            _map_of(found, (figure, *place), shades, measure, _Sides(k, columns, len(names))),
            height,
            column=k % columns,
        )
        for k, (name, place) in enumerate(zip(names, found.panels, strict=True))
    ]

    def finish(several: Sequence[Axes]) -> None:
        root = several[0].figure
        assert root is not None
        bar = root.colorbar(
            shades.mappable, ax=list(several), extend=shades.extend, pad=0.01,
            aspect=18 * rows, fraction=0.03,
        )  # fmt: skip
        _ticks(bar, shades)
        bar.set_label(
            "Op [nats]\nabove 0 A compresses"
            if measure == "op"
            else "Comp\nA compresses between -1 and 1"
        )
        legend_for_all(several, _keys(found, figure, values, shades))

    return PanelLayout(_title(found, figure, measure), panels, width=width, finish=finish)


def _title(found: LandscapeMaps, figure: int, measure: str) -> tuple[str, ...]:
    parts = [found.figure_name(figure)]
    if len(found.study.at) == 1:
        parts.append(f"after {_duration(found, found.study.at[0])}")
    what = {"op": "Op", "comp": "Comp"}[measure]
    return (found.study.title, ", ".join(filter(None, [what, *parts])))


def _duration(found: LandscapeMaps, at: int) -> str:
    time = found.time_of(at)
    return f"{time:g} {found.clock}{'' if time == 1 else 's'}"


def _panel_names(found: LandscapeMaps) -> list[str]:
    """Return what panels are called: the question, and the time where there are several."""
    several = len(found.study.at) > 1
    names = []
    for question, k in found.panels:
        time = f", t = {found.time_of(found.study.at[k]):g}" if several else ""
        names.append(question_name(found.study.questions[question]) + time)
    return names


def question_name(asked: StudyQuestion) -> str:
    """Return what is asked as the theory writes it, such as `Op({a, b}; c[0], c)`."""
    hold = "{" + asked.hold + "}" if "," in asked.hold else asked.hold
    return f"Op({hold}; {asked.nudge}, {asked.target})"


def _is_table(found: LandscapeMaps) -> bool:
    """Whether a row is a question and a column a time."""
    return len(found.study.at) > 1 and found.study.columns == len(found.study.at)


def axis_label(found: LandscapeMaps, axis: str) -> str:
    """Return what stands along an axis: of the plane's own coordinate, the starts that it is."""
    same = [f"{v}[0]" for v, text in found.study.initial.items() if str(text).strip() == axis]
    return " = ".join(same) or axis


class _Sides:
    """Which sides of a panel are labelled: the left of the first column, below where none is."""

    def __init__(self, place: int, columns: int, count: int) -> None:
        self.left = place % columns == 0
        self.below = place + columns >= count


def _shades(values: Floats, measure: str) -> Shades:
    """Return one scale for all panels: linear up to a size, logarithmic on both sides beyond."""
    sizes = np.abs(values[np.isfinite(values)])
    largest = float(sizes.max(initial=0.0))
    usual = float(np.quantile(sizes, _RARE)) if sizes.size else 0.0
    reach = max(usual if largest > 1.5 * usual > 0 else largest, 1e-9)
    if measure == "comp":
        reach = max(reach, _LEAST_COMP)  # strong colours are for what is amplified
    norm: Any = Normalize(-reach, reach)
    if reach > _STEEP:
        norm = SymLogNorm(linthresh=1.0, linscale=1.0, vmin=-reach, vmax=reach)
    extend = "both" if reach < largest else "neither"
    shown = op_map() if measure == "op" else signed_map()
    return Shades(norm, shown, extend, is_op=measure == "op")


def _ticks(bar: Any, shades: Shades) -> None:
    """Mark a logarithmic scale at round numbers, no two of them on each other."""
    if not isinstance(shades.norm, SymLogNorm):
        return
    reach = float(shades.norm.vmax or 1.0)
    sizes = [size for size in _DECADES if size <= reach]
    while len(sizes) > 4:
        sizes = sizes[::2]
    ticks = [-size for size in reversed(sizes)] + [0.0, *sizes]
    bar.ax.yaxis.set_major_locator(FixedLocator(ticks))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    bar.ax.yaxis.set_minor_locator(NullLocator())


def _map_of(
    found: LandscapeMaps, place: tuple[int, ...], shades: Shades, measure: str, sides: _Sides
) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        values = (found.op if measure == "op" else found.comp)[place]
        (right, x), (up, y) = found.axes.items()
        edges = (cell_edges(x), cell_edges(y))
        draw_measure_map(axes, edges, values, NAMES[found.codes[place]], shades)
        if measure == "comp":
            size = np.abs(np.where(np.isfinite(values), values, np.nan))
            if np.nanmin(size, initial=2.0) < 1 < np.nanmax(size, initial=0.0):
                axes.contour(x, y, size, [1.0], colors=colours().ink, linewidths=0.4)
        _draw_marks(axes, found, place[0])
        asked, time = found.study.questions[place[1]], found.study.at[place[2]]
        head = f"t = {found.time_of(time):g}"
        names = (
            question_name(asked)
            if measure == "op"
            else question_name(asked).replace("Op", "Comp", 1)
        )
        if not _is_table(found):
            head = names + (f"\n{head}" if len(found.study.at) > 1 else "")
        axes.set_title(head, pad=3)
        axes.tick_params(labelleft=sides.left, labelbottom=sides.below, length=2)
        label = axis_label(found, up)
        if _is_table(found):
            label = "\n".join([names.replace("; ", ";\n"), label])
        axes.set(
            xlabel=axis_label(found, right) if sides.below else "",
            ylabel=label if sides.left else "",
            xlim=edges[0][[0, -1]],
            ylim=edges[1][[0, -1]],
        )

    return draw


def _draw_marks(axes: Axes, found: LandscapeMaps, figure: int) -> None:
    crossings = found.crossings[figure]
    ink, paper = colours().ink, colours().paper
    if len(crossings):
        axes.plot(*crossings.T, ".", color=ink, markersize=1.0, markeredgewidth=0, rasterized=True)
    for x, y in found.marks[figure].values():
        axes.plot(
            x, y, "o", markersize=3.5, markerfacecolor=paper, markeredgecolor=ink,
            markeredgewidth=0.8, clip_on=True,
        )  # fmt: skip


def _keys(found: LandscapeMaps, figure: int, values: Floats, shades: Shades) -> list[Any]:
    """Return the legend: statuses of this picture, the marked points and the long run."""
    shown = values[figure]
    keys = status_keys(shown, NAMES[found.codes[figure]], shades, found.op[figure])
    ink, paper = colours().ink, colours().paper
    if found.marks[figure]:
        label = ", ".join(found.marks[figure])
        keys.append(
            Line2D([], [], marker="o", linestyle="none", markersize=4, markerfacecolor=paper,
                   markeredgecolor=ink, label=label)
        )  # fmt: skip
    if len(found.crossings[figure]):
        keys.append(
            Line2D([], [], marker=".", linestyle="none", markersize=3, color=ink,
                   label="where a long run crosses the plane")
        )  # fmt: skip
    return keys


@plot.register(RateDiagram)
@drawn
def plot_rate_diagram(found: RateDiagram) -> PanelLayout:
    """Return the picture of rates along a parameter.

    Returns:
        The figure, not shown. Panels: `maxima` of a variable in the long run, `exponents`, the
        largest Lyapunov exponent and the conditional ones, and `op`, the rates of Op.
    """
    under = found.parameter
    panels = [
        Panel("maxima", lambda axes: _draw_maxima(axes, found), 2.4, under=under, shares=True),
        Panel(
            "exponents", lambda axes: _draw_exponents(axes, found), 2.2, under=under, shares=True
        ),
        Panel("op", lambda axes: _draw_op(axes, found), 2.6, under=under, shares=True),
    ]
    along = found.study.along
    assert along is not None
    title = (found.study.title, f"{along.maxima}, exponents and Op per unit of time over {under}")
    return PanelLayout(title, panels, width=PAGE)


def _draw_maxima(axes: Axes, found: RateDiagram) -> None:
    plain_axes(axes)
    along = found.study.along
    assert along is not None
    _draw_transitions(axes, found, named=True)
    for branch, name in reversed(list(enumerate(found.branches))):
        x = np.repeat(found.values, found.maxima.shape[2])
        y = found.maxima[branch].ravel()
        axes.plot(
            x, y, ".", color=_branch_colour(branch), markersize=1.6 if branch == 0 else 2.4,
            markeredgewidth=0, rasterized=True, label=name,
        )  # fmt: skip
    axes.set_ylabel(f"maxima of {along.maxima}")
    axes.set_xlim(along.low, along.high)
    if len(found.branches) > 1:
        legend_for = axes.legend(loc="upper left", markerscale=4, title="started")
        legend_for.set_alignment("left")


def _branch_colour(branch: int) -> str:
    return (colours().ink, colours().red, colours().green)[branch % 3]


def _draw_transitions(axes: Axes, found: RateDiagram, *, named: bool = False) -> None:
    along = found.study.along
    assert along is not None
    for k, (name, value) in enumerate(along.marks.items()):
        axes.axvline(value, color=colours().faint, linewidth=0.7, linestyle=":", zorder=1)
        if named:
            axes.text(
                value, 1.01 + 0.085 * (k % 2), f"{name} {value:g}", ha="center", va="bottom",
                fontsize=SMALL, color=colours().muted, transform=axes.get_xaxis_transform(),
            )  # fmt: skip


def _draw_exponents(axes: Axes, found: RateDiagram) -> None:
    plain_axes(axes)
    _draw_transitions(axes, found)
    axes.axhline(0, color=colours().faint, linewidth=0.8)
    for branch, name in enumerate(found.branches):
        tail = f", {name}" if len(found.branches) > 1 else ""
        axes.plot(
            found.values, found.lyapunov[branch], color=_branch_colour(branch), linewidth=1.6,
            label=f"Lyapunov{tail}",
        )  # fmt: skip
    for question, colour, dash in _looks(found):
        hold = found.study.questions[question].hold
        axes.plot(
            found.values, found.conditional[0, question], color=colour, linestyle=dash,
            linewidth=1.1, label=f"B given {{{hold}}}",
        )  # fmt: skip
    axes.set_yscale("symlog", linthresh=1.0, linscale=1.2)
    axes.yaxis.set_major_locator(FixedLocator([-10, -3, -1, 0, 1]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylabel("largest exponent")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _looks(found: RateDiagram) -> list[tuple[int, str, Any]]:
    """Return question -> colour and dash."""
    series = colours().series
    return [
        (k, series[k % len(series)], _DASHES[k % len(_DASHES)])
        for k in range(len(found.study.questions))
    ]


def _draw_op(axes: Axes, found: RateDiagram) -> None:
    plain_axes(axes)
    _draw_transitions(axes, found)
    axes.axhline(0, color=colours().ink, linewidth=0.8)
    for question, colour, dash in _looks(found):
        asked = found.study.questions[question]
        axes.plot(
            found.values, found.op[0, question], color=colour, linestyle=dash, linewidth=1.3,
            label=question_name(asked),
        )  # fmt: skip
        for branch in range(1, len(found.branches)):
            axes.plot(
                found.values, found.op[branch, question], ".", color=colour, markersize=2.5,
                markeredgewidth=0,
            )  # fmt: skip
    if len(found.branches) > 1:
        axes.plot([], [], ".", color=colours().muted, label=found.branches[1])
    axes.set_yscale("symlog", linthresh=1.0, linscale=1.2)
    axes.yaxis.set_major_locator(FixedLocator([-10, -3, -1, 0, 1]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylabel(f"Op rate [{found.unit}]")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))

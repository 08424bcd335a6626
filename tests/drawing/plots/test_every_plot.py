"""What holds of the picture of every result: its panels, a user's axes, both themes, the page."""

from __future__ import annotations

import ast
import io
import itertools
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

import causalopt
from causalopt import results
from causalopt.drawing.palette import PALETTES, contrast
from causalopt.errors import QuestionError
from tests.drawing.plots.plottables import PLOTS, plot_of

PAGE = 6.5  # inches
EVERY = pytest.mark.parametrize("name", PLOTS)


def panels_of(name: str) -> list[str]:
    """Return the names of all panels, from the message that refuses another."""
    with pytest.raises(QuestionError, match="no panel 'nonsense': this plot has ") as error:
        plot_of(name)(panels="nonsense")
    listed = str(error.value).partition("this plot has ")[2]
    return list(ast.literal_eval(f"[{listed}]"))


def texts_of(figure: Figure) -> list[Text]:
    """Return the texts that are seen."""
    found = []
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text().strip():
            found.append(text)
    return found


def is_drawn(axes: Axes) -> bool:
    parts = (axes.lines, axes.patches, axes.collections, axes.images, axes.texts, axes.containers)
    return any(len(part) for part in parts)


@EVERY
def test_all_is_within_the_figure_and_large_enough_at_the_width_of_a_page(name: str) -> None:
    figure = plot_of(name)()
    figure.draw_without_rendering()
    figure.draw_without_rendering()
    assert figure.get_size_inches()[0] <= PAGE + 1e-9
    box, wrong = figure.bbox, []
    beyond = {id(text) for axes in figure.axes for text in ticks_beyond(axes)}
    shown = texts_of(figure)
    assert shown
    for text in shown:
        if text.get_fontsize() < 7:
            wrong.append((text.get_text(), f"{text.get_fontsize()} points"))
        edge = text.get_window_extent()
        if id(text) in beyond:
            continue
        if edge.x0 < box.x0 - 1 or edge.x1 > box.x1 + 1 or edge.y0 < -1 or edge.y1 > box.y1 + 1:
            wrong.append((text.get_text(), f"{edge} in {box}"))
    assert wrong == []


@EVERY
@pytest.mark.parametrize("theme", PALETTES)
def test_text_stands_out_from_the_theme_s_paper(name: str, theme: str) -> None:
    figure = plot_of(name)(theme=theme)
    paper = to_hex(figure.get_facecolor())
    assert paper == PALETTES[theme].paper
    for axes in figure.axes:
        for text in labels_of(axes):
            assert contrast(to_hex(text.get_color()), paper) >= 4.5, text.get_text()


def ticks_beyond(axes: Axes) -> list[Text]:
    """Return tick labels that stand beyond an end of their axis, where matplotlib draws none."""
    found: list[Text] = []
    for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = sorted(ends)
        for which in ("major", "minor"):
            ticks = axis.get_major_ticks() if which == "major" else axis.get_minor_ticks()
            hidden = [t for t in ticks if not low <= t.get_loc() <= high or not axes.axison]
            found += [label for t in hidden for label in (t.label1, t.label2)]
    return found


def labels_of(axes: Axes) -> list[Text]:
    """Return what stands on the figure's ground: labels, titles, legends."""
    legend = axes.get_legend()
    found = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
    found += [*axes.get_yticklabels(), *(legend.get_texts() if legend else ())]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


@EVERY
def test_each_panel_is_drawn_alone_into_a_user_s_axes(name: str) -> None:
    names = panels_of(name)
    assert names
    for panel in names[:6]:
        figure = Figure(figsize=(4.0, 3.0))
        left, right = figure.subplots(1, 2)
        assert plot_of(name)(ax=left, panels=panel) is left
        assert is_drawn(left)
        assert not is_drawn(right)
        assert figure.get_size_inches().tolist() == [4.0, 3.0]
        assert figure.get_suptitle() == ""
        assert not figure.legends
    figure.savefig(io.BytesIO(), format="png", dpi=30)  # the last of them still can be written


@EVERY
def test_a_sequence_of_axes_has_the_panels_in_their_order(name: str) -> None:
    names = panels_of(name)[:2][::-1]
    figure = Figure(figsize=(5.0, 4.0), layout="constrained")
    places = figure.subplots(len(names), 1, squeeze=False)
    assert plot_of(name)(ax=places, panels=names) is places
    for axes, panel in zip(places[:, 0], names, strict=True):
        alone = plot_of(name)(panels=panel).axes[0]
        assert axes.get_ylabel() == alone.get_ylabel()
        assert axes.get_xlabel() == alone.get_xlabel()
        assert artists(axes) == artists(alone)


def artists(axes: Axes) -> list[str]:
    """Return what is drawn; a legend for all panels stands in the last axes of a user's."""
    found = [type(child).__name__ for child in axes.get_children()]
    return [kind for kind in found if kind != "Legend"]


def plot_thermostat(**options: Any) -> Any:
    return plot_of("run")(**options)


def test_a_single_axes_is_for_a_single_panel() -> None:
    axes = Figure().subplots()
    with pytest.raises(QuestionError, match=r"5 panels \('worlds', .* need 5 axes, ax has 1: "):
        plot_thermostat(ax=axes)
    with pytest.raises(QuestionError, match=r"1 panels \('op'\) need 1 axes, ax has 2"):
        plot_thermostat(ax=Figure().subplots(2), panels="op")
    assert not is_drawn(axes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"panels": "x"}, "no panel 'x': this plot has 'worlds', 'differences', 'op', 'comp'"),
        ({"panels": ["op", "y"]}, "no panel 'y': this plot has"),
        ({"panels": []}, "panels names none: this plot has 'worlds'"),
        ({"theme": "sepia"}, "theme is one of light, dark; 'sepia' came"),
        ({"ax": 3}, "ax takes matplotlib axes, or a sequence of them, found int"),
        ({"ax": "op"}, "found str"),
    ],
)
def test_what_is_wrong_is_said_with_what_there_is(options: dict[str, Any], message: str) -> None:
    with pytest.raises(QuestionError, match=message):
        plot_thermostat(**options)


def test_the_same_axes_twice_and_a_size_of_a_figure_that_is_there_are_refused() -> None:
    axes = Figure().subplots()
    with pytest.raises(QuestionError, match="the same axes twice"):
        plot_thermostat(ax=[axes, axes], panels=["op", "comp"])
    with pytest.raises(QuestionError, match="figsize is the size of a new figure"):
        plot_thermostat(ax=axes, panels="op", figsize=(3, 3))


def test_a_figure_has_the_size_that_is_asked() -> None:
    assert plot_thermostat(figsize=(9, 4)).get_size_inches().tolist() == [9, 4]
    small, whole = (plot_thermostat(panels=p).get_size_inches() for p in (["op"], None))
    assert small[0] == whole[0]
    assert small[1] < whole[1] / 2  # a panel less is less high


def test_panels_stand_in_the_order_asked_and_the_lowest_has_the_label() -> None:
    figure = plot_thermostat(panels=["comp", "op"])
    assert [axes.get_ylabel() for axes in figure.axes] == ["Comp", "Op [nats]"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "t [steps]"]
    upper, lower = (axes.get_position().y0 for axes in figure.axes)
    assert upper > lower
    assert figure.axes[0].get_shared_x_axes().joined(*figure.axes)


def test_a_theme_paints_a_user_s_axes_and_without_one_the_ground_decides() -> None:
    dark = PALETTES["dark"]
    figure = Figure(facecolor=dark.paper)
    axes = figure.add_subplot(facecolor=dark.paper)
    plot_thermostat(ax=axes, panels="op")
    assert to_hex(axes.lines[0].get_color()) == dark.blue
    bright = Figure().subplots()
    plot_thermostat(ax=bright, panels="op")
    assert to_hex(bright.lines[0].get_color()) == PALETTES["light"].blue
    painted = Figure().subplots()
    plot_thermostat(ax=painted, panels="op", theme="dark")
    assert to_hex(painted.get_facecolor()) == dark.paper
    assert to_hex(painted.figure.get_facecolor()) == dark.paper
    assert contrast(to_hex(painted.yaxis.label.get_color()), dark.paper) >= 4.5


def test_the_two_themes_draw_the_same_numbers() -> None:
    pairs = zip(*(plot_thermostat(theme=theme).axes for theme in PALETTES), strict=True)
    for light, dark in pairs:
        for one, other in zip(light.lines, dark.lines, strict=True):
            np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())


def test_settings_of_matplotlib_are_what_they_were() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot_thermostat(theme="dark")
    with pytest.raises(QuestionError):
        plot_thermostat(panels="x")
    assert dict(matplotlib.rcParams) == before


def test_names_are_written_as_they_are_also_with_dollar_signs() -> None:
    told = causalopt.Model(
        name="money",
        title="prices in $ and $x_1$",
        variables={
            "p": {"rule": "p[t-1]/2 - q[t-1]/4", "initial": 1, "label": "$", "unit": "$"},
            "q": {"rule": "p[t-1]", "initial": 0},
        },
        question={"nudge": "p[0]", "hold": "q", "target": "p"},
    )
    figure = causalopt.run(told, steps=5).plot()
    title = next(t for t in texts_of(figure) if t.get_text().startswith("prices"))
    assert not title.get_parse_math()
    assert figure.axes[0].get_ylabel() == "p ($) [$]"
    assert not figure.axes[0].yaxis.label.get_parse_math()
    figure.draw_without_rendering()


def test_every_result_that_offers_a_plot_has_the_method_and_is_drawn_here() -> None:
    offered = {kind for kind, told in results._MODULES.items() if "plot" in told}
    drawn = set()
    for name in PLOTS:
        made = plot_of(name)
        owner = getattr(made, "__self__", None) or getattr(
            getattr(made, "func", None), "__self__", None
        )
        if owner is not None:
            drawn |= {f"{k.__module__}.{k.__qualname__}" for k in type(owner).__mro__}
    assert offered - drawn == set()


def test_panels_have_names_of_their_own() -> None:
    for name in itertools.islice(PLOTS, 12):
        names = panels_of(name)
        assert len(set(names)) == len(names)


def test_labels_of_a_column_stand_below_each_other() -> None:
    figure = plot_of("run_chaos")(panels=["worlds", "op", "comp"])
    figure.draw_without_rendering()
    places = [axes.yaxis.label.get_position()[0] for axes in figure.axes]
    assert np.ptp(places) < 0.5

"""Figures in a page: what thinning keeps, whose ink is whose, and no rule for the whole page."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from causalopt.showing.inline_figure import inline_figure, thinned
from causalopt.showing.svg_colours import in_page_colours, inline


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=2, max_size=400),
    st.integers(1, 30),
)
def test_of_every_stretch_the_ends_and_extremes_are_kept(values: list[float], bins: int) -> None:
    y = np.array(values)
    x = np.arange(len(y), dtype=float)
    kept = thinned(x, y, bins)
    assert kept[0] == 0
    assert kept[-1] == len(y) - 1
    edges = np.linspace(0, len(y) - 1, bins + 1)
    edges[-1] = np.inf
    for low, high in itertools.pairwise(edges):
        mine = np.flatnonzero((x >= low) & (x < high))
        if not len(mine):
            continue
        assert {mine[0], mine[-1]} <= set(kept)
        seen = y[mine][np.isfinite(y[mine])]
        if len(seen):
            chosen = y[np.intersect1d(mine, kept)]
            assert np.nanmin(chosen) == seen.min()
            assert np.nanmax(chosen) == seen.max()
        assert np.isnan(y[np.intersect1d(mine, kept)]).any() == np.isnan(y[mine]).any()


def test_a_spike_survives_in_a_million_points() -> None:
    figure = Figure()
    axes = figure.subplots()
    y = np.zeros(1_000_000)
    y[123_456] = 7.0
    axes.plot(np.arange(len(y)), y)
    inline_figure(figure)
    (line,) = axes.lines
    assert len(line.get_ydata()) <= 5 * 400
    assert np.max(line.get_ydata()) == 7.0


def test_ink_is_the_page_s_except_on_a_map_of_colours() -> None:
    figure = Figure()
    plain, mapped = figure.subplots(1, 2)
    plain.plot([0, 1], [0, 1], color="black")
    plain.text(0.5, 0.5, "on the page", color="black")
    mapped.imshow([[0.0, 1.0]])
    mapped.text(0, 0, "on the map", color="black")
    text = inline_figure(figure)
    ink = {
        words: re.search(rf"<text style=\"([^\"]*)\"[^>]*>{words}", text)
        for words in ("on the page", "on the map")
    }
    # A text without a fill has that of the element around it: the page's.
    assert "fill" not in ink["on the page"][1]
    assert 'fill="currentColor"' in text[: text.index(">")]
    assert "fill: #000000" in ink["on the map"][1]


def test_text_on_an_area_keeps_its_ink_or_its_white() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.barh([0, 1], [1, 1], color="#56b4e9")
    axes.fill_between([2.0, 3.0], [0.0, 0.0], [1.0, 1.0], color="#e69f00")
    axes.text(0.5, 0, "black on a bar", color="black", ha="center")
    axes.text(0.5, 1, "white on a bar", color="white", ha="center")
    axes.text(2.5, 0.5, "black on a band", color="black", ha="center")
    axes.text(1.5, 0.5, "beside", color="black", ha="center")
    text = inline_figure(figure)
    fills = {
        words: re.findall(r"fill: (#\w+|none)", re.search(f"<text ([^>]*)>{words}", text)[1])
        for words in ("black on a bar", "white on a bar", "black on a band", "beside")
    }
    assert fills == {
        "black on a bar": ["#000000"],
        "white on a bar": ["#fefefe"],
        "black on a band": ["#000000"],
        "beside": [],
    }


def test_nothing_in_it_rules_the_page_around_it() -> None:
    figure = Figure()
    figure.subplots().plot([0, 1])
    text = inline_figure(figure)
    assert text.startswith("<svg")
    assert "<style" not in text
    assert "<?xml" not in text
    assert "height:auto" in text


@pytest.mark.parametrize("white", ["#ffffff", "#FFFFFF", "white"])
def test_paper_is_left_out_in_styles_and_attributes(white: str) -> None:
    svg = f'<svg width="9" height="9"><path style="fill: {white}"/><path fill="{white}"/></svg>'
    assert in_page_colours(svg).count("none") == 2


def test_a_picture_is_no_wider_than_its_place() -> None:
    assert "width:300px;max-width:100%" in inline('<svg a="b" width="900" height="9">', widest=300)
    assert "width:90px" in inline('<svg width="90pt" height="9pt">')

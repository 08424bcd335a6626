"""Every result shows itself: in short, with its table, and as HTML that fits a screen."""

from __future__ import annotations

import dataclasses
import inspect
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt import Model, results
from causalopt.results import Displayed, Tabled, plot, summary
from causalopt.showing.sweep_table import sweep_ensemble_table
from tests.showing.kinds import KINDS, SETUP

MOST_BYTES = 200_000
MOST_LINES = 24
MOST_ROWS = 24
# Public classes that are asked with, not found; and those whose pictures are texts of their own.
ASKED = {
    "ArraySource",
    "Counters",
    "Design",
    "Fact",
    "Node",
    "Nudge",
    "ObjectStore",
    "Partition",
    "Picture",
    "Progress",
    "Question",
    "Replace",
    "Set",
    "Variable",
}
VOID = {"br", "hr", "img", "meta"}
OWN_HEADINGS = {"Candidate", "Description", "Optimizers", "SweepStore", "Through"}


@cache
def found(kind: str) -> Any:
    names: dict[str, Any] = {}
    exec(SETUP, names)
    *before, last = KINDS[kind].split("\n")
    exec("\n".join(before), names)
    return eval(last, names)


class Reader(HTMLParser):
    """What HTML holds: rows of its largest table, texts, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.rows: list[int] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows.append(0)
        if tag == "tr":
            self.rows[-1] += 1

    def handle_startendtag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_public_result_is_among_the_kinds() -> None:
    classes = {
        name for name in causalopt._HOME if inspect.isclass(getattr(causalopt, name))
    } - ASKED
    errors = {name for name in classes if issubclass(getattr(causalopt, name), Exception)}
    assert classes - errors - {"Decorrelated"} <= KINDS.keys()
    assert isinstance(found("Strength"), causalopt.Decorrelated)


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_s_html_is_whole_small_and_in_the_page_s_colours(kind: str) -> None:
    result = found(kind)
    assert type(result).__name__ == kind or kind == "Entropies"
    html = result._repr_html_()
    assert len(html.encode()) < MOST_BYTES
    read = Reader(html)
    assert "script" not in read.tags
    assert max(read.rows, default=0) <= MOST_ROWS
    # Ink and paper are the page's: nothing is white or black but what lies on a map of colours.
    assert not re.search(r"(fill|background)[:=] ?\"?(#fff(fff)?\b|white)", html)
    assert "#1a1a1a" not in html
    shown = "".join(read.texts)
    assert "no picture" not in shown
    assert "no table" not in shown
    heading = repr(result).split("\n")[0]
    assert kind in OWN_HEADINGS or heading in shown


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_s_short_text_fits_a_screen_and_its_long_one_says_as_much(kind: str) -> None:
    result = found(kind)
    lines = repr(result).split("\n")
    assert 1 <= len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= 400
    assert str(result).strip()
    assert "object at 0x" not in repr(result) + str(result)


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_a_plot_has_a_picture(kind: str) -> None:
    result = found(kind)
    offers = [
        results._MODULES.get(f"{base.__module__}.{base.__qualname__}", {})
        for base in type(result).__mro__
    ]
    has = any("plot" in offer for offer in offers) or isinstance(
        result, Model | causalopt.Description
    )
    assert ("<svg" in result._repr_html_()) == has


@dataclasses.dataclass(frozen=True)
class Broken(Tabled):
    """A result of which nothing can be had but its short text."""

    def __repr__(self) -> str:
        return "<script>alert('n')</script> & co"

    @property
    def dataset(self) -> Any:
        raise OSError("the <disk> is gone")


@plot.register(Broken)
def _plot(_: Broken) -> None:
    raise ValueError("no <ink>")


def test_a_result_is_shown_though_its_picture_and_its_table_fail_and_says_so() -> None:
    results.offer({f"{__name__}.Broken": {}})
    html = Broken._repr_html_.__get__(Broken())()
    read = Reader(html)
    shown = "".join(read.texts)
    assert "no picture: ValueError: no <ink>" in shown
    assert "no table: OSError: the <disk> is gone" in shown
    assert "<script>alert('n')</script> & co" in shown
    assert "script" not in read.tags


def test_a_label_that_is_markup_is_a_text() -> None:
    mark = "<script>alert(1)</script>"
    model = Model(
        name="m",
        title=f"{mark} & more",
        source=mark,
        variables={
            "x": {"rule": "x[t-1]/2", "initial": 1, "label": mark, "unit": "<b>"},
            "y": {"rule": "x[t-1] - y[t-1]", "initial": 0, "label": "a & b"},
        },
        partition={"A": ["y"]},
        question={"nudge": "x[0]", "hold": "y", "target": "x", "steps": 5},
    )
    asked = [model, causalopt.run(model), causalopt.world(model), causalopt.find_optimizers(model)]
    for result in [*asked, causalopt.currents(model), causalopt.derive(model)]:
        read = Reader(result._repr_html_())
        assert not {"script", "b"} & set(read.tags)
    assert mark in "".join(Reader(model._repr_html_()).texts)


def test_a_result_s_parts_are_its_own_and_not_its_base_s() -> None:
    assert summary(found("Run")).tables[0].header[0] == "t"
    assert summary(found("ArrayRun")).tables[0].header[1] == "|total|"
    assert isinstance(found("Model"), Displayed)


def test_a_long_run_with_noise_and_a_wide_sweep_stay_small() -> None:
    noise = Model(
        name="noisy",
        variables={
            "u": {"noise": "normal(0,1)"},
            "x": {"rule": "0.9*x[t-1] - a[t-1] + u[t]", "initial": 1},
            "a": {"rule": "x[t-1]/3", "initial": 0},
        },
        partition={"A": ["a"]},
        question={"nudge": "x[0]", "hold": "A", "target": "x", "steps": 50_000},
    )
    long = causalopt.run(noise)
    saturating = causalopt.load("thermostat_saturating")
    grid = {"R[0]": np.linspace(5, 45, 801), "p": np.linspace(0.5, 1, 801)}
    for result in (long, causalopt.world(noise), causalopt.sweep(saturating, grid, at=20)):
        html = result._repr_html_()
        assert "<svg" in html
        assert len(html.encode()) < MOST_BYTES


def test_a_sweep_over_seeds_shows_a_row_a_point_and_not_a_row_a_seed() -> None:
    found = causalopt.sweep(causalopt.load("sgd_spread"), {"T": [0.1, 0.2, 0.3]}, seeds=5, steps=9)
    table = sweep_ensemble_table(found)
    assert [row[0] for row in table.rows] == ["0.1", "0.2", "0.3"]
    column = list(table.header).index("mean Op")
    means = [float(np.mean(found.op[:, k])) for k in range(3)]
    assert [float(row[column]) for row in table.rows] == pytest.approx(means, rel=1e-5)
    page = found._repr_html_()
    assert "mean Op" in page
    assert "op_mean_low" not in page


def test_a_frequency_response_shows_the_table_that_it_prints() -> None:
    found = causalopt.frequency(causalopt.load("pid_loop"))
    page = found._repr_html_()
    for head in ("|Comp|", "|L|", "phase L"):
        assert head in page
        assert head in str(found)
    assert "direct_gain" not in page
    assert f"{abs(found.comp[-1]):.6g}" in page

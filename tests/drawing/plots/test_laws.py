"""Figures of laws."""

from __future__ import annotations

import pytest

import causalopt
from causalopt.drawing.plots.of_law import plot_laws, plot_strength
from causalopt.entropy.declared import finite_model, strength
from causalopt.errors import QuestionError
from causalopt.laws.law_table import law_table

SMART = finite_model(causalopt.load("thermostat_smart"))
WARM = ("low", "warm")


def test_part_2_laws_are_printed_as_in_the_post() -> None:
    found = strength(SMART, at=1, initial="uniform")
    text = law_table(found.P_next_decoupled, rows="thermostat", columns="room")
    assert [line.split() for line in text.splitlines()] == [
        ["hot", "warm", "cold"],
        ["high", "0", "0", "7/27"],
        ["low", "2/27", "1/3", "2/27"],
        ["off", "7/27", "0", "0"],
    ]


def test_every_cell_is_written_in_its_panel() -> None:
    found = strength(SMART, at=1, initial="uniform")
    figure = plot_strength(found, rows="thermostat", columns="room")
    assert len(figure.axes) == 4
    written = [text.get_text() for text in figure.axes[3].texts]
    assert written == ["0", "0", "7/27", "2/27", "1/3", "2/27", "7/27", "0", "0"]
    assert "2.0944" in figure.axes[3].get_title()
    assert figure.axes[0].images[0].get_array().shape == (3, 3)


def test_no_laws_make_no_figure() -> None:
    with pytest.raises(QuestionError, match="at least one law"):
        plot_laws({}, rows="a", columns="b")

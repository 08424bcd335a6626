"""A store on a terminal: what is said of it is what it has, and the coarse picture is upright."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from causalopt.drawing.palette import LIGHT
from causalopt.showing.store_view import (
    CoarsePicture,
    StoreState,
    braille_lines,
    chunk_letters,
    map_cells,
    progress_text,
    store_view,
)

AXES = (("p", 0.1, 2.0), ("R[0]", 5.0, 45.0))


def state(**changes: Any) -> StoreState:
    done = np.arange(100) < 40
    given: dict[str, Any] = {
        "heading": "Op(T; R[0], R) in thermostat, p: 10 x R[0]: 100",
        "done": done,
        "points": 400,
        "total": 1000,
        "statuses": {"ok": 390, "kink": 10},
        "ranges": {"Op [nats]": (-0.5, 2.25)},
    }
    return StoreState(**{**given, **changes})


def picture(values: Any, missing: Any = None, **changes: Any) -> CoarsePicture:
    found = np.asarray(values, dtype=float)
    none = np.zeros(found.shape, dtype=bool) if missing is None else np.asarray(missing)
    axes = AXES if found.ndim == 2 else AXES[1:]
    return CoarsePicture("Op [nats]", found, none, axes, **changes)


def shown(given: StoreState, *, width: int = 80, colours: Any = None) -> str:
    console = Console(width=width, color_system=colours, force_terminal=colours is not None)
    with console.capture() as found:
        console.print(store_view(given))
    return found.get()


def test_the_time_left_is_the_points_left_over_the_rate() -> None:
    assert progress_text(state(rate=5.0)).endswith("5 points/s, 2 min left")
    assert progress_text(state(rate=60.0)).endswith("60 points/s, 10 s left")
    assert progress_text(state()) == "40 of 100 chunks, 400 of 1,000 points"
    full = state(done=np.ones(100, dtype=bool), points=1000, rate=60.0)
    assert progress_text(full) == "100 of 100 chunks, 1,000 of 1,000 points"


def test_failures_and_a_note_are_said_where_there_are_any() -> None:
    assert progress_text(state(failed=31)).endswith(" points, 31 without finite numbers")
    text = shown(state(note="no chunk came for 60 s", rate=1.0))
    for said in ("Op [nats] from -0.5 to 2.25", "ok: 390, kink: 10", "no chunk came for 60 s"):
        assert said in text


@pytest.mark.parametrize("count", [1, 7, 100, 12345])
def test_a_letter_is_full_only_where_all_its_chunks_are_done(count: int) -> None:
    random = np.random.default_rng(count)
    done = random.random(count) < 0.7
    done[: count // 3] = True
    letters = chunk_letters(done, 40)
    ends = np.linspace(0, count, len(letters) + 1).round().astype(int)
    for letter, low, high in zip(letters, ends, ends[1:], strict=False):
        part = done[low:high]
        assert (letter == "█") == part.all()
        assert (letter == " ") == (not part.any())
    assert len(letters) == min(count, 40)


def test_the_map_of_chunks_is_as_wide_as_the_terminal_and_four_lines_at_most() -> None:
    text = shown(state(done=np.ones(10_000, dtype=bool)), width=60)
    lines = [line for line in text.splitlines() if "█" in line]
    assert [line.count("█") for line in lines] == [48] * 4


def test_a_curve_rises_from_the_lower_left_to_the_upper_right_and_has_gaps() -> None:
    rising = np.linspace(0, 1, 40)
    lines = braille_lines(rising, 10, 4, 0.0, 1.0)
    places = [{k for k, letter in enumerate(line) if letter != "\u2800"} for line in lines]
    assert 9 in places[0]
    assert 0 in places[-1]
    assert max(places[-1]) < min(places[0])
    rising[15:25] = np.nan
    gap = [line[4:6] for line in braille_lines(rising, 10, 4, 0.0, 1.0)]
    assert gap == ["\u2800" * 2] * 4


def test_below_a_curve_dots_stand_under_what_is_missing() -> None:
    missing = np.arange(68) >= 34
    values = np.where(missing, np.nan, 1.0)
    text = shown(state(picture=picture(values, missing)))
    (line,) = (line for line in text.splitlines() if "missing" in line)
    dots = line.partition("missing ")[2].rstrip("│ ")
    assert re.fullmatch(r" +·+", dots)
    assert len(dots.strip()) == len(dots) / 2
    assert re.search(r"5 +R\[0\] +45", text)


def test_a_map_has_the_last_value_of_its_first_axis_on_top() -> None:
    cells = map_cells(picture([[-2.0, -2.0], [0.0, 2.0]]), 80, 32)
    low, middle, high = (LIGHT.op_stops[k] for k in (0, len(LIGHT.op_stops) // 2, -1))
    assert cells[1].tolist() == [low, low]
    assert cells[0, 1] == high
    # 256 colours have no exact middle: 0 is within one of them.
    apart = [int(cells[0, 0][k : k + 2], 16) - int(middle[k : k + 2], 16) for k in (1, 3, 5)]
    assert np.abs(apart).max() <= 2


def test_what_is_missing_has_no_colour_and_what_has_no_number_is_grey() -> None:
    values = [[np.nan, np.nan], [1.0, np.inf]]
    cells = map_cells(picture(values, [[True, False], [False, False]]), 80, 32)
    assert cells[1].tolist() == ["", LIGHT.statuses["no_influence"]]
    assert cells[0].tolist() == [LIGHT.op_stops[-1]] * 2


def test_a_map_is_drawn_in_colours_and_said_to_need_them() -> None:
    values = np.linspace(-1, 3, 24).reshape(4, 6)
    missing = np.zeros((4, 6), dtype=bool)
    missing[:2] = True
    given = state(picture=picture(np.where(missing, np.nan, values), missing))
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(given, colours="truecolor"))
    rows = [line for line in text.splitlines() if "▀" in line or "·····" in line]
    assert [set(row) & set("▀·") for row in rows] == [{"▀"}, {"·"}]
    assert "Op [nats] from 1.087 to 3, white at 0; · is missing" in text
    assert "needs a terminal with colours" in shown(given)

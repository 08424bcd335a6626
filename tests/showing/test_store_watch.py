"""A store that fills while it is watched: each look knows what came since, and reads it once."""

from __future__ import annotations

import io
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import causalopt
from causalopt.showing import store_watch
from causalopt.showing.store_watch import StoreWatch, watch_store
from causalopt.sweeps.measures.op_measure import OpMeasure
from causalopt.sweeps.sweep_plan import SweepPlan, plan_sweep
from causalopt.sweeps.sweep_store import SweepStore

KS = np.linspace(0.01, 0.99, 9000)


def plan(**grid: Any) -> SweepPlan:
    """Return Op of the thermostat after two steps, which is -log(1 - k), in small chunks."""
    axes = grid or {"k": KS}
    return plan_sweep(causalopt.load("thermostat"), axes, OpMeasure(steps=2), chunk=1)


def filled(path: Path, asked: SweepPlan, tasks: Any) -> SweepStore:
    store = SweepStore.create(path / "x.zarr", asked)
    for task in tasks:
        store.mark(task, store.write(task, asked.evaluate(task)))
    return store


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


def test_each_look_knows_what_came_and_how_fast(tmp_path: Path, clock: list[float]) -> None:
    asked = plan()
    count = asked.task_count
    assert count >= 3
    store = filled(tmp_path, asked, [0])
    watch = StoreWatch(causalopt.open_sweep(store.path), clock=lambda: clock[0])
    first = watch.look()
    points = asked.task_points(0)
    assert (first.points, first.total, first.rate) == (points, 9000, None)
    assert first.done.tolist() == [True] + [False] * (count - 1)
    assert first.note == "being computed"
    assert first.heading == "Op(T; R[0], R), at step 2 in thermostat; k: 9,000"
    clock[0] = 10.0
    store.mark(1, store.write(1, asked.evaluate(1)))
    second = watch.look()
    assert second.rate == asked.task_points(1) / 10.0
    assert second.statuses == {"ok": points + asked.task_points(1)}
    last = np.cumsum([asked.task_points(k) for k in range(2)])[-1] - 1
    low, high = second.ranges["Op [nats]"]
    assert low == pytest.approx(-np.log1p(-KS[0]), rel=1e-12)
    assert high == pytest.approx(-np.log1p(-KS[last]), rel=1e-12)
    clock[0] = 100.0
    assert watch.look().note == "being computed; no chunk came for 90 s"
    assert watch.look().rate is None  # nothing came within half a minute
    store.close()
    assert "sweep with --resume goes on" in watch.look().note


def test_the_coarse_picture_has_the_numbers_of_what_is_done_and_reads_each_chunk_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = plan()
    store = filled(tmp_path, asked, range(1, asked.task_count))
    monkeypatch.setattr(store_watch, "_BUDGET", 60.0)
    watch = StoreWatch(causalopt.open_sweep(store.path))
    read: list[int] = []
    own = SweepStore.read
    monkeypatch.setattr(
        SweepStore, "read", lambda self, task, names=(): read.append(task) or own(self, task, names)
    )
    picture = watch.look().picture
    assert picture is not None
    places = np.linspace(0, 8999, 96).round().astype(int)
    missing = places < asked.task_points(0)
    np.testing.assert_array_equal(picture.missing, missing)
    expected = np.where(missing, np.nan, -np.log1p(-KS[places]))
    np.testing.assert_allclose(picture.values, expected, rtol=1e-10)
    assert picture.axes == (("k", 0.01, 0.99),)
    assert sorted(read) == list(range(1, asked.task_count))
    store.mark(0, store.write(0, asked.evaluate(0)))
    full = watch.look()
    assert not full.picture.missing.any()  # type: ignore[union-attr]
    assert full.note == "complete"
    assert read[-1] == 0
    assert len(read) == asked.task_count
    store.close()


def test_a_look_reads_no_longer_than_it_may_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = plan()
    store = filled(tmp_path, asked, range(asked.task_count))
    store.close()
    monkeypatch.setattr(store_watch, "_BUDGET", 0.0)
    watch = StoreWatch(causalopt.open_sweep(store.path))
    left = [int(watch.look().picture.missing.sum()) for _ in range(asked.task_count)]  # type: ignore[union-attr]
    assert left == sorted(left, reverse=True)
    assert len(set(left)) == asked.task_count
    assert left[-1] == 0


def test_over_two_axes_the_first_goes_down_the_rows(tmp_path: Path) -> None:
    ks, ds = np.linspace(0.1, 0.9, 70), np.linspace(20.0, 30.0, 130)
    asked = plan(k=ks, d=ds)
    store = filled(tmp_path, asked, range(asked.task_count))
    store.close()
    picture = StoreWatch(causalopt.open_sweep(store.path)).look().picture
    assert picture is not None
    rows = ks[np.linspace(0, 69, 32).round().astype(int)]
    np.testing.assert_allclose(picture.values, -np.log1p(-rows)[:, None] + np.zeros(96), rtol=1e-10)
    assert picture.axes == (("k", 0.1, 0.9), ("d", 20.0, 30.0))
    assert picture.middle == 0.0


@pytest.mark.parametrize(
    "grid",
    [
        {"hold": ["T", "T[t<=1]"], "k": [0.1, 0.2]},
        {"k": [0.1, 0.2], "d": [20.0, 25.0], "T[0]": [1.0, 2.0]},
        {"points": causalopt.Design({"k": [0.2, 0.1], "d": [20.0, 25.0]})},
    ],
)
def test_other_axes_have_no_coarse_picture(tmp_path: Path, grid: dict[str, Any]) -> None:
    asked = plan(**grid)
    store = filled(tmp_path, asked, range(asked.task_count))
    store.close()
    state = StoreWatch(causalopt.open_sweep(store.path)).look()
    assert state.picture is None
    assert state.points == asked.count


def test_a_store_is_watched_until_it_is_complete_and_drawn_in_the_end(tmp_path: Path) -> None:
    asked = plan()
    store = filled(tmp_path, asked, [])
    drawn: list[int] = []
    wanted = threading.Event()

    def fill() -> None:
        wanted.wait(20)
        for task in range(asked.task_count):
            store.mark(task, store.write(task, asked.evaluate(task)))
        store.close()

    def redraw() -> None:
        drawn.append(causalopt.open_sweep(store.path).done)
        wanted.set()

    thread = threading.Thread(target=fill)
    thread.start()
    out = io.StringIO()
    state = watch_store(
        causalopt.open_sweep(store.path),
        redraw=redraw,
        console=Console(file=out, width=100),
        every=0.02,
    )
    thread.join()
    assert state.done.all()
    assert drawn[-1] == asked.task_count
    lines = out.getvalue().splitlines()
    assert lines[0].startswith(f"0 of {asked.task_count} chunks, 0 of 9,000 points: being computed")
    assert lines[-1].endswith("9,000 of 9,000 points: complete")
    assert len(lines) == 2


def test_on_a_terminal_one_view_is_shown_in_place(tmp_path: Path) -> None:
    asked = plan()
    store = filled(tmp_path, asked, range(asked.task_count))
    store.close()
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, color_system="truecolor")
    watch_store(causalopt.open_sweep(store.path), console=console)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert text.count("9,000 of 9,000 points") >= 1
    assert "complete" in text
    assert "█" * asked.task_count in text

"""How far long work is: a protocol with a total, one bar for a call, and who is shown it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt.errors import QuestionError
from causalopt.work import progress as work
from causalopt.work.bars import BARS, Lines, rate_text, span_text
from causalopt.work.progress import (
    Progress,
    begin,
    long_work,
    portion,
    remark,
    through,
    tick,
    uncounted,
)

ROOT = Path(__file__).parents[2]
Told = list[tuple[float, float, str]]


def told_of(call: Callable[..., object], **options: Any) -> Told:
    told: Told = []
    call(progress=lambda *how: told.append(how), **options)
    return told


def is_in_order(told: Told) -> bool:
    done = [at for at, _, _ in told]
    return done == sorted(done) and done[-1] == told[-1][1] and min(done) >= 0


@long_work("inner", direct=True)
def inner(*, progress: Progress | None = None, count: int = 2) -> int:
    del progress
    for k in range(count):
        tick(k + 1, count)
    return count


@long_work("outer")
def outer(*, progress: Progress | None = None) -> None:
    del progress
    inner()  # it stands in no portion: it prepares something
    for _ in through(range(4)):
        inner()


def test_the_outermost_call_counts_and_what_runs_inside_moves_within_its_share() -> None:
    assert [at for at, _, _ in told_of(outer)] == [
        0, 0.5, 1, 1, 1.5, 2, 2, 2.5, 3, 3, 3.5, 4, 4,
    ]  # fmt: skip
    assert {how[1:] for how in told_of(outer)} == {(4, "outer")}
    assert told_of(inner) == [(1, 2, "inner"), (2, 2, "inner")]


def test_portions_are_in_per_cent_unless_the_work_said_its_unit() -> None:
    @long_work("halves")
    def halves(*, progress: Progress | None = None, unit: float | None = None) -> None:
        del progress
        if unit is not None:
            begin(unit)
        with portion(0.0, 0.5):
            inner()
        with uncounted():
            inner()
        with portion(0.5, 1.0), portion(0.5, 1.0):
            inner(count=1)

    assert [how[:2] for how in told_of(halves)] == [(25, 100), (50, 100), (100, 100)]
    assert [at for at, _, _ in told_of(halves, unit=8)] == [0, 2, 4, 8]


def test_work_that_says_nothing_ends_without_a_word_and_a_total_may_grow() -> None:
    @long_work("growing", direct=True)
    def growing(*, progress: Progress | None = None, totals: tuple[int, ...] = ()) -> None:
        del progress
        for total in totals:
            tick(1, total)

    assert told_of(growing) == []
    assert [how[:2] for how in told_of(growing, totals=(2, 4))] == [(1, 2), (1, 4), (4, 4)]


def test_what_a_callback_raises_passes_through_and_the_next_call_is_right() -> None:
    model, axes = causalopt.load("lorenz"), {"rho": np.linspace(0, 30, 4000)}
    plain = causalopt.sweep(model, axes, steps=500)

    class Enough(Exception):  # noqa: N818 - it is no error
        pass

    def enough(done: float, total: float, what: str) -> None:
        del total, what
        if done > 0:
            raise Enough

    for workers in (1, 2):
        with pytest.raises(Enough):
            causalopt.sweep(model, axes, steps=500, workers=workers, progress=enough)
        assert not [t for t in threading.enumerate() if t.name == "causalopt-worker"]
    again = causalopt.sweep(model, axes, steps=500)
    assert again.op.tobytes() == plain.op.tobytes()
    assert told_of(inner)[-1] == (2, 2, "inner")


def test_progress_that_is_no_function_is_refused() -> None:
    with pytest.raises(QuestionError, match=r"progress is a function of \(done, total, what\)"):
        inner(progress=7)  # type: ignore[arg-type]
    with pytest.raises(QuestionError, match="to show no bar"):
        causalopt.progress("no")  # type: ignore[arg-type]


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "run": ("lorenz", {"steps": 9000}),
    "world": ("lorenz", {"steps": 9000}),
    "rates": ("lorenz", {"steps": 2000}),
    "sweep": ("thermostat", {"grid": {"k": [0.01, 0.02, 0.03]}, "steps": 50}),
    "find_optimizers": ("lorenz", {"steps": 50}),
    "divide": ("lorenz", {"steps": 50}),
    "division_stability": ("lorenz", {"steps": 50, "starts": 3}),
    "detect_optimizer": ("thermostat", {"steps": 50, "starts": 8}),
    "op_matrix": ("lorenz", {"sources": ["b[0]", "c[0]"], "targets": ["a[9]", "b[9]"]}),
    "op_to_all": ("lorenz", {"nudge": "b[0]", "steps": 9000}),
    "currents": ("lorenz", {"steps": 9000}),
    "across": ("lorenz", {"region": "a[3<=t<6]", "steps": 9}),
    "shapley": ("lorenz", {"nudge": "b[0]", "hold": "a, c", "target": "b", "at": 50}),
    "derive": ("thermostat", {}),
    "strength": ("thermostat_smart", {}),
    "escape": ("sgd_pit", {"start": 1.0036974, "beyond": 1.1959565, "within": 40}),
    "train": ("cart_pole", {"updates": 2}),
    "op_basins": ("lorenz", {"over": {"a[0]": (-5, 5)}, "steps": 50, "depth": 1}),
    "attraction_basins": (
        "lorenz", {"over": {"a[0]": (-5, 5)}, "parameters": {"rho": 10}, "depth": 1},
    ),
    "optimization_amount": ("thermostat_saturating", {"over": {"R[0]": (5, 45)}}),
    "rate_curve": ("thermostat", {"along": {"k": [0.01, 0.02]}, "steps": 4000}),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_long_function_tells_a_total_and_reaches_it(name: str) -> None:
    shipped, options = CALLS[name]
    options = dict(options)
    model = causalopt.load(shipped)
    given = [options.pop(key) for key in ("grid", "over", "region", "along") if key in options]
    if name == "op_to_all":
        given.append(options.pop("nudge"))
    told = told_of(lambda **how: getattr(causalopt, name)(model, *given, **how), **options)
    assert told
    assert is_in_order(told)
    assert len({what for _, _, what in told}) == 1


def test_a_callback_of_the_session_is_told_where_a_call_has_none() -> None:
    told: Told = []
    mine: Told = []
    with causalopt.progress(lambda *how: told.append(how)):
        inner()
        inner(progress=lambda *how: mine.append(how))
    inner()
    assert len(told) == len(mine) == 2


@pytest.fixture
def impatient(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    monkeypatch.setattr(work, "PATIENCE", 0.0)
    monkeypatch.delenv(work.VARIABLE, raising=False)
    return lambda: capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "chosen", "lines"),
    [
        (None, None, 0), ("1", None, 1), ("0", None, 0), ("", None, 0), (None, True, 1),
        ("1", False, 0), ("0", True, 1), ("off", None, 0),
    ],
)  # fmt: skip
def test_a_script_is_silent_unless_it_asks(
    impatient: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    said: str | None,
    chosen: bool | None,
    lines: int,
) -> None:
    if said is not None:
        monkeypatch.setenv(work.VARIABLE, said)
    if chosen is None:
        outer()
    else:
        with causalopt.progress(chosen):
            outer()
    written = impatient()
    assert len(written.splitlines()) == lines
    assert not lines or written.startswith("outer: 0% after 0 s")


@long_work("noted", direct=True)
def noted(*, progress: Progress | None = None) -> None:
    del progress
    remark("1 failed")
    tick(1, 2)
    remark("")
    tick(2, 2)


def test_a_remark_is_shown_and_callbacks_are_not_told(impatient: Callable[[], str]) -> None:
    with causalopt.progress(True):
        noted()
    assert impatient().startswith("noted (1 failed): 50%")
    assert told_of(noted) == [(1, 2, "noted"), (2, 2, "noted")]


def test_two_seconds_are_not_told_of(
    impatient: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "PATIENCE", 60.0)
    with causalopt.progress(True):
        outer()
    assert impatient() == ""


def test_another_thread_shows_nothing(impatient: Callable[[], str]) -> None:
    with causalopt.progress(True):
        thread = threading.Thread(target=outer)
        thread.start()
        thread.join()
    assert impatient() == ""


@pytest.mark.skipif(os.name != "posix", reason="a terminal is POSIX's here")
def test_a_terminal_has_one_bar_with_rate_and_time_left_and_none_afterwards() -> None:
    code = (
        "import time\n"
        "from causalopt.work import progress\n"
        "progress.PATIENCE = 0.2\n"
        "@progress.long_work('waiting', unit='points')\n"
        "def wait(*, progress=None):\n"
        "    for _ in through(range(20)):\n"
        "        time.sleep(0.05)\n"
        "from causalopt.work.progress import through\n"
        "wait()\n"
    )
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=other,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(other)
    shown = b""
    try:
        while part := os.read(main, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r"waiting .*\d+% *[\d.]+ points/s +\d:\d\d:\d\d", text)
    assert shown.rstrip().endswith(b"\x1b[2K")  # the line is empty again


def test_rates_are_written_with_three_digits() -> None:
    assert [rate_text(rate) for rate in (2.5e9, 999.0, 1000.0, 0.5)] == [
        "2.5 G/s", "999 /s", "1 k/s", "0.5 /s",
    ]  # fmt: skip


def test_a_line_says_the_rate_with_its_unit_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [100.0]
    monkeypatch.setattr("causalopt.work.bars.time.monotonic", lambda: clock[0])
    lines = Lines(100.0, "points")
    for at, done in ((100.0, 0), (104.0, 1_000), (150.0, 100_000), (155.0, 110_000)):
        clock[0] = at
        lines.show(done, 1_000_000, "sweeping (2 failed)")
    assert capsys.readouterr().err.splitlines() == [
        "sweeping (2 failed): 0% after 0 s",
        "sweeping (2 failed): 10% after 50 s, 2 k points/s, 7.5 min left",
    ]


def test_a_sweep_counts_points() -> None:
    told: list[str] = []

    class Shown:
        def __init__(self, begun: float, unit: str = "") -> None:
            del begun
            told.append(unit)

        def show(self, *how: object) -> None: ...

        def close(self) -> None: ...

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "PATIENCE", 0.0)
        patch.setitem(work.__dict__, "_on_terminal", lambda: True)
        patch.setitem(BARS, "terminal", Shown)
        causalopt.sweep(causalopt.load("thermostat"), {"k": [0.1, 0.2]}, steps=3)
        causalopt.run(causalopt.load("thermostat"), steps=3)
    assert told == ["points", ""]


def test_a_length_of_time_is_said_in_the_unit_in_which_it_is_read() -> None:
    lengths = (119.4, 120.0, 3600.0 * 2, 86400.0 * 2)
    assert [span_text(s) for s in lengths] == ["119 s", "2 min", "2 h", "2 days"]


def test_a_short_call_costs_as_little_as_its_wrapper() -> None:
    @long_work("nothing")
    def marked(*, progress: Progress | None = None) -> None:
        del progress

    begun = time.perf_counter()
    for _ in range(2000):
        marked()
    assert (time.perf_counter() - begun) / 2000 < 200e-6


def test_a_package_of_notebooks_alone_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert causalopt.run(causalopt.load("thermostat"), steps=3).steps == 3

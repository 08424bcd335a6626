"""The time limit: it holds on any thread, and passes results and errors through."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
import sympy

from causalopt import Model
from causalopt.symbolic.deadline import Deadline, OvertimeError
from causalopt.symbolic.derive import derive


def endless() -> None:
    numbers = itertools.count()
    while True:
        try:
            sympy.sin(next(numbers)).diff()
        except Exception:
            continue


# hypothesis counts collections in a callback in which a stop is lost; it is raised again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_endless_stage_is_stopped_and_its_thread_ends() -> None:
    before = threading.active_count()
    with pytest.raises(OvertimeError, match="not done within"):
        Deadline.after(0.2).run(endless)
    assert threading.active_count() == before


# hypothesis counts collections in a callback in which a stop is lost; it is raised again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_limit_holds_off_the_main_thread_too() -> None:
    found: list[str] = []

    def work() -> None:
        try:
            Deadline.after(0.2).run(endless)
        except OvertimeError:
            found.append("stopped")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert found == ["stopped"]


def test_a_stage_within_its_time_gives_its_answer_or_its_error() -> None:
    assert Deadline.after(5).run(max, 3, 4) == 4
    with pytest.raises(ZeroDivisionError, match="zero"):
        Deadline.after(5).run(lambda: 1 // 0)


def test_a_stage_runs_where_it_is_where_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    found = Deadline.after(5.0).run(threading.get_ident)
    assert found == threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        Deadline.after(5.0).run(divmod, 1, 0)
    with pytest.raises(OvertimeError):
        Deadline.after(0.0).run(threading.get_ident)


def test_no_stage_starts_after_the_deadline() -> None:
    with pytest.raises(OvertimeError, match="no time is left"):
        Deadline.after(-1).run(max, 1, 2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_program_that_is_slow_to_write_out_stays_a_program() -> None:
    # sympy compares nested exponentials of growing size when they are put into each other.
    variables = {
        "x": {"flow": "y**6", "initial": 1},
        "y": {"flow": "exp(-(x*a)**2)", "initial": 2},
        "a": {"algebraic": "1/y + x**3/(1 + y**2)"},
    }
    question = {"nudge": "y[0]", "hold": "a", "target": "x"}
    model = Model(name="slow", variables=variables, dt=0.5, method="rk4", question=question)
    began = time.monotonic()
    found = derive(model, at=3, time_limit=4)
    assert time.monotonic() - began < 12
    assert found.needs_program
    assert found.standing == "checked to 60 digits"

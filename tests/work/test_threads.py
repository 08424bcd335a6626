"""Pieces of machine code, and threads that end when the caller is interrupted."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import causalopt
from causalopt.engine.batch import Batch
from causalopt.engine.machine import batch_code, carrier_code, follow_code, trajectory
from causalopt.engine.machine.batch_code import MachineBatch
from causalopt.work import processes, threads
from causalopt.work.processes import answer_of_process
from causalopt.work.threads import Pace, check_stop, on_threads
from causalopt.worlds.interventions import plan_for


@pytest.mark.parametrize("count", [1, 3])
def test_results_stand_in_the_order_of_the_items(count: int) -> None:
    assert on_threads(lambda x: x * x, range(50), count) == [x * x for x in range(50)]


def test_an_error_is_raised_when_all_threads_have_ended() -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 1:
            raise ValueError("one is wrong")
        for _ in range(500):
            check_stop()
            time.sleep(0.01)

    before = time.monotonic()
    with pytest.raises(ValueError, match="one is wrong"):
        on_threads(work, range(100), 2)
    assert time.monotonic() - before < 3
    assert len(begun) <= 3
    assert not [t for t in threading.enumerate() if t.name == "causalopt-worker"]


def test_a_caller_s_own_thread_is_never_stopped() -> None:
    check_stop()


def test_pieces_cover_a_stretch_and_grow_and_shrink_with_the_time_they_take() -> None:
    pace = Pace(33, 32)
    assert pace.steps == 32
    pieces = list(pace.pieces(5, 100_000))
    assert pieces[0] == (5, 37)
    assert [stop for _, stop in pieces[:-1]] == [start for start, _ in pieces[1:]]
    assert pieces[-1][1] == 100_000
    assert all((stop - start) % 32 == 0 for start, stop in pieces[:-1])
    assert pieces[1][1] - pieces[1][0] == 256
    slow = Pace(6400, 32)
    for start, stop in slow.pieces(0, 12800):
        time.sleep(0.25 if start == 0 else 0)
        assert stop > start
    assert 32 <= slow.steps < 6400 * 8


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call of machine code as short as it may be."""
    monkeypatch.setattr(threads, "_PIECE", 0.0)
    for module in (batch_code, carrier_code, follow_code, trajectory):
        monkeypatch.setattr(module, "_FIRST_PIECE", 1)


def test_a_run_in_pieces_is_bit_for_bit_the_run_at_once(request: pytest.FixtureRequest) -> None:
    model = causalopt.load("lorenz")

    def run(**options: Any) -> list[bytes]:
        asked: dict[str, Any] = {
            "nudge": "b[3]",
            "hold": "a[t<=150]",
            "target": "b",
            "steps": 20_000,
        }
        found = causalopt.run(model, **{**asked, **options})
        return [found.op.tobytes(), found.W["c"].tobytes(), str(found.status.tolist()).encode()]

    whole = run(), run(delta=1e-3)
    adjoint = causalopt.op_from_all(model, "b[20000]", hold="a").op.values.tobytes()
    request.getfixturevalue("tiny")
    assert (run(), run(delta=1e-3)) == whole
    assert causalopt.op_from_all(model, "b[20000]", hold="a").op.values.tobytes() == adjoint


def test_rates_and_sets_in_pieces_are_bit_for_bit_the_same(request: pytest.FixtureRequest) -> None:
    model = causalopt.load("lorenz")

    def found() -> tuple[str, bytes]:
        rates = causalopt.rates(model, steps=3000)
        sets = causalopt.find_optimizers(model, steps=300)
        numbers = [*rates.lyapunov, *rates.conditional, rates.op_rate]
        return repr(numbers), repr([(c.hold, c.op) for c in sets]).encode()

    whole = found()
    request.getfixturevalue("tiny")
    assert found() == whole


@pytest.mark.parametrize("mode", ["values", "tangents", "finite"])
def test_a_batch_in_pieces_is_bit_for_bit_the_batch_at_once(
    mode: str, request: pytest.FixtureRequest
) -> None:
    model = causalopt.load("lorenz")
    b = model.template.index["b"]
    plan = plan_for(model, steps=3000, hold=model.selection("a[t<=700]"), seed=model.node("b[2]"))
    starts = {(0, b): np.linspace(-2, 2, 100)}
    batch = Batch(plan, starts, {}, (0, 5, 999, 1000, 3000), (b,), mode=mode, delta=1e-3)

    def run() -> list[bytes]:
        found = MachineBatch(model.template.structure, batch).run(slice(0, 100))
        return [*(v.tobytes() for v in found.values.values()), found.exponents.tobytes()]

    whole = run()
    request.getfixturevalue("tiny")
    assert run() == whole


def test_noise_at_every_step_is_the_same_in_pieces(request: pytest.FixtureRequest) -> None:
    model = causalopt.load("sgd_pit")
    w = model.template.index["W"]
    plan = plan_for(model, steps=900, noise_seed=3)
    batch = Batch(plan, {(0, w): np.linspace(0.0, 2.0, 40)}, {}, (900,), (w,), mode="values")

    def run() -> bytes:
        found = MachineBatch(model.template.structure, batch).run(slice(0, 40))
        return found.values["w"].tobytes()

    whole = run()
    request.getfixturevalue("tiny")
    assert run() == whole


def test_another_process_gives_the_same_object_and_a_failed_one_none() -> None:
    compiler = pytest.importorskip("causalopt.engine.machine.compiler")
    text = "define i64 @one(i64 %a) {\n  %b = add i64 %a, 1\n  ret i64 %b\n}\n"
    given = f"2 2\n{text}".encode()
    found = answer_of_process(compiler.__name__, "object_of", given)
    assert found == compiler.object_of(given)
    assert answer_of_process(compiler.__name__, "object_of", b"nonsense") is None


def test_a_long_argument_reaches_a_process_that_starts_slowly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More than a pipe holds, to an interpreter that is not up when the caller first looks."""
    monkeypatch.setattr(processes, "WAIT", 0.001)
    monkeypatch.setattr(processes, "pulse", _limit(time.monotonic() + 30))
    given = bytes(range(256)) * 20_000
    found = answer_of_process("zlib", "compress", given)
    assert found is not None
    assert zlib.decompress(found) == given


def _limit(end: float) -> Callable[[], None]:
    """Return a call that fails after a time, so that what hangs is a failure."""

    def look() -> None:
        assert time.monotonic() < end

    return look
